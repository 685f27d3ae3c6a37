//! PDFs in requests: what they get beside a signature, and why one is not signed, by code.

use axum::http::StatusCode;

use super::{
    field::{FieldError, FieldFault, Fields},
    problem::Problem,
};
use crate::signing::pades::{Appearance, Certification, PadesError, PadesOrder};
use crate::signing::seal::{Ink, Position};

const FIELDS: &[&str] = &["field", "certify", "reason", "location", "contact", "appearance"];
const APPEARANCE: &[&str] = &["page", "x", "y", "organisation", "qr", "ink"];
const INKS: &[&str] = &["black", "blue"];
const CERTIFICATIONS: &[&str] = &["no-changes", "form-filling", "annotations"];

/// The member `pdf` of an order: `{"field"?, "certify"?, "reason"?, "location"?, "contact"?, "appearance"?}`.
pub(super) fn order(fields: &Fields<'_>) -> Result<Option<PadesOrder>, FieldError> {
    let Some(pdf) = fields.object("pdf", FIELDS)? else { return Ok(None) };
    let text = |name| pdf.text(name).map(|text| text.map(|text| text.into_owned()));
    Ok(Some(PadesOrder {
        field: text("field")?,
        certify: pdf.named("certify", CERTIFICATIONS, certification)?,
        reason: text("reason")?,
        location: text("location")?,
        contact: text("contact")?,
        name: None,
        appearance: pdf.object("appearance", APPEARANCE)?.map(|seal| appearance(&seal)).transpose()?,
        look: None,
    }))
}

/// `{"page"?, "x"?, "y"?, "organisation"?, "qr"?, "ink"?}`: `x` and `y` together, in points.
fn appearance(seal: &Fields<'_>) -> Result<Appearance, FieldError> {
    let text = |name| seal.text(name).map(|text| text.map(|text| text.into_owned()));
    let position = match (seal.number("x")?, seal.number("y")?) {
        (None, None) => Position::Free,
        (Some(x), Some(y)) => Position::At(x, y),
        (None, Some(_)) => return Err(seal.error("x", FieldFault::Missing)),
        (Some(_), None) => return Err(seal.error("y", FieldFault::Missing)),
    };
    let ink = seal.named("ink", INKS, |name| match name {
        "black" => Some(Ink::Black),
        "blue" => Some(Ink::Blue),
        _ => None,
    })?;
    Ok(Appearance {
        page: seal.count("page")?.unwrap_or(1),
        position,
        organisation: text("organisation")?,
        address: text("qr")?,
        image: None,
        ink: ink.unwrap_or_default(),
    })
}

fn certification(name: &str) -> Option<Certification> {
    match name {
        "no-changes" => Some(Certification::Nothing),
        "form-filling" => Some(Certification::Forms),
        "annotations" => Some(Certification::Annotations),
        _ => None,
    }
}

impl Problem {
    pub fn pdf_too_large(detail: String) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "pdf-too-large", detail).on_field("document")
    }
}

impl From<PadesError> for Problem {
    fn from(error: PadesError) -> Self {
        let detail = error.to_string();
        let (problem, field) = match &error {
            PadesError::Encrypted { .. } => {
                (Self::new(StatusCode::UNPROCESSABLE_ENTITY, "pdf-encrypted", detail), "document")
            }
            PadesError::Unreadable(_) | PadesError::Ambiguous(_) | PadesError::NoPage => {
                (Self::new(StatusCode::UNPROCESSABLE_ENTITY, "pdf-unreadable", detail), "document")
            }
            PadesError::ActiveContent => {
                (Self::new(StatusCode::UNPROCESSABLE_ENTITY, "pdf-active-content", detail), "document")
            }
            PadesError::TooManySignatures => {
                (Self::new(StatusCode::UNPROCESSABLE_ENTITY, "pdf-too-many-signatures", detail), "document")
            }
            PadesError::Certified | PadesError::Locked(_) => {
                (Self::new(StatusCode::UNPROCESSABLE_ENTITY, "pdf-certified", detail), "document")
            }
            PadesError::Existing { .. } => {
                (Self::new(StatusCode::UNPROCESSABLE_ENTITY, "pdf-signature-broken", detail), "document")
            }
            PadesError::NotFirst => {
                (Self::new(StatusCode::UNPROCESSABLE_ENTITY, "pdf-certification-not-first", detail), "pdf.certify")
            }
            PadesError::Appearance(_) => {
                (Self::new(StatusCode::UNPROCESSABLE_ENTITY, "pdf-seal", detail), "pdf.appearance")
            }
            PadesError::Field { .. } => (Self::new(StatusCode::UNPROCESSABLE_ENTITY, "pdf-field", detail), "pdf.field"),
            PadesError::Text(_) => (Self::new(StatusCode::BAD_REQUEST, "pdf-wrong-text", detail), "pdf"),
            PadesError::Room { .. } | PadesError::SelfCheck { .. } => {
                tracing::error!(%error, "a signed PDF does not verify");
                let detail = "the signed PDF does not verify; the operator finds the reason in the log";
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "signing-failed", detail);
            }
        };
        problem.on_field(field)
    }
}
