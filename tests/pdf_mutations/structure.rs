//! What readers find differently: sections that lead elsewhere, circles, ends that are none.

use super::Take;
use super::subject::Subject;
use crate::kit::pdf::{Layout, Objects, Section, stream};
use crate::kit::random::Random;

/// Sections without objects of their own: what was signed is brought to light, hidden or exchanged.
pub fn shadow(subject: &Subject, take: &mut Take<'_>) {
    let mut random = Random::of(&format!("shadow {}", subject.name));
    let places: Vec<(u32, usize)> = subject.objects.iter().map(|found| (found.number, found.whole.start)).collect();
    let numbers: Vec<u32> =
        places.iter().map(|(number, _)| *number).filter(|number| !subject.store.contains(number)).collect();
    let both = |take: &mut Take<'_>, name: &str, section: Section| {
        for layout in [Layout::Table, Layout::Stream] {
            take(name, subject.followed_by(&Section { layout, ..section.clone() }));
        }
    };
    for number in numbers.iter().take(40) {
        let (_, place) = *random.pick(&places);
        let own = places.iter().any(|(other, at)| other == number && *at == place);
        let newest = places.iter().rev().find(|(other, _)| other == number).map(|(_, at)| *at);
        if !own {
            both(take, &format!("{number} elsewhere"), Section { places: vec![(*number, place)], ..subject.section() });
        }
        // Older bodies of the same number.
        for (other, at) in &places {
            if other == number && Some(*at) != newest {
                both(
                    take,
                    &format!("{number} as it was"),
                    Section { places: vec![(*number, *at)], ..subject.section() },
                );
            }
        }
        both(take, &format!("{number} is the root"), Section { root: *number, ..section_but(subject, *number) });
        both(take, &format!("{number} taken away"), Section { free: vec![*number], ..subject.section() });
        both(
            take,
            &format!("{number} off by one"),
            Section { places: vec![(*number, newest.unwrap_or_default() + 1)], ..subject.section() },
        );
    }
    // Two exchanged.
    for _ in 0..30 {
        let (one, other) = (*random.pick(&places), *random.pick(&places));
        if one.0 != other.0 && !subject.store.contains(&one.0) {
            both(
                take,
                "two exchanged",
                Section { places: vec![(one.0, other.1), (other.0, one.1)], ..subject.section() },
            );
        }
    }
}

/// A section that goes on with another root; the one that it has is told apart.
fn section_but(subject: &Subject, number: u32) -> Section {
    let trailer = if number == subject.root { "/Encrypt 1 0 R".to_owned() } else { String::new() };
    Section { trailer, ..subject.section() }
}

/// Circles, hybrid sections, objects in two places, wrong numbers, a beginning anywhere.
pub fn cross_references(subject: &Subject, take: &mut Take<'_>) {
    let octets = &subject.octets;
    let end = octets.len();
    for layout in [Layout::Table, Layout::Stream] {
        for prev in
            [0, 1, 9, end, end + 1, end + 30, usize::MAX, subject.startxref + 1, subject.startxref - 1, subject.covered]
        {
            let section = Section { layout, prev: Some(prev), ..subject.section() };
            take("Prev", subject.followed_by(&section));
        }
        for trailer in [
            format!("/XRefStm {}", subject.startxref),
            format!("/XRefStm {end}"),
            "/XRefStm 0".to_owned(),
            "/XRefStm -1".to_owned(),
            "/Encrypt 1 0 R".to_owned(),
            "/Root 3 0 R".to_owned(),
            "/Prev 0".to_owned(),
            "/Size 1".to_owned(),
        ] {
            let section = Section {
                layout,
                trailer: trailer.clone(),
                objects: [(subject.size, b"null".to_vec())].into(),
                ..subject.section()
            };
            take(&trailer, subject.followed_by(&section));
        }
    }
    // A hybrid section whose stream says where the pages are.
    for (number, _) in subject.newest().iter().take(12) {
        if subject.store.contains(number) {
            continue;
        }
        let objects: Objects = [(*number, b"<< /Type /Page >>".to_vec())].into();
        let section = Section { layout: Layout::Hybrid, hidden: vec![*number], objects, ..subject.section() };
        take(&format!("{number} hidden"), subject.followed_by(&section));
    }
    // Entries of the tables in the file, changed.
    for at in memchr::memmem::find_iter(octets, b" 00000 n").filter(|at| *at >= 10).take(40) {
        for (index, digit) in [(at - 1, b'9'), (at - 2, b'1'), (at + 5, b'1'), (at + 7, b'f'), (at + 7, b'x')] {
            if octets[index] != digit {
                let mut attacked = octets.clone();
                attacked[index] = digit;
                take("an entry", attacked);
            }
        }
    }
    // A beginning at every object and at places within.
    let mut random = Random::of(&format!("beginnings {}", subject.name));
    let mut places: Vec<usize> = subject.objects.iter().map(|found| found.whole.start).take(30).collect();
    places.extend((0..30).map(|_| random.below(end)));
    for place in places {
        take("another beginning", [octets.as_slice(), format!("startxref\n{place}\n%%EOF\n").as_bytes()].concat());
        let at = memchr::memmem::rfind(octets, b"startxref").expect("a beginning");
        take(
            "another beginning in its place",
            [&octets[..at], format!("startxref\n{place}\n%%EOF\n").as_bytes()].concat(),
        );
    }
    // A section in a stream of the attacker's.
    let number = subject.size;
    for inside in ["", "\n", "% "] {
        let table = format!("{inside}xref\n0 0\ntrailer\n<< /Size 9 /Root 1 0 R /Prev {} >>\n", subject.startxref);
        let body = stream("", table.as_bytes());
        let text = format!("{number} 0 obj\n");
        let at = end + text.len() + memchr::memmem::find(&body, b"xref").expect("there");
        let whole = [octets.as_slice(), text.as_bytes(), &body, b"\nendobj\n"].concat();
        take("a section in a stream", [whole.as_slice(), format!("startxref\n{at}\n%%EOF\n").as_bytes()].concat());
    }
}

/// Something in front, behind, in place of the end.
pub fn ends(subject: &Subject, take: &mut Take<'_>) {
    let octets = &subject.octets;
    let begin = subject.startxref;
    let last = subject.objects.last().map(|found| octets[found.whole.clone()].to_vec()).unwrap_or_default();
    let texts: Vec<Vec<u8>> = vec![
        b"\n".to_vec(),
        b"\r\n".to_vec(),
        b" ".to_vec(),
        b"\0".to_vec(),
        b"%".to_vec(),
        b"% text\n".to_vec(),
        b"%%EOF".to_vec(),
        b"%%EOF\n".to_vec(),
        b"\n%%EOF\n".to_vec(),
        b"startxref\n".to_vec(),
        b"startxref\n0\n%%EOF\n".to_vec(),
        format!("startxref\n{begin}\n%%EOF\n").into_bytes(),
        format!("\nstartxref\n{begin}\n%%EOF").into_bytes(),
        format!("% text\nstartxref\n{begin}\n%%EOF\n").into_bytes(),
        format!("startxref {begin} %%EOF startxref {begin} %%EOF").into_bytes(),
        format!("trailer\n<< /Root 1 0 R >>\nstartxref\n{begin}\n%%EOF\n").into_bytes(),
        vec![b' '; 3000],
        vec![0; 3000],
        b"x".repeat(3000),
        b"4 0 obj\nnull\nendobj\n".to_vec(),
        last.clone(),
        [last, format!("\nstartxref\n{begin}\n%%EOF\n").into_bytes()].concat(),
        b"%PDF-1.4\n".to_vec(),
        octets[..octets.len().min(500)].to_vec(),
    ];
    for text in &texts {
        let name = String::from_utf8_lossy(&text[..text.len().min(12)]).into_owned();
        take(&format!("behind: {name}"), [octets.as_slice(), text].concat());
        take(&format!("in front: {name}"), [text.as_slice(), octets].concat());
        let section = subject.followed_by(&subject.section());
        take(&format!("behind a section of nothing: {name}"), [section.as_slice(), text].concat());
        let [evil, _] = subject.with(&[(subject.size, stream("", text))].into());
        take(&format!("in a stream: {name}"), evil);
    }
    for less in (1..12).chain([20, 50, 200]) {
        if less < octets.len() && octets.len() <= subject.covered {
            take(&format!("{less} less"), octets[..octets.len() - less].to_vec());
        }
    }
    for header in [&b"%PDF-1.0"[..], b"%PDF-9.9", b"%FDF-1.7", b"\x25PDX-1.7"] {
        if !octets.starts_with(header) {
            take("another header", [header, &octets[8..]].concat());
        }
    }
}
