//! Messages that are deep, long or many: refused or judged at a cost that the message does not choose.

use std::time::Duration;

use antin::core::cms::build::attribute;
use antin::core::der::{tag, writer};
use antin::core::oid;

use crate::kit::CONTENT;
use crate::kit::ber::{Style, twin};
use crate::kit::cost::Cost;
use crate::kit::message::{Message, SignerInfo, dotted};
use crate::kit::tree::tree;
use crate::kit::verdict::{PASSED, UNREADABLE, enveloping_verdict, verdict};

const ENCODING: &str = "TOTAL-FAILED FORMAT_FAILURE signed-attributes-encoding";
const NOT_FOUND: &str = "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND signing-certificate-not-found";

fn good() -> SignerInfo {
    SignerInfo::new(&tree().signer, CONTENT)
}

#[test]
fn c21_more_certificates_lists_and_signers_than_any_message_needs() {
    let certificate = tree().ca_certificate.der().to_vec();
    let list = tree().crls.iter().next().expect("a list").der().to_vec();
    let info = good();
    let signer = info.encode();
    let message = Message::detached(info);
    for (name, message) in [
        ("certificates", Message { certificates: vec![certificate; 10_000], ..message.clone() }),
        ("lists", Message { crls: vec![list; 10_000], ..message.clone() }),
        ("signers", Message { signers: vec![signer; 10_000], ..message.clone() }),
        ("digests", Message { digest_algorithms: vec![vec![0x30, 3, 6, 1, 0x2A]; 10_000], ..message.clone() }),
    ] {
        let der = message.encode();
        for bytes in [&der, &twin(&der, Style { indefinite: true, ..Style::default() })] {
            let started = Cost::begin();
            assert_eq!(verdict(bytes, CONTENT), UNREADABLE, "{name}");
            assert!(started.elapsed() < Duration::from_secs(1), "{name}: {:?}", started.elapsed());
        }
    }
}

#[test]
fn c21_a_giant_unsigned_attribute_costs_little() {
    let mut info = good();
    let giant = writer::octet_string(&vec![0x5A; 50_000_000]);
    info.unsigned_attributes = Some(vec![attribute(&dotted("1.3.6.1.4.1.32473.7"), &giant)]);
    let message = Message::detached(info.clone()).encode();
    let started = Cost::begin();
    assert_eq!(verdict(&message, CONTENT), PASSED);
    info.unsigned_attributes = Some(vec![attribute(&dotted("1.3.6.1.4.1.32473.7"), &[tag::NULL, 0]); 1_000_000]);
    assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), PASSED);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[test]
fn c28_depth_and_lengths_that_lie() {
    let started = Cost::begin();
    let nested = |count: usize| (0..count).fold(vec![tag::NULL, 0], |inside, _| writer::sequence(&[&inside]));
    let deep = nested(2_000);
    for element in [writer::sequence(&[&deep]), deep.clone()] {
        assert_eq!(enveloping_verdict(&element), UNREADABLE);
    }
    let mut info = good();
    info.add(&attribute(&dotted("1.3.6.1.4.1.32473.9"), &deep));
    assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), ENCODING, "in a signed attribute");
    let mut info = good();
    info.unsigned_attributes = Some(vec![attribute(&dotted("1.3.6.1.4.1.32473.9"), &deep)]);
    assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), PASSED, "an unsigned one is not looked into");
    let message = Message { certificates: vec![deep.clone()], ..Message::detached(good()) };
    assert_eq!(verdict(&message.encode(), CONTENT), NOT_FOUND, "among the certificates");
    for form in [[0x30, 0x80].as_slice(), &[0x24, 0x80], &[0xA0, 0x80], &[0x30, 0x84, 0, 0xFF, 0xFF, 0xFF]] {
        assert_eq!(enveloping_verdict(&form.repeat(500_000)), UNREADABLE, "{form:02x?}");
    }
    // Lengths of up to 2^64 octets, none of which are there.
    for length in [&[0x84, 0xFF, 0xFF, 0xFF, 0xFF][..], &[0x85, 1, 0, 0, 0, 0], &[0x88; 9], &[0xFF; 127], &[0xFE; 127]]
    {
        for identifier in [0x30, 0x24, 0x04, 0xA0] {
            let lie = [&[identifier], length].concat();
            assert_eq!(enveloping_verdict(&lie), UNREADABLE);
            let inside = [&[0x30, 0x80, 0x06, 9], oid::SIGNED_DATA, &[0xA0, 0x80], lie.as_slice()].concat();
            assert_eq!(enveloping_verdict(&inside), UNREADABLE);
            let message = Message { certificates: vec![lie], ..Message::detached(good()) };
            assert_ne!(verdict(&message.encode(), CONTENT), PASSED);
        }
    }
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[test]
fn c28_giant_identifiers_and_names_cost_little() {
    let started = Cost::begin();
    // An identifier of a million arcs, and one arc of a million octets.
    let arcs = vec![0x01; 1_000_000];
    let mut arc = vec![0xFF; 1_000_000];
    arc.push(1);
    for giant in [arcs, arc] {
        let identifier = writer::sequence(&[&writer::object_identifier(&giant)]);
        let mut info = good();
        info.signature_algorithm = identifier.clone();
        let by_signature = verdict(&Message::detached(info).encode(), CONTENT);
        assert_ne!(by_signature, PASSED);
        let mut info = good();
        info.digest_algorithm = identifier;
        assert_ne!(verdict(&Message::detached(info).encode(), CONTENT), PASSED);
        let message = Message { outer_type: giant.clone(), ..Message::detached(good()) };
        assert_eq!(verdict(&message.encode(), CONTENT), UNREADABLE);
        let mut info = good();
        info.add(&attribute(&giant, &[tag::NULL, 0]));
        assert_ne!(verdict(&Message::detached(info).encode(), b"another"), PASSED);
    }
    // Names of thousands of attributes, in the signer identifier and in a certificate.
    let part = writer::element(
        tag::SET,
        &writer::sequence(&[&writer::object_identifier(oid::COMMON_NAME), &writer::utf8_string("a")]),
    );
    let name = writer::sequence(&[&part.repeat(50_000)]);
    let wide = writer::sequence(&[&writer::element(
        tag::SET,
        &writer::sequence(&[&writer::object_identifier(oid::COMMON_NAME), &writer::utf8_string("a")]).repeat(50_000),
    )]);
    for name in [name, wide] {
        let mut info = good();
        info.identifier =
            writer::sequence(&[&name, &writer::element(tag::INTEGER, &tree().signer.certificate.serial_number)]);
        assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), NOT_FOUND);
    }
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[test]
fn c28_a_long_name_is_taken_apart_once() {
    // As many signers as allowed, each with a long name beside a serial number that as many certificates as allowed have: work
    // must not grow with the product.
    let started = Cost::begin();
    for length in [6_000, 300_000] {
        let text = writer::utf8_string(&"long name ".repeat(length / 10));
        let attribute = writer::sequence(&[&writer::object_identifier(oid::COMMON_NAME), &text]);
        let name = writer::sequence(&[&writer::element(tag::SET, &attribute)]);
        let mut info = good();
        info.identifier =
            writer::sequence(&[&name, &writer::element(tag::INTEGER, &tree().signer.certificate.serial_number)]);
        let certificates = vec![tree().signer.certificate.der().to_vec(); 256];
        let signers = vec![info.encode(); 32];
        let message = Message { certificates, signers, ..Message::detached(info) }.encode();
        assert_eq!(verdict(&message, CONTENT), NOT_FOUND);
    }
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[test]
fn c28_an_identifier_beyond_all_use_is_refused_before_it_is_printed() {
    // The name of an unknown algorithm goes into the report: an attacker must not choose how long it is.
    let mut info = good();
    info.signature_algorithm = writer::sequence(&[&writer::object_identifier(&vec![0x7F; 100_000])]);
    assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), UNREADABLE);
}

#[test]
fn c28_nesting_in_ber_is_walked_once() {
    use antin::core::der::ber::normalise_element;
    // 40 strings in strings of indefinite length around 400,000 empty pieces.
    let mut nested = [0x24, 0x80].repeat(40);
    nested.extend([0x04, 0x00].repeat(400_000));
    nested.extend([0x00, 0x00].repeat(40));
    let started = crate::kit::cost::Cost::begin();
    assert_eq!(normalise_element(&nested), Ok(vec![0x04, 0x00]));
    // One walk of this build takes some 20 ms; forty took over a second.
    assert!(started.elapsed() < std::time::Duration::from_millis(700), "{:?}", started.elapsed());
}

#[test]
fn c28_a_giant_name_is_not_repeated_in_full() {
    use antin::core::der::{Reader, writer};
    use antin::core::oid;
    use antin::core::x509::Name;
    let attribute = writer::sequence(&[
        &writer::object_identifier(oid::ORGANIZATION),
        &writer::utf8_string(&"\u{1}".repeat(25_000)),
    ]);
    let name = writer::sequence(&[&writer::set_of(&[attribute])]);
    let name = Name::decode(Reader::single(&name, 0x30).expect("a sequence")).expect("a name");
    assert!(name.to_string().len() < 1100 && name.attribute(oid::ORGANIZATION).is_some_and(|text| text.len() <= 1024));
}
