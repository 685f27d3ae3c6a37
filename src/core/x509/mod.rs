//! Certificates and CRLs (RFC 5280): bytes to types. What is wrong with the bytes is found here; whether a certificate may be
//! used is judged in [`super::path`].

pub mod access;
pub mod certificate;
pub mod crl;
pub mod extension;
pub mod name;
pub mod ocsp;
pub mod ocsp_request;
pub mod signed;
pub mod trust_anchor;

pub use certificate::Certificate;
pub use crl::CertificateList;
pub use name::Name;
pub use trust_anchor::{TrustAnchor, TrustStore};
