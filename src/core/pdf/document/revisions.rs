//! What the cross-reference sections of a document say, up to one of its revisions and since (ISO 32000-2 §7.5.6).

use std::collections::HashSet;
use std::rc::Rc;

use super::{Allowance, Document};
use crate::core::pdf::cross_references::{self, Place, Section};
use crate::core::pdf::object::Reference;
use crate::core::pdf::syntax::is_space;

impl<'a> Document<'a> {
    /// The document as it was when it ended there; `None` if no revision did, or the later ones do not build on it.
    pub fn up_to(&self, end: usize) -> Option<Self> {
        let octets = self.octets.get(..end)?;
        let start = cross_references::start(octets).ok()?;
        let list = &self.sections.list;
        let newer = self.newer + self.sections().iter().position(|section| section.at == start)?;
        let is_whole = list[newer..].iter().all(|section| section.end <= end);
        let are_later = list[self.newer..newer].iter().all(|section| section.at >= end);
        // Octets behind it that no revision has belong to nobody.
        let goes_on = newer > self.newer || end == self.octets.len();
        (is_whole && are_later && goes_on)
            .then(|| Self::part(octets, Rc::clone(&self.sections), newer, Allowance::new()))
    }

    /// The cross-reference sections, the newest first.
    pub fn sections(&self) -> &[Section] {
        &self.sections.list[self.newer..]
    }

    /// Object streams that its objects are in.
    pub fn containers(&self) -> HashSet<u32> {
        self.sections.containers(self.newer)
    }

    /// The sections of revisions later than this part of it, the newest first.
    pub fn sections_since(&self, signed: &Self) -> &[Section] {
        &self.sections.list[self.newer..signed.newer]
    }

    /// As it was after each of the later revisions than this part of it but the newest one, the newest first. What may be read is for all of
    /// them together.
    pub fn views_since(&self, signed: &Self) -> impl Iterator<Item = Self> {
        let left = Allowance::new();
        let view = move |newer| Self::part(self.octets, Rc::clone(&self.sections), newer, Rc::clone(&left));
        (self.newer + 1..signed.newer).map(view)
    }

    /// It has all that the other has, and more.
    pub const fn is_later_than(&self, other: &Self) -> bool {
        self.newer < other.newer
    }

    /// What all of its sections say, newest or not: the number of an object and its place.
    pub fn places(&self) -> impl Iterator<Item = (u32, Place)> {
        self.sections.places(self.newer)
    }

    /// Where the bodies of objects begin that this section names.
    pub fn offsets_of(&self, section: &Section) -> Vec<usize> {
        let index = self.sections.list.iter().position(|other| other.at == section.at);
        index.map(|index| self.sections.offsets_in(index)).unwrap_or_default()
    }

    /// Where the bodies of objects begin that some section names, ascending; not where white space before them does.
    pub fn offsets(&self) -> Vec<usize> {
        let mut offsets = self.sections.offsets(self.newer);
        for offset in &mut offsets {
            let rest = self.octets.get(*offset..).unwrap_or_default();
            *offset += rest.iter().take_while(|octet| is_space(**octet)).count();
        }
        offsets
    }

    /// Of those, the ones that stand in later revisions than this part of it.
    pub fn offsets_since(&self, signed: &Self) -> Vec<usize> {
        let later = self.sections_since(signed);
        let mut offsets: Vec<usize> = later.iter().flat_map(|section| self.offsets_of(section)).collect();
        offsets.extend(later.iter().map(|section| section.at));
        offsets.sort_unstable();
        offsets
    }

    /// The numbers of the objects that it has or had, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.sections.numbers(self.newer..self.sections.list.len())
    }

    /// Of the objects that stand in later revisions than this part of it.
    pub fn numbers_since(&self, signed: &Self) -> impl Iterator<Item = u32> {
        self.sections.numbers(self.newer..signed.newer)
    }

    /// It was there once and is free: some readers have it still.
    pub fn is_freed(&self, number: u32) -> bool {
        self.in_use(number).is_none() && self.offsets_of_number(number).next().is_some()
    }

    /// Where bodies of the object stand or stood, as its sections say.
    pub fn offsets_of_number(&self, number: u32) -> impl Iterator<Item = usize> {
        self.sections.offsets_of(number, self.newer)
    }

    /// Of the objects that later revisions than this part of it call free.
    pub fn freed_since(&self, signed: &Self) -> impl Iterator<Item = u32> {
        self.sections.freed(self.newer..signed.newer)
    }

    /// The reference to the object of that number that is in use.
    pub fn in_use(&self, number: u32) -> Option<Reference> {
        match self.place(number)? {
            Place::Free => None,
            Place::At { generation, .. } => Some(Reference { number, generation }),
            Place::In { .. } => Some(Reference { number, generation: 0 }),
        }
    }

    /// Where the object is; `None`: nowhere, and so null.
    pub fn place(&self, number: u32) -> Option<Place> {
        self.sections.place(number, self.newer)
    }
}
