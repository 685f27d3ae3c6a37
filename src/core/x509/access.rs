//! Where a certificate says that its issuer's certificate, its status and its CRLs are to be had (RFC 5280 §4.2.2.1, §4.2.1.13,
//! §4.2.1.15), and a list that its deltas are (§5.2.6). Read when something is missing, and no more than a hint: one that is
//! malformed names no place.

use std::sync::Arc;

use super::distribution_point;
use super::extension::{self, Extension};
use super::{Certificate, CertificateList, Name};
use crate::core::der::{DerError, Reader, Tlv, tag};
use crate::core::oid;

/// Places of one kind that are taken from one certificate.
const PLACES: usize = 4;
/// Octets of the longest URI taken.
const URI_LIMIT: usize = 2048;
/// `uniformResourceIdentifier` of a `GeneralName`.
const URI: u8 = tag::context_primitive(6);

/// The URIs in a certificate, each kind at most four.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// `id-ad-caIssuers`: certificates of the issuer, in DER or as a PKCS #7 bundle.
    pub ca_issuers: Vec<String>,
    /// `id-ad-ocsp`: responders.
    pub ocsp: Vec<String>,
    /// CRL distribution points; first those for all reasons whose list the issuer itself signs.
    pub crls: Vec<String>,
    /// `freshestCRL`: delta CRLs.
    pub freshest_crls: Vec<String>,
}

impl Access {
    pub fn of(certificate: &Certificate) -> Self {
        let mut access = Self::default();
        let mut points: Vec<_> = certificate.extensions.crl_distribution_points.iter().flatten().collect();
        let is_others = |names: &Vec<Name>| !names.contains(&certificate.issuer);
        points.sort_by_key(|point| (point.crl_issuer.as_ref().is_some_and(is_others), point.reasons.is_some()));
        for point in points {
            point.uris().for_each(|uri| keep(&mut access.crls, uri.as_bytes()));
        }
        let Ok(Some(extensions)) = extensions(certificate) else { return access };
        for Extension { oid, value, .. } in extensions {
            // What was read before a fault is a hint as good as any.
            let _ = match oid {
                oid::AUTHORITY_INFO_ACCESS => access.descriptions(value),
                oid::FRESHEST_CRL => access.freshest(value),
                _ => Ok(()),
            };
        }
        access
    }

    /// What complete lists say of their deltas (§5.2.6), the newest list first: four places of all together.
    pub fn of_lists(lists: &[Arc<CertificateList>]) -> Self {
        let mut access = Self::default();
        let mut complete: Vec<_> = lists.iter().filter(|list| !list.extensions.is_delta()).collect();
        complete.sort_by_key(|list| std::cmp::Reverse(list.this_update));
        let points = complete.into_iter().flat_map(|list| &list.extensions.freshest_crl);
        points.flat_map(|point| point.uris()).for_each(|uri| keep(&mut access.freshest_crls, uri.as_bytes()));
        access
    }

    /// `AuthorityInfoAccessSyntax`.
    fn descriptions(&mut self, value: &[u8]) -> Result<(), DerError> {
        let mut descriptions = Reader::single(value, tag::SEQUENCE)?.reader();
        while !descriptions.is_empty() {
            let mut fields = descriptions.expect(tag::SEQUENCE)?.reader();
            let method = fields.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?;
            let location = fields.read()?;
            match method {
                _ if location.tag != URI => {}
                oid::ACCESS_CA_ISSUERS => keep(&mut self.ca_issuers, location.value),
                oid::ACCESS_OCSP => keep(&mut self.ocsp, location.value),
                _ => {}
            }
        }
        Ok(())
    }

    fn freshest(&mut self, value: &[u8]) -> Result<(), DerError> {
        let points = distribution_point::distribution_points(value)?;
        points.iter().flat_map(|point| point.uris()).for_each(|uri| keep(&mut self.freshest_crls, uri.as_bytes()));
        Ok(())
    }
}

fn keep(places: &mut Vec<String>, uri: &[u8]) {
    let uri = str::from_utf8(uri).ok().filter(|uri| uri.is_ascii() && uri.len() <= URI_LIMIT);
    if let Some(uri) = uri.filter(|uri| places.len() < PLACES && !places.iter().any(|known| known == uri)) {
        places.push(uri.to_owned());
    }
}

/// The extensions of a certificate that was decoded before.
fn extensions(certificate: &Certificate) -> Result<Option<Vec<Extension<'_>>>, DerError> {
    let mut fields = Reader::single(certificate.to_be_signed(), tag::SEQUENCE)?.reader();
    let mut last: Option<Tlv<'_>> = None;
    while !fields.is_empty() {
        last = Some(fields.read()?);
    }
    let field = last.filter(|field| field.tag == tag::context(3));
    field.map(|field| extension::decode_all(field.inner(tag::SEQUENCE)?)).transpose()
}
