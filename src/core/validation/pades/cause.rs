//! What of a PDF, beside its signatures, stands in the way of a pass.

use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::survey::Survey;
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
    /// The policy does not take content that is hidden or not in use.
    Shadow(Shadow),
    /// A signature or time-stamp was added after this one that is not right itself: nothing shows who added it.
    BrokenAddition,
    /// A signature that can be seen was added after this one: what it shows could hide what was signed.
    VisibleAddition,
}

impl PdfCause {
    /// Stable code of the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "pdf-unreadable",
            Self::Encrypted => "pdf-encrypted",
            Self::Unlisted => "pdf-signature-unlisted",
            Self::ActiveContent => "pdf-active-content",
            Self::Shadow(shadow) => shadow.code(),
            Self::BrokenAddition => "pdf-addition-broken",
            Self::VisibleAddition => "pdf-visible-addition",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::Unreadable(_) => [Self::Unreadable(PdfFault { at: 0, kind: PdfFaultKind::End })],
            Self::Encrypted => [Self::Encrypted],
            Self::Unlisted => [Self::Unlisted],
            Self::ActiveContent => [Self::ActiveContent],
            Self::Shadow(_) => Shadow::ALL.map(Self::Shadow),
            Self::BrokenAddition => [Self::BrokenAddition],
            Self::VisibleAddition => [Self::VisibleAddition],
        })
    }
}

/// Content that is there and not shown, or shown over other content: a later revision could turn the one into the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shadow {
    Unused,
    HiddenLayers,
    HiddenAnnotations,
}

impl Shadow {
    pub const ALL: [Self; 3] = [Self::Unused, Self::HiddenLayers, Self::HiddenAnnotations];

    /// All that were found.
    pub fn of(survey: Survey) -> Vec<Self> {
        let is_found = |shadow: &Self| match shadow {
            Self::Unused => survey.unused,
            Self::HiddenLayers => survey.hidden_layers,
            Self::HiddenAnnotations => survey.hidden_annotations,
        };
        Self::ALL.into_iter().filter(is_found).collect()
    }

    /// Stable code of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unused => "pdf-unused-content",
            Self::HiddenLayers => "pdf-hidden-layers",
            Self::HiddenAnnotations => "pdf-hidden-annotations",
        }
    }
}

impl From<PdfFault> for Cause {
    fn from(fault: PdfFault) -> Self {
        Self::Pdf(if fault.kind == PdfFaultKind::Encrypted { PdfCause::Encrypted } else { PdfCause::Unreadable(fault) })
    }
}
