//! Every bit of ten small files: none passes with one changed, but where the case of a digit of a message is all that is.

use super::subject::Subject;
use super::{Tally, is_soak, share};
use crate::kit::pdf::base::READY;
use crate::kit::pdf::{Kind, Pdf, Signing};
use crate::kit::vectors::say;
use antin::core::verdict::Indication;

/// One bit in so many; a prime, so that each bit of an octet has its turn.
const STRIDE: usize = 61;

fn small() -> Vec<Subject> {
    let usual = Signing { room: 1200, ..Signing::default() };
    let signed = |kind: Kind| Pdf::of(kind).signed(&usual);
    let mut files: Vec<Subject> =
        Kind::ALL.iter().map(|kind| Subject::own(&format!("small {kind:?}"), &signed(*kind))).collect();
    let mut add = |name: &str, pdf: &Pdf| files.push(Subject::own(name, pdf));
    add("small, not PAdES", &Pdf::of(Kind::Table).signed(&Signing { room: 1200, ..Signing::pkcs7() }));
    add("small, certified", &Pdf::of(Kind::Table).signed(&Signing { room: 1200, ..Signing::certifying(2) }));
    let ready = Signing { field: Some(READY), room: 1200, ..Signing::default() };
    add("small, two", &Pdf::of(Kind::Ready).signed(&usual).signed(&ready));
    let stamp = Signing { room: 1300, ..Signing::time_stamp() };
    add("small, stamped", &signed(Kind::Stream).signed(&stamp));
    files
}

#[test]
fn no_small_file_with_one_bit_changed_passes() {
    let files = small();
    assert_eq!(files.len(), 10);
    let stride = if is_soak() { 1 } else { STRIDE };
    let tally = Tally::default();
    for file in &files {
        assert_eq!(file.judge(&file.octets), Some(Indication::TotalPassed), "{}", file.name);
        say(&format!("{}: {} octets", file.name, file.octets.len()));
    }
    // To look at one: a part of its name.
    let wanted = std::env::var("ANTIN_FLIPS").unwrap_or_default();
    let pieces: Vec<(&Subject, usize)> = files
        .iter()
        .filter(|file| file.name.contains(&wanted))
        .flat_map(|file| (0..file.octets.len().div_ceil(256)).map(move |piece| (file, piece * 256)))
        .collect();
    share(&pieces, |(file, from)| {
        let mut octets = file.octets.clone();
        let to = (from + 256).min(octets.len());
        for bit in (from * 8..to * 8).filter(|bit| bit % stride == 0) {
            octets[bit / 8] ^= 1 << (bit % 8);
            tally.judge(file, &file.name, &format!("octet {} bit {}", bit / 8, bit % 8), &octets);
            octets[bit / 8] ^= 1 << (bit % 8);
        }
    });
    let least = if is_soak() { 250_000 } else { 4_000 };
    tally.conclude(if wanted.is_empty() { least } else { 0 });
}
