//! Certificates as data: a [`Profile`] says what to write, [`issue`] writes and signs it.
//!
//! General on purpose: tests make expired, misused or otherwise wrong certificates with the same two words.
//!
//! ```no_run
//! # use antin::{clock, pki::{PkiError, certificate::{Issuer, Profile, issue}, key::{Algorithm, PrivateKey},
//! #     layout::Authority, profile::{Publication, signer, subject}}};
//! # fn main() -> Result<(), PkiError> {
//! let directory = std::path::Path::new("pki");
//! let now = clock::now();
//! let issuer = Issuer::load(directory, Authority::Ca)?;
//! let key = PrivateKey::generate(Algorithm::P256)?;
//! let usual = signer(subject("Sở thử nghiệm", "Đã hết hạn")?, now, &Publication::new("http://127.0.0.1:8080")?);
//! let expired = Profile { not_after: now.plus_seconds(-1), not_before: now.plus_seconds(-3600), ..usual };
//! let certificate = issue(&issuer, &expired, &key.public_key()?)?;
//! # Ok(())
//! # }
//! ```

use std::{path::Path, time::Duration};

use const_oid::{AssociatedOid, ObjectIdentifier, db::rfc5280};
use der::{
    Decode, Encode, Reader, SliceReader,
    asn1::{BitString, GeneralizedTime, Ia5String, OctetString, UtcTime},
};
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::{
    Certificate, TbsCertificate, Version,
    ext::{
        Extension,
        pkix::{
            AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
            CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, SubjectAltName, SubjectKeyIdentifier,
            certpolicy::PolicyInformation,
            crl::dp::DistributionPoint,
            name::{DistributionPointName, GeneralName},
        },
    },
    name::Name,
    serial_number::SerialNumber,
    time::Validity,
};

use super::{
    error::PkiError,
    key::{PrivateKey, key_identifier},
    layout::Authority,
};
use crate::core::time::Time;

/// What a certificate says, apart from its key and its issuer. An empty list or `None` writes no such extension;
/// subject and authority key identifiers are always written (RFC 5280 §4.2.1.1, §4.2.1.2).
#[derive(Clone, Debug)]
pub struct Profile {
    /// The subject's distinguished name.
    pub subject: Name,
    /// First moment of validity.
    pub not_before: Time,
    /// Last moment of validity, itself included; may lie before `not_before`, nothing here checks.
    pub not_after: Time,
    /// Big-endian positive integer of at most 20 octets; `None` draws 16 random octets.
    pub serial_number: Option<Vec<u8>>,
    /// Written critical (RFC 5280 §4.2.1.9).
    pub basic_constraints: Option<BasicConstraints>,
    /// Written critical (RFC 5280 §4.2.1.3).
    pub key_usage: Option<KeyUsage>,
    /// Purposes (RFC 5280 §4.2.1.12).
    pub extended_key_usage: Vec<ObjectIdentifier>,
    /// Whether `extended_key_usage` is critical, as RFC 3161 §2.3 demands of time-stamping.
    pub extended_key_usage_critical: bool,
    /// Policies without qualifiers (RFC 5280 §4.2.1.4).
    pub policies: Vec<ObjectIdentifier>,
    /// Names of a TLS server (RFC 5280 §4.2.1.6).
    pub alternative_names: Vec<GeneralName>,
    /// Where the issuer's CRL is published (RFC 5280 §4.2.1.13).
    pub crl_urls: Vec<Ia5String>,
    /// Access methods and URLs: `caIssuers`, `ocsp` (RFC 5280 §4.2.2.1).
    pub authority_access: Vec<(ObjectIdentifier, Ia5String)>,
    /// Whatever else, written last and as it stands.
    pub extensions: Vec<Extension>,
}

impl Profile {
    /// A certificate that says nothing but whose and how long.
    pub fn bare(subject: Name, not_before: Time, not_after: Time) -> Self {
        Self {
            subject,
            not_before,
            not_after,
            serial_number: None,
            basic_constraints: None,
            key_usage: None,
            extended_key_usage: Vec::new(),
            extended_key_usage_critical: false,
            policies: Vec::new(),
            alternative_names: Vec::new(),
            crl_urls: Vec::new(),
            authority_access: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// The extensions, in the order they are written.
    fn encode_extensions(&self, own_key: &[u8], issuer_key: OctetString) -> Result<Vec<Extension>, der::Error> {
        let mut list = vec![
            extension(&SubjectKeyIdentifier(OctetString::new(own_key)?), false)?,
            extension(&authority_key_identifier(issuer_key), false)?,
        ];
        if let Some(constraints) = &self.basic_constraints {
            list.push(extension(constraints, true)?);
        }
        if let Some(usage) = &self.key_usage {
            list.push(extension(usage, true)?);
        }
        if !self.extended_key_usage.is_empty() {
            let purposes = ExtendedKeyUsage(self.extended_key_usage.clone());
            list.push(extension(&purposes, self.extended_key_usage_critical)?);
        }
        if !self.policies.is_empty() {
            let information =
                |oid: &ObjectIdentifier| PolicyInformation { policy_identifier: *oid, policy_qualifiers: None };
            list.push(extension(&CertificatePolicies(self.policies.iter().map(information).collect()), false)?);
        }
        if !self.alternative_names.is_empty() {
            list.push(extension(&SubjectAltName(self.alternative_names.clone()), false)?);
        }
        if !self.crl_urls.is_empty() {
            let point = |url: &Ia5String| DistributionPoint {
                distribution_point: Some(DistributionPointName::FullName(vec![uri(url)])),
                reasons: None,
                crl_issuer: None,
            };
            list.push(extension(&CrlDistributionPoints(self.crl_urls.iter().map(point).collect()), false)?);
        }
        if !self.authority_access.is_empty() {
            let access = |(method, url): &(ObjectIdentifier, Ia5String)| x509_cert::ext::pkix::AccessDescription {
                access_method: *method,
                access_location: uri(url),
            };
            list.push(extension(
                &AuthorityInfoAccessSyntax(self.authority_access.iter().map(access).collect()),
                false,
            )?);
        }
        list.extend(self.extensions.iter().cloned());
        Ok(list)
    }
}

/// A certificate together with its private key: who can issue certificates and CRLs.
pub struct Issuer {
    certificate: Certificate,
    key: PrivateKey,
}

impl Issuer {
    /// Pairs a certificate with its key; [`PkiError::KeyMismatch`] if they are not a pair.
    pub fn new(certificate: Certificate, key: PrivateKey) -> Result<Self, PkiError> {
        if certificate.tbs_certificate.subject_public_key_info != key.public_key()? {
            return Err(PkiError::KeyMismatch);
        }
        Ok(Self { certificate, key })
    }

    /// The root or the CA of a directory laid by [`super::init`].
    pub fn load(directory: &Path, authority: Authority) -> Result<Self, PkiError> {
        let member = authority.member();
        let certificate = super::file::read_certificate(&member.certificate_path(directory))?.certificate;
        Self::new(certificate, super::file::read_key(&member.key_path(directory))?)
    }

    /// The issuer's own certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The issuer's key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The issuer's name, as it stands in what it signs.
    pub fn name(&self) -> &Name {
        &self.certificate.tbs_certificate.subject
    }

    /// The identifier of the issuer's key: its certificate's own word for it, else computed.
    pub fn key_identifier(&self) -> Result<OctetString, PkiError> {
        let stated = self.certificate.tbs_certificate.get::<SubjectKeyIdentifier>()?;
        Ok(match stated {
            Some((_, SubjectKeyIdentifier(identifier))) => identifier,
            None => OctetString::new(key_identifier(&self.certificate.tbs_certificate.subject_public_key_info))?,
        })
    }

    /// Whether the signature of a DER certificate or CRL was made by this issuer's key, over the bytes as they stand.
    pub fn signed(&self, signed: &[u8], signature: &BitString) -> bool {
        let Some(signature) = signature.as_bytes() else { return false };
        to_be_signed(signed).is_ok_and(|message| self.key.verify(message, signature))
    }
}

/// A certificate for `public_key`, signed by `issuer`.
pub fn issue(
    issuer: &Issuer,
    profile: &Profile,
    public_key: &SubjectPublicKeyInfoOwned,
) -> Result<Certificate, PkiError> {
    sign(&issuer.key, issuer.name().clone(), issuer.key_identifier()?, profile, public_key)
}

/// A self-signed certificate and its key, ready to issue: a root.
pub fn self_sign(key: PrivateKey, profile: &Profile) -> Result<Issuer, PkiError> {
    let public_key = key.public_key()?;
    let identifier = OctetString::new(key_identifier(&public_key))?;
    let certificate = sign(&key, profile.subject.clone(), identifier, profile, &public_key)?;
    Issuer::new(certificate, key)
}

fn sign(
    issuer_key: &PrivateKey,
    issuer: Name,
    issuer_key_identifier: OctetString,
    profile: &Profile,
    public_key: &SubjectPublicKeyInfoOwned,
) -> Result<Certificate, PkiError> {
    let serial_number = match &profile.serial_number {
        Some(octets) => SerialNumber::new(octets)?,
        None => random_serial_number()?,
    };
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number,
        signature: issuer_key.signature_algorithm(),
        issuer,
        validity: Validity { not_before: asn1_time(profile.not_before)?, not_after: asn1_time(profile.not_after)? },
        subject: profile.subject.clone(),
        subject_public_key_info: public_key.clone(),
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(profile.encode_extensions(&key_identifier(public_key), issuer_key_identifier)?),
    };
    let signature = BitString::from_bytes(&issuer_key.sign(&tbs_certificate.to_der()?)?)?;
    Ok(Certificate { tbs_certificate, signature_algorithm: issuer_key.signature_algorithm(), signature })
}

/// 16 random octets, positive and of full length: 126 random bits (RFC 5280 §4.1.2.2 allows 20 octets).
fn random_serial_number() -> Result<SerialNumber, PkiError> {
    let mut octets = [0_u8; 16];
    openssl::rand::rand_bytes(&mut octets)?;
    octets[0] = (octets[0] & 0x3f) | 0x40;
    Ok(SerialNumber::new(&octets)?)
}

/// `UTCTime` through 2049, else `GeneralizedTime` (RFC 5280 §4.1.2.5).
pub(super) fn asn1_time(time: Time) -> Result<x509_cert::time::Time, PkiError> {
    let out_of_range = |_| PkiError::TimeRange(time);
    let since_epoch = Duration::from_secs(u64::try_from(time.unix()).map_err(|_| PkiError::TimeRange(time))?);
    match UtcTime::from_unix_duration(since_epoch) {
        Ok(value) => Ok(value.into()),
        Err(_) => Ok(GeneralizedTime::from_unix_duration(since_epoch).map_err(out_of_range)?.into()),
    }
}

/// An [`Extension`] out of its value.
pub fn extension<T: AssociatedOid + Encode>(value: &T, critical: bool) -> Result<Extension, der::Error> {
    Ok(Extension { extn_id: T::OID, critical, extn_value: OctetString::new(value.to_der()?)? })
}

pub(super) fn authority_key_identifier(key: OctetString) -> AuthorityKeyIdentifier {
    AuthorityKeyIdentifier {
        key_identifier: Some(key),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    }
}

fn uri(url: &Ia5String) -> GeneralName {
    GeneralName::UniformResourceIdentifier(url.clone())
}

/// The to-be-signed part of `SEQUENCE { tbs, algorithm, signature }`, byte for byte.
fn to_be_signed(signed: &[u8]) -> der::Result<&[u8]> {
    let mut reader = SliceReader::new(signed)?;
    der::Header::decode(&mut reader)?;
    reader.tlv_bytes()
}

/// The two access methods of RFC 5280 §4.2.2.1.
pub(super) const CA_ISSUERS: ObjectIdentifier = rfc5280::ID_AD_CA_ISSUERS;
pub(super) const OCSP: ObjectIdentifier = rfc5280::ID_AD_OCSP;

#[cfg(test)]
mod tests {
    use x509_cert::ext::pkix::KeyUsages;

    use super::*;
    use crate::pki::{key::Algorithm, profile::subject};

    fn profile() -> Profile {
        let subject = subject("Cơ quan thử nghiệm", "Gốc").expect("a name");
        Profile::bare(subject, Time::from_unix(1_800_000_000), Time::from_unix(2_600_000_000))
    }

    fn root(profile: &Profile) -> Issuer {
        self_sign(PrivateKey::generate(Algorithm::P256).expect("a key"), profile).expect("a certificate")
    }

    #[test]
    fn writes_times_in_the_form_of_their_year() {
        let validity = root(&profile()).certificate.tbs_certificate.validity;
        assert!(matches!(validity.not_before, x509_cert::time::Time::UtcTime(_)));
        assert!(matches!(validity.not_after, x509_cert::time::Time::GeneralTime(_)));
        assert_eq!(validity.not_after.to_unix_duration().as_secs(), 2_600_000_000);
        for seconds in [-1, i64::MIN, i64::MAX, 253_402_300_800] {
            let time = Time::from_unix(seconds);
            assert!(matches!(asn1_time(time), Err(PkiError::TimeRange(refused)) if refused == time));
        }
    }

    #[test]
    fn serial_numbers_are_positive_and_sixteen_octets() {
        let serials: Vec<_> = (0..64).map(|_| random_serial_number().expect("a serial number")).collect();
        for serial in &serials {
            assert_eq!(serial.as_bytes().len(), 16);
            assert!(serial.as_bytes()[0] < 0x80);
            assert_eq!(serials.iter().filter(|other| *other == serial).count(), 1);
        }
        let chosen = root(&Profile { serial_number: Some(vec![5]), ..profile() });
        assert_eq!(chosen.certificate.tbs_certificate.serial_number.as_bytes(), [5]);
    }

    #[test]
    fn knows_its_own_signatures_and_no_others() {
        let (first, second) = (root(&profile()), root(&profile()));
        let key = PrivateKey::generate(Algorithm::P256).expect("a key").public_key().expect("a public key");
        let leaf = issue(&first, &profile(), &key).expect("a certificate");
        let bytes = leaf.to_der().expect("DER");
        assert!(first.signed(&bytes, &leaf.signature));
        assert!(!second.signed(&bytes, &leaf.signature));
        assert!(!first.signed(&bytes[..1], &leaf.signature));
        assert!(!first.signed(&[], &leaf.signature));
    }

    #[test]
    fn writes_what_the_profile_says() {
        let usage = KeyUsage(KeyUsages::KeyCertSign.into());
        let wrong = root(&Profile { key_usage: Some(usage), ..profile() }).certificate;
        let (critical, written) = wrong.tbs_certificate.get::<KeyUsage>().expect("decodes").expect("is there");
        assert!(critical && written.key_cert_sign() && !written.crl_sign());
        assert!(wrong.tbs_certificate.get::<BasicConstraints>().expect("decodes").is_none());
    }

    #[test]
    fn refuses_a_key_that_is_not_its_own() {
        let certificate = root(&profile()).certificate;
        let other = PrivateKey::generate(Algorithm::P256).expect("a key");
        assert!(matches!(Issuer::new(certificate, other), Err(PkiError::KeyMismatch)));
    }
}
