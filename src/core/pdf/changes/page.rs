//! Pages: the widgets of signatures that were added stand on them, and nothing else is new.

use super::form::starts_with;
use super::{Change, Checked, Comparison, PdfFault, Zone, allowed, difference, reference};
use crate::core::pdf::document::Indirect;
use crate::core::pdf::object::{Dictionary, Object, Reference, Value};
use crate::core::pdf::references::Key;

/// Nodes above a page.
const DEPTH: usize = 64;

impl Comparison<'_, '_> {
    /// Every page that was written, and lists of annotations that are objects of their own.
    pub(super) fn pages(&mut self) -> Checked<()> {
        let mut numbers: Vec<u32> =
            self.written.iter().filter(|number| !self.explained.contains_key(number)).copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            let (Some(before), Some(after)) = (self.signed.in_use(number), self.now.in_use(number)) else { continue };
            let (Some(old), Some(new)) = (self.signed.object(before)?, self.now.object(after)?) else { continue };
            match (&old.value.object, &new.value.object) {
                (Object::Dictionary(one), Object::Dictionary(_))
                    if one.name(b"Type") == Some(b"Page") && !old.is_stream && !new.is_stream =>
                {
                    allowed!(self.page(after)?);
                }
                (Object::Array(before), Object::Array(now)) => {
                    let Some(pages) = self.pages_of(number)? else { continue };
                    if !starts_with(now, before) || !self.are_widgets(&now[before.len()..]) {
                        return Ok(Err(Change::Annotation.at(format!("object {number}"))));
                    }
                    self.explain(number, Zone::Annotations);
                    pages.into_iter().for_each(|page| self.leads(page, Zone::Page));
                }
                _ => {}
            }
        }
        Ok(Ok(()))
    }

    /// The pages whose annotations this is; `None`: it is something else, or that too.
    fn pages_of(&self, annotations: u32) -> Result<Option<Vec<u32>>, PdfFault> {
        let mut pages = Vec::new();
        for by in self.referrers.of(annotations).unwrap_or_default() {
            let page = by.from.filter(|_| by.is_at(Key::Annots)).and_then(|from| self.signed.in_use(from));
            let found = page.map(|page| self.signed.object(page)).transpose()?.flatten();
            let is_page = |found: &Indirect| {
                let page = found.value.object.as_dictionary();
                !found.is_stream && page.is_some_and(|page| page.name(b"Type") == Some(b"Page"))
            };
            match (page, found) {
                (Some(page), Some(found)) if is_page(&found) => pages.push(page.number),
                _ => return Ok(None),
            }
        }
        Ok(Some(pages).filter(|pages| !pages.is_empty()))
    }

    /// A page may have these widgets more, and nothing else.
    fn page(&mut self, page: Reference) -> Checked<()> {
        let (old, new) = (self.signed.object(page)?, self.now.object(page)?);
        let (Some(Object::Dictionary(old)), Some(Object::Dictionary(new))) =
            (old.map(|found| found.value.object), new.map(|found| found.value.object))
        else {
            return Ok(Err(Change::Page.at(format!("object {}", page.number))));
        };
        if let Some(key) = difference(&old, &new, &[b"Annots"]) {
            return Ok(Err(Change::Page.key(&key)));
        }
        let (before, after) = (self.signed.array(&old, b"Annots")?, self.now.array(&new, b"Annots")?);
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        if !starts_with(&after, &before) || !self.are_widgets(&after[before.len()..]) {
            return Ok(Err(Change::Annotation.key(b"Annots")));
        }
        if !self.is_kept(old.get(b"Annots"), new.get(b"Annots")) {
            return Ok(Err(Change::Annotation.key(b"Annots")));
        }
        if before.is_empty() && self.inherits_annotations(&old)? {
            return Ok(Err(Change::Annotation.key(b"Annots")));
        }
        self.explain(page.number, Zone::Page);
        if let Some(annotations) = reference(new.get(b"Annots")) {
            self.explain(annotations.number, Zone::Annotations);
        }
        Ok(Ok(()))
    }

    /// Some readers take the annotations of a node above for those of a page that has none.
    fn inherits_annotations(&self, page: &Dictionary) -> Result<bool, PdfFault> {
        let mut node = page.clone();
        for _ in 0..DEPTH {
            let Some(above) = self.signed.dictionary(&node, b"Parent")? else { return Ok(false) };
            if above.get(b"Annots").is_some() {
                return Ok(true);
            }
            node = above;
        }
        Ok(true)
    }

    fn are_widgets(&self, added: &[Value]) -> bool {
        added.iter().all(|value| value.object.as_reference().is_some_and(|added| self.widgets.contains(&added.number)))
    }

    /// On which pages those stand that can be seen.
    pub(super) fn show(&mut self) -> Result<(), PdfFault> {
        if self.visible.is_empty() {
            return Ok(());
        }
        for number in self.now.numbers() {
            let Some(page) = self.now.in_use(number) else { continue };
            let Some(found) = self.now.object(page)? else { continue };
            let Object::Dictionary(dictionary) = &found.value.object else { continue };
            if dictionary.get(b"Annots").is_none() {
                continue;
            }
            let annotations = self.now.array(dictionary, b"Annots")?.unwrap_or_default();
            let shown = |widget: u32| {
                let mut references = annotations.iter().filter_map(|value| value.object.as_reference());
                references.any(|reference| reference.number == widget)
            };
            for look in &mut self.visible {
                if shown(look.widget) {
                    look.pages.push(page);
                }
            }
        }
        Ok(())
    }
}
