//! The digest of the five fields, under a key.
//!
//! One digest over all five, never one of a field: no field can be tried by itself. Two for a document, with and without the marks of the name
//! (`name`), and one for a question:
//!
//! ```text
//! salt      = HMAC-SHA-256(key, frame("antin lookup 1 salt"))
//! stretched = scrypt(frame(file code) frame(birth date) frame(gender) frame(identity number), salt, N = 1024, r = 8, p = 1)
//! digest    = HMAC-SHA-256(key, frame("antin lookup 1 digest") frame(stretched) frame(form of the name) frame(name))
//! frame(x)  = length of x in 8 octets, x
//! ```
//!
//! Who has the registry without the key learns nothing, for HMAC-SHA-256 is a pseudo-random function of a key of 256 bits. Who has both can
//! guess; scrypt (RFC 7914, 1 MiB a guess) makes a guess of code and number cost milliseconds in place of nanoseconds. It cannot cost more:
//! each document that is issued pays it once. A guess is tried against all documents at one time, for a question does not say
//! which one it means; so the key is to be kept as a signing key is.

use std::fmt;

use openssl::{error::ErrorStack, hash::MessageDigest, pkey::PKey, sign::Signer};

use super::{LookupFields, NameForm};

/// Octets of a digest.
pub const DIGEST_OCTETS: usize = 32;
/// Octets of a key.
const KEY_OCTETS: usize = 32;
/// A random key has fewer with a probability below 2⁻⁵⁰.
const LEAST_DIFFERENT_OCTETS: usize = 16;
/// The cost of `stretch`; another needs another version in the labels below, for what was recorded stays.
const SCRYPT: Scrypt = Scrypt { n: 1 << 10, r: 8, p: 1, memory: 4 << 20 };
const SALT: &[u8] = b"antin lookup 1 salt";
const DIGEST: &[u8] = b"antin lookup 1 digest";
const KEY_ID: &[u8] = b"antin lookup 1 key id";

struct Scrypt {
    n: u64,
    r: u64,
    p: u64,
    /// The most that OpenSSL may take, in octets.
    memory: u64,
}

/// What a registry keeps of the five fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LookupDigest(pub [u8; DIGEST_OCTETS]);

/// Which key made a digest: 8 octets that follow from the key and do not tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LookupKeyId(pub [u8; 8]);

/// A secret of 256 bits, which cannot be printed.
pub struct LookupKey {
    octets: [u8; KEY_OCTETS],
    id: LookupKeyId,
    salt: [u8; 32],
}

/// Why octets are no key.
#[derive(Debug)]
pub enum WeakKey {
    Length(usize),
    Repeating(usize),
    NotComputed(ErrorStack),
}

impl std::error::Error for WeakKey {}

impl From<ErrorStack> for WeakKey {
    fn from(source: ErrorStack) -> Self {
        Self::NotComputed(source)
    }
}

impl fmt::Display for WeakKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REMEDY: &str = "make one with `openssl rand -out FILE 32`";
        match self {
            Self::Length(length) => write!(formatter, "the key has {length} octets and must have 32: {REMEDY}"),
            Self::Repeating(different) => {
                write!(formatter, "the key is not random, {different} different octets are too few: {REMEDY}")
            }
            Self::NotComputed(source) => write!(formatter, "OpenSSL computes no HMAC-SHA-256: {source}"),
        }
    }
}

impl LookupKey {
    /// # Errors
    /// [`WeakKey`].
    pub fn new(octets: &[u8]) -> Result<Self, WeakKey> {
        let key: [u8; KEY_OCTETS] = octets.try_into().map_err(|_| WeakKey::Length(octets.len()))?;
        let mut seen = [false; 256];
        key.iter().for_each(|octet| seen[usize::from(*octet)] = true);
        let different = seen.into_iter().filter(|seen| *seen).count();
        if different < LEAST_DIFFERENT_OCTETS {
            return Err(WeakKey::Repeating(different));
        }
        let mut id = [0; 8];
        id.copy_from_slice(&hmac(&key, &[KEY_ID])?[..8]);
        let salt = hmac(&key, &[SALT])?;
        Ok(Self { octets: key, id: LookupKeyId(id), salt })
    }

    pub fn id(&self) -> LookupKeyId {
        self.id
    }

    /// Of a document: with the marks of the name, and without. Takes milliseconds and 1 MiB.
    ///
    /// # Errors
    /// OpenSSL computes none.
    pub fn of_document(&self, fields: &LookupFields) -> Result<[LookupDigest; 2], ErrorStack> {
        let stretched = self.stretch(fields)?;
        Ok([self.finish(&stretched, fields, NameForm::Marked)?, self.finish(&stretched, fields, NameForm::Plain)?])
    }

    /// Of a question. As costly, whatever it asks.
    ///
    /// # Errors
    /// OpenSSL computes none.
    pub fn of_question(&self, fields: &LookupFields) -> Result<LookupDigest, ErrorStack> {
        self.finish(&self.stretch(fields)?, fields, fields.name.asked_form())
    }

    fn stretch(&self, fields: &LookupFields) -> Result<[u8; 32], ErrorStack> {
        let mut text = Vec::with_capacity(128);
        fields.without_name().into_iter().for_each(|field| frame(field.as_bytes(), &mut text));
        let mut stretched = [0; 32];
        let Scrypt { n, r, p, memory } = SCRYPT;
        openssl::pkcs5::scrypt(&text, &self.salt, n, r, p, memory, &mut stretched)?;
        Ok(stretched)
    }

    fn finish(&self, stretched: &[u8; 32], fields: &LookupFields, form: NameForm) -> Result<LookupDigest, ErrorStack> {
        let name = fields.name.in_form(form).as_bytes();
        hmac(&self.octets, &[DIGEST, stretched, form.tag(), name]).map(LookupDigest)
    }
}

impl LookupDigest {
    /// In a time that does not depend on where they differ.
    pub fn is_same(&self, other: &Self) -> bool {
        openssl::memcmp::eq(&self.0, &other.0)
    }
}

impl fmt::Debug for LookupDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LookupDigest")
    }
}

impl fmt::Debug for LookupKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LookupKey({})", hex::encode(self.id.0))
    }
}

fn frame(part: &[u8], text: &mut Vec<u8>) {
    text.extend_from_slice(&(part.len() as u64).to_be_bytes());
    text.extend_from_slice(part);
}

fn hmac(key: &[u8; KEY_OCTETS], parts: &[&[u8]]) -> Result<[u8; 32], ErrorStack> {
    let mut text = Vec::with_capacity(256);
    parts.iter().for_each(|part| frame(part, &mut text));
    let mut value = [0; 32];
    let key = PKey::hmac(key)?;
    Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot(&mut value, &text)?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::lookup::WrittenFields;

    const WRITTEN: WrittenFields<'static> = WrittenFields {
        file_code: "LLTP.2026-00123",
        full_name: "Nguyễn Thị Hoà",
        birth_date: "03/02/1990",
        gender: "Nữ",
        identity_number: "001 190 012 345",
    };

    fn key(first: u8) -> LookupKey {
        let octets: Vec<u8> = (0..32).map(|index| first.wrapping_add(index * 7)).collect();
        LookupKey::new(&octets).expect("a key")
    }

    fn normal(written: WrittenFields<'_>) -> LookupFields {
        LookupFields::normalise(&written).expect("five fields")
    }

    #[test]
    fn a_document_answers_with_and_without_marks_and_nobody_else() {
        let key = key(1);
        let [marked, plain] = key.of_document(&normal(WRITTEN)).expect("digests");
        assert!(!marked.is_same(&plain));
        let asked = |written| key.of_question(&normal(written)).expect("a digest");
        assert!(asked(WRITTEN).is_same(&marked));
        assert!(asked(WrittenFields { full_name: "NGUYỄN THỊ HÒA", gender: "female", ..WRITTEN }).is_same(&marked));
        assert!(
            asked(WrittenFields { full_name: "HOA THI NGUYEN", file_code: "lltp202600123", ..WRITTEN }).is_same(&plain)
        );
        for other in [
            WrittenFields { file_code: "LLTP.2026-00124", ..WRITTEN },
            WrittenFields { full_name: "Nguyễn Thị Hoá", ..WRITTEN },
            WrittenFields { full_name: "NGUYEN THI HO", ..WRITTEN },
            WrittenFields { birth_date: "1990", ..WRITTEN },
            WrittenFields { gender: "nam", ..WRITTEN },
            WrittenFields { identity_number: "001190012346", ..WRITTEN },
            // What belongs to one field does not run into the next.
            WrittenFields { file_code: "LLTP20260012", birth_date: "1990-02-03", ..WRITTEN },
        ] {
            let asked = asked(other);
            assert!(!asked.is_same(&marked) && !asked.is_same(&plain));
        }
    }

    #[test]
    fn another_key_makes_other_digests_and_tells_itself_apart() {
        let (one, other) = (key(1), key(2));
        assert_ne!(one.id(), other.id());
        let digest = |key: &LookupKey| key.of_question(&normal(WRITTEN)).expect("a digest");
        assert!(!digest(&one).is_same(&digest(&other)));
        assert!(digest(&one).is_same(&digest(&key(1))));
    }

    /// Computed once by Python's hmac and hashlib.scrypt: what is recorded must be found again in ten years.
    #[test]
    fn the_digest_is_the_one_that_was_computed_elsewhere() {
        let [marked, plain] = key(1).of_document(&normal(WRITTEN)).expect("digests");
        assert_eq!(hex::encode(key(1).id().0), "ce4822d4319b11c7");
        assert_eq!(hex::encode(marked.0), "aeb930fdbe4663e53812209e9b4d1f99516cd5179174bfc9865547330f7fd8f2");
        assert_eq!(hex::encode(plain.0), "cd876467d57f65244c0b95bbfed1d5fe23b33460e6e64bb653da8f5cbd7aa11d");
    }

    #[test]
    fn weak_keys_are_refused_and_none_is_printed() {
        assert!(matches!(LookupKey::new(&[]), Err(WeakKey::Length(0))));
        assert!(matches!(LookupKey::new(&[7; 31]), Err(WeakKey::Length(31))));
        assert!(matches!(LookupKey::new(&[7; 33]), Err(WeakKey::Length(33))));
        assert!(matches!(LookupKey::new(&[0; 32]), Err(WeakKey::Repeating(1))));
        assert!(matches!(LookupKey::new(b"0123456789abcde0123456789abcde01"), Err(WeakKey::Repeating(15))));
        let octets: Vec<u8> = (0..32).map(|index| 1 + index * 7).collect();
        let printed = format!("{:?}", key(1));
        assert!(!printed.contains(&hex::encode(&octets[..4])) && !printed.contains("01, 08"), "{printed}");
    }
}
