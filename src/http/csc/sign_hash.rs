//! `signatures/signHash`: digests of what nobody here sees, by clients and keys that may (§8.9 of 1.0.4.0, §11.9 of 2.0.0.2). Off unless the settings say so.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    super::{
        App,
        audited::{self, Audited, Trail},
        auth::Caller,
        field::{FieldFault, Fields},
        limits,
        problem::Problem,
    },
    Fault, authorised, body,
    credentials::{Version, blind_credential},
    not_served,
};
use crate::{
    config::Operation,
    core::{
        algorithm::{self, DigestAlgorithm, SignatureAlgorithm},
        cms::document_reference::BLIND_KIND,
        oid,
    },
    service::sign_hash::{HashOrder, MOST_HASHES},
    signing::IssuingKey,
};

const FIELDS_V1: &[&str] = &["credentialID", "SAD", "hash", "hashAlgo", "signAlgo", "signAlgoParams", "clientData"];
const FIELDS_V2: &[&str] = &[
    "credentialID",
    "SAD",
    "hashes",
    "hashAlgorithmOID",
    "signAlgo",
    "signAlgoParams",
    "operationMode",
    "validity_period",
    "response_uri",
    "clientData",
];
/// Those that are signed.
pub(super) const DIGESTS: [DigestAlgorithm; 3] =
    [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];

pub async fn sign_hash_v1(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Fault> {
    sign_hash(app, caller, request, Version::V1).await
}

pub async fn sign_hash_v2(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Fault> {
    sign_hash(app, caller, request, Version::V2).await
}

async fn sign_hash(app: Arc<App>, caller: Caller, request: Request, version: Version) -> Result<Response, Fault> {
    let client = Arc::clone(authorised(&app, &caller, &request)?);
    caller.permitted(Operation::SignHash)?;
    let trail = request.extensions().get::<Trail>().cloned().ok_or_else(Problem::internal)?;
    let (body, _room) = body(&app, &caller, request).await?;
    let fields = Fields::read(&body, if version == Version::V1 { FIELDS_V1 } else { FIELDS_V2 })?;
    let key = blind_credential(&app, &client, &fields)?;
    // The access token authorises the credential. Clients of 1.0.4.0 send what they were told or nothing in particular; it opens nothing.
    fields.short_text("SAD")?;
    if version == Version::V2 {
        not_served(&fields, "response_uri", "the answer goes to who asks")?;
        not_served(&fields, "validity_period", "the answer goes to who asks, at once")?;
        fields.named("operationMode", &["S"], |mode| (mode == "S").then_some(()))?;
    }
    let (hashes, digest) = match version {
        Version::V1 => ("hash", "hashAlgo"),
        Version::V2 => ("hashes", "hashAlgorithmOID"),
    };
    let given = fields.required(hashes, fields.base64_list(hashes, MOST_HASHES)?)?;
    if given.is_empty() {
        return Err(fields.error(hashes, FieldFault::Empty).into());
    }
    let named = fields.short_text(digest)?;
    let algorithm = fields.required("signAlgo", fields.short_text("signAlgo")?)?;
    let parameters = fields.base64("signAlgoParams")?;
    let fits = |digest: &DigestAlgorithm| is_of(&*key, *digest, &algorithm, parameters.as_deref());
    let named_digest = match &named {
        None => None,
        Some(name) => {
            let known = DIGESTS.into_iter().find(|digest| oid::dotted(digest.oid()) == *name);
            let rule = "the digest must be SHA-256, SHA-384 or SHA-512, by its identifier";
            Some(known.ok_or_else(|| fields.error(digest, FieldFault::Text(rule)))?)
        }
    };
    let candidates = DIGESTS.into_iter().filter(|digest| named_digest.is_none_or(|named| named == *digest));
    let digest = candidates.filter(fits).find(|digest| given.iter().all(|hash| hash.len() == digest.length()));
    let rule = "the credential has no such algorithm, or the hashes are none of its digest: see credentials/info";
    let digest = digest.ok_or_else(|| fields.error("signAlgo", FieldFault::Text(rule)))?;
    let _admission = limits::admit(app.work(&caller), &caller)?;
    let order = HashOrder { client, key: Arc::clone(&key), digest, hashes: given };
    let signed = app.sign.sign_hashes(order).await.map_err(Problem::from)?;
    metrics::counter!("antin_blind_signatures_total").increment(signed.len() as u64);
    let signatures: Vec<String> = signed.iter().map(|signature| STANDARD.encode(&signature.value)).collect();
    let mut response = Json(json!({"signatures": signatures})).into_response();
    let said = |subject: String| Audited {
        code: "signed-blindly".to_owned(),
        kind: BLIND_KIND.to_owned(),
        subject,
        key: key.name().to_owned(),
    };
    // Each has a line of its own, before that of the request.
    if let Some(audit) = &trail.audit {
        for (number, signature) in (1..).zip(&signed) {
            let request = format!("{}-{number}", trail.request);
            let who = (request.as_str(), trail.listener, caller.name());
            let subject = signature.document_id.to_string();
            let decided = audited::Operation::SignHash.decided(who, StatusCode::OK, None, said(subject));
            decided.record(audit).await?;
        }
    }
    response.extensions_mut().insert(said(String::new()));
    Ok(response)
}

/// The key signs by this algorithm where content is hashed so: the identifier of the whole, or of its family (`rsaEncryption`, `id-ecPublicKey` name
/// no digest, which another field then tells).
fn is_of(key: &dyn IssuingKey, digest: DigestAlgorithm, name: &str, parameters: Option<&[u8]>) -> bool {
    let own = key.hash_signature_algorithm(digest);
    let encoded = own.encode();
    let Ok(identifier) = algorithm::decode_identifier(&encoded) else { return false };
    let is_whole = oid::dotted(identifier.oid) == name;
    let is_family = match own {
        SignatureAlgorithm::RsaPkcs1(_) => name == "1.2.840.113549.1.1.1",
        SignatureAlgorithm::Ecdsa(_) => name == "1.2.840.10045.2.1",
        _ => false,
    };
    let own = identifier.parameters.map(|own| own.raw);
    let fits = match own {
        // Of PSS the parameters say the salt: they must be those of the key.
        Some(_) if matches!(key.hash_signature_algorithm(digest), SignatureAlgorithm::RsaPss(_)) => parameters == own,
        _ => parameters.is_none_or(|parameters| Some(parameters) == own),
    };
    (is_whole || is_family) && fits
}
