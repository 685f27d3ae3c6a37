//! One development PKI in memory, the same for every test of the process: a root, a CA, their CRLs, and a signer; below it
//! certificates as odd as wanted.

use std::sync::{Arc, OnceLock};

use antin::core::evidence::{CrlSet, Evidence};
use antin::core::time::Time;
use antin::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};
use antin::pki::Algorithm;
use antin::pki::certificate::{Issuer, Profile, issue, self_sign};
use antin::pki::crl::RevocationList;
use antin::pki::key::PrivateKey;
use antin::pki::profile::{self, Publication, subject};
use der::Encode;
use der::asn1::BitString;
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::TbsCertificate;

use super::key::{Key, Kind, public_key};

/// The time of the tests, 2027-01-15; the tree is valid from an hour before.
pub const NOW: Time = Time::from_unix(1_800_000_000);

/// A key and its certificate.
#[derive(Clone)]
pub struct Signer {
    pub certificate: Arc<Certificate>,
    pub key: Key,
}

pub struct Tree {
    pub root: Issuer,
    pub ca: Issuer,
    pub root_certificate: Arc<Certificate>,
    pub ca_certificate: Arc<Certificate>,
    /// The CRLs of both, without entries.
    pub crls: CrlSet,
    /// The root as the only anchor.
    pub trust: TrustStore,
    /// The CA's certificate and both CRLs; no signer's certificate.
    pub evidence: Evidence,
    /// A usual signer with a P-256 key.
    pub signer: Signer,
}

/// The tree of this process.
pub fn tree() -> &'static Tree {
    static TREE: OnceLock<Tree> = OnceLock::new();
    TREE.get_or_init(|| {
        let begin = NOW.plus_seconds(-3600);
        let publication = publication();
        let root_profile = profile::root(subject("antin", "Kit root").expect("a name"), begin);
        let root = self_sign(private_key(), &root_profile).expect("a root");
        let ca_profile = profile::public_service_ca(subject("antin", "Kit CA").expect("a name"), begin, &publication);
        let ca = below(&root, &ca_profile);
        let (root_certificate, ca_certificate) = (decoded(root.certificate()), decoded(ca.certificate()));
        let crls = CrlSet::new([crl(&root, &RevocationList::first(begin)), crl(&ca, &RevocationList::first(begin))]);
        let trust = TrustStore::new(vec![TrustAnchor::new(Arc::clone(&root_certificate))], Vec::new());
        let evidence =
            Evidence { certificates: vec![Arc::clone(&ca_certificate)], crls: crls.clone(), ..Evidence::default() };
        let signer = issued(&ca, &signer_profile("Usual signer"), Kind::P256.key());
        Tree { root, ca, root_certificate, ca_certificate, crls, trust, evidence, signer }
    })
}

impl Tree {
    /// A usual signer with the process' key of this kind; a new certificate each time.
    pub fn signer(&self, kind: Kind) -> Signer {
        issued(&self.ca, &signer_profile("Another signer"), kind.key())
    }

    /// A signer whose certificate says what `profile` says.
    pub fn signer_saying(&self, profile: &Profile) -> Signer {
        issued(&self.ca, profile, Kind::P256.key())
    }

    /// A signer whose certificate carries `public_key` as it stands.
    pub fn signer_with_public_key(&self, public_key: &SubjectPublicKeyInfoOwned, key: &Key) -> Signer {
        let certificate = issue(&self.ca, &signer_profile("Odd key"), public_key).expect("a certificate");
        Signer { certificate: decoded(&certificate), key: key.clone() }
    }
}

/// Where the tree says that it publishes.
pub fn publication() -> Publication {
    Publication::new("http://127.0.0.1:8080").expect("a base URL")
}

/// A key that issues: P-256.
pub fn private_key() -> PrivateKey {
    PrivateKey::generate(Algorithm::P256).expect("a key")
}

/// The usual signer of documents with this common name, valid from an hour before [`NOW`] for two years.
pub fn signer_profile(common_name: &str) -> Profile {
    profile::signer(subject("antin", common_name).expect("a name"), NOW.plus_seconds(-3600), &publication())
}

/// A certificate for `key` below `issuer`.
pub fn issued(issuer: &Issuer, profile: &Profile, key: &Key) -> Signer {
    let certificate = issue(issuer, profile, &public_key(key)).expect("a certificate");
    Signer { certificate: decoded(&certificate), key: key.clone() }
}

/// A certificate whose to-be-signed part is changed at will before it is signed: extensions in double, a copied key
/// identifier, another issuer's name.
pub fn edited(issuer: &Issuer, profile: &Profile, key: &Key, edit: impl FnOnce(&mut TbsCertificate)) -> Signer {
    let der = edited_der(issuer, profile, key, edit);
    Signer { certificate: Arc::new(Certificate::decode(&der).expect("a certificate")), key: key.clone() }
}

/// As [`edited`], for what may not decode.
pub fn edited_der(issuer: &Issuer, profile: &Profile, key: &Key, edit: impl FnOnce(&mut TbsCertificate)) -> Vec<u8> {
    let mut certificate = issue(issuer, profile, &public_key(key)).expect("a certificate");
    edit(&mut certificate.tbs_certificate);
    let octets = certificate.tbs_certificate.to_der().expect("DER");
    certificate.signature = BitString::from_bytes(&issuer.key().sign(&octets).expect("a signature")).expect("bits");
    certificate.to_der().expect("DER")
}

/// A fresh authority below another, ready to issue.
pub fn below(issuer: &Issuer, profile: &Profile) -> Issuer {
    let key = private_key();
    let certificate = issue(issuer, profile, &key.public_key().expect("a public key")).expect("a certificate");
    Issuer::new(certificate, key).expect("a pair")
}

/// The CRL of an issuer.
pub fn crl(issuer: &Issuer, list: &RevocationList) -> Arc<CertificateList> {
    let der = list.sign(issuer).expect("a CRL");
    Arc::new(CertificateList::decode(&der).expect("a CRL"))
}

/// As the core reads it.
pub fn decoded(certificate: &x509_cert::Certificate) -> Arc<Certificate> {
    Arc::new(Certificate::decode(&certificate.to_der().expect("DER")).expect("a certificate"))
}
