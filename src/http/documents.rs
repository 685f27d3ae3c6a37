//! `/v1/documents/{id}`: what was issued, its signature, its standing. On the mutual-TLS listener.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    App,
    auth::Caller,
    content_type,
    field::{FieldFault, Fields},
    problem::Problem,
};
use crate::{
    registry::{DocumentId, DocumentState, DocumentStatus, Format},
    service::documents::{DocumentError, StatusOrder},
    signing::pades,
};

const STATUS_FIELDS: &[&str] = &["state", "reason", "supersededBy"];
const STATES: &[&str] = &["withdrawn", "suspended", "in-force", "superseded", "used"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DocumentBody {
    id: String,
    kind: String,
    sha256: String,
    media_type: String,
    format: &'static str,
    packaging: &'static str,
    signer: String,
    signer_certificate: String,
    signed_at: String,
    level_requested: &'static str,
    level_reached: &'static str,
    /// The paper to which this signature was added, if it was not its first: `status` is that one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    added_to: Option<String>,
    /// `null`: the paper was first signed elsewhere, where its standing is told.
    status: Option<StatusBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusBody {
    state: &'static str,
    since: String,
    superseded_by: Option<String>,
    history: Vec<ChangeBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeBody {
    state: &'static str,
    at: String,
    reason: String,
    superseded_by: Option<String>,
    client: String,
}

impl StatusBody {
    fn new(status: DocumentStatus) -> Self {
        Self {
            state: status.state.name(),
            since: status.since.to_string(),
            superseded_by: status.superseded_by.map(|id| id.to_string()),
            history: status
                .history
                .into_iter()
                .map(|change| ChangeBody {
                    state: change.state.name(),
                    at: change.at.to_string(),
                    reason: change.reason,
                    superseded_by: change.superseded_by.map(|id| id.to_string()),
                    client: change.client,
                })
                .collect(),
        }
    }
}

/// The id in the path, or what is wrong with its encoding.
pub(super) type Id = Result<Path<String>, PathRejection>;

/// An id that is none is as unknown as one that was never issued.
pub(super) fn document_id(id: Id) -> Result<DocumentId, Problem> {
    let id = id.ok().and_then(|Path(text)| text.parse().ok());
    id.ok_or_else(|| DocumentError::Unknown.into())
}

/// The record of an issued document and its standing.
#[utoipa::path(
    get,
    path = "/v1/documents/{id}",
    params(("id" = String, Path, description = "32 lowercase hexadecimal digits")),
    responses(
        (status = 200, description = "The record", body = serde_json::Value),
        (status = 404, description = "Not issued here, or not for this client"),
    )
)]
pub async fn document(State(app): State<Arc<App>>, caller: Caller, id: Id) -> Result<Response, Problem> {
    let (client, id) = (caller.client()?, document_id(id)?);
    let record = app.documents.document(client, id).await?;
    let (paper, status) = app.documents.standing(record.clone()).await?;
    let newest = app.documents.newest(id).await?;
    let (intent, issued) = (record.intent, record.issued);
    Ok(Json(DocumentBody {
        id: intent.document_id.to_string(),
        kind: intent.kind,
        sha256: hex::encode(intent.document_digest),
        media_type: intent.media_type,
        format: intent.format.name(),
        packaging: intent.packaging.name(),
        signer: intent.signer,
        signer_certificate: hex::encode(issued.signer_certificate_sha256),
        signed_at: issued.signed_at.to_string(),
        level_requested: intent.level_requested.name(),
        level_reached: newest.level.name(),
        added_to: Some(paper.id()).filter(|paper| *paper != id.to_string()),
        status: status.map(StatusBody::new),
    })
    .into_response())
}

/// The newest signature of an issued document: a CMS without its content, also where it stands in a PDF.
#[utoipa::path(
    get,
    path = "/v1/documents/{id}/signature",
    params(("id" = String, Path, description = "32 lowercase hexadecimal digits")),
    responses(
        (status = 200, description = "DER", content_type = "application/pkcs7-signature", body = String),
        (status = 404, description = "Not issued here, or not for this client"),
    )
)]
pub async fn signature(State(app): State<Arc<App>>, caller: Caller, id: Id) -> Result<Response, Problem> {
    let (client, id) = (caller.client()?, document_id(id)?);
    let document = app.documents.document(client, id).await?;
    let newest = app.documents.newest(id).await?.signature;
    let message = match document.intent.format {
        Format::Cades => newest,
        Format::Pades => pades::message_in(&newest).ok_or_else(Problem::internal)?,
        // No message, and of no document that could be read by it.
        Format::Raw => return Err(Problem::not_found()),
    };
    let mut response = message.into_response();
    let signature = HeaderValue::from_static("application/pkcs7-signature");
    response.headers_mut().insert(header::CONTENT_TYPE, signature);
    Ok(response)
}

/// Changes the standing of an issued document.
#[utoipa::path(
    post,
    path = "/v1/documents/{id}/status",
    params(("id" = String, Path, description = "32 lowercase hexadecimal digits")),
    request_body(content = serde_json::Value, description = "`{\"state\", \"reason\", \"supersededBy\"?}`"),
    responses(
        (status = 200, description = "The standing now", body = serde_json::Value),
        (status = 400, description = "A field is missing, unknown, twice, or malformed; the code names it"),
        (status = 404, description = "Not issued here, or not for this client"),
        (status = 409, description = "The standing does not allow this change"),
    )
)]
pub async fn set_status(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Id,
    request: Request,
) -> Result<Response, Problem> {
    let (client, id) = (caller.client()?, document_id(id)?);
    if content_type(&request)? != "application/json" {
        return Err(Problem::media_type("application/json"));
    }
    let (body, _reservation) = app.body_limits(&caller).read(request, app.room(&caller)).await?;
    let fields = Fields::read(&body, STATUS_FIELDS)?;
    let state = fields.required("state", fields.named("state", STATES, DocumentState::from_name)?)?;
    let reason = fields.required("reason", fields.text("reason")?)?.into_owned();
    let rule = "supersededBy must be a document id: 32 lowercase hexadecimal digits";
    let successor = fields.text("supersededBy")?.map(|text| text.parse()).transpose();
    let superseded_by = successor.map_err(|_| fields.error("supersededBy", FieldFault::Text(rule)))?;
    let status = app.documents.set_status(client, id, StatusOrder { state, reason, superseded_by }).await?;
    Ok(Json(StatusBody::new(status)).into_response())
}
