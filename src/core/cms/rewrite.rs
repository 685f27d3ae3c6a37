//! Messages taken apart and put together again with something added: nothing that was there changes but the definite lengths of the
//! elements that hold more, and a BER envelope stays one.

use std::borrow::Cow;

use super::{CmsError, SignedData};
use crate::core::der::{DerError, ber, writer};

/// Why something cannot be put into a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddingFault {
    /// The message, or what would become of it, is no `SignedData`.
    Message(CmsError),
    /// It has fewer signers.
    NoSuchSigner,
}

impl From<DerError> for AddingFault {
    fn from(error: DerError) -> Self {
        Self::Message(error.into())
    }
}

impl std::fmt::Display for AddingFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Message(error) => error.fmt(formatter),
            Self::NoSuchSigner => formatter.write_str("the message has fewer signers"),
        }
    }
}

impl std::error::Error for AddingFault {}

/// `octets` are one message; gives how many signers it has.
pub fn check(octets: &[u8]) -> Result<usize, AddingFault> {
    let fault = match SignedData::decode(octets) {
        Ok(message) => return Ok(message.signer_infos.len()),
        Err(fault) => fault,
    };
    let normalised = ber::normalise_content_info(octets).map_err(|_| AddingFault::Message(fault))?;
    let message = SignedData::decode(&normalised).map_err(AddingFault::Message)?;
    Ok(message.signer_infos.len())
}

/// A BER element with other members: its identifier and the kind of its length stay.
pub fn rewrite(
    element: &[u8],
    change: impl FnOnce(&mut Vec<Cow<'_, [u8]>>) -> Result<(), AddingFault>,
) -> Result<Vec<u8>, AddingFault> {
    let parts = ber::split(element)?;
    let members = ber::elements(parts.content).map_err(|fault| DerError { offset: 0, fault })?;
    let mut members: Vec<Cow<'_, [u8]>> = members.into_iter().map(Cow::Borrowed).collect();
    change(&mut members)?;
    let content = members.concat();
    Ok(match parts.indefinite {
        true => [&[parts.tag, 0x80], content.as_slice(), &[0, 0]].concat(),
        false => writer::element(parts.tag, &content),
    })
}

pub fn change_last(
    members: &mut [Cow<'_, [u8]>],
    change: impl FnOnce(&[u8]) -> Result<Vec<u8>, AddingFault>,
) -> Result<(), AddingFault> {
    let last = members.last_mut().ok_or(AddingFault::NoSuchSigner)?;
    *last = Cow::Owned(change(last)?);
    Ok(())
}

/// Changes the fields of the `SignedData` in a `ContentInfo`.
pub fn change_signed_data(
    message: &[u8],
    change: impl FnOnce(&mut Vec<Cow<'_, [u8]>>) -> Result<(), AddingFault>,
) -> Result<Vec<u8>, AddingFault> {
    rewrite(message, |content_info| {
        change_last(content_info, |explicit| {
            rewrite(explicit, |inside| change_last(inside, |data| rewrite(data, change)))
        })
    })
}
