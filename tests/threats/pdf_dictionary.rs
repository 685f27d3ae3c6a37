//! Signature dictionaries that say something else than what was signed (universal signature forgery, wrapping).

use crate::kit::pdf::base::{CATALOGUE, CONTENTS, PAGE};
use crate::kit::pdf::sign::{fill, forged, with_entry};
use crate::kit::pdf::{Kind, Pdf, Signing, find, replaced, scan, verdict};
use crate::kit::verdict::PASSED;

use super::pdf_controls::{is_changed, warnings};

const CONTENTS_FAULT: &str = "TOTAL-FAILED FORMAT_FAILURE pdf-signature-contents";
const MESSAGE: &str = "TOTAL-FAILED FORMAT_FAILURE pdf-signature-message";
const RANGE: &str = "TOTAL-FAILED FORMAT_FAILURE pdf-byte-range";
const GAP: &str = "TOTAL-FAILED FORMAT_FAILURE pdf-byte-range-gap";
const END: &str = "TOTAL-FAILED FORMAT_FAILURE pdf-byte-range-end";
const SHARED: &str = "TOTAL-FAILED FORMAT_FAILURE pdf-signature-shared";
const UNSUPPORTED: &str = "INDETERMINATE signature-format-not-supported";
const UNREADABLE: &str = "INDETERMINATE pdf-unreadable";

/// The text of a byte range.
type Range = fn([usize; 3]) -> String;

fn good() -> Pdf {
    let pdf = Pdf::of(Kind::Table).signed(&Signing::default());
    assert_eq!(verdict(&pdf.octets), PASSED);
    pdf
}

/// With the octets of the string of the message, its delimiters included, put in place of what was there.
fn with_string(pdf: &Pdf, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut octets = pdf.octets.clone();
    let place = scan::messages(&octets).pop().expect("a message");
    change(&mut octets[place]);
    octets
}

/// These octets, filled up with spaces.
fn put(place: &mut [u8], octets: &[u8]) {
    place.fill(b' ');
    place[..octets.len()].copy_from_slice(octets);
}

#[test]
fn p01_contents_that_are_no_message() {
    let pdf = good();
    for (text, expected) in [
        (&b"null"[..], CONTENTS_FAULT),
        (b"<>", CONTENTS_FAULT),
        (b"()", CONTENTS_FAULT),
        (b"0", CONTENTS_FAULT),
        (b"true", CONTENTS_FAULT),
        (b"/Name", CONTENTS_FAULT),
        (b"[]", CONTENTS_FAULT),
        (b"<< >>", CONTENTS_FAULT),
        (b"4 0 R", CONTENTS_FAULT),
        (b"99 0 R", CONTENTS_FAULT),
        (b"", UNREADABLE),
    ] {
        let octets = with_string(&pdf, |place| put(place, text));
        // Whether it is the string or what is left out that is wrong is a matter of what is looked at first.
        let found = verdict(&octets);
        let is_expected = found == expected || expected == CONTENTS_FAULT && [GAP, MESSAGE].contains(&found.as_str());
        assert!(is_expected, "{}: {found}", String::from_utf8_lossy(text));
    }
    for digit in [b'0', b'3', b'f'] {
        let octets = with_string(&pdf, |place| {
            let end = place.len() - 1;
            place[1..end].fill(digit);
        });
        assert_eq!(verdict(&octets), MESSAGE, "nothing but {}", char::from(digit));
    }
    for key in ["/Kontents", "/contents", "/Content "] {
        let at = find(&pdf.octets, b"/Contents <");
        let mut octets = pdf.octets.clone();
        octets[at..at + key.len()].copy_from_slice(key.as_bytes());
        assert!(verdict(&octets).starts_with("TOTAL-FAILED FORMAT_FAILURE pdf-signature-contents"), "{key}");
    }
    // Its octets as a string of another kind, which the signer covered rightly.
    let octets = with_string(&pdf, |place| {
        let end = place.len() - 1;
        (place[0], place[end]) = (b'(', b')');
    });
    assert_eq!(verdict(&octets), CONTENTS_FAULT, "digits in a literal string");
}

#[test]
fn p01_a_message_that_never_was_signed() {
    for message in [forged as fn(&[u8]) -> Vec<u8>, |_| vec![0x30, 0x00], |_| b"\x30\x80\0\0".to_vec(), |_| Vec::new()]
    {
        let pdf = Pdf::of(Kind::Table).signed(&Signing { message, ..Signing::default() });
        assert!(verdict(&pdf.octets).starts_with("TOTAL-FAILED"), "{}", verdict(&pdf.octets));
    }
}

#[test]
fn p02_byte_ranges_that_are_none() {
    let ways: [(&str, Range, &str); 22] = [
        ("null", |_| "null".to_owned(), RANGE),
        ("no numbers", |_| "[]".to_owned(), RANGE),
        ("one", |_| "[0]".to_owned(), RANGE),
        ("two", |[first, ..]| format!("[0 {first}]"), RANGE),
        ("three", |[first, second, _]| format!("[0 {first} {second}]"), RANGE),
        ("five", |[first, second, end]| format!("[0 {first} {second} {} 0]", end - second), RANGE),
        ("six", |[first, second, end]| format!("[0 {first} {second} {} {end} 0]", end - second), RANGE),
        ("negative", |[first, second, end]| format!("[0 {first} {second} -{}]", end - second), RANGE),
        ("negative from", |[first, second, end]| format!("[-0 {first} -{second} {}]", end - second), RANGE),
        ("reals", |[first, second, end]| format!("[0.0 {first}.0 {second}.0 {}.0]", end - second), RANGE),
        ("one real", |[first, second, end]| format!("[0 {first} {second} {}.]", end - second), RANGE),
        ("references", |_| "[0 4 0 R 4 0 R 4 0 R]".to_owned(), RANGE),
        ("a reference", |_| "6 0 R".to_owned(), RANGE),
        ("a string", |[first, second, end]| format!("([0 {first} {second} {}])", end - second), RANGE),
        ("nested", |[first, second, end]| format!("[[0 {first} {second} {}]]", end - second), RANGE),
        ("a dictionary", |[first, ..]| format!("<< /A 0 /B {first} >>"), RANGE),
        ("all zeros", |_| "[0 0 0 0]".to_owned(), RANGE),
        ("behind the end", |[first, second, end]| format!("[0 {first} {second} {}]", end - second + 1), RANGE),
        ("overflowing", |[first, second, _]| format!("[0 {first} {second} {}]", i64::MAX), RANGE),
        ("too long for numbers", |[first, second, _]| format!("[0 {first} {second} 18446744073709551616]"), UNREADABLE),
        ("overlapping", |[first, second, end]| format!("[0 {second} {first} {}]", end - first), RANGE),
        ("with an exponent", |[first, second, end]| format!("[0 {first} {second} {}e0]", end - second), UNREADABLE),
    ];
    for (name, byte_range, expected) in ways {
        let pdf = Pdf::of(Kind::Table).signed(&Signing { byte_range, ..Signing::default() });
        assert_eq!(verdict(&pdf.octets), expected, "{name}");
        // The same in a file that was signed rightly.
        let mut octets = good().octets;
        let at = find(&octets, b"/ByteRange [") + "/ByteRange ".len();
        let place = scan::messages(&octets).pop().expect("a message");
        let text = byte_range([place.start, place.end, octets.len()]);
        let end = place.start - " /Contents ".len();
        put(&mut octets[at..end], text.as_bytes());
        assert_eq!(verdict(&octets), expected, "{name}, put into a good file");
    }
    for key in ["/BiteRange", "/byterange"] {
        let octets = replaced(&good().octets, "/ByteRange", key);
        assert!(verdict(&octets).starts_with("TOTAL-FAILED"), "without a byte range: {}", verdict(&octets));
    }
}

#[test]
fn p02_a_byte_range_in_another_object() {
    let mut pdf = Pdf::of(Kind::Table);
    pdf.objects.insert(20, b"[0 1 2 3]".to_vec());
    let how = Signing {
        byte_range: |_| "20 0 R".to_owned(),
        more: [(20, format!("[0 1000 4000 {:10}]", 600).into_bytes())].into(),
        ..Signing::default()
    };
    assert_eq!(verdict(&pdf.signed(&how).octets), RANGE);
}

#[test]
fn p05_a_second_range_that_was_moved() {
    for byte_range in [
        (|[first, second, end]| format!("[0 {first} {} {}]", second + 1, end - second - 1)) as Range,
        |[first, second, end]| format!("[0 {} {second} {}]", first - 1, end - second),
        |[first, second, end]| format!("[0 {first} {} {}]", second + 20, end - second - 20),
        |[first, second, end]| format!("[0 {first} {} 1]", second.max(end - 1)),
    ] {
        let pdf = Pdf::of(Kind::Table).signed(&Signing { byte_range, ..Signing::default() });
        assert_eq!(verdict(&pdf.octets), GAP);
    }
}

#[test]
fn p05_the_signed_parts_wrapped_around_what_is_shown() {
    let pdf = good();
    let place = scan::messages(&pdf.octets).pop().expect("a message");
    let (before, after) = (&pdf.octets[..place.start], &pdf.octets[place.end..]);
    let string = &pdf.octets[place.clone()];
    // The dictionary ends in the gap, with a byte range of its own; objects of the attacker follow; then the second part.
    let mut octets = [before, string].concat();
    let range = octets.len();
    octets.extend(format!(" /ByteRange{} >>\nendobj\n", " ".repeat(60)).bytes());
    let evil = octets.len();
    octets.extend(b"4 0 obj\n<< /Length 30 >>\nstream\nBT /F1 12 Tf (Convicted.) Tj ET\nendstream\nendobj\n");
    let table = octets.len();
    octets
        .extend(format!("xref\n4 1\n{evil:010} 00000 n\r\ntrailer\n<< /Size 40 /Root 1 0 R /Prev {} >>\n", 0).bytes());
    let second = octets.len();
    octets.extend_from_slice(after);
    octets.extend(format!("startxref\n{table}\n%%EOF\n").bytes());
    let text = format!("[0 {} {second} {}]", place.start, after.len());
    octets[range + 11..range + 11 + text.len()].copy_from_slice(text.as_bytes());
    assert_ne!(verdict(&octets), PASSED);
    // The same without a second key: the number is written over, although it is signed.
    let text = format!("{} {}]", place.end + 500, after.len());
    let mut octets = [before, string, &[b' '; 500], after].concat();
    let at = find(&octets, b"/ByteRange [") + "/ByteRange [0 ".len() + place.start.to_string().len() + 1;
    octets[at..at + text.len()].copy_from_slice(text.as_bytes());
    assert_ne!(verdict(&octets), PASSED);
}

#[test]
fn p06_a_gap_with_more_than_the_string() {
    let with_two: Range = |[first, second, end]| format!("[0 {} {} {}]", first - 2, second + 2, end - second - 2);
    for around in [("  ", "  "), ("%\n", "%\n"), ("\0\0", "\r\n"), ("  ", "/X"), ("  ", "%x")] {
        let how = Signing { around, byte_range: with_two, ..Signing::default() };
        assert_ne!(verdict(&Pdf::of(Kind::Table).signed(&how).octets), PASSED, "{around:?}");
        // What stands there and is signed is harmless.
        let how = Signing { around: (around.0, "  "), ..Signing::default() };
        assert_eq!(verdict(&Pdf::of(Kind::Table).signed(&how).octets), PASSED, "{around:?} signed");
    }
    let how = Signing { around: ("  ", "  "), byte_range: with_two, ..Signing::default() };
    assert_eq!(verdict(&Pdf::of(Kind::Table).signed(&how).octets), GAP);
    for byte_range in [
        (|[first, second, end]| format!("[0 {} {} {}]", first + 1, second - 1, end - second + 1)) as Range,
        |[first, second, end]| format!("[0 {} {second} {}]", first + 1, end - second),
        |[first, second, end]| format!("[0 {first} {} {}]", second - 1, end - second + 1),
    ] {
        let how = Signing { byte_range, ..Signing::default() };
        assert_eq!(verdict(&Pdf::of(Kind::Table).signed(&how).octets), GAP, "the delimiters are left out too");
    }
    for space in *b" \n\r\t\0\x0c" {
        let octets = with_string(&good(), |place| {
            let end = place.len() - 1;
            place[end - 2..end].fill(space);
        });
        assert_eq!(verdict(&octets), CONTENTS_FAULT, "{space:02x} among the digits");
    }
    for junk in *b"g%(/<" {
        let octets = with_string(&good(), |place| {
            let end = place.len() - 1;
            place[end - 1] = junk;
        });
        assert_ne!(verdict(&octets), PASSED, "{} among the digits", char::from(junk));
    }
}

#[test]
fn p07_ranges_that_leave_the_beginning_or_the_end_out() {
    let from_one: Range = |[first, second, end]| format!("[1 {} {second} {}]", first - 1, end - second);
    let pdf = Pdf::of(Kind::Table).signed(&Signing { byte_range: from_one, ..Signing::default() });
    assert_eq!(verdict(&pdf.octets), RANGE, "from 1");
    let ends: [Range; 5] = [
        |[first, second, end]| format!("[0 {first} {second} {}]", end - second - 1),
        |[first, second, end]| format!("[0 {first} {second} {}]", end - second - 2),
        |[first, second, end]| format!("[0 {first} {second} {}]", end - second - 6),
        |[first, second, end]| format!("[0 {first} {second} {}]", end - second - 20),
        |[first, second, _]| format!("[0 {first} {second} 1]"),
    ];
    for (number, byte_range) in ends.into_iter().enumerate() {
        for kind in [Kind::Table, Kind::Stream] {
            let pdf = Pdf::of(kind).signed(&Signing { byte_range, ..Signing::default() });
            assert_eq!(verdict(&pdf.octets), END, "{kind:?}, end {number}");
            if number == 0 {
                // An end of line that the next revision begins with.
                continue;
            }
            let later = pdf.signed(&Signing::named("Second"));
            assert_ne!(verdict(&later.octets), PASSED, "{kind:?}, end {number}, signed again");
        }
    }
}

#[test]
fn p08_more_than_zeros_behind_the_message() {
    let second: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x00";
    for padding in [(second, b'0'), (&[], b'1'), (&[], b'f'), (&[1], b'0'), (&[0, 0, 0x30], b'0'), (&[4, 0], b'0')] {
        let pdf = Pdf::of(Kind::Table).signed(&Signing { padding, ..Signing::default() });
        assert_eq!(verdict(&pdf.octets), MESSAGE, "{padding:?}");
    }
    // The last digit alone, and a message twice.
    let octets = with_string(&good(), |place| {
        let last = place.len() - 2;
        place[last] = b'1';
    });
    assert_eq!(verdict(&octets), MESSAGE);
    let pdf = good();
    let place = scan::messages(&pdf.octets).pop().expect("a message");
    let message = scan::message(&pdf.octets, &place);
    let digits = hex::encode(&message);
    let long = Pdf::of(Kind::Table).signed(&Signing { room: 2800, ..Signing::default() });
    assert_eq!(verdict(&long.octets), PASSED);
    let octets = with_string(&long, |place| {
        let from = 2800;
        place[from..from + digits.len()].copy_from_slice(digits.as_bytes());
    });
    assert_eq!(verdict(&octets), MESSAGE, "a second message behind the first");
    let pdf = Pdf::of(Kind::Table).signed(&Signing { is_odd: true, ..Signing::default() });
    assert_eq!(verdict(&pdf.octets), CONTENTS_FAULT, "an odd number of digits");
}

#[test]
fn p09_ranges_of_two_signatures_that_overlap() {
    let first = good();
    // The second leaves out the string of the first too: all from there.
    let place = scan::messages(&first.octets).pop().expect("a message");
    let mut second = first.with_placeholder(&Signing::named("Second"));
    let from = first.octets.len();
    fill(&mut second.octets, from, &Signing::named("Second"));
    assert_eq!(verdict(&second.octets), PASSED, "both whole");
    let mut attacked = first.with_placeholder(&Signing::named("Second"));
    let at = from + find(&attacked.octets[from..], b"/ByteRange") + "/ByteRange".len();
    let string = at + find(&attacked.octets[at..], b"<0000");
    let end = string + 2 + 2 * Signing::default().room;
    let text = format!("[0 {} {end} {}]", place.start, attacked.octets.len() - end);
    attacked.octets[at + 1..=at + text.len()].copy_from_slice(text.as_bytes());
    let parts = [&attacked.octets[..place.start], &attacked.octets[end..]].concat();
    let digits = hex::encode((Signing::default().message)(&parts));
    attacked.octets[string + 1..=string + digits.len()].copy_from_slice(digits.as_bytes());
    assert_eq!(verdict(&attacked.octets), GAP);
}

#[test]
fn p18_the_signature_dictionary_written_again() {
    let how = Signing { entries: "/Reason (Seen) /Name (Ng. V. A)".to_owned(), ..Signing::default() };
    let pdf = Pdf::of(Kind::Table).signed(&how);
    assert_eq!(verdict(&pdf.octets), PASSED);
    let dictionary = scan::objects(&pdf.octets).into_iter().find(|found| found.number == 30).expect("the dictionary");
    let body = &pdf.octets[dictionary.body];
    for (from, to) in [
        ("(Seen)", "(Agreed)"),
        ("(Ng. V. A)", "(Tr. T. B)"),
        ("(D:20270115141000", "(D:20200115141000"),
        ("/Adobe.PPKLite", "/Another"),
        ("/Type /Sig", ""),
        ("/Type /Sig", "/Type /Sig /Location (Elsewhere)"),
        ("(Seen)", "(Seen)"),
    ] {
        let again = pdf.with([(30, replaced(body, from, to))]);
        let found = verdict(&again.octets);
        // Its string stands elsewhere now.
        assert!(found == GAP || is_changed(&found, "signature"), "{from} to {to}: {found}");
    }
}

#[test]
fn p19_a_signature_of_several_fields() {
    let field = "<< /Type /Annot /Subtype /Widget /FT /Sig /T (other) /F 132 /Rect [0 0 0 0] /P 3 0 R /V 30 0 R >>";
    let mut how = Signing::default();
    how.more.insert(40, field.as_bytes().to_vec());
    let base = Pdf::of(Kind::Ready);
    how.more.insert(7, b"<< /Fields [10 0 R 40 0 R] /SigFlags 3 >>".to_vec());
    assert_eq!(verdict(&base.signed(&how).octets), SHARED, "signed that way");
    // Added later.
    let pdf = base.signed(&Signing::default());
    assert_eq!(verdict(&pdf.octets), PASSED);
    let form = pdf.edited(7, "/Fields [", "/Fields [40 0 R ");
    let later = pdf.with([(40, field.as_bytes().to_vec()), form]);
    assert!(verdict(&later.octets).starts_with("TOTAL-FAILED"), "{}", verdict(&later.octets));
    let (number, filled) = pdf.edited(10, "/T (ready)", "/T (ready) /V 30 0 R");
    let later = pdf.with([(number, filled)]);
    assert!(verdict(&later.octets).starts_with("TOTAL-FAILED"), "{}", verdict(&later.octets));
    // Of two fields with the same name.
    let mut how = Signing::default();
    how.more.insert(40, field.replace("(other)", "(Signature)").into_bytes());
    how.more.insert(7, b"<< /Fields [10 0 R 40 0 R] /SigFlags 3 >>".to_vec());
    assert_ne!(verdict(&base.signed(&how).octets), PASSED);
}

#[test]
fn p20_kinds_of_signatures_that_are_not_judged() {
    for sub_filter in [
        "/SubFilter /adbe.x509.rsa_sha1",
        "/SubFilter /adbe.pkcs7.sha1",
        "/SubFilter /ETSI.CAdES.attached",
        "/SubFilter /etsi.cades.detached",
        "/SubFilter /ETSI.CAdES.detached.",
        "/SubFilter (ETSI.CAdES.detached)",
        "/SubFilter [/ETSI.CAdES.detached]",
        "/SubFilter null",
        "",
    ] {
        let pdf = Pdf::of(Kind::Table).signed(&Signing { sub_filter, ..Signing::default() });
        assert_eq!(verdict(&pdf.octets), UNSUPPORTED, "{sub_filter}");
    }
    let octets = replaced(&good().octets, "ETSI.CAdES.detached", "adbe.pkcs7.detached");
    assert!(verdict(&octets).starts_with("TOTAL-FAILED"), "rewritten in a good file");
    let octets = replaced(&good().octets, "ETSI.CAdES.detached", "adbe.x509.rsa_sha1 ");
    assert_ne!(verdict(&octets), PASSED, "rewritten in a good file");
}

#[test]
fn p20_a_wrong_type_is_a_warning() {
    for (kind, is_warned) in [("/Type /Sig", false), ("", false), ("/Type /DocTimeStamp", true), ("/Type /Other", true)]
    {
        let pdf = Pdf::of(Kind::Table).signed(&Signing { kind, ..Signing::default() });
        assert_eq!(verdict(&pdf.octets), PASSED, "{kind}");
        let warned = warnings(&pdf.octets);
        assert_eq!(!warned.is_empty(), is_warned, "{kind}: {warned:?}");
    }
}

#[test]
fn p04_a_second_copy_of_the_signature_object() {
    for kind in [Kind::Table, Kind::Stream] {
        let pdf = Pdf::of(kind).signed(&Signing::default());
        let found = scan::objects(&pdf.octets);
        let dictionary = found.iter().find(|found| found.number == 30).expect("the dictionary");
        let whole = &pdf.octets[dictionary.whole.clone()];
        let text = format!("4 0 obj\n{}\nendobj\n", "<< /Length 3 >>\nstream\nq Q\nendstream");
        for (name, body) in [
            ("the copy", whole.to_vec()),
            ("contents", text.clone().into_bytes()),
            ("contents and the copy", [text.as_bytes(), whole].concat()),
            ("the copy and the end", [whole, b"\n%%EOF\n"].concat()),
            ("a trailer", b"trailer\n<< /Root 1 0 R /Size 40 >>\n".to_vec()),
            ("a trailer and the end", b"trailer\n<< /Root 1 0 R /Size 40 >>\nstartxref\n0\n%%EOF\n".to_vec()),
            ("contents and the same beginning", {
                [text.as_bytes(), format!("startxref\n{}\n%%EOF\n", pdf.startxref).as_bytes()].concat()
            }),
            ("the same beginning", format!("startxref\n{}\n%%EOF\n", pdf.startxref).into_bytes()),
        ] {
            let octets = [&pdf.octets, body.as_slice()].concat();
            assert_ne!(verdict(&octets), PASSED, "{kind:?}: {name}");
        }
        // The copy is referred to.
        let body = pdf.octets[dictionary.body.clone()].to_vec();
        let content = pdf.edited(PAGE, "/Contents 4 0 R", "/Contents 50 0 R");
        let stream = (50, pdf.objects[&CONTENTS].clone());
        let copied =
            pdf.with([(51, body.clone()), pdf.edited(31, "/V 30 0 R", "/V 51 0 R"), content.clone(), stream.clone()]);
        assert!(verdict(&copied.octets).starts_with("TOTAL-FAILED"), "{kind:?}: {}", verdict(&copied.octets));
        let copied = pdf.with([(30, body), content, stream]);
        assert!(verdict(&copied.octets).starts_with("TOTAL-FAILED"), "{kind:?}: {}", verdict(&copied.octets));
        // Another root, with a form of its own that names the copy.
        let root = with_entry(&pdf.objects[&CATALOGUE], "/Lang (vi)");
        assert!(verdict(&pdf.with([(CATALOGUE, root)]).octets).starts_with("TOTAL-FAILED"));
    }
}
