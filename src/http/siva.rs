//! The interface of SiVa 3, for software that was written for it: `POST /validate`, `/monitoring/health`, `/monitoring/heartbeat`.
//! [docs/siva.md](../../../docs/siva.md) has the mapping; the answer is written by [`siva_report`].

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use super::{
    App,
    audited::Audited,
    auth::Caller,
    content_type,
    field::{FieldError, FieldFault, Fields},
    limits,
    problem::{Problem, ProblemCode},
    siva_report::{self, Asked, ReportType},
    verify::{self, Question},
};
use crate::{clock, core::crypto, service::verify::VerifyError};

const FIELDS: &[&str] = &["document", "filename", "signaturePolicy", "reportType"];
/// Characters.
const LONGEST_FILENAME: usize = 255;
/// Characters of an unknown policy that are repeated.
const SHOWN: usize = 64;

/// Bodies up to this size are hashed on the worker that serves the request: some 70 µs.
const HASHED_INLINE: usize = 32 * 1024;

/// One of several things that are wrong with a request, in SiVa's words where it has some.
#[derive(Serialize)]
struct RequestError {
    key: String,
    message: String,
}

impl RequestError {
    fn new(key: &str, message: impl Into<String>) -> Self {
        Self { key: key.to_owned(), message: message.into() }
    }
}

impl From<FieldError> for RequestError {
    fn from(error: FieldError) -> Self {
        let FieldError { field, fault } = error;
        let message = match &fault {
            FieldFault::Missing | FieldFault::Empty => "Must not be blank".to_owned(),
            FieldFault::Base64 => "Document is not encoded in a valid base64 string".to_owned(),
            other => other.to_string(),
        };
        Self { key: if field.is_empty() { "request".to_owned() } else { field }, message }
    }
}

fn refused(errors: &[RequestError]) -> Response {
    let mut response = (StatusCode::BAD_REQUEST, Json(json!({"requestErrors": errors}))).into_response();
    response.extensions_mut().insert(ProblemCode("siva-request-errors".into()));
    response
}

/// A request that is whole.
struct Order {
    document: Bytes,
    asked: Asked,
    /// Ours.
    policy: Option<String>,
}

/// As SiVa 3: `{"document": base64, "filename", "signaturePolicy"?, "reportType"?}`. Errors of the request are
/// `{"requestErrors": [{"key", "message"}]}`.
#[utoipa::path(
    post,
    path = "/validate",
    request_body(content = serde_json::Value, description = "SiVa's request; `document` is a CMS with its content, or a PDF"),
    responses(
        (status = 200, description = "SiVa's `validationReport`", body = serde_json::Value),
        (status = 400, description = "`requestErrors`", body = serde_json::Value),
        (status = 413, description = "The body is larger than the limit"),
        (status = 415, description = "Another content type"),
        (status = 503, description = "Overloaded; Retry-After says when to come again"),
    )
)]
pub async fn validate(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Problem> {
    caller.may_verify()?;
    if content_type(&request)? != "application/json" {
        return Err(Problem::media_type("application/json"));
    }
    let (body, reservation) = app.body_limits(&caller).read(request, app.room(&caller)).await?;
    let Order { document, asked, policy } = match read(&body, &|name| app.verify.policy(Some(name)).is_ok()) {
        Ok(order) => order,
        Err(errors) => return Ok(refused(&errors)),
    };
    let question = Question::of_document(document.clone(), policy);
    let occupied = (reservation, limits::admit(app.work(&caller), &caller)?);
    let judged = match verify::judge(&app, &caller, question, occupied).await {
        Ok(judged) => judged,
        Err(problem) if problem.code == "unreadable-document" => {
            let error = RequestError::new("document", "Document malformed or not matching documentType");
            return Ok(refused(&[error]));
        }
        Err(problem) => return Err(problem),
    };
    let sha256 = if document.len() <= HASHED_INLINE {
        crypto::sha256(&document)
    } else {
        let hashed = tokio::task::spawn_blocking(move || crypto::sha256(&document)).await;
        hashed.map_err(|_| Problem::internal())?
    };
    let policy = app.verify.policy(Some(&judged.report.policy.id));
    let policy = policy.map_err(|error: VerifyError| Problem::verifying(error, "document"))?;
    let mut response = Json(siva_report::validation_report(&asked, &judged.report, policy, &sha256)).into_response();
    response.extensions_mut().insert(Audited::of(&judged.report));
    Ok(response)
}

/// All that is wrong is said at once.
fn read(body: &[u8], is_policy: &dyn Fn(&str) -> bool) -> Result<Order, Vec<RequestError>> {
    let fields = Fields::read(body, FIELDS).map_err(|error| vec![error.into()])?;
    let mut errors = Vec::new();
    let document = fields.base64("document").and_then(|document| fields.required("document", document));
    let document = document.map_err(|error| errors.push(error.into())).ok();
    if document.as_ref().is_some_and(Vec::is_empty) {
        errors.push(fields.error("document", FieldFault::Empty).into());
    }
    let filename = fields.text("filename").and_then(|name| fields.required("filename", name));
    let filename = filename.map_err(|error| errors.push(error.into())).ok();
    if let Some(name) = &filename {
        if name.trim().is_empty() {
            errors.push(fields.error("filename", FieldFault::Empty).into());
        } else if name.chars().count() > LONGEST_FILENAME || name.chars().any(char::is_control) {
            errors.push(RequestError::new(
                "filename",
                format!("Must have 1 to {LONGEST_FILENAME} characters, and no control characters"),
            ));
        }
    }
    let mut policy = None;
    let mut policy_name = siva_report::DEFAULT_POLICY.to_owned();
    match fields.text("signaturePolicy") {
        Err(error) => errors.push(error.into()),
        Ok(None) => {}
        Ok(Some(name)) => match siva_report::policy(&name, is_policy) {
            Some(ours) => (policy, policy_name) = (ours.map(str::to_owned), name.into_owned()),
            None => {
                let shown: String = name.chars().take(SHOWN).collect();
                let known = siva_report::POLICIES.join(", ");
                let message = format!("Invalid signature policy: {shown}; Available abstract policies: [{known}]");
                errors.push(RequestError::new("signaturePolicy", message));
            }
        },
    }
    let report_type = match fields.text("reportType") {
        Err(error) => Err(error.into()),
        Ok(None) => Ok(ReportType::Simple),
        Ok(Some(name)) => ReportType::from_name(&name).ok_or(RequestError::new("reportType", "Invalid report type")),
    };
    let report_type = report_type.map_err(|error| errors.push(error)).unwrap_or(ReportType::Simple);
    match (document, filename) {
        (Some(document), Some(filename)) if errors.is_empty() => Ok(Order {
            document: document.into(),
            asked: Asked { filename: filename.into_owned(), policy_name, report_type },
            policy,
        }),
        _ => Err(errors),
    }
}

/// The process is alive; as SiVa 3 says it.
#[utoipa::path(
    get,
    path = "/monitoring/health",
    responses((status = 200, description = "`status` is `UP`", body = serde_json::Value))
)]
pub async fn health(State(app): State<Arc<App>>) -> Response {
    let details = json!({
        "webappName": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        // Not known: the same source builds the same program.
        "buildTime": null,
        "startTime": app.started_at,
        "currentTime": clock::now(),
    });
    let health = json!({"status": "UP", "details": details});
    Json(json!({"status": "UP", "components": {"health": health}})).into_response()
}

/// The process is alive, in one word.
#[utoipa::path(
    get,
    path = "/monitoring/heartbeat",
    responses((status = 200, description = "`status` is `UP`", body = serde_json::Value))
)]
pub async fn heartbeat() -> Response {
    Json(json!({"status": "UP"})).into_response()
}
