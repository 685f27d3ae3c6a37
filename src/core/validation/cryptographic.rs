//! Cryptographic verification (EN 319 102-1 §5.2.7): the content's digest and the signature value, each judged by itself.

use std::sync::Arc;

use super::content::SignedContent;
use super::format::SignerAlgorithms;
use super::signer::Candidates;
use crate::core::algorithm::DigestAlgorithm;
use crate::core::cms::SignerInfo;
use crate::core::cms::attributes::SignedAttributes;
use crate::core::crypto::{SignatureFault, SignatureVerified};
use crate::core::path::Work;
use crate::core::x509::Certificate;

/// Proof that message-digest is the digest of the whole document. Made only by [`check_digest`].
#[derive(Debug)]
pub struct DigestMatched(());

/// Why the digest does not show that the document is the one signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestFault {
    /// The document has another digest: it was changed, or is another.
    Mismatch,
    /// The signature embeds other content than the document given beside it.
    ContentDiffers,
    /// The signature is detached and no content was given.
    ContentMissing,
    /// Digests were given in place of the content, none by the signature's algorithm.
    DigestNotGiven(DigestAlgorithm),
}

/// Compares message-digest with the digest of the content.
pub fn check_digest(
    attributes: &SignedAttributes<'_>,
    algorithm: DigestAlgorithm,
    content: &SignedContent<'_>,
) -> Result<DigestMatched, DigestFault> {
    let digest = match content {
        SignedContent::Missing => return Err(DigestFault::ContentMissing),
        SignedContent::Conflict => return Err(DigestFault::ContentDiffers),
        SignedContent::Bytes(bytes) => bytes.digest(algorithm),
        SignedContent::Digests(digests) => {
            let given = digests.iter().find(|(given, _)| *given == algorithm);
            given.map(|(_, value)| value.clone()).ok_or(DigestFault::DigestNotGiven(algorithm))?
        }
    };
    if digest == attributes.message_digest { Ok(DigestMatched(())) } else { Err(DigestFault::Mismatch) }
}

/// Verifies the signature value over the signed attributes with each candidate's key; the certificate whose key verifies is the
/// signer's. If none does, the first candidate is named; `None`: of those that were not tried one may.
pub fn check_signature(
    signer: &SignerInfo<'_>,
    attributes: &SignedAttributes<'_>,
    algorithms: SignerAlgorithms,
    candidates: &Candidates,
    work: &Work,
) -> Option<(Arc<Certificate>, Result<SignatureVerified, SignatureFault>)> {
    let mut first = None;
    for candidate in &candidates.certificates {
        if first.is_some() && !work.spend() {
            return None;
        }
        let verified = match candidate.public_key() {
            Ok(key) => key.verify(algorithms.signature, attributes.signed_octets(), signer.signature),
            Err(_) => Err(SignatureFault::KeyMismatch),
        };
        if verified.is_ok() {
            return Some((Arc::clone(candidate), verified));
        }
        first.get_or_insert((Arc::clone(candidate), verified));
    }
    first.filter(|_| candidates.are_all)
}
