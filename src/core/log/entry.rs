//! Entries: what a log says of each document that was issued.
//!
//! ```text
//! octets   1  version, 1
//!          8  time of signing, Unix seconds, big-endian
//!         32  SHA-256 of the signer's certificate, DER
//!         32  SHA-256 over the purpose, the salt, and id, kind and digest of the document and that certificate's digest
//! ```
//!
//! The certificate stands in clear, so that its holder finds what was signed in its name, and the time, which whoever watches the log
//! grow knows anyway. Who holds a document shows that it was logged by its salt, 256 random bits of its own; who does not can guess the whole
//! document and still not recognise its entry.

use serde::{Deserialize, Serialize};

use super::merkle::leaf_hash;
use super::{Hash, LogFault};
use crate::core::crypto;
use crate::core::time::Time;

/// Drawn for each document, and told to those who have it.
pub type Salt = [u8; 32];

/// Octets of an entry.
pub const LENGTH: usize = 1 + 8 + 32 + 32;
const VERSION: u8 = 1;
const PURPOSE: &[u8] = b"antin-log-document-v1\n";

/// An entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub signed_at: Time,
    pub signer_certificate_sha256: [u8; 32],
    /// The salted digest of the document.
    pub document: Hash,
}

/// What an entry is about, told by who holds the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub document_id: [u8; 16],
    pub kind: String,
    /// SHA-256 of the content.
    pub document_digest: [u8; 32],
    pub signer_certificate_sha256: [u8; 32],
    pub signed_at: Time,
    pub salt: Salt,
}

impl Entry {
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut octets = [0; LENGTH];
        octets[0] = VERSION;
        octets[1..9].copy_from_slice(&self.signed_at.unix().to_be_bytes());
        octets[9..41].copy_from_slice(&self.signer_certificate_sha256);
        octets[41..].copy_from_slice(&self.document);
        octets
    }

    /// # Errors
    /// [`LogFault::Form`].
    pub fn decode(octets: &[u8]) -> Result<Self, LogFault> {
        let wrong = LogFault::Form { of: "entry", rule: "have 73 octets of version 1" };
        let Ok(octets) = <&[u8; LENGTH]>::try_from(octets) else { return Err(wrong) };
        let ([VERSION], rest) = octets.split_first_chunk::<1>().ok_or_else(|| wrong.clone())? else {
            return Err(wrong);
        };
        let (time, rest) = rest.split_first_chunk::<8>().ok_or_else(|| wrong.clone())?;
        let (certificate, rest) = rest.split_first_chunk::<32>().ok_or_else(|| wrong.clone())?;
        let document = rest.try_into().map_err(|_| wrong)?;
        let signed_at = Time::from_unix(i64::from_be_bytes(*time));
        Ok(Self { signed_at, signer_certificate_sha256: *certificate, document })
    }

    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.encode())
    }
}

impl Opening {
    /// The entry about it.
    pub fn entry(&self) -> Entry {
        let kind = (self.kind.len() as u64).to_be_bytes();
        let fields = [
            PURPOSE,
            &self.salt,
            &self.document_id,
            &kind,
            self.kind.as_bytes(),
            &self.document_digest,
            &self.signer_certificate_sha256,
        ];
        Entry {
            signed_at: self.signed_at,
            signer_certificate_sha256: self.signer_certificate_sha256,
            document: crypto::sha256(&fields.concat()),
        }
    }

    /// JSON with a member a field.
    pub fn to_json(&self) -> String {
        let text = OpeningText {
            id: hex::encode(self.document_id),
            kind: self.kind.clone(),
            sha256: hex::encode(self.document_digest),
            signer_certificate: hex::encode(self.signer_certificate_sha256),
            signed_at: self.signed_at,
            salt: hex::encode(self.salt),
        };
        serde_json::to_string(&text).expect("texts alone")
    }

    /// # Errors
    /// [`LogFault::Form`].
    pub fn from_json(json: &[u8]) -> Result<Self, LogFault> {
        let wrong =
            || LogFault::Form { of: "opening", rule: "have id, kind, sha256, signerCertificate, signedAt and salt" };
        let text: OpeningText = serde_json::from_slice(json).map_err(|_| wrong())?;
        let digest = |text: &str| {
            let mut octets = [0; 32];
            hex::decode_to_slice(text, &mut octets).map_err(|_| wrong())?;
            Ok::<_, LogFault>(octets)
        };
        let mut document_id = [0; 16];
        hex::decode_to_slice(&text.id, &mut document_id).map_err(|_| wrong())?;
        let own = Self {
            document_id,
            document_digest: digest(&text.sha256)?,
            signer_certificate_sha256: digest(&text.signer_certificate)?,
            signed_at: text.signed_at,
            salt: digest(&text.salt)?,
            kind: text.kind,
        };
        // One spelling, so that no octet of a proof is without meaning.
        if own.to_json().as_bytes() == json { Ok(own) } else { Err(wrong()) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OpeningText {
    id: String,
    kind: String,
    sha256: String,
    signer_certificate: String,
    signed_at: Time,
    salt: String,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::core::log) fn opening(number: u8) -> Opening {
        Opening {
            document_id: [number; 16],
            kind: "health-book".to_owned(),
            document_digest: [2; 32],
            signer_certificate_sha256: [3; 32],
            signed_at: Time::from_unix(1_700_000_000 + i64::from(number)),
            salt: [4; 32],
        }
    }

    #[test]
    fn an_entry_goes_there_and_back() {
        let entry = opening(1).entry();
        let octets = entry.encode();
        assert_eq!(Entry::decode(&octets), Ok(entry));
        assert!(Entry::decode(&octets[1..]).is_err() && Entry::decode(&[&octets[..], &[0]].concat()).is_err());
        let mut other = octets;
        other[0] = 2;
        assert!(Entry::decode(&other).is_err());
        // The form is for ever: whoever wrote down an entry finds it again.
        assert_eq!(hex::encode(entry.leaf_hash()), "059e9566812bee2152c570e4c9f69b581ce08d1bcb89acf75c2fa77a5c7cbd46");
    }

    #[test]
    fn every_field_is_in_the_entry() {
        let own = opening(1);
        let changes: [fn(&mut Opening); 6] = [
            |opening| opening.document_id[0] ^= 1,
            |opening| opening.kind.push('s'),
            |opening| opening.document_digest[31] ^= 1,
            |opening| opening.signer_certificate_sha256[0] ^= 1,
            |opening| opening.signed_at = opening.signed_at.plus_seconds(1),
            |opening| opening.salt[0] ^= 1,
        ];
        for change in changes {
            let mut other = own.clone();
            change(&mut other);
            assert_ne!(other.entry().leaf_hash(), own.entry().leaf_hash());
        }
    }

    #[test]
    fn an_opening_is_strict_json() {
        let own = opening(7);
        let json = own.to_json();
        assert_eq!(Opening::from_json(json.as_bytes()), Ok(own));
        for wrong in [
            json.replace("\"id\"", "\"ID\""),
            json.replace("0707", "07"),
            json.replace("\"salt\"", "\"more\":1,\"salt\""),
            json.replace("2023", "x"),
            "[]".to_owned(),
            String::new(),
        ] {
            assert!(Opening::from_json(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
