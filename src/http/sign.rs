//! `POST /v1/sign`, on the mutual-TLS listener alone.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::stream;
use serde::Serialize;

use super::{
    App,
    audited::Audited,
    auth::Caller,
    content_type,
    field::{FieldError, FieldFault, Fields},
    issuance_log::PromiseBody,
    limits::{self, BodyLimits, Reservation},
    lookup, parts, pdf,
    problem::Problem,
    verify::{DIGEST, digest},
};
use crate::{
    config::Operation,
    core::algorithm::DigestAlgorithm,
    registry::{Format, Level, Packaging},
    service::{
        permission::Client,
        sign::{SignContent, SignRequest, Signed, UNTOLD},
    },
};

/// Of an order in a batch; all but the first of one by itself.
pub(super) const LINE_FIELDS: &[&str] = &[
    "idempotencyKey",
    "kind",
    "document",
    "digest",
    "mediaType",
    "format",
    "packaging",
    "level",
    "signer",
    "existingSignature",
    "metadata",
    "lookup",
    "pdf",
];
const FIELDS: &[&str] = LINE_FIELDS.split_at(1).1;
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const PREFER: &str = "prefer";
const PREFERENCE_APPLIED: &str = "preference-applied";
/// The longest wait for a level above B-B.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const ACCEPTED: &str = "application/json, multipart/form-data";
const PDF: &str = "application/pdf";

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignedBody {
    id: String,
    kind: String,
    sha256: String,
    signed_at: String,
    level_requested: &'static str,
    level_reached: &'static str,
    /// The word of the issuance log; null: the document is in no log.
    log_promise: Option<PromiseBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// The signed PDF.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
}

/// Signs a document.
///
/// `{"kind": "health-book", "document": base64, "mediaType": "application/fhir+json", "format": "cades", "packaging":
/// "detached|enveloping", "level": "B-B|B-T", "signer"?: key or authority, "existingSignature"?: base64, "metadata"?: {…}, "lookup"?: {…}}`, or `"digest":
/// {"algorithm": "sha-256", "value": base64}`
/// in place of `document` for a detached signature where the kind allows it; or the same fields as parts of a multipart body, the
/// document last as bytes. With `"format": "pades"` the document is a PDF, `packaging` is left out, `"pdf"?: {"field"?, "certify"?:
/// "no-changes|form-filling|annotations", "reason"?, "location"?, "contact"?, "appearance"?: {"page"?, "x"?, "y"?, "organisation"?,
/// "qr"?, "ink"?}}` says what else it gets, its level is made within the
/// request, and the answer has the signed PDF as `document`. The header `Idempotency-Key` is mandatory: the same key and body again get the same answer. A level above
/// B-B is reached after the answer; `Prefer: wait=10` (RFC 7240) lets the answer wait for it so many seconds, and says what was reached.
#[utoipa::path(
    post,
    path = "/v1/sign",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, new for every new request"),
        ("Prefer" = Option<String>, Header, description = "`wait=SECONDS`: wait for the level, at most 30 seconds"),
    ),
    request_body(content((serde_json::Value = "application/json"), (serde_json::Value = "multipart/form-data"))),
    responses(
        (status = 201, description = "Signed, recorded and checked", body = serde_json::Value),
        (status = 400, description = "A field is missing, unknown, twice, or malformed; the code names it"),
        (status = 403, description = "Not permitted to this client"),
        (status = 409, description = "The idempotency key was used for another request, or its outcome is not known"),
        (status = 422, description = "A level that is not available; a PDF that is not signed, and the code says why"),
        (status = 503, description = "Nothing was released; ask again"),
    )
)]
pub async fn sign(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let client = Arc::clone(caller.permitted(Operation::Sign)?);
    let idempotency_key = idempotency_key(&request)?;
    let patience = patience(request.headers(), app.config.limits.request());
    let limits = app.body_limits(&caller);
    let (mut order, reservation) = match content_type(&request)? {
        "application/json" => {
            let (body, reservation) = limits.read(request, app.room(&caller)).await?;
            (self::order(&Fields::read(&body, FIELDS)?, Parts::default(), client, idempotency_key)?, reservation)
        }
        "multipart/form-data" => limits.within(from_multipart(&app, request, limits, client, idempotency_key)).await?,
        _ => return Err(Problem::media_type(ACCEPTED)),
    };
    // RFC 7240 §4.3: how long an answer may wait.
    let applied = patience.filter(|_| order.level != Level::Basic && order.format == Format::Cades);
    order.patience = applied.unwrap_or_default();
    let admission = limits::admit(app.work(&caller), &caller)?;
    // Signing goes on when its client hangs up; what it occupies goes with it, so that it keeps counting.
    let work = tokio::spawn(async move {
        let signed = app.sign.sign(order).await;
        drop(admission);
        signed.map(|signed| (signed, reservation))
    });
    let (signed, reservation) = work.await.map_err(|_| Problem::internal())??;
    metrics::counter!("antin_sign_answers_total").increment(1);
    let audited = audited(&signed);
    let json = HeaderValue::from_static("application/json");
    let (length, body) = SignedBody::body(signed, reservation).map_err(|_| Problem::internal())?;
    let headers = [(CONTENT_TYPE, json), (CONTENT_LENGTH, HeaderValue::from(length))];
    let mut response = (StatusCode::CREATED, headers, body).into_response();
    response.extensions_mut().insert(audited);
    if let Some(applied) = applied
        && let Ok(value) = HeaderValue::from_str(&format!("wait={}", applied.as_secs()))
    {
        response.headers_mut().insert(PREFERENCE_APPLIED, value);
    }
    Ok(response)
}

/// What the audit log says of it.
pub(super) fn audited(signed: &Signed) -> Audited {
    let intent = &signed.document.intent;
    Audited {
        code: signed.level_reached.name().to_owned(),
        kind: intent.kind.clone(),
        subject: intent.document_id.to_string(),
        key: intent.signer.clone(),
    }
}

/// What the caller prefers to wait for a level above B-B, no longer than is good for the service and fits into the time of a request.
/// What is not understood among preferences is passed over (RFC 7240 §2).
fn patience(headers: &HeaderMap, request: Duration) -> Option<Duration> {
    let texts = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut preferences = texts.flat_map(|text| text.split(','));
    let seconds = preferences.find_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("wait").then(|| value.parse::<u32>().ok()).flatten()
    })?;
    let longest = LONGEST_WAIT.min(request / 2).as_secs();
    Some(Duration::from_secs(u64::from(seconds).min(longest)))
}

/// Behind the last value, a string.
const END: &str = "\"}";
/// Octets that are encoded at one time: no padding but at the end.
const ENCODED_AT_ONCE: usize = 3 << 14;

impl SignedBody {
    fn new(signed: &Signed, encoded: String) -> Self {
        let (intent, issued) = (&signed.document.intent, &signed.document.issued);
        let (signature, document) = match intent.format {
            Format::Cades => (Some(encoded), None),
            Format::Pades | Format::Raw => (None, Some(encoded)),
        };
        Self {
            id: intent.document_id.to_string(),
            kind: intent.kind.clone(),
            sha256: hex::encode(intent.document_digest),
            signed_at: issued.signed_at.to_string(),
            level_requested: intent.level_requested.name(),
            level_reached: signed.level_reached.name(),
            log_promise: signed.log_promise.as_ref().map(PromiseBody::of),
            signature,
            document,
        }
    }

    /// The answer in one piece.
    pub(super) fn whole(signed: &Signed) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Self::new(signed, STANDARD.encode(&signed.signature)))
    }

    /// The answer as it is sent, and its length: a signed PDF, which stands last, is encoded piece by piece, so that a large one is held
    /// once; its room is free when the last piece is sent.
    fn body(signed: Signed, room: Reservation) -> Result<(usize, Body), serde_json::Error> {
        if signed.document.intent.format == Format::Cades {
            let whole = Self::whole(&signed)?;
            return Ok((whole.len(), Body::from(whole)));
        }
        let empty = serde_json::to_string(&Self::new(&signed, String::new()))?;
        let (before, after) = empty.split_at(empty.len() - END.len());
        debug_assert_eq!(after, END);
        let (before, whole) = (Bytes::from(before.to_owned()), Bytes::from(signed.signature));
        let length = empty.len() + whole.len().div_ceil(3) * 4;
        let pieces = (0..whole.len()).step_by(ENCODED_AT_ONCE).map(move |from| {
            let _held = &room;
            let piece = whole.slice(from..whole.len().min(from + ENCODED_AT_ONCE));
            Bytes::from(STANDARD.encode(piece))
        });
        let all = std::iter::once(before).chain(pieces).chain(std::iter::once(Bytes::from_static(END.as_bytes())));
        Ok((length, Body::from_stream(stream::iter(all.map(Ok::<_, Infallible>)))))
    }
}

/// The header, where it may be left out.
pub(super) fn idempotency_key_if_any(request: &Request) -> Result<Option<String>, FieldError> {
    let is_given = request.headers().contains_key(IDEMPOTENCY_KEY);
    is_given.then(|| idempotency_key(request)).transpose()
}

/// Exactly one, of the length and letters that the record takes.
fn idempotency_key(request: &Request) -> Result<String, FieldError> {
    let mut values = request.headers().get_all(IDEMPOTENCY_KEY).iter();
    let value = values.next().ok_or_else(|| FieldError::new(IDEMPOTENCY_KEY, FieldFault::Missing))?;
    if values.next().is_some() {
        return Err(FieldError::new(IDEMPOTENCY_KEY, FieldFault::Duplicate));
    }
    check_idempotency_key(IDEMPOTENCY_KEY, value.as_bytes())?;
    Ok(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Of the length and letters that the record takes.
pub(super) fn check_idempotency_key(field: &str, key: &[u8]) -> Result<(), FieldError> {
    if (1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic) {
        return Ok(());
    }
    let rule = "the key must have 1 to 255 visible ASCII characters";
    Err(FieldError::new(field, FieldFault::Text(rule)))
}

/// What came as parts of its own beside the JSON members.
#[derive(Default)]
pub(super) struct Parts {
    document: Option<Bytes>,
    existing_signature: Option<Bytes>,
}

/// From the JSON members and the parts beside them.
pub(super) fn order(
    fields: &Fields<'_>,
    parts: Parts,
    client: Arc<Client>,
    idempotency_key: String,
) -> Result<SignRequest, Problem> {
    let kind = fields.required("kind", fields.short_text("kind")?)?.into_owned();
    let format = fields.named("format", &["cades", "pades"], Format::of_a_document)?;
    let format = fields.required("format", format)?;
    let packaging = fields.named("packaging", &["detached", "enveloping"], Packaging::from_name)?;
    let packaging = match (format, packaging) {
        (Format::Cades, packaging) => fields.required("packaging", packaging)?,
        (Format::Pades | Format::Raw, None) => Packaging::Enveloping,
        (Format::Pades | Format::Raw, Some(_)) => {
            let rule = "a PDF holds its signatures: give no packaging with the format pades";
            return Err(fields.error("packaging", FieldFault::Conflict(rule)).into());
        }
    };
    let pdf = pdf::order(fields)?;
    if format == Format::Cades && pdf.is_some() {
        return Err(fields.error("pdf", FieldFault::Conflict("pdf is for the format pades")).into());
    }
    let level = fields.named("level", &["B-B", "B-T", "B-LT", "B-LTA"], Level::from_name)?;
    let level = fields.required("level", level)?;
    let existing_signature = match (parts.existing_signature, fields.base64("existingSignature")?.map(Bytes::from)) {
        (Some(_), Some(_)) => return Err(fields.error("existingSignature", FieldFault::Duplicate).into()),
        (part, member) => part.or(member),
    };
    if existing_signature.as_ref().is_some_and(Bytes::is_empty) {
        return Err(fields.error("existingSignature", FieldFault::Empty).into());
    }
    let document = match (parts.document, fields.base64("document")?.map(Bytes::from)) {
        (Some(_), Some(_)) => return Err(fields.error("document", FieldFault::Duplicate).into()),
        (part, member) => part.or(member),
    };
    let given_digest = fields.object("digest", DIGEST)?.map(|entry| digest(&entry)).transpose()?;
    let content = match (document, given_digest) {
        (Some(document), None) => SignContent::Document(document),
        (None, Some((DigestAlgorithm::Sha256, value))) => {
            let length = FieldFault::Length { expected: 32, found: value.len() };
            SignContent::Digest(value.try_into().map_err(|_| fields.error("digest.value", length))?)
        }
        (None, Some(_)) => return Err(fields.error("digest.algorithm", FieldFault::Value(&["sha-256"])).into()),
        (Some(_), Some(_)) => {
            let rule = "digest stands in place of document: give one of them";
            return Err(fields.error("digest", FieldFault::Conflict(rule)).into());
        }
        (None, None) if existing_signature.is_some() => SignContent::Existing,
        (None, None) => return Err(fields.error("document", FieldFault::Missing).into()),
    };
    let media_type = fields.text("mediaType")?.map(|text| text.into_owned());
    let media_type = match (&content, media_type) {
        (_, Some(media_type)) => media_type,
        (SignContent::Digest(_) | SignContent::Existing, None) => UNTOLD.to_owned(),
        (SignContent::Document(_), None) => return Err(fields.error("mediaType", FieldFault::Missing).into()),
    };
    if matches!(&content, SignContent::Document(document) if document.is_empty()) {
        return Err(fields.error("document", FieldFault::Empty).into());
    }
    if format == Format::Pades {
        let conflict = |field, rule| Err(fields.error(field, FieldFault::Conflict(rule)).into());
        if existing_signature.is_some() {
            return conflict("existingSignature", "a PDF holds its signatures: send it as document");
        }
        if !matches!(content, SignContent::Document(_)) {
            return conflict("digest", "the format pades needs the document itself");
        }
        if media_type != PDF {
            return Err(fields.error("mediaType", FieldFault::Value(&[PDF])).into());
        }
    }
    Ok(SignRequest {
        client,
        idempotency_key,
        kind,
        content,
        media_type,
        format,
        packaging,
        pdf: pdf.unwrap_or_default(),
        level,
        patience: Duration::ZERO,
        existing_signature,
        signer: fields.short_text("signer")?.map(|text| text.into_owned()),
        metadata: fields.object_text("metadata")?.map(ToOwned::to_owned),
        lookup: fields.object("lookup", lookup::GIVEN)?.map(|given| lookup::given(&given)).transpose()?,
    })
}

/// The parts are the members of the JSON form: `document` and `existingSignature` as bytes, `digest`, `metadata`, `lookup` and `pdf` as JSON, the rest as
/// text.
async fn from_multipart(
    app: &App,
    request: Request,
    limits: BodyLimits,
    client: Arc<Client>,
    idempotency_key: String,
) -> Result<(SignRequest, Reservation), Problem> {
    let mut parts = limits.multipart(request).await?;
    let mut reservation = app.room.reserve();
    let mut own = Parts::default();
    let (mut members, mut seen): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    while let Some(part) = parts.next_part().await? {
        let name = part.name().to_owned();
        let fault = match name.as_str() {
            known if !FIELDS.contains(&known) => Some(FieldFault::Unknown(FIELDS)),
            known if seen.contains(&known.to_owned()) => Some(FieldFault::Duplicate),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(FieldError::new(&name, fault).into());
        }
        seen.push(name.clone());
        let bytes = parts::buffer(part, &mut reservation, usize::MAX, limits).await?;
        let place = match name.as_str() {
            "document" => Some(&mut own.document),
            "existingSignature" => Some(&mut own.existing_signature),
            _ => None,
        };
        if let Some(place) = place {
            *place = Some(bytes);
            continue;
        }
        let text =
            std::str::from_utf8(&bytes).map_err(|_| FieldError::new(&name, FieldFault::WrongType("UTF-8 text")))?;
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let value = if matches!(name.as_str(), "digest" | "metadata" | "lookup" | "pdf") {
            let parsed: Result<&serde_json::value::RawValue, _> = serde_json::from_str(text);
            parsed.map_err(|_| FieldError::new(&name, FieldFault::WrongType("an object")))?.get().to_owned()
        } else {
            quoted(text)
        };
        members.push(format!("{}:{value}", quoted(&name)));
    }
    let body = format!("{{{}}}", members.join(","));
    Ok((order(&Fields::read(body.as_bytes(), FIELDS)?, own, client, idempotency_key)?, reservation))
}
