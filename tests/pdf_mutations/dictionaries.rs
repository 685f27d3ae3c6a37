//! Signature dictionaries: other values (universal signature forgery), the gap (wrapping), copies.

use std::ops::Range;

use super::Take;
use super::subject::Subject;
use crate::kit::pdf::Objects;

/// The dictionary around a message: from its object's number to `endobj`.
fn object_around<'a>(subject: &'a Subject, message: &Range<usize>) -> Option<&'a crate::kit::pdf::scan::Found> {
    subject.objects.iter().find(|found| found.whole.contains(&message.start))
}

/// With these octets in place of a range.
fn spliced(octets: &[u8], range: Range<usize>, text: &[u8]) -> Vec<u8> {
    [&octets[..range.start], text, &octets[range.end..]].concat()
}

/// The same, the text filled up with spaces to the length of the range, if it fits.
fn filled(octets: &[u8], range: Range<usize>, text: &[u8]) -> Option<Vec<u8>> {
    let mut padded = text.to_vec();
    (text.len() <= range.len()).then(|| {
        padded.resize(range.len(), b' ');
        spliced(octets, range, &padded)
    })
}

/// Where `[…]` of the byte range in an object stands.
fn byte_range(subject: &Subject, object: &Range<usize>) -> Option<Range<usize>> {
    let body = &subject.octets[object.clone()];
    let at = memchr::memmem::find(body, b"/ByteRange")? + "/ByteRange".len();
    let begin = at + body[at..].iter().position(|octet| *octet == b'[')?;
    let end = begin + body[begin..].iter().position(|octet| *octet == b']')? + 1;
    Some(object.start + begin..object.start + end)
}

fn numbers(subject: &Subject, range: &Range<usize>) -> Vec<i64> {
    let text = String::from_utf8_lossy(&subject.octets[range.start + 1..range.end - 1]).into_owned();
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Values of `Contents`, of `ByteRange` and of all other keys.
pub fn values(subject: &Subject, take: &mut Take<'_>) {
    let octets = &subject.octets;
    for message in &subject.messages {
        let Some(object) = object_around(subject, message) else { continue };
        let digits = &octets[message.start + 1..message.end - 1];
        let half = [b"<", &digits[..digits.len() / 4 * 2], b">"].concat();
        let twice = [b"<", digits, b"> <", digits, b">"].concat();
        let literal = [b"(", digits, b")"].concat();
        let texts: [&[u8]; 15] = [
            b"",
            b"null",
            b"<>",
            b"<00>",
            b"()",
            b"0",
            b"[]",
            b"<< >>",
            b"/None",
            b"true",
            b"1 0 R",
            &half,
            &twice,
            &literal,
            b"<3080060000000000>",
        ];
        for text in texts {
            let name = format!("Contents {}", String::from_utf8_lossy(&text[..text.len().min(20)]));
            take(&name, spliced(octets, message.clone(), text));
            if let Some(attacked) = filled(octets, message.clone(), text) {
                take(&format!("{name}, filled up"), attacked);
            }
        }
        for digit in [b'0', b'1', b'f'] {
            take(
                "Contents of one digit",
                spliced(octets, message.start + 1..message.end - 1, &vec![digit; digits.len()]),
            );
        }
        // Each digit of what fills up, and some of the message.
        for at in [1, 2, 3, 4, 8, 20, 40, digits.len() / 2, digits.len() - 3, digits.len() - 2, digits.len() - 1] {
            for digit in [b'0', b'1', b'7', b'f', b' ', b'g'] {
                if digits[at] != digit {
                    take(
                        "a digit of Contents",
                        spliced(octets, message.start + 1 + at..message.start + 2 + at, &[digit]),
                    );
                }
            }
        }
        if let Some(range) = byte_range(subject, &object.whole) {
            let given = numbers(subject, &range);
            let mut texts: Vec<String> =
                ["", "null", "[]", "[0]", "[0 0]", "[0 0 0 0]", "1 0 R", "[0 1 0 R 1 0 R 1 0 R]", "(0 0 0 0)", "/None"]
                    .map(str::to_owned)
                    .to_vec();
            for index in 0..given.len() {
                for more in [-1000, -2, -1, 1, 2, 1000, i64::from(i32::MAX), i64::MAX / 2] {
                    let mut numbers = given.clone();
                    numbers[index] += more;
                    texts.push(format!("{numbers:?}").replace(',', ""));
                }
                let mut numbers = given.clone();
                numbers.remove(index);
                texts.push(format!("{numbers:?}").replace(',', ""));
                numbers.insert(index, -given[index] - 1);
                texts.push(format!("{numbers:?}").replace(',', ""));
            }
            let [from, first, second, length] = given[..] else { panic!("four numbers") };
            texts.push(format!("[{from} {second} {first} {length}]"));
            texts.push(format!("[{from}.0 {first}.0 {second}.0 {length}.0]"));
            texts.push(format!("[{from} {first} {second} {length} {} 0]", second + length));
            texts.push(format!("[{from} {}]", second + length));
            for text in texts {
                take(&format!("ByteRange {text}"), spliced(octets, range.clone(), text.as_bytes()));
                if let Some(attacked) = filled(octets, range.clone(), text.as_bytes()) {
                    take(&format!("ByteRange {text}, filled up"), attacked);
                }
            }
        }
        // Each name in the dictionary, written otherwise.
        let body = octets[object.body.clone()].to_vec();
        for slash in memchr::memchr_iter(b'/', &body).take(24) {
            let at = object.body.start + slash + 1;
            if message.contains(&at) {
                continue;
            }
            for letter in [b'X', b'#', b' ', b'/'] {
                take("a name", spliced(octets, at..at + 1, &[letter]));
            }
        }
    }
}

/// Octets moved into the gap, and the second part moved away.
pub fn wrapping(subject: &Subject, take: &mut Take<'_>) {
    let octets = &subject.octets;
    let evil = b"4 0 obj\n<< /Length 3 >>\nstream\nq Q\nendstream\nendobj\n";
    for message in &subject.messages {
        for at in [message.start, message.start + 1, message.end - 1, message.end] {
            for text in [&b" "[..], b"\0", b"%\n", b"00", b"/X", b"<>", b"> <", evil] {
                let attacked = spliced(octets, at..at, text);
                // The last section is found again where it is now.
                let begin = subject.startxref + if subject.startxref > at { text.len() } else { 0 };
                let end = format!("startxref\n{begin}\n%%EOF\n");
                take("something in the gap, and found", [attacked.as_slice(), end.as_bytes()].concat());
                let last = memchr::memmem::rfind(&attacked, b"startxref").expect("a beginning");
                take("something in the gap, and an end", [&attacked[..last], end.as_bytes()].concat());
                take("something in the gap", attacked);
            }
        }
        let Some(object) = object_around(subject, message) else { continue };
        let Some(range) = byte_range(subject, &object.whole) else { continue };
        let given = numbers(subject, &range);
        let after = &octets[message.end..];
        for room in [1, 20, 500, 20_000] {
            for second_key in [true, false] {
                let key = format!("/ByteRange [0 {} {} {}]", given[1], message.end + room, given[3]);
                let mut wrapped = octets[..message.end].to_vec();
                let mut inside = if second_key { key.clone().into_bytes() } else { Vec::new() };
                inside.extend(b" >>\nendobj\n");
                let place = wrapped.len() + inside.len();
                inside.extend_from_slice(evil);
                let table = wrapped.len() + inside.len();
                // What stands behind the gap stands elsewhere now: everything is as long as it will be.
                let behind: Vec<(u32, usize)> = subject
                    .objects
                    .iter()
                    .filter(|found| found.whole.start > message.end)
                    .map(|found| (found.number, found.whole.start))
                    .collect();
                let length = (inside.len() + 400 + behind.len() * 40).max(room);
                let mut lines = format!("4 1\n{place:010} 00000 n\r\n");
                for (number, at) in behind {
                    lines += &format!("{number} 1\n{:010} 00000 n\r\n", at + length);
                }
                let prev = subject.startxref + if subject.startxref > message.end { length } else { 0 };
                inside.extend(
                    format!(
                        "xref\n{lines}trailer\n<< /Size {} /Root {} 0 R /Prev {} >>\nstartxref\n{table}\n%%EOF\n",
                        subject.size, subject.root, prev
                    )
                    .bytes(),
                );
                assert!(inside.len() <= length);
                inside.resize(length, b' ');
                wrapped.extend_from_slice(&inside);
                wrapped.extend_from_slice(after);
                let moved = format!("[0 {} {} {}]", given[1], message.end + inside.len(), given[3]);
                for text in [None, filled(&wrapped, range.clone(), moved.as_bytes())] {
                    let base = text.unwrap_or_else(|| wrapped.clone());
                    take("wrapped", base.clone());
                    take(
                        "wrapped, begins in the gap",
                        [base.as_slice(), format!("startxref\n{table}\n%%EOF\n").as_bytes()].concat(),
                    );
                }
            }
        }
    }
}

/// The signature object again: behind the file, with and without cross-references, under other numbers, in other fields.
pub fn copies(subject: &Subject, take: &mut Take<'_>) {
    let octets = &subject.octets;
    for message in &subject.messages {
        let Some(object) = object_around(subject, message) else { continue };
        let (whole, body) = (&octets[object.whole.clone()], &octets[object.body.clone()]);
        take("a copy", [octets.as_slice(), whole, b"\n"].concat());
        take("a copy and an end", [octets.as_slice(), whole, b"\n%%EOF\n"].concat());
        let end = format!("\nstartxref\n{}\n%%EOF\n", subject.startxref);
        take("a copy and the same beginning", [octets.as_slice(), whole, end.as_bytes()].concat());
        let body = super::subject::trimmed(body).to_vec();
        let fields = subject.having("/Sig");
        let contents = subject.having("/Contents").into_iter().filter(|number| *number != object.number);
        for objects in [
            Objects::from([(object.number, body.clone())]),
            Objects::from([(subject.size + 1, body.clone())]),
            Objects::from([(object.number, body.clone()), (subject.size + 1, body.clone())]),
        ] {
            for attacked in subject.with(&objects) {
                take("a copy in a revision", attacked);
            }
            for field in &fields {
                let old = String::from_utf8_lossy(subject.body(*field).unwrap_or_default()).into_owned();
                let new = old.replace(&format!("{} 0 R", object.number), &format!("{} 0 R", subject.size + 1));
                if new != old {
                    let mut objects = objects.clone();
                    objects.insert(subject.size + 1, body.clone());
                    objects.insert(*field, new.into_bytes());
                    for attacked in subject.with(&objects) {
                        take("a copy in the field", attacked);
                    }
                }
            }
        }
        for number in contents {
            let mut objects = Objects::from([(object.number, body.clone())]);
            objects.insert(number, b"<< /Length 0 >>\nstream\n\nendstream".to_vec());
            for attacked in subject.with(&objects) {
                take("a copy and other contents", attacked);
            }
        }
    }
}
