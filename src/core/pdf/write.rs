//! Objects to octets (ISO 32000-2 §7.3): what [`super::syntax`] reads again as the same object, and the makers of objects that are written.

use super::object::{Dictionary, Object, Reference, Value};
use super::syntax::{is_delimiter, is_space};

/// Written where an object stands by itself: no span of it counts.
const fn value(object: Object) -> Value {
    Value { span: 0..0, object }
}

impl Object {
    pub fn of_name(name: &str) -> Self {
        Self::Name(name.as_bytes().to_vec())
    }

    /// A text string (§7.9.2.2): ASCII as it is, anything else in UTF-16 with its mark.
    pub fn of_text(text: &str) -> Self {
        let is_ascii = text.bytes().all(|octet| matches!(octet, b' '..=b'~' | b'\n'));
        let octets = if is_ascii {
            text.as_bytes().to_vec()
        } else {
            [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect()
        };
        Self::String { octets, is_hex: false }
    }

    /// Octets, to be written in hexadecimal digits.
    pub const fn of_octets(octets: Vec<u8>) -> Self {
        Self::String { octets, is_hex: true }
    }

    pub fn of_array(objects: impl IntoIterator<Item = Self>) -> Self {
        Self::Array(objects.into_iter().map(value).collect())
    }

    /// Appends the object as it stands in a file. A number that is not finite is written as the largest there is.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend(b"null"),
            Self::Boolean(true) => out.extend(b"true"),
            Self::Boolean(false) => out.extend(b"false"),
            Self::Integer(number) => out.extend(number.to_string().bytes()),
            Self::Real(number) => out.extend(real(*number).bytes()),
            Self::String { octets, is_hex: true } => write_digits(octets, out),
            Self::String { octets, is_hex: false } => write_literal(octets, out),
            Self::Name(name) => write_name(name, out),
            Self::Array(values) => {
                out.push(b'[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(b' ');
                    }
                    value.object.write(out);
                }
                out.push(b']');
            }
            Self::Dictionary(dictionary) => dictionary.write(out),
            Self::Reference(Reference { number, generation }) => out.extend(format!("{number} {generation} R").bytes()),
        }
    }

    /// As it stands in a file.
    pub fn written(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// The same with other references, however deep they stand.
    pub(super) fn with_references(&self, other: &impl Fn(Reference) -> Self) -> Self {
        let inside = |inner: &Value| value(inner.object.with_references(other));
        match self {
            Self::Reference(reference) => other(*reference),
            Self::Array(values) => Self::Array(values.iter().map(inside).collect()),
            Self::Dictionary(Dictionary(entries)) => {
                Self::Dictionary(Dictionary(entries.iter().map(|(key, entry)| (key.clone(), inside(entry))).collect()))
            }
            plain => plain.clone(),
        }
    }
}

impl Dictionary {
    /// The same with this entry, in the place of one with the same key.
    #[must_use]
    pub fn with(mut self, key: &str, object: Object) -> Self {
        self.set(key.as_bytes(), object);
        self
    }

    /// Takes the place of an entry with the same key, or comes last.
    pub fn set(&mut self, key: &[u8], object: Object) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, found)) => *found = value(object),
            None => self.0.push((key.to_vec(), value(object))),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(b"<<");
        for (key, value) in self.iter() {
            write_name(key, out);
            out.push(b' ');
            value.object.write(out);
        }
        out.extend(b">>");
    }
}

/// The shortest digits that are read as the same number, with a point (§7.3.3: no exponent).
fn real(number: f64) -> String {
    let finite = if number.is_nan() { 0.0 } else { number.clamp(f64::MIN, f64::MAX) };
    let mut text = finite.to_string();
    if !text.contains('.') {
        text.push_str(".0");
    }
    text
}

fn write_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    for octet in name {
        let is_plain = octet.is_ascii_graphic() && !is_delimiter(*octet) && !is_space(*octet) && *octet != b'#';
        if is_plain {
            out.push(*octet);
        } else {
            out.extend(format!("#{octet:02X}").bytes());
        }
    }
}

fn write_digits(octets: &[u8], out: &mut Vec<u8>) {
    out.push(b'<');
    out.extend(hex::encode(octets).bytes());
    out.push(b'>');
}

/// In parentheses, everything escaped that is not the same to every reader (§7.3.4.2).
fn write_literal(octets: &[u8], out: &mut Vec<u8>) {
    out.push(b'(');
    for octet in octets {
        match octet {
            b'(' | b')' | b'\\' => out.extend([b'\\', *octet]),
            b' '..=b'~' => out.push(*octet),
            other => out.extend(format!("\\{other:03o}").bytes()),
        }
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use super::super::same::same;
    use super::super::syntax::Cursor;
    use super::super::text;
    use super::*;

    fn again(object: &Object) -> Object {
        let octets = object.written();
        let mut cursor = Cursor::new(&octets, 0);
        let read = cursor.value().expect("readable").object;
        assert_eq!(cursor.rest(), b"", "{}", String::from_utf8_lossy(&octets));
        read
    }

    #[test]
    fn everything_is_read_as_it_was_written() {
        let every_octet: Vec<u8> = (0..=255).collect();
        let objects = [
            Object::Null,
            Object::Boolean(true),
            Object::Boolean(false),
            Object::Integer(i64::MIN),
            Object::Integer(17),
            Object::Real(4.0),
            Object::Real(-0.1),
            Object::Real(1e-12),
            Object::Real(1e300),
            Object::String { octets: every_octet.clone(), is_hex: false },
            Object::of_octets(every_octet.clone()),
            Object::of_octets(Vec::new()),
            // No name has a zero (§7.3.5).
            Object::Name(every_octet[1..].to_vec()),
            Object::Reference(Reference { number: 12, generation: 3 }),
            Object::of_array([]),
        ];
        for object in &objects {
            assert!(same(object, &again(object)), "{object:?}");
        }
        let dictionary = Dictionary::default()
            .with("All", Object::of_array(objects))
            .with("A B", Object::Dictionary(Dictionary::default().with("C", Object::Integer(1))))
            .with("D", Object::of_name("E"));
        let whole = Object::Dictionary(dictionary);
        assert!(same(&whole, &again(&whole)));
    }

    #[test]
    fn what_is_no_number_is_written_as_one() {
        assert_eq!(again(&Object::Real(f64::INFINITY)), Object::Real(f64::MAX));
        assert_eq!(again(&Object::Real(f64::NAN)), Object::Real(0.0));
    }

    #[test]
    fn text_is_what_it_was() {
        for written in ["", "So tu phap (Ha Noi) \\ 1", "Sở Tư pháp Hà Nội", "𝄞", "a\nb", "a\rb\u{7}", "þÿ"]
        {
            let Object::String { octets, .. } = again(&Object::of_text(written)) else { panic!("no string") };
            assert_eq!(text::string(&octets), written);
        }
        assert_eq!(Object::of_text("(a)").written(), b"(\\(a\\))");
    }

    #[test]
    fn an_entry_takes_the_place_of_its_key() {
        let dictionary = Dictionary::default().with("A", Object::Integer(1)).with("B", Object::Integer(2));
        assert_eq!(Object::Dictionary(dictionary.with("A", Object::Integer(3))).written(), b"<</A 3/B 2>>");
    }
}
