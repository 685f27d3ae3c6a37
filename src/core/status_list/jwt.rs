//! Status list tokens as JWT (§5.1): JWS in its compact form (RFC 7515 §7.1) by ES256, `x5c` in the header.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::token::{Claims, Parts, TokenFault, UnverifiedToken};
use crate::core::time::Time;

/// Of the answer; the header has it without `application/`.
pub const MEDIA_TYPE: &str = "application/statuslist+jwt";
const TYPE: &str = "statuslist+jwt";
const ES256: &str = "ES256";

#[derive(Serialize)]
struct WrittenHeader<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    x5c: &'a [String],
}

#[derive(Serialize)]
struct WrittenClaims<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    ttl: u64,
    status_list: WrittenList<'a>,
}

#[derive(Serialize)]
struct WrittenList<'a> {
    bits: u8,
    lst: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregation_uri: Option<&'a str>,
}

/// The octets to be signed: header and claims. `chain`: the signer's certificate first, DER.
pub fn to_sign(claims: &Claims<'_>, chain: &[&[u8]]) -> String {
    let x5c: Vec<String> = chain.iter().map(|certificate| STANDARD.encode(certificate)).collect();
    let header = WrittenHeader { alg: ES256, typ: TYPE, x5c: &x5c };
    let claims = WrittenClaims {
        sub: claims.subject,
        iat: claims.issued_at.unix(),
        exp: claims.expires_at.unix(),
        ttl: claims.time_to_live,
        status_list: WrittenList {
            bits: claims.bits,
            lst: URL_SAFE_NO_PAD.encode(claims.compressed),
            aggregation_uri: claims.aggregation_uri,
        },
    };
    format!("{}.{}", encode(&header), encode(&claims))
}

fn encode(value: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).expect("texts and numbers"))
}

/// The whole token. `signature`: r and s, 32 octets each.
pub fn assemble(signed: &str, signature: &[u8; 64]) -> Vec<u8> {
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into_bytes()
}

#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: String,
    x5c: Option<Vec<String>>,
    crit: Option<Box<RawValue>>,
}

/// A claim of a name that is known stands once; others are passed over.
#[derive(Deserialize)]
struct ReadClaims {
    sub: Option<String>,
    iat: Option<i64>,
    exp: Option<i64>,
    nbf: Option<i64>,
    ttl: Option<u64>,
    status_list: Option<ReadList>,
}

#[derive(Deserialize)]
struct ReadList {
    bits: u64,
    lst: String,
}

fn octets(text: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenFault::Encoding)
}

/// Reads a token, which is not verified yet.
pub fn decode(token: &[u8]) -> Result<UnverifiedToken, TokenFault> {
    let token = std::str::from_utf8(token).map_err(|_| TokenFault::Encoding)?;
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Encoding)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenFault::Encoding)?;
    let header: Header = serde_json::from_slice(&octets(header)?).map_err(|_| TokenFault::Encoding)?;
    // RFC 7515 §4.1.9: with or without what stands before the slash, in any case.
    let media_type = header.typ.unwrap_or_default().to_ascii_lowercase();
    if media_type.strip_prefix("application/").unwrap_or(&media_type) != TYPE {
        return Err(TokenFault::Type);
    }
    if header.alg != ES256 {
        return Err(TokenFault::Algorithm);
    }
    if header.crit.is_some() {
        return Err(TokenFault::Critical);
    }
    let signer = header.x5c.unwrap_or_default().into_iter().next();
    let signer =
        signer.map(|certificate| STANDARD.decode(certificate).map_err(|_| TokenFault::Encoding)).transpose()?;
    let claims: ReadClaims = serde_json::from_slice(&octets(claims)?).map_err(|_| TokenFault::Encoding)?;
    let (bits, compressed) = match claims.status_list {
        Some(list) => (Some(list.bits), Some(octets(&list.lst)?)),
        None => (None, None),
    };
    let parts = Parts {
        subject: claims.sub,
        issued_at: claims.iat.map(Time::from_unix),
        expires_at: claims.exp.map(Time::from_unix),
        not_before: claims.nbf.map(Time::from_unix),
        time_to_live: claims.ttl,
        bits,
        compressed,
    };
    UnverifiedToken::new(parts, signer.as_deref(), signed.as_bytes().to_vec(), &octets(signature)?)
}
