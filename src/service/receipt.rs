//! Signed receipts: the answer about a document, enveloped in a CAdES signature by a key that signs nothing else.
//!
//! Whoever may verify may have one, so that a stranger's request reaches a key: how many in a minute and how many at one time is
//! bounded, and what is signed is always our own answer, under a kind of document that serves no purpose.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Semaphore, time::Instant};

use super::sign::{SignError, SignService};
use crate::{
    clock, config,
    core::{
        cms::document_reference::{DocumentReference, RECEIPT_KIND, ReferenceFieldFault},
        crypto,
    },
    signing::{CadesRequest, IssuingKey, SigningError},
};

const MINUTE: Duration = Duration::from_secs(60);

/// Signs receipts.
pub struct ReceiptService {
    /// The name of a key.
    key: String,
    sign: Arc<SignService>,
    /// Receipts being signed.
    turns: Arc<Semaphore>,
    strangers: Mutex<Allowance>,
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    #[error(
        "callers without a certificate have had as many receipts as the settings allow for a minute: ask again later"
    )]
    TooMany { wait: Duration },
    /// The certificate of the key cannot be relied on now.
    #[error(transparent)]
    NotUsable(SignError),
    #[error(transparent)]
    Reference(#[from] ReferenceFieldFault),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error("the work ended without a result; see the log")]
    Interrupted,
}

impl ReceiptService {
    /// `None`: the settings name no key, or one that is missing.
    pub fn new(settings: &config::Receipt, sign: Arc<SignService>) -> Option<Self> {
        let key = settings.key.clone()?;
        sign.keys().iter().find(|held| held.name() == key)?;
        Some(Self {
            key,
            sign,
            turns: Arc::new(Semaphore::new(settings.concurrency.clamp(1, Semaphore::MAX_PERMITS))),
            strangers: Mutex::new(Allowance::new(settings.per_minute)),
        })
    }

    /// Takes one from what strangers may have. To be asked before anything is judged; clients that are known have limits of their own.
    pub fn admit_stranger(&self) -> Result<(), ReceiptError> {
        let mut allowance = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        allowance.take(Instant::now()).map_err(|wait| ReceiptError::TooMany { wait })
    }

    /// As it is held now: keys are read again while the service runs.
    fn key(&self) -> Result<Arc<dyn IssuingKey>, ReceiptError> {
        let missing = || ReceiptError::NotUsable(SignError::SignerNotPermitted(self.key.clone()));
        self.sign.keys().iter().find(|key| key.name() == self.key).cloned().ok_or_else(missing)
    }

    /// A whole CAdES message (DER) with `content` in it, signed in its turn and verified by our own verifier. `id` is its number.
    pub async fn sign(&self, id: &str, content: Vec<u8>) -> Result<Vec<u8>, ReceiptError> {
        let now = clock::now();
        // Decree 23/2025 art. 15: the signer checks its own and its CA's certificate before it signs.
        let key = self.key()?;
        self.sign.check_signer(&*key, Some(RECEIPT_KIND), now).map_err(ReceiptError::NotUsable)?;
        let reference = DocumentReference::new(RECEIPT_KIND, id, None)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| ReceiptError::Interrupted)?;
        // Its turn lasts as long as the key works, also for a client that hung up.
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let algorithm = key.digest_algorithm();
            let digest = crypto::digest(algorithm, &content);
            key.sign_cades(&CadesRequest {
                digest: (algorithm, &digest),
                content: Some(&content),
                signing_time: now,
                document: Some(&reference),
            })
        });
        Ok(work.await.map_err(|_| ReceiptError::Interrupted)??)
    }
}

/// So many in a minute, however they are spread over it.
struct Allowance {
    /// How long one uses up.
    period: Duration,
    /// When everything that was taken has come back.
    whole_at: Option<Instant>,
}

impl Allowance {
    fn new(per_minute: u32) -> Self {
        Self { period: MINUTE / per_minute.max(1), whole_at: None }
    }

    /// Err: how long to wait for one.
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let whole_at = self.whole_at.map_or(now, |whole_at| whole_at.max(now)) + self.period;
        let used = whole_at - now;
        if used > MINUTE {
            return Err(used - MINUTE);
        }
        self.whole_at = Some(whole_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_allowance_in_any_minute() {
        let start = Instant::now();
        let mut allowance = Allowance::new(6);
        let taken = |allowance: &mut Allowance, at: u64| {
            let now = start + Duration::from_secs(at);
            std::iter::repeat_with(|| allowance.take(now)).take(100).take_while(Result::is_ok).count()
        };
        assert_eq!(taken(&mut allowance, 0), 6);
        assert_eq!(allowance.take(start), Err(Duration::from_secs(10)));
        assert_eq!(taken(&mut allowance, 9), 0);
        assert_eq!(taken(&mut allowance, 10), 1);
        assert_eq!(taken(&mut allowance, 35), 2);
        assert_eq!(taken(&mut allowance, 1000), 6, "what was not taken is not saved up");
    }
}
