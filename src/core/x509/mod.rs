//! Certificates and CRLs (RFC 5280): bytes to types. What is wrong with the bytes is found here; whether a certificate may be
//! used is judged in [`super::path`].

pub mod access;
pub mod anchor_limits;
pub mod certificate;
pub mod certificate_policy;
pub mod crl;
mod crl_entry;
mod crl_extension;
pub mod distribution_point;
pub mod extension;
pub mod general_name;
pub mod name;
pub mod ocsp;
pub mod ocsp_request;
mod packed;
pub mod reason;
mod serial_index;
pub mod signed;
pub mod trust_anchor;

pub use anchor_limits::{AnchorLimits, AnchorUse};
pub use certificate::Certificate;
pub use crl::CertificateList;
pub use name::Name;
pub use trust_anchor::{Alias, TrustAnchor, TrustStore};
