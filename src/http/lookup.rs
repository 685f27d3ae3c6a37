//! `POST /v1/lookup`: whoever holds a paper asks about it by five fields. The answer says nothing of the octets of the paper.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    App,
    audited::Audited,
    auth::Caller,
    content_type,
    field::{FieldError, FieldFault, Fields},
    limits,
    origin::Peer,
    problem::Problem,
};
use crate::{
    clock,
    core::{
        document_validity::Validity,
        lookup::{FieldFault as LookupFault, LookupOutcome},
        report::{Message, Text, message},
        time::Time,
    },
    registry::DocumentId,
    service::{
        lookup::{FoundDocument, GivenFields, LookupError},
        sign_lookup::LookupOrderError,
    },
};

/// The five, as orders and questions have them.
pub(super) const GIVEN: &[&str] = &["fileCode", "fullName", "birthDate", "gender", "identityNumber"];
const FIELDS: &[&str] = &["fileCode", "fullName", "birthDate", "gender", "identityNumber", "documentId"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LookupBody {
    found: bool,
    code: &'static str,
    /// `issued`, or `in-doubt` where its signature does not pass now.
    legality: Option<&'static str>,
    standing: Option<StandingBody>,
    /// The last second for which its kind has it good, where that is known.
    valid_until: Option<String>,
    issued_at: Option<String>,
    issuer: Option<String>,
    checked_at: String,
    message: Text,
    remedy: Text,
}

#[derive(Serialize)]
struct StandingBody {
    state: &'static str,
    since: String,
}

/// What is told, in one word.
pub(super) fn outcome(found: Option<&FoundDocument>) -> LookupOutcome {
    let window = found.and_then(|found| found.window).map_or(Validity::Within, |ends| ends.at(clock::now()));
    match found {
        None => LookupOutcome::NotFound,
        // What may not be told is told by no word either.
        Some(FoundDocument { standing: None, .. }) => LookupOutcome::Issued,
        Some(FoundDocument { is_in_force: false, .. }) => LookupOutcome::NotInForce,
        Some(FoundDocument { is_lawful: Some(false), .. }) => LookupOutcome::InDoubt,
        Some(_) => match window {
            Validity::Within => LookupOutcome::InForce,
            Validity::Past => LookupOutcome::Expired,
            // The office that takes it can tell by what it says.
            Validity::Unknown => LookupOutcome::Issued,
        },
    }
}

/// Until when it is good, if that is known and may be told.
pub(super) fn valid_until(found: &FoundDocument) -> Option<Time> {
    found.standing.as_ref().and(found.window).and_then(|ends| ends.known())
}

impl LookupBody {
    /// The same for everything that is not told of.
    fn of(found: Option<&FoundDocument>) -> Self {
        let code = outcome(found).code();
        let Message { message, remedy } = message::of(code);
        let legality = |is_lawful| if is_lawful { "issued" } else { "in-doubt" };
        Self {
            found: found.is_some(),
            code,
            legality: found.and_then(|found| found.is_lawful).map(legality),
            standing: found
                .and_then(|found| found.standing.as_ref())
                .map(|status| StandingBody { state: status.state.name(), since: status.since.to_string() }),
            valid_until: found.and_then(valid_until).map(|time| time.to_string()),
            issued_at: found.and_then(|found| found.issued_at).map(|time| time.to_string()),
            issuer: found.and_then(|found| found.issuer.clone()),
            checked_at: clock::now().to_string(),
            message,
            remedy,
        }
    }
}

impl From<LookupFault> for FieldError {
    fn from(fault: LookupFault) -> Self {
        Self::new(fault.field.name(), FieldFault::Rule(fault.to_string()))
    }
}

impl From<LookupError> for Problem {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Field(fault) => FieldError::from(fault).into(),
            LookupError::Later(later) => {
                let seconds = u32::try_from(later.0).unwrap_or(u32::MAX);
                Self::new(StatusCode::TOO_MANY_REQUESTS, "lookup-limit", later.to_string()).retry_after(seconds)
            }
            LookupError::Registry(error) => error.into(),
            LookupError::Digest(_) | LookupError::Interrupted => {
                tracing::error!(error = %error, "a lookup failed");
                Self::internal()
            }
        }
    }
}

impl From<LookupOrderError> for Problem {
    fn from(error: LookupOrderError) -> Self {
        let detail = error.to_string();
        match error {
            LookupOrderError::NotKept | LookupOrderError::NotTold(_) | LookupOrderError::Elsewhere => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "lookup-not-offered", detail).on_field("lookup")
            }
            LookupOrderError::Differs => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "lookup-differs", detail).on_field("lookup")
            }
            LookupOrderError::Field(fault) => {
                let name = format!("lookup.{}", fault.field.name());
                FieldError::new(&name, FieldFault::Rule(fault.to_string())).into()
            }
            LookupOrderError::Digest => {
                tracing::error!("the digests of a lookup cannot be computed");
                Self::internal()
            }
        }
    }
}

/// All five must be there.
pub(super) fn given(fields: &Fields<'_>) -> Result<GivenFields, FieldError> {
    let text = |name: &'static str| fields.required(name, fields.text(name)?).map(|text| text.into_owned());
    Ok(GivenFields {
        file_code: text("fileCode")?,
        full_name: text("fullName")?,
        birth_date: text("birthDate")?,
        gender: text("gender")?,
        identity_number: text("identityNumber")?,
    })
}

/// Was a document with these five fields issued here, and does it stand?
///
/// What is not there, what has another field and what is of a kind that nobody is told of is answered alike.
#[utoipa::path(
    post,
    path = "/v1/lookup",
    request_body(
        content = serde_json::Value,
        description = "`{\"fileCode\", \"fullName\", \"birthDate\", \"gender\", \"identityNumber\", \"documentId\"?}`"
    ),
    responses(
        (status = 200, description = "`found`, and what may be told of it", body = serde_json::Value),
        (status = 400, description = "A field is missing, unknown, twice, or malformed; the code names it"),
        (status = 404, description = "Nobody can ask here"),
        (status = 429, description = "`lookup-limit`; Retry-After says when to ask again"),
        (status = 503, description = "Overloaded, or the registry cannot be asked; Retry-After says when to come again"),
    )
)]
pub async fn lookup(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Problem> {
    let lookup = app.lookup.as_ref().ok_or_else(Problem::not_found)?;
    if content_type(&request)? != "application/json" {
        return Err(Problem::media_type("application/json"));
    }
    let origin: IpAddr = peer.origin(request.headers(), &app.config.public.trusted_proxies);
    let (body, _reservation) = app.body_limits(&caller).read(request, app.room(&caller)).await?;
    let fields = Fields::read(&body, FIELDS)?;
    let rule = "documentId must be a document id: 32 lowercase hexadecimal digits";
    let only = fields.text("documentId")?.map(|text| text.parse::<DocumentId>()).transpose();
    let only = only.map_err(|_| fields.error("documentId", FieldFault::Text(rule)))?;
    let given = given(&fields)?;
    let _admission = limits::admit(app.work(&caller), &caller)?;
    let found = lookup.ask(&given, only, origin).await?;
    let body = LookupBody::of(found.as_ref());
    let mut response = (Json(&body)).into_response();
    response.extensions_mut().insert(Audited { code: body.code.to_owned(), ..Audited::default() });
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        core::document_validity::Ends,
        registry::{DocumentState, DocumentStatus},
    };

    #[test]
    fn what_is_past_its_time_does_not_stand() {
        let now = clock::now();
        let standing =
            DocumentStatus { state: DocumentState::InForce, since: now, superseded_by: None, history: Vec::new() };
        let found = |window| FoundDocument {
            is_lawful: Some(true),
            standing: Some(standing.clone()),
            issued_at: Some(now),
            issuer: None,
            is_in_force: true,
            window,
        };
        let ends = |earliest: i64, latest: i64| {
            let time = |seconds| Some(Time::from_unix(now.unix() + seconds));
            Some(Ends { earliest: time(earliest), latest: time(latest) })
        };
        for (window, expected) in [
            (None, LookupOutcome::InForce),
            (ends(600, 600), LookupOutcome::InForce),
            (ends(-600, -600), LookupOutcome::Expired),
            (ends(-600, 600), LookupOutcome::Issued),
        ] {
            assert_eq!(outcome(Some(&found(window))).code(), expected.code(), "{window:?}");
        }
        let unlawful = FoundDocument { is_lawful: Some(false), ..found(ends(-600, -600)) };
        assert_eq!(outcome(Some(&unlawful)).code(), LookupOutcome::InDoubt.code());
        assert_eq!(valid_until(&FoundDocument { standing: None, ..found(ends(600, 600)) }), None);
    }
}
