//! The issuance log: `/log/…` as C2SP tlog-tiles has it, `/v1/log/consistency` for everyone, `/v1/documents/{id}/proof` for clients.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{
    App,
    auth::Caller,
    documents::{Id, document_id},
    problem::Problem,
};
use crate::{
    core::log::{Hash, Opening, Promise, TileName},
    service::issuance::{IssuanceError, IssuanceLog},
};

/// What has a size or a width in its name never changes.
const FOR_EVER: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");
const FOR_NOW: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=1");
const TEXT: (HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
const OCTETS: (HeaderName, &str) = (header::CONTENT_TYPE, "application/octet-stream");

/// The word of the log, in the answer to an order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromiseBody {
    origin: String,
    /// The entry that will be in the log, base64.
    entry: String,
    /// Opens the entry together with what the answer says of the document, hex.
    salt: String,
    /// RFC 6962 §2.1, base64.
    leaf_hash: String,
    timestamp: String,
    /// Ed25519, base64.
    signature: String,
}

impl PromiseBody {
    pub(super) fn of((opening, promise): &(Opening, Promise)) -> Self {
        Self {
            origin: promise.origin.clone(),
            entry: STANDARD.encode(opening.entry().encode()),
            salt: hex::encode(opening.salt),
            leaf_hash: STANDARD.encode(promise.leaf_hash),
            timestamp: promise.time.to_string(),
            signature: STANDARD.encode(&promise.signature),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProofBody {
    id: String,
    kind: String,
    sha256: String,
    signer_certificate: String,
    signed_at: String,
    salt: String,
    entry: String,
    leaf_hash: String,
    index: u64,
    tree_size: u64,
    inclusion: Vec<String>,
    /// The signed checkpoint.
    checkpoint: String,
    /// All of it in one text that `antin log verify-proof` takes: C2SP tlog-proof.
    proof: String,
}

#[derive(Serialize)]
struct ConsistencyBody {
    from: TreeBody,
    to: TreeBody,
    consistency: Vec<String>,
}

#[derive(Serialize)]
struct TreeBody {
    size: u64,
    root: String,
}

fn encoded(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

/// The log, if there is one.
fn log(app: &App) -> Result<&Arc<IssuanceLog>, Problem> {
    let detail = "what is issued here goes into no log: the settings name none";
    app.issuance_log.as_ref().ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "log-not-kept", detail))
}

impl From<IssuanceError> for Problem {
    fn from(error: IssuanceError) -> Self {
        let detail = error.to_string();
        match error {
            IssuanceError::Pending => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "log-entry-pending", detail).retry_after(1)
            }
            IssuanceError::Size(_) => {
                let detail = "the log has no trees of these sizes, from not above to: /log/checkpoint says how many entries it has";
                Self::new(StatusCode::NOT_FOUND, "log-size-unknown", detail)
            }
            IssuanceError::Registry(error) => error.into(),
            IssuanceError::Publish(_)
            | IssuanceError::Folder(_)
            | IssuanceError::Behind { .. }
            | IssuanceError::Gap { .. }
            | IssuanceError::Changed { .. }
            | IssuanceError::Interrupted => {
                metrics::counter!("antin_issuance_log_failures_total").increment(1);
                tracing::error!(error = ?error, "the issuance log failed");
                let detail = "the issuance log cannot be read now: ask again later";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "log-unavailable", detail).retry_after(5)
            }
        }
    }
}

/// What is served as files: for everyone, and for caches between. The log's own addresses, which C2SP tlog-tiles describes.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    if app.issuance_log.is_none() {
        return Router::new();
    }
    Router::new().route("/log/checkpoint", get(checkpoint)).route("/log/tile/{*name}", get(tile))
}

async fn checkpoint(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let note = log(&app)?.published().note.to_string();
    Ok(([TEXT, FOR_NOW], note).into_response())
}

/// A tile or a bundle of entries. The path is read as the name of one; it never becomes part of a file's.
async fn tile(State(app): State<Arc<App>>, name: Result<Path<String>, PathRejection>) -> Result<Response, Problem> {
    let name = name.ok().and_then(|Path(name)| format!("tile/{name}").parse::<TileName>().ok());
    let octets = log(&app)?.tile(name.ok_or_else(Problem::not_found)?).await?;
    Ok(([OCTETS, FOR_EVER], octets.ok_or_else(Problem::not_found)?).into_response())
}

/// The proof that an issued document is in the log.
#[utoipa::path(
    get,
    path = "/v1/documents/{id}/proof",
    params(("id" = String, Path, description = "32 lowercase hexadecimal digits")),
    responses(
        (status = 200, description = "Where its entry stands, the way to the root, and the signed checkpoint", body = serde_json::Value),
        (status = 404, description = "Not issued here, or not for this client; or there is no log"),
        (status = 503, description = "It is not in the published tree yet: within a second"),
    )
)]
pub async fn proof(State(app): State<Arc<App>>, caller: Caller, id: Id) -> Result<Response, Problem> {
    let (client, id) = (caller.client()?, document_id(id)?);
    app.documents.document(client, id).await?;
    let found = log(&app)?.proof(id).await?;
    let opening = found.opening;
    Ok(Json(ProofBody {
        id: id.to_string(),
        sha256: hex::encode(opening.document_digest),
        signer_certificate: hex::encode(opening.signer_certificate_sha256),
        signed_at: opening.signed_at.to_string(),
        salt: hex::encode(opening.salt),
        kind: opening.kind,
        entry: STANDARD.encode(found.entry.encode()),
        leaf_hash: STANDARD.encode(found.entry.leaf_hash()),
        index: found.proof.index,
        tree_size: found.size,
        inclusion: encoded(&found.proof.path),
        proof: found.proof.to_string(),
        checkpoint: found.proof.checkpoint,
    })
    .into_response())
}

/// The proof that the log only grew between two sizes.
#[utoipa::path(
    get,
    path = "/v1/log/consistency",
    params(("from" = u64, Query, description = "The size of the older tree"), ("to" = u64, Query, description = "That of the newer one")),
    responses(
        (status = 200, description = "The proof of RFC 9162 §2.1.4, and the roots of both", body = serde_json::Value),
        (status = 400, description = "Not the two sizes"),
        (status = 404, description = "The log has no trees of these sizes; or there is no log"),
    )
)]
pub async fn consistency(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let log = log(&app)?;
    let sizes = request.uri().query().and_then(sizes).ok_or_else(|| {
        let detail = "ask with ?from=SIZE&to=SIZE, each in decimal digits";
        Problem::new(StatusCode::BAD_REQUEST, "log-sizes-malformed", detail)
    })?;
    let (from, to) = sizes;
    let ([older, newer], path) = log.consistency(from, to).await?;
    let tree = |size, root: Hash| TreeBody { size, root: STANDARD.encode(root) };
    let body = ConsistencyBody { from: tree(from, older), to: tree(to, newer), consistency: encoded(&path) };
    Ok(([FOR_EVER], Json(body)).into_response())
}

/// `from=1&to=2`, in either order.
fn sizes(query: &str) -> Option<(u64, u64)> {
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| number.to_string() == text);
    let (first, second) = query.split_once('&')?;
    let pair =
        |first: &str, second: &str| Some((number(first.strip_prefix("from=")?)?, number(second.strip_prefix("to=")?)?));
    pair(first, second).or_else(|| pair(second, first))
}

#[cfg(test)]
mod tests {
    use super::sizes;

    #[test]
    fn two_sizes_in_one_spelling() {
        assert_eq!(sizes("from=1&to=20"), Some((1, 20)));
        assert_eq!(sizes("to=20&from=0"), Some((0, 20)));
        for wrong in ["", "from=1", "from=1&from=2", "from=01&to=2", "from=+1&to=2", "from=1&to=2&to=3", "from=-1&to=2"]
        {
            assert_eq!(sizes(wrong), None, "{wrong}");
        }
    }
}
