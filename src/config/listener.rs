//! Where the service listens, and how much of it anyone may take.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::Deserialize;

use super::Network;

/// Verifying, for everyone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Public {
    pub address: SocketAddr,
    /// As the outside calls it, without a final `/`.
    pub base_url: String,
    /// Where people verify a document, without a final `/`: in the QR codes of seals, its id behind it.
    pub verification_url: Option<String>,
    /// Reverse proxies, which say in `X-Forwarded-For` for whom they ask; nobody else is believed.
    pub trusted_proxies: Vec<Network>,
}

impl Default for Public {
    fn default() -> Self {
        Self {
            address: local(8080),
            base_url: "http://127.0.0.1:8080".to_owned(),
            verification_url: None,
            trusted_proxies: Vec::new(),
        }
    }
}

/// Signing and verifying, for clients with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MutualTls {
    pub enabled: bool,
    pub address: SocketAddr,
    pub certificate: PathBuf,
    pub chain: Vec<PathBuf>,
    pub key: PathBuf,
    pub client_authorities: Vec<PathBuf>,
    pub client_crls: Vec<PathBuf>,
}

impl Default for MutualTls {
    fn default() -> Self {
        Self {
            enabled: true,
            address: local(8081),
            certificate: "tls/server.crt".into(),
            chain: Vec::new(),
            key: "tls/server.key".into(),
            client_authorities: vec!["tls/client-ca.crt".into()],
            client_crls: vec!["tls/client-ca.crl".into()],
        }
    }
}

/// Health, readiness and figures, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Internal {
    pub enabled: bool,
    pub address: SocketAddr,
}

impl Default for Internal {
    fn default() -> Self {
        Self { enabled: false, address: local(8082) }
    }
}

/// Sizes in bytes, times in seconds; all above zero.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    pub body_bytes: usize,
    pub client_body_bytes: usize,
    pub streamed_bytes: usize,
    pub buffered_bytes: usize,
    pub connections: usize,
    pub concurrency: usize,
    pub handshake_seconds: u64,
    pub header_seconds: u64,
    pub body_seconds: u64,
    pub request_seconds: u64,
    pub connection_seconds: u64,
    pub shutdown_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            client_body_bytes: 64 << 20,
            streamed_bytes: 2 << 30,
            buffered_bytes: 256 << 20,
            connections: 4096,
            concurrency: 256,
            handshake_seconds: 10,
            header_seconds: 10,
            body_seconds: 30,
            request_seconds: 60,
            connection_seconds: 3600,
            shutdown_seconds: 30,
        }
    }
}

impl Limits {
    pub const fn handshake(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds)
    }

    pub const fn header(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    pub const fn body(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    pub const fn request(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    pub const fn connection(&self) -> Duration {
        Duration::from_secs(self.connection_seconds)
    }

    pub const fn shutdown(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds)
    }

    /// Every limit with its key.
    pub(super) const fn all(&self) -> [(&'static str, u64); 12] {
        [
            ("body-bytes", self.body_bytes as u64),
            ("client-body-bytes", self.client_body_bytes as u64),
            ("streamed-bytes", self.streamed_bytes as u64),
            ("buffered-bytes", self.buffered_bytes as u64),
            ("connections", self.connections as u64),
            ("concurrency", self.concurrency as u64),
            ("handshake-seconds", self.handshake_seconds),
            ("header-seconds", self.header_seconds),
            ("body-seconds", self.body_seconds),
            ("request-seconds", self.request_seconds),
            ("connection-seconds", self.connection_seconds),
            ("shutdown-seconds", self.shutdown_seconds),
        ]
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
