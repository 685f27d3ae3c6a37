//! What can go wrong while a development PKI is made or changed.

use std::path::PathBuf;

use openssl::error::ErrorStack;

/// Every failure of this room: what, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The directory already holds something; nothing was written.
    #[error("{} is not empty: name a directory that is new or empty", .0.display())]
    NotEmpty(PathBuf),
    /// The base URL cannot stand in a certificate.
    #[error("base URL {0:?}: give an http:// or https:// URL of visible ASCII without query or fragment")]
    BaseUrl(String),
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
    /// A file of the wrong kind was given, or one that is far too long.
    #[error("{} is longer than {limit} bytes: not a file of this PKI", path.display())]
    TooLong { path: PathBuf, limit: u64 },
    /// The bytes are not what the name of the file promises.
    #[error("{} does not hold one {expected} in PEM{}", path.display(), if *der_allowed { " or DER" } else { "" })]
    Undecodable { path: PathBuf, expected: &'static str, der_allowed: bool },
    /// The key is neither RSA nor on an elliptic curve.
    #[error("a key of this kind cannot sign certificates here: use an ECDSA or RSA key")]
    KeyKind,
    /// Certificate and key of an issuer do not belong together.
    #[error("the issuer's private key does not belong to its certificate: restore the pair as it was made")]
    KeyMismatch,
    /// Neither the root nor the CA of this directory issued the certificate.
    #[error("{} was issued by neither the root nor the CA in {}", certificate.display(), directory.display())]
    NotIssuedHere { certificate: PathBuf, directory: PathBuf },
    /// The root itself cannot be revoked by a list that it signs.
    #[error("{} is the root: no list revokes it, take it out of the trust anchors instead", .0.display())]
    TrustAnchor(PathBuf),
    /// `remove-from-crl` for a certificate that is not on hold.
    #[error("the certificate is not on hold: only certificate-hold can be lifted")]
    NotOnHold,
    /// The revocation list on disk was not signed by the issuer it stands for.
    #[error("the revocation list was not signed by its issuer: restore the list as it was published")]
    ListNotOurs,
    /// The revocation list on disk has no usable CRLNumber.
    #[error("the revocation list has no CRLNumber below 2^127: restore the list as it was published")]
    ListNumber,
    /// A time outside 1970–9999.
    #[error("time {0} cannot be written in a certificate: it must lie between 1970 and 9999")]
    TimeRange(crate::core::time::Time),
    /// A value given for a certificate or list has no DER encoding.
    #[error("a field of the certificate or list cannot be encoded")]
    Encoding(#[from] der::Error),
    /// OpenSSL failed: no entropy, no memory, or an algorithm its configuration forbids.
    #[error("the cryptographic library failed")]
    Cryptography(#[from] ErrorStack),
}
