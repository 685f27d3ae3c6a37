//! Private keys in hardware, by PKCS#11 (OASIS, version 2.40 and later): the key stays in its token, and only digests go there.
//!
//! `module` loads a library once for the process and logs in, `token` keeps the sessions of one token, each on a thread of its own,
//! `object` finds a key and asks it for a signature. A fault says whether the key may have signed ([`KeyFault`]).

mod fault;
mod module;
mod object;
mod pin;
mod token;

pub use fault::TokenFault;
pub use module::{TokenName, logins};
pub use object::{KeyPlace, UnsupportedKey};
pub use pin::PinSource;
pub use token::{Token, TokenSettings};

use std::sync::Arc;

use super::key::{KeyFault, PrivateKey, RsaPadding};
use crate::core::{
    algorithm::{DigestAlgorithm, SignatureAlgorithm},
    x509::Certificate,
};

use object::KeyObject;

/// A private key in a token.
pub struct TokenKey {
    token: Arc<Token>,
    object: Arc<KeyObject>,
}

impl TokenKey {
    /// The key of `certificate` at this place; `padding` counts for RSA only. Nothing is asked of the token yet.
    pub fn new(
        token: Arc<Token>,
        place: KeyPlace,
        padding: RsaPadding,
        certificate: Arc<Certificate>,
    ) -> Result<Self, UnsupportedKey> {
        Ok(Self { token, object: Arc::new(KeyObject::new(place, padding, certificate)?) })
    }

    /// The key is there, and a signature of it over a random challenge is verified by the public key of its certificate.
    pub fn prove(&self) -> Result<(), TokenFault> {
        match self.token.ask(&self.object, None) {
            Ok(_) => Ok(()),
            Err(KeyFault::NotAsked(fault) | KeyFault::Unanswered(fault)) => Err(fault),
            Err(KeyFault::Software(error)) => Err(TokenFault::Library(error.to_string())),
        }
    }
}

impl PrivateKey for TokenKey {
    fn digest_algorithm(&self) -> DigestAlgorithm {
        self.object.family().digest_algorithm()
    }

    fn signature_algorithm(&self, digest: DigestAlgorithm) -> SignatureAlgorithm {
        self.object.family().signature_algorithm(digest)
    }

    fn sign_hash(&self, digest: DigestAlgorithm, hash: &[u8]) -> Result<Vec<u8>, KeyFault> {
        self.token.ask(&self.object, Some((digest, hash.to_vec())))
    }
}
