//! The nine certificates of a development PKI, shaped like those of a government tree: one function a kind.
//!
//! Every name is invented and says that it is for trial; nothing here may be mistaken for the real authority.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use const_oid::{
    ObjectIdentifier,
    db::{rfc4519, rfc5280, rfc6960},
};
use der::{
    Any, Encode,
    asn1::{Ia5String, Null, OctetString, PrintableStringRef, SetOfVec, Utf8StringRef},
};
use x509_cert::{
    attr::AttributeTypeAndValue,
    ext::{
        Extension,
        pkix::{BasicConstraints, KeyUsage, KeyUsages, name::GeneralName},
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

use super::{
    certificate::{CA_ISSUERS, OCSP, Profile},
    error::PkiError,
    layout::{Authority, Member},
};
use crate::core::time::Time;

/// The policy of the public-service CA: an arc under the enterprise number for examples (RFC 5612).
pub const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.1");

/// id-kp-documentSigning (RFC 9336 §3.1).
pub const DOCUMENT_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.36");

/// A year of 365.25 days, in seconds.
const YEAR: i64 = 31_557_600;

pub(super) const AUTHORITY: &str = "Cơ quan Chứng thực thử nghiệm antin (DEVELOPMENT ONLY)";

/// Longest base URL, in bytes.
const BASE_URL_LIMIT: usize = 200;

/// Where a development PKI publishes: the URLs written into its certificates.
#[derive(Clone, Debug)]
pub struct Publication {
    base: String,
}

impl Publication {
    /// From the base URL of the service, e.g. `http://127.0.0.1:8080`; a final `/` is dropped.
    pub fn new(base_url: &str) -> Result<Self, PkiError> {
        let refused = || PkiError::BaseUrl(base_url.chars().take(BASE_URL_LIMIT).collect());
        let base = base_url.trim_end_matches('/');
        let host = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://")).ok_or_else(refused)?;
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte);
        if base.len() > BASE_URL_LIMIT || host.is_empty() || host.starts_with(['/', ':']) || !host.bytes().all(plain) {
            return Err(refused());
        }
        Ok(Self { base: base.to_owned() })
    }

    fn url(&self, path: &str) -> Ia5String {
        Ia5String::new(&format!("{}{path}", self.base)).expect("the base URL was checked to be short ASCII")
    }

    /// The CRL of an authority: `/crl/root.crl`, `/crl/ca.crl`.
    pub fn crl(&self, authority: Authority) -> Ia5String {
        self.url(&format!("/crl/{}.crl", authority.member().stem()))
    }

    /// The certificate of an authority: `/crt/root.crt`, `/crt/ca.crt`.
    pub fn certificate(&self, authority: Authority) -> Ia5String {
        self.url(&format!("/crt/{}.crt", authority.member().stem()))
    }

    /// The OCSP responder: `/ocsp`.
    pub fn ocsp(&self) -> Ia5String {
        self.url("/ocsp")
    }
}

/// `C=VN, O=organization, CN=common_name`: the country a PrintableString, the rest UTF8String (RFC 5280 §4.1.2.4).
pub fn subject(organization: &str, common_name: &str) -> Result<Name, PkiError> {
    let component = |oid, value: Any| -> Result<RelativeDistinguishedName, der::Error> {
        Ok(RelativeDistinguishedName(SetOfVec::try_from(vec![AttributeTypeAndValue { oid, value }])?))
    };
    Ok(RdnSequence(vec![
        component(rfc4519::COUNTRY_NAME, Any::from(PrintableStringRef::new("VN")?))?,
        component(rfc4519::ORGANIZATION_NAME, Any::from(Utf8StringRef::new(organization)?))?,
        component(rfc4519::COMMON_NAME, Any::from(Utf8StringRef::new(common_name)?))?,
    ]))
}

/// The profile of each certificate in the tree, valid from `now`.
pub fn of(member: Member, now: Time, publication: &Publication) -> Result<Profile, PkiError> {
    Ok(match member {
        Member::Root => root(subject(AUTHORITY, "RootCA thử nghiệm antin")?, now),
        Member::Ca => public_service_ca(subject(AUTHORITY, "CA dịch vụ công thử nghiệm antin")?, now, publication),
        Member::Judicial => {
            signer(subject("Bộ Công an (thử nghiệm)", "Cấp Phiếu lý lịch tư pháp (thử nghiệm)")?, now, publication)
        }
        Member::Health => {
            let hospital = "Bệnh viện Đa khoa Sông Ngân (thử nghiệm)";
            signer(subject(hospital, hospital)?, now, publication)
        }
        Member::Tsa => time_stamping(subject(AUTHORITY, "Dấu thời gian thử nghiệm antin")?, now, publication),
        Member::Ocsp => ocsp_responder(subject(AUTHORITY, "OCSP thử nghiệm antin")?, now, publication),
        Member::Server => server(subject(AUTHORITY, "localhost")?, now, publication)?,
        Member::IssuingSystem => client(subject("Hệ thống cấp giấy (thử nghiệm)", "issuing-system")?, now, publication),
        Member::Agency => client(subject("Cơ quan tiếp nhận (thử nghiệm)", "agency")?, now, publication),
    })
}

/// A root: 20 years, certificates and CRLs only.
pub fn root(subject: Name, now: Time) -> Profile {
    Profile {
        basic_constraints: Some(BasicConstraints { ca: true, path_len_constraint: None }),
        key_usage: Some(KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)),
        ..Profile::bare(subject, now, now.plus_seconds(20 * YEAR))
    }
}

/// The CA below the root: 10 years, path length 0. It names no OCSP responder: the tree's responder is delegated by this
/// CA, and so may not answer for what the root issued (RFC 6960 §4.2.2.2).
pub fn public_service_ca(subject: Name, now: Time, publication: &Publication) -> Profile {
    Profile {
        basic_constraints: Some(BasicConstraints { ca: true, path_len_constraint: Some(0) }),
        key_usage: Some(KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)),
        policies: vec![POLICY],
        crl_urls: vec![publication.crl(Authority::Root)],
        authority_access: vec![(CA_ISSUERS, publication.certificate(Authority::Root))],
        ..Profile::bare(subject, now, now.plus_seconds(10 * YEAR))
    }
}

/// What all certificates under the CA share: 2 years, digitalSignature, the policy, and where to ask for their status.
pub fn leaf(subject: Name, now: Time, publication: &Publication) -> Profile {
    Profile {
        key_usage: Some(KeyUsage(KeyUsages::DigitalSignature.into())),
        policies: vec![POLICY],
        crl_urls: vec![publication.crl(Authority::Ca)],
        authority_access: vec![(OCSP, publication.ocsp()), (CA_ISSUERS, publication.certificate(Authority::Ca))],
        ..Profile::bare(subject, now, now.plus_seconds(2 * YEAR))
    }
}

/// Who signs documents: digitalSignature and nonRepudiation, document signing (RFC 9336).
pub fn signer(subject: Name, now: Time, publication: &Publication) -> Profile {
    Profile {
        key_usage: Some(KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation)),
        extended_key_usage: vec![DOCUMENT_SIGNING],
        ..leaf(subject, now, publication)
    }
}

/// A time-stamping authority: one purpose, critical (RFC 3161 §2.3).
pub fn time_stamping(subject: Name, now: Time, publication: &Publication) -> Profile {
    Profile {
        extended_key_usage: vec![rfc5280::ID_KP_TIME_STAMPING],
        extended_key_usage_critical: true,
        ..leaf(subject, now, publication)
    }
}

/// A delegated OCSP responder with id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2, §4.2.2.2.1). It names no OCSP responder,
/// which would be itself.
pub fn ocsp_responder(subject: Name, now: Time, publication: &Publication) -> Profile {
    let no_check = Null.to_der().and_then(OctetString::new).expect("NULL encodes in two octets");
    Profile {
        extended_key_usage: vec![rfc5280::ID_KP_OCSP_SIGNING],
        authority_access: vec![(CA_ISSUERS, publication.certificate(Authority::Ca))],
        extensions: vec![Extension { extn_id: rfc6960::ID_PKIX_OCSP_NOCHECK, critical: false, extn_value: no_check }],
        ..leaf(subject, now, publication)
    }
}

/// A TLS server on this machine: `localhost`, `127.0.0.1`, `::1`.
pub fn server(subject: Name, now: Time, publication: &Publication) -> Result<Profile, PkiError> {
    Ok(Profile {
        extended_key_usage: vec![rfc5280::ID_KP_SERVER_AUTH],
        alternative_names: vec![
            GeneralName::DnsName(Ia5String::new("localhost")?),
            GeneralName::from(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            GeneralName::from(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        ],
        ..leaf(subject, now, publication)
    })
}

/// A TLS client.
pub fn client(subject: Name, now: Time, publication: &Publication) -> Profile {
    Profile { extended_key_usage: vec![rfc5280::ID_KP_CLIENT_AUTH], ..leaf(subject, now, publication) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_base_urls_that_can_stand_in_a_certificate() {
        for (given, crl) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/crl/ca.crl"),
            ("https://pki.example/dev/", "https://pki.example/dev/crl/ca.crl"),
            ("http://[::1]:80", "http://[::1]:80/crl/ca.crl"),
        ] {
            assert_eq!(Publication::new(given).expect("a base URL").crl(Authority::Ca).as_str(), crl);
        }
        let long = format!("http://{}", "a".repeat(BASE_URL_LIMIT));
        for given in [
            "",
            "http://",
            "https:///path",
            "http://:80",
            "ftp://a",
            "127.0.0.1",
            "http://a b",
            "http://ấn",
            "http://a?b",
            "http://a#b",
            &long,
        ] {
            assert!(matches!(Publication::new(given), Err(PkiError::BaseUrl(_))), "{given}");
        }
    }

    #[test]
    fn names_stay_within_the_bounds_of_x520() {
        let publication = Publication::new("http://127.0.0.1:8080").expect("a base URL");
        for member in Member::ALL {
            let profile = of(member, Time::from_unix(0), &publication).expect("a profile");
            for part in profile.subject.0.iter().flat_map(|name| name.0.iter()) {
                let text = std::str::from_utf8(part.value.value()).expect("UTF-8");
                assert!(text.chars().count() <= 64, "{text}: ub-organization-name, ub-common-name are 64");
            }
        }
    }
}
