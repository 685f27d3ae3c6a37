//! Chains made by hand: what each of three certificates says, who revokes what, and the files both sides are given.

use std::fs;
use std::path::Path;

use antin::core::time::Time;
use antin::pki::{
    Algorithm, Reason,
    certificate::{Issuer, Profile, issue, self_sign},
    crl::RevocationList,
    key::PrivateKey,
    profile::subject,
};
use const_oid::ObjectIdentifier;
use der::asn1::{BitString, OctetString};
use der::pem::{LineEnding, encode_string};
use der::{Decode, Encode};
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};

/// The validation time of every chain: 2026-06-01T00:00:00Z.
pub const AT: Time = Time::from_unix(1_780_272_000);
pub const DAY: i64 = 86_400;

/// What both sides are given.
pub struct Chain {
    pub purpose: Purpose,
    pub anchors: Vec<Certificate>,
    pub links: Vec<Certificate>,
    pub crls: Vec<Vec<u8>>,
    pub target: Certificate,
}

/// A purpose that both sides have a word for.
#[derive(Clone, Copy)]
pub enum Purpose {
    Any,
    /// `smimesign`: the nearest that OpenSSL 3.0 has.
    DocumentSigning,
    TimeStamping,
}

impl Purpose {
    pub const fn of_antin(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::DocumentSigning => "document-signing",
            Self::TimeStamping => "timestamping",
        }
    }

    pub const fn of_openssl(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::DocumentSigning => "smimesign",
            Self::TimeStamping => "timestampsign",
        }
    }
}

/// What the three certificates of the usual chain say.
pub struct Profiles {
    pub root: Profile,
    pub ca: Profile,
    pub leaf: Profile,
}

/// The usual chain, root, CA and leaf, with a fresh empty CRL of each authority; and the authorities, to go on with.
pub struct Laid {
    pub root: Issuer,
    pub ca: Issuer,
    pub chain: Chain,
}

/// The usual chain after `edit` changed what its certificates say.
pub fn laid(edit: impl FnOnce(&mut Profiles)) -> Laid {
    let mut profiles = Profiles { root: authority("Root"), ca: authority("CA"), leaf: leaf("Leaf") };
    edit(&mut profiles);
    let root = self_sign(key(), &profiles.root).expect("a root");
    let ca = below(&root, &profiles.ca);
    let target = certify(&ca, &profiles.leaf);
    let crls = vec![list(&root, |_| {}), list(&ca, |_| {})];
    let (anchors, links) = (vec![root.certificate().clone()], vec![ca.certificate().clone()]);
    Laid { root, ca, chain: Chain { purpose: Purpose::Any, anchors, links, crls, target } }
}

/// As [`laid`], the chain alone.
pub fn chain(edit: impl FnOnce(&mut Profiles)) -> Chain {
    laid(edit).chain
}

/// As [`chain`], for another purpose.
pub fn chain_for(purpose: Purpose, edit: impl FnOnce(&mut Profiles)) -> Chain {
    Chain { purpose, ..chain(edit) }
}

/// The usual chain with the CRLs that `crls` makes out of its authorities and its leaf.
pub fn with_crls(crls: impl FnOnce(&Laid) -> Vec<Vec<u8>>) -> Chain {
    let laid = laid(|_| {});
    let crls = crls(&laid);
    Chain { crls, ..laid.chain }
}

pub fn key() -> PrivateKey {
    PrivateKey::generate(Algorithm::P256).expect("a key")
}

/// An authority's profile, good from a year before [`AT`] to a year after.
pub fn authority(name: &str) -> Profile {
    Profile {
        basic_constraints: Some(BasicConstraints { ca: true, path_len_constraint: None }),
        key_usage: Some(KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)),
        ..bare(name)
    }
}

/// A signer's profile of the same validity.
pub fn leaf(name: &str) -> Profile {
    Profile { key_usage: Some(KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation)), ..bare(name) }
}

fn bare(name: &str) -> Profile {
    let name = subject("Cơ quan thử nghiệm", name).expect("a name");
    Profile::bare(name, AT.plus_seconds(-365 * DAY), AT.plus_seconds(365 * DAY))
}

/// An authority below another, with a key of its own.
pub fn below(issuer: &Issuer, profile: &Profile) -> Issuer {
    let key = key();
    let certificate = issue(issuer, profile, &key.public_key().expect("a public key")).expect("a certificate");
    Issuer::new(certificate, key).expect("its key")
}

/// A certificate for another authority's key: a cross-certificate.
pub fn cross(issuer: &Issuer, profile: &Profile, other: &Issuer) -> Certificate {
    issue(issuer, profile, &other.key().public_key().expect("a public key")).expect("a certificate")
}

/// A certificate with a key nobody keeps.
pub fn certify(issuer: &Issuer, profile: &Profile) -> Certificate {
    issue(issuer, profile, &key().public_key().expect("a public key")).expect("a certificate")
}

/// A CRL of an authority: made a day before [`AT`], good for seven, empty unless `edit` changes it.
pub fn list(issuer: &Issuer, edit: impl FnOnce(&mut RevocationList)) -> Vec<u8> {
    let mut list = RevocationList::first(AT.plus_seconds(-DAY));
    edit(&mut list);
    list.sign(issuer).expect("a list")
}

/// Enters a certificate into a list.
pub fn revoke(list: &mut RevocationList, certificate: &Certificate, reason: Reason) {
    let serial_number = &certificate.tbs_certificate.serial_number;
    list.revoke(serial_number, reason, AT.plus_seconds(-2 * DAY)).expect("entered");
}

/// The list `crl` after `edit`, signed again.
pub fn resigned(crl: &[u8], issuer: &Issuer, edit: impl FnOnce(&mut CertificateList)) -> Vec<u8> {
    let mut list = CertificateList::from_der(crl).expect("a list");
    edit(&mut list);
    let signature = issuer.key().sign(&list.tbs_cert_list.to_der().expect("DER")).expect("signed");
    list.signature = BitString::from_bytes(&signature).expect("a bit string");
    list.to_der().expect("DER")
}

/// The list `crl` with one more extension, signed again.
pub fn extended(crl: &[u8], issuer: &Issuer, extension: Extension) -> Vec<u8> {
    resigned(crl, issuer, |list| list.tbs_cert_list.crl_extensions.get_or_insert_default().push(extension))
}

/// An extension that nobody knows: an arc under the enterprise number for examples (RFC 5612).
pub fn unknown_extension(critical: bool) -> Extension {
    let extn_id = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.99");
    Extension { extn_id, critical, extn_value: OctetString::new([5, 0]).expect("two octets") }
}

/// The same octets with the last changed: it ends a signature.
pub fn damaged(mut octets: Vec<u8>) -> Vec<u8> {
    *octets.last_mut().expect("not empty") ^= 1;
    octets
}

impl Chain {
    /// Writes the files, PEM; a file that would be empty is not written.
    pub fn write(&self, directory: &Path) {
        fs::create_dir_all(directory).expect("created");
        let write = |name: &str, label: &str, objects: &[Vec<u8>]| {
            let pem = objects.iter().map(|der| encode_string(label, LineEnding::LF, der).expect("PEM"));
            if !objects.is_empty() {
                fs::write(directory.join(name), pem.collect::<String>()).expect("written");
            }
        };
        let encode = |list: &[Certificate]| list.iter().map(|one| one.to_der().expect("DER")).collect::<Vec<_>>();
        write("target.crt", "CERTIFICATE", &encode(std::slice::from_ref(&self.target)));
        write("anchors.pem", "CERTIFICATE", &encode(&self.anchors));
        write("links.pem", "CERTIFICATE", &encode(&self.links));
        write("crls.pem", "X509 CRL", &self.crls);
    }
}
