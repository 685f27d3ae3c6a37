//! A question in parts (`multipart/form-data`): with the signature first, the document is hashed as it arrives, so that its size takes time
//! and no memory.

use std::time::Duration;

use axum::{body::Bytes, extract::Request};
use tokio::time::Instant;

use super::{
    App,
    auth::Caller,
    field::{FieldError, FieldFault},
    limits::{BodyError, BodyLimits, Reservation},
    multipart::Part,
    problem::Problem,
    request::Deadline,
    verify::{self, Digests, GivenContent, LOG_PROOF, Question},
};
use crate::{core::log::proof::LONGEST_PROOF, service::verify::ContentDigests};

const PARTS: &[&str] = &["document", "signature", "purpose", "policy", LOG_PROOF];
/// Bytes of a text part.
const LONGEST_TEXT: usize = 256;
/// Bytes a second: content that is hashed as it arrives has the time of a body, and as much more as it takes at this rate.
const SLOWEST: u32 = 1 << 20;

/// Until when the next piece of a body is waited for.
struct Pace<'a> {
    limits: BodyLimits,
    until: Instant,
    request: &'a Deadline,
    /// Of a request whose body is here.
    rest: Duration,
}

impl Pace<'_> {
    async fn within<T>(&self, reading: impl Future<Output = Result<T, BodyError>>) -> Result<T, BodyError> {
        tokio::time::timeout_at(self.until, reading).await.unwrap_or_else(|_| Err(self.limits.slow()))
    }

    /// What was streamed has given so much more time.
    fn streamed(&mut self, octets: usize) {
        let octets = u32::try_from(octets).unwrap_or(u32::MAX);
        self.until += Duration::from_secs(1) * octets / SLOWEST;
        self.request.no_sooner_than(Instant::now() + self.rest);
    }
}

/// The question in the parts of a request, and the room it takes.
pub(super) async fn question(
    app: &App,
    caller: &Caller,
    request: Request,
    limits: BodyLimits,
) -> Result<(Question, Reservation), Problem> {
    let deadline = request.extensions().get::<Deadline>().cloned().ok_or_else(Problem::internal)?;
    let until = Instant::now() + limits.time;
    let mut pace = Pace { limits, until, request: &deadline, rest: app.config.limits.request() };
    let mut parts = limits.streamed_multipart(request).await?;
    let mut reservation = app.room(caller).reserve();
    let (mut document, mut signature): (Option<Bytes>, Option<Bytes>) = (None, None);
    let mut digests = None;
    let (mut purpose, mut policy, mut log_proof) = (None, None, None);
    loop {
        let Some(part) = pace.within(parts.next_part()).await? else { break };
        let name = part.name().to_owned();
        let given = match name.as_str() {
            "document" => document.is_some() || digests.is_some(),
            "signature" => signature.is_some(),
            "purpose" => purpose.is_some(),
            "policy" => policy.is_some(),
            LOG_PROOF => log_proof.is_some(),
            _ => return Err(FieldError::new(&name, FieldFault::Unknown(PARTS)).into()),
        };
        if given {
            return Err(FieldError::new(&name, FieldFault::Duplicate).into());
        }
        let wanted = signature.as_deref().filter(|_| name == "document").and_then(ContentDigests::wanted_by);
        if let Some(wanted) = wanted {
            digests = Some(hash(part, wanted, &mut pace).await?);
            continue;
        }
        let is_text = !matches!(name.as_str(), "document" | "signature");
        let longest = match name.as_str() {
            LOG_PROOF => LONGEST_PROOF,
            _ if is_text => LONGEST_TEXT,
            _ => usize::MAX,
        };
        let octets = pace.within(buffer(part, &mut reservation, longest, limits)).await?;
        match name.as_str() {
            "document" => document = Some(octets),
            "signature" => signature = Some(octets),
            LOG_PROOF => log_proof = Some(verify::log_proof(&octets)?),
            _ => {
                let text = String::from_utf8(octets.to_vec());
                let text = text.map_err(|_| FieldError::new(&name, FieldFault::WrongType("UTF-8 text")))?;
                if name == "purpose" { purpose = Some(text) } else { policy = Some(text) }
            }
        }
    }
    let (document, content) = match (document, signature, digests) {
        (_, Some(signature), Some(digests)) => (signature, GivenContent::Digests(digests)),
        (Some(content), Some(signature), None) => (signature, GivenContent::Bytes(content)),
        (Some(document), None, _) => (document, GivenContent::None),
        (None, ..) => return Err(FieldError::new("document", FieldFault::Missing).into()),
    };
    if document.is_empty() {
        let name = if matches!(content, GivenContent::None) { "document" } else { "signature" };
        return Err(FieldError::new(name, FieldFault::Empty).into());
    }
    Ok((Question { document, content, purpose, policy, log_proof }, reservation))
}

/// A whole part; all that are held of a request are within the limit of a body.
pub(super) async fn buffer(
    mut part: Part<'_>,
    reservation: &mut Reservation,
    longest: usize,
    limits: BodyLimits,
) -> Result<Bytes, BodyError> {
    let mut whole = Vec::new();
    while let Some(piece) = part.piece().await? {
        if whole.len() + piece.len() > longest {
            return Err(BodyError::Multipart(format!("a text part is longer than {longest} bytes")));
        }
        reservation.grow(piece.len())?;
        if reservation.used() > limits.bytes {
            return Err(BodyError::TooLarge { limit: limits.bytes });
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Bytes::from(whole))
}

/// Content beside a signature that is here already: only its digests are kept.
async fn hash(mut part: Part<'_>, mut digests: ContentDigests, pace: &mut Pace<'_>) -> Result<Digests, BodyError> {
    let limits = pace.limits;
    let mut hashed = 0_usize;
    loop {
        let Some(piece) = pace.within(part.piece()).await? else { return Ok(digests.finish()) };
        hashed += piece.len();
        if hashed > limits.streamed {
            return Err(BodyError::TooLarge { limit: limits.streamed });
        }
        digests.update(&piece);
        pace.streamed(piece.len());
    }
}
