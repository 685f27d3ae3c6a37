//! Unsigned attributes put into a message that exists (RFC 5652 §5.3; EN 319 122-1 §5.3): nothing that was there changes.

use std::borrow::Cow;

use super::build::attribute;
pub use super::rewrite::AddingFault;
use super::rewrite::{change_last, change_signed_data, check, rewrite};
use crate::core::der::{DerError, DerFault, ber, tag, writer};
use crate::core::oid;

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
    if signer >= check(message)? {
        return Err(AddingFault::NoSuchSigner);
    }
    let added = change_signed_data(message, |fields| {
        change_last(fields, |infos| {
            rewrite(infos, |infos| {
                let info = infos.get_mut(signer).ok_or(AddingFault::NoSuchSigner)?;
                *info = Cow::Owned(rewrite(info, |fields| append(fields, attribute))?);
                Ok(())
            })
        })
    })?;
    check(&added)?;
    Ok(added)
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
