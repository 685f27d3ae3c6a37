//! Keys of every kind, and signatures by any algorithm: OpenSSL's, so that what signs is not what verifies.

use std::sync::OnceLock;

use antin::core::algorithm::{DigestAlgorithm, PssParameters, SignatureAlgorithm};
use antin::core::crypto::{digest, message_digest};
use antin::core::der::{Reader, tag, writer};
use antin::core::oid;
use antin::core::x509::Certificate;
use der::Decode;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::RsaPssSaltlen;
use spki::SubjectPublicKeyInfoOwned;

pub type Key = PKey<Private>;

/// A kind of key; [`Kind::key`] makes one for the whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    P256,
    P384,
    P521,
    /// Good curves that the profile does not list.
    P224,
    Secp256k1,
    Rsa1024,
    Rsa2048,
    /// 2048 bits, public exponent 3.
    Rsa2048Exponent3,
    Rsa3072,
    Rsa4096,
}

impl Kind {
    /// The one key of this kind.
    pub fn key(self) -> &'static Key {
        static KEYS: [OnceLock<Key>; 10] = [const { OnceLock::new() }; 10];
        KEYS[self as usize].get_or_init(|| self.fresh())
    }

    /// Another key of this kind.
    pub fn fresh(self) -> Key {
        match self {
            Self::P256 => elliptic(Nid::X9_62_PRIME256V1),
            Self::P384 => elliptic(Nid::SECP384R1),
            Self::P521 => elliptic(Nid::SECP521R1),
            Self::P224 => elliptic(Nid::SECP224R1),
            Self::Secp256k1 => elliptic(Nid::SECP256K1),
            Self::Rsa1024 => rsa(1024, 65_537),
            Self::Rsa2048 => rsa(2048, 65_537),
            Self::Rsa2048Exponent3 => rsa(2048, 3),
            Self::Rsa3072 => rsa(3072, 65_537),
            Self::Rsa4096 => rsa(4096, 65_537),
        }
    }

    pub const fn is_rsa(self) -> bool {
        !matches!(self, Self::P256 | Self::P384 | Self::P521 | Self::P224 | Self::Secp256k1)
    }
}

fn elliptic(curve: Nid) -> Key {
    let group = EcGroup::from_curve_name(curve).expect("a curve of OpenSSL");
    PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key")
}

fn rsa(bits: u32, exponent: u32) -> Key {
    let exponent = BigNum::from_u32(exponent).expect("a number");
    PKey::from_rsa(Rsa::generate_with_e(bits, &exponent).expect("a key")).expect("a key")
}

/// The public half, as certificates carry it.
pub fn public_key(key: &Key) -> SubjectPublicKeyInfoOwned {
    public_key_from(&key.public_key_to_der().expect("a public key"))
}

/// Any encoded `SubjectPublicKeyInfo`, right or wrong in its numbers.
pub fn public_key_from(der: &[u8]) -> SubjectPublicKeyInfoOwned {
    SubjectPublicKeyInfoOwned::from_der(der).expect("a SubjectPublicKeyInfo")
}

/// An RSA key as `id-RSASSA-PSS`: restricted to PSS, and to these parameters if given (RFC 4055 §1.2).
pub fn restricted_to_pss(key: &Key, parameters: Option<PssParameters>) -> SubjectPublicKeyInfoOwned {
    let algorithm = match parameters {
        Some(parameters) => SignatureAlgorithm::RsaPss(parameters).encode(),
        None => writer::sequence(&[&writer::object_identifier(oid::RSA_PSS)]),
    };
    let numbers = key.rsa().expect("an RSA key").public_key_to_der_pkcs1().expect("a public key");
    let bits = writer::concatenated(tag::BIT_STRING, &[&[0], &numbers]);
    public_key_from(&writer::sequence(&[&algorithm, &bits]))
}

/// A public RSA key of any two numbers, big-endian.
pub fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> SubjectPublicKeyInfoOwned {
    let algorithm = writer::sequence(&[&writer::object_identifier(oid::RSA_ENCRYPTION), &[tag::NULL, 0]]);
    let numbers = writer::sequence(&[&writer::unsigned(modulus), &writer::unsigned(exponent)]);
    let bits = writer::concatenated(tag::BIT_STRING, &[&[0], &numbers]);
    public_key_from(&writer::sequence(&[&algorithm, &bits]))
}

/// PSS with one digest for all and a salt of `salt_length` octets.
pub const fn pss(digest: DigestAlgorithm, salt_length: u32) -> SignatureAlgorithm {
    SignatureAlgorithm::RsaPss(PssParameters { digest, mask_digest: digest, salt_length })
}

/// The signature over `octets`.
pub fn sign(key: &Key, algorithm: SignatureAlgorithm, octets: &[u8]) -> Vec<u8> {
    sign_digest(key, algorithm, &digest(algorithm.digest(), octets))
}

/// The signature over octets whose digest is `digest`.
pub fn sign_digest(key: &Key, algorithm: SignatureAlgorithm, digest: &[u8]) -> Vec<u8> {
    let sign = || -> Result<Vec<u8>, openssl::error::ErrorStack> {
        let mut operation = PkeyCtx::new(key)?;
        operation.sign_init()?;
        match algorithm {
            SignatureAlgorithm::Ecdsa(_) => {}
            SignatureAlgorithm::RsaPkcs1(digest) => {
                operation.set_rsa_padding(Padding::PKCS1)?;
                operation.set_signature_md(message_digest(digest))?;
            }
            SignatureAlgorithm::RsaPss(parameters) => {
                operation.set_rsa_padding(Padding::PKCS1_PSS)?;
                operation.set_signature_md(message_digest(parameters.digest))?;
                operation.set_rsa_mgf1_md(message_digest(parameters.mask_digest))?;
                operation.set_rsa_pss_saltlen(RsaPssSaltlen::custom(parameters.salt_length as i32))?;
            }
        }
        let mut signature = Vec::new();
        operation.sign_to_vec(digest, &mut signature)?;
        Ok(signature)
    };
    sign().expect("OpenSSL signs")
}

/// The RSA private operation on an encoded message of the modulus' length: a signature with any padding whatever.
pub fn sign_padded(key: &Key, encoded_message: &[u8]) -> Vec<u8> {
    let rsa = key.rsa().expect("an RSA key");
    let mut signature = vec![0; rsa.size() as usize];
    let length =
        rsa.private_encrypt(encoded_message, &mut signature, Padding::NONE).expect("a number below the modulus");
    signature.truncate(length);
    signature
}

/// The same certificate, whose ECDSA signature (r, s) is now (r, n - s): anybody can make it, and it holds as well.
pub fn twin(certificate: &Certificate, issuer: &Certificate) -> Vec<u8> {
    let key = PKey::public_key_from_der(issuer.subject_public_key_info()).and_then(|key| key.ec_key()).expect("a key");
    let value = EcdsaSig::from_der(certificate.signature()).expect("a value");
    let (mut order, mut scratch) = (BigNum::new().expect("a number"), BigNumContext::new().expect("scratch"));
    key.group().order(&mut order, &mut scratch).expect("the order");
    let r = value.r().to_owned().expect("a number");
    let value = EcdsaSig::from_private_components(r, &order - value.s()).and_then(|value| value.to_der());
    let mut parts = Reader::single(certificate.der(), tag::SEQUENCE).expect("a certificate").reader();
    let (signed, algorithm) = (parts.read().expect("what is signed").raw, parts.read().expect("an algorithm").raw);
    let value = [&[0][..], &value.expect("a value")].concat();
    writer::sequence(&[signed, algorithm, &writer::element(tag::BIT_STRING, &value)])
}
