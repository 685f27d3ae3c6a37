//! P11, P12: later revisions that readers take for different things, and signed files whose reading depends on what follows.

use antin::core::time::Time;
use antin::signing::pades::{PadesError, PadesOrder, Prepared};

use super::pdf_controls::{is_changed, warnings};
use crate::kit::pdf::base::{CATALOGUE, CONTENTS, PAGE};
use crate::kit::pdf::section::object_stream;
use crate::kit::pdf::sign::{fill, with_entry};
use crate::kit::pdf::{Kind, Layout, Objects, Pdf, Section, Signing, find, in_der, replaced, stream, verdict};
use crate::kit::verdict::PASSED;

/// Octets of padding, of which some are left out or more are taken.
const ROOM: usize = 15_000;
/// Writes an object stream.
type Packing = fn(&Objects) -> Vec<u8>;

const UNREADABLE: &str = "INDETERMINATE pdf-unreadable";

fn signed(kind: Kind) -> Pdf {
    Pdf::of(kind).signed(&Signing::default())
}

fn assert_refused(what: &str, octets: &[u8]) {
    let found = verdict(octets);
    assert!(is_changed(&found, "") || found == UNREADABLE, "{what}: {found}");
}

/// Nothing is signed that could not be relied on once something is added.
fn can_be_signed(octets: &[u8]) -> bool {
    match Prepared::signature(octets, &PadesOrder::default(), Time::from_unix(1_800_000_000), 64) {
        Ok(_) => true,
        Err(PadesError::Ambiguous(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

/// The file with a piece of its newest cross-references and trailer replaced.
fn with_other_end(pdf: &Pdf, from: &str, to: &str) -> Vec<u8> {
    let (before, end) = pdf.octets.split_at(pdf.startxref);
    [before, &replaced(end, from, to)].concat()
}

#[test]
fn p11_tables_and_trailers_that_readers_mend() {
    let pdf = signed(Kind::Table).with_usual_store();
    let end = String::from_utf8(pdf.octets[pdf.startxref..].to_vec()).expect("text");
    let head = end.lines().nth(1).expect("a subsection");
    let size = format!("/Size {}", pdf.size);
    let (first, count) = head.split_once(' ').expect("two numbers");
    let far = "\n".repeat(1040);
    for (what, from, to) in [
        ("a comment in the table", "xref\n", "xref\n%c\n"),
        ("blanks behind the word", "xref\n", "xref     \n"),
        ("numbers on two lines", head, &format!("{first}\n{count}")),
        ("numbers far from each other", head, &format!("{first}   {count}")),
        ("a null octet in it", head, &format!("{first} {count}\0")),
        ("an entry on the same line", &format!("{head}\n"), &format!("{head} ")),
        ("an empty subsection far away", "xref\n", "xref\n8388608 0\n"),
        ("a free entry", "xref\n", "xref\n90 1\n0000000000 65535 f\r\n"),
        ("a free entry before others", "xref\n", "xref\n1 1\n0000000000 65535 f\r\n"),
        ("a number of objects that none has", &size, "/Size 8388609"),
        ("a very large one", &size, "/Size 2147483648"),
        ("one far too large", &size, "/Size 1000000"),
        ("something of the trailer's own", "trailer\n<<", "trailer\n<< /X (junk)"),
        ("encryption that is none", "trailer\n<<", "trailer\n<< /Encrypt null"),
        ("a type", "trailer\n<<", "trailer\n<< /Type /XRef"),
        ("an identifier that is none", "trailer\n<<", "trailer\n<< /ID [5 6]"),
        ("a comment in the trailer", "trailer\n<<", "trailer\n<< %c\n"),
        ("many ends of lines before the place", "startxref\n", &format!("startxref{far}")),
        ("two ends of lines before the place", "startxref\n", "startxref\n\n"),
        ("many ends of lines before the end", "\n%%EOF", &format!("{far}%%EOF")),
        ("a form feed before the end", "\n%%EOF", "\x0C\n%%EOF"),
        ("a zero before the place", "startxref\n", "startxref\n0"),
    ] {
        assert_refused(what, &with_other_end(&pdf, from, to));
    }
    for (what, from, to) in [
        ("a place in too many digits", "/Prev ", "/Prev 000000000000000000000000000000000"),
        ("information that is nowhere", "trailer\n<<", "trailer\n<< /Info 99 0 R"),
    ] {
        assert_refused(what, &with_other_end(&Pdf { trailer: String::new(), ..pdf.clone() }, from, to));
    }
    for (what, from, to) in [
        ("another end of line", "xref\n", "xref\r\n"),
        ("a blank before it", "startxref\n", "startxref \n"),
        ("an empty subsection", "xref\n", "xref\n0 0\n"),
        ("an identifier", "trailer\n<<", "trailer\n<< /ID [<00><01>]"),
    ] {
        assert_eq!(verdict(&with_other_end(&pdf, from, to)), PASSED, "{what}");
    }
}

/// The same with something between the last object and the cross-references.
fn with_gap(pdf: &Pdf, gap: &[u8]) -> Vec<u8> {
    let (before, end) = pdf.octets.split_at(pdf.startxref);
    let (old, new) = (pdf.startxref.to_string(), (pdf.startxref + gap.len()).to_string());
    [before, gap, &replaced(end, &format!("startxref\n{old}"), &format!("startxref\n{new}"))].concat()
}

#[test]
fn p11_what_stands_between_the_objects_of_a_later_revision() {
    let pdf = signed(Kind::Table).with_usual_store();
    for gap in [
        &b"%4 0 obj\n"[..],
        b"%trailer\n",
        b"%\x80\n",
        b"\0\n",
        b"\x0C\n",
        b"\t\n",
        b"junk\n",
        &[b'\n'; 300],
        b"%startxref\n",
    ] {
        assert_refused(&String::from_utf8_lossy(gap), &with_gap(&pdf, gap));
    }
    for gap in [&b"\r\n"[..], b"\n\n", b"%Writer-7.2.5\n", b" \n"] {
        assert_eq!(verdict(&with_gap(&pdf, gap)), PASSED, "{}", String::from_utf8_lossy(gap));
    }
}

#[test]
fn p11_objects_that_are_written_in_two_ways() {
    let pdf = signed(Kind::Table);
    let catalogue = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >>");
    let text = String::from_utf8(catalogue.clone()).expect("text");
    let later = |catalogue: Vec<u8>| pdf.with([(CATALOGUE, catalogue), (90, stream("", b"0\x00"))]).octets;
    assert_eq!(verdict(&later(catalogue)), PASSED);
    for (what, body) in [
        ("a comment", text.replace("/DSS", "%c\n/DSS")),
        ("a null octet", text.replace("/DSS", "\0/DSS")),
        ("a form feed", text.replace("/DSS", "\x0C/DSS")),
    ] {
        assert_refused(what, &later(body.into_bytes()));
    }
    for (from, to) in [("90 0 obj\n", "90  0 obj\n"), ("90 0 obj\n", "90 0 obj %\n"), ("90 0 obj\n", "90 00 obj\n")] {
        let octets = later(text.clone().into_bytes());
        let at = crate::kit::pdf::find_last(&octets, from.as_bytes());
        let mended = [&octets[..at], &replaced(&octets[at..], from, to)].concat();
        // What follows stands where it stood.
        let grown = to.len() - from.len();
        let place = crate::kit::pdf::find_last(&mended, b"startxref\n") + "startxref\n".len();
        let number: usize = String::from_utf8_lossy(&mended[place..])
            .split('\n')
            .next()
            .and_then(|line| line.parse().ok())
            .expect("one");
        let end = replaced(&mended[place..], &number.to_string(), &(number + grown).to_string());
        assert_refused(to, &[&mended[..place], &end].concat());
    }
}

#[test]
fn p11_data_of_validation_data_that_readers_take_for_objects() {
    let pdf = signed(Kind::Table);
    for data in [
        &b"4 0 obj"[..],
        b"endstream endobj 4 +0 obj <<>>",
        b"4\n0%c\nobj",
        b"%c\n4 %c\n%c\n0\nobj",
        b"4\x0B0 obj",
        b"4\xA00 obj",
        b"4 0obj",
        b"4 0000000000000000000000000000000 obj",
        b"4. 0 obj",
        b"4 --0 obj",
        b"4 0.0 obj",
        b"4\xFF0\x80obj",
        b"4 0 #6fbj",
        b"4 0 o#62j",
        &[&b"4"[..], &[b' '; 5000], b"0 obj"].concat(),
        &[&b"4 0%"[..], &[b'x'; 5000], b"\nobj"].concat(),
        &[&b"4 0"[..], &b"%\n".repeat(40), b"obj"].concat(),
        b"tr#61iler <<",
        b"trailer%\n<<",
        b"trailer <</Root 90 0 R>>",
    ] {
        assert_refused(&String::from_utf8_lossy(data), &pdf.with_store(&[&in_der(data)], &[], &[]).octets);
    }
    for data in [&b"an object"[..], b"40obj", b"4 obj", b"4 x obj", b"% 1 %\n"] {
        let later = pdf.with_store(&[&in_der(&[b"data ", data].concat())], &[], &[]);
        assert_eq!(verdict(&later.octets), PASSED, "{}", String::from_utf8_lossy(data));
    }
}

/// An object stream with these entries, its octets coded in some way.
fn packed(objects: &Objects, entries: &str, coded: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let whole = object_stream(objects);
    let body = &whole[find(&whole, b"stream\n") + "stream\n".len()..];
    let mut octets = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(body), &mut octets).expect("a stream");
    let first =
        String::from_utf8_lossy(&whole).split("/First ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    let first: usize = first.expect("a number");
    stream(&format!("/Type /ObjStm /N {} /First {first} {entries}", objects.len()), &coded(&octets))
}

/// Rows of eight octets, each by itself.
fn predicted(octets: &[u8]) -> Vec<u8> {
    let rows = octets.chunks(8).flat_map(|row| [&[0], row, &vec![b' '; 8 - row.len()][..]].concat());
    crate::kit::pdf::deflated(&rows.collect::<Vec<u8>>())
}

#[test]
fn p11_object_streams_that_are_read_in_two_ways() {
    let pdf = signed(Kind::Stream);
    let with = |packing: Packing| {
        let store = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >>");
        let objects: Objects =
            [(CATALOGUE, store), (90, stream("", b"0\x00")), (PAGE, pdf.objects[&PAGE].clone())].into();
        pdf.followed_by(&Section { objects, packing, ..pdf.section() }).octets
    };
    let right: [Packing; 3] = [
        object_stream,
        |all| packed(all, "/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 8 >>", predicted),
        |all| packed(all, "/Filter [/FlateDecode] /DecodeParms [<< /Predictor 12 /Columns 8 >>]", predicted),
    ];
    for packing in right {
        let found = verdict(&with(packing));
        // The page is written again as it was: no addition needs that, and it is no other page.
        assert_eq!(found, PASSED);
    }
    let wrong: [(&str, Packing); 12] = [
        ("a key that some readers have twice", |all| {
            let entries = "/Filter /FlateDecode /First\u{80} 3";
            packed(all, entries, crate::kit::pdf::deflated)
        }),
        ("another key", |all| packed(all, "/Filter /FlateDecode /X 1", crate::kit::pdf::deflated)),
        ("a parameter that is null", |all| {
            packed(all, "/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 8 /Colors null >>", predicted)
        }),
        ("a list of filters, no list of parameters", |all| {
            packed(all, "/Filter [/FlateDecode] /DecodeParms << /Predictor 12 /Columns 8 >>", predicted)
        }),
        ("a list of parameters, no list of filters", |all| {
            packed(all, "/Filter /FlateDecode /DecodeParms [<< /Predictor 12 /Columns 8 >>]", predicted)
        }),
        ("parameters by another name", |all| {
            packed(all, "/Filter /FlateDecode /DP << /Predictor 12 /Columns 8 >>", crate::kit::pdf::deflated)
        }),
        ("parameters elsewhere", |all| {
            packed(all, "/Filter [/FlateDecode] /DecodeParms [6 0 R]", crate::kit::pdf::deflated)
        }),
        ("digits", |all| packed(all, "/Filter /ASCIIHexDecode", |octets| (hex::encode(octets) + ">").into_bytes())),
        ("overlapping", overlapping),
        ("in another order", reordered),
        ("a comment", |all| {
            let with_comment = |body: &Vec<u8>| [b"%c\n", body.as_slice()].concat();
            object_stream(&all.iter().map(|(number, body)| (*number, with_comment(body))).collect())
        }),
        ("junk at its end", |all| {
            packed(all, "/Filter /FlateDecode", |octets| crate::kit::pdf::deflated(&[octets, b"junk"].concat()))
        }),
    ];
    for (what, packing) in wrong {
        assert_refused(what, &with(packing));
    }
}

/// The second object begins in the first.
fn overlapping(objects: &Objects) -> Vec<u8> {
    let numbers: Vec<u32> = objects.keys().copied().collect();
    let mut body = objects[&numbers[0]].clone();
    let inside = find(&body, b"/Type") + "/Type ".len();
    let mut heads = format!("{} 0 {} {inside} ", numbers[0], numbers[1]);
    body.push(b'\n');
    for number in &numbers[2..] {
        heads += &format!("{number} {} ", body.len());
        body.extend(&objects[number]);
        body.push(b'\n');
    }
    let entries = format!("/Type /ObjStm /N {} /First {}", numbers.len(), heads.len());
    stream(&entries, &[heads.as_bytes(), &body].concat())
}

fn reordered(objects: &Objects) -> Vec<u8> {
    let mut places: Vec<(u32, usize)> = Vec::new();
    let mut body = Vec::new();
    for (number, object) in objects.iter().rev() {
        places.push((*number, body.len()));
        body.extend_from_slice(object);
        body.push(b'\n');
    }
    places.sort_unstable();
    let heads: String = places.iter().map(|(number, at)| format!("{number} {at} ")).collect();
    let entries = format!("/Type /ObjStm /N {} /First {}", objects.len(), heads.len());
    stream(&entries, &[heads.as_bytes(), &body].concat())
}

#[test]
fn p12_files_that_say_how_long_they_will_be() {
    let of = |length: &str| {
        let mut objects = Kind::Table.objects();
        let catalogue = replaced(&objects[&CATALOGUE], "/Type", &format!("/Linearized 1 /L {length} /Type"));
        objects.insert(CATALOGUE, catalogue);
        Pdf::write(Layout::Table, objects).signed(&Signing::default())
    };
    for length in ["100000", "100000.0", "6 0 R", "(x)"] {
        let pdf = of(length);
        assert_eq!(verdict(&pdf.octets), PASSED, "{length}");
        assert_refused(length, &pdf.with_usual_store().octets);
        assert!(!can_be_signed(&pdf.octets), "{length}");
    }
    // What begins otherwise may be such a file to some.
    for header in ["+1 0 obj", "1 00000000000000000000000000000000 obj"] {
        let octets = replaced(&Pdf::of(Kind::Table).octets, "1 0 obj", header);
        let grown = header.len() - "1 0 obj".len();
        let pdf = of("100000");
        let forged = replaced(&pdf.octets, "1 0 obj", header);
        assert_ne!(verdict(&forged), PASSED, "{header}: {grown} {}", octets.len());
    }
    // As long as the file was before it was signed: that is over.
    assert_eq!(verdict(&of("700").with_usual_store().octets), PASSED);
}

#[test]
fn p11_a_stream_of_cross_references_that_is_none() {
    // Some writers leave one behind, as old as its revision; it says what the trailer says.
    let pdf = signed(Kind::Table);
    let store = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >>");
    let row = [1, 0, 0, 0, 9, 0];
    for (what, entries, data, is_right) in [
        ("left behind", "/Root 1 0 R /Size 100 /W [1 4 1] /Index [91 1]", &row[..], true),
        ("another catalogue", "/Root 3 0 R /Size 100 /W [1 4 1] /Index [91 1]", &row, false),
        ("other data", "/Root 1 0 R /Size 100 /W [1 4 1] /Index [91 1]", b"whatever", false),
        ("another key", "/Root 1 0 R /Size 100 /W [1 4 1] /Index [91 1] /X (junk)", &row, false),
        ("no more than its type", "/Root 1 0 R", &row, false),
    ] {
        let left = stream(&format!("/Type /XRef {entries}"), data);
        let later = pdf.with([(CATALOGUE, store.clone()), (90, stream("", b"0\x00")), (91, left)]);
        let found = verdict(&later.octets);
        assert_eq!(found == PASSED, is_right, "{what}: {found}");
    }
}

#[test]
fn p12_objects_that_end_behind_what_was_signed() {
    // Readers look for the end of a stream whose length is wrong; then it becomes right.
    let mut objects = Kind::Table.objects();
    let long = replaced(&stream("", b"BT /F1 12 Tf 72 720 Td (No convictions.) Tj ET"), "/Length 46", "/Length 30000");
    objects.insert(CONTENTS, long);
    let pdf = Pdf::write(Layout::Table, objects).signed(&Signing::default());
    let begin = find(&pdf.octets, b"/Length 30000 >>\nstream\n") + "/Length 30000 >>\nstream\n".len();
    let data = |padding: usize| [&vec![b' '; padding][..], b"\nendstream\nendobj\n"].concat();
    let at = find(&pdf.with_store(&[&in_der(&data(ROOM))], &[], &[]).octets[pdf.octets.len()..], b"\nendstream");
    let later = pdf.with_store(&[&in_der(&data(ROOM + begin + 30000 - pdf.octets.len() - at))], &[], &[]);
    assert!(later.octets[begin + 30000..].starts_with(b"\nendstream"));
    assert_refused("a stream", &later.octets);
    // An object of the signed file, to come.
    let base = Pdf::of(Kind::Table);
    let base = base.followed_by(&Section { places: vec![(60, 30000)], ..base.section() });
    let pdf = base.signed(&Signing::default());
    let data = |padding: usize| [&vec![b' '; padding][..], b"60 0 obj\n<<>>\nendobj\n"].concat();
    let at = find(&pdf.with_store(&[&in_der(&data(ROOM))], &[], &[]).octets, b"60 0 obj");
    let later = pdf.with_store(&[&in_der(&data(ROOM + 30000 - at))], &[], &[]);
    assert!(later.octets[30000..].starts_with(b"60 0 obj"));
    assert_refused("an object", &later.octets);
}

/// Objects beyond the size that a file says are none to some readers, until a later trailer says more.
#[test]
fn p12_objects_beyond_the_size_of_what_was_signed() {
    let how = Signing::default();
    for (what, size, is_right) in [("as many", "/Size 8", true), ("fewer", "/Size 5", false)] {
        let placed = Pdf::of(Kind::Table).with_placeholder(&how);
        let end = placed.startxref;
        let of_now = format!("/Size {}", placed.size);
        let size = if is_right { of_now.clone() } else { format!("{size:<0$}", of_now.len()) };
        let mut octets = [&placed.octets[..end], &replaced(&placed.octets[end..], &of_now, &size)].concat();
        let from = Pdf::of(Kind::Table).octets.len();
        fill(&mut octets, from, &how);
        let pdf = Pdf { octets, ..placed };
        assert_eq!(verdict(&pdf.octets), PASSED, "{what}");
        assert_eq!(verdict(&pdf.with_usual_store().octets) == PASSED, is_right, "{what}");
        assert_eq!(can_be_signed(&pdf.octets), is_right, "{what}");
    }
}

#[test]
fn p12_bodies_in_the_signed_file_that_nobody_names() {
    // A reader that repairs takes the last body of a number: one that stands in a comment, in a string, behind the newer one.
    for (what, hidden) in [("an object", "4 0 obj\n<< >>\nendobj\n"), ("a trailer", "trailer << /Root 1 0 R >>\n")] {
        let mut objects = Kind::Table.objects();
        objects.insert(60, stream("/Type /Metadata /Subtype /XML", hidden.as_bytes()));
        let pdf = Pdf::write(Layout::Table, objects).signed(&Signing::default());
        assert_eq!(verdict(&pdf.octets), PASSED, "{what}");
        assert_eq!(verdict(&pdf.with_usual_store().octets), UNREADABLE, "{what}");
        assert!(!can_be_signed(&pdf.octets), "{what}");
    }
    let base = Pdf::of(Kind::Table);
    let older = find(&base.octets, b"4 0 obj");
    let forged = base.with([(CONTENTS, stream("", b"BT (Other.) Tj ET"))]);
    let back = forged.followed_by(&Section { places: vec![(CONTENTS, older)], ..forged.section() });
    let pdf = back.signed(&Signing::default());
    assert_eq!(verdict(&pdf.octets), PASSED);
    assert!(warnings(&pdf.octets).is_empty());
    assert_eq!(verdict(&pdf.with_usual_store().octets), UNREADABLE);
    assert!(!can_be_signed(&back.octets) && can_be_signed(&base.octets));
}

/// Of two bodies of one number, each in a revision of its own.
#[test]
fn p12_revisions_between_the_signed_one_and_the_newest() {
    let pdf = signed(Kind::Table);
    let page = pdf.objects[&PAGE].clone();
    let forged = replaced(&page, "/Contents 4 0 R", "/Contents 90 0 R");
    let store = with_entry(&pdf.objects[&CATALOGUE], "/DSS << /Certs [90 0 R] >>");
    let data = || (90, stream("", &in_der(b"BT (Other.) Tj ET")));
    for (what, between, after) in [
        ("another page", (PAGE, forged.clone()), (PAGE, page.clone())),
        ("an action", (CATALOGUE, with_entry(&store, "/OpenAction << /S /Named >>")), (CATALOGUE, store.clone())),
        ("a string", (CATALOGUE, b"(junk)".to_vec()), (CATALOGUE, store.clone())),
    ] {
        let later = pdf.with([data(), (CATALOGUE, store.clone())].into_iter().chain([between])).with([after]);
        assert_refused(what, &later.octets);
    }
    // The higher generation counts to some readers, the newer revision to others.
    let first = pdf.with([data(), (CATALOGUE, store.clone()), (PAGE, page.clone())]);
    let later = first.with([(PAGE, page)]);
    let table = first.startxref;
    let at = find(&later.octets[pdf.octets.len()..], b"3 0 obj") + pdf.octets.len();
    let entry = find(&later.octets[table..], format!("{at:010} 00000 n").as_bytes()) + table;
    let mut octets = later.octets.clone();
    octets[at + 2] = b'1';
    octets[entry + 15] = b'1';
    assert_refused("a higher generation", &octets);
    // The catalogue with its store may be written again and again.
    let again = pdf.with_usual_store().with_usual_store().with_usual_store();
    assert_eq!(verdict(&again.octets), PASSED);
}

/// A node above it has annotations, which some readers take for those of a page that has none.
#[test]
fn p12_annotations_that_a_page_inherits() {
    for (entry, is_right) in [("/Annots [60 0 R] /Count", false), ("/Count", true)] {
        let mut objects = Kind::Table.objects();
        let pages = replaced(&objects[&crate::kit::pdf::base::PAGES], "/Count", entry);
        objects.insert(crate::kit::pdf::base::PAGES, pages);
        objects.insert(60, b"<< /Type /Annot /Subtype /Link /Rect [9 9 99 99] >>".to_vec());
        let how = Signing { is_on_page: false, ..Signing::default() };
        let pdf = Pdf::write(Layout::Table, objects).signed(&how);
        let found = verdict(&pdf.signed(&Signing::time_stamp()).octets);
        assert_eq!(found == PASSED, is_right, "{found}");
    }
}

/// Readers that calculate with 32 bits have the text elsewhere.
#[test]
fn p15_content_whose_place_is_not_exact() {
    for (moves, is_right) in [
        ("1 0 0 1 0 100 cm 1 0 0 1 0 -100 cm", true),
        ("1 0 0 1 0 1800000000 cm 1 0 0 1 0 66 cm 1 0 0 1 0 -1800000000 cm", false),
        ("0.0000001 0 0 0.0000001 0 0 cm 10000000 0 0 10000000 0 0 cm", false),
    ] {
        let mut objects = Kind::Table.objects();
        let content = format!("{moves} BT /F1 12 Tf 72 720 Td (No convictions.) Tj ET");
        objects.insert(CONTENTS, stream("", content.as_bytes()));
        let pdf = Pdf::write(Layout::Table, objects).signed(&Signing::default());
        let how = Signing { rect: "[300 300 390 330]", appearance: Some("0 0 9 9 re f"), ..Signing::named("Second") };
        let found = verdict(&pdf.signed(&how).octets);
        assert_eq!(found == PASSED, is_right, "{moves}: {found}");
    }
}
