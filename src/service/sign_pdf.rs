//! Signing a PDF: intent → signature in an update behind the document → our own check → record → answer.
//!
//! The record has what was put behind the document that was sent, and so the same order again gets the same octets. Levels above B-B are
//! made within the request, for the record has no document to which anything could be added later.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::existing::{Existing, JudgedContent, Stated};
use super::permission::Client;
use super::sign::{
    HASHED_INLINE, SignContent, SignError, SignRequest, SignService, Signed, draw_document_id, essence,
    key_was_not_asked,
};
use super::sign_checks::check_permit;
use super::steps::{Steps, settle};
use crate::clock;
use crate::core::algorithm::DigestAlgorithm;
use crate::core::cms::document_reference::DocumentReference;
use crate::core::log::{Opening, Promise};
use crate::core::time::Time;
use crate::core::validation;
use crate::registry::{Begun, Format, Intent, Issued, IssuedDocument, LONGEST_SIGNATURE, Level, LookupEntry};
use crate::signing::level::LevelError;
use crate::signing::pades::check::{self, Before};
use crate::signing::pades::{PadesError, PadesOrder, Prepared, room_for};
use crate::signing::{CadesRequest, IssuingKey, SigningError};

/// Times that room for the message is made.
const ATTEMPTS: usize = 3;
/// A document's signatures are over its SHA-256, whatever the key.
const DIGEST: DigestAlgorithm = DigestAlgorithm::Sha256;

/// All that does not change from attempt to attempt.
#[derive(Clone)]
struct Work {
    document: Bytes,
    order: PadesOrder,
    time: Time,
    reference: DocumentReference,
    before: Arc<Before>,
    key: Arc<dyn IssuingKey>,
    client: Arc<Client>,
}

impl SignService {
    pub(super) async fn issue_pdf(
        &self,
        mut request: SignRequest,
        permitted: Vec<Arc<dyn IssuingKey>>,
    ) -> Result<Signed, SignError> {
        let content = std::mem::replace(&mut request.content, SignContent::Existing);
        let SignContent::Document(document) = content else { return Err(SignError::NoContent) };
        let document_digest = hashed(document.clone()).await?;
        let document_id = draw_document_id()?;
        let log_salt = self.draw_salt()?;
        let now = clock::now();
        let key = self.choose(permitted, &request.kind, now);
        let status_place = self.draw_status_place().await?;
        let own = self.standing.reference(document_id, status_place);
        let own = DocumentReference::new(&request.kind, &document_id.to_string(), Some(&own))?;
        request.content = SignContent::Document(Bytes::new());
        let intent = Intent {
            document_id,
            client: request.client.name.clone(),
            idempotency_key: request.idempotency_key.clone(),
            request_digest: request.digest(&document_digest),
            kind: request.kind.clone(),
            document_digest,
            signer: key.name().to_owned(),
            level_requested: request.level,
            format: Format::Pades,
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
            Begun::Replay(issued) => {
                let log_promise = self.log_promise(&issued)?;
                return Ok(answer(*issued, log_promise, Vec::from(document)));
            }
            Begun::InProgress { document_id } => return Err(SignError::InProgress(document_id)),
            Begun::DifferentBody { document_id } => return Err(SignError::DifferentBody(document_id)),
            Begun::StateUnknown { document_id } => return Err(SignError::StateUnknown(document_id)),
        }
        let (first, lookup) = match self.prepare_pdf(document, &request, own, &key, now).await {
            Ok(prepared) => prepared,
            Err(error) => {
                self.registry.abandon(document_id).await?;
                return Err(error);
            }
        };
        let (update, level_reached, whole) = match self.make_pdf(first, request.level).await {
            Ok(made) => made,
            Err(error) => {
                if key_was_not_asked(&error) {
                    self.registry.abandon(document_id).await?;
                } else {
                    self.registry.mark_unknown(document_id).await?;
                }
                return Err(error);
            }
        };
        let issued = Issued {
            signature: update,
            level_reached,
            signed_at: now,
            signer_certificate_sha256: *key.certificate().fingerprint(),
            log_salt,
            lookup,
        };
        self.complete(document_id, &issued).await?;
        let document = IssuedDocument { intent, issued };
        let log_promise = self.log_promise(&document)?;
        Ok(Signed { document, level_reached, log_promise, signature: whole })
    }

    /// All that can be found wrong before the key is used; and by what the holder of the PDF asks for it.
    async fn prepare_pdf(
        &self,
        document: Bytes,
        request: &SignRequest,
        own: DocumentReference,
        key: &Arc<dyn IssuingKey>,
        time: Time,
    ) -> Result<((Work, Prepared), Vec<LookupEntry>), SignError> {
        self.check_issuer(&**key, &request.kind, time)?;
        let read = document.clone();
        let before = spawn_blocking(move || Before::read(&read, time)).await.map_err(|_| SignError::Interrupted)??;
        // Who adds a signature signs the same document.
        let stated = match before.values.as_slice() {
            [] => None,
            _ => self.stated_in_pdf(&document, &before, &request.kind).await.map_err(in_pdf)?,
        };
        let lookup = self.lookup_entries(request, Some(document.clone()), stated.as_ref()).await?;
        let reference = stated.map_or(own, |stated| stated.reference);
        // A code that leads to "not found" makes a good paper look forged.
        let can_be_found = self.lookup.is_none() || !lookup.is_empty();
        let order = self.drawn(request.pdf.clone(), &document, (&reference, can_be_found), key, time).await?;
        let (before, key) = (Arc::new(before), Arc::clone(key));
        let work = Work { document, order, time, reference, before, key, client: Arc::clone(&request.client) };
        let room = room_for(&*work.key, Some(&work.reference), request.level.reaches(Level::Timestamped));
        let prepared = work.prepare(room).await?;
        self.check_document(request, work.document.clone()).await?;
        Ok(((work, prepared), lookup))
    }

    /// The order with its seal: by the image of the key, and with the address at which the document is verified.
    async fn drawn(
        &self,
        mut order: PadesOrder,
        document: &Bytes,
        (reference, can_be_found): (&DocumentReference, bool),
        key: &Arc<dyn IssuingKey>,
        time: Time,
    ) -> Result<PadesOrder, SignError> {
        let Some(appearance) = &mut order.appearance else { return Ok(order) };
        appearance.image = key.seal_image().cloned();
        if appearance.address.is_none() && can_be_found {
            appearance.address = self.standing.verification_address(reference.id());
        }
        let (document, key) = (document.clone(), Arc::clone(key));
        let drawn = spawn_blocking(move || order.drawn(&document, key.certificate().display_name(), time));
        Ok(drawn.await.map_err(|_| SignError::Interrupted)??)
    }

    /// Judges the signatures that stand in the PDF: the document that their signers state, as in [`Self::check_existing`].
    async fn stated_in_pdf(&self, document: &Bytes, before: &Before, kind: &str) -> Result<Option<Stated>, SignError> {
        let existing = Existing::of_pdf(document.clone());
        let stated = existing.judge(&self.verify, &JudgedContent::Carried, kind).await?;
        let Some(reference) = stated else { return Ok(None) };
        let is_content = |document: &IssuedDocument| {
            document.intent.format == Format::Pades
                && before.values.iter().any(|value| document.issued.holds_value(value))
        };
        Ok(Some(self.found(reference, kind, is_content).await?))
    }

    /// Signs, checks, and raises as far as can be now: what was put behind the document, the level, the whole.
    async fn make_pdf(
        &self,
        (work, mut prepared): (Work, Prepared),
        level: Level,
    ) -> Result<(Vec<u8>, Level, Vec<u8>), SignError> {
        let steps = self.levels.as_ref().map(|levels| levels.steps()).filter(|_| level.reaches(Level::Timestamped));
        let (mut attempt, length) = (0, work.document.len());
        let (update, mut reached) = loop {
            attempt += 1;
            let signed = work.sign(&prepared).await;
            let (message, digest) = signed.map_err(|error| if attempt > 1 { signed_before(error) } else { error })?;
            let (message, reached) = stamped(message, digest, steps).await;
            match prepared.fill(&message) {
                Err(PadesError::Room { needed, .. }) if attempt < ATTEMPTS => {
                    prepared = work.prepare(needed + needed / 4).await?;
                }
                update => break (update?, reached),
            }
        };
        let mut whole = work.check(update, reached).await?;
        if let Some(steps) = steps.filter(|_| reached == Level::Timestamped && level.reaches(Level::LongTerm)) {
            reached = raise(&mut whole, length, level, steps).await?;
        }
        let update = whole[length..].to_vec();
        if update.len() > LONGEST_SIGNATURE {
            return Err(SignError::PdfTooLarge);
        }
        Ok((update, reached, whole))
    }
}

impl Work {
    async fn prepare(&self, room: usize) -> Result<Prepared, SignError> {
        let work = self.clone();
        let prepared = spawn_blocking(move || Prepared::signature(&work.document, &work.order, work.time, room));
        Ok(prepared.await.map_err(|_| SignError::Interrupted)??)
    }

    /// The message, and the digest that it is over.
    async fn sign(&self, prepared: &Prepared) -> Result<(Vec<u8>, Vec<u8>), SignError> {
        let (work, prepared) = (self.clone(), prepared.clone());
        check_permit(&work.client, &work.reference, &*work.key)?;
        let signed = spawn_blocking(move || {
            let digest = prepared.digest(&work.document, DIGEST);
            let message = work.key.sign_in_pdf(&CadesRequest {
                digest: (DIGEST, &digest),
                content: None,
                signing_time: work.time,
                document: Some(&work.reference),
            });
            message.map(|message| (message, digest))
        });
        Ok(signed.await.map_err(|_| SignError::Interrupted)??)
    }

    /// The whole document, judged. The octets that were sent are not copied, if nobody else holds them any more.
    async fn check(self, update: Vec<u8>, reached: Level) -> Result<Vec<u8>, SignError> {
        let level = match reached {
            Level::Basic => validation::level::Level::Basic,
            Level::Timestamped | Level::LongTerm | Level::Archival => validation::level::Level::Timestamped,
        };
        let checked = spawn_blocking(move || {
            let Self { document, reference, before, key, .. } = self;
            let mut whole = Vec::from(document);
            whole.extend(update);
            check::check(&whole, &before, key.certificate(), Some(&reference), level, clock::now())?;
            Ok::<_, PadesError>(whole)
        });
        Ok(checked.await.map_err(|_| SignError::Interrupted)??)
    }
}

/// The key cannot be had for a further attempt, and yet it has signed: the order is not one that may be given again under its key.
fn signed_before(error: SignError) -> SignError {
    match error {
        SignError::Signing(SigningError::KeyNotAvailable { key, source }) => {
            SigningError::KeyUnanswered { key, source }.into()
        }
        other => other,
    }
}

/// The message with a time-stamp, if an authority gives one now.
async fn stamped(mut message: Vec<u8>, digest: Vec<u8>, steps: Option<&Steps>) -> (Vec<u8>, Level) {
    let Some(steps) = steps else { return (message, Level::Basic) };
    let content = JudgedContent::Digests(vec![(DIGEST, digest)]);
    match steps.timestamp(&mut message, &content).await {
        Ok(()) => (message, Level::Timestamped),
        Err(error) => {
            not_raised(&error);
            (message, Level::Basic)
        }
    }
}

/// Raises a PDF at B-T, whose first `length` octets were sent, as far as it can be now within the size of a record.
async fn raise(pdf: &mut Vec<u8>, length: usize, level: Level, steps: &Steps) -> Result<Level, SignError> {
    settle().await;
    let mut reached = Level::Timestamped;
    for next in [Level::LongTerm, Level::Archival].into_iter().filter(|next| level.reaches(*next)) {
        let before = pdf.len();
        let raised = match next {
            Level::Archival => steps.archive(pdf, &JudgedContent::Carried).await.map(drop),
            _ => steps.long_term(pdf, &JudgedContent::Carried).await,
        };
        match raised {
            Ok(()) if pdf.len() - length <= LONGEST_SIGNATURE => reached = next,
            Ok(()) => {
                pdf.truncate(before);
                break;
            }
            Err(LevelError::Interrupted) => return Err(SignError::Interrupted),
            Err(error) => {
                not_raised(&error);
                break;
            }
        }
    }
    Ok(reached)
}

/// The answer says what was reached.
fn not_raised(error: &LevelError) {
    metrics::counter!("antin_level_failures_total", "code" => error.code()).increment(1);
    tracing::warn!(code = error.code(), %error, "a PDF is released below the level ordered");
}

/// The same octets again.
fn answer(document: IssuedDocument, log_promise: Option<(Opening, Promise)>, mut whole: Vec<u8>) -> Signed {
    whole.extend(&document.issued.signature);
    Signed { level_reached: document.issued.level_reached, log_promise, signature: whole, document }
}

/// The client named no existing signature, but a document that has some.
fn in_pdf(error: SignError) -> SignError {
    match error {
        SignError::Existing(error) => SignError::ExistingInPdf(error),
        other => other,
    }
}

async fn hashed(document: Bytes) -> Result<[u8; 32], SignError> {
    if document.len() <= HASHED_INLINE {
        return Ok(SignContent::Document(document).sha256());
    }
    let hashed = spawn_blocking(move || SignContent::Document(document).sha256());
    hashed.await.map_err(|_| SignError::Interrupted)
}
