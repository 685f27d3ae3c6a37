//! Asking for a document by its five fields, and recording by what it will be asked for. Nothing of the fields is kept, logged or told; what
//! is found is told as far as the kind of document allows.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use openssl::error::ErrorStack;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::buckets::AskLater;
use super::guesses::Guesses;
use super::keys::SharedKeys;
use super::papers::{self, Paper};
use super::verify::{VerifyRequest, VerifyService};
use crate::clock;
use crate::core::algorithm::DigestAlgorithm;
use crate::core::cms::{SignedData, attributes::SignedAttributes};
use crate::core::document_validity::Ends;
use crate::core::lookup::{FieldFault, LookupDigest, LookupFields, LookupKey, WrittenFields};
use crate::core::report::CertificateReport;
use crate::core::time::Time;
use crate::core::validation::Content;
use crate::core::verdict::Indication;
use crate::kinds::{Kinds, kind::Fact};
use crate::registry::{
    DocumentId, DocumentState, DocumentStatus, Format, IssuedDocument, LookupEntry, Registry, RegistryError,
};
use crate::revocation::collect::Collected;
use crate::signing::pades;

/// Questions whose digests are made at one time, each with 1 MiB and a processor for some milliseconds.
const AT_ONE_TIME: usize = 2;
/// Nothing has this id: ids are random.
const NOBODY: DocumentId = DocumentId::from_bytes([0; 16]);

/// The five fields as somebody sent them. They are personal data: there is no way to print them.
#[derive(Clone)]
pub struct GivenFields {
    pub file_code: String,
    pub full_name: String,
    pub birth_date: String,
    pub gender: String,
    pub identity_number: String,
}

impl GivenFields {
    /// # Errors
    /// Which field breaks which rule.
    pub fn normalise(&self) -> Result<LookupFields, FieldFault> {
        LookupFields::normalise(&WrittenFields {
            file_code: &self.file_code,
            full_name: &self.full_name,
            birth_date: &self.birth_date,
            gender: &self.gender,
            identity_number: &self.identity_number,
        })
    }
}

/// The keys of the digests.
pub struct LookupKeys {
    /// Under which is recorded.
    pub newest: LookupKey,
    /// Under which was.
    pub older: Vec<LookupKey>,
}

impl LookupKeys {
    /// By what a document with these fields will be found.
    ///
    /// # Errors
    /// OpenSSL computes nothing.
    pub fn entries(&self, fields: &[LookupFields]) -> Result<Vec<LookupEntry>, ErrorStack> {
        let mut entries: Vec<LookupEntry> = Vec::new();
        for fields in fields {
            for digest in self.newest.of_document(fields)? {
                let entry = LookupEntry { digest, key: self.newest.id() };
                // A name without marks is the same with and without them.
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
        }
        Ok(entries)
    }

    fn of_question(&self, fields: &LookupFields) -> Result<Vec<LookupDigest>, ErrorStack> {
        std::iter::once(&self.newest).chain(&self.older).map(|key| key.of_question(fields)).collect()
    }
}

/// Why nobody is told whether there is such a document.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    #[error(transparent)]
    Field(#[from] FieldFault),
    #[error(transparent)]
    Later(#[from] AskLater),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("the digest cannot be computed")]
    Digest(#[source] ErrorStack),
    #[error("the work ended without a result; see the log")]
    Interrupted,
}

/// What is told of a document; `None`: its kind does not let it be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundDocument {
    /// Its signature is good now, as far as the record alone can show it.
    pub is_lawful: Option<bool>,
    pub standing: Option<DocumentStatus>,
    pub issued_at: Option<Time>,
    /// Whom the certificate of the signer names.
    pub issuer: Option<String>,
    /// Whether it stands; for the words of the answer.
    pub is_in_force: bool,
    /// How long its kind has it good; `None`: for ever. Told with the standing.
    pub window: Option<Ends>,
}

/// A paper with these fields.
struct FoundPaper {
    id: DocumentId,
    /// Of its signatures, each with a record of its own, the latest first; never none.
    records: Vec<IssuedDocument>,
    /// Its one standing.
    status: DocumentStatus,
}

/// Answers strangers.
pub struct LookupService {
    keys: Arc<LookupKeys>,
    registry: Arc<dyn Registry>,
    kinds: Arc<Kinds>,
    verify: Arc<VerifyService>,
    signers: SharedKeys,
    guesses: Guesses,
    turns: Arc<Semaphore>,
}

impl LookupService {
    pub fn new(
        keys: Arc<LookupKeys>,
        registry: Arc<dyn Registry>,
        kinds: Arc<Kinds>,
        verify: Arc<VerifyService>,
        signers: SharedKeys,
    ) -> Self {
        let (guesses, turns) = (Guesses::new(Instant::now()), Arc::new(Semaphore::new(AT_ONE_TIME)));
        Self { keys, registry, kinds, verify, signers, guesses, turns }
    }

    /// The document with these fields: of several the newest that is in force, or the newest; only this one, if an id is given. `None` says the
    /// same whatever the reason: there is none, a field is another, its kind is not told of.
    ///
    /// # Errors
    /// [`LookupError`]; a field that breaks its rule costs nothing.
    pub async fn ask(
        &self,
        given: &GivenFields,
        only: Option<DocumentId>,
        origin: IpAddr,
    ) -> Result<Option<FoundDocument>, LookupError> {
        let fields = given.normalise()?;
        let file_code = fields.file_code().to_owned();
        self.guesses.admit(origin, &file_code, Instant::now())?;
        let found = self.find(fields, only).await?;
        if found.is_none() {
            self.guesses.note_wrong(origin, &file_code, Instant::now());
        }
        Ok(found)
    }

    async fn find(&self, fields: LookupFields, only: Option<DocumentId>) -> Result<Option<FoundDocument>, LookupError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| LookupError::Interrupted)?;
        let keys = Arc::clone(&self.keys);
        let digests = spawn_blocking(move || {
            let _turn = turn;
            keys.of_question(&fields)
        });
        let digests = digests.await.map_err(|_| LookupError::Interrupted)?.map_err(LookupError::Digest)?;
        let ids = self.registry.look_up(digests).await?;
        // As many questions to the registry as for one that is there and may not be told of; what they give is left.
        let asked = if ids.is_empty() { vec![NOBODY] } else { ids };
        let mut found: Vec<FoundPaper> = Vec::new();
        for id in asked {
            let document = self.registry.document(id).await?;
            let paper = match &document {
                Some(document) => papers::of(&*self.registry, document.clone()).await?,
                None => None,
            };
            let first = match paper {
                Some(Paper::Here(first)) => Some(first),
                Some(Paper::Elsewhere(_)) | None => None,
            };
            let paper = first.as_ref().map_or(NOBODY, |first| first.intent.document_id);
            let status = self.registry.status(paper).await?;
            let (Some(document), Some(first), Some(status)) = (document, first, status) else { continue };
            if self.facts(&document).is_empty() || only.is_some_and(|only| ![id, paper].contains(&only)) {
                continue;
            }
            match found.iter_mut().find(|known| known.id == paper) {
                Some(known) if known.records.contains(&document) => {}
                Some(known) => known.records.push(document),
                None => {
                    let earlier = (paper != id).then_some(*first);
                    let records = std::iter::once(document).chain(earlier).collect();
                    found.push(FoundPaper { id: paper, records, status });
                }
            }
        }
        // The latest comes first: another is better only if it stands and the first does not.
        let standing = found.iter().position(|paper| stands(&paper.status)).unwrap_or_default();
        Ok((!found.is_empty()).then(|| self.tell(found.swap_remove(standing))))
    }

    /// What may be told of a document of its kind.
    fn facts(&self, document: &IssuedDocument) -> &[Fact] {
        self.kinds.get(&document.intent.kind).map(|kind| kind.disclosure.public.as_slice()).unwrap_or_default()
    }

    fn tell(&self, paper: FoundPaper) -> FoundDocument {
        let FoundPaper { records, status, .. } = paper;
        let document = &records[0];
        let may = |fact: Fact| self.facts(document).contains(&fact);
        let (passes, named) = self.judge(document);
        let passes = passes && records[1..].iter().all(|record| self.judge(record).0);
        let certificate = document.issued.signer_certificate_sha256;
        let signers = self.signers.load();
        let own = signers.iter().find(|key| *key.certificate().fingerprint() == certificate);
        let issuer = own.map(|key| key.certificate().display_name().to_string()).or(named);
        FoundDocument {
            is_lawful: may(Fact::Legality).then_some(passes),
            is_in_force: stands(&status),
            window: self.verify.window(&document.intent.kind, document.issued.signed_at),
            standing: may(Fact::Standing).then_some(status),
            issued_at: may(Fact::IssuedAt).then_some(document.issued.signed_at),
            issuer: issuer.filter(|_| may(Fact::Issuer)),
        }
    }

    /// Whether the recorded signature passes over the recorded digest now, and whom its certificate names.
    fn judge(&self, document: &IssuedDocument) -> (bool, Option<String>) {
        let Some((message, digest)) = recorded(document) else { return (false, None) };
        let verified = self.verify.verify(&VerifyRequest {
            document: &message,
            content: Content::Digests(&[digest]),
            policy: None,
            purpose: None,
            collected: &Collected::default(),
            time: clock::now(),
        });
        let Ok(verified) = verified else { return (false, None) };
        let certificate = document.issued.signer_certificate_sha256;
        let is_signer = |own: &CertificateReport| *own.0.fingerprint() == certificate;
        let own = verified.report.signatures.iter().find(|one| one.certificates.first().is_some_and(is_signer));
        let passes = own.is_some_and(|own| own.indication == Indication::TotalPassed.name());
        (passes, own.and_then(|own| own.signed_by.clone()))
    }
}

type Digest = (DigestAlgorithm, Vec<u8>);

/// The message on record, and the digest that it is over. Of a PDF the record has what was added and not what it covers: what the signer says its
/// digest is counts, for it was compared when the signature was made; whose certificate it is, and whether that was revoked since, is asked now.
fn recorded(document: &IssuedDocument) -> Option<(Cow<'_, [u8]>, Digest)> {
    let issued = &document.issued;
    match document.intent.format {
        Format::Cades => {
            let digest = (DigestAlgorithm::Sha256, document.intent.document_digest.to_vec());
            Some((Cow::Borrowed(&issued.signature), digest))
        }
        Format::Pades => {
            let message = pades::message_in(&issued.signature)?;
            let decoded = SignedData::decode(&message).ok()?;
            let signer = decoded.signer_infos.first()?;
            let algorithm = *signer.digest_algorithm.as_ref().ok()?;
            let digest = SignedAttributes::decode(signer.signed_attributes?).ok()?.message_digest.to_vec();
            Some((Cow::Owned(message), (algorithm, digest)))
        }
        // Signed unseen, and found by nobody.
        Format::Raw => None,
    }
}

const fn stands(status: &DocumentStatus) -> bool {
    matches!(status.state, DocumentState::InForce)
}
