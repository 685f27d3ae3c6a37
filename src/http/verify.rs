//! `POST /v1/verify`: a question in one of three forms becomes one [`Question`], and is answered by the service.

use std::sync::Arc;

use tokio::time::Instant;

use axum::{
    body::Bytes,
    extract::{Request, State},
    response::Response,
};

use super::{
    App, accept, answer,
    audited::Audited,
    auth::Caller,
    body_type,
    field::{FieldError, FieldFault, Fields},
    limits::{self, Admission, Reservation},
    parts,
    problem::Problem,
    receipt,
};
use crate::{
    clock,
    core::{algorithm::DigestAlgorithm, log::LogProof, report::Report, validation::Content},
    revocation::collect::Collected,
    service::verify::{Verified, VerifyError, VerifyRequest},
};

/// Of a question in a batch; all but the first of one by itself.
pub(super) const LINE_FIELDS: &[&str] =
    &["id", "document", "filename", "signature", "digests", "purpose", "policy", "logProof"];
const FIELDS: &[&str] = LINE_FIELDS.split_at(1).1;
pub(super) const LOG_PROOF: &str = "logProof";
const DIGEST_FIELDS: &[&str] = &["algorithm", "value"];
const DIGEST_ALGORITHMS: &[&str] =
    &["sha-1", "sha-224", "sha-256", "sha-384", "sha-512", "sha3-256", "sha3-384", "sha3-512"];
const MOST_DIGESTS: usize = 8;
const LONGEST_FILENAME: usize = 1024;
/// Documents up to this size are judged on the worker that serves the request: some 100 µs if
/// well-meant, and a hostile one holds few signers and certificates; larger ones where blocking is allowed.
const JUDGED_INLINE: usize = 8 * 1024;
/// How often evidence is collected for one question: a chain of two missing authorities, then their lists.
const ROUNDS: usize = 4;
const ACCEPTED: &str = "application/json, multipart/form-data, application/pdf, application/pkcs7-mime";

pub(super) type Digests = Vec<(DigestAlgorithm, Vec<u8>)>;

/// One question, in whatever form it came.
#[derive(Default)]
pub struct Question {
    /// The CMS message or PDF.
    pub(super) document: Bytes,
    pub(super) content: GivenContent,
    pub(super) purpose: Option<String>,
    pub(super) policy: Option<String>,
    /// That the document is in an issuance log: whoever gives one demands that it holds.
    pub(super) log_proof: Option<LogProof>,
}

#[derive(Default)]
pub(super) enum GivenContent {
    #[default]
    None,
    Bytes(Bytes),
    Digests(Digests),
}

impl Question {
    /// About a document that holds all there is.
    pub fn of_document(document: Bytes, policy: Option<String>) -> Self {
        Self { document, policy, ..Self::default() }
    }

    fn size(&self) -> usize {
        self.document.len() + if let GivenContent::Bytes(bytes) = &self.content { bytes.len() } else { 0 }
    }

    /// In which the message stands.
    const fn field(&self) -> &'static str {
        if matches!(self.content, GivenContent::None) { "document" } else { "signature" }
    }

    fn answer(&self, app: &App, collected: &Collected) -> Result<Verified, VerifyError> {
        app.verify.verify(&VerifyRequest {
            document: &self.document,
            content: match &self.content {
                GivenContent::None => Content::None,
                GivenContent::Bytes(bytes) => Content::Bytes(bytes),
                GivenContent::Digests(digests) => Content::Digests(digests),
            },
            policy: self.policy.as_deref(),
            purpose: self.purpose.as_deref(),
            collected,
            time: clock::now(),
        })
    }
}

/// A question with what was collected for it, and with what it occupies.
struct Case {
    question: Question,
    collected: Collected,
    occupied: (Reservation, Admission),
}

impl Case {
    /// Work that has begun goes on when its client hangs up; what it occupies goes with it, so that it keeps counting.
    async fn judge(self, app: &Arc<App>) -> Result<(Verified, Self), Problem> {
        let field = self.question.field();
        let refused = |error| Problem::verifying(error, field);
        if self.question.size() <= JUDGED_INLINE {
            return Ok((self.question.answer(app, &self.collected).map_err(refused)?, self));
        }
        let app = Arc::clone(app);
        let judged = tokio::task::spawn_blocking(move || (self.question.answer(&app, &self.collected), self));
        let (verified, case) = judged.await.map_err(|_| Problem::internal())?;
        Ok((verified.map_err(refused)?, case))
    }
}

/// May this electronic document be relied on, now, for this purpose?
///
/// As JSON: `{"document": base64}` for a PDF or an enveloping CMS; `{"document": base64, "signature": base64}` for a detached CMS and
/// its content; `{"digests": [{"algorithm": "sha-256", "value": base64}], "signature": base64}` where the content stays with the
/// caller. Optional: `filename`, `purpose`, `policy`, `logProof`. As multipart: parts `document`, `signature`, `purpose`, `policy`, `logProof`; with the
/// signature first, the document is hashed as it arrives, unless an older archive time-stamp needs all of it. A bad
/// signature is a 200 with a verdict.
#[utoipa::path(
    post,
    path = "/v1/verify",
    params(("receipt" = Option<String>, Query, description = "`1`: the answer as a signed receipt")),
    request_body(
        description = "The document, alone or with a detached signature",
        content(
            (serde_json::Value = "application/json"),
            (serde_json::Value = "multipart/form-data"),
            (String = "application/pdf"),
            (String = "application/pkcs7-mime"),
        )
    ),
    responses(
        (
            status = 200,
            description = "The answer; `reliance.outcome` is the field to act on. As text, XML (ETSI TS 119 102-2) or signed receipt by `Accept`",
            content(
                (serde_json::Value = "application/json"),
                (String = "text/plain"),
                (String = "application/xml"),
                (String = "application/pkcs7-mime"),
            )
        ),
        (status = 400, description = "A field is missing, unknown, twice, or malformed; the code names it"),
        (status = 406, description = "`not-acceptable`: none of the forms that `Accept` names"),
        (status = 413, description = "The body is larger than the limit"),
        (status = 415, description = "Another content type"),
        (status = 422, description = "`unreadable-document`: neither CMS nor PDF; `receipt-not-available`"),
        (status = 429, description = "`receipt-limit`, `client-concurrency`; Retry-After says when to come again"),
        (status = 503, description = "Overloaded; Retry-After says when to come again"),
    )
)]
pub async fn verify(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Problem> {
    caller.may_verify()?;
    let form = receipt::form(&app, &request)?;
    let language = accept::language(request.headers());
    let limits = app.body_limits(&caller);
    let (question, reservation) = match body_type(&request)? {
        "application/json" => {
            let (body, reservation) = limits.read(request, app.room(&caller)).await?;
            (question(&Fields::read(&body, FIELDS)?)?, reservation)
        }
        "application/pdf" | "application/pkcs7-mime" => {
            let (document, reservation) = limits.read(request, app.room(&caller)).await?;
            (Question { document, ..Question::default() }, reservation)
        }
        "multipart/form-data" => parts::question(&app, &caller, request, limits).await?,
        _ => return Err(Problem::media_type(ACCEPTED)),
    };
    let receipt = receipt::admit(&app, &caller, form, &question.document, question.purpose.as_deref())?;
    let occupied = (reservation, limits::admit(app.work(&caller), &caller)?);
    let judged = judge(&app, &caller, question, occupied).await?;
    let mut response = match receipt {
        Some(receipt) => receipt.sign(&app, &judged.report).await,
        None => answer::unsigned(form, language, &judged.report),
    }?;
    response.extensions_mut().insert(Audited::of(&judged.report));
    Ok(response)
}

/// The answer; while it is being sent off, the request goes on counting as one in work.
pub struct Judged {
    pub report: Report,
    _occupied: (Reservation, Admission),
}

/// Judges a question that was let in: with evidence collected where some is missing, and the standing considered.
pub(super) async fn judge(
    app: &Arc<App>,
    caller: &Caller,
    question: Question,
    occupied: (Reservation, Admission),
) -> Result<Judged, Problem> {
    let case = Case { question, collected: Collected::default(), occupied };
    let deadline = Instant::now() + app.verify.patience();
    let (mut verified, mut case) = case.judge(app).await?;
    let client = caller.client().ok().map(|client| client.name.as_str());
    for _ in 0..ROUNDS {
        if !app.verify.collect(&verified.wanted, &mut case.collected, client, deadline).await {
            break;
        }
        (verified, case) = case.judge(app).await?;
    }
    let asked_at = verified.report.validation_time;
    app.standing.apply(&**app.documents.registry(), &mut verified, asked_at).await?;
    app.required_logs.apply(case.question.log_proof.as_ref(), &mut verified.report).await?;
    app.verdicts.count(verified.report.reliance.outcome);
    Ok(Judged { report: verified.report, _occupied: case.occupied })
}

/// From the members of a JSON question.
pub(super) fn question(fields: &Fields<'_>) -> Result<Question, FieldError> {
    if fields.text("filename")?.is_some_and(|name| name.len() > LONGEST_FILENAME) {
        return Err(fields.error("filename", FieldFault::Text("a file name has at most 1024 bytes")));
    }
    let document = fields.base64("document")?.map(Bytes::from);
    let signature = fields.base64("signature")?.map(Bytes::from);
    let digests = digests(fields)?;
    let purpose = fields.text("purpose")?.map(|text| text.into_owned());
    let policy = fields.text("policy")?.map(|text| text.into_owned());
    let log_proof = fields.text("logProof")?.map(|text| log_proof(text.as_bytes())).transpose()?;
    let (document, content) = match (document, signature, digests) {
        (Some(_), _, Some(_)) => {
            return Err(
                fields.error("digests", FieldFault::Conflict("digests stand in place of document: give one of them"))
            );
        }
        (Some(document), None, None) => (document, GivenContent::None),
        (Some(content), Some(signature), None) => (signature, GivenContent::Bytes(content)),
        (None, Some(signature), Some(digests)) => (signature, GivenContent::Digests(digests)),
        (None, None, Some(_)) => return Err(fields.error("signature", FieldFault::Missing)),
        (None, _, None) => return Err(fields.error("document", FieldFault::Missing)),
    };
    if document.is_empty() {
        let name = if matches!(content, GivenContent::None) { "document" } else { "signature" };
        return Err(fields.error(name, FieldFault::Empty));
    }
    Ok(Question { document, content, purpose, policy, log_proof })
}

/// A proof as [C2SP tlog-proof](https://c2sp.org/tlog-proof) has it.
pub(super) fn log_proof(octets: &[u8]) -> Result<LogProof, FieldError> {
    let rule = "a proof is what GET /v1/documents/{id}/proof gives as proof: its first line is c2sp.org/tlog-proof@v1";
    LogProof::parse(octets).map_err(|_| FieldError::new(LOG_PROOF, FieldFault::Text(rule)))
}

pub(super) fn digests(fields: &Fields<'_>) -> Result<Option<Digests>, FieldError> {
    let Some(entries) = fields.objects("digests", MOST_DIGESTS, DIGEST_FIELDS)? else { return Ok(None) };
    let mut digests: Digests = Vec::with_capacity(entries.len());
    for entry in &entries {
        let (algorithm, value) = digest(entry)?;
        if digests.iter().any(|(earlier, _)| *earlier == algorithm) {
            return Err(entry.error("algorithm", FieldFault::Duplicate));
        }
        digests.push((algorithm, value));
    }
    Ok(Some(digests))
}

/// `{"algorithm": name, "value": base64}` of the right length.
pub(super) fn digest(entry: &Fields<'_>) -> Result<(DigestAlgorithm, Vec<u8>), FieldError> {
    let algorithm = entry.named("algorithm", DIGEST_ALGORITHMS, DigestAlgorithm::from_name)?;
    let algorithm = entry.required("algorithm", algorithm)?;
    let value = entry.required("value", entry.base64("value")?)?;
    if value.len() != algorithm.length() {
        let fault = FieldFault::Length { expected: algorithm.length(), found: value.len() };
        return Err(entry.error("value", fault));
    }
    Ok((algorithm, value))
}

pub(super) const DIGEST: &[&str] = DIGEST_FIELDS;
