//! Certified PDF files (ISO 32000-2 §12.8.2.2): what their certification allows, and what is shown all the same.

use crate::kit::pdf::base::{CATALOGUE, FONT, FORM, PAGE, READY, TEXT};
use crate::kit::pdf::sign::{fill, forged, with_entry};
use crate::kit::pdf::{Kind, Objects, Pdf, Section, Signing, replaced, stream, verdict};
use crate::kit::verdict::PASSED;

use super::pdf_controls::{assert_changed, is_changed};

const VISIBLE: &str = "INDETERMINATE pdf-visible-addition";
const COVER: &str = "1 g 0 0 595 842 re f 0 g BT /F1 24 Tf 72 700 Td (Three convictions.) Tj ET";

fn certified(kind: Kind, permission: u8) -> Pdf {
    let pdf = Pdf::of(kind).signed(&Signing::certifying(permission));
    assert_eq!(verdict(&pdf.octets), PASSED, "{kind:?}, P {permission}");
    pdf
}

/// The page with an annotation more.
fn annotated(pdf: &Pdf, number: u32) -> (u32, Vec<u8>) {
    pdf.edited(PAGE, "/Annots [", &format!("/Annots [{number} 0 R "))
}

#[test]
fn p14_annotations_on_certified_files() {
    for permission in 1..=3 {
        for kind in [Kind::Table, Kind::Stream, Kind::Form] {
            let pdf = certified(kind, permission);
            for note in [
                "/Subtype /FreeText /DA (/F1 24 Tf 0 g) /Contents (Three convictions.)",
                "/Subtype /Stamp /Name /Approved",
                "/Subtype /Redact /OverlayText (Nothing)",
                "/Subtype /Text /Contents (A note)",
                "/Subtype /Highlight /QuadPoints [72 700 300 700 72 720 300 720]",
                "/Subtype /Square /IC [1 1 1]",
                "/Subtype /Link /A << /S /URI /URI (http://localhost/) >>",
                "/Subtype /Widget /FT /Tx /T (new) /V (Three convictions.)",
                "/Subtype /Widget /FT /Btn /T (button)",
                "/Subtype /FileAttachment",
            ] {
                let body = format!("<< /Type /Annot {note} /F 4 /Rect [0 0 595 842] /AP << /N 61 0 R >> >>");
                let look = stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]", COVER.as_bytes());
                let objects: Objects = [(60, body.clone().into_bytes()), (61, look), annotated(&pdf, 60)].into();
                let attacked = pdf.with(objects.clone());
                assert_changed(&attacked.octets, "annotation", &format!("{kind:?}, P {permission}: {note}"));
                let how = Signing { more: objects, ..Signing::named("Approval") };
                let found = verdict(&pdf.signed(&how).octets);
                assert!(is_changed(&found, ""), "{kind:?}, P {permission}: {note} beside an approval");
                let invisible = body.replace("[0 0 595 842]", "[0 0 0 0]").into_bytes();
                let attacked = pdf.with([(60, invisible), annotated(&pdf, 60)]);
                assert_changed(
                    &attacked.octets,
                    "annotation|form",
                    &format!("{kind:?}, P {permission}: {note} without room"),
                );
            }
        }
    }
}

#[test]
fn p14_annotations_that_were_there_changed() {
    let mut objects = Kind::Table.objects();
    objects.insert(14, b"<< /Type /Annot /Subtype /FreeText /Rect [72 500 272 520] /F 4 /Contents (Seen) >>".to_vec());
    objects.insert(PAGE, with_entry(&objects[&PAGE], "/Annots [14 0 R]"));
    for permission in 1..=3 {
        let pdf = Pdf::write(crate::kit::pdf::Layout::Table, objects.clone()).signed(&Signing::certifying(permission));
        assert_eq!(verdict(&pdf.octets), PASSED);
        for (from, to) in [("(Seen)", "(Refused)"), ("[72 500 272 520]", "[0 0 595 842]"), ("/F 4", "/F 2")] {
            assert_changed(&pdf.with_edit(14, from, to).octets, "", &format!("P {permission}: {to}"));
        }
        let moved = pdf.edited(PAGE, "/Annots [14 0 R", "/Annots [");
        assert_changed(&pdf.with([moved]).octets, "", &format!("P {permission}: taken away"));
    }
}

#[test]
fn p15_signatures_whose_look_covers_the_page() {
    for permission in [0, 1, 2, 3] {
        let pdf = if permission == 0 {
            Pdf::of(Kind::Table).signed(&Signing::default())
        } else {
            certified(Kind::Table, permission)
        };
        let usual = Signing { appearance: Some(COVER), rect: "[0 0 595 842]", ..Signing::named("Approval") };
        let attacks = [
            ("a whole page", usual.clone()),
            ("over the text", Signing { rect: "[60 710 300 740]", ..usual.clone() }),
            ("upside down", Signing { rect: "[595 842 0 0]", ..usual.clone() }),
            ("over a letter", Signing { rect: "[74 722 76 724]", ..usual.clone() }),
            ("by reference", Signing { rect: "72 0 R", ..usual.clone() }),
            ("of references", Signing { rect: "[70 0 R 70 0 R 71 0 R 71 0 R]", ..usual.clone() }),
            ("never signed", Signing { message: forged, ..usual.clone() }),
            ("a time-stamp", Signing { appearance: Some(COVER), rect: "[0 0 595 842]", ..Signing::time_stamp() }),
            ("no dictionary of a signature", Signing { sub_filter: "/SubFilter /None", ..usual.clone() }),
            (
                "a rollover look",
                Signing {
                    field_entries: "/MK << /BG [1 1 1] /CA (Three convictions.) >>".to_owned(),
                    appearance: None,
                    ..usual.clone()
                },
            ),
        ];
        for (name, mut how) in attacks {
            how.more.insert(70, b"0".to_vec());
            how.more.insert(71, b"595".to_vec());
            how.more.insert(72, b"[0 0 595 842]".to_vec());
            if !how.rect.contains(" R") {
                how.more.clear();
            }
            let found = verdict(&pdf.signed(&how).octets);
            let is_known = found == VISIBLE || found.starts_with("TOTAL-FAILED");
            assert!(is_known, "P {permission}, {name}: {found}");
        }
        let how = Signing { rect: "[300 100 500 200]", ..usual.clone() };
        let found = verdict(&pdf.signed(&how).octets);
        assert_eq!(found == PASSED, permission != 1, "P {permission}, where the page is empty: {found}");
        // The look of a field without room is none; that of an old one is no part of a signature.
        let how = Signing { appearance: Some(COVER), ..Signing::named("Approval") };
        let found = verdict(&pdf.signed(&how).octets);
        let is_known = [VISIBLE, PASSED].contains(&found.as_str()) || found.starts_with("TOTAL-FAILED");
        assert!(is_known, "P {permission}, no room: {found}");
    }
}

#[test]
fn p15_signature_fields_that_are_annotations_of_another_kind() {
    // Their looks are made by who shows them, and not in their rectangles.
    for permission in [0, 2] {
        let first = if permission == 0 { Signing::default() } else { Signing::certifying(permission) };
        let pdf = Pdf::of(Kind::Table).signed(&first);
        for (kind, entries) in [
            ("/Square", "/IC [1 1 1]"),
            ("/Line  ", "/L [0 800 595 800] /BS << /W 200 >>"),
            ("/Ink   ", "/InkList [[0 0 595 842]] /BS << /W 300 >>"),
            ("/Popup ", "/Contents (Three convictions.) /Open true"),
            ("/Text  ", "/Contents (Three convictions.) /Open true"),
            ("/Stamp ", "/Name /Void"),
            ("/Link  ", "/A << /S /URI /URI (http://localhost/) >>"),
            ("/Screen", ""),
            ("/Movie ", ""),
            ("/Redact", "/QuadPoints [0 0 595 0 595 842 0 842]"),
        ] {
            for rect in ["[0 0 0 0]", "[300 100 500 200]"] {
                let how = Signing { rect, field_entries: entries.to_owned(), ..Signing::named("Approval") };
                let mut attacked = pdf.with_placeholder(&how);
                let at = crate::kit::pdf::find_last(&attacked.octets, b"/Widget /FT /Sig /T (Approval)");
                attacked.octets[at..at + kind.len()].copy_from_slice(kind.as_bytes());
                fill(&mut attacked.octets, pdf.octets.len(), &how);
                assert_ne!(verdict(&attacked.octets), PASSED, "P {permission}: {kind} {rect}");
            }
        }
        // Something that is done when it is clicked at, or seen.
        for entries in [
            "/A << /S /URI /URI (http://localhost/) >>",
            "/AA << /E << /S /URI /URI (x) >> >>",
            "/A << /S /GoTo /D [3 0 R /Fit] >>",
        ] {
            let how =
                Signing { rect: "[300 100 500 200]", field_entries: entries.to_owned(), ..Signing::named("Approval") };
            let found = verdict(&pdf.signed(&how).octets);
            assert_ne!(found, PASSED, "P {permission}: {entries}");
        }
    }
}

#[test]
fn p15_a_field_that_was_there_is_not_made_larger() {
    for permission in [2, 3] {
        let pdf = certified(Kind::Ready, permission);
        let field = |rect: &str| {
            let text = String::from_utf8(pdf.objects[&READY].clone()).expect("text");
            text.replace("[0 0 0 0]", rect).into_bytes()
        };
        let how = Signing { field: Some(READY), ..Signing::default() };
        assert_eq!(verdict(&pdf.signed(&how).octets), PASSED, "the field as it was");
        let mut larger = Signing { appearance: Some(COVER), ..how.clone() };
        larger.more.insert(READY, field("[0 0 595 842]"));
        assert!(verdict(&pdf.signed(&larger).octets).starts_with("TOTAL-FAILED"), "P {permission}: larger");
        let alone = pdf.with([(READY, field("[0 0 595 842]"))]);
        assert_changed(&alone.octets, "", &format!("P {permission}: larger and not signed"));
        let look = stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]", COVER.as_bytes());
        let body = with_entry(&pdf.objects[&READY], "/AP << /N 60 0 R >>");
        let alone = pdf.with([(READY, body), (60, look)]);
        assert_changed(&alone.octets, "", &format!("P {permission}: a look and no signature"));
        for (from, to) in
            [("/F 132", "/F 4"), ("(ready)", "(other)"), ("/FT /Sig", "/FT /Tx /DV (x)"), ("/P 3 0 R", "/P 2 0 R")]
        {
            let mut how = how.clone();
            how.more.insert(READY, replaced(&pdf.objects[&READY], from, to));
            assert!(verdict(&pdf.signed(&how).octets).starts_with("TOTAL-FAILED"), "P {permission}: {to}");
        }
    }
}

#[test]
fn p15_a_field_that_can_be_seen_is_given_a_look_and_no_signature() {
    let mut objects = Kind::Ready.objects();
    objects.insert(READY, replaced(&objects[&READY], "[0 0 0 0]", "[0 0 595 842]"));
    let look = stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]", COVER.as_bytes());
    for how in [Signing::default(), Signing::certifying(2), Signing::certifying(3)] {
        let pdf = Pdf::write(crate::kit::pdf::Layout::Table, objects.clone()).signed(&how);
        assert_eq!(verdict(&pdf.octets), PASSED);
        for entry in ["/AP << /N 60 0 R >>", "/AP << /N 60 0 R >> /V null", "/AP << /N 60 0 R >> /V << >>"] {
            let body = with_entry(&pdf.objects[&READY], entry);
            let found = verdict(&pdf.with([(READY, body), (60, look.clone())]).octets);
            assert!(found.starts_with("TOTAL-FAILED"), "{} {entry}: {found}", how.name);
        }
    }
}

#[test]
fn p15_looks_that_something_else_uses() {
    let pdf = certified(Kind::Table, 2);
    // An appearance that is the page's font, or its contents, or replaces what the page shows.
    for entry in ["/AP << /N 4 0 R >>", "/AP << /N 5 0 R >>"] {
        let how = Signing { field_entries: entry.to_owned(), ..Signing::named("Approval") };
        let found = verdict(&pdf.signed(&how).octets);
        assert!(found == PASSED || found == VISIBLE || found.starts_with("TOTAL-FAILED"), "{entry}: {found}");
    }
    for (number, body) in [
        (4, stream("", COVER.as_bytes())),
        (FONT, replaced(&pdf.objects[&FONT], "/Helvetica", "/Symbol")),
        (2, b"<< /Type /Pages /Kids [] /Count 0 >>".to_vec()),
    ] {
        let entry = format!("/MK << /I {number} 0 R >> /Lock {number} 0 R");
        let mut how = Signing { field_entries: entry, ..Signing::named("Approval") };
        how.more.insert(number, body);
        assert_changed(&pdf.signed(&how).octets, "", &format!("object {number} written beside"));
    }
    // Through the store of validation data.
    let root = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [4 0 R] >>");
    let attacked = pdf.with([(CATALOGUE, root.clone()), (4, stream("", COVER.as_bytes()))]);
    assert_changed(&attacked.octets, "page|object", "the contents are a certificate");
    for number in [2, 3, 5] {
        let root = with_entry(&pdf.objects[&CATALOGUE], &format!("/DSS << /Certs [{number} 0 R] >>"));
        let body = with_entry(&pdf.objects[&number], "/Rotate 90");
        assert_changed(&pdf.with([(CATALOGUE, root), (number, body)]).octets, "", &format!("object {number}"));
    }
    // And through the metadata.
    let root = with_entry(&pdf.objects[&CATALOGUE], "/Metadata 4 0 R");
    let attacked = pdf.with([(CATALOGUE, root), (4, stream("", COVER.as_bytes()))]);
    assert_changed(&attacked.octets, "page|metadata|object", "the contents are metadata");
    let section = Section {
        objects: [(4, stream("", COVER.as_bytes()))].into(),
        trailer: "/Info 4 0 R".to_owned(),
        ..pdf.section()
    };
    assert_changed(&pdf.followed_by(&section).octets, "", "the contents are information");
}

#[test]
fn p16_certifications_that_are_too_late_or_too_many() {
    for (first, second) in [(2, 2), (3, 2), (2, 3), (3, 1), (1, 1)] {
        let pdf =
            certified(Kind::Table, first).signed(&Signing { name: "Again".to_owned(), ..Signing::certifying(second) });
        assert!(verdict(&pdf.octets).starts_with("TOTAL-FAILED"), "{first} and {second}: {}", verdict(&pdf.octets));
        let how = Signing { name: "Again".to_owned(), catalogue: String::new(), ..Signing::certifying(second) };
        let pdf = certified(Kind::Table, first).signed(&how);
        assert!(verdict(&pdf.octets).starts_with("TOTAL-FAILED"), "{first} and {second}, without /Perms");
    }
    let approved = Pdf::of(Kind::Table).signed(&Signing::default());
    assert_eq!(verdict(&approved.octets), PASSED);
    for permission in 1..=3 {
        let later = approved.signed(&Signing::certifying(permission));
        assert!(verdict(&later.octets).starts_with("TOTAL-FAILED"), "P {permission} after an approval");
    }
    let rights = with_entry(&approved.objects[&CATALOGUE], "/Perms << /UR3 30 0 R >>");
    assert_changed(&approved.with([(CATALOGUE, rights)]).octets, "catalogue", "usage rights added");
    let made = with_entry(&approved.objects[&CATALOGUE], "/Perms << /DocMDP 30 0 R >>");
    assert_changed(&approved.with([(CATALOGUE, made)]).octets, "catalogue", "an approval made a certification");
}

#[test]
fn p16_permissions_taken_away() {
    for permission in 1..=3 {
        for kind in [Kind::Table, Kind::Stream, Kind::Form] {
            let pdf = certified(kind, permission);
            for to in ["", "/Perms << >>", "/Perms null", "/Perms << /DocMDP 31 0 R >>", "/Perms << /DocMDP null >>"] {
                let attacked = pdf.with_edit(CATALOGUE, "/Perms << /DocMDP 30 0 R >>", to);
                assert_changed(&attacked.octets, "", &format!("{kind:?}, P {permission}: {to}"));
            }
            let more = Signing { catalogue: "/Extra true".to_owned(), ..Signing::named("Approval") };
            assert_changed(&pdf.signed(&more).octets, "", &format!("{kind:?}, P {permission}: the catalogue"));
        }
    }
    let pdf = certified(Kind::Table, 1).signed(&Signing::named("Approval"));
    assert!(verdict(&pdf.octets).starts_with("TOTAL-FAILED"), "P 1 allows no approval: {}", verdict(&pdf.octets));
    // It says nothing that is known: as strict as can be, or not judged.
    for odd in ["/P 0", "/P 4", "/P -1", "/P 2.5", "/P /Two", "/P 9999999999"] {
        let mut how = Signing::certifying(2);
        how.entries = how.entries.replace("/P 2", odd);
        let pdf = Pdf::of(Kind::Table).signed(&how).signed(&Signing::named("Approval"));
        assert_ne!(verdict(&pdf.octets), PASSED, "{odd}");
    }
}

#[test]
fn p17_fields_that_a_signature_locked() {
    for fields in ["/Action /All", "/Action /Include /Fields [(name)]", "/Action /Exclude /Fields [(other)]"] {
        let pdf = Pdf::of(Kind::Form).signed(&Signing::locking(fields));
        assert_eq!(verdict(&pdf.octets), PASSED, "{fields}");
        assert_changed(
            &pdf.with_edit(TEXT, "(Ng. V. A)", "(Tr. T. B)").octets,
            "form-filled|locked-field",
            &format!("{fields}: filled in"),
        );
        assert_changed(&pdf.with_edit(TEXT, "/F 4", "/F 2").octets, "", &format!("{fields}: hidden"));
        assert_changed(&pdf.with_edit(TEXT, "/T (name)", "/T (same)").octets, "", &format!("{fields}: renamed"));
        let section = Section { free: vec![TEXT], ..pdf.section() };
        assert_changed(&pdf.followed_by(&section).octets, "", &format!("{fields}: taken away"));
        let form = pdf.edited(FORM, "/Fields [8 0 R", "/Fields [");
        assert_changed(&pdf.with([form]).octets, "", &format!("{fields}: not listed"));
        let lock = pdf.edited(31, &format!("/Lock << /Type /SigFieldLock {fields} >>"), "");
        assert_changed(&pdf.with([lock]).octets, "", &format!("{fields}: the lock taken away"));
    }
    // A signature field is a field.
    let fill = Signing { field: Some(READY), ..Signing::named("") };
    for fields in ["/Action /All", "/Action /Include /Fields [(ready)]", "/Action /Exclude /Fields [(other)]"] {
        let pdf = Pdf::of(Kind::Ready).signed(&Signing::locking(fields));
        assert_eq!(verdict(&pdf.octets), PASSED, "{fields}");
        assert!(verdict(&pdf.signed(&fill).octets).starts_with("TOTAL-FAILED"), "{fields}: signed");
    }
    for fields in ["/Action /Include /Fields [(other)]", "/Action /Exclude /Fields [(ready)]"] {
        let pdf = Pdf::of(Kind::Ready).signed(&Signing::locking(fields));
        assert_eq!(verdict(&pdf.signed(&fill).octets), PASSED, "{fields}: does not lock it");
    }
    for fields in ["/Action /Other", "/Action /Include", "", "/Action /Include /Fields (ready)"] {
        let pdf = Pdf::of(Kind::Ready).signed(&Signing::locking(fields));
        let found = verdict(&pdf.signed(&fill).octets);
        assert_ne!(found, PASSED, "{fields}: nobody knows what it locks");
    }
}
