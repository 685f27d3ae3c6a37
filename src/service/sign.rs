//! Signing: intent → signature → our own check → record → answer.
//!
//! Once the intent is durable the work runs in a task of its own: a client that hangs up cancels nothing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::spawn_blocking};

pub use super::sign_error::SignError;
use super::{
    adding::read_existing,
    issuance::{IssuanceLog, draw_salt},
    keys::SharedKeys,
    levels::LevelRaiser,
    lookup::{GivenFields, LookupKeys},
    permission::Client,
    sign_checks::{check_permit, may_use},
    standing::Standing,
    status_places::StatusPlaces,
    verify::VerifyService,
};
use crate::{
    clock,
    config::{Kind, Operation},
    core::{
        algorithm::DigestAlgorithm,
        cms::{document_reference::DocumentReference, embed::embed},
        crypto::{self, Hasher},
        log::{Opening, Promise, Salt},
        time::Time,
    },
    kinds::Kinds,
    registry::{
        Begun, DocumentId, Format, Intent, Issued, IssuedDocument, Level, Packaging, Registry, RegistryError, Sha256,
    },
    signing::{CadesRequest, IssuingKey, SigningError, pades::PadesOrder},
};

/// Signs documents of the kinds in the settings.
pub struct SignService {
    pub(super) kinds: HashMap<String, Kind>,
    /// What documents of these kinds are.
    pub(super) described: Arc<Kinds>,
    keys: SharedKeys,
    /// Documents that are held against their kind.
    pub(super) checking: Arc<Semaphore>,
    pub(super) registry: Arc<dyn Registry>,
    pub(super) verify: Arc<VerifyService>,
    pub(super) standing: Arc<Standing>,
    /// Who raises signatures above B-B, where that can be done.
    pub(super) levels: Option<Arc<LevelRaiser>>,
    /// `None`: what is issued goes into no log.
    pub(super) log: Option<Arc<IssuanceLog>>,
    /// Where status lists are published.
    pub(super) places: Option<StatusPlaces>,
    /// `None`: nobody can ask by the five fields.
    pub(super) lookup: Option<Arc<LookupKeys>>,
}

/// What is to be signed.
pub enum SignContent {
    Document(bytes::Bytes),
    /// SHA-256 of content that stays with the client; detached signatures only.
    Digest(Sha256),
    /// What the existing signature carries.
    Existing,
}

impl SignContent {
    pub(super) fn sha256(&self) -> Sha256 {
        match self {
            Self::Document(document) => crypto::sha256(document),
            Self::Digest(digest) => *digest,
            Self::Existing => crypto::sha256(&[]),
        }
    }
}

/// One order to sign.
pub struct SignRequest {
    pub client: Arc<Client>,
    pub idempotency_key: String,
    pub kind: String,
    pub content: SignContent,
    pub media_type: String,
    pub format: Format,
    /// [`Packaging::Enveloping`] for a PDF.
    pub packaging: Packaging,
    /// What a PDF gets beside its signature; no part of other orders.
    pub pdf: PadesOrder,
    pub level: Level,
    /// How long the answer may wait for a level above B-B; no part of the order.
    pub patience: Duration,
    /// A CMS in DER or BER to which the signature is added.
    pub existing_signature: Option<bytes::Bytes>,
    /// The name of the key that should sign, or of its authority.
    pub signer: Option<String>,
    /// JSON text as it was sent; bound into the request's digest.
    pub metadata: Option<String>,
    /// By what the holder of the paper asks for it; no part of the order's digest, which is kept.
    pub lookup: Option<GivenFields>,
}

impl SignRequest {
    /// SHA-256 over every field, each preceded by its length: the same order again has the same digest, no other has.
    pub(super) fn digest(&self, document: &Sha256) -> Sha256 {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        let by_digest = [u8::from(matches!(self.content, SignContent::Digest(_)))];
        let fields: [&[u8]; 7] = [
            self.kind.as_bytes(),
            document,
            &by_digest,
            self.media_type.as_bytes(),
            self.packaging.name().as_bytes(),
            self.signer.as_deref().unwrap_or_default().as_bytes(),
            self.metadata.as_deref().unwrap_or_default().as_bytes(),
        ];
        // Last, and left out where there is none: orders of before this field keep their digests.
        for field in fields.into_iter().chain(self.existing_signature.as_deref()) {
            hasher.update(&(field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        // Orders of before there were levels keep their digest.
        if self.level != Level::Basic {
            hasher.update(self.level.name().as_bytes());
        }
        if self.format == Format::Pades {
            // No field before has this length.
            hasher.update(&u64::MAX.to_be_bytes());
            for field in self.pdf.fields() {
                hasher.update(&(field.len() as u64).to_be_bytes());
                hasher.update(&field);
            }
        }
        hasher.finish().try_into().expect("SHA-256 has 32 octets")
    }
}

/// A released signature and its record.
pub struct Signed {
    pub document: IssuedDocument,
    /// Of this signature.
    pub level_reached: Level,
    /// The word of the issuance log that the document will be in it, and what opens its entry; `None`: it is in no log.
    pub log_promise: Option<(Opening, Promise)>,
    /// The CMS in the packaging asked for; the signed PDF.
    pub signature: Vec<u8>,
}

impl SignService {
    pub fn new(
        kinds: &[Kind],
        described: Arc<Kinds>,
        keys: SharedKeys,
        registry: Arc<dyn Registry>,
        verify: Arc<VerifyService>,
        standing: Arc<Standing>,
        levels: Option<Arc<LevelRaiser>>,
    ) -> Self {
        Self {
            kinds: kinds.iter().map(|kind| (kind.name.clone(), kind.clone())).collect(),
            described,
            keys,
            checking: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))),
            registry,
            verify,
            standing,
            levels,
            log: None,
            places: None,
            lookup: None,
        }
    }

    /// With a log into which all goes that is issued.
    #[must_use]
    pub fn with_log(mut self, log: Option<Arc<IssuanceLog>>) -> Self {
        self.log = log;
        self
    }

    /// With keys for what the public asks by.
    #[must_use]
    pub fn with_lookup(mut self, keys: Option<Arc<LookupKeys>>) -> Self {
        self.lookup = keys;
        self
    }

    /// Every key, as they are now.
    pub fn keys(&self) -> Arc<Vec<Arc<dyn IssuingKey>>> {
        self.keys.load_full()
    }

    /// Signs, or gives the earlier answer to the same request.
    pub async fn sign(self: &Arc<Self>, request: SignRequest) -> Result<Signed, SignError> {
        let highest = self.levels.as_ref().map_or(Level::Basic, |levels| levels.highest());
        if !highest.reaches(request.level) {
            return Err(SignError::LevelNotAvailable { level: request.level, highest });
        }
        let permitted = self.permitted_keys(&request)?;
        let service = Arc::clone(self);
        let work = tokio::spawn(async move { service.issue(request, permitted).await });
        work.await.map_err(|_| SignError::Interrupted)?
    }

    /// What the client asks for is allowed to it; nothing is written before. The keys that may sign it, in the order of the settings; never
    /// none.
    fn permitted_keys(&self, request: &SignRequest) -> Result<Vec<Arc<dyn IssuingKey>>, SignError> {
        let refused = || SignError::KindNotPermitted(request.kind.clone());
        if !request.client.may(Operation::Sign) || !request.client.may_sign_kind(&request.kind) {
            return Err(refused());
        }
        let kind = self.kinds.get(&request.kind).ok_or_else(refused)?;
        if matches!(request.content, SignContent::Digest(_)) {
            if !kind.digest_only {
                return Err(SignError::DigestNotPermitted);
            }
            if request.packaging != Packaging::Detached {
                return Err(SignError::DigestNeedsDetached);
            }
        }
        let asked = |key: &Arc<dyn IssuingKey>| request.signer.as_ref().is_none_or(|name| is_called(&**key, name));
        let allowed = |key: &Arc<dyn IssuingKey>| may_use(&request.client, &kind.name, &**key);
        let held = self.keys.load();
        let of_kind = kind.keys.iter().flat_map(|name| held.iter().filter(move |key| is_called(&***key, name)));
        let permitted: Vec<_> = of_kind.filter(|key| asked(key) && allowed(key)).cloned().collect();
        if permitted.is_empty() {
            return Err(SignError::SignerNotPermitted(request.signer.clone().unwrap_or_default()));
        }
        Ok(permitted)
    }

    async fn issue(&self, mut request: SignRequest, permitted: Vec<Arc<dyn IssuingKey>>) -> Result<Signed, SignError> {
        if request.format == Format::Pades {
            return self.issue_pdf(request, permitted).await;
        }
        let mut existing = None;
        if request.existing_signature.is_some() || matches!(request.content, SignContent::Existing) {
            let read = spawn_blocking(move || Ok::<_, SignError>((read_existing(&mut request)?, request)));
            (existing, request) = read.await.map_err(|_| SignError::Interrupted)??;
        }
        let document_digest = match &request.content {
            SignContent::Document(document) if document.len() > HASHED_INLINE => {
                let document = document.clone();
                let hashed = spawn_blocking(move || crypto::sha256(&document)).await;
                hashed.map_err(|_| SignError::Interrupted)?
            }
            content => content.sha256(),
        };
        let document_id = draw_document_id()?;
        let log_salt = self.draw_salt()?;
        let now = clock::now();
        let key = self.choose(permitted, &request.kind, now);
        let status_place = self.draw_status_place().await?;
        let own = self.standing.reference(document_id, status_place);
        let own = DocumentReference::new(&request.kind, &document_id.to_string(), Some(&own))?;
        let intent = Intent {
            document_id,
            client: request.client.name.clone(),
            idempotency_key: request.idempotency_key.clone(),
            request_digest: request.digest(&document_digest),
            kind: request.kind.clone(),
            document_digest,
            signer: key.name().to_owned(),
            level_requested: request.level,
            format: Format::Cades,
            packaging: request.packaging,
            media_type: essence(&request.media_type).to_owned(),
            begun_at: now,
            status_place,
        };
        let begun = self.registry.begin(intent.clone()).await?;
        if begun != Begun::Fresh {
            self.give_back(status_place).await;
        }
        match begun {
            Begun::Fresh => {}
            Begun::Replay(document) => return self.answer(*document, &request).await,
            Begun::InProgress { document_id } => return Err(SignError::InProgress(document_id)),
            Begun::DifferentBody { document_id } => return Err(SignError::DifferentBody(document_id)),
            Begun::StateUnknown { document_id } => return Err(SignError::StateUnknown(document_id)),
        }
        // Decree 23/2025 art. 15: the signer checks its own and its CA's certificate before it signs.
        // Who adds a signature signs the same document.
        let (reference, lookup) =
            match self.check_order(&request, existing.as_ref(), &document_digest, &*key, now).await {
                Ok((stated, lookup)) => (stated.unwrap_or(own), lookup),
                Err(error) => {
                    self.registry.abandon(document_id).await?;
                    return Err(error);
                }
            };
        let signed =
            match sign_blocking(&request.client, Arc::clone(&key), document_digest, now, reference.clone()).await {
                Ok(signature) => self.added(existing.as_ref(), signature, &request, &reference, &*key).await,
                Err(error) => Err(error),
            };
        let signature = match signed {
            Ok(signature) => signature,
            Err(error) if key_was_not_asked(&error) => {
                self.registry.abandon(document_id).await?;
                return Err(error);
            }
            Err(error) => {
                self.registry.mark_unknown(document_id).await?;
                return Err(error);
            }
        };
        let issued = Issued {
            signature,
            level_reached: Level::Basic,
            signed_at: now,
            signer_certificate_sha256: *key.certificate().fingerprint(),
            log_salt,
            lookup,
        };
        self.complete(document_id, &issued).await?;
        if let Some(levels) = self.levels.as_ref().filter(|_| intent.level_requested != issued.level_reached) {
            levels.ordered();
        }
        self.answer(IssuedDocument { intent, issued }, &request).await
    }

    /// The salt of the entry in the issuance log, if there is one.
    pub(super) fn draw_salt(&self) -> Result<Option<Salt>, SignError> {
        self.log.as_ref().map(|_| draw_salt().map_err(SignError::Random)).transpose()
    }

    /// A document waits for its place in the issuance log.
    fn logged(&self) {
        if let Some(log) = &self.log {
            log.ordered();
        }
    }

    /// What the issuance log says of a document with its signature.
    pub(super) fn log_promise(&self, document: &IssuedDocument) -> Result<Option<(Opening, Promise)>, SignError> {
        let promise = self.log.as_ref().map(|log| log.promise(document)).transpose()?;
        Ok(promise.flatten())
    }

    /// Records the result. A store that fails is asked again, for the signature exists; if it goes on failing, the attempt is
    /// marked as unknown, now or by the next start, and nothing is released.
    pub(super) async fn complete(&self, document_id: DocumentId, issued: &Issued) -> Result<(), SignError> {
        for pause in RECORD_PAUSES {
            match self.registry.complete(document_id, issued.clone()).await {
                Err(RegistryError::Unavailable { .. }) => tokio::time::sleep(pause).await,
                Ok(()) => {
                    self.logged();
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let Err(error) = self.registry.complete(document_id, issued.clone()).await {
            let _ = self.registry.mark_unknown(document_id).await;
            return Err(error.into());
        }
        self.logged();
        Ok(())
    }

    /// The signature as it was released, which is always the same; or the newest, if the order may wait for it. The record holds the
    /// CMS without content; the content comes from the request, whose digest is the recorded one.
    async fn answer(&self, document: IssuedDocument, request: &SignRequest) -> Result<Signed, SignError> {
        let (document_id, wanted) = (document.intent.document_id, document.intent.level_requested);
        let mut signature = document.issued.signature.clone();
        let mut level_reached = document.issued.level_reached;
        if let Some(levels) = self.levels.as_ref().filter(|_| !request.patience.is_zero())
            && !level_reached.reaches(wanted)
            && let Ok(Some(newest)) = levels.wait(document_id, wanted, request.patience).await
        {
            (signature, level_reached) = (newest.signature, newest.level);
        }
        if let (Packaging::Enveloping, SignContent::Document(content)) = (document.intent.packaging, &request.content) {
            let embedded = embed(&signature, content);
            signature = embedded.map_err(|source| SignError::Recorded { document_id, source })?;
        }
        let log_promise = self.log_promise(&document)?;
        Ok(Signed { document, level_reached, log_promise, signature })
    }
}

/// By its own name, or by that of its authority.
pub(super) fn is_called(key: &dyn IssuingKey, name: &str) -> bool {
    key.name() == name || key.authority() == Some(name)
}

/// Waits between attempts to record a signature that was made.
const RECORD_PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1)];

/// These are found before the key is used: the idempotency key may be used again.
pub(super) const fn key_was_not_asked(error: &SignError) -> bool {
    matches!(
        error,
        SignError::SignerNotPermitted(_)
            | SignError::Signing(
                SigningError::WeakDigest { .. }
                    | SigningError::DigestLength { .. }
                    | SigningError::CertificateNotValid { .. }
                    | SigningError::KeyNotAvailable { .. }
            )
    )
}

/// Content up to this size is hashed on the worker that serves the request: some 70 µs.
pub(super) const HASHED_INLINE: usize = 32 * 1024;

/// A media type without its parameters, in which anything may stand: they are no part of the record.
pub(super) fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// The media type of content whose type nobody tells.
pub const UNTOLD: &str = "application/octet-stream";

/// The key may be slow (RSA, a device); it verifies what it signed before it returns.
async fn sign_blocking(
    client: &Client,
    key: Arc<dyn IssuingKey>,
    digest: Sha256,
    signing_time: Time,
    reference: DocumentReference,
) -> Result<Vec<u8>, SignError> {
    check_permit(client, &reference, &*key)?;
    let work = spawn_blocking(move || {
        let digest = (DigestAlgorithm::Sha256, &digest[..]);
        key.sign_cades(&CadesRequest { digest, content: None, signing_time, document: Some(&reference) })
    });
    Ok(work.await.map_err(|_| SignError::Interrupted)??)
}

/// 128 bits that nobody can guess.
pub(super) fn draw_document_id() -> Result<DocumentId, SignError> {
    let mut bytes = [0; 16];
    openssl::rand::rand_bytes(&mut bytes).map_err(SignError::Random)?;
    Ok(DocumentId::from_bytes(bytes))
}
