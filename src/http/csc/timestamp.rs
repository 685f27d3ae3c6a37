//! `signatures/timestamp`: a time-stamp (RFC 3161) over a digest, by an authority that is trusted here (§11.10 of 1.0.4.0, and 2.0.0.2 likewise).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::bn::BigNum;
use serde_json::{Value, json};

use super::{
    super::{
        App,
        auth::Caller,
        field::{FieldFault, Fields},
        limits,
        problem::Problem,
    },
    Fault, authorised, body,
    credentials::Version,
    sign_hash::DIGESTS,
};
use crate::{config::Operation, core::oid, signing::timestamp::Imprint};

const FIELDS_V1: &[&str] = &["hash", "hashAlgo", "nonce", "clientData"];
const FIELDS_V2: &[&str] = &["hash", "hashAlgo", "hashAlgorithmOID", "nonce", "clientData"];
/// Digits of the longest nonce: 256 bits.
const LONGEST_NONCE: usize = 78;

pub async fn timestamp_v1(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Json<Value>, Fault> {
    timestamp(&app, &caller, request, Version::V1).await
}

pub async fn timestamp_v2(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Json<Value>, Fault> {
    timestamp(&app, &caller, request, Version::V2).await
}

async fn timestamp(app: &App, caller: &Caller, request: Request, version: Version) -> Result<Json<Value>, Fault> {
    authorised(app, caller, &request)?;
    // Whose orders may cost a time-stamp.
    let may = [Operation::Sign, Operation::Extend, Operation::SignHash].map(|operation| caller.permitted(operation));
    if may.iter().all(Result::is_err) {
        caller.permitted(Operation::Extend)?;
    }
    let (body, _room) = body(app, caller, request).await?;
    let fields = Fields::read(&body, if version == Version::V1 { FIELDS_V1 } else { FIELDS_V2 })?;
    fields.short_text("clientData")?;
    let hash = fields.required("hash", fields.base64("hash")?)?;
    // Some implementations of 2.0.0.2 name it as in signHash.
    let name = if fields.has("hashAlgorithmOID") { "hashAlgorithmOID" } else { "hashAlgo" };
    if name != "hashAlgo" && fields.has("hashAlgo") {
        return Err(fields.error(name, FieldFault::Conflict("hashAlgo says it: give one of them")).into());
    }
    let algorithm = fields.required(name, fields.short_text(name)?)?;
    let rule = "the digest must be SHA-256, SHA-384 or SHA-512, by its identifier";
    let algorithm = DIGESTS.into_iter().find(|digest| oid::dotted(digest.oid()) == *algorithm);
    let algorithm = algorithm.ok_or_else(|| fields.error(name, FieldFault::Text(rule)))?;
    if hash.len() != algorithm.length() {
        return Err(fields.error("hash", FieldFault::Text("it is no digest of that algorithm")).into());
    }
    let rule = "a nonce is a number: decimal digits, or hexadecimal ones with a letter among them, of at most 256 bits";
    let nonce = match fields.short_text("nonce")? {
        Some(text) => Some(integer(&text).ok_or_else(|| fields.error("nonce", FieldFault::Text(rule)))?),
        None => None,
    };
    let extending = app.extending.as_ref().ok_or_else(Problem::no_authority)?;
    let _admission = limits::admit(app.work(caller), caller)?;
    let imprint = Imprint { algorithm, digest: &hash, nonce: nonce.as_deref() };
    let token = extending.stamp(&imprint).await.map_err(Problem::from)?;
    Ok(Json(json!({"timestamp": STANDARD.encode(token)})))
}

/// Content octets of the INTEGER.
fn integer(text: &str) -> Option<Vec<u8>> {
    let is_decimal = text.bytes().all(|digit| digit.is_ascii_digit());
    let is_number =
        !text.is_empty() && text.len() <= LONGEST_NONCE && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = match (is_number, is_decimal) {
        (false, _) => return None,
        (true, true) => BigNum::from_dec_str(text),
        (true, false) => BigNum::from_hex_str(text),
    };
    let magnitude = number.ok()?.to_vec();
    if magnitude.len() > 32 {
        return None;
    }
    // A first bit that is set would be a sign; zero has an octet.
    let is_padded = magnitude.first().is_none_or(|first| first & 0x80 != 0);
    Some(if is_padded { [&[0], &magnitude[..]].concat() } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positive_and_minimal() {
        for (text, octets) in [
            ("0", Some(&[0_u8][..])),
            ("127", Some(&[0x7F])),
            ("128", Some(&[0, 0x80])),
            ("000255", Some(&[0, 0xFF])),
            ("1f", Some(&[0x1F])),
            ("FFFF", Some(&[0, 0xFF, 0xFF])),
            ("18446744073709551615", Some(&[0, 255, 255, 255, 255, 255, 255, 255, 255])),
            ("", None),
            ("-1", None),
            ("0x1f", None),
            ("1 ", None),
        ] {
            assert_eq!(integer(text).as_deref(), octets, "{text}");
        }
        assert!(integer(&"9".repeat(78)).is_none() && integer(&"f".repeat(64)).is_some());
        assert!(integer(&"f".repeat(65)).is_none() && integer(&"1".repeat(79)).is_none());
    }
}
