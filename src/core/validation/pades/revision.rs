//! What later revisions did to a PDF that was signed (ISO 32000-2 §12.8.2; EN 319 142-1 §5.4).

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use super::{InPdf, PdfCause};
use crate::core::pdf::changes::{self, Change, History, Look, Rules};
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::geometry::Rectangle;
use crate::core::pdf::object::Reference;
use crate::core::pdf::occupied::{self, Extent};
use crate::core::pdf::permissions::Permissions;
use crate::core::pdf::signature::{self, SignatureDictionary, SignatureFault, SignatureField, SubFilter};
use crate::core::validation::basic::SignatureValidation;
use crate::core::validation::format::FormatFault;
use crate::core::verdict::{Cause, Failure, Verdict};

/// The revisions of a PDF, of which each signature has one.
pub struct Revisions<'a, 'd> {
    document: &'a Document<'d>,
    /// In the order in which they were signed.
    fields: &'a [SignatureField],
    /// The policy takes values of fields where a certification does.
    form_filling: bool,
    history: OnceCell<Result<History<'d>, PdfFault>>,
    /// What the content of pages paints; it is the same in all revisions that are compared.
    painted: RefCell<HashMap<Reference, Vec<Rectangle>>>,
    /// Signatures that pass, by their objects, the newest having been judged first.
    passed: RefCell<HashSet<Reference>>,
}

impl<'a, 'd> Revisions<'a, 'd> {
    pub fn new(document: &'a Document<'d>, fields: &'a [SignatureField], form_filling: bool) -> Self {
        Self {
            document,
            fields,
            form_filling,
            history: OnceCell::new(),
            painted: RefCell::default(),
            passed: RefCell::default(),
        }
    }

    /// The signature in this field passes, all considered.
    pub fn passed(&self, place: usize) {
        self.passed.borrow_mut().extend(self.fields[place].value);
    }

    /// Takes what they did into the judgement of the signature in this field: it can only become worse. The later ones have been judged.
    pub fn judge(&self, place: usize, signature: &mut SignatureValidation, in_pdf: &mut InPdf) {
        let field = &self.fields[place];
        let Ok(dictionary) = &field.dictionary else { return };
        if matches!(signature.verdict, Verdict::TotalFailed(_)) {
            return;
        }
        let is_first = self.fields[..place].iter().all(is_time_stamp);
        if field.permissions.certification.is_some() && !is_first {
            signature.verdict = format_failure(SignatureFault::Certification);
            return;
        }
        let end = dictionary.byte_range.end;
        let Some(signed) = self.document.up_to(end) else {
            signature.verdict = format_failure(SignatureFault::End);
            return;
        };
        if end == self.document.octets().len() {
            return;
        }
        match self.changes(place, dictionary, &signed) {
            Ok(Ok(additions)) => {
                in_pdf.additions = additions.kinds;
                let hides = additions.visible.iter().map(|look| self.may_mislead(look, &signed));
                if matches!(signature.verdict, Verdict::TotalPassed(_))
                    && hides.reduce(|one, other| Ok(one? || other?)).unwrap_or(Ok(false)) != Ok(false)
                {
                    signature.verdict = Verdict::Indeterminate(Cause::Pdf(PdfCause::VisibleAddition));
                }
            }
            Ok(Err(forbidden)) => signature.verdict = Verdict::TotalFailed(Failure::PdfChanged(forbidden)),
            Err(fault) => signature.verdict = Verdict::Indeterminate(fault.into()),
        }
    }

    /// A look that was added lies over something, or belongs to a signature that does not pass: whoever made it may show what he likes.
    fn may_mislead(&self, look: &Look, signed: &Document<'_>) -> Result<bool, PdfFault> {
        if look.pages.is_empty() {
            return Ok(false);
        }
        let rectangle = match occupied::extent(self.document, &look.dictionary) {
            Extent::Nowhere => return Ok(false),
            Extent::In(rectangle) => rectangle,
            Extent::Unknown => return Ok(true),
        };
        if !look.is_filled && !look.value.is_some_and(|value| self.passed.borrow().contains(&value)) {
            return Ok(true);
        }
        for page in &look.pages {
            let mut painted = self.painted.borrow_mut();
            if !painted.contains_key(page) {
                painted.insert(*page, occupied::of_content(self.document, *page)?);
            }
            let annotations = occupied::of_annotations(signed, *page, &[look.widget])?;
            if occupied::overlaps(&painted[page], &rectangle) || occupied::overlaps(&annotations, &rectangle) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn changes(
        &self,
        place: usize,
        dictionary: &SignatureDictionary,
        signed: &Document<'_>,
    ) -> Result<Result<changes::Additions, changes::Forbidden>, PdfFault> {
        let field = &self.fields[place];
        let is_it = |own: &SignatureField| {
            own.name == field.name
                && own.value == field.value
                && own.dictionary.as_ref().is_ok_and(|own| own.contents == dictionary.contents)
        };
        if !signature::fields(signed)?.iter().any(is_it) {
            return Ok(Err(Change::Signature.at(&field.name)));
        }
        let history = self.history.get_or_init(|| {
            let mut ends = self.fields.iter().filter_map(|field| Some(field.dictionary.as_ref().ok()?.byte_range.end));
            let first = ends.find_map(|end| self.document.up_to(end));
            first.map_or_else(
                || History::since(self.document, self.document),
                |first| History::since(&first, self.document),
            )
        });
        let history = history.as_ref().map_err(Clone::clone)?;
        let so_far = self.fields[..=place].iter().map(|field| &field.permissions);
        let permissions = so_far.fold(Permissions::default(), |all, own| all.and(own));
        // A time-stamp certifies nothing: anybody can have one.
        let is_certified = |own: &SignatureField| own.permissions.certification.is_some() && !is_time_stamp(own);
        let form_filling = self.form_filling && self.fields[..=place].iter().any(is_certified);
        let rules = Rules { permissions, form_filling };
        changes::since(signed, self.document, history, &rules)
    }
}

fn is_time_stamp(field: &SignatureField) -> bool {
    field.dictionary.as_ref().is_ok_and(|dictionary| dictionary.sub_filter == SubFilter::TimeStamp)
}

const fn format_failure(fault: SignatureFault) -> Verdict {
    Verdict::TotalFailed(Failure::Format(FormatFault::Pdf(fault)))
}
