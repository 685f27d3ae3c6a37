//! Which algorithms exist here, how they are written, and which are still good enough (TS 119 312 in spirit: what is not
//! listed is not accepted).

use std::fmt;

use super::der::{DerError, DerFault, Reader, Tlv, tag};
use super::oid;
use super::time::Time;

/// How long an algorithm or a size of key is accepted; judged at the validation time, which may lie far from today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lifetime {
    /// Too weak, whatever the time: nothing here proves that it was used while it was good enough.
    Never,
    /// To this second.
    Until(Time),
    Unlimited,
}

impl Lifetime {
    pub fn holds_at(self, time: Time) -> bool {
        match self {
            Self::Never => false,
            Self::Until(end) => time <= end,
            Self::Unlimited => true,
        }
    }
}

/// Digests, and until when: SHA-2 from 256 bits and SHA-3 (Circular 15/2025); all others never.
const DIGESTS: [(DigestAlgorithm, Lifetime); 6] = [
    (DigestAlgorithm::Sha256, Lifetime::Unlimited),
    (DigestAlgorithm::Sha384, Lifetime::Unlimited),
    (DigestAlgorithm::Sha512, Lifetime::Unlimited),
    (DigestAlgorithm::Sha3_256, Lifetime::Unlimited),
    (DigestAlgorithm::Sha3_384, Lifetime::Unlimited),
    (DigestAlgorithm::Sha3_512, Lifetime::Unlimited),
];

/// The last second of 2030, when keys of some 112 bits of security end.
const END_OF_2030: Time = Time::from_unix(1_924_991_999);

/// RSA keys from this many bits on, and until when: the first line that fits. Smaller ones never (Circular 15/2025, TS 119 312).
const RSA_KEYS: [(u32, Lifetime); 2] = [(3072, Lifetime::Unlimited), (2048, Lifetime::Until(END_OF_2030))];

/// Keys on curves of this order on, likewise.
const EC_KEYS: [(u32, Lifetime); 1] = [(256, Lifetime::Unlimited)];

/// What a key's resistance depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStrength {
    /// Modulus bits.
    Rsa(u32),
    /// Bits of the curve's order.
    Ec(u32),
}

impl KeyStrength {
    pub fn lifetime(self) -> Lifetime {
        let (limits, bits): (&[(u32, Lifetime)], u32) = match self {
            Self::Rsa(bits) => (&RSA_KEYS, bits),
            Self::Ec(bits) => (&EC_KEYS, bits),
        };
        limits.iter().find(|(from, _)| bits >= *from).map_or(Lifetime::Never, |(_, lifetime)| *lifetime)
    }

    /// Accepted at any time at all.
    pub fn is_acceptable(self) -> bool {
        self.lifetime() != Lifetime::Never
    }
}

/// Digest algorithms that can be computed. SHA-1 and SHA-224 are here so that a verdict can say "too weak" instead of
/// "unknown"; [`DigestAlgorithm::is_acceptable`] refuses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

impl DigestAlgorithm {
    pub const ALL: [Self; 8] = [
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
    ];

    /// Content octets of its object identifier.
    pub const fn oid(self) -> &'static [u8] {
        match self {
            Self::Sha1 => oid::SHA_1,
            Self::Sha224 => oid::SHA_224,
            Self::Sha256 => oid::SHA_256,
            Self::Sha384 => oid::SHA_384,
            Self::Sha512 => oid::SHA_512,
            Self::Sha3_256 => oid::SHA3_256,
            Self::Sha3_384 => oid::SHA3_384,
            Self::Sha3_512 => oid::SHA3_512,
        }
    }

    /// By the content octets of an object identifier.
    pub fn from_oid(content: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.oid() == content)
    }

    /// The name used in the API and in reports, as in `sha-256`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha-1",
            Self::Sha224 => "sha-224",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
            Self::Sha3_256 => "sha3-256",
            Self::Sha3_384 => "sha3-384",
            Self::Sha3_512 => "sha3-512",
        }
    }

    /// By [`DigestAlgorithm::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Octets of a digest.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 | Self::Sha3_256 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 => 64,
        }
    }

    /// How long signatures over it are accepted: only while it resists collisions.
    pub fn lifetime(self) -> Lifetime {
        DIGESTS.iter().find(|(digest, _)| *digest == self).map_or(Lifetime::Never, |(_, lifetime)| *lifetime)
    }

    /// Accepted at any time at all.
    pub fn is_acceptable(self) -> bool {
        self.lifetime() != Lifetime::Never
    }

    /// Decodes an `AlgorithmIdentifier` of a digest: parameters absent or NULL (RFC 5754 §2).
    pub fn decode(identifier: Tlv<'_>) -> Result<Result<Self, UnknownAlgorithm>, DerError> {
        let identifier = AlgorithmIdentifier::decode(identifier)?;
        if !identifier.parameters_absent_or_null() {
            return Ok(Err(UnknownAlgorithm(oid::dotted(identifier.oid))));
        }
        Ok(Self::from_oid(identifier.oid).ok_or_else(|| UnknownAlgorithm(oid::dotted(identifier.oid))))
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// An algorithm, or parameters of one, that nothing here computes; the dotted identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm(pub String);

/// `AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }` (RFC 5280 §4.1.1.2).
#[derive(Clone, Copy, Debug)]
pub struct AlgorithmIdentifier<'a> {
    pub oid: &'a [u8],
    pub parameters: Option<Tlv<'a>>,
    /// The whole encoding.
    pub raw: &'a [u8],
}

impl<'a> AlgorithmIdentifier<'a> {
    pub fn decode(element: Tlv<'a>) -> Result<Self, DerError> {
        element.of(tag::SEQUENCE)?.read_all(|reader| {
            let oid = reader.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?;
            let parameters = if reader.is_empty() { None } else { Some(reader.read()?) };
            Ok(Self { oid, parameters, raw: element.raw })
        })
    }

    pub fn parameters_absent_or_null(&self) -> bool {
        self.parameters.is_none_or(|parameters| parameters.raw == [tag::NULL, 0])
    }
}

/// RSASSA-PSS parameters (RFC 4055 §3.1); the trailer field can only be 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PssParameters {
    pub digest: DigestAlgorithm,
    pub mask_digest: DigestAlgorithm,
    /// Octets.
    pub salt_length: u32,
}

/// Longest salt that can fit the largest key accepted.
const SALT_LENGTH_LIMIT: u32 = 512;

impl PssParameters {
    /// Decodes `RSASSA-PSS-params`; every absent field has the SHA-1 default of RFC 4055.
    pub fn decode(element: Tlv<'_>) -> Result<Result<Self, UnknownAlgorithm>, DerError> {
        element.of(tag::SEQUENCE)?.read_all(|reader| {
            let digest = match reader.optional(tag::context(0))? {
                Some(field) => DigestAlgorithm::decode(field.inner(tag::SEQUENCE)?)?,
                None => Ok(DigestAlgorithm::Sha1),
            };
            let mask_digest = match reader.optional(tag::context(1))? {
                Some(field) => {
                    let mask = AlgorithmIdentifier::decode(field.inner(tag::SEQUENCE)?)?;
                    match mask.parameters {
                        Some(parameters) if mask.oid == oid::MGF1 => DigestAlgorithm::decode(parameters)?,
                        _ => Err(UnknownAlgorithm(oid::dotted(mask.oid))),
                    }
                }
                None => Ok(DigestAlgorithm::Sha1),
            };
            let salt_length = match reader.optional(tag::context(2))? {
                Some(field) => field.inner(tag::INTEGER)?.small()?,
                None => 20,
            };
            if let Some(field) = reader.optional(tag::context(3))?
                && field.inner(tag::INTEGER)?.small()? != 1
            {
                return Ok(Err(UnknownAlgorithm(oid::dotted(oid::RSA_PSS))));
            }
            if salt_length > SALT_LENGTH_LIMIT {
                return Err(element.error(DerFault::Limit));
            }
            Ok(digest.and_then(|digest| Ok(Self { digest, mask_digest: mask_digest?, salt_length })))
        })
    }
}

/// A signature algorithm with all that is needed to compute it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS (RFC 8017 §8.1).
    RsaPss(PssParameters),
    /// ECDSA (FIPS 186-5 §6).
    Ecdsa(DigestAlgorithm),
}

impl SignatureAlgorithm {
    /// From an `AlgorithmIdentifier`. `message_digest` is the digest to assume where the identifier names only a key type, as
    /// CMS writes `rsaEncryption` (RFC 3370 §3.2); certificates and CRLs pass `None`.
    pub fn decode(
        identifier: AlgorithmIdentifier<'_>,
        message_digest: Option<DigestAlgorithm>,
    ) -> Result<Result<Self, UnknownAlgorithm>, DerError> {
        use DigestAlgorithm::{Sha1, Sha3_256, Sha3_384, Sha3_512, Sha224, Sha256, Sha384, Sha512};
        let unknown = || UnknownAlgorithm(oid::dotted(identifier.oid));
        let absent_or_null = identifier.parameters_absent_or_null();
        let algorithm = match identifier.oid {
            oid::RSA_ENCRYPTION => message_digest.map(Self::RsaPkcs1),
            oid::SHA_1_WITH_RSA => Some(Self::RsaPkcs1(Sha1)),
            oid::SHA_224_WITH_RSA => Some(Self::RsaPkcs1(Sha224)),
            oid::SHA_256_WITH_RSA => Some(Self::RsaPkcs1(Sha256)),
            oid::SHA_384_WITH_RSA => Some(Self::RsaPkcs1(Sha384)),
            oid::SHA_512_WITH_RSA => Some(Self::RsaPkcs1(Sha512)),
            oid::SHA3_256_WITH_RSA => Some(Self::RsaPkcs1(Sha3_256)),
            oid::SHA3_384_WITH_RSA => Some(Self::RsaPkcs1(Sha3_384)),
            oid::SHA3_512_WITH_RSA => Some(Self::RsaPkcs1(Sha3_512)),
            oid::ECDSA_WITH_SHA_1 => Some(Self::Ecdsa(Sha1)),
            oid::ECDSA_WITH_SHA_224 => Some(Self::Ecdsa(Sha224)),
            oid::ECDSA_WITH_SHA_256 => Some(Self::Ecdsa(Sha256)),
            oid::ECDSA_WITH_SHA_384 => Some(Self::Ecdsa(Sha384)),
            oid::ECDSA_WITH_SHA_512 => Some(Self::Ecdsa(Sha512)),
            oid::ECDSA_WITH_SHA3_256 => Some(Self::Ecdsa(Sha3_256)),
            oid::ECDSA_WITH_SHA3_384 => Some(Self::Ecdsa(Sha3_384)),
            oid::ECDSA_WITH_SHA3_512 => Some(Self::Ecdsa(Sha3_512)),
            oid::RSA_PSS => {
                // In a signature the parameters are mandatory (RFC 4055 §3.1).
                let Some(parameters) = identifier.parameters else { return Ok(Err(unknown())) };
                return Ok(PssParameters::decode(parameters)?.map(Self::RsaPss));
            }
            _ => None,
        };
        Ok(algorithm.filter(|_| absent_or_null).ok_or_else(unknown))
    }

    /// The digest over the signed octets.
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaPkcs1(digest) | Self::Ecdsa(digest) => digest,
            Self::RsaPss(parameters) => parameters.digest,
        }
    }

    /// As long as every digest in it is.
    pub fn lifetime(self) -> Lifetime {
        match self {
            Self::RsaPkcs1(digest) | Self::Ecdsa(digest) => digest.lifetime(),
            Self::RsaPss(parameters) => parameters.digest.lifetime().min(parameters.mask_digest.lifetime()),
        }
    }

    /// Accepted at any time at all.
    pub fn is_acceptable(self) -> bool {
        self.lifetime() != Lifetime::Never
    }

    /// The `AlgorithmIdentifier` that antin writes for it.
    pub fn encode(self) -> Vec<u8> {
        use super::der::writer::{element, object_identifier, sequence, unsigned};
        const NULL: &[u8] = &[tag::NULL, 0];
        match self {
            Self::RsaPkcs1(digest) => {
                let oid = match digest {
                    DigestAlgorithm::Sha1 => oid::SHA_1_WITH_RSA,
                    DigestAlgorithm::Sha224 => oid::SHA_224_WITH_RSA,
                    DigestAlgorithm::Sha256 => oid::SHA_256_WITH_RSA,
                    DigestAlgorithm::Sha384 => oid::SHA_384_WITH_RSA,
                    DigestAlgorithm::Sha512 => oid::SHA_512_WITH_RSA,
                    DigestAlgorithm::Sha3_256 => oid::SHA3_256_WITH_RSA,
                    DigestAlgorithm::Sha3_384 => oid::SHA3_384_WITH_RSA,
                    DigestAlgorithm::Sha3_512 => oid::SHA3_512_WITH_RSA,
                };
                sequence(&[&object_identifier(oid), NULL])
            }
            Self::Ecdsa(digest) => {
                let oid = match digest {
                    DigestAlgorithm::Sha1 => oid::ECDSA_WITH_SHA_1,
                    DigestAlgorithm::Sha224 => oid::ECDSA_WITH_SHA_224,
                    DigestAlgorithm::Sha256 => oid::ECDSA_WITH_SHA_256,
                    DigestAlgorithm::Sha384 => oid::ECDSA_WITH_SHA_384,
                    DigestAlgorithm::Sha512 => oid::ECDSA_WITH_SHA_512,
                    DigestAlgorithm::Sha3_256 => oid::ECDSA_WITH_SHA3_256,
                    DigestAlgorithm::Sha3_384 => oid::ECDSA_WITH_SHA3_384,
                    DigestAlgorithm::Sha3_512 => oid::ECDSA_WITH_SHA3_512,
                };
                sequence(&[&object_identifier(oid)])
            }
            Self::RsaPss(PssParameters { digest, mask_digest, salt_length }) => {
                let digest = sequence(&[&object_identifier(digest.oid()), NULL]);
                let mask_digest = sequence(&[&object_identifier(mask_digest.oid()), NULL]);
                let mask = sequence(&[&object_identifier(oid::MGF1), &mask_digest]);
                let salt_length = unsigned(&salt_length.to_be_bytes());
                let parameters = sequence(&[
                    &element(tag::context(0), &digest),
                    &element(tag::context(1), &mask),
                    &element(tag::context(2), &salt_length),
                ]);
                sequence(&[&object_identifier(oid::RSA_PSS), &parameters])
            }
        }
    }
}

/// As in `ecdsa-with-sha-256`, `rsa-pss-with-sha-256`, `rsa-pkcs1-with-sha-256`.
impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self {
            Self::RsaPkcs1(_) => "rsa-pkcs1",
            Self::RsaPss(_) => "rsa-pss",
            Self::Ecdsa(_) => "ecdsa",
        };
        write!(formatter, "{family}-with-{}", self.digest())
    }
}

/// Decodes the `AlgorithmIdentifier` that `bytes` consists of.
pub fn decode_identifier(bytes: &[u8]) -> Result<AlgorithmIdentifier<'_>, DerError> {
    AlgorithmIdentifier::decode(Reader::single(bytes, tag::SEQUENCE)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let pss =
            PssParameters { digest: DigestAlgorithm::Sha384, mask_digest: DigestAlgorithm::Sha256, salt_length: 48 };
        let mut algorithms = vec![SignatureAlgorithm::RsaPss(pss)];
        for digest in DigestAlgorithm::ALL {
            assert_eq!(DigestAlgorithm::from_name(digest.name()), Some(digest));
            algorithms.extend([SignatureAlgorithm::RsaPkcs1(digest), SignatureAlgorithm::Ecdsa(digest)]);
        }
        for algorithm in algorithms {
            let encoded = algorithm.encode();
            let identifier = decode_identifier(&encoded).expect("an identifier");
            assert_eq!(SignatureAlgorithm::decode(identifier, None), Ok(Ok(algorithm)));
        }
    }

    #[test]
    fn what_is_accepted_depends_on_the_time() {
        let key = |strength: KeyStrength, time: Time| strength.lifetime().holds_at(time);
        assert!(key(KeyStrength::Rsa(2048), END_OF_2030));
        assert!(!key(KeyStrength::Rsa(2048), END_OF_2030.plus_seconds(1)));
        assert!(key(KeyStrength::Rsa(3072), END_OF_2030.plus_seconds(1)));
        assert!(key(KeyStrength::Ec(256), END_OF_2030.plus_seconds(1)));
        assert_eq!(END_OF_2030.to_string(), "2030-12-31T23:59:59Z");
        for never in [KeyStrength::Rsa(2047), KeyStrength::Ec(255)] {
            assert!(!key(never, Time::from_unix(0)));
        }
        assert!(!SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha1).lifetime().holds_at(Time::from_unix(0)));
    }

    #[test]
    fn absent_pss_parameters_are_unknown_and_defaults_are_weak() {
        use crate::core::der::writer::{object_identifier, sequence};
        let bare = sequence(&[&object_identifier(oid::RSA_PSS)]);
        let identifier = decode_identifier(&bare).expect("an identifier");
        assert!(matches!(SignatureAlgorithm::decode(identifier, None), Ok(Err(_))));
        let defaults = sequence(&[&object_identifier(oid::RSA_PSS), &sequence(&[])]);
        let identifier = decode_identifier(&defaults).expect("an identifier");
        let algorithm = SignatureAlgorithm::decode(identifier, None).expect("DER").expect("known");
        assert!(!algorithm.is_acceptable());
    }
}
