//! A signed status list: what it states, and whether that counts.

use super::{StatusList, StatusListFault, cwt, jwt};
use crate::core::algorithm::{DigestAlgorithm, KeyStrength, SignatureAlgorithm};
use crate::core::crypto::{self, SignatureVerified};
use crate::core::der::{Reader, tag, writer};
use crate::core::time::Time;
use crate::core::x509::Certificate;

/// Octets of the longest token that is read.
pub const LONGEST_TOKEN: usize = 8 << 20;
/// How far the clock of who signs may be ahead, in seconds.
const AHEAD: i64 = 60;
/// Octets of each of r and s.
const NUMBER: usize = 32;

/// What a token to be made states.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'a> {
    /// The URI of the list.
    pub subject: &'a str,
    pub issued_at: Time,
    pub expires_at: Time,
    /// Seconds for which it may be kept before a newer one is asked for.
    pub time_to_live: u64,
    pub bits: u8,
    /// The list as [`StatusList::compress`] gives it.
    pub compressed: &'a [u8],
    /// Where all lists are named (§9).
    pub aggregation_uri: Option<&'a str>,
}

/// In which of its forms a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedForm {
    Cwt,
    Jwt,
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// Neither CWT nor JWT, or not in the strict form.
    Encoding,
    TooLong,
    /// The header does not say that it is a status list.
    Type,
    /// Another algorithm than ES256.
    Algorithm,
    /// The header has parameters that must be understood.
    Critical,
    /// A claim is missing: `sub`, `iat`, `exp`, `status_list`.
    Claim(&'static str),
    /// The certificate in it, or who signed, is nobody named as signer.
    Signer,
    /// The certificate of the signer is not valid at this time.
    SignerNotValid,
    Signature,
    /// It was issued at a time that has not come yet.
    NotYet,
    Expired,
    List(StatusListFault),
    /// It is about another list.
    Subject,
}

impl TokenFault {
    /// For logs and figures.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::TooLong => "too-long",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::Critical => "critical",
            Self::Claim(_) => "claim",
            Self::Signer => "signer",
            Self::SignerNotValid => "signer-not-valid",
            Self::Signature => "signature",
            Self::NotYet => "not-yet",
            Self::Expired => "expired",
            Self::List(_) => "list",
            Self::Subject => "subject",
        }
    }
}

impl std::fmt::Display for TokenFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = match self {
            Self::Encoding => "it is neither a CWT nor a JWT that is written as it must be",
            Self::TooLong => "it is longer than 8 MiB",
            Self::Type => "its header does not say statuslist+cwt or statuslist+jwt",
            Self::Algorithm => "it is signed by another algorithm than ES256",
            Self::Critical => "its header has critical parameters, which are not known",
            Self::Claim(name) => return write!(formatter, "it has no claim {name}"),
            Self::Signer => "nobody who was named as its signer has signed it",
            Self::SignerNotValid => "the certificate of its signer is not valid at this time",
            Self::Signature => "its signature is wrong",
            Self::NotYet => "it was issued later than now",
            Self::Expired => "it has expired",
            Self::List(StatusListFault::Bits) => "its statuses have neither 1, 2, 4 nor 8 bits",
            Self::List(StatusListFault::Compression) => "its list is no ZLIB",
            Self::List(StatusListFault::TooLong) => "its list has more than 4 MiB",
            Self::Subject => "it is about another list",
        };
        formatter.write_str(words)
    }
}

impl std::error::Error for TokenFault {}

/// Claims as they are found.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) subject: Option<String>,
    pub(super) issued_at: Option<Time>,
    pub(super) expires_at: Option<Time>,
    pub(super) not_before: Option<Time>,
    pub(super) time_to_live: Option<u64>,
    pub(super) bits: Option<u64>,
    pub(super) compressed: Option<Vec<u8>>,
}

/// A token that can be read; nothing in it counts.
pub struct UnverifiedToken {
    subject: String,
    issued_at: Time,
    expires_at: Time,
    not_before: Option<Time>,
    time_to_live: Option<u64>,
    bits: u64,
    compressed: Vec<u8>,
    /// DER, as the header has it.
    signer: Option<Vec<u8>>,
    signed: Vec<u8>,
    signature: [u8; 2 * NUMBER],
}

impl UnverifiedToken {
    pub(super) fn new(
        parts: Parts,
        signer: Option<&[u8]>,
        signed: Vec<u8>,
        signature: &[u8],
    ) -> Result<Self, TokenFault> {
        Ok(Self {
            subject: parts.subject.ok_or(TokenFault::Claim("sub"))?,
            issued_at: parts.issued_at.ok_or(TokenFault::Claim("iat"))?,
            expires_at: parts.expires_at.ok_or(TokenFault::Claim("exp"))?,
            not_before: parts.not_before,
            // "MUST be a positive number"
            time_to_live: match parts.time_to_live {
                Some(0) => return Err(TokenFault::Encoding),
                other => other,
            },
            bits: parts.bits.ok_or(TokenFault::Claim("status_list"))?,
            compressed: parts.compressed.ok_or(TokenFault::Claim("status_list"))?,
            signer: signer.map(<[u8]>::to_vec),
            signed,
            signature: signature.try_into().map_err(|_| TokenFault::Signature)?,
        })
    }

    /// In either form.
    pub fn decode(octets: &[u8]) -> Result<Self, TokenFault> {
        if octets.len() > LONGEST_TOKEN {
            return Err(TokenFault::TooLong);
        }
        // The tag of COSE_Sign1 is no letter of Base64.
        if octets.first() == Some(&0xd2) { cwt::decode(octets) } else { jwt::decode(octets) }
    }

    /// Which list it says to be; nobody vouches for that yet.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When it says to be issued.
    pub const fn issued_at(&self) -> Time {
        self.issued_at
    }

    /// Signed by one of `signers`, whose certificates are trusted as such, and in force at `time`. The list is decompressed last.
    pub fn verify(self, signers: &[impl AsRef<Certificate>], time: Time) -> Result<StatusListToken, TokenFault> {
        let named = signers.iter().map(AsRef::as_ref).filter(|named| {
            // A token that shows its certificate is one of that signer.
            self.signer.as_ref().is_none_or(|shown| crypto::sha256(shown) == *named.fingerprint())
        });
        let mut fault = TokenFault::Signer;
        let mut verified = None;
        for signer in named {
            match self.check_signature(signer) {
                Ok(proof) => {
                    verified = Some((signer, proof));
                    break;
                }
                Err(found) => fault = found,
            }
        }
        let (signer, proof) = verified.ok_or(fault)?;
        if time < signer.not_before || time > signer.not_after {
            return Err(TokenFault::SignerNotValid);
        }
        let latest = time.plus_seconds(AHEAD);
        if self.issued_at > latest || self.not_before.is_some_and(|not_before| not_before > latest) {
            return Err(TokenFault::NotYet);
        }
        if self.expires_at <= time {
            return Err(TokenFault::Expired);
        }
        Ok(StatusListToken {
            subject: self.subject,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            time_to_live: self.time_to_live,
            list: StatusList::decompress(self.bits, &self.compressed).map_err(TokenFault::List)?,
            _proof: proof,
        })
    }

    fn check_signature(&self, signer: &Certificate) -> Result<SignatureVerified, TokenFault> {
        let key = signer.public_key().map_err(|_| TokenFault::Algorithm)?;
        if key.strength() != KeyStrength::Ec(256) {
            return Err(TokenFault::Algorithm);
        }
        let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
        let verified = key.verify(algorithm, &self.signed, &to_der(&self.signature));
        verified.map_err(|_| TokenFault::Signature)
    }
}

/// `Ecdsa-Sig-Value` of r and s one behind the other.
fn to_der(signature: &[u8; 2 * NUMBER]) -> Vec<u8> {
    let (r, s) = signature.split_at(NUMBER);
    writer::sequence(&[&writer::unsigned(r), &writer::unsigned(s)])
}

/// r and s one behind the other, of an `Ecdsa-Sig-Value` of P-256; `None`: it is none.
pub fn signature_octets(der: &[u8]) -> Option<[u8; 2 * NUMBER]> {
    let numbers = Reader::single(der, tag::SEQUENCE).and_then(|value| {
        value
            .read_all(|reader| Ok((reader.expect(tag::INTEGER)?.unsigned()?, reader.expect(tag::INTEGER)?.unsigned()?)))
    });
    let (r, s) = numbers.ok()?;
    let mut octets = [0; 2 * NUMBER];
    let (first, second) = octets.split_at_mut(NUMBER);
    for (place, number) in [(first, r), (second, s)] {
        place.get_mut(NUMBER.checked_sub(number.len())?..)?.copy_from_slice(number);
    }
    Some(octets)
}

/// A status list of which a signer is sure. Made by [`UnverifiedToken::verify`] alone.
#[derive(Debug)]
pub struct StatusListToken {
    /// The URI of the list.
    pub subject: String,
    pub issued_at: Time,
    pub expires_at: Time,
    /// Seconds for which it may be kept before a newer one is asked for.
    pub time_to_live: Option<u64>,
    pub list: StatusList,
    _proof: SignatureVerified,
}

#[cfg(test)]
mod tests;
