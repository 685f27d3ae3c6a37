//! Pages: the widgets of signatures that were added stand on them, and nothing else is new.

use super::form::starts_with;
use super::{Change, Checked, Comparison, Zone, allowed, difference, reference};
use crate::core::pdf::object::{Object, Reference, Value};

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
                (Object::Dictionary(one), Object::Dictionary(_)) if one.name(b"Type") == Some(b"Page") => {
                    allowed!(self.page(after)?);
                }
                (Object::Array(before), Object::Array(now)) => {
                    let by = self.referrers.referrers(number);
                    if by.is_empty() || !by.iter().all(|by| by.key.as_deref() == Some(b"Annots")) {
                        continue;
                    }
                    if !starts_with(now, before) || !self.are_widgets(&now[before.len()..]) {
                        return Ok(Err(Change::Annotation.at(format!("object {number}"))));
                    }
                    self.explain(number, Zone::Annotations);
                }
                _ => {}
            }
        }
        self.show()
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
        self.explain(page.number, Zone::Page);
        if let Some(annotations) = reference(new.get(b"Annots")) {
            self.explain(annotations.number, Zone::Annotations);
        }
        Ok(Ok(()))
    }

    fn are_widgets(&self, added: &[Value]) -> bool {
        added.iter().all(|value| value.object.as_reference().is_some_and(|added| self.widgets.contains(&added.number)))
    }

    /// On which pages those stand that can be seen.
    fn show(&mut self) -> Checked<()> {
        if self.visible.is_empty() {
            return Ok(Ok(()));
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
        Ok(Ok(()))
    }
}
