//! Errors as the specification has them (§7.4 of 1.0.4.0, §10.1 of 2.0.0.2): `{"error": …, "error_description": …}`.

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::super::{
    field::FieldError,
    problem::{Problem, ProblemCode},
};

/// An error answer.
#[derive(Debug)]
pub struct Fault {
    status: StatusCode,
    error: &'static str,
    /// As other resources name it: for the log and the audit log.
    code: Cow<'static, str>,
    description: String,
    /// Seconds after which the same request may succeed.
    retry_after: Option<u32>,
    /// RFC 6750 §3.
    challenge: Option<&'static str>,
}

impl Fault {
    pub fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status,
            error,
            code: Cow::Borrowed(error),
            description: description.into(),
            retry_after: None,
            challenge: None,
        }
    }

    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// The access token does not count.
    pub fn invalid_token(description: impl Into<String>) -> Self {
        let challenge = Some("Bearer error=\"invalid_token\"");
        Self { challenge, ..Self::new(StatusCode::UNAUTHORIZED, "invalid_token", description) }
    }

    /// There is none.
    pub fn no_token() -> Self {
        let description = "an access token is needed: POST /oauth2/token gives one";
        let fault = Self::new(StatusCode::UNAUTHORIZED, "invalid_request", description);
        Self { challenge: Some("Bearer"), ..fault }
    }
}

/// What other resources answer as a problem. What the client did wrong is `invalid_request`, the only name the specification has for it.
impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        let Problem { status, code, detail, field, retry_after, .. } = problem;
        let (status, error) = match status.as_u16() {
            500.. => (status, if retry_after.is_some() { "temporarily_unavailable" } else { "server_error" }),
            408 | 409 | 413 | 429 => (status, "invalid_request"),
            _ => (StatusCode::BAD_REQUEST, "invalid_request"),
        };
        let field = field.map(|field| format!("{field}: ")).unwrap_or_default();
        let description = format!("{field}{detail} ({code})");
        Self { retry_after, code, ..Self::new(status, error, description) }
    }
}

impl From<FieldError> for Fault {
    fn from(error: FieldError) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(ProblemCode(self.code));
        response
    }
}
