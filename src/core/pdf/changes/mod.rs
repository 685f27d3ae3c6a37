//! What changed in a PDF after a signature (ISO 32000-2 §12.8.2.2, §12.8.4; EN 319 142-1 §5.4): validation data, time-stamps and further
//! signatures may come, values of fields if the policy and a certification say so, and nothing else.
//!
//! Every object that a later revision writes must be one that such an addition needs, and nothing else may refer to what was added or
//! changed: an object that is a certificate in one place and the content of a page in another is a page that can be changed.

mod added;
mod catalogue;
mod field;
mod forbidden;
mod form;
pub mod foundation;
mod metadata;
mod octets;
mod page;
mod plain;
mod uses;
mod written;

use std::collections::{HashMap, HashSet};

pub use forbidden::{Change, Forbidden};
pub use written::History;
use written::Written;

use super::cross_references::Place;
use super::document::Document;
use super::fault::PdfFault;
use super::object::{Dictionary, Object, Reference, Value};
use super::permissions::Permissions;
use super::same::same;

/// What was added, and may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Addition {
    /// The document security store.
    ValidationData,
    TimeStamp,
    Signature,
    FormFilled,
}

impl Addition {
    /// As the answer says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ValidationData => "validation-data",
            Self::TimeStamp => "time-stamp",
            Self::Signature => "signature",
            Self::FormFilled => "form-filled",
        }
    }
}

/// What may be added.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Of all signatures up to the one that is asked about, and that one.
    pub permissions: Permissions,
    /// The policy takes values of fields, where a certification does.
    pub form_filling: bool,
}

impl Rules {
    fn allow_form_filling(&self) -> bool {
        self.form_filling && self.permissions.certification.is_some() && self.permissions.level() >= 2
    }
}

/// What was added.
#[derive(Clone, Debug, Default)]
pub struct Additions {
    pub kinds: Vec<Addition>,
    /// Fields that can be seen on pages.
    pub visible: Vec<Look>,
}

/// A field that can be seen.
#[derive(Clone, Debug)]
pub struct Look {
    /// The full name of the field, and the object that is its value.
    pub field: String,
    pub value: Option<Reference>,
    pub widget: u32,
    pub pages: Vec<Reference>,
    /// Its dictionary, as it is now.
    pub dictionary: Dictionary,
    /// It shows a value that was filled in, by whomever.
    pub is_filled: bool,
}

/// Compares the document as it was signed with the one that it is part of.
pub fn since(signed: &Document<'_>, now: &Document<'_>, history: &History<'_>, rules: &Rules) -> Checked<Additions> {
    match compare(signed, now, history, rules)? {
        Ok(additions) => Ok(Ok(additions)),
        Err(forbidden) => forbidden::gravest(signed, now, forbidden).map(Err),
    }
}

fn compare(signed: &Document<'_>, now: &Document<'_>, history: &History<'_>, rules: &Rules) -> Checked<Additions> {
    let mut newest = allowed!(Comparison::new(signed, now, &history.newest, rules)?);
    allowed!(newest.judge()?);
    allowed!(newest.octets()?);
    allowed!(newest.trailers()?);
    foundation::check(signed, newest.referrers.unlisted, |offset| newest.referrers.end_of(now, offset))?;
    for (view, written) in history.between(signed) {
        let mut between = allowed!(Comparison::new(signed, view, written, rules)?);
        allowed!(between.judge()?);
        allowed!(newest.keeps(&between));
    }
    if newest.additions.is_empty() {
        // Somebody wrote a revision, and it is none of what may come.
        return Ok(Err(Change::Metadata.at("a revision without an addition")));
    }
    newest.show()?;
    let mut kinds = newest.additions;
    kinds.sort_unstable();
    kinds.dedup();
    Ok(Ok(Additions { kinds, visible: newest.visible }))
}

struct Comparison<'a, 'd> {
    signed: &'a Document<'d>,
    now: &'a Document<'d>,
    referrers: &'a Written,
    rules: &'a Rules,
    /// Objects that are new or elsewhere than they were.
    written: HashSet<u32>,
    /// What each of them is written for; and what leads to them, written or not.
    explained: HashMap<u32, Zone>,
    /// Widgets of signature fields that were added.
    widgets: HashSet<u32>,
    additions: Vec<Addition>,
    visible: Vec<Look>,
}

/// What an object is written for; who may refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    /// The file's own structure; nobody refers to it.
    Structure,
    Catalogue,
    Metadata,
    ValidationData,
    Form,
    /// The fields of the form, as an object of their own.
    Fields,
    /// A field that was there: an empty signature field that was signed, or one that was filled.
    Field,
    /// A new signature field, or what a signature or the look of a field consists of.
    Signature,
    Page,
    /// The annotations of a page, as an object of their own.
    Annotations,
}

/// What an object stream has (table 16), and nothing that some reader could take for it.
const OF_OBJECT_STREAM: [&[u8]; 6] = [b"Type", b"N", b"First", b"Length", b"Filter", b"DecodeParms"];

type Checked<T> = Result<Result<T, Forbidden>, PdfFault>;

/// Passes on a forbidden change.
macro_rules! allowed {
    ($checked:expr) => {
        match $checked {
            Ok(value) => value,
            Err(forbidden) => return Ok(Err(forbidden)),
        }
    };
}
use allowed;

impl<'a, 'd> Comparison<'a, 'd> {
    fn new(signed: &'a Document<'d>, now: &'a Document<'d>, referrers: &'a Written, rules: &'a Rules) -> Checked<Self> {
        let end = signed.octets().len();
        let mut written = HashSet::new();
        for number in now.numbers_since(signed) {
            match (signed.place(number), now.place(number)) {
                (None | Some(Place::Free), None | Some(Place::Free)) => {}
                (Some(before), Some(after)) if before == after => {}
                (Some(_), None | Some(Place::Free)) => return Ok(Err(forbidden::describe(signed, now, number)?)),
                // What stood in the signed part and was not in use there would be content that was only hidden.
                (_, Some(Place::At { offset, .. })) if offset < end => {
                    return Ok(Err(Change::Structure.at(format!("object {number}"))));
                }
                _ => {
                    written.insert(number);
                }
            }
        }
        // What is in it would be something else at the same place.
        if let Some(number) = signed.containers().into_iter().find(|number| written.contains(number)) {
            return Ok(Err(Change::Structure.at(format!("object {number}"))));
        }
        Ok(Ok(Self {
            signed,
            now,
            referrers,
            rules,
            written,
            explained: HashMap::new(),
            widgets: HashSet::new(),
            additions: Vec::new(),
            visible: Vec::new(),
        }))
    }

    /// What the document consists of, and not how it is written.
    fn judge(&mut self) -> Checked<()> {
        let (old_root, new_root) = (self.signed.trailer().get(b"Root"), self.now.trailer().get(b"Root"));
        let (Some(old_root), Some(new_root)) = (reference(old_root), reference(new_root)) else {
            return Ok(Err(Change::Structure.key(b"Root")));
        };
        if old_root != new_root {
            return Ok(Err(Change::Structure.key(b"Root")));
        }
        allowed!(self.frees_nothing()?);
        allowed!(self.structure()?);
        allowed!(self.catalogue(new_root)?);
        allowed!(self.pages()?);
        allowed!(self.earlier_stores()?);
        if let Some(unexplained) = self.written.iter().filter(|number| !self.explained.contains_key(number)).min() {
            return Ok(Err(forbidden::describe(self.signed, self.now, *unexplained)?));
        }
        foundation::allows_again(self.signed, self.written.iter().copied())?;
        self.uses(new_root)
    }

    /// What can be seen of an earlier revision's additions is still the same.
    fn keeps(&self, earlier: &Self) -> Result<(), Forbidden> {
        let is_there = |look: &&Look| {
            let is_same = |own: &Look| (own.widget, &own.field) == (look.widget, &look.field);
            self.visible.iter().any(is_same) && self.now.place(look.widget) == earlier.now.place(look.widget)
        };
        if let Some(gone) = earlier.visible.iter().find(|look| !look.is_filled && !is_there(look)) {
            return Err(Change::Form.at(&gone.field));
        }
        let of_signatures =
            earlier.written.iter().filter(|number| earlier.explained.get(number) == Some(&Zone::Signature));
        match of_signatures.filter(|number| self.now.place(**number) != earlier.now.place(**number)).min() {
            Some(number) => Err(Change::Object.at(format!("object {number}, which is written again"))),
            None => Ok(()),
        }
    }

    fn explain(&mut self, number: u32, zone: Zone) {
        if self.written.contains(&number) {
            self.leads(number, zone);
        }
    }

    /// It is written for that, or leads to what is.
    fn leads(&mut self, number: u32, zone: Zone) {
        self.explained.entry(number).or_insert(zone);
    }

    /// It was not in use in what was signed.
    fn is_new(&self, number: u32) -> bool {
        matches!(self.signed.place(number), None | Some(Place::Free))
    }

    /// New cross-reference streams and object streams; the information dictionary.
    fn structure(&mut self) -> Checked<()> {
        let mut numbers: Vec<u32> = self.written.iter().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            let Some(reference) = self.now.in_use(number) else { continue };
            let Some(found) = self.now.object(reference)? else { continue };
            let kind = found.value.object.as_dictionary().and_then(|dictionary| dictionary.name(b"Type"));
            if self.is_new(number) && found.is_stream && matches!(kind, Some(b"XRef" | b"ObjStm")) {
                let is_right = match kind {
                    Some(b"ObjStm") => {
                        let mut keys = found.value.object.as_dictionary().into_iter().flat_map(Dictionary::keys);
                        keys.all(|key| OF_OBJECT_STREAM.contains(&key))
                            && self.now.names_all_of(number)?
                            && self.now.is_in_order(number, true)?
                    }
                    _ => self.is_left_behind(reference),
                };
                if !is_right {
                    return Ok(Err(Change::Structure.at(format!("object {number}"))));
                }
                self.explain(number, Zone::Structure);
            }
        }
        self.information()
    }
}

fn reference(value: Option<&Value>) -> Option<Reference> {
    value.and_then(|value| value.object.as_reference())
}

fn same_values(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => same(&one.object, &other.object),
        _ => false,
    }
}

fn keys(one: &Dictionary, other: &Dictionary) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = one.keys().chain(other.keys()).map(<[u8]>::to_vec).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The first key whose values are not the same, of all but these.
fn difference(one: &Dictionary, other: &Dictionary, but: &[&[u8]]) -> Option<Vec<u8>> {
    let differs = |key: &Vec<u8>| !but.contains(&key.as_slice()) && !same_values(one.get(key), other.get(key));
    keys(one, other).into_iter().find(differs)
}
