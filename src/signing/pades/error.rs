//! Why a PDF is not signed.

use super::AppearanceError;
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PadesError {
    #[error("the PDF is encrypted (offset {at}): sign it before it is encrypted, or without that")]
    Encrypted { at: usize },
    /// What stands where that nobody reads with certainty.
    #[error("the PDF cannot be read with certainty: {0}")]
    Unreadable(PdfFault),
    /// Readers could take it for something else once it is signed.
    #[error(
        "nothing can be added to the PDF with certainty: {0}; write it anew without its history before it is signed, as with qpdf"
    )]
    Ambiguous(PdfFault),
    #[error("the PDF holds programs, actions or an XFA form, by which it could show something else than was signed")]
    ActiveContent,
    /// Of the visible seal.
    #[error(transparent)]
    Appearance(#[from] AppearanceError),
    #[error("the PDF has no such page")]
    NoPage,
    #[error("the PDF has as many signatures as are judged")]
    TooManySignatures,
    #[error("the field {name:?} {fault}")]
    Field { name: String, fault: FieldFault },
    #[error("the document is certified, and the certification allows no further signature")]
    Certified,
    #[error("a certification must be the first signature of a document")]
    NotFirst,
    #[error("an earlier signature locks the field {0:?}")]
    Locked(String),
    #[error("an existing signature of the PDF does not hold ({code}): nothing is added to it")]
    Existing { code: &'static str },
    #[error("{0}: at most {LONGEST_TEXT} characters, without control characters")]
    Text(&'static str),
    #[error("the message has {needed} octets and there is room for {room}")]
    Room { needed: usize, room: usize },
    /// Our own check: the document is thrown away.
    #[error("the signed PDF does not verify ({code}): nothing was released")]
    SelfCheck { code: &'static str },
}

/// Characters of each text that a signature dictionary has.
pub const LONGEST_TEXT: usize = 512;

/// Why a field cannot hold the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldFault {
    NoSignatureField,
    Signed,
    /// It is no object of its own.
    Inline,
    /// It demands a signature of a certain kind (`SV`).
    Demanding,
    /// It would forbid changes of the whole document (`P` of `Lock`).
    Locking,
    /// A new field is named without a full stop, which would make it part of another.
    Name,
}

impl std::fmt::Display for FieldFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::NoSignatureField => "is no signature field",
            Self::Signed => "is signed",
            Self::Inline => "is no object of its own",
            Self::Demanding => "demands signatures of a certain kind, which is not looked at here",
            Self::Locking => "would lock the whole document, which only a certification does here",
            Self::Name => "is not there, and the name of a new one has 1 to 128 characters and no full stop",
        })
    }
}

impl PadesError {
    /// Stable code of the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Encrypted { .. } => "pdf-encrypted",
            Self::Unreadable(_) | Self::Ambiguous(_) | Self::NoPage => "pdf-unreadable",
            Self::ActiveContent => "pdf-active-content",
            Self::Field { .. } => "pdf-field",
            Self::Certified | Self::Locked(_) => "pdf-certified",
            Self::NotFirst => "pdf-certification-not-first",
            Self::Existing { .. } => "pdf-signature-broken",
            Self::TooManySignatures => "pdf-too-many-signatures",
            Self::Text(_) => "pdf-wrong-text",
            Self::Appearance(_) => "pdf-seal",
            Self::Room { .. } | Self::SelfCheck { .. } => "pdf-self-check",
        }
    }
}

impl From<PdfFault> for PadesError {
    fn from(fault: PdfFault) -> Self {
        match fault.kind {
            PdfFaultKind::Encrypted => Self::Encrypted { at: fault.at },
            _ => Self::Unreadable(fault),
        }
    }
}
