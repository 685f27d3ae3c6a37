//! Certificates and revocation data put into a message that exists (EN 319 122-1 §5.4; RFC 5652 §5.1, RFC 5940): level B-LT.

use std::borrow::Cow;

use super::rewrite::{AddingFault, change_signed_data, check, rewrite};
use crate::core::der::{DerError, DerFault, tag, writer};
use crate::core::oid;

/// Encodings to be embedded.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub certificates: Vec<Vec<u8>>,
    pub crls: Vec<Vec<u8>>,
    /// Each an `OCSPResponse`.
    pub ocsp_responses: Vec<Vec<u8>>,
}

/// The message with what of `evidence` it does not hold yet, in its `certificates` and `crls`, in DER order where what is there is.
/// Nothing else changes but the version where RFC 5652 §5.1 asks for it, and lengths. Nothing is verified. A message with an
/// `archive-time-stamp-v2`, which is over both fields, must not be given to it.
///
/// # Errors
/// The message is not one `SignedData`, or would be none.
pub fn add_evidence(message: &[u8], evidence: &Evidence) -> Result<Vec<u8>, AddingFault> {
    check(message)?;
    let response = |response: &Vec<u8>| {
        writer::concatenated(tag::context(1), &[&writer::object_identifier(oid::OCSP_RESPONSE_FORMAT), response])
    };
    let responses: Vec<Vec<u8>> = evidence.ocsp_responses.iter().map(response).collect();
    let revocation = [evidence.crls.as_slice(), &responses].concat();
    let added = change_signed_data(message, |fields| {
        // version, digestAlgorithms, encapContentInfo, [0], [1], signerInfos.
        put(fields, tag::context(0), 3, &evidence.certificates)?;
        let has_certificates = fields.get(3).is_some_and(|field| field.first() == Some(&tag::context(0)));
        put(fields, tag::context(1), 3 + usize::from(has_certificates), &revocation)?;
        if !responses.is_empty() {
            fields[0] = Cow::Owned(writer::unsigned(&[5]));
        }
        Ok(())
    })?;
    check(&added)?;
    Ok(added)
}

/// Puts the members that are not there yet into the set with this tag, the field with this index.
fn put(fields: &mut Vec<Cow<'_, [u8]>>, tag: u8, index: usize, new: &[Vec<u8>]) -> Result<(), AddingFault> {
    if fields.len() < 4 {
        return Err(DerError { offset: 0, fault: DerFault::Value }.into());
    }
    if fields[index].first() == Some(&tag) {
        fields[index] = Cow::Owned(rewrite(&fields[index], |members| {
            add_members(members, new);
            Ok(())
        })?);
    } else if !new.is_empty() {
        let mut members = Vec::new();
        add_members(&mut members, new);
        fields.insert(index, Cow::Owned(writer::element(tag, &members.concat())));
    }
    Ok(())
}

fn add_members(members: &mut Vec<Cow<'_, [u8]>>, new: &[Vec<u8>]) {
    let sorted = members.is_sorted();
    for member in new {
        if !members.iter().any(|known| **known == **member) {
            members.push(Cow::Owned(member.clone()));
        }
    }
    if sorted {
        members.sort();
    }
}
