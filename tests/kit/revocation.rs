//! CRLs and OCSP responses written piece by piece, so that every piece can be wrong.

use std::sync::Arc;

use antin::core::algorithm::DigestAlgorithm;
use antin::core::crypto::digest;
use antin::core::der::{Reader, tag, writer};
use antin::core::oid;
use antin::core::time::Time;
use antin::core::x509::ocsp::OcspResponse;
use antin::core::x509::{Certificate, CertificateList};
use antin::pki::certificate::Issuer;
use der::Encode;
use der::asn1::OctetString;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use x509_cert::ext::Extension;

use super::message::dotted;
use super::tree::{NOW, decoded};

/// A CRL: made half an hour before [`NOW`], good for an hour, number 1, empty.
#[derive(Clone)]
pub struct List {
    pub number: Option<u8>,
    pub this_update: Time,
    pub next_update: Option<Time>,
    /// BaseCRLNumber: the list is a delta.
    pub base: Option<u8>,
    /// The fields of the IssuingDistributionPoint, encoded.
    pub point: Option<Vec<u8>>,
    pub entries: Vec<Vec<u8>>,
    /// Further extensions of the list, whole.
    pub extensions: Vec<Vec<u8>>,
}

impl Default for List {
    fn default() -> Self {
        Self {
            number: Some(1),
            this_update: NOW.plus_seconds(-1800),
            next_update: Some(NOW.plus_seconds(1800)),
            base: None,
            point: None,
            entries: Vec::new(),
            extensions: Vec::new(),
        }
    }
}

impl List {
    /// As DER, signed.
    pub fn der(&self, issuer: &Issuer) -> Vec<u8> {
        signed(&self.to_be_signed(issuer, &issuer.key().signature_algorithm().to_der().expect("DER")), issuer, &[])
    }

    /// The same, by ECDSA with SHA-1 (RFC 3279 §2.2.3).
    pub fn sign_by_sha1(&self, issuer: &Issuer) -> Arc<CertificateList> {
        let algorithm = writer::sequence(&[&writer::object_identifier(&dotted("1.2.840.10045.4.1"))]);
        let to_be_signed = self.to_be_signed(issuer, &algorithm);
        let key = PKey::private_key_from_pem(&issuer.key().to_pkcs8_pem().expect("PEM")).expect("a key");
        let value =
            Signer::new(MessageDigest::sha1(), &key).and_then(|mut signer| signer.sign_oneshot_to_vec(&to_be_signed));
        let value = [&[0][..], &value.expect("a signature")].concat();
        let list = writer::sequence(&[&to_be_signed, &algorithm, &writer::element(tag::BIT_STRING, &value)]);
        Arc::new(CertificateList::decode(&list).expect("a CRL"))
    }

    fn to_be_signed(&self, issuer: &Issuer, algorithm: &[u8]) -> Vec<u8> {
        let number = |octet: u8| writer::unsigned(&[octet]);
        let mut extensions = self.extensions.clone();
        extensions.extend(self.number.map(|octet| extension(oid::CRL_NUMBER, false, &number(octet))));
        extensions.extend(self.base.map(|octet| extension(oid::DELTA_CRL_INDICATOR, true, &number(octet))));
        let point = self.point.iter();
        extensions
            .extend(point.map(|fields| extension(oid::ISSUING_DISTRIBUTION_POINT, true, &writer::sequence(&[fields]))));
        let next_update = self.next_update.map(writer::time).unwrap_or_default();
        let entries = (!self.entries.is_empty()).then(|| writer::sequence(&[&self.entries.concat()]));
        writer::sequence(&[
            &[tag::INTEGER, 1, 1],
            algorithm,
            &issuer.name().to_der().expect("DER"),
            &writer::time(self.this_update),
            &next_update,
            &entries.unwrap_or_default(),
            &listed_extensions(0, &extensions),
        ])
    }

    pub fn sign(&self, issuer: &Issuer) -> Arc<CertificateList> {
        Arc::new(CertificateList::decode(&self.der(issuer)).expect("a CRL"))
    }
}

/// An entry with this number of a reason, and the issuer of this and the following entries, if one is named.
pub fn entry(serial_number: &[u8], reason: u8, certificate_issuer: Option<&Issuer>) -> Vec<u8> {
    let mut extensions = extension(oid::REASON_CODE, false, &[tag::ENUMERATED, 1, reason]);
    if let Some(issuer) = certificate_issuer {
        let names = writer::sequence(&[&directory_name(issuer)]);
        extensions.extend(extension(oid::CERTIFICATE_ISSUER, true, &names));
    }
    writer::sequence(&[
        &writer::element(tag::INTEGER, serial_number),
        &writer::time(NOW.plus_seconds(-2000)),
        &writer::sequence(&[&extensions]),
    ])
}

/// An entry revoked at a time for this reason, and since when it is said to be invalid.
pub fn dated_entry(serial_number: &[u8], date: Time, reason: u8, invalid: Option<Time>) -> Vec<u8> {
    let mut extensions = extension(oid::REASON_CODE, false, &[tag::ENUMERATED, 1, reason]);
    if let Some(invalid) = invalid {
        let text = serde_json::to_value(invalid).expect("a time").as_str().expect("text").replace(['-', ':', 'T'], "");
        let date = writer::element(tag::GENERALIZED_TIME, text.as_bytes());
        extensions.extend(extension(oid::INVALIDITY_DATE, false, &date));
    }
    let serial_number = writer::element(tag::INTEGER, serial_number);
    writer::sequence(&[&serial_number, &writer::time(date), &writer::sequence(&[&extensions])])
}

/// A `GeneralName`: the authority's.
pub fn directory_name(issuer: &Issuer) -> Vec<u8> {
    writer::element(tag::context(4), &issuer.name().to_der().expect("DER"))
}

/// `[0] { fullName { uniformResourceIdentifier } }`: the name of a distribution point.
pub fn point_name(uri: &str) -> Vec<u8> {
    let names = writer::element(0xA0, &writer::element(0x86, uri.as_bytes()));
    writer::element(0xA0, &names)
}

/// A distribution point that names who issues its CRL.
pub fn issued_by(issuer: &Issuer) -> Vec<u8> {
    writer::sequence(&[&writer::element(tag::context(2), &directory_name(issuer))])
}

/// `cRLDistributionPoints` of a certificate with these points.
pub fn distribution_points(points: &[Vec<u8>]) -> Extension {
    let extn_value = OctetString::new(writer::sequence(&[&points.concat()])).expect("octets");
    Extension { extn_id: const_oid::db::rfc5280::ID_CE_CRL_DISTRIBUTION_POINTS, critical: false, extn_value }
}

/// An `Extension`, whole.
pub fn extension(identifier: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { &[tag::BOOLEAN, 1, 0xFF][..] } else { &[] };
    writer::sequence(&[&writer::object_identifier(identifier), critical, &writer::octet_string(value)])
}

/// An extension that nobody knows, critical.
pub fn unknown_extension() -> Vec<u8> {
    extension(&dotted("1.3.6.1.4.1.32473.99"), true, &[5, 0])
}

/// An OCSP response about one certificate: good, made half an hour before [`NOW`], for an hour.
#[derive(Clone)]
pub struct Response {
    pub digest: DigestAlgorithm,
    pub produced_at: Time,
    pub this_update: Time,
    pub next_update: Option<Time>,
    /// `CertStatus`, encoded.
    pub status: Vec<u8>,
    /// Extensions of the response, whole.
    pub extensions: Vec<Vec<u8>>,
    /// Extensions of the status, whole.
    pub single_extensions: Vec<Vec<u8>>,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            digest: DigestAlgorithm::Sha1,
            produced_at: NOW.plus_seconds(-1800),
            this_update: NOW.plus_seconds(-1800),
            next_update: Some(NOW.plus_seconds(1800)),
            status: vec![0x80, 0],
            extensions: Vec::new(),
            single_extensions: Vec::new(),
        }
    }
}

impl Response {
    /// Revoked for compromise of the key.
    pub fn revoked() -> Self {
        Self::revoked_for(NOW.plus_seconds(-2000), 1)
    }

    /// Revoked since then, with this number of a reason.
    pub fn revoked_for(since: Time, reason: u8) -> Self {
        let date = generalized(since);
        let reason = writer::element(tag::context(0), &[tag::ENUMERATED, 1, reason]);
        Self { status: writer::concatenated(0xA1, &[&date, &reason]), ..Self::default() }
    }

    /// About `certificate` of `issuer`, signed by `responder`, whose certificate comes along.
    pub fn sign(&self, certificate: &Certificate, issuer: &Certificate, responder: &Issuer) -> Arc<OcspResponse> {
        let single = self.single(certificate, issuer);
        self.sign_all(&[single], responder)
    }

    /// The `SingleResponse`.
    pub fn single(&self, certificate: &Certificate, issuer: &Certificate) -> Vec<u8> {
        let key = decoded_key(issuer);
        let certificate_id = writer::sequence(&[
            &writer::sequence(&[&writer::object_identifier(self.digest.oid()), &[tag::NULL, 0]]),
            &writer::octet_string(&digest(self.digest, certificate.issuer.der())),
            &writer::octet_string(&digest(self.digest, &key)),
            &writer::element(tag::INTEGER, &certificate.serial_number),
        ]);
        let next_update = self.next_update.map(|time| writer::element(tag::context(0), &generalized(time)));
        writer::sequence(&[
            &certificate_id,
            &self.status,
            &generalized(self.this_update),
            &next_update.unwrap_or_default(),
            &listed_extensions(1, &self.single_extensions),
        ])
    }

    /// A response with these statuses.
    pub fn sign_all(&self, singles: &[Vec<u8>], responder: &Issuer) -> Arc<OcspResponse> {
        Arc::new(OcspResponse::decode(&self.der(singles, responder)).expect("a response"))
    }

    /// The same, as DER.
    pub fn der(&self, singles: &[Vec<u8>], responder: &Issuer) -> Vec<u8> {
        let data = writer::sequence(&[
            &writer::element(0xA1, &responder.name().to_der().expect("DER")),
            &generalized(self.produced_at),
            &writer::sequence(&[&singles.concat()]),
            &listed_extensions(1, &self.extensions),
        ]);
        let along = writer::sequence(&[decoded(responder.certificate()).der()]);
        let basic = signed(&data, responder, &writer::element(tag::context(0), &along));
        let bytes = writer::sequence(&[&writer::object_identifier(oid::OCSP_BASIC), &writer::octet_string(&basic)]);
        writer::sequence(&[&[tag::ENUMERATED, 1, 0], &writer::element(tag::context(0), &bytes)])
    }
}

/// `[number] Extensions`, or nothing.
fn listed_extensions(number: u8, whole: &[Vec<u8>]) -> Vec<u8> {
    if whole.is_empty() {
        return Vec::new();
    }
    writer::element(tag::context(number), &writer::sequence(&[&whole.concat()]))
}

/// A `GeneralizedTime`.
pub fn generalized(time: Time) -> Vec<u8> {
    let text: String = time.to_string().chars().filter(char::is_ascii_digit).collect();
    writer::element(tag::GENERALIZED_TIME, format!("{text}Z").as_bytes())
}

/// The content of the subject's public key.
fn decoded_key(certificate: &Certificate) -> Vec<u8> {
    let mut fields = Reader::single(certificate.subject_public_key_info(), tag::SEQUENCE).expect("a key").reader();
    fields.read().expect("an algorithm");
    fields.read().expect("a key").bit_string_octets().expect("octets").to_vec()
}

fn signed(to_be_signed: &[u8], signer: &Issuer, trailer: &[u8]) -> Vec<u8> {
    let algorithm = signer.key().signature_algorithm().to_der().expect("DER");
    let signature = [&[0][..], &signer.key().sign(to_be_signed).expect("a signature")].concat();
    writer::sequence(&[to_be_signed, &algorithm, &writer::element(tag::BIT_STRING, &signature), trailer])
}
