//! What of a PDF, beside its signatures, stands in the way of a pass.

use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::verdict::Cause;

/// What of a PDF stands in the way of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PdfCause {
    /// It cannot be read as one document that is the same to everybody.
    Unreadable(PdfFault),
    Encrypted,
    /// It has something like a signature that its form does not list.
    Unlisted,
    /// What it shows can change without its octets.
    ActiveContent,
    /// A signature that can be seen was added after this one: what it shows could hide what was signed.
    LaterRevision,
}

impl PdfCause {
    /// Stable code of the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "pdf-unreadable",
            Self::Encrypted => "pdf-encrypted",
            Self::Unlisted => "pdf-signature-unlisted",
            Self::ActiveContent => "pdf-active-content",
            Self::LaterRevision => "pdf-visible-addition",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::Unreadable(_) => [Self::Unreadable(PdfFault { at: 0, kind: PdfFaultKind::End })],
            Self::Encrypted => [Self::Encrypted],
            Self::Unlisted => [Self::Unlisted],
            Self::ActiveContent => [Self::ActiveContent],
            Self::LaterRevision => [Self::LaterRevision],
        })
    }
}

impl From<PdfFault> for Cause {
    fn from(fault: PdfFault) -> Self {
        Self::Pdf(if fault.kind == PdfFaultKind::Encrypted { PdfCause::Encrypted } else { PdfCause::Unreadable(fault) })
    }
}
