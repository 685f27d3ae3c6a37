//! Where each file of a development PKI lies, relative to its directory:
//!
//! ```text
//! root.crt root.key   ca.crt ca.key   signers/{judicial,health}.{crt,key}   tsa.{crt,key}   ocsp.{crt,key}
//! server.{crt,key}    clients/{issuing-system,agency}.{crt,key}             crl/{root,ca}.crl
//! ```
//!
//! All are PEM; the keys are unencrypted PKCS#8, mode 0600.

use std::path::{Path, PathBuf};

/// Who holds a certificate and a key in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    Root,
    Ca,
    /// Signs judicial record certificates.
    Judicial,
    /// Signs health books and the other health papers.
    Health,
    Tsa,
    Ocsp,
    /// The TLS server.
    Server,
    /// The TLS client that may ask for signatures.
    IssuingSystem,
    /// The TLS client that relies on documents.
    Agency,
}

impl Member {
    /// Every member, issuers before those they issue to.
    pub const ALL: [Self; 9] = [
        Self::Root,
        Self::Ca,
        Self::Judicial,
        Self::Health,
        Self::Tsa,
        Self::Ocsp,
        Self::Server,
        Self::IssuingSystem,
        Self::Agency,
    ];

    /// The path of its files without the ending.
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Ca => "ca",
            Self::Judicial => "signers/judicial",
            Self::Health => "signers/health",
            Self::Tsa => "tsa",
            Self::Ocsp => "ocsp",
            Self::Server => "server",
            Self::IssuingSystem => "clients/issuing-system",
            Self::Agency => "clients/agency",
        }
    }

    /// Its certificate, PEM.
    pub fn certificate_path(self, directory: &Path) -> PathBuf {
        directory.join(format!("{}.crt", self.stem()))
    }

    /// Its private key, unencrypted PKCS#8 PEM.
    pub fn key_path(self, directory: &Path) -> PathBuf {
        directory.join(format!("{}.key", self.stem()))
    }
}

/// Who issues certificates and revokes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    Root,
    Ca,
}

impl Authority {
    /// Both, the root first.
    pub const ALL: [Self; 2] = [Self::Root, Self::Ca];

    /// The authority as a member of the tree.
    pub const fn member(self) -> Member {
        match self {
            Self::Root => Member::Root,
            Self::Ca => Member::Ca,
        }
    }

    /// Its revocation list, PEM.
    pub fn crl_path(self, directory: &Path) -> PathBuf {
        directory.join(format!("crl/{}.crl", self.member().stem()))
    }
}
