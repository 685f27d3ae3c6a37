//! JSON request bodies, field by field: what is wrong is said with the field's name, and nothing is guessed.
//!
//! The top level is split into raw values first, whose skipping is iterative and copies nothing: nesting of any depth costs
//! nothing but its bytes.

use std::{borrow::Cow, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The most members of one object.
const MOST_FIELDS: usize = 64;
/// Bytes of the JSON text of a name that a caller gives something.
const LONGEST_IDENTIFIER: usize = 258;
/// Bytes of the name of something that the settings have.
const LONGEST_NAME: usize = 256;
/// Characters of a field name that are repeated in an answer.
const SHOWN: usize = 64;

/// A fault in the field of this name.
#[derive(Debug)]
pub struct FieldError {
    pub field: String,
    pub fault: FieldFault,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldFault {
    /// The body as a whole; the parser's words.
    Json(String),
    Unknown(&'static [&'static str]),
    Duplicate,
    Missing,
    /// What is expected.
    WrongType(&'static str),
    Base64,
    Length {
        expected: usize,
        found: usize,
    },
    /// Not one of these.
    Value(&'static [&'static str]),
    /// The rule for texts of this field.
    Text(&'static str),
    /// The same where the rule has a part of its own.
    Rule(String),
    /// Cannot stand beside the other field, or without it: the rule.
    Conflict(&'static str),
    TooMany(usize),
    Empty,
}

impl fmt::Display for FieldFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(words) => write!(formatter, "the body is not the expected JSON: {words}"),
            Self::Unknown(known) => write!(formatter, "no such field; the fields are {}", known.join(", ")),
            Self::Duplicate => formatter.write_str("the field is given twice"),
            Self::Missing => formatter.write_str("the field must be given"),
            Self::WrongType(expected) => write!(formatter, "the field must be {expected}"),
            Self::Base64 => {
                formatter.write_str("the field must be base64 with padding and without white space (RFC 4648 §4)")
            }
            Self::Length { expected, found } => write!(formatter, "the value must have {expected} bytes, not {found}"),
            Self::Value(allowed) => write!(formatter, "the field must be one of {}", allowed.join(", ")),
            Self::Text(rule) | Self::Conflict(rule) => formatter.write_str(rule),
            Self::Rule(rule) => formatter.write_str(rule),
            Self::TooMany(most) => write!(formatter, "at most {most} may be given"),
            Self::Empty => formatter.write_str("the field must not be empty"),
        }
    }
}

impl FieldError {
    pub fn new(field: &str, fault: FieldFault) -> Self {
        Self { field: field.chars().take(SHOWN).collect(), fault }
    }
}

/// The members of one JSON object.
pub struct Fields<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// Put before the names in errors: `digests[0].`.
    prefix: String,
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(4);
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    if members.len() == MOST_FIELDS {
                        return Err(serde::de::Error::custom("too many members"));
                    }
                    members.push((key.0, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

impl<'a> Fields<'a> {
    /// Takes apart the one object that `body` consists of; every member is one of `known` and given once.
    pub fn read(body: &'a [u8], known: &'static [&'static str]) -> Result<Self, FieldError> {
        Self::read_at(body, known, String::new())
    }

    /// Takes apart an object whose members are not all known.
    pub fn read_any(body: &'a [u8]) -> Result<Self, FieldError> {
        let parsed: Result<Members<'a>, _> = serde_json::from_slice(body);
        let members = parsed.map_err(|error| FieldError::new("", FieldFault::Json(error.to_string())))?.0;
        Ok(Self { members, prefix: String::new() })
    }

    fn read_at(body: &'a [u8], known: &'static [&'static str], prefix: String) -> Result<Self, FieldError> {
        let parsed: Result<Members<'a>, _> = serde_json::from_slice(body);
        let members = parsed.map_err(|error| FieldError::new(&prefix, FieldFault::Json(error.to_string())))?.0;
        for (index, (name, _)) in members.iter().enumerate() {
            let full = || format!("{prefix}{name}");
            if !known.contains(&name.as_ref()) {
                return Err(FieldError::new(&full(), FieldFault::Unknown(known)));
            }
            if members[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(FieldError::new(&full(), FieldFault::Duplicate));
            }
        }
        Ok(Self { members, prefix })
    }

    /// How often the object has this member.
    pub fn times(&self, name: &str) -> usize {
        self.members.iter().filter(|(known, _)| known == name).count()
    }

    /// A name that a caller gives something: a string of at most 256 bytes or a whole number, as JSON text.
    pub fn identifier(&self, name: &str) -> Result<Option<Box<RawValue>>, FieldError> {
        let Some((_, value)) = self.members.iter().find(|(known, _)| known == name) else { return Ok(None) };
        let text = value.get();
        // Half a character (an escaped surrogate alone) is no text, and many who read the answer could not read it.
        let is_text =
            text.starts_with('"') && text.len() <= LONGEST_IDENTIFIER && serde_json::from_str::<Key<'_>>(text).is_ok();
        let is_number = text.parse::<i64>().is_ok();
        if !is_text && !is_number {
            return Err(self.error(name, FieldFault::WrongType("a string of at most 256 bytes, or a whole number")));
        }
        Ok(Some((*value).to_owned()))
    }

    /// The member's JSON text; `None` if it is absent or null.
    fn raw(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.members.iter().find(|(known, _)| known == name)?;
        Some(value.get()).filter(|text| *text != "null")
    }

    pub fn error(&self, name: &str, fault: FieldFault) -> FieldError {
        FieldError::new(&format!("{}{name}", self.prefix), fault)
    }

    pub fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, FieldError> {
        value.ok_or_else(|| self.error(name, FieldFault::Missing))
    }

    /// A string.
    pub fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, FieldError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        if let Some(plain) = unescaped(raw) {
            return Ok(Some(Cow::Borrowed(plain)));
        }
        let parsed: Result<Key<'a>, _> = serde_json::from_str(raw);
        parsed.map(|text| Some(text.0)).map_err(|_| self.error(name, FieldFault::WrongType("a string")))
    }

    /// A string that is the name of something, of at most 256 bytes: longer ones are nobody's, and would be repeated.
    pub fn short_text(&self, name: &str) -> Result<Option<Cow<'a, str>>, FieldError> {
        match self.text(name)? {
            Some(text) if text.len() > LONGEST_NAME => {
                Err(self.error(name, FieldFault::Text("a name has at most 256 bytes")))
            }
            text => Ok(text),
        }
    }

    /// Whether the object says anything of this member.
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// `true` or `false`.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, FieldError> {
        match self.raw(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(self.error(name, FieldFault::WrongType("true or false"))),
        }
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<Option<f64>, FieldError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw).map(Some).map_err(|_| self.error(name, FieldFault::WrongType("a number")))
    }

    /// A whole number from 1 on.
    pub fn count(&self, name: &str) -> Result<Option<usize>, FieldError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let count = serde_json::from_str(raw).ok().filter(|count| *count > 0);
        count.map(Some).ok_or_else(|| self.error(name, FieldFault::WrongType("a whole number from 1 on")))
    }

    /// A string of base64, decoded.
    pub fn base64(&self, name: &str) -> Result<Option<Vec<u8>>, FieldError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        STANDARD.decode(text.as_bytes()).map(Some).map_err(|_| self.error(name, FieldFault::Base64))
    }

    /// One of a closed set of names.
    pub fn named<T>(
        &self,
        name: &str,
        allowed: &'static [&'static str],
        from_name: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        from_name(&text).map(Some).ok_or_else(|| self.error(name, FieldFault::Value(allowed)))
    }

    /// An object, as its JSON text; nesting is bounded.
    pub fn object_text(&self, name: &str) -> Result<Option<&'a str>, FieldError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let parsed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(raw);
        let refused = |_| self.error(name, FieldFault::WrongType("an object nested less than 128 deep"));
        parsed.map(|_| Some(raw)).map_err(refused)
    }

    /// An object with members of its own.
    pub fn object(&self, name: &str, known: &'static [&'static str]) -> Result<Option<Self>, FieldError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        if !raw.starts_with('{') {
            return Err(self.error(name, FieldFault::WrongType("an object")));
        }
        Self::read_at(raw.as_bytes(), known, format!("{}{name}.", self.prefix)).map(Some)
    }

    /// A list of at most `most` texts in base64.
    pub fn base64_list(&self, name: &str, most: usize) -> Result<Option<Vec<Vec<u8>>>, FieldError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let wrong = |_| self.error(name, FieldFault::WrongType("a list of texts"));
        let texts: Vec<Cow<'_, str>> = serde_json::from_str(raw).map_err(wrong)?;
        if texts.len() > most {
            return Err(self.error(name, FieldFault::TooMany(most)));
        }
        let decoded = texts.iter().map(|text| STANDARD.decode(text.as_bytes()));
        decoded.collect::<Result<_, _>>().map(Some).map_err(|_| self.error(name, FieldFault::Base64))
    }

    /// A list of at most `most` objects.
    pub fn objects(
        &self,
        name: &str,
        most: usize,
        known: &'static [&'static str],
    ) -> Result<Option<Vec<Self>>, FieldError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let wrong = || self.error(name, FieldFault::WrongType("a list of objects"));
        let elements: Vec<&'a RawValue> = serde_json::from_str(raw).map_err(|_| wrong())?;
        if elements.is_empty() {
            return Err(self.error(name, FieldFault::Empty));
        }
        if elements.len() > most {
            return Err(self.error(name, FieldFault::TooMany(most)));
        }
        let read = elements.into_iter().enumerate().map(|(index, element)| {
            if !element.get().starts_with('{') {
                return Err(wrong());
            }
            Self::read_at(element.get().as_bytes(), known, format!("{}{name}[{index}].", self.prefix))
        });
        read.collect::<Result<_, _>>().map(Some)
    }
}

/// What stands between the quotes of a JSON string without escapes; the parser has seen that it is well formed.
fn unescaped(raw: &str) -> Option<&str> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    memchr::memchr(b'\\', inside.as_bytes()).is_none().then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["document", "digests", "metadata"];

    fn fault(body: &str) -> FieldFault {
        let read = || {
            let fields = Fields::read(body.as_bytes(), KNOWN)?;
            fields.base64("document")?;
            fields.object_text("metadata")?;
            fields.objects("digests", 2, &["value"])?;
            Ok::<_, FieldError>(())
        };
        read().expect_err(body).fault
    }

    #[test]
    fn every_fault_is_named() {
        assert_eq!(fault(r#"{"documents": ""}"#), FieldFault::Unknown(KNOWN));
        assert_eq!(fault(r#"{"document": "", "document": ""}"#), FieldFault::Duplicate);
        assert_eq!(fault(r#"{"document": "", "docum\u0065nt": ""}"#), FieldFault::Duplicate);
        for wrong in ["1e999", "[]", "{}", "true"] {
            assert_eq!(fault(&format!("{{\"document\": {wrong}}}")), FieldFault::WrongType("a string"));
        }
        for wrong in ["AA", "AA=", "AA ==", "AA==\\n", " AA==", "A-==", "AB=="] {
            assert_eq!(fault(&format!("{{\"document\": \"{wrong}\"}}")), FieldFault::Base64, "{wrong}");
        }
        for wrong in ["", "[]", "null", "{", "{}x", "{\"document\"}", "{\"document\": 01}"] {
            assert!(matches!(fault(wrong), FieldFault::Json(_)), "{wrong}");
        }
        assert_eq!(fault(r#"{"digests": []}"#), FieldFault::Empty);
        assert_eq!(fault(r#"{"digests": [{},{},{}]}"#), FieldFault::TooMany(2));
        assert!(matches!(fault(r#"{"digests": [1]}"#), FieldFault::WrongType(_)));
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(fault(&format!("{{\"document\": {deep}}}")), FieldFault::WrongType("a string"));
        let objects = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        assert!(matches!(fault(&format!("{{\"metadata\": {objects}}}")), FieldFault::WrongType(_)));
        assert!(matches!(fault(&"[".repeat(100_000)), FieldFault::Json(_)));
    }

    #[test]
    fn numbers_are_numbers() {
        let fields = Fields::read(br#"{"document": 1.5, "digests": 3, "metadata": "3"}"#, KNOWN).expect("read");
        assert_eq!(fields.number("document").expect("a number"), Some(1.5));
        assert_eq!(fields.count("digests").expect("a number"), Some(3));
        let wrong =
            |found: Result<(), FieldError>| matches!(found, Err(FieldError { fault: FieldFault::WrongType(_), .. }));
        assert!(wrong(fields.count("document").map(drop)) && wrong(fields.number("metadata").map(drop)));
        let huge = Fields::read(br#"{"document": 1e999, "digests": 0, "metadata": -1}"#, KNOWN).expect("read");
        assert!(wrong(huge.number("document").map(drop)));
        assert!(wrong(huge.count("digests").map(drop)) && wrong(huge.count("metadata").map(drop)));
    }

    #[test]
    fn escapes_and_null_are_read() {
        let fields = Fields::read(br#"{"document": "\/\/8=", "metadata": null}"#, KNOWN).expect("read");
        assert_eq!(fields.base64("document").expect("base64"), Some(vec![0xFF, 0xFF]));
        assert!(fields.raw("metadata").is_none());
    }
}
