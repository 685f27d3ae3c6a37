//! Shadow content: what a signed PDF holds and does not show, and a later revision brings to light.

use crate::kit::pdf::base::{CATALOGUE, CONTENTS, FONT, FORM, PAGE, PAGES, TEXT};
use crate::kit::pdf::section::object;
use crate::kit::pdf::sign::with_entry;
use crate::kit::pdf::{Kind, Layout, Objects, Pdf, Section, Signing, scan, stream, verdict};
use crate::kit::verdict::PASSED;

use super::pdf_controls::{assert_changed, is_changed, warnings};
use super::pdf_revisions::good;

const OTHER: &[u8] = b"BT /F1 12 Tf 72 720 Td (Three convictions.) Tj ET";

/// A prepared file: passes with a warning, or does not pass.
fn prepared(name: &str, pdf: &Pdf) {
    let found = verdict(&pdf.octets);
    let warned = warnings(&pdf.octets);
    let is_told = found == PASSED && warned.iter().any(|code| code.starts_with("pdf-"));
    assert!(is_told || found.starts_with("INDETERMINATE"), "{name}: {found}, warnings {warned:?}");
}

/// A file with two bodies of the object of its page's contents, the first of which is not used.
fn two_bodies() -> (Pdf, usize) {
    let section =
        Section { objects: Kind::Table.objects(), trailer: "/Info 6 0 R".to_owned(), ..Section::first(Layout::Table) };
    let mut pdf = Pdf::of(Kind::Table);
    pdf.octets = b"%PDF-2.0\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let evil = pdf.octets.len();
    object(&mut pdf.octets, CONTENTS, &stream("", OTHER));
    (pdf.startxref, pdf.size) = section.append(&mut pdf.octets);
    (pdf, evil)
}

#[test]
fn p12_hidden_content_that_a_later_revision_brings_to_light() {
    // Two bodies of an object, and a section that leads to the other.
    let (pdf, evil) = two_bodies();
    let pdf = pdf.signed(&Signing::default());
    for layout in [Layout::Table, Layout::Stream] {
        let section = Section { layout, places: vec![(CONTENTS, evil)], ..pdf.section() };
        assert_changed(&pdf.followed_by(&section).octets, "structure|page", &format!("hide and replace, {layout:?}"));
        let stored = pdf.with_usual_store();
        let section = Section { layout, places: vec![(CONTENTS, evil)], ..stored.section() };
        assert_changed(&stored.followed_by(&section).octets, "", &format!("behind validation data, {layout:?}"));
    }
    // A catalogue that nothing uses, and a trailer that does.
    let mut objects = Kind::Table.objects();
    objects.insert(13, b"<< /Type /Catalog /Pages 14 0 R >>".to_vec());
    objects.insert(14, b"<< /Type /Pages /Kids [15 0 R] /Count 1 >>".to_vec());
    objects.insert(15, b"<< /Type /Page /Parent 14 0 R /MediaBox [0 0 595 842] /Contents 16 0 R >>".to_vec());
    objects.insert(16, stream("", OTHER));
    let pdf = Pdf::write(Layout::Table, objects).signed(&Signing::default());
    let section = Section { root: 13, ..pdf.section() };
    assert_ne!(verdict(&pdf.followed_by(&section).octets), PASSED, "replaced by another catalogue");
    let root = with_entry(b"<< /Type /Catalog /Pages 14 0 R >>", "/AcroForm 32 0 R");
    let section = Section { root: 13, objects: [(13, root)].into(), ..pdf.section() };
    assert_changed(&pdf.followed_by(&section).octets, "", "another catalogue with the same form");
    let pages = pdf.edited(CATALOGUE, "/Pages 2 0 R", "/Pages 14 0 R");
    assert_changed(&pdf.with([pages]).octets, "catalogue|pages", "other pages");
    let kids = pdf.edited(PAGES, "/Kids [3 0 R]", "/Kids [15 0 R]");
    assert_changed(&pdf.with([kids]).octets, "pages", "another page");
    let contents = pdf.edited(PAGE, "/Contents 4 0 R", "/Contents 16 0 R");
    assert_changed(&pdf.with([contents]).octets, "page", "other contents");
    let section = Section { places: vec![(CONTENTS, pdf.octets.len())], ..pdf.section() };
    assert_ne!(verdict(&pdf.followed_by(&section).octets), PASSED, "a place where no object is");
}

#[test]
fn p12_a_cover_that_a_later_revision_takes_away() {
    let mut objects = Kind::Table.objects();
    let drawn = b"BT /F1 12 Tf 72 720 Td (Three convictions.) Tj ET /Cover Do";
    objects.insert(CONTENTS, stream("", drawn));
    let resources = "/Resources << /XObject << /Cover 13 0 R >> ";
    objects.insert(PAGE, crate::kit::pdf::replaced(&objects[&PAGE], "/Resources << ", resources));
    objects.insert(13, stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]", b"1 g 0 0 595 842 re f"));
    let note = "<< /Type /Annot /Subtype /Square /Rect [0 0 595 842] /IC [1 1 1] /F 4 /AP << /N 13 0 R >> >>";
    objects.insert(14, note.as_bytes().to_vec());
    objects.insert(PAGE, with_entry(&objects[&PAGE], "/Annots [14 0 R]"));
    let pdf = Pdf::write(Layout::Table, objects).signed(&Signing::default());
    assert_eq!(verdict(&pdf.octets), PASSED, "covered, and whole");
    let empty = stream("/Type /XObject /Subtype /Form /BBox [0 0 0 0]", b"");
    assert_changed(&pdf.with([(13, empty)]).octets, "page", "the cover is empty");
    assert_changed(&pdf.with([(13, b"null".to_vec())]).octets, "page|structure", "the cover is null");
    for number in [13, 14, CONTENTS, PAGE, FONT] {
        let section = Section { free: vec![number], ..pdf.section() };
        assert_changed(&pdf.followed_by(&section).octets, "", &format!("{number} is free"));
        let section = Section { layout: Layout::Stream, free: vec![number], ..pdf.section() };
        assert_changed(&pdf.followed_by(&section).octets, "", &format!("{number} is free, by a stream"));
    }
    let annotations = pdf.edited(PAGE, "/Annots [14 0 R 31 0 R]", "/Annots [31 0 R]");
    assert_changed(&pdf.with([annotations]).octets, "annotation|page", "the note is not listed");
    assert_changed(&pdf.with_edit(14, "/F 4", "/F 2").octets, "annotation", "the note is hidden");
    let changed = b"<< /Type /OCProperties /D << /OFF [13 0 R] >> >>".to_vec();
    let root = with_entry(&pdf.objects[&CATALOGUE], "/OCProperties 40 0 R");
    assert_changed(&pdf.with([(40, changed), (CATALOGUE, root)]).octets, "catalogue", "layers");
}

#[test]
fn p12_an_object_stream_with_other_objects_in_the_same_places() {
    // Of the first revision, of that of the signature, and of one behind it.
    let signed = good(Kind::Stream);
    let stamped = signed.with_usual_store().signed(&Signing::time_stamp());
    assert_eq!(verdict(&stamped.octets), PASSED);
    let mut count = 0;
    for pdf in [signed, stamped] {
        let streams = scan::objects(&pdf.octets)
            .into_iter()
            .filter(|found| memchr::memmem::find(&pdf.octets[found.body.clone()], b"/ObjStm").is_some());
        for number in streams.map(|found| found.number) {
            let numbers = pdf.packed(number);
            for (at, changed) in numbers.iter().enumerate() {
                let mut objects: Vec<(u32, Vec<u8>)> =
                    numbers.iter().map(|number| (*number, pdf.objects[number].clone())).collect();
                objects[at].1 = match *changed {
                    PAGE => with_entry(&objects[at].1, "/Rotate 180"),
                    _ => b"<< /Type /Page /MediaBox [0 0 1 1] >>".to_vec(),
                };
                let body = crate::kit::pdf::section::object_stream(&objects.into_iter().collect());
                for layout in [Layout::Table, Layout::Stream] {
                    let section = Section { layout, objects: [(number, body.clone())].into(), ..pdf.section() };
                    let found = verdict(&pdf.followed_by(&section).octets);
                    // Validation data may change; what else is changed may make the whole unreadable.
                    let is_store = memchr::memmem::find(&pdf.objects[changed], b"/Certs").is_some();
                    let is_refused = is_changed(&found, "") || found.starts_with("INDETERMINATE");
                    assert!(is_refused || is_store, "{changed} in {number}, {layout:?}: {found}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 20, "{count} streams written again");
}

#[test]
fn p12_an_object_stream_named_as_validation_data_or_metadata() {
    // What nobody refers to by a reference, and much is read from.
    let pdf = good(Kind::Stream);
    let streams = scan::objects(&pdf.octets)
        .into_iter()
        .filter(|found| memchr::memmem::find(&pdf.octets[found.body.clone()], b"/ObjStm").is_some());
    let mut count = 0;
    for number in streams.map(|found| found.number) {
        let mut objects: Objects =
            pdf.packed(number).iter().map(|number| (*number, pdf.objects[number].clone())).collect();
        for (changed, body) in &mut objects {
            if [PAGE, PAGES].contains(changed) {
                *body = with_entry(body, "/Rotate 180");
            }
        }
        let body = crate::kit::pdf::section::object_stream(&objects);
        for entry in [
            "/DSS << /Certs [{} 0 R] >>",
            "/DSS {} 0 R",
            "/Metadata {} 0 R /DSS << /VRI << >> >>",
            "/Extensions << >> /DSS << /Certs [{} 0 R 5 0 R] >>",
        ] {
            let root = with_entry(&pdf.objects[&CATALOGUE], &entry.replace("{}", &number.to_string()));
            for layout in [Layout::Table, Layout::Stream] {
                let section = Section {
                    layout,
                    objects: [(number, body.clone()), (CATALOGUE, root.clone())].into(),
                    ..pdf.section()
                };
                let found = verdict(&pdf.followed_by(&section).octets);
                assert_ne!(found, PASSED, "{entry} {number} {layout:?}");
                count += 1;
            }
        }
    }
    assert!(count >= 16, "{count}");
}

#[test]
fn p12_references_that_led_nowhere_when_it_was_signed() {
    // To be the contents, a font, a look, an annotation: whatever is written later stands there.
    let of = |kind: Kind, number: u32, from: &str, to: &str| {
        let mut objects = kind.objects();
        objects.insert(number, crate::kit::pdf::replaced(&objects[&number], from, to));
        Pdf::write(Layout::Table, objects)
    };
    for (name, base) in [
        ("contents", of(Kind::Table, PAGE, "/Contents 4 0 R", "/Contents [4 0 R 90 0 R]")),
        ("a font", of(Kind::Table, PAGE, "/F1 5 0 R", "/F1 90 0 R")),
        ("a form in resources", of(Kind::Table, PAGE, "/Font <<", "/XObject << /X 90 0 R >> /Font <<")),
        ("a look", of(Kind::Form, TEXT, "/N 9 0 R", "/N 90 0 R")),
        ("an annotation", of(Kind::Table, PAGE, "/Parent", "/Annots [90 0 R] /Parent")),
        ("annotations", of(Kind::Table, PAGE, "/Parent", "/Annots 90 0 R /Parent")),
        ("a font of the form", of(Kind::Form, FORM, "/F1 5 0 R", "/F1 90 0 R")),
        ("another page", of(Kind::Table, PAGES, "/Kids [3 0 R]", "/Kids [3 0 R 90 0 R]")),
        ("layers", of(Kind::Table, CATALOGUE, "/Pages 2 0 R", "/Pages 2 0 R /OCProperties 90 0 R")),
        ("where to begin", of(Kind::Table, CATALOGUE, "/Pages 2 0 R", "/Pages 2 0 R /OpenAction 90 0 R")),
    ] {
        let pdf = base.signed(&Signing { is_on_page: false, ..Signing::default() });
        for (what, body) in [
            ("a stream", stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]", OTHER)),
            ("a font", b"<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>".to_vec()),
            ("a note", b"<< /Type /Annot /Subtype /Square /Rect [0 0 595 842] /IC [1 1 1] >>".to_vec()),
            ("a list", b"[ ]".to_vec()),
        ] {
            let written = [(90, body)];
            let store = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >>");
            let data = with_entry(&pdf.objects[&CATALOGUE], "/Metadata 90 0 R /DSS << /VRI << >> >>");
            for root in [store, data] {
                let later = pdf.with(written.clone().into_iter().chain([(CATALOGUE, root)]));
                assert_ne!(verdict(&later.octets), PASSED, "{name}: {what} as validation data");
            }
            for entries in ["/AP << /N 90 0 R >>", "/Lock 90 0 R", "/MK << /I 90 0 R >>", "/SV 90 0 R"] {
                let how = Signing {
                    field_entries: entries.to_owned(),
                    more: written.clone().into(),
                    is_on_page: false,
                    ..Signing::named("Second")
                };
                let found = verdict(&pdf.signed(&how).octets);
                assert_ne!(found, PASSED, "{name}: {what} as a part of a signature, {entries}");
            }
        }
    }
}

#[test]
fn p13_content_that_could_be_brought_to_light_is_told_of() {
    let (pdf, _) = two_bodies();
    prepared("two bodies of an object", &pdf.signed(&Signing::default()));
    let mut objects = Kind::Table.objects();
    objects.insert(16, stream("", OTHER));
    objects.insert(15, b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 16 0 R >>".to_vec());
    prepared("a page of no tree", &Pdf::write(Layout::Table, objects.clone()).signed(&Signing::default()));
    prepared("in object streams", &Pdf::write(Layout::Stream, objects.clone()).signed(&Signing::default()));
    objects.insert(13, b"<< /Type /Catalog /Pages 14 0 R >>".to_vec());
    objects.insert(14, b"<< /Type /Pages /Kids [15 0 R] /Count 1 >>".to_vec());
    prepared("another catalogue", &Pdf::write(Layout::Table, objects).signed(&Signing::default()));
    // Changed before it was signed: what was there first is in the file still.
    let older = Pdf::of(Kind::Table).with([(CONTENTS, stream("", OTHER))]).signed(&Signing::default());
    let found = verdict(&older.octets);
    assert!(found == PASSED || found.starts_with("INDETERMINATE"), "{found}");
    // An object that no section names.
    let mut pdf = Pdf::of(Kind::Table);
    let evil = pdf.octets.len();
    object(&mut pdf.octets, CONTENTS, &stream("", OTHER));
    let pdf = pdf.signed(&Signing::default());
    prepared("between revisions", &pdf);
    let section = Section { places: vec![(CONTENTS, evil)], ..pdf.section() };
    assert_changed(&pdf.followed_by(&section).octets, "", "changed");
    // What is usual is not told of.
    for kind in Kind::ALL {
        assert_eq!(warnings(&good(kind).octets), [""; 0], "{kind:?}");
    }
}
