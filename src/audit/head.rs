//! Heads: the number and the digest of a line, signed. Whoever keeps one elsewhere can tell whether the log was cut since.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::sign::{Signer, Verifier};
use serde::{Deserialize, Serialize};

use crate::core::crypto;

/// What makes the signature one of a head, and of nothing else.
const PURPOSE: &str = "antin-audit-head-v1";

/// What is said of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Of which log.
    pub log: String,
    /// The number of the line, and its SHA-256 in hexadecimal digits.
    pub sequence: u64,
    pub digest: String,
    /// When it was signed: the time of its own line, of which nothing else is signed as long as no line follows.
    pub time: String,
}

/// A head in the log: it is over the line before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// ECDSA on P-256 with SHA-256, DER in base64.
    pub signature: String,
}

impl Head {
    /// What is signed.
    fn text(&self) -> String {
        format!("{PURPOSE}\n{}\n{}\n{}\n{}\n", self.log, self.sequence, self.digest, self.time)
    }
}

/// The key that signs heads.
pub struct HeadKey {
    key: PKey<Private>,
    public: PublicHeadKey,
}

/// Its public half.
pub struct PublicHeadKey {
    key: PKey<Public>,
    /// SHA-256 of its `SubjectPublicKeyInfo`, in hexadecimal digits.
    fingerprint: String,
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    #[error("it is no key in PEM")]
    Unreadable(#[source] ErrorStack),
    #[error("it is no ECDSA key on P-256")]
    Kind,
}

fn is_p256<T: openssl::pkey::HasPublic>(key: &PKey<T>) -> bool {
    key.ec_key().is_ok_and(|key| key.group().curve_name() == Some(Nid::X9_62_PRIME256V1))
}

impl HeadKey {
    /// From PKCS#8 in PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyFault> {
        let key = PKey::private_key_from_pem(pem).map_err(KeyFault::Unreadable)?;
        if !is_p256(&key) {
            return Err(KeyFault::Kind);
        }
        let public = key.public_key_to_der().map_err(KeyFault::Unreadable)?;
        Ok(Self { key, public: PublicHeadKey::from_der(&public)? })
    }

    pub const fn public(&self) -> &PublicHeadKey {
        &self.public
    }

    pub(super) fn sign(&self, head: &Head) -> Result<Signed, ErrorStack> {
        let signature = Signer::new(MessageDigest::sha256(), &self.key)?.sign_oneshot_to_vec(head.text().as_bytes())?;
        Ok(Signed { signature: STANDARD.encode(signature) })
    }
}

impl PublicHeadKey {
    /// From `SubjectPublicKeyInfo` or a private key, in PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyFault> {
        if let Ok(own) = HeadKey::from_pem(pem) {
            return Ok(own.public);
        }
        let key = PKey::public_key_from_pem(pem).map_err(KeyFault::Unreadable)?;
        Self::from_der(&key.public_key_to_der().map_err(KeyFault::Unreadable)?)
    }

    fn from_der(der: &[u8]) -> Result<Self, KeyFault> {
        let key = PKey::public_key_from_der(der).map_err(KeyFault::Unreadable)?;
        if !is_p256(&key) {
            return Err(KeyFault::Kind);
        }
        Ok(Self { key, fingerprint: hex::encode(crypto::sha256(der)) })
    }

    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// As `SubjectPublicKeyInfo` in PEM.
    pub fn to_pem(&self) -> Result<Vec<u8>, KeyFault> {
        self.key.public_key_to_pem().map_err(KeyFault::Unreadable)
    }

    pub(super) fn verifies(&self, head: &Head, signed: &Signed) -> bool {
        let Ok(signature) = STANDARD.decode(&signed.signature) else { return false };
        let verified = Verifier::new(MessageDigest::sha256(), &self.key)
            .and_then(|mut verifier| verifier.verify_oneshot(&signature, head.text().as_bytes()));
        verified.unwrap_or(false)
    }
}

impl fmt::Debug for HeadKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HeadKey({})", self.public.fingerprint)
    }
}
