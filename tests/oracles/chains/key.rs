//! The few keys that every chain shares; made once for the process.

use std::sync::OnceLock;

use antin::core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use antin::core::crypto::sha256;
use der::Encode;

use crate::kit::key::{Key as Private, Kind, public_key, sign};

/// A key of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// P-256, by number below [`USUAL`].
    Usual(usize),
    Rsa1024,
    P224,
}

/// P-256 keys in the pool: more than a chain and what stands beside it need.
pub const USUAL: usize = 40;

struct Pair {
    private: Private,
    /// `SubjectPublicKeyInfo`.
    public: Vec<u8>,
}

fn pair(key: Key) -> &'static Pair {
    static POOL: [OnceLock<Pair>; USUAL + 2] = [const { OnceLock::new() }; USUAL + 2];
    let (place, kind) = match key {
        Key::Usual(number) => (number, Kind::P256),
        Key::Rsa1024 => (USUAL, Kind::Rsa1024),
        Key::P224 => (USUAL + 1, Kind::P224),
    };
    POOL[place].get_or_init(|| {
        let private = kind.fresh();
        let public = public_key(&private).to_der().expect("DER");
        Pair { private, public }
    })
}

impl Key {
    pub fn public(self) -> &'static [u8] {
        &pair(self).public
    }

    /// Names the key in key identifiers.
    pub fn identifier(self) -> Vec<u8> {
        sha256(self.public())[..20].to_vec()
    }

    pub fn algorithm(self, digest: DigestAlgorithm) -> SignatureAlgorithm {
        match self {
            Self::Rsa1024 => SignatureAlgorithm::RsaPkcs1(digest),
            Self::Usual(_) | Self::P224 => SignatureAlgorithm::Ecdsa(digest),
        }
    }

    pub fn sign(self, digest: DigestAlgorithm, octets: &[u8]) -> Vec<u8> {
        sign(&pair(self).private, self.algorithm(digest), octets)
    }
}
