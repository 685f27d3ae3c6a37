//! Signatures that are to reach a higher level after their release: the durable queue, and what is recorded when they do.

use super::{DocumentId, LONGEST_SIGNATURE, Level, RegistryError};
use crate::core::time::Time;

/// The newest signature of an issued document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// 1 as it was released, one more each time its level was raised.
    pub version: u32,
    pub level: Level,
    /// The CMS without its content, DER.
    pub signature: Vec<u8>,
}

/// An issued document whose signature is to be raised now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub document_id: DocumentId,
    /// The release of the signature.
    pub since: Time,
    /// How often it was put off for reasons of its own.
    pub attempts: u32,
}

/// What was made of the newest signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The version that it was made of.
    pub from_version: u32,
    pub level: Level,
    /// The CMS without its content, DER, 1 byte to 4 MiB.
    pub signature: Vec<u8>,
    /// Of a signature at B-LTA: until when its newest archive time-stamp proves anything.
    pub proves_until: Option<Time>,
}

/// When a signature that could not be raised is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    At(Time),
    /// It could not help it: the attempt is not counted.
    Uncounted(Time),
    /// Not before the next start: something is wrong with it.
    Never,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub waiting: u32,
    /// The release of the signature that waits for longest.
    pub oldest: Option<Time>,
    pub given_up: u32,
}

impl Raised {
    /// The signature within its size.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`].
    pub fn check(&self) -> Result<(), RegistryError> {
        if self.signature.is_empty() || self.signature.len() > LONGEST_SIGNATURE {
            return Err(RegistryError::Invalid { field: "signature", rule: "1 byte to 4 MiB" });
        }
        Ok(())
    }
}
