//! P12: states of a file between the signed one and the newest, which some readers have, and places that only some of them take.

use antin::core::policy::{PdfPolicy, Policy};
use antin::core::validation::Content;

use super::pdf_controls::is_changed;
use crate::kit::pdf::base::{CATALOGUE, PAGE, TEXT};
use crate::kit::pdf::sign::with_entry;
use crate::kit::pdf::{Kind, Layout, Pdf, Section, Signing, in_der, replaced, stream, verdict};
use crate::kit::verdict::{Judge, PASSED, line};

const UNREADABLE: &str = "INDETERMINATE pdf-unreadable";

fn assert_refused(what: &str, octets: &[u8]) {
    let found = verdict(octets);
    assert!(is_changed(&found, "") || found == UNREADABLE, "{what}: {found}");
}

fn value() -> (u32, Vec<u8>) {
    (90, stream("", &in_der(b"x")))
}

/// A file whose form is an object.
fn signed(kind: Kind) -> Pdf {
    Pdf::of(kind).signed(&Signing::default())
}

#[test]
fn p12_trailers_between_the_signed_one_and_the_newest() {
    let pdf = signed(Kind::Stream);
    let store = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >>");
    let first = |section: Section| {
        let objects = [(CATALOGUE, store.clone()), value(), (91, b"<< /Title (Other) >>".to_vec())];
        pdf.followed_by(&Section { objects: objects.into(), ..section })
    };
    let information = Section { trailer: "/Info 91 0 R".to_owned(), ..pdf.section() };
    assert_refused("information between", &first(information.clone()).with_usual_store().octets);
    assert_refused("information of a title", &first(information).octets);
    let of_stamp = Signing { entries: "/Title (Other)".to_owned(), ..Signing::time_stamp() };
    let stamp = Pdf { trailer: format!("/Info {} 0 R", pdf.next()), ..pdf.clone() }.signed(&of_stamp);
    let later = Pdf { trailer: String::new(), ..stamp };
    assert_refused("a time-stamp is the information", &later.with_usual_store().octets);
    let other = Section { root: PAGE, ..pdf.section() };
    assert_refused("another catalogue between", &first(other).with_usual_store().octets);
}

#[test]
fn p12_what_is_written_and_written_again() {
    let pdf = signed(Kind::Table);
    let store = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >>");
    for (what, entry) in [
        ("a form of another kind", "/XFA (junk)"),
        ("metadata that are none", "/Metadata (junk)"),
        ("a page label", "/PageLabels << /Nums [0 << /P (Other) >>] >>"),
    ] {
        let between = with_entry(&store, entry);
        let later = pdf.with([value(), (CATALOGUE, between)]).with([(CATALOGUE, store.clone())]);
        assert_refused(what, &later.octets);
    }
    // A look that is taken away again.
    let seen = Signing { rect: "[300 300 390 330]", appearance: Some("0 0 9 9 re f"), ..Signing::named("Second") };
    let second = pdf.signed(&seen);
    assert_eq!(verdict(&second.octets), PASSED);
    assert_refused("a look taken away", &second.with([(PAGE, pdf.objects[&PAGE].clone())]).octets);
}

/// What a reader does with faults depends on the newest cross-references.
#[test]
fn p12_cross_references_of_another_kind() {
    for (kind, layout) in [(Kind::Table, Layout::Stream), (Kind::Stream, Layout::Table)] {
        let pdf = signed(kind);
        assert_eq!(verdict(&pdf.with_usual_store().octets), PASSED, "{kind:?}");
        assert_refused("another kind", &Pdf { layout, ..pdf }.with_usual_store().octets);
    }
}

/// Readers repair the file for them, until something comes to stand there.
#[test]
fn p12_older_entries_that_lead_behind_what_was_signed() {
    for (place, is_right) in [(None, true), (Some(30_000), false)] {
        let base = Pdf::of(Kind::Table);
        let older =
            base.followed_by(&Section { places: place.map(|at| (60, at)).into_iter().collect(), ..base.section() });
        let newer = older.followed_by(&Section { free: vec![60], ..older.section() });
        let found = verdict(&newer.signed(&Signing::default()).with_usual_store().octets);
        assert_eq!(found, if is_right { PASSED } else { UNREADABLE });
    }
}

/// Readers that hold to numbers alone show what others do not.
#[test]
fn p12_references_that_only_some_readers_follow() {
    let how = Signing { is_on_page: false, ..Signing::default() };
    let stamp = || (60, b"<< /Type /Annot /Subtype /Stamp /F 4 /Rect [9 9 500 500] >>".to_vec());
    let base = |annotations: &str| {
        let mut objects = Kind::Table.objects();
        objects.insert(PAGE, with_entry(&objects[&PAGE], annotations));
        objects.extend([stamp()]);
        Pdf::write(Layout::Table, objects)
    };
    let freed = |pdf: &Pdf| pdf.followed_by(&Section { free: vec![60], ..pdf.section() });
    let look = Signing { rect: "[300 300 390 330]", appearance: Some("0 0 9 9 re f"), ..Signing::named("Second") };
    for (what, pdf, is_right) in [
        ("nothing of the kind", base("/Annots []"), true),
        ("a stamp that is free", freed(&base("/Annots [60 0 R]")), false),
        ("a stamp of another generation", base("/Annots [60 5 R]"), false),
    ] {
        let pdf = pdf.signed(&how);
        assert_eq!(verdict(&pdf.octets), PASSED, "{what}");
        let found = verdict(&pdf.signed(&look).octets);
        assert_eq!(found == PASSED, is_right, "{what}: {found}");
    }
}

/// The annotations of the page, which the table calls free and a stream of cross-references does not.
#[test]
fn p12_what_a_hybrid_file_hides_and_somebody_writes_again() {
    for (hidden, is_right) in [(vec![], true), (vec![60], false)] {
        let mut objects = Kind::Table.objects();
        objects.insert(PAGE, with_entry(&objects[&PAGE], "/Annots 60 0 R"));
        objects.insert(60, b"[61 0 R]".to_vec());
        objects.insert(61, b"<< /Type /Annot /Subtype /Stamp /F 4 /Rect [9 9 500 500] >>".to_vec());
        let section = Section { objects: objects.clone(), hidden, ..Section::first(Layout::Hybrid) };
        let mut pdf = Pdf { octets: b"%PDF-2.0\n%\xE2\xE3\xCF\xD3\n".to_vec(), objects, ..Pdf::of(Kind::Table) };
        pdf.trailer = String::new();
        pdf.layout = Layout::Table;
        (pdf.startxref, pdf.size) = section.append(&mut pdf.octets);
        let pdf = pdf.signed(&Signing { is_on_page: false, ..Signing::default() });
        assert_eq!(verdict(&pdf.octets), PASSED);
        let store = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >>");
        let later = pdf.with([value(), (CATALOGUE, store), (60, b"[61 0 R]".to_vec())]);
        assert_eq!(verdict(&later.octets), if is_right { PASSED } else { UNREADABLE });
    }
}

/// It would have the full name of another: of one that passes, and speaks for it.
#[test]
fn p15_a_field_with_the_name_of_a_field_below_another() {
    for (name, is_right) in [("KB", true), ("K.B", false)] {
        let found = verdict(&signed(Kind::Table).signed(&Signing::named(name)).octets);
        assert_eq!(found == PASSED, is_right, "{name}: {found}");
    }
}

/// By a policy that takes values of fields.
fn verdict_of_form(octets: &[u8]) -> String {
    let pdf = PdfPolicy { form_filling: true, ..PdfPolicy::default() };
    let policy = Policy { pdf, ..Policy::held("any-ades").expect("held").clone() };
    line(&Judge::default().validate_by(&policy, octets, Content::None).expect("a PDF").verdict)
}

#[test]
fn p17_values_that_are_filled_in_where_a_policy_takes_them() {
    const LOOK: &str = "/Type /XObject /Subtype /Form /BBox [0 0 200 20]";
    let with_field = |rect: &str, how: &Signing| {
        let mut objects = Kind::Form.objects();
        let field = replaced(&objects[&TEXT], "/V (Ng. V. A) ", "");
        objects.insert(TEXT, replaced(&replaced(&field, "[72 600 272 620]", rect), "/AP << /N 9 0 R >>", ""));
        Pdf::write(Layout::Table, objects).signed(how)
    };
    let filled = |pdf: &Pdf, entries: &str, content: &str| {
        let look = format!("{entries} /AP << /N 90 0 R >>");
        pdf.with([(TEXT, with_entry(&pdf.objects[&TEXT], &look)), (90, stream(LOOK, content.as_bytes()))]).octets
    };
    let certified = with_field("[72 600 272 620]", &Signing::certifying(2));
    let right = filled(&certified, "/V (B)", "q BT /F1 12 Tf (B) Tj ET Q");
    assert_eq!(verdict_of_form(&right), PASSED);
    assert!(is_changed(&verdict(&right), "form-filled"), "the usual policy: {}", verdict(&right));
    for (what, octets) in [
        ("a look and no value", filled(&certified, "", "q BT /F1 12 Tf (B) Tj ET Q")),
        ("a look that leaves its place", filled(&certified, "/V (B)", "Q 0 0 999 999 re f")),
        (
            "a field over the text",
            filled(&with_field("[0 0 595 842]", &Signing::certifying(2)), "/V (B)", "0 0 9 9 re f"),
        ),
        ("nobody certified it", filled(&with_field("[72 600 272 620]", &Signing::default()), "/V (B)", "")),
    ] {
        assert_ne!(verdict_of_form(&octets), PASSED, "{what}");
    }
    // A time-stamp certifies nothing.
    let time_stamp =
        Signing { catalogue: String::new(), entries: Signing::certifying(2).entries, ..Signing::time_stamp() };
    let stamped = with_field("[72 600 272 620]", &time_stamp).signed(&Signing::default());
    assert_ne!(verdict_of_form(&filled(&stamped, "/V (B)", "")), PASSED);
}
