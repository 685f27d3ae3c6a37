//! The files that are attacked.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use antin::core::evidence::Evidence;
use antin::core::memory::Memory;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::time::Time;
use antin::core::validation::{self, Content, ValidationRequest};
use antin::core::verdict::Indication;
use antin::core::x509::{TrustAnchor, TrustStore};

use crate::kit::pdf::base::{CATALOGUE, CONTENTS, FONT, PAGE, READY};
use crate::kit::pdf::scan::{self, Found};
use crate::kit::pdf::{Kind, Layout, Objects, Pdf, Section, Signing, replaced, stream};
use crate::kit::tree::{NOW, tree};
use crate::wild_pdf::{WHOLE, Wild};

pub struct Subject {
    pub name: String,
    /// The usual run judges one in so many of what is made of it.
    pub stride: usize,
    pub octets: Vec<u8>,
    /// The strings of the messages, with their delimiters.
    pub messages: Vec<Range<usize>>,
    /// Objects in the file itself.
    pub objects: Vec<Found>,
    pub startxref: usize,
    pub root: u32,
    /// No object has this number or a larger one.
    pub size: u32,
    /// Where revisions end.
    pub ends: Vec<usize>,
    /// Where what the last signature covers ends.
    pub covered: usize,
    /// How its newest section is written.
    pub layout: Layout,
    /// Objects of the security store, and cross-reference streams behind the first signature: no page shows them, and no signature covers
    /// them.
    pub store: BTreeSet<u32>,
    /// The newest body of each object that can be seen.
    bodies: Objects,
    /// Where what the first signature covers ends.
    first: usize,
    /// Its messages have parts that their signatures are not about.
    is_foreign: bool,
    trust: TrustStore,
    evidence: Evidence,
    revocation: RevocationMode,
    time: Time,
    memory: Memory,
    policy: Policy,
}

impl Subject {
    fn new(name: &str, octets: Vec<u8>, trust: TrustStore, time: Time) -> Self {
        let messages = scan::messages(&octets);
        let objects = scan::objects(&octets);
        let startxref = scan::startxref(&octets).expect("a place");
        let root = number_behind(&octets, b"/Root ").expect("a root");
        let ends = scan::ends(&octets);
        // Behind the message stands the rest of the dictionary; its revision ends where its range does.
        let whole: Vec<usize> = messages.iter().map(|message| range_end(&octets, message)).collect();
        let layout = if octets[startxref..].starts_with(b"xref") { Layout::Table } else { Layout::Stream };
        let size = memchr::memmem::find_iter(&octets, b"/Size ")
            .filter_map(|at| number_behind(&octets[at..at + 20.min(octets.len() - at)], b"/Size "))
            .max();
        let first = whole.iter().copied().min().expect("a signature");
        let bodies =
            objects.iter().map(|found| (found.number, trimmed(&octets[found.body.clone()]).to_vec())).collect();
        let store = store(&octets, &objects).into_iter().chain(references_behind(&octets, &objects, first)).collect();
        Self {
            name: name.to_owned(),
            stride: 17,
            covered: whole.iter().copied().max().expect("a signature"),
            size: size.expect("a size").max(100),
            messages,
            objects,
            startxref,
            root,
            ends,
            is_foreign: true,
            first,
            bodies,
            layout,
            store,
            octets,
            trust,
            evidence: Evidence::default(),
            revocation: RevocationMode::Off,
            time,
            memory: Memory::bounded(),
            policy: Policy::held("any-ades").expect("held"),
        }
    }

    /// One of our own, judged with the CRLs of the tree.
    pub fn own(name: &str, pdf: &Pdf) -> Self {
        let mut subject = Self::new(
            name,
            pdf.octets.clone(),
            TrustStore::new(vec![TrustAnchor::new(Arc::clone(&tree().root_certificate))], Vec::new()),
            NOW,
        );
        subject.evidence = tree().evidence.clone();
        subject.revocation = RevocationMode::Required;
        subject.size = pdf.size;
        subject.stride = 4;
        subject.is_foreign = false;
        subject.store.extend(store_of(pdf));
        for (number, body) in &pdf.objects {
            subject.bodies.entry(*number).or_insert_with(|| body.clone());
        }
        subject
    }

    /// `None`: no PDF.
    pub fn judge(&self, octets: &[u8]) -> Option<Indication> {
        let validation = validation::validate(&ValidationRequest {
            document: octets,
            content: Content::None,
            evidence: &self.evidence,
            trust: &self.trust,
            policy: &self.policy,
            revocation: self.revocation,
            time: self.time,
            memory: &self.memory,
        });
        validation.ok().map(|validation| validation.verdict.indication())
    }

    /// It is this file, or this file up to the end of a revision that is signed. Of ours, digits of messages may differ in their case; of
    /// others, messages may differ where their signatures are not about: they have unsigned attributes.
    pub fn is_same(&self, octets: &[u8]) -> bool {
        let is_end =
            octets.len() >= self.first && self.ends.contains(&octets.len()) || octets.len() == self.octets.len();
        is_end
            && octets.iter().zip(&self.octets).enumerate().all(|(at, (one, other))| {
                one == other
                    || (self.is_foreign || one.eq_ignore_ascii_case(other))
                        && self.messages.iter().any(|message| message.contains(&at))
            })
    }

    /// A section that follows: nothing in it yet.
    pub fn section(&self) -> Section {
        Section { root: self.root, prev: Some(self.startxref), size: self.size, ..Section::first(self.layout) }
    }

    /// With this section behind it.
    pub fn followed_by(&self, section: &Section) -> Vec<u8> {
        let mut octets = self.octets.clone();
        section.append(&mut octets);
        octets
    }

    /// With a revision that writes these objects, by a section of each layout.
    pub fn with(&self, objects: &Objects) -> [Vec<u8>; 2] {
        [Layout::Table, Layout::Stream]
            .map(|layout| self.followed_by(&Section { layout, objects: objects.clone(), ..self.section() }))
    }

    /// The newest body of an object: in the file itself, or in the object streams of one of ours.
    pub fn body(&self, number: u32) -> Option<&[u8]> {
        self.bodies.get(&number).map(Vec::as_slice)
    }

    /// Each object once, with its newest body.
    pub fn newest(&self) -> Vec<(u32, &[u8])> {
        self.bodies.iter().map(|(number, body)| (*number, body.as_slice())).collect()
    }

    /// Numbers of objects whose bodies have this text.
    pub fn having(&self, text: &str) -> Vec<u32> {
        let has = |body: &[u8]| memchr::memmem::find(body, text.as_bytes()).is_some();
        self.newest().into_iter().filter(|(_, body)| has(body)).map(|(number, _)| number).collect()
    }
}

pub fn trimmed(body: &[u8]) -> &[u8] {
    body.trim_ascii()
}

fn number_behind(octets: &[u8], key: &[u8]) -> Option<u32> {
    let at = memchr::memmem::rfind(octets, key)? + key.len();
    let digits = octets[at..].iter().take_while(|octet| octet.is_ascii_digit()).count();
    std::str::from_utf8(&octets[at..at + digits]).ok()?.parse().ok()
}

/// The sum of the last two numbers of the byte range whose third is the end of this string.
fn range_end(octets: &[u8], message: &Range<usize>) -> usize {
    for at in memchr::memmem::find_iter(octets, b"/ByteRange") {
        let text = &octets[at + "/ByteRange".len()..];
        let end = text.iter().position(|octet| *octet == b']').unwrap_or_default();
        let text = String::from_utf8_lossy(&text[..end]).replace('[', " ");
        let numbers: Vec<usize> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        if let [_, _, second, length] = numbers[..]
            && second == message.end
        {
            return second + length;
        }
    }
    panic!("no byte range for a message")
}

/// What can be reached from `/DSS`.
fn store(octets: &[u8], objects: &[Found]) -> BTreeSet<u32> {
    let mut open: Vec<u32> = memchr::memmem::find_iter(octets, b"/DSS")
        .flat_map(|at| references(&octets[at..octets.len().min(at + 20)]))
        .collect();
    let mut store = BTreeSet::new();
    while let Some(number) = open.pop() {
        if store.insert(number) {
            for found in objects.iter().filter(|found| found.number == number) {
                let body = &octets[found.body.clone()];
                let end = memchr::memmem::find(body, b"stream").unwrap_or(body.len());
                open.extend(references(&body[..end]));
            }
        }
    }
    store
}

/// Cross-reference streams from there on.
fn references_behind<'a>(octets: &'a [u8], objects: &'a [Found], from: usize) -> impl Iterator<Item = u32> + 'a {
    let behind = objects.iter().filter(move |found| found.whole.start >= from);
    let is_stream = |found: &&Found| memchr::memmem::find(&octets[found.body.clone()], b"/XRef").is_some();
    behind.filter(is_stream).map(|found| found.number)
}

/// The same of one of ours, whose objects are known.
fn store_of(pdf: &Pdf) -> BTreeSet<u32> {
    let catalogue = &pdf.objects[&CATALOGUE];
    let at = memchr::memmem::find(catalogue, b"/DSS");
    let mut open = at.map_or(Vec::new(), |at| references(&catalogue[at..catalogue.len().min(at + 20)]));
    let mut store = BTreeSet::new();
    while let Some(number) = open.pop() {
        if store.insert(number) {
            let body = &pdf.objects[&number];
            let end = memchr::memmem::find(body, b"stream").unwrap_or(body.len());
            open.extend(references(&body[..end]));
        }
    }
    store
}

/// Numbers before ` 0 R`.
pub fn references(octets: &[u8]) -> Vec<u32> {
    let ends = memchr::memmem::find_iter(octets, b" 0 R");
    ends.filter_map(|end| {
        let digits = octets[..end].iter().rev().take_while(|octet| octet.is_ascii_digit()).count();
        std::str::from_utf8(&octets[end - digits..end]).ok()?.parse().ok()
    })
    .collect()
}

/// Ours of every kind, and those of others.
pub fn all() -> Vec<Subject> {
    let signed = |kind: Kind| Pdf::of(kind).signed(&Signing::default());
    let mut subjects: Vec<Subject> =
        Kind::ALL.iter().map(|kind| Subject::own(&format!("{kind:?}"), &signed(*kind))).collect();
    let mut add = |name: &str, pdf: &Pdf| subjects.push(Subject::own(name, pdf));
    add("not PAdES", &Pdf::of(Kind::Table).signed(&Signing::pkcs7()));
    for permission in 1..=3 {
        add(&format!("certified {permission}"), &Pdf::of(Kind::Form).signed(&Signing::certifying(permission)));
    }
    let approved = Pdf::of(Kind::Ready).signed(&Signing::certifying(2));
    add("certified and approved", &approved.signed(&Signing { field: Some(READY), ..Signing::default() }));
    add("locked", &Pdf::of(Kind::Form).signed(&Signing::locking("/Action /Include /Fields [(name)]")));
    add("two", &signed(Kind::Table).signed(&Signing::named("Second")));
    add("two by streams", &signed(Kind::Stream).signed(&Signing::named("Second")));
    for kind in [Kind::Table, Kind::Stream] {
        // What was there before it was signed is in the file still.
        let pdf = Pdf::of(kind);
        let evil = stream("", b"BT /F1 12 Tf 72 720 Td (Three convictions.) Tj ET");
        let edited = [(CONTENTS, evil), (FONT, replaced(&pdf.objects[&FONT], "/Helvetica", "/Symbol"))];
        let rotated = crate::kit::pdf::sign::with_entry(&pdf.objects[&PAGE], "/Rotate 180");
        let back = [CONTENTS, FONT, PAGE].map(|number| (number, pdf.objects[&number].clone()));
        let edited = pdf.with(edited).with([(PAGE, rotated)]).with(back);
        add(&format!("edited before {kind:?}"), &edited.signed(&Signing::default()));
    }
    add("LT", &signed(Kind::Table).with_usual_store());
    for kind in [Kind::Table, Kind::Stream] {
        add(&format!("LTA {kind:?}"), &signed(kind).with_usual_store().signed(&Signing::time_stamp()));
    }
    for (name, _) in WHOLE {
        let Some(wild) = Wild::read(name) else { continue };
        subjects.push(Subject::new(name, wild.octets, wild.trust, wild.time));
    }
    subjects
}
