//! The answer about a document in the form that its caller takes.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{accept::Form, problem::Problem};
use crate::core::report::{
    Report,
    text::{self, Language},
    xml,
};

/// Bytes of most answers about one signature.
const USUAL_ANSWER: usize = 4 * 1024;

/// The report as JSON; what is signed in a receipt is this too.
pub fn json(report: &Report) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::with_capacity(USUAL_ANSWER);
    serde_json::to_writer(&mut body, report).map_err(|_| Problem::internal())?;
    Ok(body)
}

/// The report in one of the forms of [`Form::UNSIGNED`].
pub fn unsigned(form: Form, language: Language, report: &Report) -> Result<Response, Problem> {
    Ok(match form {
        Form::Text => response(text::render(report, language, false), "text/plain; charset=utf-8"),
        Form::Xml => response(xml::render(report), Form::Xml.media_type()),
        Form::Json | Form::Receipt => response(json(report)?, Form::Json.media_type()),
    })
}

pub fn response(body: impl IntoResponse, media_type: &'static str) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
