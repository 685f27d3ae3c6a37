//! CAdES-B-B (EN 319 122-1 §6): content-type, message-digest, signing-time, signing-certificate-v2, and which document it is.

use std::sync::Arc;

use super::key::{KeyFault, PrivateKey};
use super::seal::SealImage;
use super::{CadesRequest, IssuingKey, SigningError, self_check};
use crate::core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::core::cms::build::{self, MessageToAssemble, SignedAttributesToSign, SignerParts};
use crate::core::cms::document_reference::DocumentReference;
use crate::core::oid;
use crate::core::status_list::token::signature_octets;
use crate::core::time::Time;
use crate::core::x509::Certificate;

/// Octets of a message beside certificates, identifiers and the document reference: a signature value of at most 1,024, one digest, and
/// what is around them.
const BESIDE: usize = 2048;

/// A key, its certificate, and the chain that is embedded beside it.
pub struct CadesSigner {
    name: String,
    key: Box<dyn PrivateKey>,
    certificate: Arc<Certificate>,
    parts: SignerParts,
    /// DER, the certificate first.
    chain: Vec<Vec<u8>>,
    seal_image: Option<Arc<SealImage>>,
    authority: Option<String>,
    from: Option<Time>,
    until: Option<Time>,
}

impl CadesSigner {
    pub fn new(
        name: &str,
        key: impl PrivateKey + 'static,
        certificate: Arc<Certificate>,
        chain: &[Arc<Certificate>],
    ) -> Self {
        let chain: Vec<&Certificate> = chain.iter().map(|issuer| &**issuer).collect();
        let parts = SignerParts::new(&certificate, &chain);
        let encoded = [&*certificate].into_iter().chain(chain.iter().copied()).map(|one| one.der().to_vec());
        let (name, key, chain) = (name.to_owned(), Box::new(key), encoded.collect());
        Self { name, key, certificate, parts, chain, seal_image: None, authority: None, from: None, until: None }
    }

    /// One of several keys of an authority, which signs from and until these times.
    #[must_use]
    pub fn of_authority(mut self, authority: Option<String>, from: Option<Time>, until: Option<Time>) -> Self {
        (self.authority, self.from, self.until) = (authority, from, until);
        self
    }

    /// With the image of the seal that its signatures in PDFs show.
    #[must_use]
    pub fn with_seal_image(mut self, image: Option<SealImage>) -> Self {
        self.seal_image = image.map(Arc::new);
        self
    }

    /// The message, not yet verified: for measuring. Everything else calls [`IssuingKey::sign_cades`].
    pub fn sign_unchecked(&self, request: &CadesRequest<'_>) -> Result<Vec<u8>, SigningError> {
        self.message(request, Some(request.signing_time))
    }

    /// `stated_time`: among the signed attributes.
    fn message(&self, request: &CadesRequest<'_>, stated_time: Option<Time>) -> Result<Vec<u8>, SigningError> {
        let (digest_algorithm, digest) = request.digest;
        Self::check_digest(digest_algorithm, digest)?;
        self.check_valid(request.signing_time)?;
        let attributes = SignedAttributesToSign {
            content_type: oid::DATA,
            signing_certificate: self.parts.signing_certificate(),
            message_digest: digest,
            signing_time: stated_time,
            document: request.document,
        };
        let octets = attributes.encode();
        let signature = self.sign_octets(digest_algorithm, &octets)?;
        let message = MessageToAssemble {
            content_type: oid::DATA,
            content: request.content,
            digest_algorithm,
            signature_algorithm: self.key.signature_algorithm(digest_algorithm),
            signed_attributes: &octets,
            signature: &signature,
            with_certificates: true,
        };
        Ok(build::assemble(&self.parts, &message))
    }
}

impl CadesSigner {
    fn check_valid(&self, time: Time) -> Result<(), SigningError> {
        let certificate = &self.certificate;
        if time >= certificate.not_before && time <= certificate.not_after {
            return Ok(());
        }
        Err(SigningError::CertificateNotValid {
            key: self.name.clone(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
        })
    }

    fn check_digest(digest: DigestAlgorithm, value: &[u8]) -> Result<(), SigningError> {
        if !digest.is_acceptable() {
            return Err(SigningError::WeakDigest { algorithm: digest });
        }
        if value.len() != digest.length() {
            let (expected, found) = (digest.length(), value.len());
            return Err(SigningError::DigestLength { algorithm: digest, expected, found });
        }
        Ok(())
    }

    fn sign_octets(&self, digest: DigestAlgorithm, octets: &[u8]) -> Result<Vec<u8>, SigningError> {
        self.answered(self.key.sign(digest, octets))
    }

    /// With the name of the key in what went wrong.
    fn answered(&self, signed: Result<Vec<u8>, KeyFault>) -> Result<Vec<u8>, SigningError> {
        signed.map_err(|fault| {
            let key = self.name.clone();
            match fault {
                KeyFault::Software(source) => SigningError::Key { key, source },
                KeyFault::NotAsked(source) => SigningError::KeyNotAvailable { key, source },
                KeyFault::Unanswered(source) => SigningError::KeyUnanswered { key, source },
            }
        })
    }
}

impl IssuingKey for CadesSigner {
    fn name(&self) -> &str {
        &self.name
    }

    fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    fn digest_algorithm(&self) -> DigestAlgorithm {
        self.key.digest_algorithm()
    }

    fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.key.signature_algorithm(DigestAlgorithm::Sha256)
    }

    fn sign_cades(&self, request: &CadesRequest<'_>) -> Result<Vec<u8>, SigningError> {
        let message = self.sign_unchecked(request)?;
        match self_check::check(&message, request, &self.certificate) {
            Ok(()) => Ok(message),
            Err(code) => Err(SigningError::SelfCheck { key: self.name.clone(), code }),
        }
    }

    fn sign_in_pdf(&self, request: &CadesRequest<'_>) -> Result<Vec<u8>, SigningError> {
        self.message(&CadesRequest { content: None, ..*request }, None)
    }

    fn sign_es256(&self, octets: &[u8], time: Time) -> Result<[u8; 64], SigningError> {
        let es256 = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
        let is_p256 = self.key.digest_algorithm() == DigestAlgorithm::Sha256
            && self.key.signature_algorithm(DigestAlgorithm::Sha256) == es256;
        let not_es256 = || SigningError::NotEs256 { key: self.name.clone() };
        if !is_p256 {
            return Err(not_es256());
        }
        self.check_valid(time)?;
        let signature = self.sign_octets(DigestAlgorithm::Sha256, octets)?;
        let failed = |code| SigningError::SelfCheck { key: self.name.clone(), code };
        let key = self.certificate.public_key().map_err(|_| failed("key"))?;
        key.verify(es256, octets, &signature).map_err(|_| failed("signature"))?;
        signature_octets(&signature).ok_or_else(not_es256)
    }

    fn sign_hash(&self, digest: DigestAlgorithm, hash: &[u8], time: Time) -> Result<Vec<u8>, SigningError> {
        Self::check_digest(digest, hash)?;
        self.check_valid(time)?;
        let signature = self.answered(self.key.sign_hash(digest, hash))?;
        let failed = |code| SigningError::SelfCheck { key: self.name.clone(), code };
        let key = self.certificate.public_key().map_err(|_| failed("key"))?;
        let verified = key.verify_digest(self.key.signature_algorithm(digest), hash, &signature);
        verified.map(|_| signature).map_err(|_| failed("signature"))
    }

    fn hash_signature_algorithm(&self, digest: DigestAlgorithm) -> SignatureAlgorithm {
        self.key.signature_algorithm(digest)
    }

    fn certificate_chain(&self) -> Vec<Vec<u8>> {
        self.chain.clone()
    }

    fn seal_image(&self) -> Option<&Arc<SealImage>> {
        self.seal_image.as_ref()
    }

    fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    fn may_sign_at(&self, time: Time) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time < until)
    }

    fn room(&self, document: Option<&DocumentReference>) -> usize {
        self.parts.length() + document.map_or(0, |document| document.encode().len()) + BESIDE
    }
}
