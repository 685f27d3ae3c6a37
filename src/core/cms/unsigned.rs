//! Unsigned attributes put into a message that exists (RFC 5652 §5.3; EN 319 122-1 §5.3): nothing that was there changes.

use std::borrow::Cow;

use super::build::attribute;
use super::{CmsError, SignedData};
use crate::core::der::{DerError, DerFault, ber, tag, writer};
use crate::core::oid;

/// Why an attribute cannot be put into a message.
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

/// The message with a `TimeStampToken` as one more signature-time-stamp of the signer with this index (EN 319 122-1 §5.3), an
/// attribute of its own.
///
/// # Errors
/// As [`add_attribute`].
pub fn add_signature_time_stamp(message: &[u8], signer: usize, token: &[u8]) -> Result<Vec<u8>, AddingFault> {
    add_attribute(message, signer, &attribute(oid::SIGNATURE_TIME_STAMP, token))
}

/// The message with a whole `Attribute` behind the unsigned attributes of the signer with this index, counted from 0 as the message
/// has them. No octet of the message changes but the definite lengths of the elements that now hold more; a BER envelope stays one.
/// Nothing is verified.
///
/// # Errors
/// The message is not one `SignedData` in DER, or in BER as far as the verifier takes it, has no such signer, or would be none with
/// the attribute.
pub fn add_attribute(message: &[u8], signer: usize, attribute: &[u8]) -> Result<Vec<u8>, AddingFault> {
    let whole = ber::split(attribute)?;
    if whole.tag != tag::SEQUENCE {
        return Err(DerError { offset: 0, fault: DerFault::UnexpectedTag }.into());
    }
    if signer >= signers(message)? {
        return Err(AddingFault::NoSuchSigner);
    }
    let added = rewrite(message, |content_info| {
        change_last(content_info, |explicit| {
            let signed_data = |fields: &mut Vec<Cow<'_, [u8]>>| {
                change_last(fields, |infos| {
                    rewrite(infos, |infos| {
                        let info = infos.get_mut(signer).ok_or(AddingFault::NoSuchSigner)?;
                        *info = Cow::Owned(rewrite(info, |fields| append(fields, attribute))?);
                        Ok(())
                    })
                })
            };
            rewrite(explicit, |inside| change_last(inside, |data| rewrite(data, signed_data)))
        })
    })?;
    signers(&added)?;
    Ok(added)
}

/// How many signers the one message has that `octets` consists of.
fn signers(octets: &[u8]) -> Result<usize, AddingFault> {
    let fault = match SignedData::decode(octets) {
        Ok(message) => return Ok(message.signer_infos.len()),
        Err(fault) => fault,
    };
    let normalised = ber::normalise_content_info(octets).map_err(|_| AddingFault::Message(fault))?;
    let message = SignedData::decode(&normalised).map_err(AddingFault::Message)?;
    Ok(message.signer_infos.len())
}

/// A BER element with other members: its identifier and the kind of its length stay.
fn rewrite(
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

fn change_last(
    members: &mut [Cow<'_, [u8]>],
    change: impl FnOnce(&[u8]) -> Result<Vec<u8>, AddingFault>,
) -> Result<(), AddingFault> {
    let last = members.last_mut().ok_or(AddingFault::NoSuchSigner)?;
    *last = Cow::Owned(change(last)?);
    Ok(())
}

/// Puts the attribute behind those that are there, or makes `unsignedAttrs` of it.
fn append(signer_info: &mut Vec<Cow<'_, [u8]>>, attribute: &[u8]) -> Result<(), AddingFault> {
    let unsigned = tag::context(1);
    if signer_info.last().is_some_and(|last| last.first() == Some(&unsigned)) {
        return change_last(signer_info, |set| {
            rewrite(set, |attributes| {
                attributes.push(Cow::Owned(attribute.to_vec()));
                Ok(())
            })
        });
    }
    signer_info.push(Cow::Owned(writer::element(unsigned, attribute)));
    Ok(())
}
