//! PDFs in requests: why one is not signed, by code.

use axum::http::StatusCode;

use super::problem::Problem;
use crate::signing::pades::PadesError;

impl From<PadesError> for Problem {
    fn from(error: PadesError) -> Self {
        const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        let detail = error.to_string();
        let on_document = |code| Self::new(REFUSED, code, detail.clone()).on_field("document");
        match &error {
            PadesError::Encrypted { .. } => on_document("pdf-encrypted"),
            PadesError::Unreadable(_) | PadesError::NoPage => on_document("pdf-unreadable"),
            PadesError::ActiveContent => on_document("pdf-active-content"),
            PadesError::TooManySignatures => on_document("pdf-too-many-signatures"),
            PadesError::Certified | PadesError::Locked(_) => on_document("pdf-certified"),
            PadesError::Existing { .. } => on_document("pdf-signature-broken"),
            PadesError::NotFirst => on_document("pdf-certification-not-first").on_field("pdf.certify"),
            PadesError::Field { .. } => on_document("pdf-field").on_field("pdf.field"),
            PadesError::Text(_) => on_document("pdf-text").on_field("pdf"),
            PadesError::Room { .. } | PadesError::SelfCheck { .. } => {
                tracing::error!(%error, "a signed PDF does not verify");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "signing-failed", "the signed PDF does not verify")
            }
        }
    }
}
