//! The answer as a signed receipt: the JSON answer with a member `receipt` before the others, enveloped in CMS.

use axum::{
    body::Bytes,
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
};
use serde::Serialize;

use super::{
    App,
    accept::{self, Form},
    answer,
    auth::Caller,
    problem::Problem,
};
use crate::{
    clock,
    core::{crypto, report::Report, time::Time},
};

/// The one query that there is.
const QUERY: &str = "receipt=1";
const MEDIA_TYPE: &str = "application/pkcs7-mime; smime-type=signed-data";
/// The receipt lies in a file of its own.
const DISPOSITION: &str = "attachment; filename=\"receipt.p7m\"";

/// The form of the answer: a receipt if the query says so, else by `Accept`.
pub fn form(app: &App, request: &Request) -> Result<Form, Problem> {
    match request.uri().query() {
        Some(QUERY) if app.receipts.is_some() => Ok(Form::Receipt),
        Some(QUERY) => Err(Problem::receipt_not_available()),
        Some(_) => Err(Problem::query()),
        None => {
            let signed = app.receipts.is_some().then_some(Form::Receipt);
            let offered: Vec<Form> = Form::UNSIGNED.into_iter().chain(signed).collect();
            accept::form(request.headers(), &offered)
        }
    }
}

/// What a receipt says beside the answer.
pub struct Receipt {
    /// The message or PDF, as it was sent.
    document: Bytes,
    purpose: Option<String>,
}

/// `receipt` in the signed JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    id: &'a str,
    issued_at: Time,
    file_sha256: &'a str,
    purpose: Option<&'a str>,
}

/// Lets a request for a receipt in, before anything is judged; `None` for every other form.
pub fn admit(
    app: &App,
    caller: &Caller,
    form: Form,
    document: &Bytes,
    purpose: Option<&str>,
) -> Result<Option<Receipt>, Problem> {
    let Some(receipts) = app.receipts.as_ref().filter(|_| form == Form::Receipt) else { return Ok(None) };
    if !matches!(caller, Caller::Client(_)) {
        receipts.admit_stranger()?;
    }
    Ok(Some(Receipt { document: document.clone(), purpose: purpose.map(str::to_owned) }))
}

impl Receipt {
    /// The answer, signed.
    pub async fn sign(self, app: &App, report: &Report) -> Result<Response, Problem> {
        let mut response = answer::response(self.octets(app, report).await?, MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(DISPOSITION));
        Ok(response)
    }

    /// The same, alone.
    pub async fn octets(self, app: &App, report: &Report) -> Result<Vec<u8>, Problem> {
        let receipts = app.receipts.as_ref().ok_or_else(Problem::receipt_not_available)?;
        let mut id = [0; 16];
        openssl::rand::rand_bytes(&mut id).map_err(|error| {
            tracing::error!(%error, "no random number could be had");
            Problem::internal()
        })?;
        let id = hex::encode(id);
        let Self { document, purpose } = self;
        let file_sha256 = tokio::task::spawn_blocking(move || hex::encode(crypto::sha256(&document))).await;
        let file_sha256 = file_sha256.map_err(|_| Problem::internal())?;
        let statement =
            Statement { id: &id, issued_at: clock::now(), file_sha256: &file_sha256, purpose: purpose.as_deref() };
        let statement = serde_json::to_string(&statement).map_err(|_| Problem::internal())?;
        let answer = answer::json(report)?;
        let members = answer.strip_prefix(b"{").ok_or_else(Problem::internal)?;
        let content = [b"{\"receipt\":", statement.as_bytes(), b",", members].concat();
        let signed = receipts.sign(&id, content).await?;
        metrics::counter!("antin_receipts_total").increment(1);
        Ok(signed)
    }
}
