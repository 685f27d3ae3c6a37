//! Digest and signature primitives, computed by OpenSSL; keys are taken apart here first, so that no C parser sees
//! attacker-controlled ASN.1.

use std::sync::LazyLock;

use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::RsaPssSaltlen;

use super::algorithm::{AlgorithmIdentifier, DigestAlgorithm, KeyStrength, PssParameters, SignatureAlgorithm};
use super::der::{DerError, Reader, tag};
use super::oid;

/// Smallest and largest RSA modulus that is computed with, in bits; what is *accepted* is the policy's business.
const RSA_BITS: std::ops::RangeInclusive<usize> = 512..=8192;
/// Longest RSA public exponent, in octets.
const RSA_EXPONENT_OCTETS: usize = 8;

/// Octets of the longest digest.
const DIGEST_OCTETS: usize = 64;

/// Digest of `data`.
pub fn digest(algorithm: DigestAlgorithm, data: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(data);
    hasher.finish()
}

/// Nothing that protects: for checksums that formats prescribe. `None`: this machine's OpenSSL computes none.
pub fn md5(data: &[u8]) -> Option<[u8; 16]> {
    let digest = openssl::hash::hash(openssl::hash::MessageDigest::md5(), data).ok()?;
    digest.as_ref().try_into().ok()
}

/// SHA-256, the digest by which antin names bytes. OpenSSL's one-shot function would look the algorithm up each time.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hasher = openssl::sha::Sha256::new();
    hasher.update(data);
    hasher.finish()
}

/// A digest over data that arrives in pieces. A copy goes on from where this one is.
#[derive(Clone)]
pub enum Hasher {
    Sha1(Box<openssl::sha::Sha1>),
    Sha224(Box<openssl::sha::Sha224>),
    Sha256(Box<openssl::sha::Sha256>),
    Sha384(Box<openssl::sha::Sha384>),
    Sha512(Box<openssl::sha::Sha512>),
    Sha3(Box<openssl::hash::Hasher>),
}

impl Hasher {
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        let sha3 = |digest: MessageDigest| {
            let hasher = openssl::hash::Hasher::new(digest).expect("OpenSSL 3 has SHA-3 in its default provider");
            Self::Sha3(Box::new(hasher))
        };
        match algorithm {
            DigestAlgorithm::Sha1 => Self::Sha1(Box::default()),
            DigestAlgorithm::Sha224 => Self::Sha224(Box::default()),
            DigestAlgorithm::Sha256 => Self::Sha256(Box::default()),
            DigestAlgorithm::Sha384 => Self::Sha384(Box::default()),
            DigestAlgorithm::Sha512 => Self::Sha512(Box::default()),
            DigestAlgorithm::Sha3_256 => sha3(MessageDigest::sha3_256()),
            DigestAlgorithm::Sha3_384 => sha3(MessageDigest::sha3_384()),
            DigestAlgorithm::Sha3_512 => sha3(MessageDigest::sha3_512()),
        }
    }

    pub fn update(&mut self, data: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(data),
            Self::Sha224(hasher) => hasher.update(data),
            Self::Sha256(hasher) => hasher.update(data),
            Self::Sha384(hasher) => hasher.update(data),
            Self::Sha512(hasher) => hasher.update(data),
            Self::Sha3(hasher) => hasher.update(data).expect("hashing memory cannot fail"),
        }
    }

    pub fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(hasher) => hasher.finish().to_vec(),
            Self::Sha224(hasher) => hasher.finish().to_vec(),
            Self::Sha256(hasher) => hasher.finish().to_vec(),
            Self::Sha384(hasher) => hasher.finish().to_vec(),
            Self::Sha512(hasher) => hasher.finish().to_vec(),
            Self::Sha3(mut hasher) => hasher.finish().expect("hashing memory cannot fail").to_vec(),
        }
    }
}

/// What a signature by `algorithm` over some data is computed from, when the data itself need not be kept.
#[derive(Clone, Copy, Debug)]
pub struct SignedDigest {
    algorithm: SignatureAlgorithm,
    /// The digest, and zeros behind it.
    octets: [u8; DIGEST_OCTETS],
    length: usize,
}

impl SignedDigest {
    /// Of all of the data, by the digest that belongs to the signature algorithm.
    pub fn new(algorithm: SignatureAlgorithm, data: &[u8]) -> Self {
        let mut signed = Self { algorithm, octets: [0; DIGEST_OCTETS], length: 0 };
        let mut keep = |digest: &[u8]| {
            signed.octets[..digest.len()].copy_from_slice(digest);
            signed.length = digest.len();
        };
        match algorithm.digest() {
            DigestAlgorithm::Sha256 => keep(&sha256(data)),
            other => keep(&digest(other, data)),
        }
        signed
    }

    fn octets(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    /// The SHA-256 of the data, if that is the digest.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        match self.algorithm.digest() {
            DigestAlgorithm::Sha256 => self.octets().try_into().ok(),
            _ => None,
        }
    }
}

/// Proof that a signature value was verified with a public key. Made only by [`PublicKey::verify`] and
/// [`PublicKey::verify_signed`].
#[derive(Debug)]
pub struct SignatureVerified(());

/// Why a signature value does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureFault {
    /// The key is of another type than the algorithm needs, or is restricted to other parameters (RFC 4055 §1.2).
    KeyMismatch,
    /// The value is not written as the algorithm demands (length, DER of `Ecdsa-Sig-Value`).
    Encoding,
    /// The value is well written and wrong.
    Value,
}

/// Why a public key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// Not the structure its type demands.
    Encoding(DerError),
    /// A key type or curve that nothing here computes; the dotted identifier.
    Unknown(String),
    /// Domain parameters written out instead of a named curve (RFC 5480 §2.1.1 forbids them).
    ExplicitParameters,
    /// Numbers that are no key: a point off the curve, an even modulus, sizes beyond all use.
    Numbers,
}

impl From<DerError> for KeyFault {
    fn from(error: DerError) -> Self {
        Self::Encoding(error)
    }
}

/// The curves, set up once.
static P256: LazyLock<EcGroup> = LazyLock::new(|| curve(Nid::X9_62_PRIME256V1));
static P384: LazyLock<EcGroup> = LazyLock::new(|| curve(Nid::SECP384R1));
static P521: LazyLock<EcGroup> = LazyLock::new(|| curve(Nid::SECP521R1));

fn curve(name: Nid) -> EcGroup {
    EcGroup::from_curve_name(name).expect("OpenSSL knows the NIST curves")
}

/// A public key ready for use.
pub struct PublicKey {
    kind: Kind,
    strength: KeyStrength,
}

enum Kind {
    Ec(EcKey<Public>),
    Rsa { key: PKey<Public>, octets: usize, restriction: Restriction },
}

/// What an RSA key may be used with.
enum Restriction {
    None,
    /// `id-RSASSA-PSS`: PSS only, and with at least these parameters if given (RFC 4055 §1.2).
    Pss(Option<PssParameters>),
}

impl PublicKey {
    /// From a `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7, RFC 5480, RFC 4055).
    pub fn decode(subject_public_key_info: &[u8]) -> Result<Self, KeyFault> {
        let info = Reader::single(subject_public_key_info, tag::SEQUENCE)?;
        let mut reader = info.reader();
        let algorithm = AlgorithmIdentifier::decode(reader.read()?)?;
        let key = reader.expect(tag::BIT_STRING)?.bit_string_octets()?;
        reader.finish()?;
        match algorithm.oid {
            oid::EC_PUBLIC_KEY => Self::elliptic(&algorithm, key),
            oid::RSA_ENCRYPTION if algorithm.parameters_absent_or_null() => Self::rsa(key, Restriction::None),
            oid::RSA_PSS => {
                let restriction = match algorithm.parameters {
                    Some(parameters) => {
                        let known = PssParameters::decode(parameters)?;
                        Some(known.map_err(|unknown| KeyFault::Unknown(unknown.0))?)
                    }
                    None => None,
                };
                Self::rsa(key, Restriction::Pss(restriction))
            }
            other => Err(KeyFault::Unknown(oid::dotted(other))),
        }
    }

    fn elliptic(algorithm: &AlgorithmIdentifier<'_>, point: &[u8]) -> Result<Self, KeyFault> {
        let parameters = algorithm.parameters.ok_or(KeyFault::ExplicitParameters)?;
        if parameters.tag != tag::OBJECT_IDENTIFIER {
            return Err(KeyFault::ExplicitParameters);
        }
        let (group, bits): (&EcGroup, u32) = match parameters.object_identifier()? {
            oid::P256 => (&P256, 256),
            oid::P384 => (&P384, 384),
            oid::P521 => (&P521, 521),
            other => return Err(KeyFault::Unknown(oid::dotted(other))),
        };
        // Uncompressed or compressed; the hybrid and infinity forms are no keys (RFC 5480 §2.2).
        if !matches!(point.first(), Some(0x02..=0x04)) {
            return Err(KeyFault::Numbers);
        }
        // The curves have cofactor one: a point on the curve that is not infinity is a key (SP 800-56A §5.6.2.3.4).
        let key = || -> Result<EcKey<Public>, ErrorStack> {
            let mut scratch = openssl::bn::BigNumContext::new()?;
            let point = EcPoint::from_bytes(group, point, &mut scratch)?;
            EcKey::from_public_key(group, &point)
        };
        let key = key().map_err(|_| KeyFault::Numbers)?;
        Ok(Self { kind: Kind::Ec(key), strength: KeyStrength::Ec(bits) })
    }

    fn rsa(key: &[u8], restriction: Restriction) -> Result<Self, KeyFault> {
        let key = Reader::single(key, tag::SEQUENCE)?;
        let (modulus, exponent) = key.read_all(|reader| {
            let modulus = reader.expect(tag::INTEGER)?.unsigned()?;
            let exponent = reader.expect(tag::INTEGER)?.unsigned()?;
            Ok::<_, DerError>((modulus, exponent))
        })?;
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
        let odd = |number: &[u8]| number.last().is_some_and(|octet| octet & 1 == 1);
        let usable = RSA_BITS.contains(&bits)
            && odd(modulus)
            && odd(exponent)
            && exponent != [1]
            && exponent.len() <= RSA_EXPONENT_OCTETS;
        if !usable {
            return Err(KeyFault::Numbers);
        }
        let key = || -> Result<PKey<Public>, ErrorStack> {
            let numbers = Rsa::from_public_components(BigNum::from_slice(modulus)?, BigNum::from_slice(exponent)?)?;
            PKey::from_rsa(numbers)
        };
        let key = key().map_err(|_| KeyFault::Numbers)?;
        let kind = Kind::Rsa { key, octets: modulus.len(), restriction };
        Ok(Self { kind, strength: KeyStrength::Rsa(bits as u32) })
    }

    pub const fn strength(&self) -> KeyStrength {
        self.strength
    }

    /// Verifies `signature` over `data`.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        data: &[u8],
        signature: &[u8],
    ) -> Result<SignatureVerified, SignatureFault> {
        self.verify_signed(&SignedDigest::new(algorithm, data), signature)
    }

    /// Verifies `signature` over the data whose digest is `signed`.
    pub fn verify_signed(&self, signed: &SignedDigest, signature: &[u8]) -> Result<SignatureVerified, SignatureFault> {
        self.verify_digest(signed.algorithm, signed.octets(), signature)
    }

    /// Verifies `signature` over data whose digest, by the algorithm's digest, is `digest`.
    pub fn verify_digest(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<SignatureVerified, SignatureFault> {
        let genuine = match (&self.kind, algorithm) {
            (Kind::Ec(key), SignatureAlgorithm::Ecdsa(_)) => verify_ecdsa(key, digest, signature)?,
            (Kind::Rsa { octets, .. }, _) if signature.len() != *octets => return Err(SignatureFault::Encoding),
            (Kind::Rsa { key, restriction: Restriction::None, .. }, SignatureAlgorithm::RsaPkcs1(algorithm)) => {
                verify_rsa(key, algorithm, None, digest, signature)
            }
            (Kind::Rsa { key, restriction, .. }, SignatureAlgorithm::RsaPss(parameters)) => {
                if let Restriction::Pss(Some(least)) = restriction
                    && (parameters.digest != least.digest
                        || parameters.mask_digest != least.mask_digest
                        || parameters.salt_length < least.salt_length)
                {
                    return Err(SignatureFault::KeyMismatch);
                }
                verify_rsa(key, parameters.digest, Some(parameters), digest, signature)
            }
            _ => return Err(SignatureFault::KeyMismatch),
        };
        if genuine { Ok(SignatureVerified(())) } else { Err(SignatureFault::Value) }
    }
}

/// `Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }`, strict DER; the range of r and s is OpenSSL's check.
fn verify_ecdsa(key: &EcKey<Public>, digest: &[u8], signature: &[u8]) -> Result<bool, SignatureFault> {
    let numbers = || -> Result<(&[u8], &[u8]), DerError> {
        Reader::single(signature, tag::SEQUENCE)?
            .read_all(|reader| Ok((reader.expect(tag::INTEGER)?.unsigned()?, reader.expect(tag::INTEGER)?.unsigned()?)))
    };
    let (r, s) = numbers().map_err(|_| SignatureFault::Encoding)?;
    let octets = (key.group().order_bits() as usize).div_ceil(8);
    if r.len() > octets || s.len() > octets {
        return Err(SignatureFault::Value);
    }
    let verify =
        || EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?.verify(digest, key);
    Ok(verify().unwrap_or(false))
}

fn verify_rsa(
    key: &PKey<Public>,
    digest_algorithm: DigestAlgorithm,
    pss: Option<PssParameters>,
    digest: &[u8],
    signature: &[u8],
) -> bool {
    let verify = || -> Result<bool, ErrorStack> {
        let mut operation = PkeyCtx::new(key)?;
        operation.verify_init()?;
        operation.set_rsa_padding(if pss.is_some() { Padding::PKCS1_PSS } else { Padding::PKCS1 })?;
        operation.set_signature_md(message_digest(digest_algorithm))?;
        if let Some(parameters) = pss {
            operation.set_rsa_mgf1_md(message_digest(parameters.mask_digest))?;
            operation.set_rsa_pss_saltlen(RsaPssSaltlen::custom(parameters.salt_length as i32))?;
        }
        operation.verify(digest, signature)
    };
    // OpenSSL reports a wrong signature and an impossible one alike, as false or as an error on its stack.
    verify().unwrap_or(false)
}

/// OpenSSL's object for a digest algorithm.
pub fn message_digest(algorithm: DigestAlgorithm) -> &'static openssl::md::MdRef {
    use openssl::md::Md;
    match algorithm {
        DigestAlgorithm::Sha1 => Md::sha1(),
        DigestAlgorithm::Sha224 => Md::sha224(),
        DigestAlgorithm::Sha256 => Md::sha256(),
        DigestAlgorithm::Sha384 => Md::sha384(),
        DigestAlgorithm::Sha512 => Md::sha512(),
        DigestAlgorithm::Sha3_256 => Md::sha3_256(),
        DigestAlgorithm::Sha3_384 => Md::sha3_384(),
        DigestAlgorithm::Sha3_512 => Md::sha3_512(),
    }
}
