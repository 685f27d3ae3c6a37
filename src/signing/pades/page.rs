//! The pages of a PDF (ISO 32000-2 §7.7.3), as far as a widget needs one.

use std::collections::HashSet;

use super::PadesError;
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::object::{Object, Reference, Value};

/// Nodes of the tree that are looked at, and how deep they stand.
const NODES: usize = 100_000;
const DEPTH: usize = 48;

/// The page with this number, counted from 0.
pub fn find(document: &Document<'_>, index: usize) -> Result<Reference, PadesError> {
    let catalogue = document.catalogue()?;
    let top = catalogue.get(b"Pages").ok_or(PadesError::NoPage)?;
    let mut search = Search { document, seen: HashSet::new(), left: index };
    search.within(top, DEPTH)?.ok_or(PadesError::NoPage)
}

struct Search<'a, 'd> {
    document: &'a Document<'d>,
    seen: HashSet<Reference>,
    /// Pages to be passed.
    left: usize,
}

impl Search<'_, '_> {
    fn within(&mut self, node: &Value, depth: usize) -> Result<Option<Reference>, PdfFault> {
        let fault = |kind| PdfFault { at: node.span.start, kind };
        let depth = depth.checked_sub(1).ok_or_else(|| fault(PdfFaultKind::Depth))?;
        let reference = node.object.as_reference().ok_or_else(|| fault(PdfFaultKind::Type))?;
        if !self.seen.insert(reference) {
            return Err(fault(PdfFaultKind::Circle));
        }
        if self.seen.len() > NODES {
            return Err(fault(PdfFaultKind::Limit));
        }
        let Some(Object::Dictionary(dictionary)) = self.document.object(reference)?.map(|found| found.value.object)
        else {
            return Err(fault(PdfFaultKind::Type));
        };
        if dictionary.name(b"Type") == Some(b"Page") {
            let found = self.left == 0;
            self.left = self.left.saturating_sub(1);
            return Ok(found.then_some(reference));
        }
        for kid in self.document.array(&dictionary, b"Kids")?.unwrap_or_default() {
            if let Some(found) = self.within(&kid, depth)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
