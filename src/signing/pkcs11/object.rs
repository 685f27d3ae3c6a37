//! A private key in a token: how it is found, shown to be that of its certificate, and asked for a signature.

use std::sync::Arc;

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;

use super::fault::TokenFault;
use crate::core::algorithm::{DigestAlgorithm, KeyStrength, PssParameters, SignatureAlgorithm};
use crate::core::crypto::{self, PublicKey};
use crate::core::der::{tag, writer};
use crate::core::x509::Certificate;
use crate::signing::key::RsaPadding;

/// Octets of the random challenge.
const CHALLENGE: usize = 32;

/// Where a key lies in its token: one of the two at least is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPlace {
    /// CKA_LABEL.
    pub label: Option<String>,
    /// CKA_ID.
    pub id: Option<Vec<u8>>,
}

impl std::fmt::Display for KeyPlace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.label, &self.id) {
            (Some(label), Some(id)) => write!(formatter, "the label {label:?} and the id {}", hex::encode(id)),
            (Some(label), None) => write!(formatter, "the label {label:?}"),
            (None, Some(id)) => write!(formatter, "the id {}", hex::encode(id)),
            (None, None) => formatter.write_str("any label and id"),
        }
    }
}

/// The certificate's key is of a kind that is not asked of tokens.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}: keys in tokens are ECDSA P-256 or P-384, or RSA from 2048 bits")]
pub struct UnsupportedKey(&'static str);

/// What kind of key signs, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    P256,
    P384,
    Rsa(RsaPadding),
}

impl Family {
    /// The digest that fits the key's strength.
    pub(super) const fn digest_algorithm(self) -> DigestAlgorithm {
        match self {
            Self::P256 | Self::Rsa(_) => DigestAlgorithm::Sha256,
            Self::P384 => DigestAlgorithm::Sha384,
        }
    }

    pub(super) const fn signature_algorithm(self, digest: DigestAlgorithm) -> SignatureAlgorithm {
        match self {
            Self::P256 | Self::P384 => SignatureAlgorithm::Ecdsa(digest),
            Self::Rsa(RsaPadding::Pkcs1) => SignatureAlgorithm::RsaPkcs1(digest),
            Self::Rsa(RsaPadding::Pss) => SignatureAlgorithm::RsaPss(PssParameters {
                digest,
                mask_digest: digest,
                salt_length: digest.length() as u32,
            }),
        }
    }

    /// Octets of one coordinate, for curves.
    const fn octets(self) -> Option<usize> {
        match self {
            Self::P256 => Some(32),
            Self::P384 => Some(48),
            Self::Rsa(_) => None,
        }
    }

    /// The mechanism, and what is given to it.
    fn operation(self, digest: DigestAlgorithm, value: &[u8]) -> Result<(Mechanism<'static>, Vec<u8>), TokenFault> {
        match self {
            // Of a longer digest the leftmost octets count (FIPS 186-5 §6.4.1); tokens refuse more.
            Self::P256 | Self::P384 => {
                let octets = self.octets().map_or(value.len(), |octets| octets.min(value.len()));
                Ok((Mechanism::Ecdsa, value[..octets].to_vec()))
            }
            Self::Rsa(RsaPadding::Pkcs1) => Ok((Mechanism::RsaPkcs, digest_info(digest, value))),
            Self::Rsa(RsaPadding::Pss) => {
                let (hash_alg, mgf) = match digest {
                    DigestAlgorithm::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
                    DigestAlgorithm::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
                    DigestAlgorithm::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
                    other => return Err(TokenFault::Digest(other.name())),
                };
                let s_len = (digest.length() as u64).into();
                Ok((Mechanism::RsaPkcsPss(PkcsPssParams { hash_alg, mgf, s_len }), value.to_vec()))
            }
        }
    }
}

/// The DigestInfo of RSASSA-PKCS1-v1_5 (RFC 8017 §9.2), which CKM_RSA_PKCS pads and signs.
fn digest_info(digest: DigestAlgorithm, value: &[u8]) -> Vec<u8> {
    let null = writer::element(tag::NULL, &[]);
    let algorithm = writer::sequence(&[&writer::object_identifier(digest.oid()), &null]);
    writer::sequence(&[&algorithm, &writer::octet_string(value)])
}

/// Why no signature came back.
pub(super) enum SignFault {
    /// Nothing was signed.
    Before(Error),
    /// The token was told to sign.
    During(Error),
    Unfit(TokenFault),
    /// What came back is no signature.
    Garbled,
}

/// A key as its certificate and the settings describe it.
pub(super) struct KeyObject {
    place: KeyPlace,
    family: Family,
    certificate: Arc<Certificate>,
    public: PublicKey,
}

impl KeyObject {
    pub(super) fn new(
        place: KeyPlace,
        padding: RsaPadding,
        certificate: Arc<Certificate>,
    ) -> Result<Self, UnsupportedKey> {
        let public = PublicKey::decode(certificate.subject_public_key_info())
            .map_err(|_| UnsupportedKey("the certificate's key cannot be read"))?;
        let family = match public.strength() {
            KeyStrength::Ec(256) => Family::P256,
            KeyStrength::Ec(384) => Family::P384,
            KeyStrength::Ec(_) => return Err(UnsupportedKey("another curve")),
            KeyStrength::Rsa(2048..) => Family::Rsa(padding),
            KeyStrength::Rsa(_) => return Err(UnsupportedKey("an RSA key under 2048 bits")),
        };
        Ok(Self { place, family, certificate, public })
    }

    pub(super) const fn family(&self) -> Family {
        self.family
    }

    /// The one private key at the place. Ok(Err): it is not there, or cannot be the one.
    pub(super) fn find(&self, session: &Session) -> Result<Result<ObjectHandle, TokenFault>, Error> {
        let mut wanted = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
        wanted.extend(self.place.label.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
        wanted.extend(self.place.id.clone().map(Attribute::Id));
        let found = session.find_objects(&wanted)?;
        let place = || self.place.to_string();
        let handle = match found.as_slice() {
            [handle] => *handle,
            [] => return Ok(Err(TokenFault::NoKey(place()))),
            _ => return Ok(Err(TokenFault::KeyNotUnique(place()))),
        };
        let asked = [AttributeType::KeyType, AttributeType::Sign, AttributeType::AlwaysAuthenticate];
        let unfit = |reason| Ok(Err(TokenFault::KeyUnfit { key: place(), reason }));
        for attribute in session.get_attributes(handle, &asked)? {
            match attribute {
                Attribute::KeyType(kind) if !self.is_of(kind) => return Ok(Err(self.other_certificate())),
                Attribute::Sign(false) => return unfit("may not sign: CKA_SIGN is false"),
                Attribute::AlwaysAuthenticate(true) => {
                    return unfit("wants the PIN for each signature: make it without CKA_ALWAYS_AUTHENTICATE");
                }
                _ => {}
            }
        }
        Ok(Ok(handle))
    }

    fn is_of(&self, kind: KeyType) -> bool {
        kind == if matches!(self.family, Family::Rsa(_)) { KeyType::RSA } else { KeyType::EC }
    }

    pub(super) fn other_certificate(&self) -> TokenFault {
        TokenFault::OtherCertificate { key: self.place.to_string(), subject: self.certificate.subject.to_string() }
    }

    /// The key signs a random challenge, which the certificate's public key verifies.
    pub(super) fn prove(&self, session: &Session, handle: ObjectHandle) -> Result<(), SignFault> {
        let mut challenge = [0; CHALLENGE];
        openssl::rand::rand_bytes(&mut challenge)
            .map_err(|error| SignFault::Unfit(TokenFault::Library(error.to_string())))?;
        let digest = self.family.digest_algorithm();
        let signature = match self.sign(session, handle, digest, &crypto::digest(digest, &challenge)) {
            Err(SignFault::Garbled) => return Err(SignFault::Unfit(self.other_certificate())),
            signature => signature?,
        };
        let algorithm = self.family.signature_algorithm(digest);
        let verified = self.public.verify(algorithm, &challenge, &signature);
        verified.map(drop).map_err(|_| SignFault::Unfit(self.other_certificate()))
    }

    /// The signature value over content with this digest, as CMS has it.
    pub(super) fn sign(
        &self,
        session: &Session,
        handle: ObjectHandle,
        digest: DigestAlgorithm,
        value: &[u8],
    ) -> Result<Vec<u8>, SignFault> {
        let (mechanism, input) = self.family.operation(digest, value).map_err(SignFault::Unfit)?;
        let signature = session.sign(&mechanism, handle, &input).map_err(|error| match error {
            // C_SignInit only prepares: no signature exists. The same is sure of what was refused for want of a login.
            Error::Pkcs11(_, Function::SignInit) | Error::Pkcs11(RvError::UserNotLoggedIn, _) => {
                SignFault::Before(error)
            }
            error => SignFault::During(error),
        })?;
        match self.family.octets() {
            None => Ok(signature),
            Some(octets) if signature.len() == 2 * octets => ecdsa_value(&signature).ok_or(SignFault::Garbled),
            Some(_) => Err(SignFault::Garbled),
        }
    }
}

/// Tokens give r and s one after the other (PKCS#11 §6.3.1); CMS has them in a SEQUENCE (RFC 5753 §7.2).
fn ecdsa_value(signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let numbers = EcdsaSig::from_private_components(BigNum::from_slice(r).ok()?, BigNum::from_slice(s).ok()?);
    numbers.and_then(|numbers| numbers.to_der()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_wrapped_and_cut_as_tokens_want_them() {
        // RFC 8017 §9.2, note 1.
        let prefix = hex::decode("3031300d060960864801650304020105000420").expect("hex");
        let wrapped = digest_info(DigestAlgorithm::Sha256, &[7; 32]);
        assert_eq!(wrapped, [prefix, vec![7; 32]].concat());
        let input = |family: Family, digest: DigestAlgorithm| {
            family.operation(digest, &vec![1; digest.length()]).map(|(_, input)| input.len())
        };
        assert_eq!(input(Family::P256, DigestAlgorithm::Sha512).expect("an input"), 32);
        assert_eq!(input(Family::P384, DigestAlgorithm::Sha256).expect("an input"), 32);
        assert!(input(Family::Rsa(RsaPadding::Pss), DigestAlgorithm::Sha3_256).is_err());
        let value = ecdsa_value(&[0x80; 64]).expect("a value");
        assert_eq!(value[..5], [0x30, 70, 2, 33, 0]);
    }
}
