//! PDF objects (ISO 32000-2 §7.3).

use std::ops::Range;

/// A value, and where it stands; of what was compressed, in the decompressed octets.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    pub span: Range<usize>,
    pub object: Object,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    Null,
    Boolean(bool),
    Integer(i64),
    Real(f64),
    /// Octets; whether it was written in hexadecimal digits.
    String {
        octets: Vec<u8>,
        is_hex: bool,
    },
    /// Without the slash, `#` escapes undone.
    Name(Vec<u8>),
    Array(Vec<Value>),
    Dictionary(Dictionary),
    Reference(Reference),
}

/// Of an indirect object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    pub number: u32,
    pub generation: u16,
}

/// Each key once, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dictionary(pub(super) Vec<(Vec<u8>, Value)>);

impl Dictionary {
    /// `null` is as good as nothing (§7.3.7).
    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        let found = self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        found.filter(|value| value.object != Object::Null)
    }

    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|(name, _)| name.as_slice())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Value)> {
        self.0.iter().map(|(name, value)| (name.as_slice(), value))
    }

    /// The name under the key.
    pub fn name(&self, key: &[u8]) -> Option<&[u8]> {
        match self.get(key).map(|value| &value.object) {
            Some(Object::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// The integer under the key.
    pub fn integer(&self, key: &[u8]) -> Option<i64> {
        match self.get(key).map(|value| &value.object) {
            Some(Object::Integer(integer)) => Some(*integer),
            _ => None,
        }
    }
}

impl Object {
    pub const fn as_dictionary(&self) -> Option<&Dictionary> {
        match self {
            Self::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    pub const fn as_reference(&self) -> Option<Reference> {
        match self {
            Self::Reference(reference) => Some(*reference),
            _ => None,
        }
    }
}
