//! Levels above B-B (EN 319 122-1 §6.3): what is put into a signature that exists, and the check before it counts.

use std::borrow::Cow;

use super::pades::{self, PadesError, is_pdf};
use super::self_check;
use super::timestamp::{Acceptance, TimeStampClient, TimeStampError};
use crate::core::cms::unsigned::{AddingFault, add_signature_time_stamp};
use crate::core::cms::{CmsError, SignedData};
use crate::core::der::ber;
use crate::core::oid;
use crate::core::validation::Content;

/// Why the level was not reached.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    #[error("the signature cannot be read")]
    Message(#[source] CmsError),
    #[error(transparent)]
    TimeStamp(#[from] TimeStampError),
    #[error("the time-stamp cannot be put into the signature")]
    Adding(#[from] AddingFault),
    /// It is a PDF.
    #[error(transparent)]
    Pdf(#[from] PadesError),
    /// There is nothing to keep evidence of.
    #[error("the signature does not pass ({code}): it is not raised")]
    NotPassed {
        code: &'static str,
        /// What is missing may come, as revocation data that are fresh.
        later: bool,
    },
    #[error(
        "a signature has no time-stamp that passes ({code}): raise it to B-T first, by an authority that is trusted"
    )]
    TimeStampNotPassed {
        code: &'static str,
        /// As above.
        later: bool,
    },
    /// What could be kept with the signature now would not outlive the certificates.
    #[error("no revocation data about the signer are at hand that were made after the time-stamp")]
    StatusTooOld,
    #[error("the content of the detached signature is needed, or its SHA-256")]
    ContentMissing,
    #[error("the level was not reached by what could be embedded: nothing was released")]
    NotReached,
    /// The authority that was asked has a certificate that ends no later.
    #[error("a new archive time-stamp would prove nothing for longer than the newest does")]
    NothingGained,
    #[error("the work ended without a result; see the log")]
    Interrupted,
    /// It was made and is thrown away.
    #[error("the signature with its time-stamp does not verify ({code}): nothing was released")]
    SelfCheck { code: &'static str },
}

impl LevelError {
    /// For figures and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Message(_) | Self::Adding(_) => "unreadable",
            Self::TimeStamp(error) => error.code(),
            Self::Pdf(error) => error.code(),
            Self::SelfCheck { code } | Self::NotPassed { code, .. } | Self::TimeStampNotPassed { code, .. } => code,
            Self::StatusTooOld => "revocation-data-before-timestamp",
            Self::ContentMissing => "content-missing",
            Self::NothingGained => "renewal-gains-nothing",
            Self::Interrupted => "interrupted",
            Self::NotReached => "not-reached",
        }
    }

    /// Evidence is missing that may come by itself: the same may be reached later.
    pub const fn waits_for_evidence(&self) -> bool {
        matches!(
            self,
            Self::StatusTooOld | Self::NotPassed { later: true, .. } | Self::TimeStampNotPassed { later: true, .. }
        )
    }

    /// Another signature would fare no better now.
    pub const fn is_of_authorities(&self) -> bool {
        matches!(self, Self::TimeStamp(_))
    }
}

/// What brings back a message that was not raised after all. A PDF is only added to, and so a large one is not held twice.
pub enum Before {
    /// The octets of a PDF.
    Length(usize),
    Whole(Vec<u8>),
}

impl Before {
    pub fn of(message: &[u8]) -> Self {
        if is_pdf(message) { Self::Length(message.len()) } else { Self::Whole(message.to_vec()) }
    }

    pub fn restore(self, message: &mut Vec<u8>) {
        match self {
            Self::Length(length) => message.truncate(length),
            Self::Whole(whole) => *message = whole,
        }
    }
}

/// Raises the message to B-T: with a time-stamp over the value of each of its signatures that has none, which `accept` took, each judged
/// by our own verifier in the whole message. `content` is that of a detached message. No other octet changes than
/// [`add_signature_time_stamp`] says. A PDF gets a document time-stamp, if one of its signatures has none. After an error the message is
/// as it was.
pub async fn raise_to_timestamped(
    message: &mut Vec<u8>,
    content: Content<'_>,
    client: &TimeStampClient,
    accept: Acceptance<'_>,
) -> Result<(), LevelError> {
    if is_pdf(message) {
        return if is_stamped(message)? { Ok(()) } else { pades::level::stamp(message, client, accept).await };
    }
    let mut raised = Cow::Borrowed(&message[..]);
    for (signer, value) in unstamped(&raised)? {
        let answer = client.stamp(&value, accept).await?;
        raised = add_signature_time_stamp(&raised, signer, &answer.token)?.into();
        let checked = self_check::check_timestamped(&raised, content, signer, &answer);
        checked.map_err(|code| LevelError::SelfCheck { code })?;
    }
    *message = raised.into_owned();
    Ok(())
}

/// Each signature has a time-stamp, whatever it is worth.
pub fn is_stamped(message: &[u8]) -> Result<bool, LevelError> {
    if is_pdf(message) {
        return pades::level::is_stamped(message);
    }
    unstamped(message).map(|unstamped| unstamped.is_empty())
}

/// The signatures without a time-stamp: each with its place and its value.
fn unstamped(message: &[u8]) -> Result<Vec<(usize, Vec<u8>)>, LevelError> {
    with_decoded(message, |decoded| {
        let signers = decoded.signer_infos.iter().enumerate();
        let unstamped = signers.filter(|(_, signer)| signer.unsigned_values(oid::SIGNATURE_TIME_STAMP).is_empty());
        unstamped.map(|(index, signer)| (index, signer.signature.to_vec())).collect()
    })
}

/// Asks a message in DER or BER.
pub(super) fn with_decoded<T>(message: &[u8], ask: impl FnOnce(&SignedData<'_>) -> T) -> Result<T, LevelError> {
    if let Ok(decoded) = SignedData::decode(message) {
        return Ok(ask(&decoded));
    }
    let normalised = ber::normalise_content_info(message);
    let normalised = normalised.map_err(|error| LevelError::Message(error.into()))?;
    SignedData::decode(&normalised).map(|decoded| ask(&decoded)).map_err(LevelError::Message)
}
