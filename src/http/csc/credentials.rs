//! `credentials/list` and `credentials/info`: a credential is a key with which the client may have something signed. Any other is unknown to it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    super::{
        App,
        auth::Caller,
        field::{FieldError, FieldFault, Fields},
    },
    Fault, authorised, body,
    sign_hash::DIGESTS,
};
use crate::{
    clock,
    core::{algorithm, algorithm::KeyStrength, oid, time::Time},
    service::{
        permission::Client,
        sign_hash::{MOST_HASHES, may_sign_hash},
    },
    signing::IssuingKey,
};

const LIST_V1: &[&str] = &["userID", "maxResults", "pageToken", "clientData"];
const LIST_V2: &[&str] = &[
    "userID",
    "credentialInfo",
    "certificates",
    "certInfo",
    "authInfo",
    "onlyValid",
    "lang",
    "maxResults",
    "pageToken",
    "clientData",
];
const INFO: &[&str] = &["credentialID", "certificates", "certInfo", "authInfo", "lang", "clientData"];
const CERTIFICATES: &[&str] = &["none", "single", "chain"];

/// As in the address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// What is to be told of a credential.
struct Wanted {
    /// Of its certificates: how many.
    certificates: usize,
    certificate_info: bool,
    authorisation_info: bool,
    version: Version,
}

impl Wanted {
    fn read(fields: &Fields<'_>, version: Version) -> Result<Self, FieldError> {
        let certificates = fields.named("certificates", CERTIFICATES, |name| match name {
            "none" => Some(0),
            "single" => Some(1),
            "chain" => Some(usize::MAX),
            _ => None,
        })?;
        Ok(Self {
            certificates: certificates.unwrap_or(1),
            certificate_info: fields.boolean("certInfo")?.unwrap_or_default(),
            authorisation_info: fields.boolean("authInfo")?.unwrap_or_default(),
            version,
        })
    }
}

pub async fn list_v1(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Json<Value>, Fault> {
    list(&app, &caller, request, Version::V1).await
}

pub async fn list_v2(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Json<Value>, Fault> {
    list(&app, &caller, request, Version::V2).await
}

pub async fn info_v1(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Json<Value>, Fault> {
    info(&app, &caller, request, Version::V1).await
}

pub async fn info_v2(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Json<Value>, Fault> {
    info(&app, &caller, request, Version::V2).await
}

async fn list(app: &App, caller: &Caller, request: Request, version: Version) -> Result<Json<Value>, Fault> {
    let client = Arc::clone(authorised(app, caller, &request)?);
    let (body, _room) = body(app, caller, request).await?;
    let fields = Fields::read(&body, if version == Version::V1 { LIST_V1 } else { LIST_V2 })?;
    if fields.short_text("userID")?.is_some_and(|user| user != client.name) {
        let rule = "the client is the user: leave it out, or give the client_id";
        return Err(fields.error("userID", FieldFault::Conflict(rule)).into());
    }
    let most = fields.count("maxResults")?.unwrap_or(usize::MAX);
    let (after, now) = (fields.short_text("pageToken")?, clock::now());
    let wanted = Wanted::read(&fields, version)?;
    let only_valid = fields.boolean("onlyValid")?.unwrap_or_default();
    let mut keys = keys_of(app, &client);
    keys.retain(|key| after.as_deref().is_none_or(|after| key.name() > after));
    keys.retain(|key| !only_valid || (key.may_sign_at(now) && app.sign.is_usable(&**key, now)));
    keys.sort_by(|one, other| one.name().cmp(other.name()));
    let goes_on = keys.len() > most;
    keys.truncate(most);
    let mut answer = json!({"credentialIDs": keys.iter().map(|key| key.name()).collect::<Vec<_>>()});
    if fields.boolean("credentialInfo")?.unwrap_or_default() {
        let described = keys.iter().map(|key| {
            let mut described = describe(app, &client, &**key, &wanted, now);
            described["credentialID"] = key.name().into();
            described
        });
        answer["credentialInfos"] = described.collect();
    }
    if version == Version::V2 && only_valid {
        answer["onlyValid"] = true.into();
    }
    if let Some(last) = keys.last().filter(|_| goes_on) {
        answer["nextPageToken"] = last.name().into();
    }
    Ok(Json(answer))
}

async fn info(app: &App, caller: &Caller, request: Request, version: Version) -> Result<Json<Value>, Fault> {
    let client = Arc::clone(authorised(app, caller, &request)?);
    let (body, _room) = body(app, caller, request).await?;
    let fields = Fields::read(&body, INFO)?;
    let key = credential(app, &client, &fields)?;
    let wanted = Wanted::read(&fields, version)?;
    Ok(Json(describe(app, &client, &*key, &wanted, clock::now())))
}

/// The key that `credentialID` names, if this client may use it.
pub(super) fn credential(app: &App, client: &Client, fields: &Fields<'_>) -> Result<Arc<dyn IssuingKey>, Fault> {
    let name = fields.required("credentialID", fields.short_text("credentialID")?)?;
    let held = keys_of(app, client).into_iter().find(|key| key.name() == name);
    held.ok_or_else(|| {
        Fault::invalid_request("Invalid parameter credentialID: there is no such credential for this client")
    })
}

/// The key that `credentialID` names, if this client may have digests signed with it.
pub(super) fn blind_credential(app: &App, client: &Client, fields: &Fields<'_>) -> Result<Arc<dyn IssuingKey>, Fault> {
    let key = credential(app, client, fields)?;
    if is_blind(app, client, &*key) {
        return Ok(key);
    }
    Err(Fault::invalid_request("Invalid parameter credentialID: this credential signs documents, and no hashes"))
}

/// Digests are signed with it for this client.
fn is_blind(app: &App, client: &Client, key: &dyn IssuingKey) -> bool {
    app.config.remote_signing.sign_hash && may_sign_hash(client, key)
}

/// Those with which the client may have something signed.
fn keys_of(app: &App, client: &Client) -> Vec<Arc<dyn IssuingKey>> {
    let may = |key: &&Arc<dyn IssuingKey>| {
        client.may_sign_with(key.name())
            || key.authority().is_some_and(|authority| client.may_sign_with(authority))
            || is_blind(app, client, &***key)
    };
    app.sign.keys().iter().filter(may).cloned().collect()
}

fn describe(app: &App, client: &Client, key: &dyn IssuingKey, wanted: &Wanted, now: Time) -> Value {
    let is_blind = is_blind(app, client, key);
    let certificate = key.certificate();
    let is_enabled = key.may_sign_at(now) && app.sign.is_usable(key, now);
    let mut about = json!({
        "algo": if is_blind { hash_algorithms(key) } else { vec![signature_algorithm(key)] },
        "status": if is_enabled { "enabled" } else { "disabled" },
    });
    match certificate.public_key().map(|key| key.strength()) {
        Ok(KeyStrength::Rsa(bits)) => about["len"] = bits.into(),
        Ok(KeyStrength::Ec(bits)) => {
            about["len"] = bits.into();
            let curve = match bits {
                256 => "1.2.840.10045.3.1.7",
                384 => "1.3.132.0.34",
                _ => "1.3.132.0.35",
            };
            about["curve"] = curve.into();
        }
        Err(_) => {}
    }
    let mut told = json!({});
    if wanted.certificates > 0 {
        let chain = key.certificate_chain();
        let chain: Vec<_> = chain.iter().take(wanted.certificates).map(|der| STANDARD.encode(der)).collect();
        told["certificates"] = chain.into();
    }
    if wanted.certificate_info {
        if let Some(status) = app.sign.certificate_status(key, now) {
            told["status"] = status.into();
        }
        told["issuerDN"] = certificate.issuer.to_string().into();
        told["serialNumber"] = certificate.serial_number_text().into();
        told["subjectDN"] = certificate.subject.to_string().into();
        told["validFrom"] = generalized(certificate.not_before).into();
        told["validTo"] = generalized(certificate.not_after).into();
    }
    let mut described = json!({"key": about, "cert": told, "multisign": if is_blind { MOST_HASHES } else { 1 }, "lang": app.config.remote_signing.lang});
    match wanted.version {
        // Strings, as 1.0.4.0 has them.
        Version::V1 => {
            described["authMode"] = "implicit".into();
            described["SCAL"] = "1".into();
        }
        Version::V2 => {
            described["SCAL"] = "1".into();
            if wanted.authorisation_info {
                described["auth"] = json!({"mode": "implicit"});
            }
        }
    }
    described
}

/// The dotted identifier of the algorithm by which the key signs documents.
pub(super) fn signature_algorithm(key: &dyn IssuingKey) -> String {
    let encoded = key.signature_algorithm().encode();
    algorithm::decode_identifier(&encoded).map(|identifier| oid::dotted(identifier.oid)).unwrap_or_default()
}

/// Likewise those by which it signs digests.
fn hash_algorithms(key: &dyn IssuingKey) -> Vec<String> {
    let algorithms = DIGESTS.map(|digest| key.hash_signature_algorithm(digest).encode());
    let named = algorithms.iter().filter_map(|encoded| algorithm::decode_identifier(encoded).ok());
    let mut named: Vec<String> = named.map(|identifier| oid::dotted(identifier.oid)).collect();
    // One name may stand for all, as that of PSS does.
    named.dedup();
    named
}

/// As in `20260131235959Z`.
fn generalized(time: Time) -> String {
    time.to_string().chars().filter(|letter| !"-:T".contains(*letter)).collect()
}
