//! Errors as RFC 9457 problem details: one exhaustive match for each kind of error, a stable code for each case.

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    field::{FieldError, FieldFault},
    limits::BodyError,
    words,
};
use crate::{
    core::report::Text,
    registry::RegistryError,
    service::{
        documents::DocumentError, existing::ExistingError, extend::ExtendError, receipt::ReceiptError, sign::SignError,
        verify::VerifyError,
    },
    signing::{SigningError, level::LevelError},
};

/// An error answer.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub code: Cow<'static, str>,
    /// What is wrong and what to do, in English, without personal data.
    pub detail: String,
    /// The field of the request that is concerned.
    pub field: Option<String>,
    /// Where in the document, as a JSON Pointer (RFC 6901).
    pub path: Option<String>,
    /// Seconds after which the same request may succeed.
    pub retry_after: Option<u32>,
}

/// The code of a problem, left in the response for the log.
#[derive(Clone, Debug)]
pub struct ProblemCode(pub Cow<'static, str>);

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    field: Option<&'a str>,
    path: Option<&'a str>,
    /// For people who use the software, not who write it.
    message: Option<Text>,
    remedy: Option<Text>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code: Cow::Borrowed(code), detail: detail.into(), field: None, path: None, retry_after: None }
    }

    pub fn on_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(super) const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "there is nothing at this address; /openapi.json lists all there is",
        )
    }

    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this address does not know this method")
    }

    pub fn client_unknown() -> Self {
        let detail = "the TLS client certificate belongs to no client of the settings: ask the operator to add it";
        Self::new(StatusCode::FORBIDDEN, "client-unknown", detail)
    }

    pub fn operation_not_permitted() -> Self {
        let detail = "this client has no permission for this operation: ask the operator";
        Self::new(StatusCode::FORBIDDEN, "operation-not-permitted", detail)
    }

    pub fn overloaded() -> Self {
        let detail = "as many requests are being worked on as the limit allows: ask again in a moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(1)
    }

    pub fn client_concurrency() -> Self {
        let detail = "as many requests of this client are being worked on as its limit allows: ask again in a moment";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "client-concurrency", detail).retry_after(1)
    }

    pub fn deadline(seconds: u64) -> Self {
        let detail = format!("the request took more than {seconds} seconds: ask again later");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "deadline-exceeded", detail).retry_after(5)
    }

    pub fn media_type(accepted: &str) -> Self {
        let detail = format!("send one of the content types {accepted}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail).on_field("Content-Type")
    }

    pub fn not_acceptable(offered: &str) -> Self {
        let detail = format!("the answer can be had as one of {offered}");
        Self::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail).on_field("Accept")
    }

    pub fn receipt_not_available() -> Self {
        let detail = "this service signs no receipts: its settings name no key for them";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "receipt-not-available", detail).on_field("receipt")
    }

    pub fn no_authority() -> Self {
        let detail = "no level above B-B can be made here: the settings name no time-stamping authority";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "level-not-available", detail).on_field("level")
    }

    pub fn query() -> Self {
        let detail = "the address takes no query: what is asked stands in the body";
        Self::new(StatusCode::BAD_REQUEST, "unexpected-query", detail)
    }

    pub fn content_encoding() -> Self {
        let detail = "send the body as it is, without Content-Encoding";
        let problem = Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-content-encoding", detail);
        problem.on_field("Content-Encoding")
    }

    pub fn internal() -> Self {
        let detail = "something is wrong inside; the operator finds the request id in the log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal-error", detail)
    }

    /// As JSON (RFC 9457 §3.1).
    pub fn body(&self) -> Vec<u8> {
        let said = words::of(&self.code);
        let body = Body {
            r#type: format!("urn:antin:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: &self.code,
            detail: &self.detail,
            field: self.field.as_deref(),
            path: self.path.as_deref(),
            message: said.map(|said| said.message),
            remedy: said.map(|said| said.remedy),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(ProblemCode(self.code));
        response
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit } => {
                let detail = format!("the body is larger than the limit of {limit} bytes");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
            }
            BodyError::Slow { seconds } => {
                let detail = format!("the body did not arrive within {seconds} seconds");
                Self::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", detail)
            }
            BodyError::NoRoom => {
                let detail = "what is being received and sent fills the room there is (limits.buffered-bytes): ask again in a moment";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(1)
            }
            BodyError::Broken => {
                Self::new(StatusCode::BAD_REQUEST, "body-broken", "the body ended early or its framing is wrong")
            }
            BodyError::Senseless { lines } => {
                let detail = format!("{lines} lines could not be read: those that follow are not looked at");
                Self::new(StatusCode::BAD_REQUEST, "invalid-json", detail)
            }
            BodyError::Multipart(detail) => Self::new(StatusCode::BAD_REQUEST, "invalid-multipart", detail),
        }
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        let FieldError { field, fault } = error;
        let suffix = match &fault {
            FieldFault::Json(_) => return Self::new(StatusCode::BAD_REQUEST, "invalid-json", fault.to_string()),
            FieldFault::Unknown(_) => {
                return Self::new(StatusCode::BAD_REQUEST, "unknown-field", fault.to_string()).on_field(field);
            }
            FieldFault::Duplicate => {
                return Self::new(StatusCode::BAD_REQUEST, "duplicate-field", fault.to_string()).on_field(field);
            }
            FieldFault::Missing => "missing",
            FieldFault::WrongType(_) => "wrong-type",
            FieldFault::Base64 => "not-base64",
            FieldFault::Length { .. } => "wrong-length",
            FieldFault::Value(_) => "unknown-value",
            FieldFault::Text(_) | FieldFault::Rule(_) => "wrong-text",
            FieldFault::Conflict(_) => "conflict",
            FieldFault::TooMany(_) => "too-many",
            FieldFault::Empty => "empty",
        };
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "", fault.to_string());
        problem.code = Cow::Owned(format!("{}-{suffix}", kebab_case(&field)));
        problem.on_field(field)
    }
}

/// `mediaType` -> `media-type`, `digests[0].value` -> `digests-value`.
fn kebab_case(field: &str) -> String {
    let mut code = String::with_capacity(field.len() + 4);
    for letter in field.chars() {
        match letter {
            'A'..='Z' if code.is_empty() || code.ends_with('-') => code.push(letter.to_ascii_lowercase()),
            'A'..='Z' => code.extend(['-', letter.to_ascii_lowercase()]),
            'a'..='z' => code.push(letter),
            '.' | '-' => code.push('-'),
            _ => {}
        }
    }
    code
}

impl Problem {
    /// Why there is no answer about the message that stood in this field.
    pub fn verifying(error: VerifyError, field: &'static str) -> Self {
        let detail = error.to_string();
        match error {
            VerifyError::UnknownPolicy { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "policy-unknown", detail).on_field("policy")
            }
            VerifyError::Purpose => {
                Self::new(StatusCode::BAD_REQUEST, "purpose-wrong-text", detail).on_field("purpose")
            }
            VerifyError::Unreadable(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-document", detail).on_field(field)
            }
        }
    }
}

impl From<SignError> for Problem {
    fn from(error: SignError) -> Self {
        let detail = error.to_string();
        match error {
            SignError::LevelNotAvailable { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "level-not-available", detail).on_field("level")
            }
            SignError::KindNotPermitted(_) => {
                Self::new(StatusCode::FORBIDDEN, "kind-not-permitted", detail).on_field("kind")
            }
            SignError::SignerNotPermitted(_) => {
                Self::new(StatusCode::FORBIDDEN, "signer-not-permitted", detail).on_field("signer")
            }
            SignError::DigestNotPermitted => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "digest-not-permitted", detail).on_field("digest")
            }
            SignError::DigestNeedsDetached => {
                Self::new(StatusCode::BAD_REQUEST, "packaging-conflict", detail).on_field("packaging")
            }
            SignError::SignerNotUsable { .. } | SignError::OutsideWindow(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "signer-not-usable", detail).retry_after(60)
            }
            SignError::IssuerNotAuthorised { .. } => {
                Self::new(StatusCode::FORBIDDEN, "issuer-not-authorised", detail).on_field("signer")
            }
            SignError::DifferentBody(_) => {
                Self::new(StatusCode::CONFLICT, "idempotency-key-reused", detail).on_field("Idempotency-Key")
            }
            SignError::InProgress(_) => Self::new(StatusCode::CONFLICT, "request-in-progress", detail)
                .on_field("Idempotency-Key")
                .retry_after(1),
            SignError::StateUnknown(_) => {
                Self::new(StatusCode::CONFLICT, "signature-state-unknown", detail).on_field("Idempotency-Key")
            }
            SignError::Malformed(fault) if fault.of_media_type => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "media-type-not-permitted", detail).on_field("mediaType")
            }
            SignError::Malformed(fault) => {
                let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "document-malformed", detail);
                Self { path: Some(fault.path), ..problem.on_field("document") }
            }
            SignError::Reference(fault) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "reference-not-signable", detail).on_field(fault.field)
            }
            SignError::Existing(error) => error.into(),
            SignError::ExistingInPdf(error) => Self::from(error).on_field("document"),
            SignError::Pdf(error) => error.into(),
            SignError::PdfTooLarge => Self::pdf_too_large(detail),
            SignError::Lookup(error) => error.into(),
            SignError::NoContent => Self::new(StatusCode::BAD_REQUEST, "document-missing", detail).on_field("document"),
            SignError::Signing(error) => error.into(),
            SignError::Registry(error) => error.into(),
            SignError::LogPromise(_) | SignError::Recorded { .. } | SignError::Random(_) | SignError::Interrupted => {
                tracing::error!(error = %detail, "signing failed");
                Self::internal()
            }
        }
    }
}

impl From<ReceiptError> for Problem {
    fn from(error: ReceiptError) -> Self {
        let detail = error.to_string();
        match error {
            ReceiptError::TooMany { wait } => {
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(60).max(1);
                Self::new(StatusCode::TOO_MANY_REQUESTS, "receipt-limit", detail).retry_after(seconds)
            }
            ReceiptError::NotUsable(error) => error.into(),
            ReceiptError::Signing(error) => error.into(),
            ReceiptError::Reference(_) | ReceiptError::Interrupted => {
                tracing::error!(error = %detail, "a receipt could not be signed");
                Self::internal()
            }
        }
    }
}

impl From<ExtendError> for Problem {
    fn from(error: ExtendError) -> Self {
        let detail = error.to_string();
        match error {
            ExtendError::Busy => Self::overloaded(),
            ExtendError::Level(error) => match error {
                LevelError::Message(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-document", detail),
                LevelError::NotPassed { .. } | LevelError::SelfCheck { .. } => {
                    Self::new(StatusCode::UNPROCESSABLE_ENTITY, "signature-not-passed", detail)
                }
                LevelError::TimeStampNotPassed { .. } => {
                    Self::new(StatusCode::UNPROCESSABLE_ENTITY, "timestamp-not-passed", detail)
                }
                LevelError::Adding(_)
                | LevelError::NotReached
                | LevelError::NothingGained
                | LevelError::StatusTooOld => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "level-not-reached", detail),
                LevelError::ContentMissing => {
                    FieldError::new("digests", FieldFault::Text("the SHA-256 of the content must be among digests"))
                        .into()
                }
                LevelError::TimeStamp(_) => {
                    tracing::warn!(error = %detail, "a signature was not raised");
                    let detail = "no time-stamping authority gives a time-stamp that counts now: ask again later";
                    Self::new(StatusCode::SERVICE_UNAVAILABLE, "timestamp-not-available", detail).retry_after(30)
                }
                LevelError::Pdf(error) => error.into(),
                LevelError::Interrupted => Self::internal(),
            },
        }
    }
}

impl From<ExistingError> for Problem {
    fn from(error: ExistingError) -> Self {
        let detail = error.to_string();
        let problem = match error {
            ExistingError::Unreadable(_) | ExistingError::NoSignature => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "existing-signature-unreadable", detail)
            }
            ExistingError::TooLarge => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "existing-signature-too-large", detail)
            }
            ExistingError::Archived => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "existing-signature-archived", detail)
            }
            ExistingError::Broken { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "existing-signature-broken", detail)
            }
            ExistingError::Undetermined { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "existing-signature-undetermined", detail)
            }
            ExistingError::Conflict => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "existing-signature-conflict", detail)
            }
            ExistingError::Foreign => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "existing-signature-foreign", detail),
            ExistingError::NotInForce => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "existing-signature-not-in-force", detail)
            }
        };
        problem.on_field("existingSignature")
    }
}

impl From<SigningError> for Problem {
    fn from(error: SigningError) -> Self {
        tracing::error!(%error, "a key did not sign");
        let detail = "the signing key cannot be used now; the operator finds the reason in the log";
        match error {
            SigningError::CertificateNotValid { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "signer-not-usable", detail).retry_after(60)
            }
            SigningError::KeyNotAvailable { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "key-not-available", detail).retry_after(5)
            }
            SigningError::KeyUnanswered { .. } => {
                let detail = "the device of the signing key gave no answer, and whether it signed is not known; nothing was released: use \
                              a new idempotency key, this one is spent";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "key-without-answer", detail).retry_after(5)
            }
            SigningError::WeakDigest { .. }
            | SigningError::NotEs256 { .. }
            | SigningError::DigestLength { .. }
            | SigningError::Key { .. }
            | SigningError::SelfCheck { .. } => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "signing-failed", detail),
        }
    }
}

impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Unknown => Self::new(StatusCode::NOT_FOUND, "document-unknown", error.to_string()),
            DocumentError::FurtherSignature(_) => {
                Self::new(StatusCode::CONFLICT, "further-signature", error.to_string())
            }
            DocumentError::Registry(error) => error.into(),
        }
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        let detail = error.to_string();
        match error {
            RegistryError::Invalid { field, rule } => {
                // The record's words for what the interface calls otherwise.
                let field = match field {
                    "idempotency key" => "Idempotency-Key",
                    "media type" => "mediaType",
                    other => other,
                };
                let mut problem = Self::new(StatusCode::BAD_REQUEST, "", format!("{field} must be {rule}"));
                problem.code = Cow::Owned(format!("{}-wrong-text", kebab_case(field)));
                problem.on_field(field)
            }
            RegistryError::UnknownDocument(_) => Self::new(StatusCode::NOT_FOUND, "document-unknown", detail),
            RegistryError::StatusConflict { .. } => {
                Self::new(StatusCode::CONFLICT, "status-conflict", detail).on_field("state")
            }
            RegistryError::SuccessorNotInForce { .. } => {
                Self::new(StatusCode::CONFLICT, "successor-not-in-force", detail).on_field("supersededBy")
            }
            RegistryError::HistoryFull(_) => Self::new(StatusCode::CONFLICT, "status-history-full", detail),
            RegistryError::Overloaded => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "registry-overloaded", detail).retry_after(1)
            }
            RegistryError::DocumentIdTaken(_)
            | RegistryError::NotInProgress(_)
            | RegistryError::AlreadyRaised(_)
            | RegistryError::Unavailable { .. }
            | RegistryError::Damaged { .. }
            | RegistryError::Stopped => {
                tracing::error!(error = ?error, "the registry failed");
                let detail = "the record cannot be written or read now, so nothing is released: ask again later";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "registry-unavailable", detail).retry_after(5)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::kebab_case;

    #[test]
    fn codes_name_fields_in_kebab_case() {
        for (field, code) in [
            ("document", "document"),
            ("mediaType", "media-type"),
            ("digests[0].value", "digests-value"),
            ("Idempotency-Key", "idempotency-key"),
        ] {
            assert_eq!(kebab_case(field), code);
        }
    }
}
