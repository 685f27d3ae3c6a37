//! What is recorded of one issuing: the intent before, the result after.

use std::{fmt, str::FromStr};

use super::listed::StatusPlace;
use super::{LookupEntry, MOST_LOOKUP_ENTRIES, RegistryError};
use crate::core::{log::Salt, time::Time};

/// A SHA-256 digest.
pub type Sha256 = [u8; 32];

/// The longest client name, in bytes.
pub const LONGEST_CLIENT: usize = 256;
/// The longest idempotency key, in bytes.
pub const LONGEST_IDEMPOTENCY_KEY: usize = 255;
/// The largest signature, in bytes: certificates, revocation data and time-stamps included, content not.
pub const LONGEST_SIGNATURE: usize = 4 << 20;
const LONGEST_KIND: usize = 64;
const LONGEST_SIGNER: usize = 128;
const LONGEST_MEDIA_TYPE: usize = 127;

/// The name of an issued document: 128 random bits, printed as 32 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId([u8; 16]);

/// Text that is not 32 lowercase hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a document id is 32 lowercase hexadecimal digits")]
pub struct InvalidDocumentId;

impl DocumentId {
    /// From 16 bytes of a cryptographic random generator: whoever can guess an id can ask for its standing.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for DocumentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DocumentId({self})")
    }
}

impl FromStr for DocumentId {
    type Err = InvalidDocumentId;

    /// One form only, so that an id has one spelling in logs, addresses and signed attributes.
    fn from_str(text: &str) -> Result<Self, InvalidDocumentId> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(InvalidDocumentId);
        }
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidDocumentId)?;
        Ok(Self(bytes))
    }
}

/// A closed set of values, each with the one name it has in the interface and in the store.
macro_rules! named {
    ($(#[$note:meta])* $set:ident { $($(#[$value_note:meta])* $value:ident = $name:literal),+ $(,)? }) => {
        $(#[$note])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $set { $($(#[$value_note])* $value),+ }

        impl $set {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The name in the interface and in the store.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$value => $name),+ }
            }

            /// The value of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$value),)+ _ => None }
            }
        }

        impl std::fmt::Display for $set {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.name())
            }
        }
    };
}
pub(super) use named;

named! {
    /// A baseline level (EN 319 122-1 §6, EN 319 142-1 §6).
    Level {
        /// Signed attributes alone.
        Basic = "B-B",
        /// With a signature time-stamp.
        Timestamped = "B-T",
        /// With the validation data.
        LongTerm = "B-LT",
        /// With archive time-stamps.
        Archival = "B-LTA",
    }
}

impl Level {
    /// It is this level or one above it.
    pub const fn reaches(self, wanted: Self) -> bool {
        self as u8 >= wanted as u8
    }
}

named! {
    /// The signature format.
    Format {
        Cades = "cades",
        Pades = "pades",
        /// A bare signature value over content that nobody here saw.
        Raw = "raw",
    }
}

named! {
    /// Where the content is: beside the signature, or inside it.
    Packaging { Detached = "detached", Enveloping = "enveloping" }
}

impl Format {
    /// Of a signature that is ordered of a document.
    pub fn of_a_document(name: &str) -> Option<Self> {
        Self::from_name(name).filter(|format| *format != Self::Raw)
    }
}

/// What is about to be signed, by whose order. Holds no content and no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The new document's id, drawn by the caller.
    pub document_id: DocumentId,
    /// Who asks, as the client certificate maps to a name: 1–256 bytes of printable text.
    pub client: String,
    /// Binds repetitions of one request of this client together: 1–255 visible ASCII characters.
    pub idempotency_key: String,
    /// SHA-256 over the whole request, every field of it.
    pub request_digest: Sha256,
    /// The document kind: 1–64 characters of `a`–`z`, `0`–`9`, `-`.
    pub kind: String,
    /// SHA-256 of the document's content.
    pub document_digest: Sha256,
    /// The name of the key that signs: 1–128 visible ASCII characters.
    pub signer: String,
    pub level_requested: Level,
    pub format: Format,
    /// Of a PDF, which holds its signatures: [`Packaging::Enveloping`].
    pub packaging: Packaging,
    /// The content's media type: 1–127 visible ASCII characters or spaces.
    pub media_type: String,
    pub begun_at: Time,
    /// Its place in the status lists, if they are published when it is begun; no other document ever has it.
    pub status_place: Option<StatusPlace>,
}

impl Intent {
    /// Every text within its length and alphabet.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] names the first field that is not.
    pub fn check(&self) -> Result<(), RegistryError> {
        let visible = |letter: char| letter.is_ascii_graphic();
        let of_kind = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        check_text(
            "client",
            &self.client,
            LONGEST_CLIENT,
            |letter| !letter.is_control(),
            "1 to 256 bytes of printable text",
        )?;
        check_text(
            "idempotency key",
            &self.idempotency_key,
            LONGEST_IDEMPOTENCY_KEY,
            visible,
            "1 to 255 visible ASCII characters",
        )?;
        check_text("kind", &self.kind, LONGEST_KIND, of_kind, "1 to 64 characters of a-z, 0-9 and hyphen")?;
        check_text("signer", &self.signer, LONGEST_SIGNER, visible, "1 to 128 visible ASCII characters")?;
        check_text(
            "media type",
            &self.media_type,
            LONGEST_MEDIA_TYPE,
            |letter| letter == ' ' || visible(letter),
            "1 to 127 ASCII characters",
        )
    }
}

/// One text within its length (bytes) and alphabet.
pub(super) fn check_text(
    field: &'static str,
    text: &str,
    longest: usize,
    allowed: impl Fn(char) -> bool,
    rule: &'static str,
) -> Result<(), RegistryError> {
    if text.is_empty() || text.len() > longest || !text.chars().all(allowed) {
        return Err(RegistryError::Invalid { field, rule });
    }
    Ok(())
}

/// What the key made of an [`Intent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The CMS without its content, DER, 1 byte to 4 MiB; for a PDF all that was put behind the document that was sent.
    pub signature: Vec<u8>,
    pub level_reached: Level,
    pub signed_at: Time,
    /// SHA-256 of the signer's certificate, DER.
    pub signer_certificate_sha256: Sha256,
    /// Of its entry in the issuance log; `None`: there was no log when it was issued, and it has not been put into one since.
    pub log_salt: Option<Salt>,
    /// How the holder of the paper asks for it, at most [`MOST_LOOKUP_ENTRIES`](super::MOST_LOOKUP_ENTRIES); they are not read back with the
    /// record.
    pub lookup: Vec<LookupEntry>,
}

impl Issued {
    /// The same result; a salt that was drawn for it later makes no other, and the ways to ask for it are not compared.
    pub(super) fn is_same(&self, asked: &Self) -> bool {
        let salted = asked.log_salt.is_none() || asked.log_salt == self.log_salt;
        let asked = Self { log_salt: self.log_salt, lookup: self.lookup.clone(), ..asked.clone() };
        salted && *self == asked
    }

    /// Of a PDF: one of the signatures that were put into it has this value, which stands there in digits.
    pub fn holds_value(&self, value: &[u8]) -> bool {
        !value.is_empty() && memchr::memmem::find(&self.signature, hex::encode(value).as_bytes()).is_some()
    }

    /// The signature within its size, and not more ways to ask for it than there may be.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`].
    pub fn check(&self) -> Result<(), RegistryError> {
        if self.signature.is_empty() || self.signature.len() > LONGEST_SIGNATURE {
            return Err(RegistryError::Invalid { field: "signature", rule: "1 byte to 4 MiB" });
        }
        if self.lookup.len() > MOST_LOOKUP_ENTRIES {
            return Err(RegistryError::Invalid { field: "lookup", rule: "at most 32 digests" });
        }
        Ok(())
    }
}

/// The record of an issued document, as it was when it was released; it never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedDocument {
    pub intent: Intent,
    pub issued: Issued,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent() -> Intent {
        Intent {
            document_id: DocumentId::from_bytes([0xa5; 16]),
            client: "Sở Y tế Hà Nội".to_owned(),
            idempotency_key: "k".repeat(LONGEST_IDEMPOTENCY_KEY),
            request_digest: [1; 32],
            kind: "health-book".to_owned(),
            document_digest: [2; 32],
            signer: "health".to_owned(),
            level_requested: Level::Basic,
            format: Format::Cades,
            packaging: Packaging::Detached,
            media_type: "application/fhir+json; charset=utf-8".to_owned(),
            begun_at: Time::from_unix(0),
            status_place: None,
        }
    }

    #[test]
    fn an_id_has_one_spelling() {
        let text = "00112233445566778899aabbccddeeff";
        let id: DocumentId = text.parse().expect("an id");
        assert_eq!(id.to_string(), text);
        assert_eq!(id.as_bytes()[15], 0xff);
        for other in
            ["", "00", &text.to_uppercase(), "00112233-4455-6677-8899-aabbccddeeff", "g0112233445566778899aabbccddeeff"]
        {
            assert_eq!(other.parse::<DocumentId>(), Err(InvalidDocumentId), "{other}");
        }
    }

    #[test]
    fn names_go_there_and_back() {
        for level in Level::ALL {
            assert_eq!(Level::from_name(level.name()), Some(*level));
        }
        assert_eq!(Level::from_name("b-b"), None);
    }

    #[test]
    fn every_text_is_bounded_and_the_error_names_it() {
        assert!(intent().check().is_ok());
        type Text = fn(&mut Intent) -> &mut String;
        let set: [(&str, Text, usize); 5] = [
            ("client", |intent| &mut intent.client, LONGEST_CLIENT),
            ("idempotency key", |intent| &mut intent.idempotency_key, LONGEST_IDEMPOTENCY_KEY),
            ("kind", |intent| &mut intent.kind, LONGEST_KIND),
            ("signer", |intent| &mut intent.signer, LONGEST_SIGNER),
            ("media type", |intent| &mut intent.media_type, LONGEST_MEDIA_TYPE),
        ];
        for (name, field, longest) in set {
            let mut changed = intent();
            *field(&mut changed) = "a".repeat(longest);
            assert!(changed.check().is_ok(), "{name}");
            for bad in [String::new(), "a".repeat(longest + 1), "a\nb".to_owned(), "a\0".to_owned()] {
                *field(&mut changed) = bad;
                assert!(
                    matches!(changed.check(), Err(RegistryError::Invalid { field, .. }) if field == name),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn a_signature_is_neither_empty_nor_huge() {
        let issued = |length| Issued {
            signature: vec![0; length],
            level_reached: Level::Basic,
            signed_at: Time::from_unix(0),
            signer_certificate_sha256: [3; 32],
            log_salt: None,
            lookup: Vec::new(),
        };
        assert!(issued(1).check().is_ok() && issued(LONGEST_SIGNATURE).check().is_ok());
        assert!(issued(0).check().is_err() && issued(LONGEST_SIGNATURE + 1).check().is_err());
    }
}
