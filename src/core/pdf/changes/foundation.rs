//! What additions are put behind: a document that every reader takes for the same, whatever comes later. Readers that find a fault in a
//! file look for objects in all of its octets, and some of them begin with what the file says of its own length.

use std::collections::HashSet;

use super::plain;
use crate::core::pdf::cross_references::{Place, Section};
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::object::{Object, Reference, Value};
use crate::core::pdf::page;
use crate::core::pdf::references::numbers_in;
use crate::core::pdf::survey;
use crate::core::pdf::syntax::Cursor;

/// Octets behind a word in which a dictionary is looked for.
const BEGINNING: usize = 4096;

/// Something can be put behind this document: it will not be taken for something else then.
///
/// # Errors
/// Where it would be.
pub fn allows_additions(document: &Document<'_>) -> Result<(), PdfFault> {
    check(document, first_unlisted(document), |offset| document.end_of_object(offset))?;
    // What additions write again.
    let catalogue = document.catalogue()?;
    let trailer = document.trailer();
    let parts = [trailer.get(b"Root"), trailer.get(b"Info"), catalogue.get(b"AcroForm")];
    let parts = parts.into_iter().flatten().filter_map(|value| value.object.as_reference());
    allows_again(document, parts.chain(page::pages(document)?).map(|part| part.number))
}

/// These objects can be written again, as far as they were there: they were so for all readers, and the same.
///
/// # Errors
/// Where one was not.
pub fn allows_again(document: &Document<'_>, numbers: impl IntoIterator<Item = u32>) -> Result<(), PdfFault> {
    let hidden: HashSet<u32> = document.sections().iter().flat_map(|section| &section.hidden).copied().collect();
    for number in numbers {
        if document.in_use(number).is_none() {
            continue;
        }
        if hidden.contains(&number) {
            return Err(PdfFault { at: document.sections()[0].at, kind: PdfFaultKind::CrossReferences });
        }
        document.check_plain(number)?;
        let own = document.in_use(number).map(|own| document.object(own)).transpose()?.flatten();
        if own.is_some_and(|own| numbers_in(&own.value).into_iter().any(|number| document.is_freed(number))) {
            return Err(PdfFault { at: 0, kind: PdfFaultKind::OtherObject });
        }
        if let Some(Place::In { stream, .. }) = document.place(number)
            && !document.is_in_order(stream, false)?
        {
            return Err(PdfFault { at: 0, kind: PdfFaultKind::OtherObject });
        }
    }
    Ok(())
}

/// As [`allows_additions`], of a part of a longer file. `unlisted`: the first of [`first_unlisted`] in all of it; `end_of`: where the object
/// ends in it that begins there.
pub(super) fn check(
    signed: &Document<'_>,
    unlisted: Option<usize>,
    end_of: impl Fn(usize) -> Result<usize, PdfFault>,
) -> Result<(), PdfFault> {
    let end = signed.octets().len();
    has_plain_sections(signed)?;
    has_bodies(signed)?;
    has_one_beginning(signed)?;
    if let Some(at) = unlisted.filter(|at| *at < end) {
        // What is there and is not shown could be, by a reader that finds a fault in what came later and repairs.
        return Err(PdfFault { at, kind: PdfFaultKind::OtherObject });
    }
    for number in signed.numbers() {
        match signed.place(number) {
            Some(Place::At { offset, .. }) if end_of(offset)? > end => {
                return Err(PdfFault { at: offset, kind: PdfFaultKind::Stream });
            }
            // Of several bodies readers that repair take the last in the file.
            Some(Place::At { offset, .. }) if signed.offsets_of_number(number).any(|other| other > offset) => {
                return Err(PdfFault { at: offset, kind: PdfFaultKind::TwoPlaces });
            }
            Some(Place::In { stream, .. })
                if !matches!(signed.place(stream), Some(Place::At { generation: 0, .. })) =>
            {
                return Err(PdfFault { at: 0, kind: PdfFaultKind::OtherObject });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where the first object or trailer stands that no section has.
pub(super) fn first_unlisted(document: &Document<'_>) -> Option<usize> {
    let octets = document.octets();
    let object = survey::first_unlisted_in(octets, 0..octets.len(), &document.offsets());
    [object, first_unlisted_trailer(document)].into_iter().flatten().min()
}

/// Where something like a trailer stands that is none of a table of the document.
fn first_unlisted_trailer(document: &Document<'_>) -> Option<usize> {
    let octets = document.octets();
    let mut sections: Vec<(usize, usize)> =
        document.sections().iter().map(|section| (section.at, section.table_end)).collect();
    sections.sort_unstable();
    let is_of_section = |at: usize| {
        let before = sections.partition_point(|(begin, _)| *begin <= at);
        before.checked_sub(1).is_some_and(|index| at < sections[index].1)
    };
    let is_one = |at: &usize| {
        let window = &octets[at + 7..octets.len().min(at + 7 + BEGINNING)];
        let mut cursor = Cursor::new(window, 0);
        cursor.skip_space();
        let goes_on = cursor.rest().is_empty() && window.len() == BEGINNING;
        (goes_on || cursor.rest().starts_with(b"<<")) && !is_of_section(*at)
    };
    memchr::memmem::find_iter(octets, b"trailer").find(is_one)
}

/// The cross-references are such that no reader repairs the file for them: what it would find is not up to who signed.
fn has_plain_sections(signed: &Document<'_>) -> Result<(), PdfFault> {
    let octets = signed.octets();
    let fault = |at: usize| Err(PdfFault { at, kind: PdfFaultKind::CrossReferences });
    // Objects beyond its size are none to some readers (§7.5.5), until a later trailer has a larger one.
    let size = signed.trailer().integer(b"Size").unwrap_or(0);
    if signed.numbers().any(|number| i64::from(number) >= size && signed.in_use(number).is_some()) {
        return fault(signed.sections()[0].at);
    }
    // Readers that repair take another trailer than the newest.
    let root = |section: &Section| section.trailer.get(b"Root").and_then(|root| root.object.as_reference());
    let newest = signed.sections().first().and_then(root);
    for section in signed.sections() {
        let is_table = octets[section.at..].starts_with(b"xref");
        let is_plain = match is_table {
            // Some writers have a comment in their trailers.
            true => plain::is_plain_table(&octets[section.at..section.table_end], Cursor::new),
            false => plain::has_plain_widths(&section.trailer),
        };
        let size = section.trailer.integer(b"Size").unwrap_or(0);
        let is_other = root(section).is_some_and(|own| Some(own) != newest);
        if !is_plain || is_other || !(0..=plain::LARGEST_SIZE).contains(&size) {
            return fault(section.at);
        }
    }
    Ok(())
}

/// Every place that some section names has that object: for another one readers repair the file, until something comes to stand there.
fn has_bodies(signed: &Document<'_>) -> Result<(), PdfFault> {
    let is_missing = |(number, place): (u32, Place)| match place {
        Place::At { offset, generation } => {
            let mut cursor = Cursor::new(signed.octets(), offset);
            cursor.skip_space();
            let is_there = cursor.object_header().is_ok_and(|found| found == Reference { number, generation });
            (!is_there).then_some(offset)
        }
        Place::Free | Place::In { .. } => None,
    };
    match signed.places().find_map(is_missing) {
        Some(at) => Err(PdfFault { at, kind: PdfFaultKind::OtherObject }),
        None => Ok(()),
    }
}

/// The file does not say at its beginning that it is longer: with that length, readers would begin with other cross-references than those at
/// the end (annex F). What begins with something else than an object may say so to some.
fn has_one_beginning(signed: &Document<'_>) -> Result<(), PdfFault> {
    let octets = signed.octets();
    let mut cursor = Cursor::new(octets, 0);
    cursor.skip_space();
    let at = cursor.at;
    let is_object = cursor.object_header().is_ok();
    let mut plain = Cursor::plain(octets, cursor.at);
    let is_plain = match cursor.value() {
        Ok(Value { object: Object::Dictionary(first), .. }) => {
            let is_linearized = first.keys().any(|key| key == b"Linearized" || !key.is_ascii());
            let length = first.integer(b"L").and_then(|length| usize::try_from(length).ok());
            !is_linearized || plain.value().is_ok() && length.is_some_and(|length| length <= octets.len())
        }
        _ => false,
    };
    if is_object && is_plain { Ok(()) } else { Err(PdfFault { at, kind: PdfFaultKind::Beginning }) }
}
