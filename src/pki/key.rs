//! Software keys of a development PKI: generation, PKCS#8, signatures.

use der::{Any, Decode, asn1::Null};
use openssl::{
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKey, Private},
    rsa::Rsa,
    sha::sha256,
    sign::{Signer, Verifier},
};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::error::PkiError;

/// The label of an unencrypted PKCS#8 key in PEM (RFC 7468 §10).
pub(super) const PEM_LABEL: &str = "PRIVATE KEY";

/// The kinds of key a development PKI can be made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on NIST P-256; signs with SHA-256.
    #[default]
    P256,
    /// RSA, 2048 bits; signs with SHA-256 and PKCS#1 v1.5, as the certificates of government trees do.
    Rsa2048,
    /// RSA, 3072 bits; otherwise as [`Algorithm::Rsa2048`].
    Rsa3072,
}

impl Algorithm {
    /// Every algorithm, in the order shown to people.
    pub const ALL: [Self; 3] = [Self::P256, Self::Rsa2048, Self::Rsa3072];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
        }
    }
}

/// An unencrypted private key in memory: ECDSA or RSA. It has no `Debug`, so that it is never printed by accident.
#[derive(Clone)]
pub struct PrivateKey(PKey<Private>);

impl PrivateKey {
    /// A fresh key.
    pub fn generate(algorithm: Algorithm) -> Result<Self, PkiError> {
        Ok(Self(match algorithm {
            Algorithm::P256 => {
                PKey::from_ec_key(EcKey::generate(EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?.as_ref())?)?
            }
            Algorithm::Rsa2048 => PKey::from_rsa(Rsa::generate(2048)?)?,
            Algorithm::Rsa3072 => PKey::from_rsa(Rsa::generate(3072)?)?,
        }))
    }

    /// From unencrypted PKCS#8 in DER (RFC 5208).
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, PkiError> {
        let key = PKey::private_key_from_pkcs8(bytes)?;
        match key.id() {
            Id::EC | Id::RSA => Ok(Self(key)),
            _ => Err(PkiError::KeyKind),
        }
    }

    /// As unencrypted PKCS#8 in PEM (RFC 7468 §10).
    pub fn to_pkcs8_pem(&self) -> Result<Vec<u8>, PkiError> {
        Ok(self.0.private_key_to_pem_pkcs8()?)
    }

    /// The public half, as it stands in a certificate.
    pub fn public_key(&self) -> Result<SubjectPublicKeyInfoOwned, PkiError> {
        Ok(SubjectPublicKeyInfoOwned::from_der(&self.0.public_key_to_der()?)?)
    }

    /// How [`PrivateKey::sign`] signs: `ecdsa-with-SHA256`, parameters absent (RFC 5758 §3.2), or
    /// `sha256WithRSAEncryption`, parameters NULL (RFC 4055 §5).
    pub fn signature_algorithm(&self) -> AlgorithmIdentifierOwned {
        match self.0.id() {
            Id::RSA => AlgorithmIdentifierOwned {
                oid: const_oid::db::rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
                parameters: Some(Any::from(Null)),
            },
            _ => AlgorithmIdentifierOwned { oid: const_oid::db::rfc5912::ECDSA_WITH_SHA_256, parameters: None },
        }
    }

    /// The signature over the SHA-256 of `message`, in the form certificates carry.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PkiError> {
        Ok(Signer::new(MessageDigest::sha256(), &self.0)?.sign_oneshot_to_vec(message)?)
    }

    /// Whether `signature` over `message` was made by this key with [`PrivateKey::sign`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = Verifier::new(MessageDigest::sha256(), &self.0)
            .and_then(|mut verifier| verifier.verify_oneshot(signature, message));
        // An error means bytes that are no signature at all.
        verified.unwrap_or(false)
    }
}

/// The key identifier of RFC 7093 §2 (1): the leftmost 160 bits of the SHA-256 of the public key.
/// RFC 5280 §4.2.1.2 suggests SHA-1; any unique value will do, and this one needs no SHA-1.
pub fn key_identifier(key: &SubjectPublicKeyInfoOwned) -> [u8; 20] {
    let digest = sha256(key.subject_public_key.raw_bytes());
    let mut identifier = [0; 20];
    identifier.copy_from_slice(&digest[..20]);
    identifier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_round_trips_every_algorithm() {
        for (algorithm, bits) in [(Algorithm::P256, 256), (Algorithm::Rsa2048, 2048), (Algorithm::Rsa3072, 3072)] {
            let key = PrivateKey::generate(algorithm).expect("a key");
            assert_eq!(key.0.bits(), bits);
            let armoured = key.to_pkcs8_pem().expect("PEM");
            let (label, bytes) = der::pem::decode_vec(&armoured).expect("PEM");
            assert_eq!(label, PEM_LABEL);
            let again = PrivateKey::from_pkcs8(&bytes).expect("the same key");
            assert_eq!(key.public_key().expect("public key"), again.public_key().expect("public key"));
            let signature = again.sign(b"message").expect("a signature");
            assert!(key.verify(b"message", &signature));
            assert!(!key.verify(b"massage", &signature));
            assert!(!key.verify(b"message", b"not a signature"));
        }
    }

    #[test]
    fn refuses_other_kinds_of_key() {
        let edwards = PKey::generate_ed25519().expect("a key").private_key_to_pkcs8().expect("PKCS#8");
        assert!(matches!(PrivateKey::from_pkcs8(&edwards), Err(PkiError::KeyKind)));
        assert!(matches!(PrivateKey::from_pkcs8(b""), Err(PkiError::Cryptography(_))));
    }
}
