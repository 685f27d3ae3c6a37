//! The files that are signed: one or two pages, of the kinds that there are.

use super::{Layout, Objects, flate, stream};

pub const CATALOGUE: u32 = 1;
pub const PAGES: u32 = 2;
pub const PAGE: u32 = 3;
pub const CONTENTS: u32 = 4;
pub const FONT: u32 = 5;
pub const INFO: u32 = 6;
pub const FORM: u32 = 7;
/// A text field with a look.
pub const TEXT: u32 = 8;
pub const LOOK: u32 = 9;
/// An empty signature field.
pub const READY: u32 = 10;
/// Pages between [`PAGES`] and the second page.
pub const INNER: u32 = 11;
pub const SECOND: u32 = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A table, no form.
    Table,
    /// Cross-reference and object streams.
    Stream,
    /// A table, and a stream for what old readers need not see.
    Hybrid,
    /// A form with a text field.
    Form,
    /// A form with an empty signature field.
    Ready,
    /// Two pages at different depths.
    Tree,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Table, Self::Stream, Self::Hybrid, Self::Form, Self::Ready, Self::Tree];

    pub const fn layout(self) -> Layout {
        match self {
            Self::Stream => Layout::Stream,
            Self::Hybrid => Layout::Hybrid,
            _ => Layout::Table,
        }
    }

    pub fn objects(self) -> Objects {
        let mut objects = Objects::new();
        let mut put = |number, body: &str| drop(objects.insert(number, body.as_bytes().to_vec()));
        let form = matches!(self, Self::Form | Self::Ready);
        let entry = if form { " /AcroForm 7 0 R" } else { "" };
        put(CATALOGUE, &format!("<< /Type /Catalog /Pages 2 0 R{entry} >>"));
        put(FONT, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
        let page = "/Type /Page /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R";
        let annotations = match self {
            Self::Form => " /Annots [8 0 R]",
            Self::Ready => " /Annots [10 0 R]",
            _ => "",
        };
        put(PAGE, &format!("<< {page} /Parent 2 0 R{annotations} >>"));
        if self == Self::Tree {
            put(PAGES, "<< /Type /Pages /Kids [3 0 R 11 0 R] /Count 2 >>");
            put(INNER, "<< /Type /Pages /Parent 2 0 R /Kids [12 0 R] /Count 1 >>");
            put(SECOND, &format!("<< {page} /Parent 11 0 R >>"));
        } else {
            put(PAGES, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
        }
        match self {
            Self::Form => {
                let look = "/DA (/F1 12 Tf 0 g) /DR << /Font << /F1 5 0 R >> >>";
                put(FORM, &format!("<< /Fields [8 0 R] {look} >>"));
                put(
                    TEXT,
                    "<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ng. V. A) /F 4 /P 3 0 R /Rect [72 600 272 620] \
                     /AP << /N 9 0 R >> >>",
                );
            }
            Self::Ready => {
                put(FORM, "<< /Fields [10 0 R] >>");
                put(READY, "<< /Type /Annot /Subtype /Widget /FT /Sig /T (ready) /F 132 /P 3 0 R /Rect [0 0 0 0] >>");
            }
            Self::Table => put(INFO, "<< /Title (Paper) >>"),
            _ => {}
        }
        let text = b"BT /F1 12 Tf 72 720 Td (No convictions.) Tj ET";
        let (contents, look) = match self {
            Self::Stream => (flate("", text), None),
            Self::Form => {
                let entries = "/Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /F1 5 0 R >> >>";
                (stream("", text), Some(stream(entries, b"/Tx BMC BT /F1 12 Tf 2 6 Td (Ng. V. A) Tj ET EMC")))
            }
            _ => (stream("", text), None),
        };
        objects.insert(CONTENTS, contents);
        objects.extend(look.map(|look| (LOOK, look)));
        objects
    }
}
