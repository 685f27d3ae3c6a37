//! From bytes that anybody may have written to a list that a held authority signed (RFC 5280 §6.3.3 (f), (g)).

use std::borrow::Cow;
use std::sync::Arc;

use crate::core::crypto::sha256;
use crate::core::der::tag;
use crate::core::evidence_file::{self, EvidenceFileError};
use crate::core::memory::{self, Memory};
use crate::core::path::Work;
use crate::core::time::Time;
use crate::core::x509::crl::{CrlExtensions, CrlNumber};
use crate::core::x509::extension::KeyUsage;
use crate::core::x509::{Certificate, CertificateList, TrustStore};

/// Lists read from one answer of a source.
const LISTS: usize = 16;
/// Held certificates of one name whose key is tried.
const SAME_NAME: usize = 16;

/// Of what a list speaks: lists of one scope replace each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrlScope {
    /// SHA-256 of the issuer's SubjectPublicKeyInfo.
    pub issuer_key: [u8; 32],
    /// SHA-256 of the IssuingDistributionPoint's encoding, for a delta CRL of that encoding behind the word `delta`; none: the list
    /// is complete.
    pub distribution_point: Option<[u8; 32]>,
}

impl CrlScope {
    /// `complete`, or the distribution point's digest in hex.
    pub fn partition(&self) -> String {
        self.distribution_point.map_or_else(|| "complete".to_owned(), hex::encode)
    }
}

/// A list whose signature by a held authority was verified. Made only by [`verify`].
#[derive(Clone, Debug)]
pub struct VerifiedCrl {
    crl: Arc<CertificateList>,
    issuer: Arc<Certificate>,
    scope: CrlScope,
}

impl VerifiedCrl {
    pub const fn crl(&self) -> &Arc<CertificateList> {
        &self.crl
    }

    /// The held certificate whose key signed.
    pub const fn issuer(&self) -> &Arc<Certificate> {
        &self.issuer
    }

    pub const fn scope(&self) -> CrlScope {
        self.scope
    }

    pub fn number(&self) -> Option<&CrlNumber> {
        self.crl.extensions.crl_number.as_ref()
    }

    /// SHA-256 of what was signed: a list signed twice is one list.
    pub fn content(&self) -> &[u8; 32] {
        self.crl.content()
    }
}

/// Why a list does not count. Holds nothing of the list but times.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("neither DER nor PEM of a CRL")]
    NotACrl,
    #[error("more than {LISTS} lists")]
    TooManyLists,
    #[error("the DER of a CRL is broken at octet {offset}")]
    Malformed { offset: usize },
    #[error("no held certificate bears the issuer's name: add the authority to the trust anchors")]
    UnknownIssuer,
    #[error("the certificate named as the source's issuer is not held: add it to the trust anchors")]
    SourceIssuerNotHeld,
    #[error("signed by another authority than the source's")]
    OtherIssuer,
    #[error("the issuer's certificate is no CA's or does not allow it to sign CRLs")]
    MayNotSign,
    #[error("the signature algorithm is unknown or no longer accepted")]
    Algorithm,
    #[error("the issuer's key does not verify the signature: forged or damaged")]
    Signature,
    #[error("a delta CRL without a CRLNumber, which completes no list")]
    Delta,
    #[error("a critical extension is not understood")]
    NotUnderstood,
    #[error("thisUpdate {this_update} lies in the future: check the clocks")]
    Future { this_update: Time },
    #[error("the CRLNumber is lower than one seen before, or missing where one was seen")]
    NumberWentBack,
    #[error("thisUpdate {this_update} is earlier than {seen}, seen before")]
    TimeWentBack { this_update: Time, seen: Time },
    #[error("CRLNumber and thisUpdate of a list seen before, with other content")]
    SameNumberOtherContent,
    #[error("nothing is known of this scope yet: its source must answer before a shared copy counts")]
    SourceFirst,
}

impl Refusal {
    /// The kind of refusal, for metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotACrl => "not-a-crl",
            Self::TooManyLists => "too-many-lists",
            Self::Malformed { .. } => "malformed",
            Self::UnknownIssuer => "unknown-issuer",
            Self::SourceIssuerNotHeld => "source-issuer-not-held",
            Self::OtherIssuer => "other-issuer",
            Self::MayNotSign => "may-not-sign",
            Self::Algorithm => "algorithm",
            Self::Signature => "signature",
            Self::Delta => "delta",
            Self::NotUnderstood => "not-understood",
            Self::Future { .. } => "future",
            Self::NumberWentBack => "number-went-back",
            Self::TimeWentBack { .. } => "time-went-back",
            Self::SameNumberOtherContent => "same-number-other-content",
            Self::SourceFirst => "source-first",
        }
    }
}

/// The lists in what a source gave: in DER, or in PEM with text around them (RFC 7468 §5.2), read as the command line reads files.
pub fn split(bytes: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, Refusal> {
    let lists = evidence_file::crls_encoded(bytes).map_err(|error| match error {
        EvidenceFileError::Object { fault, .. } if bytes.first() == Some(&tag::SEQUENCE) => {
            Refusal::Malformed { offset: fault.offset }
        }
        EvidenceFileError::TooMany => Refusal::TooManyLists,
        _ => Refusal::NotACrl,
    })?;
    match lists.len() {
        0 => Err(Refusal::NotACrl),
        1..=LISTS => Ok(lists),
        _ => Err(Refusal::TooManyLists),
    }
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo.
pub fn key_digest(certificate: &Certificate) -> [u8; 32] {
    sha256(certificate.subject_public_key_info())
}

/// The certificates held that may sign lists, anchors first.
pub fn authorities(trust: &TrustStore) -> impl Iterator<Item = &Arc<Certificate>> {
    let anchors = trust.anchors().iter().map(|anchor| anchor.certificate());
    anchors.chain(trust.intermediates()).filter(|certificate| may_sign(certificate))
}

/// Decodes one list and verifies it with the key of a held authority of its name. Costs one decoding and at most
/// 16 signatures.
pub fn verify(der: &[u8], trust: &TrustStore, memory: &Memory, now: Time) -> Result<VerifiedCrl, Refusal> {
    let crl = CertificateList::decode(der).map_err(|error| Refusal::Malformed { offset: error.offset })?;
    let extensions = &crl.extensions;
    if extensions.is_delta() && extensions.crl_number.is_none() {
        return Err(Refusal::Delta);
    }
    if crl.entry_not_understood || !extensions.not_understood.is_empty() {
        return Err(Refusal::NotUnderstood);
    }
    if crl.this_update > now {
        return Err(Refusal::Future { this_update: crl.this_update });
    }
    if !crl.signature_algorithm.as_ref().is_ok_and(|algorithm| algorithm.is_acceptable()) {
        return Err(Refusal::Algorithm);
    }
    let issuer = signer(&crl, trust, memory)?;
    let scope = CrlScope { issuer_key: key_digest(&issuer), distribution_point: partition(extensions) };
    Ok(VerifiedCrl { crl: Arc::new(crl), issuer, scope })
}

/// What names the part of an issuer's certificates, reasons and changes that a list is about; none: all.
fn partition(extensions: &CrlExtensions) -> Option<[u8; 32]> {
    let point = extensions.issuing_distribution_point.as_ref().map(|point| point.der.as_slice());
    if extensions.is_delta() {
        return Some(sha256(&[b"delta", point.unwrap_or_default()].concat()));
    }
    point.map(sha256)
}

/// The held authority of the issuer's name whose key verifies the list.
fn signer(crl: &CertificateList, trust: &TrustStore, memory: &Memory) -> Result<Arc<Certificate>, Refusal> {
    let anchors = trust.anchors_named(&crl.issuer).map(|anchor| anchor.certificate());
    let mut fault = Refusal::UnknownIssuer;
    for certificate in anchors.chain(trust.intermediates_named(&crl.issuer)).take(SAME_NAME) {
        if !may_sign(certificate) {
            if fault == Refusal::UnknownIssuer {
                fault = Refusal::MayNotSign;
            }
        } else if memory::verify_crl(memory, certificate, crl, &Work::default()) {
            return Ok(Arc::clone(certificate));
        } else {
            fault = Refusal::Signature;
        }
    }
    Err(fault)
}

/// The certificate is a CA's (or of a version that cannot say so) and its key may sign CRLs (RFC 5280 §4.2.1.3); who is no CA must
/// say so itself, as the issuer of an indirect CRL does.
fn may_sign(certificate: &Certificate) -> bool {
    let extensions = &certificate.extensions;
    let is_ca = extensions.basic_constraints.map_or(certificate.version < 3, |constraints| constraints.ca);
    extensions.key_usage.map_or(is_ca, |usage| usage.any_of(KeyUsage::CRL_SIGN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_der_and_pem_and_nothing_else() {
        let block = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
        let lists = |count| Ok(vec![Cow::from(&[0x30, 0]); count]);
        assert_eq!(split(b"\x30\x00"), lists(1));
        assert_eq!(split(block.as_bytes()), lists(1));
        let several = format!("# the root's\r\n{block}# the CA's\n{block}");
        assert_eq!(split(several.as_bytes()), lists(2));
        for text in ["", "<html>", "-----BEGIN X509 CRL-----", "-----BEGIN X509 CRL-----\n!\n-----END X509 CRL-----\n"]
        {
            assert_eq!(split(text.as_bytes()), Err(Refusal::NotACrl), "{text}");
        }
        assert_eq!(split(b"\xFF\xFE"), Err(Refusal::NotACrl));
        assert!(matches!(split(b"\x30\x02\x05"), Err(Refusal::Malformed { .. })));
        let blank = block.replace("MAA=", "\nMA \nA= \n");
        assert_eq!(split(blank.as_bytes()), lists(1));
        assert_eq!(split(block.repeat(17).as_bytes()), Err(Refusal::TooManyLists));
    }
}
