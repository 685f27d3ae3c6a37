//! What of a request goes into the audit log, and when: before its answer leaves.

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

/// What of a request is known before it is answered.
pub struct Auditable {
    operation: &'static str,
    durability: Durability,
    subject: String,
}

impl Auditable {
    /// `None`: nothing is decided by it.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let (operation, durability) = match (method, path) {
            (&Method::POST, "/v1/sign") => ("sign", Durability::Synced),
            (&Method::POST, "/v1/extend") => ("extend", Durability::Written),
            (&Method::POST, "/v1/verify") => ("verify", Durability::Written),
            (&Method::POST, "/validate") => ("siva-validate", Durability::Written),
            _ => {
                let rest = path.strip_prefix("/v1/documents/")?;
                let (id, below) = rest.split_once('/').unwrap_or((rest, ""));
                let (operation, durability) = match (method, below) {
                    (&Method::POST, "status") => ("set-status", Durability::Synced),
                    (&Method::GET, "signature") => ("read-signature", Durability::Written),
                    (&Method::GET, "") => ("read-document", Durability::Written),
                    _ => return None,
                };
                // What is no id is text of somebody's.
                let subject = id.parse::<DocumentId>().map(|id| id.to_string()).unwrap_or_default();
                return Some(Self { operation, durability, subject });
            }
        };
        Some(Self { operation, durability, subject: String::new() })
    }

    /// What was decided, as its answer says.
    pub fn decided(self, (request, listener, client): (&str, &str, &str), response: &Response) -> Decided {
        let said = response.extensions().get::<Audited>().cloned().unwrap_or_default();
        let problem = response.extensions().get::<ProblemCode>().map(|code| code.0.to_string());
        let decision = Decision {
            request: request.to_owned(),
            listener: listener.to_owned(),
            client: client.to_owned(),
            operation: self.operation.to_owned(),
            outcome: match response.status().as_u16() {
                0..=399 => Outcome::Done,
                400..=499 => Outcome::Refused,
                _ => Outcome::Failed,
            },
            status: response.status().as_u16(),
            code: problem.unwrap_or(said.code),
            kind: said.kind,
            subject: if said.subject.is_empty() { self.subject } else { said.subject },
            key: said.key,
        };
        Decided { decision, durability: self.durability }
    }
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
