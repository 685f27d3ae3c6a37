//! Who calls: the TLS client certificate says it, and nothing else. No header is ever asked.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};

use super::problem::Problem;
use crate::{
    config::Operation,
    core::x509::Certificate,
    service::permission::{Client, Clients},
};

/// Who calls, as the listener put it into the request's extensions.
#[derive(Clone)]
pub enum Caller {
    /// On a listener without client certificates.
    Anyone,
    /// A certificate of an accepted CA that the settings do not name.
    UnknownClient,
    Client(Arc<Client>),
}

impl Caller {
    /// From the certificate that the TLS handshake has verified.
    pub fn of_certificate(clients: &Clients, certificate: Option<&Certificate>) -> Self {
        certificate
            .and_then(|certificate| clients.of_certificate(certificate))
            .map_or(Self::UnknownClient, Self::Client)
    }

    /// The same client by the same settings, or nobody known again.
    pub fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Client(one), Self::Client(other)) => Arc::ptr_eq(one, other),
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }

    /// For the log: the name in the settings.
    pub fn name(&self) -> &str {
        match self {
            Self::Anyone => "",
            Self::UnknownClient => "unknown",
            Self::Client(client) => &client.name,
        }
    }

    /// The client, if there is one that may do this.
    pub fn permitted(&self, operation: Operation) -> Result<&Arc<Client>, Problem> {
        let client = self.client()?;
        if client.may(operation) { Ok(client) } else { Err(Problem::operation_not_permitted()) }
    }

    pub fn client(&self) -> Result<&Arc<Client>, Problem> {
        match self {
            Self::Client(client) => Ok(client),
            Self::UnknownClient => Err(Problem::client_unknown()),
            // The router of a listener without certificates has no route that asks.
            Self::Anyone => Err(Problem::not_found()),
        }
    }

    /// Health and figures are for the operator's own listener and for known clients on the other.
    pub fn may_operate(&self) -> Result<(), Problem> {
        match self {
            Self::Anyone | Self::Client(_) => Ok(()),
            Self::UnknownClient => Err(Problem::client_unknown()),
        }
    }

    /// Verifying is for everyone on the public listener, and for permitted clients on the other.
    pub fn may_verify(&self) -> Result<(), Problem> {
        match self {
            Self::Anyone => Ok(()),
            Self::UnknownClient | Self::Client(_) => self.permitted(Operation::Verify).map(drop),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        // A listener that forgot to say who calls serves nobody.
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::internal)
    }
}
