//! Verifying: the pure core, fed with the trust and the evidence at hand; what it missed can be collected, and asked again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use tokio::time::Instant;

use super::{SharedEvidence, SharedTrust, key_uses::UnseenKeys, validity::ValidityRules};
use crate::core::{
    algorithm::DigestAlgorithm,
    cms::{
        SignedData,
        document_reference::{BLIND_KIND, DocumentReference, RECEIPT_KIND},
    },
    crypto::Hasher,
    der::ber,
    document_validity,
    evidence::Evidence,
    memory::Memory,
    path::PathOutcome,
    policy::{Policy, RevocationMode},
    report::{Obstacle, Outcome, Reliance, Report},
    time::Time,
    validation::{self, Content, SignatureValidation, Unreadable, Validation, ValidationRequest, Wanted},
    verdict::Indication,
    x509::{Certificate, TrustStore, ocsp::OcspResponse},
};
use crate::revocation::collect::{Collected, Collector};

/// The longest purpose, in bytes.
pub const LONGEST_PURPOSE: usize = 128;

/// Judges documents.
pub struct VerifyService {
    trust: SharedTrust,
    evidence: SharedEvidence,
    /// Knows what OCSP responders said, and asks for evidence that is missing.
    collector: Option<Arc<Collector>>,
    memory: Arc<Memory>,
    policies: BTreeMap<String, Policy>,
    default_policy: String,
    /// By kind of document.
    purposes: BTreeMap<String, Vec<String>>,
    /// `None`: they are good for ever.
    validity: Option<ValidityRules>,
    unseen: Arc<ArcSwap<UnseenKeys>>,
}

/// One question.
#[derive(Clone, Copy)]
pub struct VerifyRequest<'a> {
    /// A CMS message or a PDF.
    pub document: &'a [u8],
    /// Content given beside a detached signature.
    pub content: Content<'a>,
    /// The name of a policy; the default one if `None`.
    pub policy: Option<&'a str>,
    /// For what the document is presented.
    pub purpose: Option<&'a str>,
    /// What was collected for this question; nothing at first.
    pub collected: &'a Collected,
    pub time: Time,
}

/// The answer, and which document it was about as its signers said.
#[derive(Debug)]
pub struct Verified {
    pub report: Report,
    pub reference: Option<DocumentReference>,
    /// SHA-256 of the certificate of each signer whose certificate was found and whose signature decides or passes.
    pub signers: Vec<[u8; 32]>,
    /// Every signature, in the order of the message.
    pub signatures: Vec<JudgedSignature>,
    /// What was missing and could be collected; empty where nothing is ever collected.
    pub wanted: Vec<Wanted>,
}

/// A judgement with all that it rests on.
pub(super) struct Judged {
    pub validation: Validation,
    /// What was missing and could be collected; empty where nothing is ever collected.
    pub wanted: Vec<Wanted>,
    pub trust: Guard<Arc<TrustStore>>,
    held: Guard<Arc<Evidence>>,
    widened: Option<Evidence>,
}

impl Judged {
    pub fn evidence(&self) -> &Evidence {
        self.widened.as_ref().unwrap_or(&self.held)
    }
}

/// What became of one signature.
#[derive(Debug)]
pub struct JudgedSignature {
    pub indication: Indication,
    pub code: &'static str,
    /// Its format, the digest and the value are right, whoever trusts the signer.
    pub is_intact: bool,
    /// The document that the signer states.
    pub reference: Option<DocumentReference>,
    /// The octets of the signature value.
    pub value: Vec<u8>,
}

impl JudgedSignature {
    fn of(signature: &SignatureValidation) -> Self {
        let is_intact = signature.format.is_ok()
            && matches!(signature.digest, Some(Ok(_)))
            && matches!(signature.signature, Some(Ok(_)));
        Self {
            indication: signature.verdict.indication(),
            code: signature.verdict.code(),
            is_intact,
            reference: signature.document_reference.clone(),
            value: signature.value.clone(),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("no policy {name:?} is held; the policies are {}", known.join(", "))]
    UnknownPolicy { name: String, known: Vec<String> },
    #[error("the purpose must have 1 to {LONGEST_PURPOSE} bytes without control characters")]
    Purpose,
    #[error(transparent)]
    Unreadable(Unreadable),
}

impl VerifyService {
    /// # Errors
    /// [`VerifyError::UnknownPolicy`] if there is no policy `default_policy`.
    pub fn new(
        trust: SharedTrust,
        evidence: SharedEvidence,
        collector: Option<Arc<Collector>>,
        memory: Arc<Memory>,
        policies: Vec<Policy>,
        default_policy: &str,
        purposes: BTreeMap<String, Vec<String>>,
    ) -> Result<Self, VerifyError> {
        let service = Self {
            trust,
            evidence,
            collector,
            memory,
            policies: policies.into_iter().map(|policy| (policy.id.clone(), policy)).collect(),
            default_policy: default_policy.to_owned(),
            purposes,
            validity: None,
            unseen: Arc::default(),
        };
        service.policy(None)?;
        Ok(service)
    }

    /// With rules for how long documents are good.
    #[must_use]
    pub fn with_validity(mut self, rules: ValidityRules) -> Self {
        self.validity = Some(rules);
        self
    }

    /// With keys that sign what nobody sees, whose word for what a document is does not count.
    #[must_use]
    pub fn with_unseen(mut self, keys: Arc<ArcSwap<UnseenKeys>>) -> Self {
        self.unseen = keys;
        self
    }

    /// How long a document of this kind is good that was signed then; `None`: for ever, or nothing is known of its kind.
    pub fn window(&self, kind: &str, signed_at: Time) -> Option<document_validity::Ends> {
        self.validity.as_ref()?.of_record(kind, signed_at)
    }

    /// What documents of any kind are known to serve for.
    pub fn purposes(&self) -> BTreeSet<&str> {
        self.purposes.values().flatten().map(String::as_str).collect()
    }

    pub const fn trust(&self) -> &SharedTrust {
        &self.trust
    }

    pub const fn evidence(&self) -> &SharedEvidence {
        &self.evidence
    }

    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The policy of this name, or the default one.
    pub fn policy(&self, name: Option<&str>) -> Result<&Policy, VerifyError> {
        let name = name.unwrap_or(&self.default_policy);
        self.policies.get(name).ok_or_else(|| VerifyError::UnknownPolicy {
            name: name.chars().take(64).collect(),
            known: self.policies.keys().cloned().collect(),
        })
    }

    /// How long one question may wait for evidence in all; not at all where none is collected.
    pub fn patience(&self) -> Duration {
        self.asking().map_or(Duration::ZERO, |collector| collector.patience())
    }

    /// Asks for what was missing until the deadline: whether judging again can give another answer. `client` is the name of the
    /// caller, if it is known.
    pub async fn collect(
        &self,
        wanted: &[Wanted],
        collected: &mut Collected,
        client: Option<&str>,
        deadline: Instant,
    ) -> bool {
        match self.asking() {
            Some(collector) if !wanted.is_empty() => collector.collect(wanted, collected, client, deadline).await,
            _ => false,
        }
    }

    /// Judges a document, its standing not yet considered. Pure computation, at most some milliseconds per megabyte.
    pub fn verify(&self, request: &VerifyRequest<'_>) -> Result<Verified, VerifyError> {
        let policy = self.policy(request.policy)?;
        let fits =
            |purpose: &str| (1..=LONGEST_PURPOSE).contains(&purpose.len()) && !purpose.chars().any(char::is_control);
        if !request.purpose.is_none_or(fits) {
            return Err(VerifyError::Purpose);
        }
        let judged = self.judge(request.document, request.content, policy, request.collected, request.time);
        let Judged { validation, wanted, .. } = judged.map_err(VerifyError::Unreadable)?;
        let mut report = Report::new(&validation, policy, RevocationMode::Required, request.time);
        let signers = counting(&validation).filter_map(|signature| signature.signer.as_ref().ok());
        let signers = signers.map(|signer| *signer.fingerprint()).collect();
        let signatures = validation.signatures.iter().map(JudgedSignature::of).collect();
        if let Some(rules) = &self.validity {
            rules.apply(&mut report, &validation, request);
        }
        let is_unseen = self.states_unseen(&validation);
        let reference = validation.content.reference;
        let is_of = |kind: &str| reference.as_ref().is_some_and(|reference| reference.kind() == kind);
        let obstacle = match request.purpose {
            _ if is_of(RECEIPT_KIND) => Some(Obstacle::Receipt),
            _ if is_unseen || is_of(BLIND_KIND) => Some(Obstacle::SignedUnseen),
            Some(purpose) => self.purpose_obstacle(purpose, reference.as_ref()),
            None => None,
        };
        if let Some(obstacle) = obstacle.filter(|_| report.reliance.outcome == Outcome::Accept) {
            let outcome = if obstacle == Obstacle::PurposeNotAllowed { Outcome::Reject } else { Outcome::Undetermined };
            report.reliance = Reliance::new(outcome, obstacle.code());
        }
        if report.reliance.outcome == Outcome::Undetermined {
            report.reliance.retry_at = request.collected.retry_at;
        }
        Ok(Verified { report, reference, signers, signatures, wanted })
    }

    /// The judgement itself, by the trust and the evidence at hand and what was collected for it.
    pub(super) fn judge(
        &self,
        document: &[u8],
        content: Content<'_>,
        policy: &Policy,
        collected: &Collected,
        time: Time,
    ) -> Result<Judged, Unreadable> {
        let (trust, held) = (self.trust.load(), self.evidence.load());
        let Collected { certificates, ocsp_responses, .. } = collected;
        let with = |more: &[Arc<OcspResponse>]| {
            let mut widened = Evidence::clone(&held);
            widened.certificates.extend_from_slice(certificates);
            widened.ocsp_responses.extend_from_slice(ocsp_responses);
            widened.ocsp_responses.extend_from_slice(more);
            widened
        };
        let mut widened = (!certificates.is_empty() || !ocsp_responses.is_empty()).then(|| with(&[]));
        let validate = |evidence: &Evidence| {
            validation::validate(&ValidationRequest {
                document,
                content,
                evidence,
                trust: &trust,
                policy,
                revocation: RevocationMode::Required,
                time,
                memory: &self.memory,
            })
        };
        let mut validation = validate(widened.as_ref().unwrap_or(&held))?;
        let revoking = self.revoking(&validation, collected);
        if !revoking.is_empty() {
            let widened = widened.insert(with(&revoking));
            validation = validate(widened)?;
        }
        let evidence = widened.as_ref().unwrap_or(&held);
        let wanted = match self.asking() {
            Some(collector) => {
                validation.set_issuers_unavailable(&collected.issuers_unavailable);
                collector.used(on_valid_paths(&validation).map(|(certificate, _)| certificate));
                validation.wanted(&evidence.crls, &trust, time)
            }
            None => Vec::new(),
        };
        Ok(Judged { validation, wanted, trust, held, widened })
    }

    /// A signer states a document, and its key signs whatever its client sends the digest of.
    fn states_unseen(&self, validation: &Validation) -> bool {
        let unseen = self.unseen.load();
        let states = |signature: &&SignatureValidation| signature.document_reference.is_some();
        let mut signers = counting(validation).filter(states).filter_map(|signature| signature.signer.as_ref().ok());
        signers.any(|signer| unseen.hold(signer))
    }

    fn asking(&self) -> Option<&Arc<Collector>> {
        self.collector.as_ref().filter(|collector| collector.asks())
    }

    /// OCSP responses of before that speak against a certificate of a path that passed without them.
    fn revoking(&self, validation: &Validation, collected: &Collected) -> Vec<Arc<OcspResponse>> {
        let Some(collector) = &self.collector else { return Vec::new() };
        let known =
            on_valid_paths(validation).filter_map(|(certificate, issuer)| collector.revoking(certificate, issuer));
        known.filter(|response| !collected.has(response)).collect()
    }

    /// Why a document does not serve a purpose. The purpose is a demand, never evidence: the kind is what its signers say.
    fn purpose_obstacle(&self, purpose: &str, reference: Option<&DocumentReference>) -> Option<Obstacle> {
        let Some(reference) = reference else { return Some(Obstacle::KindUnknown) };
        match self.purposes.get(reference.kind()).map(Vec::as_slice) {
            None | Some([]) => Some(Obstacle::PurposeUnknown),
            Some(purposes) if purposes.iter().any(|known| known == purpose) => None,
            Some(_) => Some(Obstacle::PurposeNotAllowed),
        }
    }
}

/// Signatures that decide, or pass.
fn counting(validation: &Validation) -> impl Iterator<Item = &SignatureValidation> {
    let passed = |signature: &&SignatureValidation| signature.verdict.indication() == Indication::TotalPassed;
    validation.deciding().chain(validation.signatures.iter().filter(passed))
}

/// Each with its issuer.
fn on_valid_paths(validation: &Validation) -> impl Iterator<Item = (&Certificate, &Certificate)> {
    let paths = validation.signatures.iter().filter_map(|signature| match &signature.path {
        Some(PathOutcome::Valid(path)) => Some(path),
        _ => None,
    });
    paths.flat_map(|path| {
        let issuers = path.certificates().iter().skip(1).chain([path.anchor()]);
        path.certificates().iter().zip(issuers).map(|(certificate, issuer)| (&**certificate, &**issuer))
    })
}

/// Digests of content that arrives in pieces, for a detached signature that is there already.
pub struct ContentDigests(Vec<(DigestAlgorithm, Hasher)>);

impl ContentDigests {
    /// SHA-256, and what the signers of `signature` and its time-stamps name beside it; what cannot be decoded names nothing. `None`: one
    /// of them is over the content together with something else, so that all of it is needed.
    pub fn wanted_by(signature: &[u8]) -> Option<Self> {
        let mut algorithms = match SignedData::decode(signature) {
            Ok(message) => validation::demands(&message)?,
            Err(_) => match ber::normalise_content_info(signature) {
                Ok(normalised) => {
                    SignedData::decode(&normalised).map_or(Some(Vec::new()), |message| validation::demands(&message))?
                }
                Err(_) => Vec::new(),
            },
        };
        algorithms.push(DigestAlgorithm::Sha256);
        algorithms.sort_unstable();
        algorithms.dedup();
        Some(Self(algorithms.into_iter().map(|algorithm| (algorithm, Hasher::new(algorithm))).collect()))
    }

    pub fn update(&mut self, piece: &[u8]) {
        for (_, hasher) in &mut self.0 {
            hasher.update(piece);
        }
    }

    pub fn finish(self) -> Vec<(DigestAlgorithm, Vec<u8>)> {
        self.0.into_iter().map(|(algorithm, hasher)| (algorithm, hasher.finish())).collect()
    }
}
