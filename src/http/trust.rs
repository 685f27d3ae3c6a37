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
        evidence::Evidence,
        memory::verify_crl,
        path::Work,
        report::CertificateFields,
        time::Time,
        x509::{AnchorLimits, Certificate, CertificateList, TrustStore},
    },
    revocation::configured::is_above,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TrustBody<'a> {
    checked_at: Time,
    /// Names this very set of certificates, limits and aliases.
    version: String,
    anchors: Vec<HeldBody<'a>>,
    intermediates: Vec<HeldBody<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeldBody<'a> {
    #[serde(flatten)]
    certificate: CertificateFields<'a>,
    /// What an anchor is for; null for intermediates, its members null where nothing is limited.
    limits: Option<&'a AnchorLimits>,
    /// The newest CRL at hand that this certificate's key signed.
    crl: Option<CrlBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CrlBody {
    number: Option<String>,
    pub(super) this_update: Time,
    pub(super) next_update: Option<Time>,
    age_seconds: i64,
    /// By the default policy, for the class of certificates that the authority issues; null: no maximum.
    maximum_age_seconds: Option<i64>,
    /// It counts by that policy.
    pub(super) fresh: bool,
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
    let held = |certificate, limits| HeldBody {
        certificate: CertificateFields::of(certificate),
        limits,
        crl: crl_of(&app, (&trust, &evidence), certificate, now),
    };
    let body = TrustBody {
        checked_at: now,
        version: hex::encode(trust.version()),
        anchors: trust.anchors().iter().map(|anchor| held(anchor.certificate(), Some(anchor.limits()))).collect(),
        intermediates: trust.intermediates().iter().map(|certificate| held(certificate, None)).collect(),
    };
    Ok(Json(body).into_response())
}

/// The newest CRL of an authority, and whether it counts.
pub(super) fn crl_of(
    app: &App,
    (trust, evidence): (&TrustStore, &Evidence),
    certificate: &Certificate,
    now: Time,
) -> Option<CrlBody> {
    let maximum_age = app.verify.policy(None).map(|policy| policy.maximum_revocation_age_hours).unwrap_or_default();
    let newest = newest_crl(app, evidence, certificate)?;
    let is_above = is_above(certificate, trust);
    let until = maximum_age.counts_until(is_above, newest.this_update, newest.next_update);
    Some(CrlBody {
        number: newest.extensions.crl_number.as_ref().map(|number| hex::encode(number.octets())),
        this_update: newest.this_update,
        next_update: newest.next_update,
        age_seconds: now.seconds_since(newest.this_update),
        maximum_age_seconds: maximum_age.seconds(is_above),
        fresh: newest.this_update <= now && until.is_some_and(|until| now <= until),
        entries: newest.len(),
    })
}

fn newest_crl<'a>(app: &App, evidence: &'a Evidence, issuer: &Certificate) -> Option<&'a Arc<CertificateList>> {
    let of_issuer = evidence.crls.issued_by(&issuer.subject).iter();
    of_issuer
        .filter(|crl| !crl.extensions.is_delta() && verify_crl(app.verify.memory(), issuer, crl, &Work::default()))
        .max_by_key(|crl| crl.this_update)
}
