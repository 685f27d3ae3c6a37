//! The entries of CRLs as they are held in memory: nothing is lost, everything listed is found, and they take little.

use std::cell::Cell;

use antin::core::der::{Reader, tag, writer};
use antin::core::oid;
use antin::core::time::Time;
use antin::core::x509::crl::{RevocationReason, RevokedEntry};
use antin::core::x509::{CertificateList, Name};
use antin::pki::certificate::Issuer;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::kit::message::dotted;
use crate::kit::revocation::{List, directory_name, extension};
use crate::kit::tree::{NOW, tree};

/// The field of an IssuingDistributionPoint that makes a list indirect.
const INDIRECT: [u8; 3] = [0x84, 1, 0xFF];
/// Octets an entry may take, whatever its extensions, as long as they repeat.
const WANTED: usize = 48;
/// Octets DER is handed out in, about.
const PIECE: usize = 64 * 1024;

/// One entry of a list, before it is encoded.
#[derive(Clone, Debug)]
struct Model {
    /// Content octets, minimal.
    serial_number: Vec<u8>,
    time_tag: u8,
    /// Content octets.
    date: Vec<u8>,
    extensions: Vec<Part>,
}

/// An extension of an entry.
#[derive(Clone, Debug)]
enum Part {
    Reason(u8),
    /// With this content of `extnValue`.
    InvalidityDate(Vec<u8>),
    /// Of the root, else of the CA.
    Issuer(bool),
    /// Not critical, with a number of its own and some content.
    Other(u8, Vec<u8>),
}

impl Part {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Reason(number) => extension(oid::REASON_CODE, false, &[tag::ENUMERATED, 1, *number]),
            Self::InvalidityDate(content) => extension(oid::INVALIDITY_DATE, false, content),
            Self::Issuer(root) => {
                extension(oid::CERTIFICATE_ISSUER, true, &writer::sequence(&[&directory_name(authority(*root))]))
            }
            Self::Other(number, content) => extension(&dotted(&format!("1.3.6.1.4.1.32473.{number}")), false, content),
        }
    }
}

fn authority(root: bool) -> &'static Issuer {
    if root { &tree().root } else { &tree().ca }
}

impl Model {
    fn encode(&self) -> Vec<u8> {
        let extensions = self.extensions.iter().map(Part::encode).collect::<Vec<_>>().concat();
        let list = if extensions.is_empty() { Vec::new() } else { writer::sequence(&[&extensions]) };
        let serial_number = writer::element(tag::INTEGER, &self.serial_number);
        writer::sequence(&[&serial_number, &writer::element(self.time_tag, &self.date), &list])
    }

    fn revoked(&self) -> RevokedEntry {
        let time = match self.time_tag {
            tag::UTC_TIME => Time::from_utc_time(&self.date),
            _ => Time::from_generalized_time(&self.date),
        };
        let number = self.extensions.iter().find_map(|part| match part {
            Part::Reason(number) => Some(u32::from(*number)),
            _ => None,
        });
        let reason = number.and_then(RevocationReason::from_number).unwrap_or_default();
        let invalidity_date = self.extensions.iter().find_map(|part| match part {
            Part::InvalidityDate(content) => {
                let element = Reader::single(content, tag::GENERALIZED_TIME);
                Some(element.and_then(|date| date.time()).unwrap_or(Time::from_unix(i64::MIN)))
            }
            _ => None,
        });
        RevokedEntry { revocation_date: time.expect("a time"), reason, invalidity_date }
    }
}

fn serial_number() -> impl Strategy<Value = Vec<u8>> {
    let octets = prop_oneof![
        6 => vec(any::<u8>(), 16),
        2 => vec(0_u8..3, 1..3),
        2 => vec(any::<u8>(), 1..=41),
        1 => vec(any::<u8>(), 120..=136),
    ];
    octets.prop_map(|octets| {
        let mut minimal = octets.as_slice();
        while let [0x00, 0x00..=0x7F, ..] | [0xFF, 0x80..=0xFF, ..] = minimal {
            minimal = &minimal[1..];
        }
        minimal.to_vec()
    })
}

/// Of years from `first` on, with the tag; by no means all in the form of RFC 5280 §5.1.2.6, which is not asked for.
fn date(time_tag: u8, years: std::ops::Range<u32>) -> impl Strategy<Value = (u8, Vec<u8>)> {
    (years, 1..=12_u8, 1..=28_u8, 0..24_u8, 0..60_u8, 0..60_u8).prop_map(
        move |(year, month, day, hour, minute, second)| {
            let digits = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
            let skip = if time_tag == tag::UTC_TIME { 2 } else { 0 };
            (time_tag, digits.as_bytes()[skip..].to_vec())
        },
    )
}

fn any_date() -> impl Strategy<Value = (u8, Vec<u8>)> {
    prop_oneof![
        4 => date(tag::UTC_TIME, 1950..2050),
        2 => date(tag::GENERALIZED_TIME, 1945..2095),
        1 => date(tag::GENERALIZED_TIME, 0..10_000),
        1 => Just((tag::UTC_TIME, b"500101000000Z".to_vec())),
        1 => Just((tag::UTC_TIME, b"491231235959Z".to_vec())),
        // Where 32 bits of seconds since 1950 end.
        1 => Just((tag::GENERALIZED_TIME, b"20860207062815Z".to_vec())),
        1 => Just((tag::GENERALIZED_TIME, b"20860207062816Z".to_vec())),
        1 => Just((tag::GENERALIZED_TIME, b"19491231235959Z".to_vec())),
    ]
}

fn invalidity_date() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => any_date().prop_map(|(time_tag, content)| writer::element(time_tag, &content)),
        1 => Just(writer::element(tag::GENERALIZED_TIME, b"20260701083000.5Z")),
        1 => Just(writer::element(tag::GENERALIZED_TIME, b"20261301083000Z")),
        1 => vec(any::<u8>(), 0..20),
        // More behind the date.
        1 => Just([writer::element(tag::GENERALIZED_TIME, b"20260701083000Z"), vec![5, 0]].concat()),
    ]
}

fn model() -> impl Strategy<Value = Model> {
    let parts = (
        option::of((0..=12_u8).prop_map(Part::Reason)),
        option::weighted(0.3, invalidity_date().prop_map(Part::InvalidityDate)),
        option::weighted(0.1, any::<bool>().prop_map(Part::Issuer)),
        option::weighted(0.5, (any::<u8>(), vec(any::<u8>(), 0..200)).prop_map(|(a, b)| Part::Other(a, b))),
    );
    let extensions = parts.prop_map(|(a, b, c, d)| [a, b, c, d].into_iter().flatten().collect::<Vec<_>>());
    (serial_number(), any_date(), extensions.prop_shuffle())
        .prop_map(|(serial_number, (time_tag, date), extensions)| Model { serial_number, time_tag, date, extensions })
}

fn list(models: &[Model], indirect: bool) -> Vec<u8> {
    let entries = models.iter().map(Model::encode).collect();
    List { entries, point: indirect.then(|| INDIRECT.to_vec()), ..List::default() }.der(&tree().ca)
}

/// What `models` say about the certificate of an authority with this serial number.
fn listed<'a>(models: &'a [Model], serial_number: &'a [u8], root: bool) -> impl Iterator<Item = RevokedEntry> + 'a {
    let about = models.iter().scan(false, |issuer, model| {
        let named = model.extensions.iter().find_map(|part| match part {
            Part::Issuer(root) => Some(*root),
            _ => None,
        });
        *issuer = named.unwrap_or(*issuer);
        Some((*issuer, model))
    });
    about
        .filter(move |(issuer, model)| *issuer == root && model.serial_number == serial_number)
        .map(|(_, model)| model.revoked())
}

/// Whether what is found is one of those that weigh most.
fn assert_found(found: Option<RevokedEntry>, listed: &[RevokedEntry]) {
    let most = listed.iter().map(|entry| entry.reason.weight()).max();
    assert_eq!(found.map(|entry| entry.reason.weight()), most, "{found:?}, {listed:?}");
    assert!(found.is_none_or(|found| listed.contains(&found)), "{found:?}, {listed:?}");
}

#[test]
fn what_is_packed_is_written_alike_and_found() {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    let names = [false, true].map(|root| if root { &tree().root_certificate } else { &tree().ca_certificate });
    let names: [&Name; 2] = names.map(|certificate| &certificate.subject);
    proptest!(config, |(models in vec(model(), 0..400), absent in vec(serial_number(), 20), indirect: bool)| {
        let der = list(&models, indirect);
        let decoded = CertificateList::decode(&der).expect("a CRL");
        prop_assert_eq!(decoded.len(), models.len());
        prop_assert!(decoded.der() == der);
        for serial_number in models.iter().map(|model| &model.serial_number).chain(&absent) {
            for (name, root) in names.into_iter().zip([false, true]) {
                let listed: Vec<_> = listed(&models, serial_number, root).collect();
                assert_found(decoded.entry(name, serial_number), &listed);
            }
        }
    });
}

#[test]
fn what_is_damaged_is_refused_or_written_alike() {
    let config = ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() };
    let models = [(None, 16), (Some(1), 16), (Some(6), 2)].map(|(reason, length)| Model {
        serial_number: vec![0x41; length],
        time_tag: tag::UTC_TIME,
        date: b"260701083000Z".to_vec(),
        extensions: reason.map(Part::Reason).into_iter().collect(),
    });
    let dated = writer::element(tag::GENERALIZED_TIME, b"20260701083000Z");
    let dated = Model { extensions: vec![Part::InvalidityDate(dated), Part::Reason(1)], ..models[0].clone() };
    let models = [&models[..], &[dated]].concat();
    let good = list(&models, false);
    let bounds = good.len() * 2 / 10..good.len() * 8 / 10;
    let decoded = Cell::new(0);
    proptest!(config, |(changes in vec((bounds, any::<u8>()), 1..3))| {
        let mut damaged = good.clone();
        changes.iter().for_each(|(at, octet)| damaged[*at] = *octet);
        if let Ok(list) = CertificateList::decode(&damaged) {
            prop_assert!(list.der() == damaged);
            decoded.set(decoded.get() + 1);
        }
    });
    assert!((100..1900).contains(&decoded.get()), "{decoded:?}");
}

/// `count` entries with serial numbers of 16 octets and these extensions.
fn repeated(count: u32, extensions: impl Fn(u32) -> Vec<Part>) -> Vec<Model> {
    let model = |number: u32| Model {
        serial_number: [&[0x40; 12][..], &number.wrapping_mul(0x9E37_79B9).to_be_bytes()].concat(),
        time_tag: tag::UTC_TIME,
        date: writer::time(NOW.plus_seconds(-i64::from(number)))[2..].to_vec(),
        extensions: extensions(number),
    };
    (0..count).map(model).collect()
}

#[test]
fn an_entry_takes_48_octets_at_most_also_with_reasons_and_dates() {
    const COUNT: usize = 5000;
    let dated = |number: u32| {
        let (_, date) = NOW.plus_seconds(-i64::from(number) * 60).to_asn1();
        Part::InvalidityDate(writer::element(tag::GENERALIZED_TIME, format!("20{date}").as_bytes()))
    };
    let cases: [(&str, Vec<Model>); 3] = [
        ("without extensions", repeated(COUNT as u32, |_| Vec::new())),
        ("with reasons", repeated(COUNT as u32, |number| vec![Part::Reason((number % 7) as u8)])),
        ("with reasons and dates", repeated(COUNT as u32, |number| vec![Part::Reason(1), dated(number)])),
    ];
    for (name, models) in cases {
        let der = list(&models, false);
        let decoded = CertificateList::decode(&der).expect("a CRL");
        let each = decoded.size() / COUNT;
        assert!(each <= WANTED, "{name}: {each}");
        assert!(decoded.der() == der, "{name}");
    }
}

#[test]
fn unusual_entries_take_no_more_than_in_der() {
    const COUNT: usize = 3000;
    let payload = |number: u32| vec![Part::Other(1, [&[0; 100][..], &number.to_be_bytes()].concat())];
    let mut long = repeated(COUNT as u32, |_| Vec::new());
    long.iter_mut().for_each(|model| model.serial_number.extend([7; 130]));
    for models in [repeated(COUNT as u32, payload), long] {
        let der = list(&models, false);
        let decoded = CertificateList::decode(&der).expect("a CRL");
        // The index takes 7 octets an entry; a template is held with what belongs to it.
        let rest = decoded.size() - der.len();
        assert!(rest <= 8 * COUNT + 128 * 64 + 2048, "{rest}");
        assert!(decoded.der() == der);
    }
}

#[test]
fn der_is_handed_out_in_pieces() {
    let der = list(&repeated(10_000, |_| vec![Part::Reason(4)]), false);
    let decoded = CertificateList::decode(&der).expect("a CRL");
    let (mut written, mut pieces) = (Vec::new(), 0);
    let all = decoded.write_der(|piece| {
        assert!(piece.len() < PIECE + 1024, "{}", piece.len());
        pieces += 1;
        written.extend_from_slice(piece);
        Ok::<_, ()>(())
    });
    assert!(all.is_ok() && written == der);
    assert!(pieces >= der.len() / PIECE, "{pieces}");
    let mut taken = 0;
    let full = decoded.write_der(|_| {
        taken += 1;
        if taken == 3 { Err("full") } else { Ok(()) }
    });
    assert_eq!((full, taken), (Err("full"), 3));
}
