//! Private keys, and those in files: unencrypted PKCS#8 PEM, for development and for small offices. Keys in hardware are in
//! [`super::pkcs11`].

use openssl::bn::BigNumContext;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;

use super::pkcs11::TokenFault;
use crate::core::algorithm::{DigestAlgorithm, PssParameters, SignatureAlgorithm};
use crate::core::crypto;
use crate::core::x509::Certificate;

/// How an RSA key signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RsaPadding {
    /// RSASSA-PSS, salt as long as the digest (Circular 15/2025).
    #[default]
    Pss,
    /// RSASSA-PKCS1-v1_5, for recipients that know nothing else.
    Pkcs1,
}

/// A private key, wherever it lies.
pub trait PrivateKey: Send + Sync {
    /// The digest that fits the key's strength.
    fn digest_algorithm(&self) -> DigestAlgorithm;

    /// The algorithm with which this key signs when content is hashed with `digest`.
    fn signature_algorithm(&self, digest: DigestAlgorithm) -> SignatureAlgorithm;

    /// The signature value over content whose digest is `hash`. May block, for as long as the key's settings say.
    fn sign_hash(&self, digest: DigestAlgorithm, hash: &[u8]) -> Result<Vec<u8>, KeyFault>;

    /// The signature value over `octets`, likewise.
    fn sign(&self, digest: DigestAlgorithm, octets: &[u8]) -> Result<Vec<u8>, KeyFault> {
        self.sign_hash(digest, &crypto::digest(digest, octets))
    }
}

/// Why a key gave no signature.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// In this process.
    #[error(transparent)]
    Software(#[from] ErrorStack),
    /// The token was not told to sign: it is sure that no signature exists.
    #[error(transparent)]
    NotAsked(TokenFault),
    /// The token was told to sign: a signature may exist.
    #[error(transparent)]
    Unanswered(TokenFault),
}

/// Why a file is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("not an unencrypted PKCS#8 private key in PEM (BEGIN PRIVATE KEY)")]
    Encoding(#[source] ErrorStack),
    #[error("the private key is encrypted: decrypt it first (openssl pkey) or use a key that is not")]
    Encrypted,
    #[error("{0}: use ECDSA P-256, P-384 or P-521, or RSA from 2048 bits")]
    Unsupported(&'static str),
    #[error("the private key does not belong to the certificate of {subject}")]
    OtherCertificate { subject: String },
}

/// A private key in memory.
pub struct SoftwareKey {
    key: PKey<Private>,
    family: Family,
    digest: DigestAlgorithm,
}

enum Family {
    Ec(openssl::ec::EcKey<Private>),
    Rsa(RsaPadding),
}

impl SoftwareKey {
    /// From PEM; `padding` counts for RSA only. The key must be that of `certificate`.
    pub fn from_pem(pem: &[u8], padding: RsaPadding, certificate: &Certificate) -> Result<Self, KeyError> {
        if pem.windows(9).any(|window| window == b"ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        // The callback keeps OpenSSL from asking for a passphrase on a terminal.
        let key = PKey::private_key_from_pem_callback(pem, |_| Ok(0)).map_err(KeyError::Encoding)?;
        let public = key.public_key_to_der().map_err(KeyError::Encoding)?;
        if !same_key(&key, certificate) && public != certificate.subject_public_key_info() {
            return Err(KeyError::OtherCertificate { subject: certificate.subject.to_string() });
        }
        let (family, digest) = match key.id() {
            Id::EC => {
                let ec = key.ec_key().map_err(KeyError::Encoding)?;
                let digest = match ec.group().curve_name() {
                    Some(Nid::X9_62_PRIME256V1) => DigestAlgorithm::Sha256,
                    Some(Nid::SECP384R1) => DigestAlgorithm::Sha384,
                    Some(Nid::SECP521R1) => DigestAlgorithm::Sha512,
                    _ => return Err(KeyError::Unsupported("an unknown curve")),
                };
                (Family::Ec(ec), digest)
            }
            Id::RSA if key.bits() >= 2048 => (Family::Rsa(padding), DigestAlgorithm::Sha256),
            Id::RSA => return Err(KeyError::Unsupported("an RSA key under 2048 bits")),
            _ => return Err(KeyError::Unsupported("an unknown type of key")),
        };
        Ok(Self { key, family, digest })
    }
}

impl PrivateKey for SoftwareKey {
    fn digest_algorithm(&self) -> DigestAlgorithm {
        self.digest
    }

    fn signature_algorithm(&self, digest: DigestAlgorithm) -> SignatureAlgorithm {
        match self.family {
            Family::Ec(_) => SignatureAlgorithm::Ecdsa(digest),
            Family::Rsa(RsaPadding::Pkcs1) => SignatureAlgorithm::RsaPkcs1(digest),
            Family::Rsa(RsaPadding::Pss) => SignatureAlgorithm::RsaPss(PssParameters {
                digest,
                mask_digest: digest,
                salt_length: digest.length() as u32,
            }),
        }
    }

    fn sign_hash(&self, digest: DigestAlgorithm, hash: &[u8]) -> Result<Vec<u8>, KeyFault> {
        let padding = match &self.family {
            Family::Ec(key) => return Ok(EcdsaSig::sign(hash, key)?.to_der()?),
            Family::Rsa(padding) => *padding,
        };
        let mut operation = PkeyCtx::new(&self.key)?;
        operation.sign_init()?;
        operation.set_rsa_padding(match padding {
            RsaPadding::Pss => Padding::PKCS1_PSS,
            RsaPadding::Pkcs1 => Padding::PKCS1,
        })?;
        operation.set_signature_md(crypto::message_digest(digest))?;
        if padding == RsaPadding::Pss {
            operation.set_rsa_mgf1_md(crypto::message_digest(digest))?;
            operation.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
        let mut signature = Vec::new();
        operation.sign_to_vec(hash, &mut signature)?;
        Ok(signature)
    }
}

/// Compares the public numbers; the encodings of one key can differ (compressed points).
fn same_key(key: &PKey<Private>, certificate: &Certificate) -> bool {
    let same = || -> Result<bool, ErrorStack> {
        let public = PKey::public_key_from_der(certificate.subject_public_key_info())?;
        if let (Ok(own), Ok(theirs)) = (key.ec_key(), public.ec_key()) {
            let mut scratch = BigNumContext::new()?;
            return own.public_key().eq(own.group(), theirs.public_key(), &mut scratch);
        }
        Ok(key.public_eq(&public))
    };
    same().unwrap_or(false)
}
