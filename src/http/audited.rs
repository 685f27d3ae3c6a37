//! What of a request goes into the audit log, and when: before its answer leaves.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::problem::{Problem, ProblemCode};
use crate::audit::{AuditError, AuditLog, Decision, Durability, Outcome};
use crate::core::report::Report;
use crate::registry::DocumentId;

/// What a handler says of what it decided, left in the response.
#[derive(Clone, Debug, Default)]
pub struct Audited {
    /// Of the verdict.
    pub code: String,
    pub kind: String,
    pub subject: String,
    pub key: String,
}

impl Audited {
    /// Of a document that was judged.
    pub fn of(report: &Report) -> Self {
        Self {
            code: report.reliance.code.to_owned(),
            kind: report.document.kind.clone().unwrap_or_default(),
            subject: report.document.sha256.as_ref().map(|digest| format!("sha256:{digest}")).unwrap_or_default(),
            key: String::new(),
        }
    }
}

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Sign,
    Extend,
    Verify,
    SivaValidate,
    SetStatus,
    ReadSignature,
    ReadDocument,
    ReadProof,
    Lookup,
    GiveToken,
    SignHash,
    TimeStamp,
}

impl Operation {
    /// As the log names it.
    const fn name(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Extend => "extend",
            Self::Verify => "verify",
            Self::SivaValidate => "siva-validate",
            Self::SetStatus => "set-status",
            Self::ReadSignature => "read-signature",
            Self::ReadDocument => "read-document",
            Self::ReadProof => "read-proof",
            Self::Lookup => "lookup",
            Self::GiveToken => "give-token",
            Self::SignHash => "sign-hash",
            Self::TimeStamp => "time-stamp",
        }
    }

    /// What changes something is on the disk before its answer leaves.
    const fn durability(self) -> Durability {
        match self {
            Self::Sign | Self::SignHash | Self::SetStatus => Durability::Synced,
            Self::Extend
            | Self::Verify
            | Self::SivaValidate
            | Self::ReadSignature
            | Self::ReadDocument
            | Self::ReadProof
            | Self::Lookup
            | Self::GiveToken
            | Self::TimeStamp => Durability::Written,
        }
    }

    /// What was decided for whom: request id, listener, client; with the code of a problem, or what its handler said.
    pub fn decided(
        self,
        (request, listener, client): (&str, &str, &str),
        status: StatusCode,
        problem: Option<String>,
        said: Audited,
    ) -> Decided {
        let decision = Decision {
            request: request.to_owned(),
            listener: listener.to_owned(),
            client: client.to_owned(),
            operation: self.name().to_owned(),
            outcome: match status.as_u16() {
                0..=399 => Outcome::Done,
                400..=499 => Outcome::Refused,
                _ => Outcome::Failed,
            },
            status: status.as_u16(),
            code: problem.unwrap_or(said.code),
            kind: said.kind,
            subject: said.subject,
            key: said.key,
        };
        Decided { decision, durability: self.durability() }
    }
}

/// What of a request is known before it is answered.
pub struct Auditable {
    operation: Operation,
    subject: String,
}

impl Auditable {
    /// `None`: nothing is decided by it.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let operation = match (method, path) {
            (&Method::POST, "/v1/sign" | "/v1/sign/batch" | "/csc/v2/signatures/signDoc") => Operation::Sign,
            (&Method::POST, "/csc/v1/signatures/signHash" | "/csc/v2/signatures/signHash") => Operation::SignHash,
            (&Method::POST, "/csc/v1/signatures/timestamp" | "/csc/v2/signatures/timestamp") => Operation::TimeStamp,
            (&Method::POST, "/oauth2/token") => Operation::GiveToken,
            (&Method::POST, "/v1/extend") => Operation::Extend,
            (&Method::POST, "/v1/verify" | "/v1/verify/batch" | "/check") => Operation::Verify,
            (&Method::POST, "/validate") => Operation::SivaValidate,
            (&Method::POST, "/v1/lookup" | "/lookup") => Operation::Lookup,
            (&Method::POST, below) if below.starts_with("/d/") => Operation::Lookup,
            _ => {
                let rest = path.strip_prefix("/v1/documents/")?;
                let (id, below) = rest.split_once('/').unwrap_or((rest, ""));
                let operation = match (method, below) {
                    (&Method::POST, "status") => Operation::SetStatus,
                    (&Method::GET, "signature") => Operation::ReadSignature,
                    (&Method::GET, "proof") => Operation::ReadProof,
                    (&Method::GET, "") => Operation::ReadDocument,
                    _ => return None,
                };
                // What is no id is text of somebody's.
                let subject = id.parse::<DocumentId>().map(|id| id.to_string()).unwrap_or_default();
                return Some(Self { operation, subject });
            }
        };
        Some(Self { operation, subject: String::new() })
    }

    /// What was decided, as its answer says.
    pub fn decided(self, who: (&str, &str, &str), response: &Response) -> Decided {
        let mut said = response.extensions().get::<Audited>().cloned().unwrap_or_default();
        if said.subject.is_empty() {
            said.subject = self.subject;
        }
        let problem = response.extensions().get::<ProblemCode>().map(|code| code.0.to_string());
        self.operation.decided(who, response.status(), problem, said)
    }
}

/// Where the lines of a batch are written down, and under which request.
#[derive(Clone)]
pub struct Trail {
    pub request: String,
    pub listener: &'static str,
    /// `None`: decisions are not written down.
    pub audit: Option<Arc<AuditLog>>,
}

/// To be written down.
pub struct Decided {
    decision: Decision,
    durability: Durability,
}

impl Decided {
    /// Writes it down.
    ///
    /// # Errors
    /// It is not recorded: this is to be answered instead.
    pub async fn record(self, audit: &AuditLog) -> Result<(), Problem> {
        audit.record(self.decision, self.durability).await.map_err(|error| match error {
            AuditError::Unavailable | AuditError::Overloaded => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let mut problem = Problem::new(status, "audit-not-available", error.to_string());
                problem.retry_after = Some(1);
                problem
            }
        })
    }
}
