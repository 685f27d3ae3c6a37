//! Is the service fit to work? Every key signs a random digest, which our own verifier checks, at most once a minute; and every
//! key's certificate is judged as before signing, whenever somebody asks. So are the lists that the sources of the settings are to
//! bring, by the maximum ages of the default policy.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

use super::sign::{SignError, SignService};
use crate::{
    clock,
    core::{
        algorithm::DigestAlgorithm,
        path::PathFault,
        policy::MaximumAge,
        time::Time,
        verdict::{Cause, Verdict},
        x509::Certificate,
    },
    revocation::{
        CrlFreshness,
        configured::{ConfiguredAuthority, ConfiguredLists},
    },
    signing::{CadesRequest, IssuingKey, SigningError},
};

/// How long the answer of the self-test is kept.
const KEPT: Duration = Duration::from_secs(60);
/// The same where a key had a fault: a token comes back by itself.
const FAULT_KEPT: Duration = Duration::from_secs(5);

/// The self-test and its last answer, and the lists that are to be there.
pub struct Readiness {
    sign: Arc<SignService>,
    configured: ConfiguredLists,
    /// Of the default policy.
    maximum_age: MaximumAge,
    last: Mutex<Option<LastTest>>,
}

/// When these keys were tested, and what was found.
struct LastTest {
    at: Instant,
    keys: Arc<Vec<Arc<dyn IssuingKey>>>,
    health: Arc<Vec<KeyHealth>>,
}

impl LastTest {
    fn counts(&self) -> bool {
        self.at.elapsed() < if self.health.iter().all(|key| key.fault.is_none()) { KEPT } else { FAULT_KEPT }
    }
}

/// How one key fared.
#[derive(Clone, Debug)]
pub struct KeyHealth {
    pub key: String,
    pub fault: Option<KeyFault>,
}

/// What is held of one authority whose lists a source is to bring.
#[derive(Clone, Debug)]
pub struct ListHealth {
    pub authority: Arc<Certificate>,
    /// `revocation-data-stale`, or `revocation-status-unknown` where nothing is held.
    pub fault: Option<&'static str>,
}

/// Why a key cannot sign.
#[derive(Clone, Debug)]
pub struct KeyFault {
    /// `signing-failed`, `key-not-available`, or what is wrong with the certificate, as in reports.
    pub code: &'static str,
    /// For the operator.
    pub words: String,
}

impl KeyFault {
    fn of_self_test(error: &SigningError) -> Self {
        let code = match error {
            SigningError::KeyNotAvailable { .. } | SigningError::KeyUnanswered { .. } => "key-not-available",
            _ => "signing-failed",
        };
        Self { code, words: error.to_string() }
    }

    fn of_certificate(error: &SignError) -> Self {
        let code = match error {
            SignError::SignerNotUsable { code } => code,
            _ => "signer-not-usable",
        };
        Self { code, words: error.to_string() }
    }
}

impl Readiness {
    pub fn new(sign: Arc<SignService>, configured: ConfiguredLists, maximum_age: MaximumAge) -> Self {
        Self { sign, configured, maximum_age, last: Mutex::new(None) }
    }

    /// The health of the configured lists. An authority has a fault if none of its lists counts at `now`, complete, partial or delta:
    /// one that it no longer publishes does not halt the service as long as another of its is fresh.
    pub fn lists(&self, now: Time) -> Vec<ListHealth> {
        let health = |ConfiguredAuthority { certificate, is_above, lists }| {
            let counts = |list: &CrlFreshness| {
                let until = self.maximum_age.counts_until(is_above, list.this_update, list.next_update);
                list.this_update <= now && until.is_some_and(|until| now <= until)
            };
            let fault = match lists.is_empty() {
                true => Some(PathFault::RevocationUnknown(0)),
                false if lists.iter().any(counts) => None,
                false => Some(PathFault::RevocationStale { position: 0, ended: None }),
            };
            let code = |fault| Verdict::Indeterminate(Cause::Path(fault)).code();
            ListHealth { authority: certificate, fault: fault.map(code) }
        };
        self.configured.now().into_iter().map(health).collect()
    }

    /// Fit to work: each key signs, and of one authority at least there is a list that counts.
    pub fn is_ready(keys: &[KeyHealth], lists: &[ListHealth]) -> bool {
        let any_list = lists.is_empty() || lists.iter().any(|list| list.fault.is_none());
        any_list && keys.iter().all(|key| key.fault.is_none())
    }

    /// The health of every key that the settings let sign now: it signs, and its certificate can be relied on.
    pub async fn check(&self) -> Vec<KeyHealth> {
        let keys = self.sign.keys();
        let mut health = self.self_test(&keys).await.to_vec();
        let now = clock::now();
        for key in keys.iter() {
            let Some(entry) = health.iter_mut().find(|entry| entry.key == key.name()) else { continue };
            if entry.fault.is_none() {
                entry.fault = self.sign.check_key(&**key, now).err().map(|error| KeyFault::of_certificate(&error));
            }
        }
        health.retain(|entry| keys.iter().all(|key| key.name() != entry.key || key.may_sign_at(now)));
        health
    }

    /// At most a minute old, of these very keys. Callers who come while the test runs wait for its one answer.
    async fn self_test(&self, keys: &Arc<Vec<Arc<dyn IssuingKey>>>) -> Arc<Vec<KeyHealth>> {
        let mut last = self.last.lock().await;
        if let Some(last) = last.as_ref().filter(|last| Arc::ptr_eq(&last.keys, keys) && last.counts()) {
            return Arc::clone(&last.health);
        }
        let now = clock::now();
        let signing: Vec<Arc<dyn IssuingKey>> = keys.iter().filter(|key| key.may_sign_at(now)).cloned().collect();
        let tested = tokio::task::spawn_blocking(move || signing.iter().map(|key| test(&**key)).collect()).await;
        let health = Arc::new(tested.unwrap_or_else(|_| {
            let words = "the self-test ended without a result".to_owned();
            let fault = KeyFault { code: "signing-failed", words };
            vec![KeyHealth { key: String::new(), fault: Some(fault) }]
        }));
        *last = Some(LastTest { at: Instant::now(), keys: Arc::clone(keys), health: Arc::clone(&health) });
        health
    }
}

fn test(key: &dyn IssuingKey) -> KeyHealth {
    let fault = sign_random(key).err().map(|error| KeyFault::of_self_test(&error));
    KeyHealth { key: key.name().to_owned(), fault }
}

/// The key's own check verifies the signature before it is returned.
fn sign_random(key: &dyn IssuingKey) -> Result<(), SigningError> {
    let mut digest = [0; 32];
    openssl::rand::rand_bytes(&mut digest)
        .map_err(|source| SigningError::Key { key: key.name().to_owned(), source })?;
    let digest = (DigestAlgorithm::Sha256, &digest[..]);
    key.sign_cades(&CadesRequest { digest, content: None, signing_time: clock::now(), document: None }).map(drop)
}
