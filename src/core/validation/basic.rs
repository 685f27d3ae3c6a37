//! Validation of one basic signature (EN 319 102-1 §5.3). Every block is judged, whatever the others say; an integrity failure
//! decides first, then the most fundamental lack.

use std::sync::Arc;

use super::content::SignedContent;
use super::countersignature::CountersignatureValidation;
use super::cryptographic::{DigestFault, DigestMatched};
use super::embedded::Together;
use super::format::{FormatFault, FormatSound, SignerAlgorithms};
use super::level::Level;
use super::long_term::Past;
use super::pades::InPdf;
use super::signer::SignerFault;
use super::timestamp::TimestampValidation;
use super::{ValidationRequest, acceptance, certificate, cryptographic, format, signer};
use crate::core::algorithm::{SignatureAlgorithm, UnknownAlgorithm};
use crate::core::cms::attributes::SignedAttributes;
use crate::core::cms::document_reference::DocumentReference;
use crate::core::cms::{SignedData, SignerInfo};
use crate::core::crypto::{SignatureFault, SignatureVerified};
use crate::core::evidence::CrlSet;
use crate::core::path::{PathOutcome, Work};
use crate::core::policy::Purpose;
use crate::core::time::Time;
use crate::core::verdict::{Cause, Failure, TotalPassed, Verdict};
use crate::core::x509::Certificate;
use crate::core::x509::ocsp::OcspResponse;

use acceptance::{AcceptanceFault, Accepted};

/// Untrusted certificates and revocation data at hand, and as of when they are asked.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    pub certificates: &'a [Arc<Certificate>],
    pub crls: &'a CrlSet,
    pub ocsp_responses: &'a [Arc<OcspResponse>],
    /// For what the signers' certificates are to be good.
    pub purpose: Purpose,
    /// When the signature was made at the latest, if trusted time proves it; `None`: at the time of validation.
    pub past: Option<Past<'a>>,
    /// When the signature says that it was made where its container and not the message says so: `M` of a PDF.
    pub claimed_time: Option<Time>,
    /// Shared by all signers of the message.
    pub work: &'a Work,
}

/// In what the signature came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Container {
    #[default]
    Cms,
    /// A PDF, by `ETSI.CAdES.detached`.
    Pades,
    /// A PDF, by `adbe.pkcs7.detached`.
    PdfPkcs7,
}

impl<'a> Material<'a> {
    /// As of the time of validation.
    pub fn new(request: &ValidationRequest<'a>, together: &'a Together, purpose: Purpose, work: &'a Work) -> Self {
        Self {
            certificates: &together.certificates,
            crls: together.crls(request),
            ocsp_responses: together.ocsp_responses(request),
            purpose,
            past: None,
            claimed_time: None,
            work,
        }
    }
}

/// The judgement of one signature: each block's result, and the verdict they make.
#[derive(Debug)]
pub struct SignatureValidation {
    pub verdict: Verdict,
    pub format: Result<FormatSound, FormatFault>,
    pub digest: Option<Result<DigestMatched, DigestFault>>,
    /// The signer's certificate, if it was found.
    pub signer: Result<Arc<Certificate>, SignerFault>,
    /// The signer identifier in words, where the certificate was not found.
    pub signer_description: Option<String>,
    pub algorithm: Result<SignatureAlgorithm, UnknownAlgorithm>,
    pub signature: Option<Result<SignatureVerified, SignatureFault>>,
    pub path: Option<PathOutcome>,
    pub acceptance: Option<Result<Accepted, AcceptanceFault>>,
    pub claimed_signing_time: Option<Time>,
    pub document_reference: Option<DocumentReference>,
    /// The attributes that make it a CAdES baseline signature are there (EN 319 122-1 §6.3, table 1, level B).
    pub is_baseline: bool,
    /// The signing certificate is referenced by the signed attributes.
    pub references_certificate: bool,
    /// The signed attributes were not in DER order.
    pub reordered: bool,
    /// What is on it makes it; `None`: no baseline signature.
    pub level: Option<Level>,
    pub container: Container,
    /// What the PDF around it says, if it stands in one.
    pub in_pdf: Option<Box<InPdf>>,
    /// The octets of the signature value.
    pub value: Vec<u8>,
    /// The time-stamps on it; none are judged on the signature of a time-stamp.
    pub timestamps: Vec<TimestampValidation>,
    /// Those among its signed attributes, over the content: it is later than each that passes.
    pub content_timestamps: Vec<TimestampValidation>,
    /// It was judged as of the time proved too, which did not pass either.
    pub past: Option<Box<Self>>,
    /// The counter-signatures on it; they never improve anything.
    pub countersignatures: Vec<CountersignatureValidation>,
}

impl SignatureValidation {
    /// Of one that is no message that could be judged.
    pub fn unreadable(fault: FormatFault) -> Self {
        Self {
            verdict: Verdict::TotalFailed(Failure::Format(fault.clone())),
            format: Err(fault),
            digest: None,
            signer: Err(SignerFault::NotFound),
            signer_description: None,
            algorithm: Err(UnknownAlgorithm(String::new())),
            signature: None,
            path: None,
            acceptance: None,
            claimed_signing_time: None,
            document_reference: None,
            is_baseline: false,
            references_certificate: false,
            reordered: false,
            level: None,
            container: Container::PdfPkcs7,
            in_pdf: None,
            value: Vec::new(),
            timestamps: Vec::new(),
            content_timestamps: Vec::new(),
            past: None,
            countersignatures: Vec::new(),
        }
    }

    /// The earliest time at which the signature is proved to have existed; at the latest that of the validation.
    pub fn best_signature_time(&self, validation_time: Time) -> Time {
        let proofs = self.timestamps.iter().filter_map(|timestamp| timestamp.outcome.as_ref().ok());
        proofs.map(|proof| proof.time()).min().map_or(validation_time, |proved| proved.min(validation_time))
    }

    /// The latest time before which the signature is proved not to have been made, if there is one: by as much early as it may be wrong,
    /// and a second, for what is stated of time-stamps is rounded up.
    pub fn earliest_signature_time(&self) -> Option<Time> {
        let proofs = self.content_timestamps.iter().filter_map(|stamp| Some((stamp, stamp.outcome.as_ref().ok()?)));
        proofs.map(|(stamp, proof)| proof.time().plus_seconds(-1 - stamp.accuracy)).max()
    }
}

/// Judges one signer of a message.
pub fn validate(
    request: &ValidationRequest<'_>,
    message: &SignedData<'_>,
    signer_info: &SignerInfo<'_>,
    content: &SignedContent<'_>,
    material: Material<'_>,
) -> SignatureValidation {
    let algorithms = SignerAlgorithms::of(signer_info);
    let attributes = format::signed_attributes(signer_info);
    let format = format::check(message, signer_info, &attributes, algorithms.clone().ok());
    let attributes = attributes.ok();
    // Also where the signature algorithm is unknown: a changed document is told whatever else cannot be.
    let digest = match (&attributes, &signer_info.digest_algorithm) {
        (Some(attributes), Ok(algorithm)) => Some(cryptographic::check_digest(attributes, *algorithm, content)),
        _ => None,
    };
    let candidates = signer::identify(signer_info, attributes.as_ref(), material.certificates);
    let (signer, signature) = match (candidates, &attributes, &algorithms) {
        (Ok(candidates), Some(attributes), Ok(algorithms)) => {
            match cryptographic::check_signature(signer_info, attributes, *algorithms, &candidates, material.work) {
                Some((signer, verified)) => (Ok(signer), Some(verified)),
                None => (Err(SignerFault::NotFound), None),
            }
        }
        (Ok(candidates), ..) => (candidates.certificates.into_iter().next().ok_or(SignerFault::NotFound), None),
        (Err(fault), ..) => (Err(fault), None),
    };
    // What the attributes say counts once their signature was verified.
    let reference = attributes.as_ref().filter(|_| matches!(signature, Some(Ok(_))));
    let reference = reference.and_then(|attributes| attributes.document_reference.clone());
    let kind = reference.as_ref().map(DocumentReference::kind);
    let names_signer =
        attributes.as_ref().is_some_and(|attributes| attributes.certificate_references().next().is_some());
    let subject = certificate::Subject { kind, is_named: names_signer };
    let path = signer.as_ref().ok().map(|signer| certificate::validate(request, material, signer, subject));
    let acceptance = match (&attributes, &algorithms, &signer) {
        (Some(attributes), Ok(algorithms), Ok(signer)) => {
            let demands = acceptance::Demands::new(request.policy, material.purpose);
            let time = material.past.map_or(request.time, |past| past.used_at);
            let states_time = attributes.signing_time.or(material.claimed_time).is_some();
            Some(acceptance::check(demands, attributes, states_time, *algorithms, signer, time))
        }
        _ => None,
    };
    let mut validation = SignatureValidation {
        verdict: Verdict::Indeterminate(Cause::NoSignature),
        signer_description: signer.is_err().then(|| signer::describe(&signer_info.identifier)),
        claimed_signing_time: attributes
            .as_ref()
            .and_then(|attributes| attributes.signing_time)
            .or(material.claimed_time),
        is_baseline: attributes.as_ref().is_some_and(is_baseline),
        references_certificate: names_signer,
        reordered: attributes.as_ref().is_some_and(|attributes| attributes.reordered),
        document_reference: reference,
        container: Container::Cms,
        in_pdf: None,
        value: signer_info.signature.to_vec(),
        algorithm: algorithms.map(|algorithms| algorithms.signature),
        format,
        digest,
        signer,
        signature,
        path,
        acceptance,
        level: None,
        timestamps: Vec::new(),
        content_timestamps: Vec::new(),
        past: None,
        countersignatures: Vec::new(),
    };
    validation.verdict = verdict(&validation);
    validation
}

fn is_baseline(attributes: &SignedAttributes<'_>) -> bool {
    attributes.signing_time.is_some() && attributes.certificate_references().next().is_some()
}

/// The one place where a signature passes.
fn verdict(validation: &SignatureValidation) -> Verdict {
    // Integrity first, trusted or not.
    let format = match &validation.format {
        Ok(format) => format,
        Err(fault) => return Verdict::TotalFailed(Failure::Format(fault.clone())),
    };
    if let Some(Err(fault @ (DigestFault::Mismatch | DigestFault::ContentDiffers))) = &validation.digest {
        return fault.clone().into();
    }
    if let Some(Err(fault)) = validation.signature
        && !key_unusable(validation)
    {
        return Verdict::TotalFailed(Failure::Signature(fault));
    }
    // Then what is lacking, the most fundamental first.
    if let Err(unknown) = &validation.algorithm {
        return Verdict::Indeterminate(Cause::UnknownAlgorithm(unknown.clone()));
    }
    let digest = match &validation.digest {
        Some(Ok(digest)) => digest,
        Some(Err(fault)) => return fault.clone().into(),
        None => return Verdict::from(DigestFault::ContentMissing),
    };
    if let Err(fault) = &validation.signer {
        return Verdict::Indeterminate(Cause::Signer(fault.clone()));
    }
    let acceptance = match &validation.acceptance {
        Some(Ok(acceptance)) => acceptance,
        Some(Err(fault)) => return Verdict::Indeterminate(Cause::Acceptance(*fault)),
        None => return Verdict::Indeterminate(Cause::Signer(SignerFault::NotFound)),
    };
    match (&validation.signature, &validation.path) {
        (Some(Ok(signature)), Some(PathOutcome::Valid(path))) => {
            Verdict::TotalPassed(TotalPassed::from_proofs(format, digest, signature, path, acceptance))
        }
        (_, Some(PathOutcome::Invalid { fault, .. })) => Verdict::Indeterminate(Cause::Path(fault.clone())),
        _ => Verdict::Indeterminate(Cause::Signer(SignerFault::NotFound)),
    }
}

/// A key that nothing here computes with shows nothing about the signature value; the policy refuses it below.
fn key_unusable(validation: &SignatureValidation) -> bool {
    validation.signer.as_ref().is_ok_and(|signer| signer.public_key().is_err())
}
