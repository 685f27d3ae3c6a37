//! `[[token]]`, `[[key]]` and `[[client]]` are read again on SIGHUP, all of them or none: a next key, a renewed certificate, a client that
//! comes or goes take no restart. All other settings do.
//!
//! What was begun with a key ends with it. A connection ends when what the settings say of its client has changed.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::App;
use crate::{
    config::{self, Config, ConfigError},
    service::{
        held::HeldError,
        key_uses::{self, UnseenKeys},
        keys::{self, SharedKeys},
        permission::Clients,
    },
    signing::IssuingKey,
};

/// Why settings do not count.
#[derive(Debug, thiserror::Error)]
enum RereadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error("the key {0:?} signs receipts since the start: leave its [[key]] there, or restart")]
    ReceiptKey(String),
    #[error("the key {0:?} signs status lists since the start: leave its [[key]] there, or restart")]
    StatusListKey(String),
    #[error("reading ended without a result")]
    Interrupted,
}

/// What is taken over while the service runs.
struct Reread {
    config: Config,
    keys: Vec<Arc<dyn IssuingKey>>,
    unseen: UnseenKeys,
}

/// All keys, and which of them sign what nobody sees.
type HeldKeys = (SharedKeys, Arc<ArcSwap<UnseenKeys>>);

/// Runs until the service ends. `asks`: each SIGHUP.
pub(super) async fn watch(
    app: Arc<App>,
    mut asks: watch::Receiver<()>,
    keys: HeldKeys,
    clients: watch::Sender<Arc<Clients>>,
) {
    while asks.changed().await.is_ok() {
        let running = app.config.clone();
        // A token may take its time.
        let read = tokio::task::spawn_blocking(move || reread(&running)).await;
        match read.unwrap_or(Err(RereadError::Interrupted)) {
            Ok(Some(found)) => take(&app.config, found, &keys, &clients),
            Ok(None) => {}
            Err(error) => {
                metrics::counter!("antin_settings_refused_total").increment(1);
                tracing::error!(%error, "the settings do not count; the keys and clients stay as they were");
            }
        }
    }
    // The clients are not let go of as long as the service runs.
    std::future::pending().await
}

/// `None`: the settings lie in no file.
fn reread(running: &Config) -> Result<Option<Reread>, RereadError> {
    let Some(path) = &running.origin else { return Ok(None) };
    let config = config::read(path)?;
    let lacks = |name: &&String| config.keys.iter().all(|key| key.name != **name);
    if let Some(missing) = running.receipt.key.as_ref().filter(lacks) {
        return Err(RereadError::ReceiptKey(missing.clone()));
    }
    if let Some(missing) = running.status_lists.key.as_ref().filter(lacks) {
        return Err(RereadError::StatusListKey(missing.clone()));
    }
    let keys = keys::keys(&config.keys, &config.tokens)?;
    // What takes a restart is signed as before it.
    let Config { receipt, status_lists, verify, kinds, .. } = running.clone();
    let unseen = key_uses::check(&Config { receipt, status_lists, verify, kinds, ..config.clone() }, &keys)?;
    Ok(Some(Reread { config, keys, unseen }))
}

fn take(running: &Config, found: Reread, (keys, unseen): &HeldKeys, clients: &watch::Sender<Arc<Clients>>) {
    let Reread { config, keys: found, unseen: signing_unseen } = found;
    let held = found.len();
    keys.store(Arc::new(found));
    unseen.rcu(|earlier| signing_unseen.clone().and(earlier));
    let renewed = clients.borrow().renewed(&config.clients);
    clients.send_replace(Arc::new(renewed));
    metrics::counter!("antin_settings_changes_total").increment(1);
    tracing::info!(keys = held, clients = config.clients.len(), "keys and clients read again");
    let waiting = config.tables_other_than_in(running);
    if !waiting.is_empty() {
        let tables = waiting.join(", ");
        tracing::warn!(tables, "these tables of the settings have changed too; they take a restart");
    }
}
