//! P11: values that are the same by the standard, and not to all readers; looks and metadata that some of them draw or read elsewhere.

use crate::kit::pdf::base::{CATALOGUE, INFO, PAGE};
use crate::kit::pdf::sign::with_entry;
use crate::kit::pdf::{Kind, Layout, Objects, Pdf, Signing, in_der, replaced, stream, verdict};
use crate::kit::verdict::PASSED;

/// Bodies that a store may have.
const VALUE: u32 = 90;

/// The file with validation data, and these objects beside.
fn with_data(pdf: &Pdf, more: impl IntoIterator<Item = (u32, Vec<u8>)>) -> Vec<u8> {
    let store = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >>");
    let objects: Objects = [(CATALOGUE, store), (VALUE, stream("", &in_der(b"x")))].into();
    pdf.with(objects.into_iter().chain(more)).octets
}

fn entered(body: &[u8], entry: &[u8]) -> Vec<u8> {
    [body.strip_suffix(b">>").expect("a dictionary"), entry, b" >>"].concat()
}

#[test]
fn p11_a_page_that_is_the_same_in_another_spelling() {
    let long = format!("/Foo {:0>40}", 1);
    for (what, before, after, is_right) in [
        ("the same", &b"/Foo (a\\012b)"[..], &b"/Foo (a\\012b)"[..], true),
        ("hexadecimal digits", b"/Foo (a\\012b)", b"/Foo <610a62>", true),
        ("a carriage return for a line feed", b"/Foo (a\\012b)", b"/Foo (a\rb)", false),
        ("both for one", b"/Foo (a\\012b)", b"/Foo (a\r\nb)", false),
        ("both, signed", b"/Foo (a\r\nb)", b"/Foo (a\\012b)", false),
        ("an octet in too many digits", b"/Foo (a\\012b)", b"/Foo (\\541\\012b)", false),
        ("a line that goes on", b"/Foo (a\\012b)", b"/Foo (a\\012\\\nb)", false),
        ("a null in place of what is inherited", b"/Foo 1", b"/Foo 1 /CropBox null", false),
        ("a null taken away", b"/Foo 1 /CropBox null", b"/Foo 1", false),
        ("a null kept", b"/Foo 1 /CropBox null", b"/Foo 1 /CropBox null", false),
        ("a null further in", b"/Foo << /A 1 >>", b"/Foo << /A 1 /ca null >>", false),
        ("an octet that is white space to some", b"/Foo 1 /Contents\x80 6 0 R", b"/Foo 1 /Contents#80 6 0 R", false),
        ("a long number", long.as_bytes(), b"/Foo 1", false),
    ] {
        let mut objects = Kind::Table.objects();
        let page = objects[&PAGE].clone();
        objects.insert(PAGE, entered(&page, before));
        let how = Signing { is_on_page: false, ..Signing::default() };
        let pdf = Pdf::write(Layout::Table, objects).signed(&how);
        assert_eq!(verdict(&pdf.octets), PASSED, "{what}");
        assert_eq!(verdict(&with_data(&pdf, [])), PASSED, "{what}: the page as it was");
        let found = verdict(&with_data(&pdf, [(PAGE, entered(&page, after))]));
        assert_eq!(found == PASSED, is_right, "{what}: {found}");
    }
}

#[test]
fn p11_a_title_that_is_the_same_in_another_spelling() {
    let pdf = Pdf::of(Kind::Table).signed(&Signing::default());
    for (what, information, is_right) in [
        ("the same, by another writer", "<< /Title (Paper) /Producer (Writer) /ModDate (D:2027) >>".to_owned(), true),
        ("in digits", "<< /Title <5061706572> >>".to_owned(), true),
        ("in too many digits", "<< /Title (\\520aper) >>".to_owned(), false),
        ("a writer who tells more", format!("<< /Title (Paper) /Producer ({}) >>", "x".repeat(600)), false),
        ("a writer who is more", "<< /Title (Paper) /Producer << /X (junk) >> >>".to_owned(), false),
    ] {
        let found = verdict(&with_data(&pdf, [(INFO, information.into_bytes())]));
        assert_eq!(found == PASSED, is_right, "{what}: {found}");
    }
}

/// Some readers cut long lines, and find other objects there.
#[test]
fn p11_objects_that_begin_on_the_line_of_another() {
    let pdf = Pdf::of(Kind::Table).signed(&Signing::default());
    let right = with_data(&pdf, []);
    for (what, from, to) in [
        ("the same", "endobj\n90 0 obj", "endobj\n90 0 obj"),
        ("behind the end of the other", "endobj\n90 0 obj", "endobj 90 0 obj"),
        ("behind data", "\nendstream\nendobj", " endstream\nendobj"),
    ] {
        let at = pdf.octets.len();
        let octets = [&right[..at], &replaced(&right[at..], from, to)].concat();
        assert_eq!(octets.len(), right.len());
        let found = verdict(&octets);
        assert_eq!(found == PASSED, from == to, "{what}: {found}");
    }
}

/// Some viewers have one stack of states for the page and all that stands on it.
#[test]
fn p15_looks_that_leave_their_place() {
    let pdf = Pdf::of(Kind::Table).signed(&Signing::default());
    for (content, is_right) in [
        ("q 0 0 9 9 re f Q", true),
        ("/Tx BMC q BT /F1 1 Tf (a) Tj ET Q EMC", true),
        ("Q 0 0 9 9 re f", false),
        ("Q Q q q 0 0 9 9 re f", false),
        ("q 0 0 9 9 re f", false),
        ("q BT Q ET 0 0 9 9 re f", false),
        ("EMC 0 0 9 9 re f", false),
        ("BT 0 0 9 9 re f", false),
        ("qQQ 0 0 9 9 re f", false),
        ("/X Do", false),
        ("q BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q", false),
    ] {
        let how = Signing { rect: "[300 300 390 330]", appearance: Some(content), ..Signing::named("Second") };
        let found = verdict(&pdf.signed(&how).octets);
        assert_eq!(found == PASSED, is_right, "{content}: {found}");
        // And where it was signed: what is drawn by it may be anywhere.
        let mut objects = Kind::Table.objects();
        objects.insert(60, b"<< /Type /Annot /Subtype /Stamp /F 4 /Rect [9 9 20 20] /AP << /N 61 0 R >> >>".to_vec());
        objects.insert(61, stream("/Type /XObject /Subtype /Form /BBox [0 0 10 10]", content.as_bytes()));
        objects.insert(PAGE, with_entry(&objects[&PAGE], "/Annots [60 0 R]"));
        let stamped = Pdf::write(Layout::Table, objects).signed(&Signing::default());
        let how = Signing { appearance: Some("0 0 9 9 re f"), ..how };
        let found = verdict(&stamped.signed(&how).octets);
        assert_eq!(found == PASSED, is_right, "{content}, signed: {found}");
    }
}

/// What a page paints is not the same to all viewers: then a later look may hide it from some.
#[test]
fn p15_content_that_is_read_in_two_ways() {
    const TEXT: &[u8] = b"BT /F1 12 Tf 72 720 Td (No convictions.) Tj ET";
    for (what, first, second, is_right) in [
        ("two parts", &b"0 g\n"[..], &b" 0 g "[..], true),
        ("two parts side by side", b"0 g", b"q Q", true),
        ("an operator that could go on", b"0 0 1 1 re B", b"T* n", false),
        ("a comment that goes on", b"0 g %x", b"q Q", false),
        ("operands that go on", b"0", b"g", false),
        ("a string that goes on", b"BT /F1 1 Tf (", b") Tj ET", false),
        ("an inline image", b"BI /W 4 /H 1 /CS /G /BPC 8 ID abcd EI\n", b"", true),
        ("an inline image of two lengths", b"BI /W 8 /H 4 /IM true /CS /RGB /BPC 8 ID abcd EI\n", b"", false),
        ("a name with an octet that is white space to some", b"/X\x80 BMC EMC\n", b"", false),
    ] {
        let mut objects = Kind::Table.objects();
        objects.insert(PAGE, replaced(&objects[&PAGE], "/Contents 4 0 R", "/Contents [60 0 R 61 0 R 4 0 R]"));
        objects.extend([(60, stream("", first)), (61, stream("", &[second, b" "].concat())), (4, stream("", TEXT))]);
        let pdf = Pdf::write(Layout::Table, objects).signed(&Signing::default());
        let how = Signing { rect: "[300 300 390 330]", appearance: Some("0 0 9 9 re f"), ..Signing::named("Second") };
        let found = verdict(&pdf.signed(&how).octets);
        assert_eq!(found == PASSED, is_right, "{what}: {found}");
    }
}

#[test]
fn p12_metadata_that_come_where_none_were() {
    let pdf = Pdf::of(Kind::Table).signed(&Signing::default());
    let packet = |properties: &str| {
        format!(
            "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             <rdf:Description rdf:about=\"\" xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\">{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
        )
    };
    let writer = "<pdf:Producer>Writer</pdf:Producer>";
    for (what, entries, packet, is_right) in [
        ("who wrote it", "/Type /Metadata /Subtype /XML", packet(writer), true),
        ("a title", "/Type /Metadata /Subtype /XML", packet(&format!("{writer}<dc:title>Other</dc:title>")), false),
        ("another key", "/Type /Metadata /Subtype /XML /X 1", packet(writer), false),
        ("no packet", "/Type /Metadata /Subtype /XML", "junk".to_owned(), false),
    ] {
        let catalogue = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >> /Metadata 91 0 R");
        let metadata = stream(entries, packet.as_bytes());
        let later = pdf.with([(CATALOGUE, catalogue), (VALUE, stream("", &in_der(b"x"))), (91, metadata)]);
        let found = verdict(&later.octets);
        assert_eq!(found == PASSED, is_right, "{what}: {found}");
    }
}

/// Whom anybody can have one of: a time-stamp, a certificate.
#[test]
fn p11_more_than_a_time_stamp_or_validation_data() {
    let pdf = Pdf::of(Kind::Table).signed(&Signing::default());
    let junk = "x".repeat(300);
    for (what, entries, field_entries, is_right) in [
        ("short entries", "/Prop_Build << /App << /Name /Antin >> >>".to_owned(), "/TU (Stamp)".to_owned(), true),
        ("octets in its dictionary", format!("/Junk ({junk})"), String::new(), false),
        ("what it leads to", "/Reference 90 0 R".to_owned(), String::new(), false),
        ("octets in its field", String::new(), format!("/TU ({junk})"), false),
        ("what its field leads to", String::new(), "/Lock 90 0 R".to_owned(), false),
    ] {
        let how = Signing {
            entries,
            field_entries,
            more: [(VALUE, format!("<< /X ({junk}) >>").into_bytes())].into_iter().filter(|_| !is_right).collect(),
            ..Signing::time_stamp()
        };
        let found = verdict(&pdf.signed(&how).octets);
        assert_eq!(found == PASSED, is_right, "{what}: {found}");
    }
    for (what, data, is_right) in [
        ("one value", in_der(b"x"), true),
        ("something else", b"x".to_vec(), false),
        ("something behind it", [in_der(b"x"), b"x".to_vec()].concat(), false),
    ] {
        let found = verdict(&pdf.with_store(&[&data], &[], &[]).octets);
        assert_eq!(found == PASSED, is_right, "{what}: {found}");
    }
    for (name, is_right) in [("0123456789ABCDEF0123456789ABCDEF01234567", true), ("Somebody#20else", false)] {
        let store = format!("/DSS << /Certs [90 0 R] /VRI << /{name} << /Cert [90 0 R] >> >> >>");
        let catalogue = with_entry(&pdf.objects[&CATALOGUE], &store);
        let found = verdict(&pdf.with([(CATALOGUE, catalogue), (VALUE, stream("", &in_der(b"x")))]).octets);
        assert_eq!(found == PASSED, is_right, "{name}: {found}");
    }
}

/// Table 256 wants to be told what the lock is about.
#[test]
fn p17_a_lock_that_names_its_document() {
    for (data, is_right) in [("/Data 1 0 R", true), ("/Data [1 0 R]", false), ("/X 1 0 R", false)] {
        let mut how = Signing::locking("/Action /All");
        how.entries = how.entries.replace("/TransformMethod", &format!("{data} /TransformMethod"));
        let found = verdict(&Pdf::of(Kind::Table).signed(&how).with_usual_store().octets);
        assert_eq!(found == PASSED, is_right, "{data}: {found}");
    }
}
