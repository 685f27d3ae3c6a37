//! Raising a signature that somebody has, ours or another's, while he waits.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{
    existing::JudgedContent,
    steps::{Steps, settle},
};
use crate::{
    config::TimeStamping,
    core::validation,
    registry::Level,
    signing::{
        level::{LevelError, is_stamped},
        timestamp::Imprint,
    },
};

/// Raises signatures on request, and has digests time-stamped.
pub struct ExtendService {
    steps: Arc<Steps>,
    /// Requests that may ask the authorities at one time, beside the queue of issued signatures.
    places: Semaphore,
}

/// A raised signature.
pub struct Extended {
    /// Of the lowest of its signatures: less than was asked for where the rest waits for newer revocation data.
    pub level: Level,
    /// The CMS as it was given, with what was added.
    pub signature: Vec<u8>,
}

/// Why nothing is given.
#[derive(Debug, thiserror::Error)]
pub enum ExtendError {
    #[error("as many signatures are being raised as the settings allow: ask again in a moment")]
    Busy,
    #[error(transparent)]
    Level(#[from] LevelError),
}

impl ExtendService {
    pub fn new(settings: &TimeStamping, steps: Arc<Steps>) -> Self {
        Self { steps, places: Semaphore::new(settings.concurrency) }
    }

    /// A `TimeStampToken` over this, by an authority that is trusted here.
    pub async fn stamp(&self, imprint: &Imprint<'_>) -> Result<Vec<u8>, ExtendError> {
        let _place = self.places.try_acquire().map_err(|_| ExtendError::Busy)?;
        Ok(self.steps.stamp(imprint).await?.token)
    }

    /// The message at `level`, which is above B-B, or as far as it can be had now; at B-LTA always with a new archive time-stamp. No
    /// authority is asked about a message that does not pass. Nothing goes on when it is dropped.
    pub async fn extend(
        &self,
        message: Vec<u8>,
        content: &JudgedContent,
        level: Level,
    ) -> Result<Extended, ExtendError> {
        let _place = self.places.try_acquire().map_err(|_| ExtendError::Busy)?;
        let mut raised = message;
        self.steps.passed(&mut raised, content).await?;
        if !is_stamped(&raised)? {
            self.steps.timestamp(&mut raised, content).await?;
            settle().await;
        }
        let mut reached = self.steps.stamped(&mut raised, content).await?;
        if level.reaches(Level::LongTerm) {
            match self.steps.long_term(&mut raised, content).await {
                Ok(()) => {
                    if level.reaches(Level::Archival) {
                        self.steps.archive(&mut raised, content).await?;
                    }
                    reached = self.steps.passed(&mut raised, content).await?;
                }
                // Comes with the next list of the authority.
                Err(LevelError::StatusTooOld) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let level = reached.map(recorded).ok_or(LevelError::NotReached)?;
        Ok(Extended { level, signature: raised })
    }
}

/// As records and answers name it.
const fn recorded(level: validation::level::Level) -> Level {
    match level {
        validation::level::Level::Basic => Level::Basic,
        validation::level::Level::Timestamped => Level::Timestamped,
        validation::level::Level::LongTerm => Level::LongTerm,
        validation::level::Level::Archival => Level::Archival,
    }
}
