//! A development PKI in a directory of PEM files, shaped like a government tree: root, public-service CA, signers for
//! each authority, time-stamping, OCSP, TLS server and clients, with CRLs. For trial only: its keys lie unencrypted.
//!
//! - [`init`] lays it, [`revoke`] revokes in it, [`refresh_crls`] reissues its lists.
//! - [`layout`]: where each file lies; [`mod@file`]: reading them; [`profile`]: what each certificate says;
//!   [`certificate`], [`crl`], [`key`]: issuing one more, right or wrong, for tests.
//!
//! Processes that change the same directory take turns; a reader finds the old file or the new, whole.

pub mod certificate;
pub mod crl;
mod error;
pub mod file;
pub mod key;
pub mod layout;
pub mod profile;
pub mod tsa;

use std::path::{Path, PathBuf};

use der::Encode;
use spki::SubjectPublicKeyInfoOwned;

use self::{
    certificate::{Issuer, issue, self_sign},
    crl::RevocationList,
    file::{CERTIFICATE_LABEL, CRL_LABEL, Secrecy, armour, replace},
    key::PrivateKey,
    profile::Publication,
};
pub use self::{
    crl::{Outcome, Reason},
    error::PkiError,
    key::Algorithm,
    layout::{Authority, Member},
};
use crate::core::time::Time;

/// What [`init`] can be told.
#[derive(Clone, Debug)]
pub struct InitOptions {
    /// Of every key in the tree.
    pub algorithm: Algorithm,
    /// Where the service will answer; CRL, OCSP and issuer URLs are below it.
    pub base_url: String,
}

impl Default for InitOptions {
    fn default() -> Self {
        Self { algorithm: Algorithm::default(), base_url: "http://127.0.0.1:8080".to_owned() }
    }
}

/// What [`revoke`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub outcome: Outcome,
    /// Whose list the certificate belongs on.
    pub authority: Authority,
    /// Of the certificate, lowercase hex.
    pub serial_number: String,
    /// CRLNumber of the list that now holds.
    pub crl_number: u128,
    /// The list's file.
    pub crl: PathBuf,
}

/// Lays a development PKI in `directory`, which must be empty or not exist; certificates are valid from `now`.
///
/// `root.crt` is written last: where it stands, the rest is complete.
pub fn init(directory: &Path, options: &InitOptions, now: Time) -> Result<(), PkiError> {
    let publication = Publication::new(&options.base_url)?;
    // Refused before the keys are made, which takes seconds for RSA.
    if directory.exists() && !file::is_empty(directory)? {
        return Err(PkiError::NotEmpty(directory.to_owned()));
    }
    let root = self_sign(PrivateKey::generate(options.algorithm)?, &profile::of(Member::Root, now, &publication)?)?;
    let ca = certify(&root, Member::Ca, options.algorithm, now, &publication)?;
    let mut members = Vec::new();
    for member in Member::ALL.into_iter().filter(|member| !matches!(member, Member::Root | Member::Ca)) {
        members.push((member, certify(&ca, member, options.algorithm, now, &publication)?));
    }
    let lists = [(Authority::Root, &root), (Authority::Ca, &ca)];

    file::make_private_directory(directory)?;
    let _lock = file::lock(directory)?;
    if !file::is_empty(directory)? {
        return Err(PkiError::NotEmpty(directory.to_owned()));
    }
    for below in ["signers", "clients", "crl"] {
        file::make_private_directory(&directory.join(below))?;
    }
    for (authority, issuer) in lists {
        write_list(directory, authority, issuer, &RevocationList::first(now))?;
    }
    for (member, holder) in &members {
        write_member(directory, *member, holder)?;
    }
    write_member(directory, Member::Ca, &ca)?;
    write_member(directory, Member::Root, &root)
}

/// A signer of documents beside the tree: `stem.crt` and `stem.key`, issued by the CA of `directory`. A pair that this CA issued is
/// left as it is.
pub fn add_signer(directory: &Path, stem: &Path, common_name: &str, base_url: &str, now: Time) -> Result<(), PkiError> {
    let (certificate_path, key_path) = (stem.with_extension("crt"), stem.with_extension("key"));
    let issuer = Issuer::load(directory, Authority::Ca)?;
    if certificate_path.exists() && key_path.exists() {
        let held = file::read_certificate(&certificate_path)?;
        if issuer.signed(&held.der, &held.certificate.signature) {
            return Ok(());
        }
    }
    let publication = Publication::new(base_url)?;
    let profile = profile::signer(profile::subject(profile::AUTHORITY, common_name)?, now, &publication);
    let key = PrivateKey::generate(Algorithm::default())?;
    let certificate = issue(&issuer, &profile, &key.public_key()?)?;
    // The key first: a certificate on disk always has its key beside it.
    replace(&key_path, &key.to_pkcs8_pem()?, Secrecy::Private)?;
    replace(&certificate_path, &armour(CERTIFICATE_LABEL, &certificate.to_der()?)?, Secrecy::Public)
}

/// Revokes the certificate in the file `certificate` (PEM or DER) at `now` and reissues the list of its issuer.
/// [`Outcome::AlreadyRevoked`] leaves everything as it was.
pub fn revoke(directory: &Path, certificate: &Path, reason: Reason, now: Time) -> Result<Revoked, PkiError> {
    let subject = file::read_certificate(certificate)?;
    let _lock = file::lock(directory)?;
    let tbs = &subject.certificate.tbs_certificate;
    for authority in Authority::ALL {
        let issuer = Issuer::load(directory, authority)?;
        if tbs.issuer != *issuer.name() || !issuer.signed(&subject.der, &subject.certificate.signature) {
            continue;
        }
        if subject.certificate == *issuer.certificate() {
            return Err(PkiError::TrustAnchor(certificate.to_owned()));
        }
        let crl = authority.crl_path(directory);
        let held = RevocationList::decode(&file::read_crl(&crl)?, &issuer)?;
        let mut list = held.clone();
        let outcome = list.revoke(&tbs.serial_number, reason, now)?;
        let crl_number = if let Outcome::AlreadyRevoked { .. } = outcome {
            held.number
        } else {
            let list = list.next(now)?;
            write_list(directory, authority, &issuer, &list)?;
            list.number
        };
        let serial_number = hex::encode(tbs.serial_number.as_bytes());
        return Ok(Revoked { outcome, authority, serial_number, crl_number, crl });
    }
    Err(PkiError::NotIssuedHere { certificate: certificate.to_owned(), directory: directory.to_owned() })
}

/// Reissues both lists with the same entries: CRLNumber + 1, `thisUpdate` now, good for [`crl::LIFETIME`].
pub fn refresh_crls(directory: &Path, now: Time) -> Result<(), PkiError> {
    let _lock = file::lock(directory)?;
    for authority in Authority::ALL {
        let issuer = Issuer::load(directory, authority)?;
        let held = RevocationList::decode(&file::read_crl(&authority.crl_path(directory))?, &issuer)?;
        write_list(directory, authority, &issuer, &held.next(now)?)?;
    }
    Ok(())
}

/// A fresh key and its certificate for one member of the tree.
fn certify(
    issuer: &Issuer,
    member: Member,
    algorithm: Algorithm,
    now: Time,
    publication: &Publication,
) -> Result<Issuer, PkiError> {
    let key = PrivateKey::generate(algorithm)?;
    let public_key: SubjectPublicKeyInfoOwned = key.public_key()?;
    Issuer::new(issue(issuer, &profile::of(member, now, publication)?, &public_key)?, key)
}

/// The key first: a certificate on disk always has its key beside it.
fn write_member(directory: &Path, member: Member, holder: &Issuer) -> Result<(), PkiError> {
    replace(&member.key_path(directory), &holder.key().to_pkcs8_pem()?, Secrecy::Private)?;
    let certificate = armour(CERTIFICATE_LABEL, &holder.certificate().to_der()?)?;
    replace(&member.certificate_path(directory), &certificate, Secrecy::Public)
}

fn write_list(directory: &Path, authority: Authority, issuer: &Issuer, list: &RevocationList) -> Result<(), PkiError> {
    let content = armour(CRL_LABEL, &list.sign(issuer)?)?;
    replace(&authority.crl_path(directory), &content, Secrecy::Public)
}
