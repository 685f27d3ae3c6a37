//! `GET /v1/trust`: the anchors and intermediates held, each with its validity and the freshness of its CRL.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{App, auth::Caller, problem::Problem};
use crate::{
    clock,
    core::{
        evidence::Evidence, memory::verify_crl, path::Work, report::CertificateFields, time::Time, x509::Certificate,
    },
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TrustBody<'a> {
    checked_at: Time,
    anchors: Vec<HeldBody<'a>>,
    intermediates: Vec<HeldBody<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeldBody<'a> {
    #[serde(flatten)]
    certificate: CertificateFields<'a>,
    /// The newest CRL at hand that this certificate's key signed.
    crl: Option<CrlBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CrlBody {
    number: Option<String>,
    this_update: Time,
    next_update: Option<Time>,
    age_seconds: i64,
    fresh: bool,
    entries: usize,
}

/// The chains and anchors held, with their CRLs.
#[utoipa::path(
    get,
    path = "/v1/trust",
    responses((status = 200, description = "Anchors and intermediates", body = serde_json::Value))
)]
pub async fn trust(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    caller.may_verify()?;
    let (trust, evidence) = (app.verify.trust().load(), app.verify.evidence().load());
    let now = clock::now();
    let body = TrustBody {
        checked_at: now,
        anchors: trust.anchors().iter().map(|anchor| held(&app, &evidence, anchor.certificate(), now)).collect(),
        intermediates: trust.intermediates().iter().map(|link| held(&app, &evidence, link, now)).collect(),
    };
    Ok(Json(body).into_response())
}

fn held<'a>(app: &App, evidence: &Evidence, certificate: &'a Certificate, now: Time) -> HeldBody<'a> {
    HeldBody { certificate: CertificateFields::of(certificate), crl: newest_crl(app, evidence, certificate, now) }
}

fn newest_crl(app: &App, evidence: &Evidence, issuer: &Certificate, now: Time) -> Option<CrlBody> {
    let of_issuer = evidence.crls.issued_by(&issuer.subject).iter();
    let newest = of_issuer
        .filter(|crl| !crl.extensions.is_delta() && verify_crl(app.verify.memory(), issuer, crl, &Work::default()))
        .max_by_key(|crl| crl.this_update)?;
    Some(CrlBody {
        number: newest.extensions.crl_number.as_ref().map(|number| hex::encode(number.octets())),
        this_update: newest.this_update,
        next_update: newest.next_update,
        age_seconds: now.seconds_since(newest.this_update),
        fresh: newest.this_update <= now && newest.next_update.is_some_and(|next| now <= next),
        entries: newest.len(),
    })
}
