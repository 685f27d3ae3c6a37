//! Format checking (EN 319 102-1 §5.2.2; RFC 5652 §5.3, §5.4; RFC 6211; RFC 8933).

use crate::core::algorithm::{DigestAlgorithm, SignatureAlgorithm, UnknownAlgorithm};
use crate::core::cms::attributes::{AttributeFault, SignedAttributes};
use crate::core::cms::{SignedData, SignerInfo};
use crate::core::pdf::signature::SignatureFault;

/// A rule of the format that a signature breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatFault {
    /// SignedData is not of version 1 to 5, or the signer not of version 1 or 3 (RFC 5652 §5.1, §5.3). Which of them it ought to
    /// be follows from what else is there; some products mix them up, which changes nothing.
    Version,
    /// What no signature covers holds another document: the file could be shown as something else than what was signed.
    ForeignDocument,
    /// There are no signed attributes: what is signed could be passed off as something else.
    SignedAttributesMissing,
    Attribute(AttributeFault),
    /// content-type is not the type of the content (RFC 5652 §11.1).
    ContentType,
    /// The signer's digest algorithm is not among those the message announces (RFC 5652 §5.1).
    DigestAlgorithmNotListed,
    /// Content and attributes are hashed by different algorithms (RFC 8933 §3).
    DigestAlgorithmsDiffer,
    /// message-digest has another length than its algorithm gives.
    MessageDigestLength,
    /// CMSAlgorithmProtection names other algorithms (RFC 6211 §3).
    AlgorithmProtection,
    /// The signature dictionary of a PDF, or what it leaves out of what is signed.
    Pdf(SignatureFault),
    /// `Contents` is not one message of one signer without content, and zeros (ISO 32000-2 §12.8.3.3; EN 319 142-1 §6.3).
    PdfMessage,
}

impl FormatFault {
    /// Stable code of the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Version => "version-unknown",
            Self::ForeignDocument => "unsigned-part-holds-document",
            Self::SignedAttributesMissing => "signed-attributes-missing",
            Self::Attribute(AttributeFault::Encoding(_)) => "signed-attributes-encoding",
            Self::Attribute(AttributeFault::Twice(_)) => "signed-attribute-twice",
            Self::Attribute(AttributeFault::Missing(_)) => "signed-attribute-missing",
            Self::Attribute(AttributeFault::Value(_)) => "signed-attribute-value",
            Self::ContentType => "content-type-mismatch",
            Self::DigestAlgorithmNotListed => "digest-algorithm-not-listed",
            Self::DigestAlgorithmsDiffer => "digest-algorithms-differ",
            Self::MessageDigestLength => "message-digest-length",
            Self::AlgorithmProtection => "algorithm-protection-mismatch",
            Self::Pdf(fault) => fault.code(),
            Self::PdfMessage => "pdf-signature-message",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        use crate::core::der::{DerError, DerFault};
        let encoding = DerError { offset: 0, fault: DerFault::Value };
        crate::core::every::every!(Self {
            Self::Version => [Self::Version],
            Self::ForeignDocument => [Self::ForeignDocument],
            Self::SignedAttributesMissing => [Self::SignedAttributesMissing],
            Self::Attribute(AttributeFault::Encoding(_)) => [Self::Attribute(AttributeFault::Encoding(encoding))],
            Self::Attribute(AttributeFault::Twice(_)) => [Self::Attribute(AttributeFault::Twice("content-type"))],
            Self::Attribute(AttributeFault::Missing(_)) => [Self::Attribute(AttributeFault::Missing("content-type"))],
            Self::Attribute(AttributeFault::Value(_)) => [Self::Attribute(AttributeFault::Value("content-type"))],
            Self::ContentType => [Self::ContentType],
            Self::DigestAlgorithmNotListed => [Self::DigestAlgorithmNotListed],
            Self::DigestAlgorithmsDiffer => [Self::DigestAlgorithmsDiffer],
            Self::MessageDigestLength => [Self::MessageDigestLength],
            Self::AlgorithmProtection => [Self::AlgorithmProtection],
            Self::Pdf(_) => SignatureFault::every().into_iter().map(Self::Pdf),
            Self::PdfMessage => [Self::PdfMessage],
        })
    }
}

/// Proof that every rule of the format is kept. Made only by [`check`].
#[derive(Debug)]
pub struct FormatSound(());

/// The algorithms of a signer, or the identifier of one that is unknown here.
#[derive(Clone, Copy, Debug)]
pub struct SignerAlgorithms {
    pub digest: DigestAlgorithm,
    pub signature: SignatureAlgorithm,
}

impl SignerAlgorithms {
    pub fn of(signer: &SignerInfo<'_>) -> Result<Self, UnknownAlgorithm> {
        let digest = signer.digest_algorithm.clone()?;
        let decoded = SignatureAlgorithm::decode(signer.signature_algorithm, Some(digest));
        // Parameters that are not DER are as good as unknown.
        let unknown = |_| UnknownAlgorithm(crate::core::oid::dotted(signer.signature_algorithm.oid));
        Ok(Self { digest, signature: decoded.map_err(unknown)?? })
    }
}

/// Checks one signer against the rules. `algorithms` is `None` where one is unknown; the rules about them are then not judged,
/// and the signature cannot pass.
pub fn check(
    message: &SignedData<'_>,
    signer: &SignerInfo<'_>,
    attributes: &Result<SignedAttributes<'_>, FormatFault>,
    algorithms: Option<SignerAlgorithms>,
) -> Result<FormatSound, FormatFault> {
    if !matches!(message.version, Some(1..=5)) || !matches!(signer.version, Some(1 | 3)) {
        return Err(FormatFault::Version);
    }
    if message.holds_document_around_content() {
        return Err(FormatFault::ForeignDocument);
    }
    let attributes = attributes.as_ref().map_err(Clone::clone)?;
    // A counter-signature has no content, and its message announces no digest for it.
    let is_over_content = !signer.is_countersignature;
    if is_over_content && attributes.content_type != message.content_type {
        return Err(FormatFault::ContentType);
    }
    if let Some(algorithms) = algorithms {
        if is_over_content && !message.digest_algorithms.contains(&Ok(algorithms.digest)) {
            return Err(FormatFault::DigestAlgorithmNotListed);
        }
        if algorithms.signature.digest() != algorithms.digest {
            return Err(FormatFault::DigestAlgorithmsDiffer);
        }
        if attributes.message_digest.len() != algorithms.digest.length() {
            return Err(FormatFault::MessageDigestLength);
        }
        if attributes.algorithm_protection.is_some_and(|own| !own.fits(algorithms.digest, &signer.signature_algorithm))
        {
            return Err(FormatFault::AlgorithmProtection);
        }
    }
    Ok(FormatSound(()))
}

/// The signed attributes of a signer, or why there are none.
pub fn signed_attributes<'a>(signer: &SignerInfo<'a>) -> Result<SignedAttributes<'a>, FormatFault> {
    let element = signer.signed_attributes.ok_or(FormatFault::SignedAttributesMissing)?;
    let decoded = if signer.is_countersignature {
        SignedAttributes::decode_countersignature(element)
    } else {
        SignedAttributes::decode(element)
    };
    decoded.map_err(FormatFault::Attribute)
}
