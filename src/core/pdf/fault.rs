//! Why a PDF cannot be read as one document that is the same to everybody.

use std::fmt;

/// A rule of the file format that is broken, and where: the octet counted from the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PdfFault {
    pub at: usize,
    pub kind: PdfFaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PdfFaultKind {
    /// Something else stands here than the syntax has (ISO 32000-2 §7.2, §7.3).
    Syntax,
    /// Objects are nested deeper than any paper needs.
    Depth,
    /// A dictionary has a key twice: readers differ in which they take.
    KeyTwice,
    /// There is no end of the file with the place of its cross-references (§7.5.5).
    End,
    /// The cross-references are no table and no stream, or do not fit (§7.5.4, §7.5.8).
    CrossReferences,
    /// The file begins with something else than an object, or says that it is longer than it is (annex F).
    Beginning,
    /// They lead in a circle.
    Circle,
    /// An object has two places.
    TwoPlaces,
    /// What stands at the place of an object is not that object (§7.3.10).
    OtherObject,
    /// A stream has another length than it says, or ends nowhere (§7.3.8).
    Stream,
    /// A stream that is needed is compressed in a way that is not read here, or damaged (§7.4).
    Filter,
    /// The document is encrypted (§7.6).
    Encrypted,
    /// What must be a dictionary, an array or a number is something else (§7.7, §12.7).
    Type,
    /// A limit of this reader.
    Limit,
}

impl PdfFaultKind {
    /// In words, in English: for the details of an answer.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Syntax => "something else than the syntax has",
            Self::Depth => "objects are nested too deep",
            Self::KeyTwice => "a dictionary has a key twice",
            Self::End => "no startxref and %%EOF at the end",
            Self::CrossReferences => "unreadable cross-references",
            Self::Beginning => "no object at the beginning, or the length of another file",
            Self::Circle => "cross-references in a circle",
            Self::TwoPlaces => "an object has two places",
            Self::OtherObject => "another object than the cross-references say",
            Self::Stream => "a stream does not end where it says",
            Self::Filter => "a stream cannot be decompressed",
            Self::Encrypted => "the document is encrypted",
            Self::Type => "an object of another type than needed",
            Self::Limit => "more objects than are looked at",
        }
    }
}

impl fmt::Display for PdfFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at offset {}", self.kind.words(), self.at)
    }
}

impl std::error::Error for PdfFault {}
