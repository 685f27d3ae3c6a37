//! Fields that are there, certifications, and what earlier signatures allow.

use antin::core::pdf::document::Document;
use antin::core::pdf::object::{Dictionary, Object, Reference};
use antin::core::pdf::update::Update;

use super::office::{Office, PAPER, foreign_programs_accept};

/// The paper with a form of these fields: signature fields unless they say otherwise.
fn with_fields(fields: &[(&str, Dictionary)]) -> Vec<u8> {
    let document = Document::read(PAPER).expect("readable");
    let mut update = Update::new(&document);
    let field = |(name, more): &(&str, Dictionary)| {
        let mut field = Dictionary::default()
            .with("Type", Object::of_name("Annot"))
            .with("Subtype", Object::of_name("Widget"))
            .with("FT", Object::of_name("Sig"))
            .with("T", Object::of_text(name))
            .with("Rect", Object::of_array([0, 0, 0, 0].map(Object::Integer)));
        more.iter().for_each(|(key, value)| field.set(key, value.object.clone()));
        Object::Dictionary(field)
    };
    let own: Vec<Object> = fields.iter().map(|one| Object::Reference(update.add(field(one)))).collect();
    let form = update.add(Object::Dictionary(Dictionary::default().with("Fields", Object::of_array(own))));
    let root = document.trailer().get(b"Root").and_then(|root| root.object.as_reference()).expect("a catalogue");
    let catalogue = update.dictionary(root).expect("a catalogue").with("AcroForm", Object::Reference(form));
    update.put(root, Object::Dictionary(catalogue));
    [PAPER, &update.finish().expect("room").octets].concat()
}

fn lock(action: &str, fields: &[&str]) -> Dictionary {
    let lock = Dictionary::default()
        .with("Type", Object::of_name("SigFieldLock"))
        .with("Action", Object::of_name(action))
        .with("Fields", Object::of_array(fields.iter().map(|name| Object::of_text(name))));
    Dictionary::default().with("Lock", Object::Dictionary(lock))
}

fn plain() -> Dictionary {
    Dictionary::default()
}

fn refused(office: &Office, pdf: &[u8], options: &[&str]) -> String {
    office.sign("health", pdf, options).expect_err("not signed").1
}

#[test]
fn a_field_that_is_there_is_filled_by_its_name() {
    let office = Office::open();
    let text = plain().with("FT", Object::of_name("Tx"));
    let demanding = plain().with("SV", Object::Dictionary(plain()));
    let form = with_fields(&[("A", plain()), ("B", plain()), ("Text", text), ("Seed", demanding), ("Ô ký", plain())]);
    let first = office.sign("judicial", &form, &["--field", "B"]).expect("signed");
    let second = office.sign("health", &first, &["--field", "Ô ký"]).expect("signed");
    let third = office.sign("health", &second, &[]).expect("signed");
    let report = office.accepts(&third, &["PAdES-BASELINE-B"; 3]);
    let names: Vec<&str> = (0..3).map(|index| report["signatures"][index]["pdf"]["field"].as_str().unwrap()).collect();
    assert_eq!(names, ["B", "Ô ký", "Signature1"]);
    foreign_programs_accept(&office, &third, 3);
    for (name, why) in [
        ("B", "is signed"),
        ("Text", "is no signature field"),
        ("Seed", "demands"),
        ("a.b", "no full stop"),
        ("", "1 to 128 characters"),
    ] {
        let said = refused(&office, &third, &["--field", name]);
        assert!(said.contains("pdf-field") && said.contains(why), "{name}: {said}");
    }
}

#[test]
fn a_certification_is_the_first_signature_and_says_what_may_follow() {
    let office = Office::open();
    for (level, allows) in [("1", false), ("2", true), ("3", true)] {
        let certified = office.sign("judicial", PAPER, &["--certify", level]).expect("signed");
        office.accepts(&certified, &["PAdES-BASELINE-B"]);
        foreign_programs_accept(&office, &certified, 1);
        match office.sign("health", &certified, &[]) {
            Ok(approved) if allows => {
                office.accepts(&approved, &["PAdES-BASELINE-B"; 2]);
                foreign_programs_accept(&office, &approved, 2);
            }
            Err((65, said)) if !allows => assert!(said.contains("pdf-certified"), "{said}"),
            other => panic!("{level}: {other:?}"),
        }
        // Time-stamps and evidence are allowed whatever else is not.
        let raised = office.extend(&certified, "B-LTA").expect("raised");
        office.accepts(&raised, &["PAdES-BASELINE-LTA"]);
        assert!(refused(&office, &certified, &["--certify", "2"]).contains("pdf-certification-not-first"));
    }
    let approved = office.sign("judicial", PAPER, &[]).expect("signed");
    assert!(refused(&office, &approved, &["--certify", "3"]).contains("pdf-certification-not-first"));
}

#[test]
fn a_field_that_locks_others_keeps_them_as_they_are() {
    let office = Office::open();
    let form = with_fields(&[("A", lock("Include", &["B"])), ("B", plain()), ("C", plain())]);
    let locked = office.sign("judicial", &form, &["--field", "A"]).expect("signed");
    let said = refused(&office, &locked, &["--field", "B"]);
    assert!(said.contains("pdf-certified") && said.contains("\"B\""), "{said}");
    let other = office.sign("health", &locked, &["--field", "C"]).expect("signed");
    office.accepts(&other, &["PAdES-BASELINE-B"; 2]);
    foreign_programs_accept(&office, &other, 2);

    let form = with_fields(&[("A", lock("Exclude", &["C"])), ("B", plain()), ("C", plain())]);
    let locked = office.sign("judicial", &form, &["--field", "A"]).expect("signed");
    assert!(refused(&office, &locked, &["--field", "B"]).contains("pdf-certified"));
    assert!(refused(&office, &locked, &[]).contains("pdf-certified"), "a new field is none that is left out");
    office.accepts(&office.sign("health", &locked, &["--field", "C"]).expect("signed"), &["PAdES-BASELINE-B"; 2]);

    let form = with_fields(&[("A", lock("All", &[]))]);
    let locked = office.sign("judicial", &form, &["--field", "A"]).expect("signed");
    assert!(refused(&office, &locked, &[]).contains("pdf-certified"));

    let whole = plain().with("Lock", Object::Dictionary(plain().with("P", Object::Integer(1))));
    let said = refused(&office, &with_fields(&[("A", whole)]), &["--field", "A"]);
    assert!(said.contains("pdf-field"), "{said}");
}

#[test]
fn a_form_that_stands_in_the_catalogue_stays_there() {
    let office = Office::open();
    let document = Document::read(PAPER).expect("readable");
    let mut update = Update::new(&document);
    let root: Reference = document.trailer().get(b"Root").and_then(|root| root.object.as_reference()).expect("one");
    let form = plain().with("Fields", Object::of_array([])).with("DA", Object::of_text("/Helv 0 Tf 0 g"));
    let catalogue = update.dictionary(root).expect("a catalogue").with("AcroForm", Object::Dictionary(form));
    update.put(root, Object::Dictionary(catalogue));
    let inline = [PAPER, &update.finish().expect("room").octets].concat();
    let first = office.sign("judicial", &inline, &[]).expect("signed");
    let second = office.sign("health", &first, &[]).expect("signed");
    office.accepts(&second, &["PAdES-BASELINE-B"; 2]);
    foreign_programs_accept(&office, &second, 2);
    let document = Document::read(&second).expect("readable");
    let form =
        document.dictionary(&document.catalogue().expect("one"), b"AcroForm").expect("readable").expect("a form");
    assert!(form.get(b"DA").is_some() && form.integer(b"SigFlags") == Some(3));
}
