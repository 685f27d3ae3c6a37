//! Is the service fit to work? Every key signs a random digest, which our own verifier checks; at most once a minute.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

use super::sign::SignService;
use crate::{
    clock,
    core::algorithm::DigestAlgorithm,
    signing::{CadesRequest, IssuingKey, SigningError},
};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(60);

/// The self-test and its last answer.
pub struct Readiness {
    sign: Arc<SignService>,
    last: Mutex<Option<(Instant, Arc<Vec<KeyHealth>>)>>,
}

/// How one key fared.
#[derive(Clone, Debug)]
pub struct KeyHealth {
    pub key: String,
    /// Why it cannot sign, in words for the operator.
    pub fault: Option<String>,
}

impl Readiness {
    pub fn new(sign: Arc<SignService>) -> Self {
        Self { sign, last: Mutex::new(None) }
    }

    /// The health of every key, at most a minute old. Callers who come while the test runs wait for its one answer.
    pub async fn check(&self) -> Arc<Vec<KeyHealth>> {
        let mut last = self.last.lock().await;
        if let Some((at, health)) = &*last
            && at.elapsed() < KEPT
        {
            return Arc::clone(health);
        }
        let keys: Vec<Arc<dyn IssuingKey>> = self.sign.keys().cloned().collect();
        let tested = tokio::task::spawn_blocking(move || keys.iter().map(|key| test(&**key)).collect()).await;
        let health = Arc::new(tested.unwrap_or_else(|_| {
            vec![KeyHealth { key: String::new(), fault: Some("the self-test ended without a result".to_owned()) }]
        }));
        *last = Some((Instant::now(), Arc::clone(&health)));
        health
    }
}

fn test(key: &dyn IssuingKey) -> KeyHealth {
    let fault = sign_random(key).err().map(|error| error.to_string());
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
