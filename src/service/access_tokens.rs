//! Access tokens for the clients of remote signing: JSON web tokens sealed by HMAC-SHA256, each bound to the TLS client certificate it was given
//! to (RFC 8705 §3). Nothing is stored: every node with the same key can check them.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    memcmp,
    pkey::{PKey, Private},
    sign::Signer,
};
use serde::{Deserialize, Serialize};

use super::held::{HeldError, read};
use crate::core::time::Time;

/// Octets of the key that seals them.
const KEY_OCTETS: std::ops::RangeInclusive<usize> = 32..=4096;
/// Octets of the longest token looked at: a client's name has 256 at most.
const LONGEST: usize = 4096;
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Gives and checks them.
pub struct AccessTokens {
    key: PKey<Private>,
    seconds: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    sub: String,
    client_id: String,
    /// Seconds since 1970.
    iat: i64,
    exp: i64,
    cnf: Confirmation,
}

/// RFC 8705 §3.1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    thumbprint: String,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum AccessTokenError {
    #[error("remote-signing.token-key: {0}")]
    Read(#[source] Box<HeldError>),
    #[error("remote-signing.token-key: the file must have 32 to 4096 octets: make it with openssl rand -out FILE 32")]
    Length,
    #[error("no random number could be had, or no token be sealed")]
    Seal(#[from] ErrorStack),
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    #[error("the access token was not given by this service, or before it was started anew")]
    Unknown,
    #[error("the access token has expired: ask for another")]
    Expired,
    #[error("the access token was given to the holder of another client certificate")]
    OtherHolder,
}

impl AccessTokens {
    /// With the key in this file, or one that is drawn now.
    ///
    /// # Errors
    /// The file cannot be read, or holds no key.
    pub fn new(key: Option<&Path>, seconds: u32) -> Result<Self, AccessTokenError> {
        let octets = match key {
            Some(path) => read(path).map_err(|error| AccessTokenError::Read(Box::new(error)))?,
            None => {
                let mut octets = vec![0; *KEY_OCTETS.start()];
                openssl::rand::rand_bytes(&mut octets)?;
                octets
            }
        };
        if !KEY_OCTETS.contains(&octets.len()) {
            return Err(AccessTokenError::Length);
        }
        Ok(Self { key: PKey::hmac(&octets)?, seconds })
    }

    /// How long each counts.
    pub const fn seconds(&self) -> u32 {
        self.seconds
    }

    /// A new one for this client with the certificate of this SHA-256.
    ///
    /// # Errors
    /// OpenSSL's.
    pub fn issue(&self, client: &str, certificate: &[u8; 32], now: Time) -> Result<String, AccessTokenError> {
        let claims = Claims {
            sub: client.to_owned(),
            client_id: client.to_owned(),
            iat: now.unix(),
            exp: now.plus_seconds(self.seconds.into()).unix(),
            cnf: Confirmation { thumbprint: URL_SAFE_NO_PAD.encode(certificate) },
        };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
        let seal = URL_SAFE_NO_PAD.encode(self.seal(signed.as_bytes())?);
        Ok(format!("{signed}.{seal}"))
    }

    /// Whether it counts now for this client, who shows the certificate of this SHA-256.
    ///
    /// # Errors
    /// It does not.
    pub fn check(&self, token: &str, client: &str, certificate: &[u8; 32], now: Time) -> Result<(), TokenRefusal> {
        let claims = self.claims(token).ok_or(TokenRefusal::Unknown)?;
        let thumbprint = URL_SAFE_NO_PAD.encode(certificate);
        let is_holder = equal(claims.cnf.thumbprint.as_bytes(), thumbprint.as_bytes());
        if !is_holder || claims.client_id != client || claims.sub != client {
            return Err(TokenRefusal::OtherHolder);
        }
        // One whose time is longer than is given now was given by other settings.
        let is_in_time = now.unix() < claims.exp && claims.exp <= now.unix().saturating_add(self.seconds.into());
        if is_in_time { Ok(()) } else { Err(TokenRefusal::Expired) }
    }

    /// What it says, if it was sealed here. Nothing of it is read before.
    fn claims(&self, token: &str) -> Option<Claims> {
        let (signed, seal) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST)?;
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        if !equal(&seal, &self.seal(signed.as_bytes()).ok()?) {
            return None;
        }
        let (header, claims) = signed.split_once('.')?;
        let is_ours = URL_SAFE_NO_PAD.decode(header).ok()? == HEADER.as_bytes();
        let claims = URL_SAFE_NO_PAD.decode(claims).ok().filter(|_| is_ours)?;
        serde_json::from_slice(&claims).ok()
    }

    fn seal(&self, octets: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        Signer::new(MessageDigest::sha256(), &self.key)?.sign_oneshot_to_vec(octets)
    }
}

/// In a time that tells nothing of where they differ.
fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && memcmp::eq(one, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_unix(1_800_000_000);

    #[test]
    fn a_token_counts_for_its_holder_in_its_time_and_unchanged() {
        let tokens = AccessTokens::new(None, 300).expect("a key");
        let token = tokens.issue("issuing-system", &[1; 32], NOW).expect("a token");
        let check = |token: &str, client, certificate, seconds| {
            tokens.check(token, client, &[certificate; 32], NOW.plus_seconds(seconds))
        };
        assert_eq!(check(&token, "issuing-system", 1, 0), Ok(()));
        assert_eq!(check(&token, "issuing-system", 1, 299), Ok(()));
        assert_eq!(check(&token, "issuing-system", 1, 300), Err(TokenRefusal::Expired));
        assert_eq!(check(&token, "issuing-system", 2, 0), Err(TokenRefusal::OtherHolder));
        assert_eq!(check(&token, "agency", 1, 0), Err(TokenRefusal::OtherHolder));
        let other = AccessTokens::new(None, 300).expect("a key");
        assert_eq!(other.check(&token, "issuing-system", &[1; 32], NOW), Err(TokenRefusal::Unknown));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("text");
            assert_eq!(check(&changed, "issuing-system", 1, 0), Err(TokenRefusal::Unknown), "{at}");
        }
        let none = format!("{}.", token.rsplit_once('.').expect("a seal").0);
        for wrong in ["", ".", "..", "a.b.c", &none, &"A".repeat(10_000)] {
            assert_eq!(check(wrong, "issuing-system", 1, 0), Err(TokenRefusal::Unknown), "{wrong}");
        }
    }

    #[test]
    fn nodes_with_one_key_know_the_tokens_of_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token.key");
        std::fs::write(&path, [7; 32]).expect("written");
        let [one, other] = [300, 300].map(|seconds| AccessTokens::new(Some(&path), seconds).expect("a key"));
        let token = one.issue("c", &[1; 32], NOW).expect("a token");
        assert_eq!(other.check(&token, "c", &[1; 32], NOW), Ok(()));
        std::fs::write(&path, [7; 31]).expect("written");
        assert!(matches!(AccessTokens::new(Some(&path), 300), Err(AccessTokenError::Length)));
    }
}
