//! Answers remembered so that they need not be computed again. An answer is the same with or without, but one that an allowance of work
//! ended: keys are every input or its digest, only successes are kept, and a remembered path is used only while each part of it is valid.

use std::collections::HashSet;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use super::crypto::{SignatureFault, SignatureVerified};
use super::der::DerError;
use super::path::{ValidatedPath, Work};
use super::policy::{Purpose, RevocationMode};
use super::x509::ocsp::OcspResponse;
use super::x509::{Certificate, CertificateList};

/// Certificates kept decoded; each costs some five times its encoding.
const CERTIFICATES: usize = 16 * 1024;
/// Octets of an encoding that is not long; a longer one takes the room of several.
const USUAL_ENCODING: usize = 1024;
/// Verified certificate and CRL signatures kept; about 100 bytes each.
const SIGNATURES: usize = 64 * 1024;
/// Validated paths kept; about 1 KiB each.
const PATHS: usize = 16 * 1024;

/// Bounded memory shared by all validations of a process, one for a single validation, or none at all.
pub struct Memory(Kind);

enum Kind {
    None,
    /// Signatures that verified; no more of them than a validation may compute.
    OfOne(Mutex<HashSet<SignatureKey>>),
    Shared(Box<Caches>),
}

struct Caches {
    /// By their encoding as received: a hash with a secret finds it faster than a digest, and nobody can choose what collides.
    certificates: Cache<Box<[u8]>, Arc<Certificate>, Encoding, RandomState>,
    signatures: Cache<SignatureKey, ()>,
    paths: Cache<PathKey, Arc<ValidatedPath>>,
}

/// Weighs a certificate by the octets of its encoding.
#[derive(Clone)]
struct Encoding;

impl Weighter<Box<[u8]>, Arc<Certificate>> for Encoding {
    fn weight(&self, encoding: &Box<[u8]>, _: &Arc<Certificate>) -> u64 {
        encoding.len().max(USUAL_ENCODING) as u64
    }
}

/// Fingerprints of the issuer's certificate and of the certificate or CRL it signed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct SignatureKey {
    issuer: [u8; 32],
    object: [u8; 32],
}

impl SignatureKey {
    fn new(issuer: &Certificate, object: &impl Fingerprinted) -> Self {
        Self { issuer: *issuer.fingerprint(), object: *object.fingerprint() }
    }
}

/// What an issuer signs, named by the SHA-256 of its encoding.
pub trait Fingerprinted {
    fn fingerprint(&self) -> &[u8; 32];
}

impl Fingerprinted for Certificate {
    fn fingerprint(&self) -> &[u8; 32] {
        (**self).fingerprint()
    }
}

impl Fingerprinted for CertificateList {
    fn fingerprint(&self) -> &[u8; 32] {
        Self::fingerprint(self)
    }
}

impl Fingerprinted for OcspResponse {
    fn fingerprint(&self) -> &[u8; 32] {
        Self::fingerprint(self)
    }
}

/// Every input of a path validation but the time, which the path itself bounds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PathKey {
    pub target: [u8; 32],
    /// Digest of the fingerprints of the other certificates offered as links, in their order; `None` if there are none.
    pub links: Option<[u8; 32]>,
    pub trust: [u8; 32],
    pub snapshot: u64,
    pub purpose: Purpose,
    /// Digest of the kind of document, where some anchor is limited to kinds.
    pub kind: Option<[u8; 32]>,
    pub revocation: RevocationMode,
    /// Hash of the allowed extended key usages and maximum ages and of the inputs about policies, which an operator chose.
    pub choices: u64,
}

impl Memory {
    /// Remembers nothing.
    pub const fn none() -> Self {
        Self(Kind::None)
    }

    /// Remembers for one validation, whose time-stamps stand on much the same as its signatures.
    pub fn of_one_validation() -> Self {
        Self(Kind::OfOne(Mutex::default()))
    }

    /// Whether it was made by [`Memory::none`].
    pub const fn is_none(&self) -> bool {
        matches!(self.0, Kind::None)
    }

    pub fn bounded() -> Self {
        Self(Kind::Shared(Box::new(Caches {
            certificates: Cache::with(
                CERTIFICATES,
                (CERTIFICATES * USUAL_ENCODING) as u64,
                Encoding,
                RandomState::new(),
                DefaultLifecycle::default(),
            ),
            signatures: Cache::new(SIGNATURES),
            paths: Cache::new(PATHS),
        })))
    }

    /// Decodes a certificate that came embedded in a message, or finds it decoded.
    pub fn certificate(&self, der: &[u8]) -> Result<Arc<Certificate>, DerError> {
        let Some(caches) = self.shared() else { return Certificate::decode_tolerant(der).map(Arc::new) };
        if let Some(known) = caches.certificates.get(der) {
            return Ok(known);
        }
        let decoded = Arc::new(Certificate::decode_tolerant(der)?);
        caches.certificates.insert(der.into(), Arc::clone(&decoded));
        Ok(decoded)
    }

    /// The signature of `issuer` over this object is known to verify.
    pub fn knows(&self, issuer: &Certificate, object: &impl Fingerprinted) -> bool {
        let key = || SignatureKey::new(issuer, object);
        match &self.0 {
            Kind::None => false,
            Kind::OfOne(verified) => verified.lock().unwrap_or_else(PoisonError::into_inner).contains(&key()),
            Kind::Shared(caches) => caches.signatures.get(&key()).is_some(),
        }
    }

    /// Computes a signature of `issuer` over `object` by `verify`, unless it is known to verify.
    pub fn signature(
        &self,
        issuer: &Certificate,
        object: &impl Fingerprinted,
        verify: impl FnOnce() -> Result<SignatureVerified, SignatureFault>,
    ) -> Result<(), SignatureFault> {
        if self.knows(issuer, object) {
            return Ok(());
        }
        verify()?;
        let key = || SignatureKey::new(issuer, object);
        match &self.0 {
            Kind::None => {}
            Kind::OfOne(verified) => {
                verified.lock().unwrap_or_else(PoisonError::into_inner).insert(key());
            }
            Kind::Shared(caches) => caches.signatures.insert(key(), ()),
        }
        Ok(())
    }

    pub fn path(&self, key: &PathKey) -> Option<Arc<ValidatedPath>> {
        self.shared()?.paths.get(key)
    }

    pub fn keep_path(&self, key: PathKey, path: &Arc<ValidatedPath>) {
        if let Some(caches) = self.shared() {
            caches.paths.insert(key, Arc::clone(path));
        }
    }

    const fn shared(&self) -> Option<&Caches> {
        match &self.0 {
            Kind::Shared(caches) => Some(caches),
            Kind::None | Kind::OfOne(_) => None,
        }
    }
}

/// Verifies a CRL with its issuer's key.
pub fn verify_crl(memory: &Memory, issuer: &Certificate, crl: &CertificateList, work: &Work) -> bool {
    let (Ok(key), Ok(_)) = (issuer.public_key(), &crl.signature_algorithm) else { return false };
    verified(memory, work, issuer, crl, || crl.verify(key))
}

/// Whether `issuer` signed `object`: computed by `verify` if it is not known and the allowance covers it.
pub fn verified(
    memory: &Memory,
    work: &Work,
    issuer: &Certificate,
    object: &impl Fingerprinted,
    verify: impl FnOnce() -> Result<SignatureVerified, SignatureFault>,
) -> bool {
    if memory.knows(issuer, object) {
        return true;
    }
    let pair = (*issuer.fingerprint(), *object.fingerprint());
    if work.has_failed(&pair) || !work.spend() {
        return false;
    }
    let is_verified = memory.signature(issuer, object, verify).is_ok();
    if !is_verified {
        work.remember_failed(pair);
    }
    is_verified
}
