//! Content that leaves everything around it as it was (ISO 32000-2 §8.4.2, §9.4.1, §14.6): some viewers have one stack of graphics states for
//! the page and for the look of an annotation, and what restores a state that it did not save is out of its box.

use std::collections::HashSet;

use super::interpreter::plainly_led;
use super::tokens::Operators;
use crate::core::pdf::document::{Document, Stream};
use crate::core::pdf::object::{Object, Reference};

/// Operators of one look, its forms with it.
const WORK: usize = 200_000;
/// Forms in each other.
const FORMS: usize = 16;

/// Operators that change nothing but themselves (annex A).
const OTHERS: [&[u8]; 58] = [
    b"b", b"B", b"b*", b"B*", b"c", b"cm", b"CS", b"cs", b"d", b"DP", b"f", b"F", b"f*", b"G", b"g", b"gs", b"h", b"i",
    b"j", b"J", b"K", b"k", b"l", b"m", b"M", b"MP", b"n", b"re", b"RG", b"rg", b"ri", b"s", b"S", b"SC", b"sc",
    b"SCN", b"scn", b"sh", b"T*", b"Tc", b"Td", b"TD", b"Tf", b"Tj", b"TJ", b"TL", b"Tm", b"Tr", b"Ts", b"Tw", b"Tz",
    b"v", b"w", b"W", b"W*", b"y", b"'", b"\"",
];

/// The look and every form that it draws is so; not, if it is not understood.
pub fn is_balanced(document: &Document<'_>, look: Reference) -> bool {
    let mut reading = Reading { document, seen: HashSet::new(), left: WORK };
    reading.form(look, FORMS).is_some()
}

struct Reading<'a, 'd> {
    document: &'a Document<'d>,
    seen: HashSet<Reference>,
    left: usize,
}

impl Reading<'_, '_> {
    fn form(&mut self, reference: Reference, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        if !self.seen.insert(reference) {
            return Some(());
        }
        self.document.check_plain(reference.number).ok()?;
        let form = self.document.stream(reference).ok()??;
        self.content(&form, depth)
    }

    fn content(&mut self, form: &Stream, depth: usize) -> Option<()> {
        let (mut saved, mut marked, mut is_text) = (0_usize, 0_usize, false);
        let mut operators = Operators::new(&form.octets);
        while let Some((operator, operands)) = operators.next()? {
            self.left = self.left.checked_sub(1 + operands.len())?;
            match operator {
                b"q" if !is_text => saved += 1,
                b"Q" if !is_text => saved = saved.checked_sub(1)?,
                b"BT" if !is_text => is_text = true,
                b"ET" if is_text => is_text = false,
                b"BMC" | b"BDC" => marked += 1,
                b"EMC" => marked = marked.checked_sub(1)?,
                b"Do" => {
                    let [Object::Name(name)] = operands.as_slice() else { return None };
                    self.external(form, name, depth)?;
                }
                other if OTHERS.contains(&other) => {}
                // Inline images too: where one ends is not the same to all viewers.
                _ => return None,
            }
        }
        (saved == 0 && marked == 0 && !is_text).then_some(())
    }

    fn external(&mut self, form: &Stream, name: &[u8], depth: usize) -> Option<()> {
        plainly_led(self.document, &form.dictionary, b"Resources")?;
        let resources = self.document.dictionary(&form.dictionary, b"Resources").ok()??;
        let objects = self.document.dictionary(&resources, b"XObject").ok()??;
        let reference = objects.get(name)?.object.as_reference()?;
        let found = self.document.object(reference).ok()??;
        match found.value.object.as_dictionary().filter(|_| found.is_stream)?.name(b"Subtype")? {
            b"Image" => Some(()),
            b"Form" => self.form(reference, depth),
            _ => None,
        }
    }
}
