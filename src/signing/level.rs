//! Levels above B-B (EN 319 122-1 §6.3): what is put into a signature that exists, and the check before it counts.

use super::self_check;
use super::timestamp::{Acceptance, TimeStampClient, TimeStampError};
use crate::core::cms::unsigned::{AddingFault, add_signature_time_stamp};
use crate::core::cms::{CmsError, SignedData};
use crate::core::validation::Content;

/// Why the level was not reached.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    #[error("the signature cannot be read")]
    Message(#[source] CmsError),
    #[error("the signature has {0} signers; one is needed")]
    Signers(usize),
    #[error(transparent)]
    TimeStamp(#[from] TimeStampError),
    #[error("the time-stamp cannot be put into the signature")]
    Adding(#[from] AddingFault),
    /// There is nothing to keep evidence of.
    #[error("the signature does not pass ({code}): it is not raised")]
    NotPassed { code: &'static str },
    #[error(
        "a signature has no time-stamp that passes ({code}): raise it to B-T first, by an authority that is trusted"
    )]
    TimeStampNotPassed { code: &'static str },
    #[error("the content of the detached signature is needed, or its SHA-256")]
    ContentMissing,
    #[error("the level was not reached by what could be embedded: nothing was released")]
    NotReached,
    /// It was made and is thrown away.
    #[error("the signature with its time-stamp does not verify ({code}): nothing was released")]
    SelfCheck { code: &'static str },
}

impl LevelError {
    /// For figures and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Message(_) | Self::Adding(_) => "unreadable",
            Self::Signers(_) => "signers",
            Self::TimeStamp(error) => error.code(),
            Self::SelfCheck { code } | Self::NotPassed { code } | Self::TimeStampNotPassed { code } => code,
            Self::ContentMissing => "content-missing",
            Self::NotReached => "not-reached",
        }
    }

    /// Another signature would fare no better now.
    pub const fn is_of_authorities(&self) -> bool {
        matches!(self, Self::TimeStamp(_))
    }
}

/// The DER message at B-T: with a time-stamp over the value of its one signature, which `accept` took, judged by our own verifier
/// as a whole. `content` is that of a detached message. No other octet changes than [`add_signature_time_stamp`] says.
pub async fn raise_to_timestamped(
    message: &[u8],
    content: Content<'_>,
    client: &TimeStampClient,
    accept: Acceptance<'_>,
) -> Result<Vec<u8>, LevelError> {
    let value = signature_value(message)?;
    let answer = client.stamp(&value, accept).await?;
    let raised = add_signature_time_stamp(message, 0, &answer.token)?;
    self_check::check_timestamped(&raised, content, &answer).map_err(|code| LevelError::SelfCheck { code })?;
    Ok(raised)
}

fn signature_value(message: &[u8]) -> Result<Vec<u8>, LevelError> {
    let message = SignedData::decode(message).map_err(LevelError::Message)?;
    match message.signer_infos.as_slice() {
        [signer] => Ok(signer.signature.to_vec()),
        signers => Err(LevelError::Signers(signers.len())),
    }
}
