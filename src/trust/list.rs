//! A signed trust list: which certificates are held and for what, in one enveloping CMS signature by an operator's key, so that
//! many nodes hold the same. The content is JSON:
//!
//! ```json
//! {"format": "antin-trust-list-1", "sequence": 7, "issued": "2026-07-01T00:00:00Z", "nextUpdate": "2026-10-01T00:00:00Z",
//!  "certificates": [{"certificate": "MIIF… (base64 of DER)", "role": "anchor", "tree": "government",
//!    "limits": {"uses": ["signing"], "kinds": null, "from": null, "until": null}, "aliases": []}]}
//! ```
//!
//! The signer states the kind [`KIND`] and the sequence number as id ([`DocumentReference`](crate::core::cms::document_reference)),
//! so that nothing else that the key signed can be taken for a list.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::state::{Seen, StateError};
use super::{Conflict, EntryFault, Held, Role, TrustError, check_entry, read};
use crate::config::TrustList as Settings;
use crate::core::cms::document_reference::TRUST_LIST_KIND;
use crate::core::cms::{CmsError, SignedData};
use crate::core::crypto;
use crate::core::der::DerError;
use crate::core::evidence::Evidence;
use crate::core::memory::Memory;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::time::Time;
use crate::core::validation::{self, Content, ValidationRequest};
use crate::core::verdict::Verdict;
use crate::core::x509::{AnchorLimits, Certificate, TrustAnchor, TrustStore};

/// The kind of document that the signer of a list states.
pub const KIND: &str = TRUST_LIST_KIND;
const FORMAT: &str = "antin-trust-list-1";
/// Seconds by which the clocks of signer and node may differ.
const CLOCK_TOLERANCE: i64 = 300;

/// Why a list does not count.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Read(#[from] TrustError),
    #[error("{}: {fault}", path.display())]
    Refused { path: PathBuf, fault: ListFault },
    #[error(transparent)]
    State(#[from] StateError),
}

/// What is wrong with a list.
#[derive(Debug, thiserror::Error)]
pub enum ListFault {
    #[error("not a CMS signature: {0}")]
    Encoding(CmsError),
    #[error("the certificate {0} that may sign the trust list is not in it")]
    OtherSigner(String),
    #[error("its signature is not valid: {0}")]
    Signature(&'static str),
    #[error("its signer did not sign it as the trust list of that number")]
    NotAsList,
    #[error("its content is no trust list")]
    Content(#[source] serde_json::Error),
    #[error("its format is {0:?}, not {FORMAT:?}")]
    Format(String),
    #[error("it was issued at {issued}, later than now")]
    Future { issued: Time },
    #[error("its nextUpdate is not later than issued")]
    Times,
    #[error("certificate {number}: {fault}")]
    Certificate { number: usize, fault: CertificateFault },
    #[error("it has number {found}, and {seen} was seen before: an older list does not come back")]
    WentBack { found: u64, seen: u64 },
    #[error("another list with number {0} was seen before: a changed list needs a higher number")]
    SameNumber(u64),
    #[error("it expired at {next_update} and was not in force before: get the newest")]
    Expired { next_update: Time },
}

/// What is wrong with one certificate of a list.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFault {
    #[error("not base64")]
    Base64,
    #[error("not a certificate in DER: {0}")]
    Encoding(DerError),
    #[error(transparent)]
    Entry(#[from] EntryFault),
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

/// The content of a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TrustList {
    format: String,
    pub sequence: u64,
    pub issued: Time,
    pub next_update: Time,
    pub certificates: Vec<ListedCertificate>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ListedCertificate {
    /// Base64 of the DER.
    certificate: String,
    role: Role,
    tree: String,
    limits: AnchorLimits,
    aliases: Vec<String>,
}

impl ListedCertificate {
    pub fn new(certificate: &Certificate, role: Role, tree: &str, limits: &AnchorLimits, aliases: &[String]) -> Self {
        Self {
            certificate: STANDARD.encode(certificate.der()),
            role,
            tree: tree.to_owned(),
            limits: limits.clone(),
            aliases: aliases.to_vec(),
        }
    }

    fn hold_in(&self, held: &mut Held) -> Result<(), CertificateFault> {
        let der = STANDARD.decode(&self.certificate).map_err(|_| CertificateFault::Base64)?;
        let certificate = Certificate::decode(&der).map_err(CertificateFault::Encoding)?;
        check_entry(self.role, &self.limits, &self.aliases)?;
        held.call(&certificate, &self.aliases);
        Ok(held.hold(Arc::new(certificate), self.role, &self.limits)?)
    }
}

impl TrustList {
    pub fn new(sequence: u64, issued: Time, next_update: Time, certificates: Vec<ListedCertificate>) -> Self {
        Self { format: FORMAT.to_owned(), sequence, issued, next_update, certificates }
    }

    /// The content to be signed.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("strings, numbers and times have a JSON form")
    }
}

/// A list whose signature, form and place in the sequence are right. Nothing of it counts before [`VerifiedList::keep`].
#[derive(Debug)]
pub struct VerifiedList {
    pub seen: Seen,
    pub next_update: Time,
    pub held: Held,
    state_file: PathBuf,
}

impl VerifiedList {
    /// Keeps the number, so that no lower one counts any more.
    pub fn keep(&self) -> Result<(), StateError> {
        self.seen.keep(&self.state_file)
    }
}

/// Reads and verifies the list of the settings, which follows those of the state file and the one `in_force` in this process. A list
/// that was in force stays so after its `nextUpdate`, also over a restart, as long as its signer's certificate is valid; one that was
/// not must be current.
pub fn load(settings: &Settings, in_force: Option<&Seen>, now: Time) -> Result<VerifiedList, ListError> {
    let bytes = read(&settings.file)?;
    let refused = |fault| ListError::Refused { path: settings.file.clone(), fault };
    let (list, content) = verify(&bytes, &settings.signer_sha256.to_lowercase(), now).map_err(refused)?;
    let seen = Seen::new(list.sequence, &content);
    let kept = Seen::open(&settings.state_file)?;
    let before = || kept.iter().chain(in_force);
    for before in before() {
        if before.sequence > list.sequence {
            return Err(refused(ListFault::WentBack { found: list.sequence, seen: before.sequence }));
        }
        if before.sequence == list.sequence && *before != seen {
            return Err(refused(ListFault::SameNumber(list.sequence)));
        }
    }
    if list.next_update < now && !before().any(|before| *before == seen) {
        return Err(refused(ListFault::Expired { next_update: list.next_update }));
    }
    let mut held = Held::default();
    for (index, certificate) in list.certificates.iter().enumerate() {
        let number = index + 1;
        certificate.hold_in(&mut held).map_err(|fault| refused(ListFault::Certificate { number, fault }))?;
    }
    Ok(VerifiedList { seen, next_update: list.next_update, held, state_file: settings.state_file.clone() })
}

/// The list, and the SHA-256 of its content. Judged as any document, under the policy `strict`, with the pinned certificate as the
/// only anchor; and its signer must be that very certificate, not one below it.
fn verify(bytes: &[u8], signer_sha256: &str, now: Time) -> Result<(TrustList, [u8; 32]), ListFault> {
    let message = SignedData::decode(bytes).map_err(ListFault::Encoding)?;
    let certificates = message.certificates.iter().filter_map(|der| Certificate::decode(der).ok());
    let signer = certificates.map(Arc::new).find(|certificate| certificate.fingerprint_text() == signer_sha256);
    let signer = signer.ok_or_else(|| ListFault::OtherSigner(signer_sha256.to_owned()))?;
    let trust = TrustStore::new(vec![TrustAnchor::new(Arc::clone(&signer))], Vec::new());
    let policy = Policy::held("strict").ok_or(ListFault::Signature("policy"))?;
    let validation = validation::validate(&ValidationRequest {
        document: bytes,
        content: Content::None,
        evidence: &Evidence::default(),
        trust: &trust,
        policy: &policy,
        revocation: RevocationMode::Required,
        time: now,
        memory: &Memory::none(),
    });
    let validation = validation.map_err(|fault| ListFault::Encoding(fault.0))?;
    if !matches!(validation.verdict, Verdict::TotalPassed(_)) {
        return Err(ListFault::Signature(validation.verdict.code()));
    }
    let by_pinned =
        |signature: &validation::SignatureValidation| signature.signer.as_ref().is_ok_and(|found| *found == signer);
    if !validation.signatures.iter().all(by_pinned) {
        return Err(ListFault::OtherSigner(signer_sha256.to_owned()));
    }
    let content = message.content.unwrap_or_default();
    let list: TrustList = serde_json::from_slice(content).map_err(ListFault::Content)?;
    let reference = validation.content.reference.ok_or(ListFault::NotAsList)?;
    if reference.kind() != KIND || reference.id() != list.sequence.to_string() {
        return Err(ListFault::NotAsList);
    }
    if list.format != FORMAT {
        return Err(ListFault::Format(list.format));
    }
    if list.next_update <= list.issued {
        return Err(ListFault::Times);
    }
    if list.issued > now.plus_seconds(CLOCK_TOLERANCE) {
        return Err(ListFault::Future { issued: list.issued });
    }
    Ok((list, crypto::sha256(content)))
}
