//! One revision: objects, cross-references, trailer (ISO 32000-2 §7.5.3 to §7.5.8).

use std::collections::BTreeMap;

use super::{Objects, deflated, stream};

/// How a revision says where its objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A table.
    Table,
    /// A stream; objects stand in an object stream where they can.
    Stream,
    /// A table, and a stream for the objects that [`Section::hidden`] names.
    Hybrid,
}

/// What a revision writes.
#[derive(Clone, Debug)]
pub struct Section {
    pub layout: Layout,
    pub objects: Objects,
    /// Objects that are taken away.
    pub free: Vec<u32>,
    /// Entries for what stands elsewhere in the file.
    pub places: Vec<(u32, usize)>,
    /// Of the objects, those that only the stream of a hybrid file knows.
    pub hidden: Vec<u32>,
    pub root: u32,
    pub prev: Option<usize>,
    /// At least so much is `Size`.
    pub size: u32,
    /// Further entries of the trailer.
    pub trailer: String,
    /// Writes its object stream.
    pub packing: fn(&Objects) -> Vec<u8>,
}

/// Where an object is: free, at an offset, in an object stream.
#[derive(Clone, Copy)]
enum Entry {
    Free,
    At(usize),
    In(u32, usize),
}

impl Section {
    pub fn first(layout: Layout) -> Self {
        Self {
            layout,
            objects: Objects::new(),
            free: Vec::new(),
            places: Vec::new(),
            hidden: Vec::new(),
            root: super::base::CATALOGUE,
            prev: None,
            size: 0,
            trailer: String::new(),
            packing: object_stream,
        }
    }

    /// Writes it behind what is there; where its cross-references begin, and the number that is free for the next object.
    pub fn append(&self, octets: &mut Vec<u8>) -> (usize, u32) {
        let mut entries: BTreeMap<u32, Entry> = self.free.iter().map(|number| (*number, Entry::Free)).collect();
        if self.prev.is_none() {
            entries.insert(0, Entry::Free);
        }
        let mut next = self.objects.keys().last().map_or(1, |last| last + 1).max(self.size);
        let (packed, plain): (Objects, Objects) = self.objects.clone().into_iter().partition(|(number, body)| {
            let is_text = memchr::memmem::find(body, b"stream").is_none();
            // What is left out of what is signed stands in the file itself.
            let is_signature = memchr::memmem::find(body, b"/ByteRange").is_some();
            let is_packed = match self.layout {
                Layout::Table => false,
                Layout::Stream => true,
                Layout::Hybrid => self.hidden.contains(number),
            };
            is_packed && is_text && !is_signature
        });
        for (number, body) in &plain {
            entries.insert(*number, Entry::At(octets.len()));
            object(octets, *number, body);
        }
        let mut hidden = BTreeMap::new();
        if !packed.is_empty() {
            hidden.insert(next, Entry::At(octets.len()));
            object(octets, next, &(self.packing)(&packed));
            hidden.extend(packed.keys().enumerate().map(|(index, number)| (*number, Entry::In(next, index))));
            next += 1;
        }
        let startxref;
        if self.layout == Layout::Stream {
            startxref = octets.len();
            entries.insert(next, Entry::At(startxref));
            entries.extend(hidden);
            entries.extend(self.places.iter().map(|(number, at)| (*number, Entry::At(*at))));
            object(octets, next, &reference_stream(&entries, &self.trailer_entries(next + 1)));
        } else {
            let mut trailer = self.trailer_entries(next + 1);
            if !hidden.is_empty() {
                let at = octets.len();
                hidden.insert(next, Entry::At(at));
                object(octets, next, &reference_stream(&hidden, &format!("/Size {}", next + 1)));
                entries.extend(hidden.keys().map(|number| (*number, Entry::Free)));
                trailer += &format!(" /XRefStm {at}");
            }
            startxref = octets.len();
            entries.extend(self.places.iter().map(|(number, at)| (*number, Entry::At(*at))));
            octets.extend(table(&entries));
            octets.extend(format!("trailer\n<< {trailer} >>\n").bytes());
        }
        octets.extend(format!("startxref\n{startxref}\n%%EOF\n").bytes());
        (startxref, next + 1)
    }

    fn trailer_entries(&self, size: u32) -> String {
        let prev = self.prev.map(|prev| format!(" /Prev {prev}")).unwrap_or_default();
        format!("/Size {size} /Root {} 0 R{prev} {}", self.root, self.trailer)
    }
}

/// `N 0 obj … endobj`.
pub fn object(octets: &mut Vec<u8>, number: u32, body: &[u8]) {
    octets.extend(format!("{number} 0 obj\n").bytes());
    octets.extend_from_slice(body);
    octets.extend_from_slice(b"\nendobj\n");
}

/// An object stream of these objects (§7.5.7).
pub fn object_stream(objects: &Objects) -> Vec<u8> {
    let (mut numbers, mut bodies) = (String::new(), Vec::new());
    for (number, body) in objects {
        numbers += &format!("{number} {} ", bodies.len());
        bodies.extend_from_slice(body);
        bodies.push(b'\n');
    }
    let entries = format!("/Type /ObjStm /N {} /First {} /Filter /FlateDecode", objects.len(), numbers.len());
    stream(&entries, &deflated(&[numbers.as_bytes(), &bodies].concat()))
}

/// Runs of numbers that follow each other.
fn runs(entries: &BTreeMap<u32, Entry>) -> Vec<Vec<(u32, Entry)>> {
    let mut runs: Vec<Vec<(u32, Entry)>> = Vec::new();
    for (number, entry) in entries {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|(last, _)| last + 1 == *number) => run.push((*number, *entry)),
            _ => runs.push(vec![(*number, *entry)]),
        }
    }
    runs
}

/// Entries of four, two and one octets, with the predictor that most writers use (§7.5.8).
fn reference_stream(entries: &BTreeMap<u32, Entry>, trailer: &str) -> Vec<u8> {
    let (mut index, mut rows, mut above) = (String::new(), Vec::new(), [0_u8; 7]);
    for run in runs(entries) {
        index += &format!("{} {} ", run[0].0, run.len());
        for (_, entry) in run {
            let (kind, second, third) = match entry {
                Entry::Free => (0, 0, 0xFFFF),
                Entry::At(offset) => (1, offset as u32, 0),
                Entry::In(stream, index) => (2, stream, index as u16),
            };
            let mut row = vec![kind];
            row.extend(second.to_be_bytes());
            row.extend(third.to_be_bytes());
            rows.push(2);
            rows.extend(row.iter().zip(above).map(|(octet, above)| octet.wrapping_sub(above)));
            above.copy_from_slice(&row);
        }
    }
    let entries = format!(
        "/Type /XRef {trailer} /W [1 4 2] /Index [{index}] /Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 7 >>"
    );
    stream(&entries, &deflated(&rows))
}

fn table(entries: &BTreeMap<u32, Entry>) -> Vec<u8> {
    let mut table = b"xref\n".to_vec();
    for run in runs(entries) {
        table.extend(format!("{} {}\n", run[0].0, run.len()).bytes());
        for (number, entry) in run {
            let line = match entry {
                Entry::At(offset) => format!("{offset:010} 00000 n\r\n"),
                _ if number == 0 => "0000000000 65535 f\r\n".to_owned(),
                _ => "0000000000 00000 f\r\n".to_owned(),
            };
            table.extend(line.bytes());
        }
    }
    // A revision may change nothing.
    if entries.is_empty() {
        table.extend(b"0 0\n");
    }
    table
}
