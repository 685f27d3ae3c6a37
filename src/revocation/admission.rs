//! The one way in: a list counts when its signature by a held authority was verified and it does not go back behind what was
//! seen before, wherever it comes from.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tracing::{debug, error, info, warn};

use super::candidate::{self, CrlScope, Refusal, VerifiedCrl, key_digest};
use super::kept::KeptLists;
use super::links::Links;
use super::marks::{Marks, Standing};
use super::snapshot::{self, CrlFreshness, HeldLists, SharedEvidence};
use crate::clock;
use crate::core::crypto::sha256;
use crate::core::evidence::Evidence;
use crate::core::memory::Memory;
use crate::core::time::Time;
use crate::core::x509::access::Access;
use crate::core::x509::{Certificate, TrustStore};

/// Where a list was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A source; the fingerprint of the authority it is bound to, if it is bound to one.
    Source(Option<[u8; 32]>),
    /// Where a certificate said that it would be.
    DistributionPoint,
    /// Another node put it there; `found`: one that has it from a distribution point alone.
    Redis { found: bool },
}

impl Origin {
    const fn name(self) -> &'static str {
        match self {
            Self::Source(_) => "source",
            Self::DistributionPoint => "distribution-point",
            Self::Redis { .. } => "redis",
        }
    }
}

/// A list that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub scope: CrlScope,
    pub next_update: Option<Time>,
}

/// Holds the marks and the lists, and publishes each change.
pub(super) struct Admission {
    trust: Arc<ArcSwap<TrustStore>>,
    memory: Arc<Memory>,
    links: Links,
    /// Held while the disk is written and lists are decoded: whoever serves requests reads what is published instead.
    state: Mutex<State>,
    evidence: SharedEvidence,
    freshness: ArcSwap<Vec<CrlFreshness>>,
    /// Keys of the authorities whose lists a source gave.
    given: ArcSwap<BTreeSet<[u8; 32]>>,
    /// Names of the issuers of lists that sources gave.
    sourced: ArcSwap<BTreeSet<Vec<u8>>>,
    /// Changes with each snapshot.
    published: watch::Sender<()>,
}

struct State {
    marks: Marks,
    held: HeldLists,
    /// Of scopes that are not held.
    kept: KeptLists,
    /// Of those held, lists that only a distribution point gave.
    discovered: BTreeSet<CrlScope>,
    /// The marks could not be written at the last try.
    failing: bool,
}

impl Admission {
    /// Blocks for the disk and for signatures of the lists kept there.
    pub fn new(marks: Marks, kept: KeptLists, trust: Arc<ArcSwap<TrustStore>>, memory: Arc<Memory>) -> Self {
        let held = HeldLists::new();
        let admission = Self {
            trust,
            memory,
            links: Links::default(),
            evidence: Arc::new(ArcSwap::from_pointee(snapshot::evidence(&held, std::iter::empty(), &[]))),
            freshness: ArcSwap::default(),
            given: ArcSwap::default(),
            sourced: ArcSwap::default(),
            state: Mutex::new(State { marks, held, kept, discovered: BTreeSet::new(), failing: false }),
            published: watch::Sender::new(()),
        };
        admission.follow_trust();
        admission
    }

    pub const fn evidence(&self) -> &Arc<ArcSwap<Evidence>> {
        &self.evidence
    }

    pub fn freshness(&self) -> Arc<Vec<CrlFreshness>> {
        self.freshness.load_full()
    }

    /// Keys of the authorities whose lists a source gave, by their digests as in [`CrlScope`].
    pub fn given(&self) -> Arc<BTreeSet<[u8; 32]>> {
        self.given.load_full()
    }

    /// The names, in their comparable form, of issuers whose lists a source keeps fresh.
    pub fn sourced(&self) -> Arc<BTreeSet<Vec<u8>>> {
        self.sourced.load_full()
    }

    /// Tells of every snapshot from now on.
    pub fn published(&self) -> watch::Receiver<()> {
        self.published.subscribe()
    }

    pub fn trust(&self) -> Arc<TrustStore> {
        self.trust.load_full()
    }

    /// Who may sign lists: what is held, and the certificates that were found to lead there.
    pub fn authorities(&self) -> Arc<TrustStore> {
        self.links.authorities(&self.trust())
    }

    /// The lists that count now, and of each whether only a distribution point gave it. Blocks while a list is written.
    pub fn held(&self) -> Vec<(VerifiedCrl, bool)> {
        let state = self.state();
        state.held.values().map(|list| (list.clone(), state.discovered.contains(&list.scope()))).collect()
    }

    /// Takes one or several lists, DER or PEM: the last one with the earliest `nextUpdate` of all, or the first refusal.
    /// Those not refused count all the same. Blocks for signatures and for the disk.
    pub fn offer_all(&self, bytes: &[u8], origin: Origin) -> Result<Admitted, Refusal> {
        let lists = candidate::split(bytes).inspect_err(|refusal| count(refusal, origin))?;
        let mut answer = Err(Refusal::NotACrl);
        let mut refused = None;
        for list in lists {
            match self.offer(&list, origin) {
                Ok(admitted) => {
                    let ends =
                        [answer.as_ref().ok().and_then(|before: &Admitted| before.next_update), admitted.next_update];
                    answer = Ok(Admitted { next_update: ends.into_iter().flatten().min(), ..admitted });
                }
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        refused.map_or(answer, Err)
    }

    /// Takes one list in DER.
    pub fn offer(&self, der: &[u8], origin: Origin) -> Result<Admitted, Refusal> {
        self.judge(der, origin).inspect_err(|refusal| count(refusal, origin))
    }

    fn judge(&self, der: &[u8], origin: Origin) -> Result<Admitted, Refusal> {
        let trust = self.authorities();
        let fingerprint = sha256(der);
        let known = self.state().held.values().find(|list| *list.crl().fingerprint() == fingerprint).cloned();
        let list = match known {
            Some(list) => list,
            None => candidate::verify(der, &trust, &self.memory, clock::now())?,
        };
        let admitted = Admitted { scope: list.scope(), next_update: list.crl().next_update };
        match origin {
            Origin::Source(Some(bound)) => {
                let mut issuers = candidate::authorities(&trust);
                let issuer = issuers.find(|held| *held.fingerprint() == bound).ok_or(Refusal::SourceIssuerNotHeld)?;
                if key_digest(issuer) != list.scope().issuer_key {
                    return Err(Refusal::OtherIssuer);
                }
            }
            Origin::Source(None) | Origin::DistributionPoint => {}
            // Who has seen nothing yet cannot tell an old list from the newest: where it is published can. And what others found
            // is taken only by who uses it too: else nobody would know when to forget it.
            Origin::Redis { found } => {
                let state = self.state();
                if !state.marks.knows(list.scope()) || (found && !state.held.contains_key(&list.scope())) {
                    return Err(Refusal::SourceFirst);
                }
            }
        }
        let mut state = self.state();
        let standing = match state.marks.judge(&list) {
            Ok(standing) => standing,
            Err(refusal) => {
                self.reveal(&mut state, list);
                return Err(refusal);
            }
        };
        let is_held = state.held.get(&list.scope()).is_some_and(|held| held.content() == list.content());
        if !is_held {
            // Before its mark is durable: whoever knows the mark has the list.
            state.kept.replaced_by(&list);
        }
        if standing == Standing::Newer {
            state.marks.raise(&list);
            state.write_marks();
        }
        match origin {
            Origin::DistributionPoint if !state.held.contains_key(&list.scope()) => {
                state.discovered.insert(list.scope());
            }
            Origin::DistributionPoint | Origin::Redis { found: true } => {}
            Origin::Redis { found: false } => {
                state.discovered.remove(&list.scope());
            }
            Origin::Source(_) => {
                state.discovered.remove(&list.scope());
                publish_one_more(&self.sourced, list.crl().issuer.comparable());
            }
        }
        if !is_held {
            info!(
                target: "antin::revocation",
                issuer = %hex::encode(&list.scope().issuer_key[..8]), partition = %list.scope().partition(),
                this_update = %list.crl().this_update, origin = origin.name(), "a newer CRL counts"
            );
            state.held.insert(list.scope(), list);
            self.publish(&state);
        }
        if matches!(origin, Origin::Source(_)) {
            // Behind the list itself: who reads them in the other order misses none.
            publish_one_more(&self.given, &admitted.scope.issuer_key);
        }
        Ok(admitted)
    }

    /// Where the list held of this scope says that its deltas are (RFC 5280 §5.2.6).
    pub fn deltas_named_by(&self, scope: CrlScope) -> Vec<String> {
        let state = self.state();
        state
            .held
            .get(&scope)
            .map(|list| Access::of_lists(std::slice::from_ref(list.crl())).freshest_crls)
            .unwrap_or_default()
    }

    /// An authority that contradicts itself, or begins its numbers anew, is believed in nothing good that it says; what it revokes is
    /// revoked all the same.
    fn reveal(&self, state: &mut State, list: VerifiedCrl) {
        let scope = list.scope();
        let is_later = |held: &VerifiedCrl| held.crl().this_update <= list.crl().this_update;
        if state.held.get(&scope).is_some_and(is_later) && !state.kept.has(scope) {
            state.kept.retire(list);
            self.publish(state);
        }
    }

    /// Certificates that were fetched join the evidence if they lead to a held anchor, be it by one another.
    pub fn offer_links(&self, certificates: &[Arc<Certificate>]) {
        let mut state = self.state();
        let (trust, now) = (self.trust(), clock::now());
        if self.links.offer(certificates, &trust, &self.memory, now) {
            let State { held, kept, .. } = &mut *state;
            kept.read(held, &self.links.authorities(&trust), &self.memory, now);
            self.publish(&state);
        }
    }

    /// The list of a scope that nobody uses any more no longer counts, if it came from a distribution point alone; it still reveals.
    /// Blocks while another list is written.
    pub fn forget(&self, scope: CrlScope) {
        let mut state = self.state();
        if state.discovered.remove(&scope)
            && let Some(list) = state.held.remove(&scope)
        {
            state.kept.retire(list);
            self.publish(&state);
        }
    }

    /// The lists of authorities that are no longer held do not count; what was kept of others that are held now reveals again.
    pub fn follow_trust(&self) {
        let trust = self.trust();
        let mut state = self.state();
        let links_changed = self.links.follow(&trust, &self.memory, clock::now());
        let authorities = self.links.authorities(&trust);
        let keys: Vec<_> = candidate::authorities(&authorities).map(|certificate| key_digest(certificate)).collect();
        let State { held, kept, .. } = &mut *state;
        let dropped = held.extract_if(.., |scope, _| !keys.contains(&scope.issuer_key));
        let dropped: Vec<VerifiedCrl> = dropped.map(|(_, list)| list).collect();
        let changed = links_changed || !dropped.is_empty();
        dropped.into_iter().for_each(|list| kept.retire(list));
        if kept.read(held, &authorities, &self.memory, clock::now()) || changed {
            self.publish(&state);
        }
    }

    /// Takes over what an operator reset in the file of the marks.
    pub fn follow_marks(&self) {
        match self.state().marks.follow() {
            Ok(scopes) => {
                for scope in scopes {
                    warn!(
                        target: "antin::revocation",
                        issuer = %hex::encode(&scope.issuer_key[..8]), partition = %scope.partition(),
                        "an operator reset the high-water mark: the authority's new numbering counts"
                    );
                }
            }
            Err(cause) => debug!(target: "antin::revocation", %cause, "the file of the marks cannot be read just now"),
        }
    }

    /// Tries again to write marks that could not be written.
    pub fn write_marks(&self) {
        self.state().write_marks();
    }

    fn publish(&self, state: &State) {
        let evidence = snapshot::evidence(&state.held, state.kept.lists(), &self.links.all());
        self.evidence.store(Arc::new(evidence));
        self.freshness.store(Arc::new(snapshot::freshness(&state.held)));
        self.published.send_replace(());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is whole before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A disk that cannot be written does not hold back a newer list, which may revoke: the mark holds in memory and is written
    /// when the disk is back.
    fn write_marks(&mut self) {
        if !self.marks.unwritten() {
            return;
        }
        let written = self.marks.write();
        metrics::gauge!("antin_revocation_marks_unwritten").set(if written.is_ok() { 0.0 } else { 1.0 });
        match written {
            Ok(()) if self.failing => info!(target: "antin::revocation", "the high-water marks are durable again"),
            Err(cause) if !self.failing => error!(
                target: "antin::revocation", %cause,
                "the high-water marks cannot be written: after a restart an older CRL could count"
            ),
            _ => {}
        }
        self.failing = self.marks.unwritten();
    }
}

/// One caller at a time.
fn publish_one_more<T, Q>(published: &ArcSwap<BTreeSet<T>>, more: &Q)
where
    T: Ord + Clone + Borrow<Q>,
    Q: Ord + ToOwned<Owned = T> + ?Sized,
{
    let before = published.load();
    if !before.contains(more) {
        let mut after = BTreeSet::clone(&before);
        after.insert(more.to_owned());
        published.store(Arc::new(after));
    }
}

fn count(refusal: &Refusal, origin: Origin) {
    metrics::counter!("antin_revocation_refused_total", "reason" => refusal.code(), "origin" => origin.name())
        .increment(1);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::super::configured::ConfiguredLists;
    use super::*;

    #[test]
    fn what_readiness_asks_waits_for_nobody_who_writes_lists() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("marks.json");
        let trust = Arc::new(ArcSwap::from_pointee(TrustStore::new(Vec::new(), Vec::new())));
        let (marks, kept) = (Marks::open(&file).expect("marks"), KeptLists::beside(&file, 1024));
        let admission = Arc::new(Admission::new(marks, kept, trust, Arc::new(Memory::bounded())));
        // As while a long list is written.
        let busy = admission.state();
        let (tell, told) = mpsc::channel();
        let asked = Arc::clone(&admission);
        let asking = thread::spawn(move || {
            let configured = ConfiguredLists::new(Arc::clone(&asked), &[]).now().len();
            let _ = (asked.freshness(), asked.sourced(), asked.authorities(), asked.evidence().load());
            // Nobody listens any more if it was late.
            let _ = tell.send((configured, asked.given().len()));
        });
        let answer = told.recv_timeout(Duration::from_secs(5));
        drop(busy);
        asking.join().expect("asked");
        assert_eq!(answer, Ok((0, 0)));
    }
}
