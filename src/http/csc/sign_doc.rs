//! `signatures/signDoc`: the same order as `POST /v1/sign`, in the words of the specification.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    super::{
        App,
        auth::Caller,
        field::{FieldFault, Fields},
        issuance_log::PromiseBody,
        limits,
        problem::Problem,
        sign::{audited, idempotency_key_if_any},
    },
    Fault, authorised, body,
    credentials::{credential, signature_algorithm},
    not_served,
};
use crate::{
    config::Operation,
    core::algorithm,
    registry::{Format, Level, Packaging},
    service::{
        permission::Client,
        sign::{SignContent, SignRequest, Signed, UNTOLD},
    },
    signing::pades::{Certification, PadesOrder},
};

const FIELDS: &[&str] = &[
    "credentialID",
    "SAD",
    "signatureQualifier",
    "documentDigests",
    "documents",
    "operationMode",
    "validity_period",
    "response_uri",
    "clientData",
    "returnValidationInfo",
];
const DOCUMENT: &[&str] = &[
    "document",
    "signature_format",
    "conformance_level",
    "signAlgo",
    "signAlgoParams",
    "signed_props",
    "signed_envelope_property",
];
const PROPERTY: &[&str] = &["attribute_name", "attribute_value"];
/// What may be said of a document to be signed: its kind, and its media type.
const PROPERTIES: &[&str] = &["document-kind", "mime-type"];
const FORMATS: &[&str] = &["C", "P"];
const LEVELS: &[&str] = &["AdES-B-B", "AdES-B-T", "AdES-B-LT", "AdES-B-LTA"];
const OF_CADES: &[&str] = &["Attached", "Detached"];
const OF_PADES: &[&str] = &["Certification", "Revision"];

/// Signs a document of a kind that is issued here: checked, recorded, logged and audited as one of `/v1/sign` is.
pub async fn sign_doc(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Fault> {
    let client = Arc::clone(authorised(&app, &caller, &request)?);
    caller.permitted(Operation::Sign)?;
    let idempotency_key = match idempotency_key_if_any(&request)? {
        Some(key) => key,
        // The specification knows no repeated requests: each is an order of its own.
        None => drawn_key()?,
    };
    let (body, room) = body(&app, &caller, request).await?;
    let order = order(&app, client, idempotency_key, &Fields::read(&body, FIELDS)?)?;
    drop(body);
    let (format, packaging) = (order.format, order.packaging);
    let admission = limits::admit(app.work(&caller), &caller)?;
    // Signing goes on when its client hangs up.
    let work = tokio::spawn(async move {
        let signed = app.sign.sign(order).await;
        drop(admission);
        signed.map(|signed| (signed, room))
    });
    let (signed, _room) = work.await.map_err(|_| Problem::internal())?.map_err(Problem::from)?;
    metrics::counter!("antin_sign_answers_total").increment(1);
    let encoded = STANDARD.encode(&signed.signature);
    let answer = match (format, packaging) {
        (Format::Cades, Packaging::Detached) => json!({"SignatureObject": [encoded]}),
        _ => json!({"DocumentWithSignature": [encoded]}),
    };
    let mut response = Json(answer).into_response();
    response.headers_mut().extend(told(&signed)?);
    response.extensions_mut().insert(audited(&signed));
    Ok(response)
}

/// What the answers of the specification have no member for: the id under which the document is on record, and the word of the issuance log
/// (base64 of the JSON that `POST /v1/sign` answers as `logPromise`).
fn told(signed: &Signed) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    let id = signed.document.intent.document_id.to_string();
    let value = |text: String| HeaderValue::try_from(text).map_err(|_| Problem::internal());
    headers.insert(HeaderName::from_static("antin-document-id"), value(id)?);
    if let Some(promise) = &signed.log_promise {
        let promise = serde_json::to_vec(&PromiseBody::of(promise)).map_err(|_| Problem::internal())?;
        headers.insert(HeaderName::from_static("antin-log-promise"), value(STANDARD.encode(promise))?);
    }
    Ok(headers)
}

/// The order that the request is; what of it cannot be served is refused by name.
fn order(app: &App, client: Arc<Client>, idempotency_key: String, fields: &Fields<'_>) -> Result<SignRequest, Fault> {
    let key = credential(app, &client, fields)?;
    not_served(fields, "SAD", "the credential is authorised by the access token: give no SAD")?;
    not_served(fields, "signatureQualifier", "no qualifier is known here: name the credential")?;
    not_served(fields, "documentDigests", "the document itself is needed: give documents")?;
    not_served(fields, "response_uri", "the answer goes to who asks")?;
    not_served(fields, "validity_period", "the answer goes to who asks, at once")?;
    fields.named("operationMode", &["S"], |mode| (mode == "S").then_some(()))?;
    if fields.boolean("returnValidationInfo")?.unwrap_or_default() {
        let rule = "validation data stands in the signature itself from AdES-B-LT on";
        return Err(fields.error("returnValidationInfo", FieldFault::Conflict(rule)).into());
    }
    let documents = fields.required("documents", fields.objects("documents", 1, DOCUMENT)?)?;
    let given = documents.first().ok_or_else(|| fields.error("documents", FieldFault::Empty))?;
    let document = given.required("document", given.base64("document")?.map(Bytes::from))?;
    if document.is_empty() {
        return Err(given.error("document", FieldFault::Empty).into());
    }
    let format = given.named("signature_format", FORMATS, |name| match name {
        "C" => Some(Format::Cades),
        "P" => Some(Format::Pades),
        _ => None,
    })?;
    let format = given.required("signature_format", format)?;
    let level = given.named("conformance_level", LEVELS, level)?.unwrap_or(Level::Basic);
    let named = given.required("signAlgo", given.short_text("signAlgo")?)?;
    if named != signature_algorithm(&*key) {
        let rule = "the credential signs by the algorithm that credentials/info names in key/algo";
        return Err(given.error("signAlgo", FieldFault::Conflict(rule)).into());
    }
    let own = key.signature_algorithm().encode();
    let own = algorithm::decode_identifier(&own).ok().and_then(|own| own.parameters).map(|own| own.raw);
    if given.base64("signAlgoParams")?.is_some_and(|parameters| own != Some(&parameters)) {
        let rule = "the credential signs by the parameters of its own algorithm: leave them out";
        return Err(given.error("signAlgoParams", FieldFault::Conflict(rule)).into());
    }
    let (mut kind, mut media_type) = (None, None);
    for property in given.objects("signed_props", PROPERTIES.len(), PROPERTY)?.unwrap_or_default() {
        let is_kind = property.named("attribute_name", PROPERTIES, |name| match name {
            "document-kind" => Some(true),
            "mime-type" => Some(false),
            _ => None,
        })?;
        let value = property.required("attribute_value", property.short_text("attribute_value")?)?.into_owned();
        let place = if property.required("attribute_name", is_kind)? { &mut kind } else { &mut media_type };
        if place.replace(value).is_some() {
            return Err(property.error("attribute_name", FieldFault::Duplicate).into());
        }
    }
    let rule = "the kind of the document must be told: the attribute document-kind";
    let kind = kind.ok_or_else(|| given.error("signed_props", FieldFault::Conflict(rule)))?;
    let (packaging, certify) = match format {
        Format::Cades => {
            let packaging = given.named("signed_envelope_property", OF_CADES, |name| match name {
                "Attached" => Some(Packaging::Enveloping),
                "Detached" => Some(Packaging::Detached),
                _ => None,
            })?;
            (packaging.unwrap_or(Packaging::Enveloping), None)
        }
        Format::Pades | Format::Raw => {
            let certifies = given.named("signed_envelope_property", OF_PADES, |name| match name {
                "Certification" => Some(true),
                "Revision" => Some(false),
                _ => None,
            })?;
            // ISO 32000-2 table 257: what a certification allows unless it says otherwise.
            (Packaging::Enveloping, certifies.unwrap_or(true).then_some(Certification::Forms))
        }
    };
    let untold = if format == Format::Pades { "application/pdf" } else { UNTOLD };
    let media_type = media_type.unwrap_or_else(|| untold.to_owned());
    if format == Format::Pades && media_type != untold {
        return Err(given.error("signed_props", FieldFault::Value(&["application/pdf"])).into());
    }
    Ok(SignRequest {
        client,
        idempotency_key,
        kind,
        content: SignContent::Document(document),
        media_type,
        format,
        packaging,
        pdf: PadesOrder { certify, ..PadesOrder::default() },
        level,
        patience: Duration::ZERO,
        existing_signature: None,
        signer: Some(key.name().to_owned()),
        metadata: None,
        lookup: None,
    })
}

/// In either spelling that versions of the specification have: `AdES-B-B`, `Ades-B-B`.
fn level(name: &str) -> Option<Level> {
    let (family, level) = name.split_once('-')?;
    Level::from_name(level).filter(|_| family.eq_ignore_ascii_case("ades"))
}

/// 128 random bits.
fn drawn_key() -> Result<String, Fault> {
    let mut octets = [0; 16];
    openssl::rand::rand_bytes(&mut octets).map_err(|_| Problem::internal())?;
    Ok(format!("csc-{}", hex::encode(octets)))
}
