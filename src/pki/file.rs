//! Reading and writing the files of a development PKI, so that a crash leaves the old file or the new one.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use der::{
    Decode,
    pem::{LineEnding, decode_vec, encode_string},
};
use x509_cert::Certificate;

use super::{
    error::PkiError,
    key::{PEM_LABEL as KEY_LABEL, PrivateKey},
};

pub(super) const CERTIFICATE_LABEL: &str = "CERTIFICATE";
pub(super) const CRL_LABEL: &str = "X509 CRL";

/// Longest certificate or key file, and longest CRL file, in bytes.
const LIMIT: u64 = 1 << 20;
const CRL_LIMIT: u64 = 1 << 26;

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// Mode 0600 from the first byte.
    Private,
    /// Mode 0644.
    Public,
}

impl Secrecy {
    const fn mode(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        }
    }
}

/// A certificate and the exact bytes it was decoded from.
pub struct CertificateFile {
    pub der: Vec<u8>,
    pub certificate: Certificate,
}

/// The one certificate in a file, PEM or DER.
pub fn read_certificate(path: &Path) -> Result<CertificateFile, PkiError> {
    let undecodable = || PkiError::Undecodable { path: path.to_owned(), expected: "certificate", der_allowed: true };
    let bytes = read(path, LIMIT)?;
    let der = if bytes.first() == Some(&0x30) {
        bytes
    } else {
        unarmour(&bytes, CERTIFICATE_LABEL).ok_or_else(undecodable)?
    };
    let certificate = Certificate::from_der(&der).map_err(|_| undecodable())?;
    Ok(CertificateFile { der, certificate })
}

/// The unencrypted PKCS#8 key in a PEM file.
pub fn read_key(path: &Path) -> Result<PrivateKey, PkiError> {
    let undecodable = || PkiError::Undecodable {
        path: path.to_owned(),
        expected: "unencrypted PKCS#8 private key",
        der_allowed: false,
    };
    let der = unarmour(&read(path, LIMIT)?, KEY_LABEL).ok_or_else(undecodable)?;
    PrivateKey::from_pkcs8(&der).map_err(|error| match error {
        PkiError::Cryptography(_) => undecodable(),
        other => other,
    })
}

/// The DER of the one revocation list in a PEM file; nothing in it is checked. RFC 5280 §4.2.1.13 publishes this form.
pub fn read_crl(path: &Path) -> Result<Vec<u8>, PkiError> {
    let undecodable =
        || PkiError::Undecodable { path: path.to_owned(), expected: "revocation list", der_allowed: false };
    unarmour(&read(path, CRL_LIMIT)?, CRL_LABEL).ok_or_else(undecodable)
}

/// DER as one PEM block with lines of 64 characters (RFC 7468).
pub(super) fn armour(label: &str, der: &[u8]) -> Result<Vec<u8>, PkiError> {
    Ok(encode_string(label, LineEnding::LF, der).map_err(der::Error::from)?.into_bytes())
}

fn unarmour(bytes: &[u8], label: &str) -> Option<Vec<u8>> {
    decode_vec(bytes).ok().filter(|(found, _)| *found == label).map(|(_, der)| der)
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, PkiError> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(failed("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(PkiError::TooLong { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Holds a directory for this process alone while the value lives: two revocations at once would lose one.
pub(super) fn lock(directory: &Path) -> Result<File, PkiError> {
    let handle = File::open(directory).map_err(failed("open", directory))?;
    handle.lock().map_err(failed("lock", directory))?;
    Ok(handle)
}

/// Makes a directory, and those above it, that only its owner may enter; one that exists is left as it is.
pub(super) fn make_private_directory(path: &Path) -> Result<(), PkiError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed("create", parent))?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other.map_err(failed("create", path)),
    }
}

/// Whether a directory holds nothing.
pub(super) fn is_empty(directory: &Path) -> Result<bool, PkiError> {
    Ok(fs::read_dir(directory).map_err(failed("read", directory))?.next().is_none())
}

/// Writes a file that may or may not exist: whoever reads it, after a crash too, finds the old content or the new.
pub(super) fn replace(path: &Path, content: &[u8], secrecy: Secrecy) -> Result<(), PkiError> {
    let unfinished = unfinished_path(path);
    // One left by a crash is removed, not reused: its mode and owner are unknown.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &unfinished)(error)),
        _ => {}
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(secrecy.mode())
        .open(&unfinished)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .map_err(failed("write", &unfinished))?;
    fs::rename(&unfinished, path).map_err(failed("replace", path))?;
    let parent = path.parent().unwrap_or(Path::new("."));
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(failed("flush", parent))
}

/// `crl/ca.crl` is first written as `crl/.ca.crl.new`.
fn unfinished_path(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    path.with_file_name(format!(".{name}.new"))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PkiError {
    move |source| PkiError::File { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use der::Encode;

    use super::*;
    use crate::{
        core::time::Time,
        pki::{
            certificate::self_sign,
            key::Algorithm,
            profile::{root, subject},
        },
    };

    #[test]
    fn replaces_whole_files_and_survives_a_leftover() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("ca.crl");
        fs::write(directory.path().join(".ca.crl.new"), "left by a crash").expect("written");
        replace(&path, b"first", Secrecy::Public).expect("written");
        replace(&path, b"second", Secrecy::Private).expect("replaced");
        assert_eq!(fs::read(&path).expect("read"), b"second");
        assert_eq!(fs::metadata(&path).expect("metadata").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1);
    }

    #[test]
    fn reads_one_certificate_with_or_without_text_before_it_and_never_one_of_several() {
        let key = PrivateKey::generate(Algorithm::P256).expect("a key");
        let profile = root(subject("Cơ quan thử nghiệm", "Gốc").expect("a name"), Time::from_unix(1_800_000_000));
        let der = self_sign(key, &profile).expect("a root").certificate().to_der().expect("DER");
        let pem = armour(CERTIFICATE_LABEL, &der).expect("PEM");
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("input");
        let windows = String::from_utf8(pem.clone()).expect("ASCII").replace('\n', "\r\n").into_bytes();
        for content in [der.clone(), pem.clone(), windows, [b"Certificate:\n    Data:\n", &pem[..]].concat()] {
            fs::write(&path, &content).expect("written");
            assert_eq!(
                read_certificate(&path).expect("a certificate").der,
                der,
                "{}",
                String::from_utf8_lossy(&content)
            );
        }
        for content in [[&pem[..], &pem].concat(), [&der[..], &der].concat()] {
            fs::write(&path, &content).expect("written");
            assert!(matches!(read_certificate(&path), Err(PkiError::Undecodable { .. })));
        }
    }

    #[test]
    fn refuses_what_is_no_certificate_key_or_list() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("input");
        let armoured = |label: &str| armour(label, b"\x30\x00").expect("PEM");
        let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n".to_vec();
        for content in
            [vec![], b"\x30".to_vec(), b"\x30\x00".to_vec(), b"text".to_vec(), armoured(KEY_LABEL), encrypted]
        {
            fs::write(&path, &content).expect("written");
            assert!(matches!(read_certificate(&path), Err(PkiError::Undecodable { .. })), "{content:?}");
            assert!(matches!(read_key(&path), Err(PkiError::Undecodable { .. })), "{content:?}");
            assert!(matches!(read_crl(&path), Err(PkiError::Undecodable { .. })), "{content:?}");
        }
        File::create(&path).and_then(|file| file.set_len(LIMIT + 1)).expect("a long file");
        assert!(matches!(read_certificate(&path), Err(PkiError::TooLong { limit: LIMIT, .. })));
        assert!(matches!(read_key(&directory.path().join("none")), Err(PkiError::File { action: "read", .. })));
    }
}
