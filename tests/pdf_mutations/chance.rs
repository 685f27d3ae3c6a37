//! Changes by chance, alone, several, and on top of the other families.

use super::subject::Subject;
use super::{FAMILIES, Take, is_soak};
use crate::kit::pdf::Objects;
use crate::kit::random::Random;

fn rounds(usual: usize) -> usize {
    if is_soak() { usual * 10 } else { usual }
}

/// Changes something below `end`.
fn change(random: &mut Random, octets: &mut Vec<u8>, end: usize) {
    let end = end.min(octets.len());
    if end < 4 {
        return;
    }
    let (at, other) = (random.below(end), random.below(end));
    let length = 1 + random.below(40);
    match random.below(8) {
        0 => octets[at] ^= 1 << random.below(8),
        1 => octets[at] = *random.pick(b"0123456789 <>[]()/%\n\0R"),
        2 => drop(octets.drain(at..(at + length).min(end))),
        3 => {
            let piece = octets[other..(other + length).min(end)].to_vec();
            drop(octets.splice(at..at, piece));
        }
        4 => {
            let piece = octets[other..(other + length).min(end)].to_vec();
            let until = (at + piece.len()).min(end);
            drop(octets.splice(at..until, piece));
        }
        5 => octets.swap(at, other),
        6 => {
            let words: [&[u8]; 10] = [
                b"endobj",
                b"stream\n",
                b"endstream",
                b">>",
                b"<<",
                b" 0 R",
                b"startxref\n0\n%%EOF\n",
                b"trailer",
                b"null",
                b"/Prev 0",
            ];
            let word = *random.pick(&words);
            drop(octets.splice(at..at, word.iter().copied()));
        }
        _ => {
            // One number another.
            if let Some(digit) = (at..end).find(|at| octets[*at].is_ascii_digit()) {
                octets[digit] = *random.pick(b"0123456789");
            }
        }
    }
}

/// One to four changes in what is covered.
pub fn splices(subject: &Subject, take: &mut Take<'_>) {
    let mut random = Random::of(&format!("splices {}", subject.name));
    for _ in 0..rounds(60) {
        let mut octets = subject.octets.clone();
        for _ in 0..=random.below(4) {
            change(&mut random, &mut octets, subject.covered);
        }
        take("by chance", octets);
    }
}

/// A range taken out, doubled, blanked or moved.
pub fn ranges(subject: &Subject, take: &mut Take<'_>) {
    let mut random = Random::of(&format!("ranges {}", subject.name));
    for round in 0..rounds(40) {
        let (one, other) = (random.below(subject.covered), random.below(subject.covered));
        let (from, to) = (one.min(other), one.max(other) + 1);
        let octets = &subject.octets;
        let piece = &octets[from..to];
        let attacked = match round % 5 {
            0 => [&octets[..from], &octets[to..]].concat(),
            1 => [&octets[..to], piece, &octets[to..]].concat(),
            2 => [&octets[..from], &vec![b' '; piece.len()], &octets[to..]].concat(),
            3 => [octets, piece].concat(),
            _ => [&octets[..from], &octets[to..], piece].concat(),
        };
        take("a range", attacked);
    }
}

/// What the other families made, changed once more; several revisions behind each other.
pub fn together(subject: &Subject, take: &mut Take<'_>) {
    let mut random = Random::of(&format!("together {}", subject.name));
    for (name, make) in
        FAMILIES.iter().filter(|(name, _)| !["together", "splices", "deleted and doubled"].contains(name))
    {
        let mut count = 0;
        make(subject, &mut |_, _| count += 1);
        let wanted: Vec<usize> = (0..rounds(4)).map(|_| random.below(count)).collect();
        let mut index = 0;
        make(subject, &mut |what, mut octets| {
            if wanted.contains(&index) {
                let is_same = subject.is_same(&octets);
                for _ in 0..=random.below(2) {
                    let end = octets.len();
                    change(&mut random, &mut octets, end);
                }
                // What is left of a file behind whose signatures something unsigned stands may be as good as it.
                if !is_same && subject.octets.len() <= subject.covered {
                    take(&format!("{name}, {what}, changed"), octets);
                }
            }
            index += 1;
        });
    }
    let newest = subject.newest();
    for _ in 0..rounds(20) {
        let mut pdf = subject.octets.clone();
        let mut prev = subject.startxref;
        let mut size = subject.size;
        for _ in 0..=random.below(3) {
            let number = newest[random.below(newest.len())].0;
            let body = newest[random.below(newest.len())].1.to_vec();
            if subject.store.contains(&number) || subject.body(number) == Some(&body) {
                continue;
            }
            let objects: Objects = [(number, body)].into();
            let section = crate::kit::pdf::Section { objects, prev: Some(prev), size, ..subject.section() };
            (prev, size) = section.append(&mut pdf);
        }
        if pdf.len() > subject.octets.len() {
            take("revisions behind each other", pdf);
        }
    }
}
