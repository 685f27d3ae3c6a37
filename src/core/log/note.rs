//! Signed notes (C2SP signed-note) with Ed25519 keys, and the cosignatures of witnesses (C2SP tlog-cosignature).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::pkey::{Id, PKey};
use openssl::sign::Verifier;

use super::LogFault;
use crate::core::crypto;

/// Octets of the longest note.
pub const LONGEST_NOTE: usize = 64 << 10;
/// The most signatures of a note.
const MOST_SIGNATURES: usize = 64;
/// Octets of the longest name of a key.
const LONGEST_NAME: usize = 255;
const DASH: &str = "\u{2014} ";
const OF_NOTE: &str = "signed note";
const OF_KEY: &str = "verifier key";

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// The text of a note.
    Note,
    /// That a witness saw a checkpoint, and when.
    Cosignature,
}

impl KeyKind {
    /// The signature type of C2SP signed-note.
    const fn octet(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A key by which notes are verified: its name, what it signs, and its 32 octets (RFC 8032).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    key: [u8; 32],
}

/// A signature of a note, of whom ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    pub name: String,
    pub key_id: [u8; 4],
    pub value: Vec<u8>,
}

/// A text and its signatures, none of which is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// With its last end of line.
    pub text: String,
    pub signatures: Vec<NoteSignature>,
}

/// A name that a key may have.
fn check_name(name: &str, of: &'static str) -> Result<(), LogFault> {
    let is_allowed = |letter: char| !letter.is_whitespace() && !letter.is_control() && letter != '+';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_allowed) {
        return Err(LogFault::Form { of, rule: "name keys in 1 to 255 octets without spaces and without +" });
    }
    Ok(())
}

/// SHA-256(name || 0x0A || type || key), its first four octets.
fn key_id(name: &str, kind: KeyKind, key: &[u8; 32]) -> [u8; 4] {
    let digest = crypto::sha256(&[name.as_bytes(), &[0x0a, kind.octet()], key].concat());
    [digest[0], digest[1], digest[2], digest[3]]
}

/// What a witness signs of the checkpoint with this text, when it saw it at this time in Unix seconds.
pub fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

impl VerifierKey {
    /// # Errors
    /// [`LogFault::Form`]: a name that no key may have.
    pub fn new(name: &str, kind: KeyKind, key: [u8; 32]) -> Result<Self, LogFault> {
        check_name(name, OF_KEY)?;
        Ok(Self { name: name.to_owned(), kind, key })
    }

    /// From one line, `<name>+<key id in 8 digits>+<base64 of type and key>`; spaces around it are passed over.
    ///
    /// # Errors
    /// [`LogFault::Form`].
    pub fn parse(text: &str) -> Result<Self, LogFault> {
        let wrong = |rule| LogFault::Form { of: OF_KEY, rule };
        let form = "be <name>+<8 hexadecimal digits>+<Base64>";
        let text = text.trim();
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong(form));
        };
        let octets = STANDARD.decode(encoded).map_err(|_| wrong(form))?;
        let (kind, key) = octets.split_first().ok_or_else(|| wrong(form))?;
        let kind = [KeyKind::Note, KeyKind::Cosignature].into_iter().find(|known| known.octet() == *kind);
        let kind = kind.ok_or_else(|| wrong("be an Ed25519 key (type 01), or one of a witness (type 04)"))?;
        let key = key.try_into().map_err(|_| wrong("have a key of 32 octets"))?;
        let own = Self::new(name, kind, key)?;
        if own.to_string() != text || hex::encode(own.id()) != id {
            return Err(wrong("have the key id of its name and key"));
        }
        Ok(own)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    pub fn id(&self) -> [u8; 4] {
        key_id(&self.name, self.kind, &self.key)
    }

    /// This key made the signature over the octets.
    pub(super) fn verifies(&self, value: &[u8], octets: &[u8]) -> bool {
        let key = PKey::public_key_from_raw_bytes(&self.key, Id::ED25519);
        let verified = key.and_then(|key| Verifier::new_without_digest(&key)?.verify_oneshot(value, octets));
        verified.unwrap_or(false)
    }

    /// The time that a cosignature states, if it is one of this witness over this text.
    fn cosignature(&self, value: &[u8], text: &str) -> Option<u64> {
        let (time, value) = value.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        self.verifies(value, cosigned(time, text).as_bytes()).then_some(time)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = [&[self.kind.octet()], &self.key[..]].concat();
        write!(formatter, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(octets))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VerifierKey({self})")
    }
}

impl NoteSignature {
    /// One line with its end.
    fn parse(line: &str) -> Result<Self, LogFault> {
        let wrong = || LogFault::Form { of: OF_NOTE, rule: "have signature lines of the form: em dash, name, Base64" };
        let rest = line.strip_prefix(DASH).and_then(|line| line.strip_suffix('\n')).ok_or_else(wrong)?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(wrong)?;
        check_name(name, OF_NOTE)?;
        let octets = STANDARD.decode(encoded).map_err(|_| wrong())?;
        let (key_id, value) = octets.split_first_chunk::<4>().ok_or_else(wrong)?;
        if value.is_empty() {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), key_id: *key_id, value: value.to_vec() })
    }

    /// Lines of signatures, each with its end.
    ///
    /// # Errors
    /// [`LogFault::Form`], [`LogFault::TooLong`].
    pub fn parse_all(lines: &str) -> Result<Vec<Self>, LogFault> {
        let lines: Vec<&str> = lines.split_inclusive('\n').collect();
        if lines.is_empty() || lines.len() > MOST_SIGNATURES {
            return Err(LogFault::Form { of: OF_NOTE, rule: "have 1 to 64 signatures" });
        }
        lines.into_iter().map(Self::parse).collect()
    }

    fn is_of(&self, key: &VerifierKey) -> bool {
        self.name == key.name && self.key_id == key.id()
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = [&self.key_id[..], &self.value].concat();
        writeln!(formatter, "{DASH}{} {}", self.name, STANDARD.encode(octets))
    }
}

impl Note {
    /// # Errors
    /// [`LogFault::Form`], [`LogFault::TooLong`].
    pub fn parse(octets: &[u8]) -> Result<Self, LogFault> {
        if octets.len() > LONGEST_NOTE {
            return Err(LogFault::TooLong { of: OF_NOTE, limit: LONGEST_NOTE });
        }
        let wrong = |rule| LogFault::Form { of: OF_NOTE, rule };
        let note = std::str::from_utf8(octets).map_err(|_| wrong("be UTF-8"))?;
        if note.bytes().any(|octet| octet < 0x20 && octet != b'\n') {
            return Err(wrong("have no control characters"));
        }
        let at = note.rfind("\n\n").ok_or_else(|| wrong("have an empty line before its signatures"))?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        Ok(Self { text: text.to_owned(), signatures: NoteSignature::parse_all(signatures)? })
    }

    /// Signed by this key: as many signatures of it as there are, and at least one.
    ///
    /// # Errors
    /// [`LogFault::NotSignedBy`], [`LogFault::Signature`].
    pub fn verify(&self, key: &VerifierKey) -> Result<(), LogFault> {
        let mut is_signed = false;
        for signature in self.signatures.iter().filter(|signature| signature.is_of(key)) {
            let is_right = match key.kind {
                KeyKind::Note => key.verifies(&signature.value, self.text.as_bytes()),
                KeyKind::Cosignature => key.cosignature(&signature.value, &self.text).is_some(),
            };
            if !is_right {
                return Err(LogFault::Signature { name: key.name.clone() });
            }
            is_signed = true;
        }
        if is_signed { Ok(()) } else { Err(LogFault::NotSignedBy { name: key.name.clone() }) }
    }

    /// When this witness saw it, in Unix seconds: the newest time that it signed.
    pub fn witnessed(&self, key: &VerifierKey) -> Option<u64> {
        let own = self.signatures.iter().filter(|signature| signature.is_of(key));
        own.filter_map(|signature| key.cosignature(&signature.value, &self.text)).max()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| write!(formatter, "{signature}"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::issuance_log::NoteSigner;

    /// The key of a name, the same in each test.
    pub(in crate::core::log) fn signer(name: &str, kind: KeyKind) -> NoteSigner {
        let seed = crypto::sha256(name.as_bytes());
        let key = PKey::private_key_from_raw_bytes(&seed, Id::ED25519).expect("32 octets");
        NoteSigner::from_pem(name, kind, &key.private_key_to_pem_pkcs8().expect("PEM")).expect("a key")
    }

    /// The note of Go's golang.org/x/mod/sumdb/note, and its key.
    #[test]
    fn the_note_of_go_is_verified() {
        let key =
            VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").expect("a key");
        let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
                    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let parsed = Note::parse(note.as_bytes()).expect("a note");
        assert_eq!(parsed.verify(&key), Ok(()));
        assert_eq!(parsed.to_string(), note);
        let changed = note.replace("answer", "Answer");
        let fault = LogFault::Signature { name: "PeterNeumann".to_owned() };
        assert_eq!(Note::parse(changed.as_bytes()).expect("a note").verify(&key), Err(fault));
        let other = signer("PeterNeumann", KeyKind::Note);
        let fault = LogFault::NotSignedBy { name: "PeterNeumann".to_owned() };
        assert_eq!(parsed.verify(other.verifier()), Err(fault));
    }

    #[test]
    fn keys_have_one_spelling() {
        let key = signer("example.com/log", KeyKind::Note);
        let text = key.verifier().to_string();
        assert_eq!(VerifierKey::parse(&format!(" {text}\n")).as_ref(), Ok(key.verifier()));
        for wrong in [
            "",
            "a",
            "a+b",
            "a+00000000+AQ==",
            &text.replace("example", "exampel"),
            &text[..text.len() - 4],
            &text.to_uppercase(),
            &format!("{text}A"),
            &format!(" x{text}"),
        ] {
            assert!(VerifierKey::parse(wrong).is_err(), "{wrong}");
        }
        for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb"] {
            assert!(VerifierKey::new(name, KeyKind::Note, [0; 32]).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_note_has_one_form() {
        let key = signer("example.com/log", KeyKind::Note);
        let text = "example.com/log\n1\n\ntext with an empty line\n";
        let note = Note { text: text.to_owned(), signatures: vec![key.sign(text).expect("signed")] };
        let written = note.to_string();
        assert_eq!(Note::parse(written.as_bytes()), Ok(note.clone()));
        assert_eq!(note.verify(key.verifier()), Ok(()));
        for wrong in [
            written.replace('\n', "\r\n"),
            written.trim_end().to_owned(),
            format!("{written}\n"),
            format!("{written}x\n"),
            written.replace(DASH, "- "),
            text.to_owned(),
            format!("{text}\n"),
            written.replace("text", "te\tt"),
            written.replace("example.com/log ", "example.com/log  "),
        ] {
            assert!(Note::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(Note::parse(b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n").is_err());
        assert!(Note::parse(&vec![b'a'; LONGEST_NOTE + 1]).is_err());
        let many = format!("{text}\n{}", note.signatures[0].to_string().repeat(MOST_SIGNATURES + 1));
        assert!(Note::parse(many.as_bytes()).is_err());
        // One that is wrong spoils those that are right.
        let mut two = note.clone();
        two.signatures.push(NoteSignature { value: vec![0; 64], ..two.signatures[0].clone() });
        assert_eq!(two.verify(key.verifier()), Err(LogFault::Signature { name: "example.com/log".to_owned() }));
    }

    #[test]
    fn a_witness_signs_a_time() {
        let witness = signer("witness.example", KeyKind::Cosignature);
        let text = "example.com/log\n1\nAAAA\n";
        let mut note =
            Note { text: text.to_owned(), signatures: vec![witness.cosign(text, 1_679_315_147).expect("signed")] };
        assert_eq!(note.verify(witness.verifier()), Ok(()));
        assert_eq!(note.witnessed(witness.verifier()), Some(1_679_315_147));
        note.signatures[0].value[7] ^= 1;
        assert!(note.verify(witness.verifier()).is_err());
        assert_eq!(note.witnessed(witness.verifier()), None);
        note.signatures[0].value.truncate(7);
        assert!(note.verify(witness.verifier()).is_err());
        // The same octets as a key for notes are another key.
        let plain = signer("witness.example", KeyKind::Note);
        assert_ne!(plain.verifier().id(), witness.verifier().id());
    }
}
