//! PDF files written piece by piece (ISO 32000-2 §7.5), by another hand than the one that reads them; right unless a test makes
//! them wrong.
//!
//! Objects are text: `<< /Type /Page … >>`, without `N 0 obj` and `endobj` around it.

pub mod base;
pub mod scan;
pub mod section;
pub mod sign;

use std::collections::BTreeMap;

pub use base::Kind;
pub use section::{Layout, Section};
pub use sign::Signing;

use antin::core::validation::Content;

use super::verdict::Judge;

/// Bodies of objects by their numbers.
pub type Objects = BTreeMap<u32, Vec<u8>>;

/// A file, and what it takes to go on with it.
#[derive(Clone, Debug)]
pub struct Pdf {
    pub octets: Vec<u8>,
    /// The newest body of each object.
    pub objects: Objects,
    /// Where the newest cross-references begin.
    pub startxref: usize,
    pub layout: Layout,
    /// Entries that every trailer has.
    pub trailer: String,
    /// No object has this number or a larger one.
    pub size: u32,
    /// Where each revision ends.
    pub ends: Vec<usize>,
}

impl Pdf {
    /// The first revision.
    pub fn write(layout: Layout, objects: Objects) -> Self {
        let trailer = if objects.contains_key(&base::INFO) { "/Info 6 0 R".to_owned() } else { String::new() };
        let hidden = if layout == Layout::Hybrid { vec![base::FONT] } else { Vec::new() };
        let section = Section { objects: objects.clone(), hidden, trailer: trailer.clone(), ..Section::first(layout) };
        let mut octets = b"%PDF-2.0\n%\xE2\xE3\xCF\xD3\n".to_vec();
        let (startxref, size) = section.append(&mut octets);
        Self { ends: vec![octets.len()], octets, objects, startxref, layout, trailer, size }
    }

    /// The usual file of this kind.
    pub fn of(kind: Kind) -> Self {
        Self::write(kind.layout(), kind.objects())
    }

    /// The number of an object that is not there.
    pub fn next(&self) -> u32 {
        self.size.max(30)
    }

    /// A section that follows: nothing in it yet.
    pub fn section(&self) -> Section {
        let trailer = self.trailer.clone();
        Section { prev: Some(self.startxref), size: self.next(), trailer, ..Section::first(self.layout) }
    }

    /// With this section behind it.
    pub fn followed_by(&self, section: &Section) -> Self {
        let mut pdf = self.clone();
        (pdf.startxref, pdf.size) = section.append(&mut pdf.octets);
        pdf.ends.push(pdf.octets.len());
        pdf.objects.extend(section.objects.clone());
        pdf
    }

    /// With a revision that writes these objects.
    pub fn with(&self, objects: impl IntoIterator<Item = (u32, Vec<u8>)>) -> Self {
        self.followed_by(&Section { objects: objects.into_iter().collect(), ..self.section() })
    }

    /// The numbers of the objects in an object stream, in their order.
    pub fn packed(&self, number: u32) -> Vec<u32> {
        let found = scan::objects(&self.octets).into_iter().find(|found| found.number == number).expect("a stream");
        let body = &self.octets[found.body];
        let data = &body[find(body, b"stream\n") + "stream\n".len()..];
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(data), &mut text).expect("a stream");
        let count =
            String::from_utf8_lossy(body).split("/N ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        let text = String::from_utf8_lossy(&text).into_owned();
        let numbers = text.split_whitespace().step_by(2).take(count.expect("a count"));
        numbers.map(|number| number.parse().expect("a number")).collect()
    }

    /// The newest body of an object as text, a piece of it replaced.
    pub fn edited(&self, number: u32, from: &str, to: &str) -> (u32, Vec<u8>) {
        (number, replaced(&self.objects[&number], from, to))
    }

    /// With a revision in which this piece of this object is replaced.
    pub fn with_edit(&self, number: u32, from: &str, to: &str) -> Self {
        self.with([self.edited(number, from, to)])
    }
}

/// The first place of a piece that is there.
pub fn find(octets: &[u8], piece: &[u8]) -> usize {
    memchr::memmem::find(octets, piece).unwrap_or_else(|| panic!("no {}", String::from_utf8_lossy(piece)))
}

/// The last place of a piece that is there.
pub fn find_last(octets: &[u8], piece: &[u8]) -> usize {
    memchr::memmem::rfind(octets, piece).unwrap_or_else(|| panic!("no {}", String::from_utf8_lossy(piece)))
}

/// With the first such piece replaced.
pub fn replaced(octets: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = find(octets, from.as_bytes());
    [&octets[..at], to.as_bytes(), &octets[at + from.len()..]].concat()
}

/// A stream with this data.
pub fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<< {entries} /Length {} >>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

/// One value in DER with these octets, as the streams of a security store have.
pub fn in_der(octets: &[u8]) -> Vec<u8> {
    let length = u32::try_from(octets.len()).expect("short").to_be_bytes();
    let shortest = match octets.len() {
        0..0x80 => &length[3..],
        0x80..0x1_0000 => &[&[0x82], &length[2..]].concat(),
        _ => &[&[0x84], &length[..]].concat(),
    };
    [&[0x30], shortest, octets].concat()
}

/// A compressed stream with this data.
pub fn flate(entries: &str, data: &[u8]) -> Vec<u8> {
    stream(&format!("{entries} /Filter /FlateDecode"), &deflated(data))
}

/// In the format of zlib.
pub fn deflated(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("memory")
}

/// The verdict of a PDF by the usual judge.
pub fn verdict(octets: &[u8]) -> String {
    Judge::default().verdict(octets, Content::None)
}
