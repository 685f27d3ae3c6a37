//! Cryptographic Message Syntax (RFC 5652) with the attributes of CAdES (EN 319 122-1): bytes to types and back. What the types
//! mean for a verdict is judged in [`super::validation`].

pub mod add_evidence;
pub mod add_signer;
pub mod archive;
pub mod attributes;
pub mod build;
pub mod document_reference;
pub mod embed;
mod rewrite;
pub mod signed_data;
pub mod signing_certificate;
pub mod timestamp;
pub mod timestamp_exchange;
pub mod unsigned;

pub use signed_data::{CmsError, SignedData, SignerIdentifier, SignerInfo, UnsignedAttribute};
