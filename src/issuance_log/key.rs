//! Keys of logs and witnesses.

use openssl::pkey::PKey;

use super::NoteSigner;
use crate::core::log::{KeyKind, LogFault};

/// A new Ed25519 key of this name: PKCS#8 in PEM, and the line by which what it signs is verified.
///
/// # Errors
/// [`LogFault`]: the name is none, or the machine gives no key.
pub fn generate(name: &str, kind: KeyKind) -> Result<(Vec<u8>, String), LogFault> {
    let pem = PKey::generate_ed25519().and_then(|key| key.private_key_to_pem_pkcs8());
    let pem = pem.map_err(|_| LogFault::Key { name: name.to_owned() })?;
    let signer = NoteSigner::from_pem(name, kind, &pem)?;
    Ok((pem, format!("{}\n", signer.verifier())))
}
