//! The entries of a CRL in memory: nothing is lost, so that their DER can be made again octet for octet, and what entries share stands
//! once. An entry of the usual form with a serial number of 16 octets takes 22 octets, where DER takes 35 or, with a reason code, 49.
//!
//! Each entry, in the order of the list, is one of
//!
//! * `0x80 | template`, the length of the serial number, the serial number, the revocation date, and the invalidity date if the
//!   template has one; dates are seconds since 1950 in four octets, big-endian;
//! * its DER, which begins with `0x30`, if it has another form: a date after 2086, a serial number of 128 octets or more, or
//!   extensions other than the first 128 different ones of the list. So no entry takes more than in DER.

use std::collections::HashMap;

use super::crl_entry::{Entry, RevokedEntry};
use super::reason::RevocationReason;
use crate::core::der::{Reader, Tlv, tag, writer};
use crate::core::time::Time;

/// The first octet of an entry that has a template; below it is the template's number.
const TEMPLATE: u8 = 0x80;
/// Dates count from 1950-01-01T00:00:00Z, the first `UTCTime`.
const EPOCH: Time = Time::from_unix(-631_152_000);
/// DER that is handed out at once, about.
const PIECE: usize = 64 * 1024;

/// The entries of one list.
pub struct PackedEntries {
    octets: Box<[u8]>,
    templates: Box<[Template]>,
}

/// What entries have in common.
struct Template {
    /// Of the revocation date.
    time_tag: u8,
    /// `crlEntryExtensions` up to the content of the invalidity date, or all of it if there is none.
    before: Box<[u8]>,
    /// What follows on the invalidity date, if there is one.
    after: Option<Box<[u8]>>,
    reason: RevocationReason,
}

/// Entries while they are taken in.
pub struct Packer<'a> {
    octets: Vec<u8>,
    templates: Vec<Template>,
    /// The number of the template of each form.
    numbers: HashMap<Form<'a>, u8>,
    /// The form and number that came last: often the next one's.
    last: Option<(Form<'a>, u8)>,
}

/// What a template is found by: `time_tag`, `before` and `after`.
type Form<'a> = (u8, &'a [u8], Option<&'a [u8]>);

/// The parts of an entry that has a template.
struct Usual<'a> {
    template: &'a Template,
    serial_number: &'a [u8],
    revocation_date: Time,
    invalidity_date: Option<Time>,
    /// Where the next entry starts.
    next: usize,
}

impl<'a> Packer<'a> {
    /// For entries of `octets` octets of DER in all.
    pub fn with_capacity(octets: usize) -> Self {
        Self { octets: Vec::with_capacity(octets), templates: Vec::new(), numbers: HashMap::new(), last: None }
    }

    /// Takes in the entry decoded from `element`; where it starts among the packed octets, which is not after its place in the DER.
    pub fn push(&mut self, element: Tlv<'a>, entry: &Entry<'a>) -> u32 {
        let start = self.octets.len();
        if self.push_usual(entry).is_none() {
            self.octets.truncate(start);
            self.octets.extend_from_slice(element.raw);
        }
        start as u32
    }

    fn push_usual(&mut self, entry: &Entry<'a>) -> Option<()> {
        let length = u8::try_from(entry.serial_number.len()).ok().filter(|length| *length < 0x80)?;
        let revocation_date = seconds(entry.revoked.revocation_date)?;
        let (before, invalidity_date, after) = split(entry);
        if entry.revoked.invalidity_date.is_some() && invalidity_date.is_none() {
            // What a date in another form means is asked of the entry itself.
            return None;
        }
        let form = (entry.time_tag, before, after);
        let number = match self.last {
            Some((last, number)) if last == form => number,
            _ => self.number(form, entry.revoked.reason)?,
        };
        self.last = Some((form, number));
        if self.templates[usize::from(number)].reason != entry.revoked.reason {
            return None;
        }
        self.octets.extend_from_slice(&[TEMPLATE | number, length]);
        self.octets.extend_from_slice(entry.serial_number);
        self.octets.extend_from_slice(&revocation_date.to_be_bytes());
        if let Some(date) = invalidity_date {
            self.octets.extend_from_slice(&date.to_be_bytes());
        }
        Some(())
    }

    /// The number of the template of this form, an old one or a new one; none if there are too many.
    fn number(&mut self, form: Form<'a>, reason: RevocationReason) -> Option<u8> {
        if let Some(number) = self.numbers.get(&form) {
            return Some(*number);
        }
        let number = u8::try_from(self.templates.len()).ok().filter(|number| *number < TEMPLATE)?;
        let (time_tag, before, after) = form;
        self.templates.push(Template { time_tag, before: before.into(), after: after.map(Into::into), reason });
        self.numbers.insert(form, number);
        Some(number)
    }

    pub fn finish(self) -> PackedEntries {
        PackedEntries { octets: self.octets.into(), templates: self.templates.into() }
    }
}

/// The entry's extensions around the content of their invalidity date, if they have one in the usual form.
fn split<'a>(entry: &Entry<'a>) -> (&'a [u8], Option<u32>, Option<&'a [u8]>) {
    let Some(extensions) = entry.extensions else { return (&[], None, None) };
    let invalidity_date = entry.invalidity_date.and_then(|value| {
        let element = Reader::single(value, tag::GENERALIZED_TIME).ok()?;
        Some((element.value, seconds(element.time().ok()?)?))
    });
    let Some((content, date)) = invalidity_date else { return (extensions, None, None) };
    let place = super::signed::position(extensions, content);
    (&extensions[..place.start], Some(date), Some(&extensions[place.end..]))
}

/// Since [`EPOCH`], if it is from then to the year 2086.
fn seconds(time: Time) -> Option<u32> {
    u32::try_from(time.seconds_since(EPOCH)).ok()
}

impl PackedEntries {
    /// Content octets of the serial number of the entry that starts at `start`.
    pub fn serial_number(&self, start: u32) -> &[u8] {
        let entry = &self.octets[start as usize..];
        match entry {
            [TEMPLATE..=u8::MAX, length, rest @ ..] => &rest[..usize::from(*length)],
            der => {
                let serial_number = Reader::new(der).read().and_then(|element| element.reader().read());
                serial_number.map_or(&[], |serial_number| serial_number.value)
            }
        }
    }

    /// What the entry that starts at `start` says.
    pub fn revoked(&self, start: u32) -> Option<RevokedEntry> {
        if let Some(usual) = self.usual(start as usize) {
            let Usual { revocation_date, invalidity_date, template, .. } = usual;
            return Some(RevokedEntry { revocation_date, reason: template.reason, invalidity_date });
        }
        let element = Reader::new(&self.octets[start as usize..]).read().ok()?;
        Some(Entry::decode(&element, true).ok()?.revoked)
    }

    /// Hands out the DER of all entries piece by piece, and ends with the first error of `sink`.
    pub fn write<E>(&self, mut sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut piece = Vec::with_capacity(PIECE.min(4 * self.octets.len()));
        let mut at = 0;
        while at < self.octets.len() {
            at = match self.usual(at) {
                Some(usual) => {
                    usual.push_der(&mut piece);
                    usual.next
                }
                None => {
                    let rest = &self.octets[at..];
                    // What was kept as DER was read before: there is no other case than an element.
                    let element = Reader::new(rest).read().map_or(rest, |element| element.raw);
                    piece.extend_from_slice(element);
                    at + element.len()
                }
            };
            if piece.len() >= PIECE {
                sink(&piece)?;
                piece.clear();
            }
        }
        sink(&piece)
    }

    /// Octets of memory.
    pub fn size(&self) -> usize {
        let templates = self.templates.iter();
        let kept =
            templates.map(|one| size_of_val(one) + one.before.len() + one.after.as_deref().map_or(0, <[u8]>::len));
        self.octets.len() + kept.sum::<usize>()
    }

    /// The entry that starts at `start`, if it has a template.
    fn usual(&self, start: usize) -> Option<Usual<'_>> {
        let [first @ TEMPLATE..=u8::MAX, length, rest @ ..] = &self.octets[start..] else { return None };
        let template = self.templates.get(usize::from(first & !TEMPLATE))?;
        let (serial_number, dates) = rest.split_at_checked(usize::from(*length))?;
        let (revocation_date, others) = dates.split_first_chunk::<4>()?;
        let time = |seconds: &[u8; 4]| EPOCH.plus_seconds(u32::from_be_bytes(*seconds).into());
        let invalidity_date = match template.after {
            Some(_) => Some(time(others.first_chunk()?)),
            None => None,
        };
        let next = start + 2 + serial_number.len() + if invalidity_date.is_some() { 8 } else { 4 };
        Some(Usual { template, serial_number, revocation_date: time(revocation_date), invalidity_date, next })
    }
}

impl Usual<'_> {
    /// Appends the entry as it stood in the list.
    fn push_der(&self, encoded: &mut Vec<u8>) {
        let Template { time_tag, before, after, .. } = self.template;
        let date = if *time_tag == tag::UTC_TIME { 13 } else { 15 };
        let extensions = before.len() + after.as_ref().map_or(0, |after| 15 + after.len());
        writer::push_header(encoded, tag::SEQUENCE, 2 + self.serial_number.len() + 2 + date + extensions);
        writer::push_header(encoded, tag::INTEGER, self.serial_number.len());
        encoded.extend_from_slice(self.serial_number);
        writer::push_header(encoded, *time_tag, date);
        self.revocation_date.push_asn1(*time_tag, encoded);
        encoded.extend_from_slice(before);
        if let (Some(date), Some(after)) = (self.invalidity_date, after) {
            date.push_asn1(tag::GENERALIZED_TIME, encoded);
            encoded.extend_from_slice(after);
        }
    }
}
