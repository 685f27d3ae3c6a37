//! P12, files that were prepared so that one object is two things, one of which may change later: the signer saw the other.

use super::pdf_controls::is_changed;
use crate::kit::pdf::base::{CATALOGUE, CONTENTS, FORM, PAGE, PAGES};
use crate::kit::pdf::sign::with_entry;
use crate::kit::pdf::{Kind, Layout, Objects, Pdf, Signing, in_der, replaced, stream, verdict};
use crate::kit::verdict::PASSED;

const UNREADABLE: &str = "INDETERMINATE pdf-unreadable";
const FORGED: &[u8] = b"1 1 0 rg 0 0 595 842 re f BT /F1 40 Tf 72 400 Td (OTHER) Tj ET";
const DRAWING: &str = "/Type /XObject /Subtype /Form /BBox [0 0 595 842]";
/// Numbers of objects that a forger adds.
const ADDED: u32 = 90;
const DRAWN: u32 = 91;

/// A page of the usual kind with other objects: `(number, body)`; `EDITS` are `(number, from, to)`.
fn prepared(edits: &[(u32, &str, &str)], more: &[(u32, Vec<u8>)]) -> Pdf {
    let mut objects = Kind::Tree.objects();
    objects.extend(more.iter().cloned());
    for (number, from, to) in edits {
        let edited = replaced(&objects[number], from, to);
        objects.insert(*number, edited);
    }
    Pdf::write(Layout::Table, objects)
}

fn drawing(entries: &str) -> Vec<u8> {
    stream(&format!("{DRAWING} {entries}"), FORGED)
}

/// A time-stamp, which anybody can get, with these objects beside it.
fn stamped(entries: &str, more: &[(u32, Vec<u8>)]) -> Signing {
    Signing {
        field_entries: entries.to_owned(),
        more: more.iter().cloned().collect::<Objects>(),
        is_on_page: false,
        ..Signing::time_stamp()
    }
}

/// It passes as it was signed, and not as it is now.
fn assert_told(what: &str, signed: &Pdf, later: &Pdf) {
    assert_eq!(verdict(&signed.octets), PASSED, "{what}: before");
    let found = verdict(&later.octets);
    assert!(is_changed(&found, "") || found == UNREADABLE, "{what}: {found}");
}

fn signed(pdf: &Pdf) -> Pdf {
    pdf.signed(&Signing { is_on_page: false, ..Signing::default() })
}

const TEXT: &[u8] = b"BT /F1 12 Tf 72 720 Td (No convictions.) Tj ET";

#[test]
fn p12_the_form_or_the_metadata_is_a_drawing_too() {
    // The page draws `/AcroForm` of the catalogue, which is its list of drawings.
    for (key, before, after) in [
        ("AcroForm", stream(&format!("{DRAWING} /Fields []"), b""), drawing("/Fields []")),
        ("Metadata", stream(DRAWING, b"/P <</a/Producer>> BDC EMC"), drawing("")),
    ] {
        let content = [TEXT, format!(" /{key} Do").as_bytes()].concat();
        let pdf = prepared(
            &[
                (CATALOGUE, "/Pages 2 0 R", &format!("/Pages 2 0 R /{key} 60 0 R")),
                (PAGE, "/Font <<", "/XObject 1 0 R /Font <<"),
            ],
            &[(CONTENTS, stream("", &content)), (60, before)],
        );
        let pdf = signed(&pdf);
        let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).expect("text");
        let fields = text(&pdf.objects[&60]);
        let fields = fields.split("/Fields [").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
        let rewritten = text(&after).replace("/Fields [", &format!("/Fields [{fields}"));
        let store = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >>");
        let later = pdf.with([(60, rewritten.into_bytes()), (CATALOGUE, store), (ADDED, stream("", &in_der(b"junk")))]);
        assert_told(key, &pdf, &later);
    }
}

#[test]
fn p12_an_empty_field_is_a_list_of_drawings_or_a_page_too() {
    let form = (CATALOGUE, "/Pages 2 0 R", "/Pages 2 0 R /AcroForm 7 0 R");
    let fields = (FORM, b"<< /Fields [60 0 R] >>".to_vec());
    let content = |name: &str| (CONTENTS, stream("", &[TEXT, format!(" /{name} Do").as_bytes()].concat()));
    for (what, field, page) in [
        ("its look is a drawing", "<< /FT /Sig /T (x) >>", "/XObject 60 0 R /Font <<"),
        ("of a list by its type", "<< /FT /Sig /T (x) /Type /Annot >>", "/XObject 60 0 R /Font <<"),
    ] {
        let pdf = prepared(&[form, (PAGE, "/Font <<", page)], &[fields.clone(), content("AP"), (60, field.into())]);
        let pdf = signed(&pdf);
        let look = [(DRAWN, drawing("")), (FORM, pdf.objects[&FORM].clone())];
        let how = Signing { field: Some(60), ..stamped("/AP 91 0 R", &look) };
        assert_told(what, &pdf, &pdf.signed(&how));
        // The look of a proper field beside it.
        let how = Signing { field: Some(60), ..stamped("/AP << /N 91 0 R >>", &look) };
        assert_told(what, &pdf, &pdf.signed(&how));
    }
    // All resources of the page.
    let resources = b"<< /FT /Sig /T (x) /Font << /F1 5 0 R >> /XObject << /X 91 0 R >> >>".to_vec();
    let pdf = prepared(
        &[form, (PAGE, "/Resources << /Font << /F1 5 0 R >> >>", "/Resources 60 0 R")],
        &[fields, content("X"), (60, resources)],
    );
    let pdf = signed(&pdf);
    let how = Signing { field: Some(60), ..stamped("/AP << /N 91 0 R >>", &[(DRAWN, drawing(""))]) };
    assert_told("resources", &pdf, &pdf.signed(&how));
    // The page itself.
    let pdf = prepared(
        &[
            form,
            (PAGE, "/Type /Page", "/FT /Sig /T (x) /Type /Page"),
            (PAGE, "/Contents 4 0 R", "/Contents [4 0 R 91 0 R]"),
        ],
        &[(FORM, b"<< /Fields [3 0 R] >>".to_vec())],
    );
    let pdf = signed(&pdf);
    let how = Signing { field: Some(PAGE), ..stamped("/AP << /N 91 0 R >>", &[(DRAWN, drawing(""))]) };
    assert_told("a page", &pdf, &pdf.signed(&how));
}

#[test]
fn p12_a_field_or_an_annotation_that_was_not_there_yet() {
    let note = format!("<< /Type /Annot /Subtype /Stamp /F 4 /Rect [0 0 595 842] /AP << /N {DRAWN} 0 R >> >>");
    let text = format!(
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (q) /V (OTHER) /F 4 /Rect [0 0 595 842] /AP << /N {DRAWN} 0 R >> >>"
    );
    for (what, fields, annotations, body) in [
        ("a note", "", "/Annots [90 0 R]", &note),
        ("a field", "90 0 R", "/Annots [90 0 R]", &text),
        ("annotations", "", "/Annots 90 0 R", &format!("[{DRAWN} 0 R]")),
    ] {
        let pdf = prepared(
            &[
                (CATALOGUE, "/Pages 2 0 R", "/Pages 2 0 R /AcroForm 7 0 R"),
                (PAGE, "/Contents", &format!("{annotations} /Contents")),
            ],
            &[(FORM, format!("<< /Fields [{fields}] >>").into_bytes())],
        );
        let pdf = signed(&pdf);
        let more = [(ADDED, body.clone().into_bytes()), (DRAWN, drawing(""))];
        for entries in ["/MK << /X 90 0 R >>", "/Lock 90 0 R", "/AP << /N 91 0 R /X 90 0 R >>"] {
            assert_told(what, &pdf, &pdf.signed(&stamped(entries, &more)));
        }
    }
}

#[test]
fn p12_annotations_are_a_list_of_something_else_too() {
    // The array of the annotations of one page is the tree of pages, or a colour space, or another page's contents.
    let annotated = (PAGE, "/Contents", "/Annots 60 0 R /Contents");
    for (what, edit, list) in [
        ("a tree of pages", (PAGES, "[3 0 R 11 0 R]", "60 0 R"), "[3 0 R 11 0 R]"),
        ("a colour space", (PAGE, "/Font <<", "/ColorSpace << /C 60 0 R >> /Font <<"), "[/DeviceRGB]"),
        ("the page's own lists", (PAGE, "/Resources <<", "/Resources 3 0 R /PieceInfo <<"), "[]"),
    ] {
        let pdf = signed(&prepared(&[annotated, edit], &[(60, list.as_bytes().to_vec())]));
        let widget = pdf.next() + 1;
        let listed = list.replace(']', &format!(" {widget} 0 R]"));
        assert_told(what, &pdf, &pdf.signed(&stamped("", &[(60, listed.into_bytes())])));
    }
    // Nothing else than that: it is a pass.
    let pdf = signed(&prepared(&[annotated], &[(60, b"[]".to_vec())]));
    let listed = format!("[{} 0 R]", pdf.next() + 1);
    assert_eq!(verdict(&pdf.signed(&stamped("", &[(60, listed.into_bytes())])).octets), PASSED);
}

#[test]
fn p12_what_is_used_elsewhere_too_is_told_as_an_object() {
    let pdf = signed(&prepared(&[(PAGE, "/Font <<", "/XObject 1 0 R /Font <<")], &[]));
    let found = verdict(&pdf.with_usual_store().octets);
    assert!(is_changed(&found, "object"), "{found}");
}

/// An empty signature field with a widget below it, of which viewers say that it has the value of the field.
#[test]
fn p15_a_value_that_others_inherit() {
    let form = (CATALOGUE, "/Pages 2 0 R", "/Pages 2 0 R /AcroForm 7 0 R");
    let field = "<< /FT /Sig /T (E) /Kids [61 0 R] >>";
    let token = || stream("/SubFilter /ETSI.RFC3161", b"OTHER");
    for (what, kid, is_other) in [
        ("a widget", "/Parent 60 0 R", false),
        ("a widget that leads nowhere", "", false),
        ("a text field", "/Parent 60 0 R /FT /Tx", true),
        ("a field with a name", "/Parent 60 0 R /T (k)", true),
        ("a widget of another", "/Parent 7 0 R", true),
    ] {
        let widget = format!("<< /Type /Annot /Subtype /Widget /F 4 /Rect [0 0 0 0] {kid} >>");
        let pdf = signed(&prepared(
            &[form, (PAGE, "/Contents", "/Annots [61 0 R] /Contents")],
            &[(FORM, b"<< /Fields [60 0 R] >>".to_vec()), (60, field.into()), (61, widget.into_bytes())],
        ));
        let later = pdf.signed(&Signing { field: Some(60), ..stamped("", &[]) });
        match is_other {
            true => assert_told(what, &pdf, &later),
            false => assert_eq!(verdict(&later.octets), PASSED, "{what}"),
        }
        // What is no signature at all, but a stream.
        let body = String::from_utf8(pdf.objects[&60].clone()).expect("text").replace("/T (E)", "/T (E) /V 95 0 R");
        assert_told(what, &pdf, &pdf.with([(60, body.into_bytes()), (95, token())]));
    }
    // By its parent alone, not by the kids of the field.
    let text = "<< /Type /Annot /Subtype /Widget /FT /Tx /F 4 /Rect [0 0 300 300] /Parent 60 0 R >>";
    let pdf = signed(&prepared(
        &[form, (PAGE, "/Contents", "/Annots [61 0 R] /Contents")],
        &[(FORM, b"<< /Fields [60 0 R] >>".to_vec()), (60, b"<< /FT /Sig /T (E) >>".to_vec()), (61, text.into())],
    ));
    assert_told("a child that it does not know", &pdf, &pdf.signed(&Signing { field: Some(60), ..stamped("", &[]) }));
}

/// Some readers follow a reference to a reference, and some do not.
#[test]
fn p12_references_to_references() {
    let pdf =
        prepared(&[(PAGE, "/Contents", "/Annots 60 0 R /Contents")], &[(60, b"61 0 R".to_vec()), (61, b"[]".to_vec())]);
    assert_eq!(verdict(&signed(&pdf).octets), UNREADABLE);
    let pdf = signed(&Pdf::of(Kind::Table));
    let look = stream("/Type /XObject /Subtype /Form /BBox 92 0 R", FORGED);
    let more = [(DRAWN, look), (92, b"93 0 R".to_vec()), (93, b"[0 0 9 9]".to_vec())];
    let how = Signing { rect: "[300 300 309 309]", is_on_page: true, ..stamped("/AP << /N 91 0 R >>", &more) };
    assert_ne!(verdict(&pdf.signed(&how).octets), PASSED);
}

/// What the form says of how values are drawn changes how they are drawn.
#[test]
fn p15_the_form_says_otherwise_how_text_is_drawn() {
    let drawn = "/DA (/F1 40 Tf 1 0 0 rg)";
    for (what, more, is_told) in [
        ("nothing", "[]", false),
        ("a link", "[<< /Type /Annot /Subtype /Link /Rect [9 9 99 99] >>]", false),
        ("free text", "[<< /Type /Annot /Subtype /FreeText /Rect [9 9 99 99] /Contents (x) >>]", true),
        ("a kind elsewhere", "[<< /Type /Annot /Subtype 61 0 R /Rect [9 9 99 99] /Contents (x) >>]", true),
        ("a widget of no field", "[<< /Type /Annot /Subtype /Widget /FT /Tx /V (x) /Rect [9 9 99 99] >>]", true),
    ] {
        let pdf = signed(&prepared(
            &[
                (CATALOGUE, "/Pages 2 0 R", "/Pages 2 0 R /AcroForm 7 0 R"),
                (PAGE, "/Contents", &format!("/Annots {more} /Contents")),
            ],
            &[(FORM, b"<< /Fields [] >>".to_vec()), (61, b"/FreeText".to_vec())],
        ));
        let form = String::from_utf8(pdf.objects[&FORM].clone())
            .expect("text")
            .replace("/Fields", &format!("{drawn} /Fields"));
        let later = pdf.signed(&stamped("", &[(FORM, form.into_bytes())]));
        match is_told {
            true => assert_told(what, &pdf, &later),
            false => assert_eq!(verdict(&later.octets), PASSED, "{what}"),
        }
    }
}

#[test]
fn p12_a_form_that_takes_the_place_of_another() {
    let pdf = signed(&prepared(
        &[(CATALOGUE, "/Pages 2 0 R", "/Pages 2 0 R /AcroForm 7 0 R")],
        &[(FORM, b"<< /Fields [] >>".to_vec()), (60, b"<< >>".to_vec())],
    ));
    let fields = pdf.objects[&FORM].clone();
    let moved = |to: &str| {
        let catalogue = String::from_utf8(pdf.objects[&CATALOGUE].clone()).expect("text");
        (CATALOGUE, catalogue.replace("7 0 R", to).into_bytes())
    };
    // It says the same: but one was something else before.
    assert_told("an object that was there", &pdf, &pdf.with([moved("60 0 R"), (60, fields.clone())]));
    let store = with_entry(&moved("90 0 R").1, "/DSS << /Certs [91 0 R] >>");
    let later = pdf.with([(CATALOGUE, store), (90, fields), (91, stream("", b"0\x00"))]);
    assert_eq!(verdict(&later.octets), PASSED, "a new one");
}

#[test]
fn a_field_for_names_may_have_one_more_below_it() {
    let form = (CATALOGUE, "/Pages 2 0 R", "/Pages 2 0 R /AcroForm 7 0 R");
    let parent = "<< /T (K) /Kids [61 0 R] >>";
    let ready = "<< /Type /Annot /Subtype /Widget /FT /Sig /T (A) /Parent 60 0 R /Rect [0 0 0 0] >>";
    let pdf = prepared(&[form], &[(FORM, b"<< /Fields [60 0 R] >>".to_vec()), (60, parent.into()), (61, ready.into())]);
    let pdf = pdf.signed(&Signing { field: Some(61), is_on_page: false, ..Signing::default() });
    assert_eq!(verdict(&pdf.octets), PASSED);
    for (what, kid, is_right) in [
        ("another", "/T (B) /Parent 60 0 R", true),
        ("of the same name", "/T (A) /Parent 60 0 R", false),
        ("that leads elsewhere", "/T (B) /Parent 61 0 R", false),
        ("that leads nowhere", "/T (B)", false),
    ] {
        let mut later =
            pdf.with_placeholder(&Signing { name: "B".to_owned(), is_on_page: false, ..Signing::time_stamp() });
        let (number, field) = later
            .objects
            .iter()
            .find(|(_, body)| memchr::memmem::find(body, b"/T (B)").is_some())
            .map(|(number, body)| (*number, String::from_utf8(body.clone()).expect("text")))
            .expect("the field");
        let mut objects: Objects = later.objects.clone();
        objects.retain(|number, body| pdf.objects.get(number) != Some(&*body));
        objects.insert(FORM, pdf.objects[&FORM].clone());
        objects.insert(60, format!("<< /T (K) /Kids [61 0 R {number} 0 R] >>").into_bytes());
        objects.insert(number, field.replace("/T (B)", kid).into_bytes());
        later = pdf.with(objects);
        crate::kit::pdf::sign::fill(&mut later.octets, pdf.octets.len(), &Signing::time_stamp());
        let found = verdict(&later.octets);
        assert_eq!(found == PASSED, is_right, "{what}: {found}");
    }
}

/// Readers with numbers of 32 bits would draw it elsewhere.
#[test]
fn p15_a_look_whose_place_is_not_exact() {
    let pdf = signed(&Pdf::of(Kind::Table));
    for (entries, is_right) in [
        ("/BBox [0 0 90 30]", true),
        ("/BBox [0 0 90 30] /Matrix [2 0 0 2 5 5]", true),
        ("/BBox [900000000 900000000 900000064 900000064]", false),
        ("/BBox [0 0 90 30] /Matrix [1 0 0 1 333333333 77777777]", false),
        ("/BBox [0 0 90 30] /Matrix [0.0000001 0 0 1 0 0]", false),
        ("/BBox [0 0 0.000001 30]", false),
    ] {
        let look = stream(&format!("/Type /XObject /Subtype /Form {entries}"), b"0 0 90 30 re f");
        let how = Signing {
            rect: "[300 300 390 330]",
            field_entries: "/AP << /N 91 0 R >>".to_owned(),
            more: [(DRAWN, look)].into(),
            ..Signing::named("Second")
        };
        let found = verdict(&pdf.signed(&how).octets);
        assert_eq!(found == PASSED, is_right, "{entries}: {found}");
    }
}
