//! A service that runs, from its sockets to its end; and why one did not start.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::tls;
use crate::{
    registry::{Registry, RegistryError},
    revocation::RevocationCache,
    service::{access_tokens::AccessTokenError, verify::VerifyError},
    signing::timestamp::TimeStampClientError,
};

/// How long it is waited for work in threads to let go of the registry, and how often it is looked at.
const LET_GO_WITHIN: Duration = Duration::from_secs(5);
const LET_GO_EVERY: Duration = Duration::from_millis(5);

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    #[error("cannot listen on {address} ({setting}): choose a free address of this machine")]
    Bind { setting: &'static str, address: SocketAddr, source: io::Error },
    #[error("mutual-tls: {0}")]
    Tls(#[from] tls::TlsError),
    #[error("verify.policy: {0}")]
    Policy(#[source] VerifyError),
    #[error("no thread can be had for the page: {0}")]
    Threads(#[source] io::Error),
    #[error("the registry: {0}")]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    AccessTokens(#[from] AccessTokenError),
    #[error(transparent)]
    TimeStamping(#[from] TimeStampClientError),
}

/// A running service.
pub struct Running {
    pub public: SocketAddr,
    pub mutual_tls: Option<SocketAddr>,
    pub internal: Option<SocketAddr>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) listeners: JoinSet<()>,
    pub(super) watchers: JoinSet<()>,
    pub(super) revocation: RevocationCache,
    pub(super) registry: Arc<dyn Registry>,
}

impl Running {
    /// Takes no more requests, lets those in work end as long as the settings allow, and returns.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        while self.listeners.join_next().await.is_some() {}
        self.watchers.shutdown().await;
        self.revocation.shutdown().await;
        // What goes on in threads (nobody can end it) lets go of the registry in a moment: who opens it next finds it free.
        let ending = Instant::now();
        while Arc::strong_count(&self.registry) > 1 && ending.elapsed() < LET_GO_WITHIN {
            tokio::time::sleep(LET_GO_EVERY).await;
        }
        if let Err(error) = self.registry.leave().await {
            tracing::warn!(error = ?error, "the registry was not left; other nodes wait for the end of this one's lease");
        }
    }
}
