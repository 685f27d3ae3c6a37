//! PDF files that do something when they are opened, and those that cost more than a paper may.

use std::time::Duration;

use crate::kit::cost::Cost;
use crate::kit::pdf::base::{CATALOGUE, CONTENTS, FORM, PAGE, PAGES};
use crate::kit::pdf::section::object;
use crate::kit::pdf::sign::with_entry;
use crate::kit::pdf::{Kind, Layout, Objects, Pdf, Section, Signing, deflated, replaced, stream, verdict};
use crate::kit::verdict::PASSED;

const ACTIVE: &str = "INDETERMINATE pdf-active-content";
const ENCRYPTED: &str = "INDETERMINATE pdf-encrypted";
const UNREADABLE: &str = "INDETERMINATE pdf-unreadable";

/// The usual file with objects in place of its own, signed.
fn signed(layout: Layout, more: impl IntoIterator<Item = (u32, Vec<u8>)>) -> Pdf {
    let mut objects: Objects = Kind::Table.objects();
    objects.extend(more);
    Pdf::write(layout, objects).signed(&Signing::default())
}

/// The catalogue or the page of the usual file with an entry more.
fn entry(number: u32, entry: &str) -> (u32, Vec<u8>) {
    (number, with_entry(&Kind::Table.objects()[&number], entry))
}

#[test]
fn p21_encrypted_files() {
    for layout in [Layout::Table, Layout::Stream] {
        for trailer in
            ["/Encrypt 13 0 R", "/Encrypt << /Filter /Standard /V 1 /R 2 /O () /U () /P -4 >>", "/Encrypt 99 0 R"]
        {
            let pdf = Pdf::of(Kind::Table);
            let mut pdf = Pdf { layout, ..pdf };
            pdf.trailer += trailer;
            assert_eq!(verdict(&pdf.signed(&Signing::default()).octets), ENCRYPTED, "{layout:?} {trailer}");
        }
    }
}

#[test]
fn p21_files_that_do_something() {
    let script = "<< /S /JavaScript /JS (app.alert\\(1\\)) >>";
    for layout in [Layout::Table, Layout::Stream] {
        for (name, object) in [
            ("opening", entry(CATALOGUE, &format!("/OpenAction {script}"))),
            ("opening with a stream", entry(CATALOGUE, "/OpenAction << /S /JavaScript /JS 4 0 R >>")),
            ("names", entry(CATALOGUE, &format!("/Names << /JavaScript << /Names [(a) {script}] >> >>"))),
            ("closing", entry(CATALOGUE, &format!("/AA << /WC {script} >>"))),
            ("a page opened", entry(PAGE, &format!("/AA << /O {script} >>"))),
            ("launching", entry(CATALOGUE, "/OpenAction << /S /Launch /F (calc.exe) >>")),
            ("launching next", entry(CATALOGUE, "/OpenAction << /S /GoTo /D [3 0 R /Fit] /Next << /S /Launch >> >>")),
            ("import", entry(CATALOGUE, "/OpenAction << /S /ImportData /F (a.fdf) >>")),
            ("submit", entry(CATALOGUE, "/OpenAction << /S /SubmitForm /F (http://localhost/) >>")),
            ("reset", entry(CATALOGUE, "/OpenAction << /S /ResetForm >>")),
            ("hide", entry(CATALOGUE, "/OpenAction << /S /Hide /T (name) >>")),
            ("layers", entry(CATALOGUE, "/OpenAction << /S /SetOCGState /State [/ON 13 0 R] >>")),
            ("escaped", entry(CATALOGUE, "/OpenAction << /S /Java#53cript /J#53 (1) >>")),
            ("nobody refers to it", (13, script.as_bytes().to_vec())),
            ("XFA", entry(CATALOGUE, "/AcroForm << /Fields [] /XFA [(template) 4 0 R] >>")),
            ("octets elsewhere", (CONTENTS, stream("/F (other.txt)", b""))),
            ("octets elsewhere, as a file", (CONTENTS, stream("/F << /Type /Filespec /F (other.txt) >>", b""))),
        ] {
            let pdf = signed(layout, [object]);
            let found = verdict(&pdf.octets);
            assert!(found == ACTIVE || found == UNREADABLE && name == "XFA", "{layout:?} {name}: {found}");
        }
        let plain = signed(layout, [entry(CATALOGUE, "/OpenAction << /S /GoTo /D [3 0 R /Fit] >>")]);
        assert_eq!(verdict(&plain.octets), PASSED, "{layout:?}: a first page");
        // Added later.
        let added = plain.with([(40, script.as_bytes().to_vec())]);
        assert_ne!(verdict(&added.octets), PASSED);
        let root = replaced(
            &plain.objects[&CATALOGUE],
            "/OpenAction << /S /GoTo /D [3 0 R /Fit] >>",
            &format!("/OpenAction {script}"),
        );
        assert_ne!(verdict(&plain.with([(CATALOGUE, root)]).octets), PASSED);
    }
    let form = Kind::Form.objects();
    let with_xfa = with_entry(&form[&FORM], "/XFA 4 0 R");
    let pdf =
        Pdf::write(Layout::Table, form.into_iter().chain([(FORM, with_xfa)]).collect()).signed(&Signing::default());
    assert_eq!(verdict(&pdf.octets), ACTIVE);
}

/// Judged in less than a second, and not passed.
fn soon(name: &str, octets: &[u8]) -> String {
    let cost = Cost::begin();
    let found = verdict(octets);
    assert!(cost.elapsed() < Duration::from_secs(1), "{name}: {:?}", cost.elapsed());
    assert_ne!(found, PASSED, "{name}");
    found
}

#[test]
fn p11_files_that_lead_in_circles_are_judged_soon() {
    for layout in [Layout::Table, Layout::Stream] {
        let to_itself = "<< /Type /ObjStm /N 1 /First 4 /Length 30 0 R >>";
        for (name, objects) in [
            ("pages in pages", vec![(PAGES, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>".to_vec())]),
            (
                "pages in their page",
                vec![
                    (PAGES, b"<< /Type /Pages /Kids [13 0 R 3 0 R] /Count 1 >>".to_vec()),
                    (13, b"<< /Type /Pages /Kids [2 0 R] /Parent 2 0 R >>".to_vec()),
                ],
            ),
            (
                "fields in fields",
                vec![
                    entry(CATALOGUE, "/AcroForm 13 0 R"),
                    (13, b"<< /Fields [14 0 R] >>".to_vec()),
                    (14, b"<< /T (a) /Kids [14 0 R] >>".to_vec()),
                ],
            ),
            (
                "fields in two",
                vec![
                    entry(CATALOGUE, "/AcroForm 13 0 R"),
                    (13, b"<< /Fields [14 0 R] >>".to_vec()),
                    (14, b"<< /T (a) /Kids [15 0 R] >>".to_vec()),
                    (15, b"<< /T (b) /Kids [14 0 R] >>".to_vec()),
                ],
            ),
            ("a reference to itself", vec![(PAGE, b"3 0 R".to_vec())]),
            (
                "references to each other",
                vec![entry(CATALOGUE, "/AcroForm 13 0 R"), (13, b"14 0 R".to_vec()), (14, b"13 0 R".to_vec())],
            ),
            ("a length of its own", vec![(13, to_itself.as_bytes().to_vec())]),
        ] {
            let name = format!("{layout:?}: {name}");
            let mut all: Objects = Kind::Table.objects();
            all.extend(objects);
            let mut base = Pdf::write(layout, all);
            // The form cannot be added to: the signature is put beside it.
            base.objects.insert(CATALOGUE, Kind::Table.objects()[&CATALOGUE].clone());
            base.objects.insert(PAGE, Kind::Table.objects()[&PAGE].clone());
            let cost = Cost::begin();
            let found = verdict(&base.signed(&Signing { is_on_page: false, ..Signing::default() }).octets);
            assert!(cost.elapsed() < Duration::from_secs(1), "{name}: {:?}", cost.elapsed());
            if name.contains("pages in") {
                assert_ne!(found, PASSED, "{name}");
            }
            let _ = soon(&name, &base.octets);
        }
    }
}

#[test]
fn p22_nesting_and_numbers_without_end() {
    let deep = |open: &str, close: &str, count: usize| [open.repeat(count), close.repeat(count)].concat().into_bytes();
    for count in [60, 10_000, 200_000] {
        for (open, close) in [("[", "]"), ("<</A", ">>"), ("[<</A ", ">>]"), ("<<", ">>"), ("[[[<", "")] {
            for layout in [Layout::Table, Layout::Stream] {
                for number in [13, CATALOGUE, PAGE] {
                    let pdf = Pdf::of(Kind::Table).signed(&Signing::default());
                    let section =
                        Section { layout, objects: [(number, deep(open, close, count))].into(), ..pdf.section() };
                    let _ = soon(&format!("{open} {count} {number}"), &pdf.followed_by(&section).octets);
                }
            }
            let pdf = Pdf::of(Kind::Table).signed(&Signing::default());
            let trailer = format!("/Deep {}", String::from_utf8(deep(open, close, count)).expect("text"));
            let section = Section { trailer, ..pdf.section() };
            let _ = soon(&format!("{open} {count} in the trailer"), &pdf.followed_by(&section).octets);
        }
        let nested = deep("[", "]", count);
        if count > 60 {
            assert_eq!(verdict(&signed(Layout::Table, [(13, nested)]).octets), UNREADABLE, "signed so");
        }
        let kids = (0..count.min(20_000) as u32)
            .map(|number| (100 + number, format!("<< /T (a) /Kids [{} 0 R] >>", 101 + number).into_bytes()));
        let form = [entry(CATALOGUE, "/AcroForm 13 0 R"), (13, b"<< /Fields [100 0 R] >>".to_vec())];
        let _ = soon("fields in fields", &signed(Layout::Table, kids.chain(form)).octets);
        let chain =
            (0..count.min(20_000) as u32).map(|number| (100 + number, format!("{} 0 R", 101 + number).into_bytes()));
        let form = [entry(CATALOGUE, "/AcroForm 100 0 R")];
        let base = Pdf::write(Layout::Table, Kind::Table.objects().into_iter().chain(chain).chain(form).collect());
        let _ = soon("references to references", &base.octets);
    }
}

#[test]
fn p22_cross_reference_streams_that_lie() {
    let pdf = Pdf::of(Kind::Stream).signed(&Signing::default());
    let rows = deflated(&[0; 700]);
    for entries in [
        "/W [1 2147483647 2]",
        "/W [1 4]",
        "/W [0 0 0]",
        "/W [9223372036854775807 1 1]",
        "/W [-1 4 2]",
        "/W [1 9 2]",
        "/W [4294967295 4294967295 4294967295]",
        "/W [1 4 2] /Index [0 8388608]",
        "/W [1 4 2] /Index [0 9223372036854775807]",
        "/W [1 4 2] /Index [9223372036854775807 1]",
        "/W [1 4 2] /Index [4294967295 100]",
        "/W [1 4 2] /Index [0]",
        "/W [1 4 2] /Index [-1 100]",
        "/W [1 4 2] /DecodeParms << /Predictor 12 /Columns 2147483647 >>",
        "/W [1 4 2] /DecodeParms << /Predictor 12 /Columns 0 >>",
        "/W [1 4 2] /DecodeParms << /Predictor 12 /Columns 7 /Colors 2147483647 /BitsPerComponent 16 >>",
        "/W [1 4 2] /DecodeParms << /Predictor 2 /Columns 7 >>",
    ] {
        let mut octets = pdf.octets.clone();
        let at = octets.len();
        let head =
            format!("/Type /XRef /Root 1 0 R /Prev {} /Size 2147483647 {entries} /Filter /FlateDecode", pdf.startxref);
        object(&mut octets, 60, &stream(&head, &rows));
        octets.extend(format!("startxref\n{at}\n%%EOF\n").bytes());
        assert_eq!(soon(entries, &octets), UNREADABLE, "{entries}");
    }
    let pdf = Pdf::of(Kind::Table).signed(&Signing::default());
    for lines in
        ["0 4294967295\n", "0 99999999999999999999\n", "4294967295 1\n0000000000 00000 n\r\n", "-1 1\n", "8388607 2\n"]
    {
        let mut octets = pdf.octets.clone();
        let at = octets.len();
        octets.extend(
            format!(
                "xref\n{lines}trailer\n<< /Size 9 /Root 1 0 R /Prev {} >>\nstartxref\n{at}\n%%EOF\n",
                pdf.startxref
            )
            .bytes(),
        );
        assert_eq!(soon(lines, &octets), UNREADABLE, "{lines}");
    }
}

#[test]
fn p22_files_of_a_great_many_parts_are_judged_soon() {
    let pdf = Pdf::of(Kind::Table);
    let many: Vec<(&str, Vec<u8>)> = vec![
        ("ends", b"%%EOF\n".repeat(200_000)),
        ("beginnings", b"startxref\n0\n%%EOF\n".repeat(100_000)),
        ("objects", b"4 0 obj\nnull\nendobj\n".repeat(50_000)),
        ("byte ranges", b"/ByteRange [0 1 2 3] ".repeat(50_000)),
        ("escapes", b"/#41".repeat(200_000)),
        ("slashes", b"/".repeat(1_000_000)),
        ("brackets", b"<<".repeat(500_000)),
    ];
    for (name, junk) in many {
        let octets = [pdf.octets.as_slice(), &junk, &pdf.octets].concat();
        let _ = soon(name, &octets);
    }
    // Widgets and fields in thousands, none of which is a signature.
    let fields: String = (100..9000).map(|number| format!("{number} 0 R ")).collect();
    let bodies = (100..9000_u32).map(|number| (number, format!("<< /T (f{number}) /FT /Tx >>").into_bytes()));
    let form = [entry(CATALOGUE, "/AcroForm 13 0 R"), (13, format!("<< /Fields [{fields}] >>").into_bytes())];
    let objects: Objects = Kind::Table.objects().into_iter().chain(bodies).chain(form).collect();
    let cost = Cost::begin();
    assert_eq!(verdict(&Pdf::write(Layout::Stream, objects).signed(&Signing::default()).octets), PASSED);
    assert!(cost.elapsed() < Duration::from_secs(4), "{:?}", cost.elapsed());
}

#[test]
fn p23_streams_that_grow_when_they_are_read() {
    let zeros = deflated(&vec![0; 40 << 20]);
    assert!(zeros.len() < 64 << 10, "1 to 1000");
    let pdf = Pdf::of(Kind::Stream).signed(&Signing::default());
    let mut octets = pdf.octets.clone();
    let at = octets.len();
    let head = format!("/Type /XRef /Root 1 0 R /Prev {} /Size 99 /W [1 4 2] /Filter /FlateDecode", pdf.startxref);
    object(&mut octets, 60, &stream(&head, &zeros));
    octets.extend(format!("startxref\n{at}\n%%EOF\n").bytes());
    assert_eq!(soon("cross-references", &octets), UNREADABLE);
    // An object stream.
    let mut all = Kind::Table.objects();
    all.insert(13, stream("/Type /ObjStm /N 1 /First 5 /Filter /FlateDecode", &zeros));
    let base = Pdf::write(Layout::Table, all);
    let mut octets = base.octets.clone();
    let at = octets.len();
    let mut row = vec![2];
    row.extend(13_u32.to_be_bytes());
    row.extend([0, 0]);
    let head = format!("/Type /XRef /Root 1 0 R /Prev {} /Size 99 /W [1 4 2] /Index [1 1]", base.startxref);
    object(&mut octets, 60, &stream(&head, &row));
    octets.extend(b"% /ByteRange\n");
    octets.extend(format!("startxref\n{at}\n%%EOF\n").bytes());
    assert_eq!(soon("an object stream", &octets), UNREADABLE);
    // Twenty filters, each of which grows.
    let mut chained = vec![0; 1 << 20];
    for _ in 0..20 {
        chained = deflated(&chained);
    }
    let filters = format!("/Filter [{}]", "/FlateDecode ".repeat(20));
    for (kind, index) in [("/Type /XRef /W [1 4 2]", 0), ("/Type /ObjStm /N 1 /First 5", 1)] {
        let mut octets = pdf.octets.clone();
        let at = octets.len();
        let head = format!("{kind} {filters} /Root 1 0 R /Prev {} /Size 99", pdf.startxref);
        object(&mut octets, 60, &stream(&head, &chained));
        let startxref = if index == 0 { at } else { pdf.startxref };
        octets.extend(format!("startxref\n{startxref}\n%%EOF\n").bytes());
        let _ = soon(kind, &octets);
    }
    // What no verdict depends on is not decompressed, however large it would be.
    let page = signed(Layout::Table, [(CONTENTS, stream("/Filter /FlateDecode", &zeros))]);
    let cost = Cost::begin();
    assert_eq!(verdict(&page.octets), PASSED, "the contents of a page");
    assert!(cost.elapsed() < Duration::from_secs(1), "{:?}", cost.elapsed());
}

#[test]
fn p23_memory_is_bounded_whatever_a_stream_says() {
    use std::process::Command;
    // A quarter of a gigabyte of zeros, where 120 megabytes are all that may be had.
    let zeros = deflated(&vec![0; 256 << 20]);
    let folder = tempfile::tempdir().expect("a folder");
    let pdf = Pdf::of(Kind::Stream).signed(&Signing::default());
    for (name, entries) in [
        ("rows", "/Type /XRef /W [1 4 2]"),
        ("rows with a predictor", "/Type /XRef /W [1 4 2] /DecodeParms << /Predictor 12 /Columns 7 >>"),
        ("objects", "/Type /ObjStm /N 1 /First 5"),
    ] {
        let mut octets = pdf.octets.clone();
        let at = octets.len();
        let head = format!("{entries} /Root 1 0 R /Prev {} /Size 8000000 /Filter /FlateDecode", pdf.startxref);
        object(&mut octets, 60, &stream(&head, &zeros));
        let mut begin = at;
        if name == "objects" {
            begin = octets.len();
            let row = [&[2, 0, 0, 0, 60, 0, 0][..], &[1], &(at as u32).to_be_bytes(), &[0, 0]].concat();
            let head = format!("/Type /XRef /Root 1 0 R /Prev {} /Size 99 /W [1 4 2] /Index [4 1 60 1]", pdf.startxref);
            object(&mut octets, 61, &stream(&head, &row));
        }
        octets.extend(format!("startxref\n{begin}\n%%EOF\n").bytes());
        let path = folder.path().join("bomb.pdf");
        std::fs::write(&path, &octets).expect("written");
        // The second shows that the first is a limit.
        for (limit, lives) in [(120_000, true), (500, false)] {
            let script = format!("ulimit -d {limit}; exec \"$0\" verify \"$1\" --revocation off");
            let output = Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_antin")]).arg(&path).output();
            let output = output.expect("a shell");
            assert_eq!(output.status.code() == Some(2), lives, "{name}, {limit} kB: {output:?}");
        }
    }
}
