//! Revisions that change what a signed PDF shows: incremental saving, and structure that readers take differently.

use crate::kit::pdf::base::{CATALOGUE, CONTENTS, FONT, FORM, INFO, LOOK, PAGE, PAGES, TEXT};
use crate::kit::pdf::section::object;
use crate::kit::pdf::sign::with_entry;
use crate::kit::pdf::{Kind, Layout, Objects, Pdf, Section, Signing, find_last, scan, stream, verdict};
use crate::kit::verdict::PASSED;

use super::pdf_controls::{assert_changed, is_changed};

const UNREADABLE: &str = "INDETERMINATE pdf-unreadable";
const OTHER: &[u8] = b"BT /F1 12 Tf 72 720 Td (Three convictions.) Tj ET";

pub fn good(kind: Kind) -> Pdf {
    let pdf = Pdf::of(kind).signed(&Signing::default());
    assert_eq!(verdict(&pdf.octets), PASSED, "{kind:?}");
    pdf
}

#[test]
fn p03_a_revision_that_replaces_what_is_shown() {
    for kind in Kind::ALL {
        let pdf = good(kind);
        let new = 500;
        let page = pdf.edited(PAGE, "/Contents 4 0 R", &format!("/Contents {new} 0 R"));
        let mut attacks: Vec<(&str, &str, Objects)> = vec![
            ("contents", "page", [(CONTENTS, stream("", OTHER))].into()),
            ("the page's contents", "page", [page, (new, stream("", OTHER))].into()),
            ("the size of the page", "page", [pdf.edited(PAGE, "595 842", "595 100")].into()),
            ("a font", "page", [pdf.edited(FONT, "/Helvetica", "/Symbol")].into()),
            ("no pages", "pages", [(PAGES, b"<< /Type /Pages /Kids [] /Count 0 >>".to_vec())].into()),
            ("a language", "catalogue", [(CATALOGUE, with_entry(&pdf.objects[&CATALOGUE], "/Lang (vi)"))].into()),
            ("the page turned", "page", [(PAGE, with_entry(&pdf.objects[&PAGE], "/Rotate 180"))].into()),
            ("an object that nothing uses", "object|page", [(new, stream("", OTHER))].into()),
            ("no object at all, but a trailer", "", Objects::new()),
        ];
        let second = format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R >>", new + 1);
        let pages = String::from_utf8(pdf.objects[&PAGES].clone())
            .expect("text")
            .replace("/Kids [", &format!("/Kids [{new} 0 R "));
        attacks.push((
            "another page",
            "pages",
            [(PAGES, pages.into_bytes()), (new, second.into_bytes()), (new + 1, stream("", OTHER))].into(),
        ));
        for (name, kind_of_change, objects) in attacks {
            let is_empty = objects.is_empty();
            let attacked = pdf.with(objects);
            if is_empty {
                // Changes nothing, and adds nothing that may be added.
                assert_ne!(verdict(&attacked.octets), PASSED, "{kind:?}: {name}");
                continue;
            }
            assert_changed(&attacked.octets, kind_of_change, &format!("{kind:?}: {name}"));
            // By a section of the other kind, and with what may be added beside or behind.
            let other = if pdf.layout == Layout::Stream { Layout::Table } else { Layout::Stream };
            let objects: Objects = attacked
                .objects
                .iter()
                .filter(|(number, body)| pdf.objects.get(number) != Some(body))
                .map(|(number, body)| (*number, body.clone()))
                .collect();
            let section = Section { layout: other, objects: objects.clone(), ..pdf.section() };
            assert_changed(&pdf.followed_by(&section).octets, "", &format!("{kind:?}: {name}, {other:?}"));
            assert_changed(&attacked.with_usual_store().octets, "", &format!("{kind:?}: {name}, validation data"));
            let before = pdf.with_usual_store().with(objects.clone());
            let found = verdict(&before.octets);
            assert!(
                is_changed(&found, "") || objects.contains_key(&CATALOGUE),
                "{kind:?}: {name} behind validation data: {found}"
            );
            let again = attacked.signed(&Signing::named("Second"));
            assert_changed(&again.octets, "", &format!("{kind:?}: {name}, signed again"));
            let how = Signing { more: objects.clone(), ..Signing::named("Second") };
            let beside = pdf.signed(&how);
            assert_changed(&beside.octets, "", &format!("{kind:?}: {name} with a signature"));
        }
    }
}

#[test]
fn p03_what_was_filled_in_later() {
    let pdf = good(Kind::Form);
    let filled = pdf.with_edit(TEXT, "(Ng. V. A)", "(Tr. T. B)");
    assert_changed(&filled.octets, "form-filled", "the default policy allows no filling in");
    let look = pdf.with([(LOOK, crate::kit::pdf::replaced(&pdf.objects[&LOOK], "(Ng. V. A)", "(Tr. T. B)"))]);
    assert_changed(&look.octets, "form-filled|form|page", "the look of a field");
    for (from, to) in [
        ("/DA (/F1 12 Tf 0 g)", "/DA (/F1 0.01 Tf 1 g)"),
        ("/Fields [8 0 R", "/Fields ["),
        ("/DA", "/NeedAppearances true /DA"),
    ] {
        assert_changed(&pdf.with_edit(FORM, from, to).octets, "", to);
    }
    let titled = good(Kind::Table).with([(INFO, b"<< /Title (Another paper) >>".to_vec())]);
    assert_ne!(verdict(&titled.octets), PASSED, "another title and nothing else");
}

#[test]
fn p10_ends_that_are_none() {
    for kind in [Kind::Table, Kind::Stream] {
        let pdf = good(kind);
        let end = pdf.startxref;
        let junk: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
            ("a line", b"\n".to_vec(), None),
            ("a space", b" ".to_vec(), None),
            ("a zero", b"\0".to_vec(), None),
            ("a comment", b"% a comment\n".to_vec(), Some(UNREADABLE)),
            ("text", b"text".to_vec(), Some(UNREADABLE)),
            ("another end", b"%%EOF\n".to_vec(), Some(UNREADABLE)),
            ("zeros", vec![0; 2000], None),
            ("far junk", vec![b'x'; 100_000], Some(UNREADABLE)),
            ("the beginning again", format!("startxref\n{end}\n%%EOF\n").into_bytes(), None),
            ("a comment and the beginning again", format!("% evil\nstartxref\n{end}\n%%EOF\n").into_bytes(), None),
            ("the beginning of nothing", b"startxref\n0\n%%EOF\n".to_vec(), Some(UNREADABLE)),
            ("a beginning beyond", b"startxref\n999999999\n%%EOF\n".to_vec(), Some(UNREADABLE)),
            ("a beginning that is no number", b"startxref\n-1\n%%EOF\n".to_vec(), Some(UNREADABLE)),
            ("another file", Pdf::of(kind).octets, None),
            ("the file again", pdf.octets.clone(), None),
        ];
        for (name, more, expected) in junk {
            let octets = [pdf.octets.as_slice(), &more].concat();
            let found = verdict(&octets);
            assert_ne!(found, PASSED, "{kind:?}: {name}");
            assert!(expected.is_none_or(|expected| found == expected), "{kind:?}: {name}: {found}");
        }
        // In front of the header.
        for more in [&b"\n"[..], b"%PDF-1.4\n", b"junk\n"] {
            let octets = [more, &pdf.octets].concat();
            assert_ne!(verdict(&octets), PASSED, "{kind:?}: something in front");
        }
        // Cut off.
        for less in [1, 2, 6, 7, 20] {
            assert_ne!(verdict(&pdf.octets[..pdf.octets.len() - less]), PASSED, "{kind:?}: {less} octets less");
        }
    }
}

#[test]
fn p10_startxref_that_leads_into_a_stream() {
    // A stream that is a section for who begins to read there.
    for in_literal in [false, true] {
        let mut objects = Kind::Table.objects();
        let hidden = Pdf::write(Layout::Table, objects.clone());
        let evil = find_last(&hidden.octets, b"4 0 obj");
        let table = format!("xref\n4 1\n{evil:010} 00000 n\r\ntrailer\n<< /Size 30 /Root 1 0 R /Prev 00000 >>\n");
        let body = if in_literal { format!("({table})").into_bytes() } else { stream("", table.as_bytes()) };
        objects.insert(13, body);
        let pdf = Pdf::write(Layout::Table, objects).signed(&Signing::default());
        let inside = find_last(&pdf.octets, b"xref\n4 1");
        // The old one is named where there was room for it.
        let octets = [pdf.octets.as_slice(), format!("startxref\n{inside}\n%%EOF\n").as_bytes()].concat();
        assert_ne!(verdict(&octets), PASSED, "literal {in_literal}");
    }
}

#[test]
fn p11_a_size_that_takes_objects_away() {
    // No object has the number of Size or a larger one (§7.5.5): some readers find nothing there.
    for kind in [Kind::Table, Kind::Form] {
        let pdf = good(kind);
        for small in ["01", "04", "10", "30", "32"] {
            let stored = pdf.with_usual_store();
            let mut octets = stored.octets.clone();
            let at = find_last(&octets, b"/Size ") + "/Size ".len();
            octets[at..at + 2].copy_from_slice(small.as_bytes());
            assert_ne!(verdict(&octets), PASSED, "{kind:?}: {small} in a later trailer");
        }
    }
}

#[test]
fn p11_cross_references_that_readers_take_differently() {
    // A hybrid file whose table and stream differ.
    let base = Pdf::of(Kind::Hybrid);
    let mut unsigned = base.clone();
    // The font, whose entry in the table is free, is said to stand where the contents do.
    let contents = scan::objects(&base.octets).into_iter().find(|found| found.number == CONTENTS).expect("contents");
    let entries: Vec<usize> = memchr::memmem::find_iter(&base.octets, b"0000000000 00000 f").collect();
    let line = format!("{:010} 00000 n", contents.whole.start);
    unsigned.octets[entries[0]..entries[0] + line.len()].copy_from_slice(line.as_bytes());
    assert_eq!(verdict(&unsigned.signed(&Signing::default()).octets), UNREADABLE, "a hybrid file that differs");
    // The same number twice in a section.
    let pdf = good(Kind::Table);
    for (first, second) in [(20, 21), (21, 20)] {
        let mut octets = pdf.octets.clone();
        let one = octets.len();
        object(&mut octets, first, &stream("", OTHER));
        let other = octets.len();
        object(&mut octets, second, &stream("", OTHER));
        let table = octets.len();
        let lines = format!("20 1\n{one:010} 00000 n\r\n20 1\n{other:010} 00000 n\r\n");
        let trailer = format!("<< /Size 50 /Root 1 0 R /Prev {} >>", pdf.startxref);
        octets.extend(format!("xref\n{lines}trailer\n{trailer}\nstartxref\n{table}\n%%EOF\n").bytes());
        assert_eq!(verdict(&octets), UNREADABLE, "an object twice in a table");
    }
    // A dictionary with a key twice.
    let twice = with_entry(&pdf.objects[&PAGE], "/Contents 5 0 R");
    let mut objects = Kind::Table.objects();
    objects.insert(PAGE, twice);
    assert_ne!(
        verdict(
            &Pdf::write(Layout::Table, objects).signed(&Signing { is_on_page: false, ..Signing::default() }).octets
        ),
        PASSED
    );
    // In a circle.
    for kind in [Kind::Table, Kind::Stream, Kind::Hybrid] {
        let pdf = good(kind);
        for prev in [pdf.octets.len(), pdf.octets.len() + 40, usize::MAX, 0, 3] {
            let section = Section { prev: Some(prev), ..pdf.section() };
            assert_eq!(verdict(&pdf.followed_by(&section).octets), UNREADABLE, "{kind:?}: {prev}");
        }
        // To itself.
        let ahead = pdf.followed_by(&pdf.section());
        let section = Section { prev: Some(ahead.startxref), ..pdf.section() };
        assert_eq!(verdict(&pdf.followed_by(&section).octets), UNREADABLE, "{kind:?}: to itself");
        for trailer in
            [format!("/XRefStm {}", ahead.startxref), format!("/XRefStm {}", pdf.startxref), "/XRefStm 7".to_owned()]
        {
            let section = Section { trailer, ..pdf.section() };
            assert_ne!(verdict(&pdf.followed_by(&section).octets), PASSED, "{kind:?}: by XRefStm");
        }
        // The signed sections are left out.
        let section = Section { prev: None, objects: pdf.objects.clone(), ..pdf.section() };
        assert_ne!(verdict(&pdf.followed_by(&section).octets), PASSED, "{kind:?}: without what came before");
        for prev in scan::ends(&pdf.octets).iter().rev().skip(1) {
            let older = scan::startxref(&pdf.octets[..*prev]).expect("a place");
            let section = Section { prev: Some(older), ..pdf.section() };
            assert_ne!(verdict(&pdf.followed_by(&section).octets), PASSED, "{kind:?}: around the signature");
        }
    }
    let cost = crate::kit::cost::Cost::begin();
    let pdf = good(Kind::Table);
    let mut octets = pdf.octets.clone();
    let mut prev = pdf.startxref;
    for _ in 0..20_000 {
        let at = octets.len();
        octets.extend(
            format!("xref\n0 0\ntrailer\n<< /Size 40 /Root 1 0 R /Prev {prev} >>\nstartxref\n{at}\n%%EOF\n").bytes(),
        );
        prev = at;
    }
    assert_ne!(verdict(&octets), PASSED, "twenty thousand sections");
    assert!(cost.elapsed() < std::time::Duration::from_secs(1), "{:?}", cost.elapsed());
}
