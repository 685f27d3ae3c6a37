//! JSON that has one reading (RFC 8259): whole, in UTF-8, every name of an object once, numbers within bounds, nesting bounded.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::ContentFault;

/// Values of one document: each takes some hundred octets of memory, however short it is written.
const MOST_VALUES: usize = 500_000;

/// Digits of a number that a double holds whatever they are (IEEE 754 binary64), in which most readers keep it.
const MOST_DIGITS: usize = 15;

/// Reads a document. Nesting beyond 127 is refused by the parser, more than 500,000 values here, and numbers that readers would not read alike.
///
/// # Errors
/// A [`ContentFault`] with the line and column of what cannot be read, or the path of a name that stands there twice.
pub fn parse(document: &[u8]) -> Result<Value, ContentFault> {
    if let Some(at) = doubtful_number(document) {
        let line = memchr::memchr_iter(b'\n', &document[..at]).count() + 1;
        let rule = format!("must have numbers of at most {MOST_DIGITS} digits, and no -0; one stands in line {line}");
        return Err(ContentFault::new("", rule));
    }
    let place = Place::default();
    let mut parser = serde_json::Deserializer::from_slice(document);
    let value = Node(&place).deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
    value.map_err(|error| match place.twice.into_inner() {
        Some(path) => ContentFault::new(path, "must stand there once"),
        None if place.values.get() > MOST_VALUES => {
            ContentFault::new("", format!("must have at most {MOST_VALUES} values"))
        }
        // The parser's words name no value, and its place is what who writes the software needs.
        None => ContentFault::new(
            "",
            format!("must be JSON in UTF-8; it cannot be read at line {}, column {}", error.line(), error.column()),
        ),
    })
}

/// Where a number stands of which readers would make different ones: more digits than a double holds, or a zero with a sign.
fn doubtful_number(document: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(octet) = document.get(at) {
        match octet {
            b'"' => {
                // To the end of the text.
                at += 1;
                while let Some(octet) = document.get(at).filter(|octet| **octet != b'"') {
                    at += if *octet == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let is_part = |octet: &&u8| matches!(octet, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let length = document[at..].iter().take_while(is_part).count();
                let number = &document[at..at + length];
                let digits = number.split(|octet| matches!(octet, b'e' | b'E')).next().unwrap_or_default();
                let digits = digits.iter().filter(|octet| octet.is_ascii_digit()).skip_while(|octet| **octet == b'0');
                let digits = digits.count();
                if digits > MOST_DIGITS || (digits == 0 && number.starts_with(b"-")) {
                    return Some(at);
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    None
}

/// Appends a step to a JSON Pointer (RFC 6901 §3).
pub fn step(path: &mut String, name: &str) {
    path.push('/');
    for letter in name.chars() {
        match letter {
            '~' => path.push_str("~0"),
            '/' => path.push_str("~1"),
            other => path.push(other),
        }
    }
}

/// Where the parser is.
#[derive(Default)]
struct Place {
    path: RefCell<String>,
    /// The path of a name that stands twice in its object.
    twice: RefCell<Option<String>>,
    /// Values that were begun.
    values: Cell<usize>,
}

impl Place {
    /// Does `work` one step further down.
    fn within<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        let length = self.path.borrow().len();
        step(&mut self.path.borrow_mut(), name);
        let done = work();
        self.path.borrow_mut().truncate(length);
        done
    }
}

struct Node<'a>(&'a Place);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.values.set(self.0.values.get() + 1);
        if self.0.values.get() > MOST_VALUES {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of bounds"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        loop {
            let index = read.len().to_string();
            match self.0.within(&index, || items.next_element_seed(Node(self.0)))? {
                Some(item) => read.push(item),
                None => return Ok(Value::Array(read)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if read.contains_key(&name) {
                self.0.within(&name, || *self.0.twice.borrow_mut() = Some(self.0.path.borrow().clone()));
                return Err(A::Error::custom("a name that stands there twice"));
            }
            let value = self.0.within(&name, || members.next_value_seed(Node(self.0)))?;
            read.insert(name, value);
        }
        Ok(Value::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_one_reading_is_read_as_the_parser_reads_it() {
        let text = r#"{"a": [1, -2, 1.5, true, null, "é\n", {"b/~": {}}], "": 123456789012345}"#;
        assert_eq!(parse(text.as_bytes()), Ok(serde_json::from_str(text).expect("JSON")));
    }

    #[test]
    fn what_has_two_readings_or_none_is_refused_with_its_place() {
        let deep = "[".repeat(100_000);
        for (text, path) in [
            (r#"{"a": {"b": 1, "b": 2}}"#, "/a/b"),
            (r#"[0, {"x/y": 1, "x\/y": 1}]"#, "/1/x~1y"),
            (r#"{"a": 1, "\u0061": 1}"#, "/a"),
            (r#"{"a": 1} x"#, ""),
            ("{\"a\": 1e999}", ""),
            ("{\"a\": 42100.00000000000000001}", ""),
            ("[9007199254740993]", ""),
            ("[-0]", ""),
            ("[-0.0e5]", ""),
            ("\u{feff}{}", ""),
            ("", ""),
            (&deep, ""),
            ("{'a': 1}", ""),
            ("[1,]", ""),
            ("\"\\ud800\"", ""),
        ] {
            let fault = parse(text.as_bytes()).expect_err(path);
            assert_eq!(fault.path, path, "{fault}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        let many = |count: usize| format!("[{}1]", "1,".repeat(count - 2));
        assert!(parse(many(MOST_VALUES).as_bytes()).is_ok());
        let fault = parse(many(MOST_VALUES + 1).as_bytes()).expect_err("too many");
        assert_eq!(fault.rule, "must have at most 500000 values");
        let fault = parse(b"{\n  \"a\": x}").expect_err("no value");
        assert!(fault.rule.ends_with("line 2, column 8"), "{fault}");
    }
}
