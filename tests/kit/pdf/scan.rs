//! What a file has, found by looking for it and not by reading it: for files of others and for those that are attacked.

use std::ops::Range;

use memchr::memmem;

/// The strings `<…>` behind `/Contents`, those of messages, with their delimiters.
pub fn messages(octets: &[u8]) -> Vec<Range<usize>> {
    let places = memmem::find_iter(octets, b"/Contents").map(|at| at + "/Contents".len());
    places.filter_map(|at| string(octets, at)).filter(|range| range.len() > 400).collect()
}

fn string(octets: &[u8], at: usize) -> Option<Range<usize>> {
    let spaces = octets[at..].iter().take_while(|octet| octet.is_ascii_whitespace()).count();
    let begin = at + spaces;
    let digits = octets[begin..].strip_prefix(b"<")?.iter().take_while(|octet| octet.is_ascii_hexdigit()).count();
    (octets.get(begin + 1 + digits) == Some(&b'>')).then_some(begin..begin + digits + 2)
}

/// The octets of a message, what fills up after it left out.
pub fn message(octets: &[u8], place: &Range<usize>) -> Vec<u8> {
    let mut message = hex::decode(&octets[place.start + 1..place.end - 1]).expect("digits");
    let length = match message[1] {
        0x82 => 4 + usize::from(message[2]) * 256 + usize::from(message[3]),
        0x83 => 5 + usize::from(message[2]) * 65_536 + usize::from(message[3]) * 256 + usize::from(message[4]),
        _ => {
            // Of indefinite length: it ends with zeros of its own.
            let last = message.iter().rposition(|octet| *octet != 0).expect("a message") + 1;
            let ends = last..message.len();
            let mut whole = ends.filter(|end| antin::core::der::ber::normalise_content_info(&message[..*end]).is_ok());
            whole.next().expect("a message")
        }
    };
    message.truncate(length);
    message
}

/// An object in the file itself.
#[derive(Clone, Debug)]
pub struct Found {
    pub number: u32,
    /// From its number to behind `endobj`.
    pub whole: Range<usize>,
    /// What stands between `obj` and `endobj`.
    pub body: Range<usize>,
}

/// `N G obj … endobj` at beginnings of lines, in the order of the file.
pub fn objects(octets: &[u8]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for at in memmem::find_iter(octets, b" obj") {
        let digits = |end: usize| octets[..end].iter().rev().take_while(|octet| octet.is_ascii_digit()).count();
        let generation = at - digits(at);
        let Some(before) = generation.checked_sub(1).filter(|before| octets[*before] == b' ') else { continue };
        let begin = before - digits(before);
        let number = |range: Range<usize>| std::str::from_utf8(&octets[range]).ok()?.parse::<u32>().ok();
        let (Some(number), Some(_)) = (number(begin..before), number(generation..at)) else { continue };
        let is_inside = found.last().is_some_and(|last| begin < last.whole.end);
        let Some(end) = memmem::find(&octets[at..], b"endobj").filter(|_| !is_inside) else { continue };
        let body = at + 4..at + end;
        found.push(Found { number, whole: begin..body.end + 6, body });
    }
    found
}

/// The number behind the last `startxref`.
pub fn startxref(octets: &[u8]) -> Option<usize> {
    let at = memmem::rfind(octets, b"startxref")? + "startxref".len();
    let text = octets[at..].iter().skip_while(|octet| octet.is_ascii_whitespace());
    let digits: String = text.take_while(|octet| octet.is_ascii_digit()).map(|octet| char::from(*octet)).collect();
    digits.parse().ok()
}

/// Where each revision ends: behind `%%EOF` and its end of line.
pub fn ends(octets: &[u8]) -> Vec<usize> {
    let ends = memmem::find_iter(octets, b"%%EOF").map(|at| at + "%%EOF".len());
    let line = |at: usize| {
        let rest = &octets[at..];
        [&b"\r\n"[..], b"\n", b"\r"].iter().find(|line| rest.starts_with(line)).map_or(0, |line| line.len())
    };
    ends.map(|at| at + line(at)).collect()
}
