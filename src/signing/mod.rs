//! Signing documents: a key with its certificate, the CAdES message around its signature, and the check before anything leaves.
//!
//! [`key`] holds the private key, or [`pkcs11`] asks a token for it; [`cades`] builds the message, [`self_check`] judges it with our own verifier; [`pades`] puts it into a PDF.

pub mod cades;
pub mod key;
pub mod level;
pub mod long_term;
pub mod pades;
pub mod pkcs11;
pub mod seal;
pub mod self_check;
pub mod timestamp;

use std::sync::Arc;

pub use cades::CadesSigner;
pub use pkcs11::TokenFault;

use crate::core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::core::cms::document_reference::DocumentReference;
use crate::core::time::Time;
use crate::core::x509::Certificate;

/// A key that issues documents, with the certificate recipients will see.
pub trait IssuingKey: Send + Sync {
    /// As permissions and records call it.
    fn name(&self) -> &str;

    fn certificate(&self) -> &Arc<Certificate>;

    /// The digest algorithm this key signs with unless a digest was given.
    fn digest_algorithm(&self) -> DigestAlgorithm;

    /// The algorithm by which it signs documents, which are named by their SHA-256.
    fn signature_algorithm(&self) -> SignatureAlgorithm;

    /// A whole CAdES-B-B message (DER), verified by our own verifier before it is returned.
    fn sign_cades(&self, request: &CadesRequest<'_>) -> Result<Vec<u8>, SigningError>;

    /// A detached message for a PDF (EN 319 142-1 §6.3): without `signing-time`, which stands in its signature dictionary. Not verified
    /// yet: [`pades::check`] judges the finished document.
    fn sign_in_pdf(&self, request: &CadesRequest<'_>) -> Result<Vec<u8>, SigningError>;

    /// The image of the seal that its signatures in PDFs show, where a seal is wanted.
    fn seal_image(&self) -> Option<&Arc<seal::SealImage>>;

    /// The name that it shares with the keys before and after it.
    fn authority(&self) -> Option<&str> {
        None
    }

    /// Whether the settings let it sign at this time; its certificate is another question.
    fn may_sign_at(&self, _time: Time) -> bool {
        true
    }

    /// ES256 (RFC 7518 §3.4) over the octets of a status list token: r and s.
    ///
    /// # Errors
    /// [`SigningError::NotEs256`] of every key but P-256.
    fn sign_es256(&self, _octets: &[u8], _time: Time) -> Result<[u8; 64], SigningError> {
        Err(SigningError::NotEs256 { key: self.name().to_owned() })
    }

    /// A bare signature over content that nobody here sees, whose digest is `hash`; verified before it is returned. The algorithm is that of
    /// [`Self::hash_signature_algorithm`].
    ///
    /// # Errors
    /// [`SigningError`]; by default that no such signature is made.
    fn sign_hash(&self, digest: DigestAlgorithm, hash: &[u8], _time: Time) -> Result<Vec<u8>, SigningError> {
        Err(SigningError::DigestLength { algorithm: digest, expected: digest.length(), found: hash.len() })
    }

    /// The algorithm of a bare signature over a digest of this kind.
    fn hash_signature_algorithm(&self, _digest: DigestAlgorithm) -> SignatureAlgorithm {
        self.signature_algorithm()
    }

    /// Its certificate and the chain beside it, DER, as a token shows them.
    fn certificate_chain(&self) -> Vec<Vec<u8>> {
        vec![self.certificate().der().to_vec()]
    }

    /// Octets that such a message has at most.
    fn room(&self, document: Option<&DocumentReference>) -> usize;
}

/// What is to be signed.
#[derive(Clone, Copy, Debug)]
pub struct CadesRequest<'a> {
    /// Digest of the content.
    pub digest: (DigestAlgorithm, &'a [u8]),
    /// Embedded if given; the signature is detached otherwise.
    pub content: Option<&'a [u8]>,
    pub signing_time: Time,
    pub document: Option<&'a DocumentReference>,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    #[error("{algorithm} is not accepted for signing; use sha-256, sha-384, sha-512 or SHA-3")]
    WeakDigest { algorithm: DigestAlgorithm },
    #[error("a {algorithm} digest has {expected} octets, not {found}")]
    DigestLength { algorithm: DigestAlgorithm, expected: usize, found: usize },
    #[error("the certificate of key {key:?} is valid from {not_before} to {not_after}: renew it before signing")]
    CertificateNotValid { key: String, not_before: Time, not_after: Time },
    #[error("the key {key:?} could not sign")]
    Key {
        key: String,
        #[source]
        source: openssl::error::ErrorStack,
    },
    /// It is in a token, which was not told to sign: no signature exists.
    #[error("the key {key:?} cannot be had from its token: {source}")]
    KeyNotAvailable { key: String, source: TokenFault },
    /// It is in a token, which was told to sign: a signature may exist that nobody here has.
    #[error("the key {key:?}: {source}")]
    KeyUnanswered { key: String, source: TokenFault },
    #[error("the key {key:?} is not ECDSA P-256, by which status lists are signed: name another key in [status-lists]")]
    NotEs256 { key: String },
    /// The signature was made and is thrown away.
    #[error("the signature just made with key {key:?} does not verify ({code}): nothing was released; check the key")]
    SelfCheck { key: String, code: &'static str },
}
