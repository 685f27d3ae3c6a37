//! `POST /v1/extend`, on the mutual-TLS listener alone.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{
    App,
    auth::Caller,
    content_type,
    field::{FieldError, FieldFault, Fields},
    limits,
    problem::Problem,
    verify::digests,
};
use crate::{
    config::Operation,
    registry::{LONGEST_SIGNATURE, Level},
    service::{existing::JudgedContent, extend::Extended},
    signing::pades,
};

const FIELDS: &[&str] = &["document", "signature", "content", "digests", "level"];
const LEVELS: &[&str] = &["B-T", "B-LT", "B-LTA"];

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtendedBody {
    level_requested: &'static str,
    level_reached: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// The PDF, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
}

/// One order.
struct Order {
    message: Bytes,
    content: JudgedContent,
    level: Level,
}

/// Raises a signature, ours or another's, to a higher level.
///
/// `{"document": base64, "level": "B-T|B-LT|B-LTA"}` for an enveloping CMS, or a PDF, which comes back as `document`; `{"signature": base64, "content": base64, "level": …}` for a
/// detached one, or `"digests": [{"algorithm": "sha-256", "value": base64}]` in place of `content`. What does not pass is not raised. The
/// answer waits for the authority; where B-LT needs a newer CRL than there is, `levelReached` is `B-T`: send that signature again later.
#[utoipa::path(
    post,
    path = "/v1/extend",
    request_body(content = serde_json::Value, description = "The signature, its content if it is detached, and the level wanted"),
    responses(
        (status = 200, description = "The signature with what was added; `levelReached` may be less than was asked for", body = serde_json::Value),
        (status = 400, description = "A field is missing, unknown, twice, or malformed; the code names it"),
        (status = 403, description = "Not permitted to this client"),
        (status = 422, description = "`level-not-available`, `unreadable-document`, `signature-not-passed`, `timestamp-not-passed`, `level-not-reached`"),
        (status = 503, description = "`timestamp-not-available`, `overloaded`; Retry-After says when to come again"),
    )
)]
pub async fn extend(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Problem> {
    // Whose orders may cost a time-stamp.
    caller.permitted(Operation::Sign).or_else(|_| caller.permitted(Operation::Extend))?;
    if content_type(&request)? != "application/json" {
        return Err(Problem::media_type("application/json"));
    }
    let limits = app.body_limits(&caller);
    let (body, _reservation) = limits.read(request, app.room(&caller)).await?;
    let Order { message, content, level } = from_json(&body)?;
    drop(body);
    let Some(extending) = &app.extending else { return Err(Problem::no_authority()) };
    let _admission = limits::admit(app.work(&caller), &caller)?;
    let Extended { level: reached, signature } = extending.extend(message.to_vec(), &content, level).await?;
    metrics::counter!("antin_extended_total", "level" => reached.name()).increment(1);
    let encoded = Some(STANDARD.encode(&signature));
    let (signature, document) = if pades::is_pdf(&signature) { (None, encoded) } else { (encoded, None) };
    let body = ExtendedBody { level_requested: level.name(), level_reached: reached.name(), signature, document };
    Ok((StatusCode::OK, Json(body)).into_response())
}

fn from_json(body: &[u8]) -> Result<Order, FieldError> {
    let fields = Fields::read(body, FIELDS)?;
    let above = |name: &str| Level::from_name(name).filter(|level| *level != Level::Basic);
    let level = fields.required("level", fields.named("level", LEVELS, above)?)?;
    let document = fields.base64("document")?.map(Bytes::from);
    let signature = fields.base64("signature")?.map(Bytes::from);
    let content = fields.base64("content")?.map(Bytes::from);
    let digests = digests(&fields)?;
    let conflict = |field, rule| Err(fields.error(field, FieldFault::Conflict(rule)));
    let (field, message) = match (document, signature) {
        (Some(_), Some(_)) => {
            return conflict("signature", "document is a signature with its content: give one of them");
        }
        (Some(document), None) => ("document", document),
        (None, Some(signature)) => ("signature", signature),
        (None, None) => return Err(fields.error("signature", FieldFault::Missing)),
    };
    if message.is_empty() {
        return Err(fields.error(field, FieldFault::Empty));
    }
    if message.len() > LONGEST_SIGNATURE && field == "signature" {
        return Err(fields.error(field, FieldFault::Text("a detached signature has at most 4 MiB")));
    }
    let content = match (field, content, digests) {
        (_, Some(_), Some(_)) => return conflict("digests", "digests stand in place of content: give one of them"),
        ("document", Some(_), None) => {
            return conflict("content", "document holds its content: give signature in its place");
        }
        ("document", None, Some(_)) => {
            return conflict("digests", "document holds its content: give signature in its place");
        }
        (_, Some(content), None) => JudgedContent::Bytes(content),
        (_, None, Some(digests)) => JudgedContent::Digests(digests),
        ("document", None, None) => JudgedContent::Carried,
        (_, None, None) => return Err(fields.error("content", FieldFault::Missing)),
    };
    Ok(Order { message, content, level })
}
