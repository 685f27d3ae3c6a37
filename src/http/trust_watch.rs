//! Trust is read again when a file of it changes, and on SIGHUP: all of it or nothing. Verdicts in work end with the set they began
//! with; what they leave in memory bears its version.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{App, WATCHED_EVERY};
use crate::{
    clock,
    service::{
        held::Fingerprint,
        trust::{self, ListInForce, LoadError, LoadedTrust},
    },
};

/// The wait before a refused set is read again, should the fault have been the disk's.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Runs until the service ends. `asks`: each SIGHUP; `list`: the one that the service started with.
pub(super) async fn watch(app: Arc<App>, mut asks: watch::Receiver<()>, list: Option<ListInForce>) {
    // Nothing is known yet, so that a change since the start is not missed.
    let known = Fingerprint::default();
    let mut watch = Watch { app, known, refused: None, list, expired_said: false, state_fault_said: false };
    loop {
        let asked = tokio::select! {
            heard = asks.changed() => heard.is_ok(),
            () = tokio::time::sleep(WATCHED_EVERY) => false,
        };
        watch.look(asked).await;
        watch.watch_list();
    }
}

struct Watch {
    app: Arc<App>,
    /// The files of the set last read, whether it counted or not.
    known: Fingerprint,
    /// When a set was last refused, as long as none has counted since.
    refused: Option<Instant>,
    list: Option<ListInForce>,
    expired_said: bool,
    state_fault_said: bool,
}

impl Watch {
    /// Reads the set if `asked` to, if a file has changed, or if it is time to try a refused one again.
    async fn look(&mut self, asked: bool) {
        // Only what is read by: reading goes on when the service ends, which must not be kept from letting go of its files.
        let settings = self.app.config.trust.clone();
        let again = asked || self.refused.is_some_and(|at| at.elapsed() >= TRIED_AGAIN_AFTER);
        let (known, list) = (std::mem::take(&mut self.known), self.list.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let restored = trust::restore(&settings, list.as_ref());
            let found = trust::fingerprint(&settings);
            let loaded = (again || found != known).then(|| trust::load(&settings, list.as_ref(), clock::now()));
            (restored, found, loaded)
        });
        // Ends otherwise only with a panic, and the files are then looked at again.
        let Ok((restored, found, loaded)) = reading.await else { return };
        self.known = found;
        self.say_restored(restored);
        match loaded {
            None => {}
            Some(Ok(loaded)) => self.take(loaded, asked),
            Some(Err(error)) => self.refuse(&error),
        }
    }

    fn take(&mut self, loaded: LoadedTrust, asked: bool) {
        let LoadedTrust { store, list } = loaded;
        let (anchors, intermediates) = (store.anchors().len(), store.intermediates().len());
        let shared = self.app.verify.trust();
        let recovered = self.refused.take().is_some();
        if self.list != list {
            self.list = list;
            self.expired_said = false;
        }
        if shared.load().version() != store.version() {
            let version = hex::encode(store.version());
            shared.store(Arc::new(store));
            ::metrics::counter!("antin_trust_changes_total").increment(1);
            tracing::info!(anchors, intermediates, version, "trust changed");
            if anchors == 0 {
                tracing::warn!("no trust anchor is held: no signature will be relied on; see [trust] of the settings");
            }
        } else if asked || recovered {
            tracing::info!(anchors, intermediates, "trust read again; nothing changed");
        }
        ::metrics::gauge!("antin_trust_anchors").set(anchors as f64);
    }

    fn refuse(&mut self, error: &LoadError) {
        self.refused = Some(Instant::now());
        ::metrics::counter!("antin_trust_refused_total").increment(1);
        tracing::error!(%error, "the trust in the files does not count; the old one stays in force");
    }

    /// Without the number a restart would take an older list.
    fn say_restored(&mut self, restored: Result<bool, LoadError>) {
        match restored {
            Ok(written) => {
                self.state_fault_said = false;
                if written {
                    tracing::warn!(
                        "the trust list's state file had lost the number of the list in force; it is written again"
                    );
                }
            }
            Err(error) if !self.state_fault_said => {
                self.state_fault_said = true;
                tracing::error!(%error, "the trust list's state file does not hold the number of the list in force");
            }
            Err(_) => {}
        }
    }

    /// An expired list goes on serving: without it every document would be undetermined, and what it held was signed. It is said.
    fn watch_list(&mut self) {
        let Some(list) = &self.list else { return };
        let left = list.next_update.seconds_since(clock::now());
        ::metrics::gauge!("antin_trust_list_sequence").set(list.seen.sequence as f64);
        ::metrics::gauge!("antin_trust_list_seconds_to_next_update").set(left as f64);
        if left < 0 && !self.expired_said {
            self.expired_said = true;
            tracing::error!(
                sequence = list.seen.sequence,
                next_update = %list.next_update,
                "the trust list has expired; it goes on serving: get the newest"
            );
        }
    }
}
