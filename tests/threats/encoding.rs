//! Encodings: malformed, in BER, with something left over.

use std::sync::Arc;

use antin::core::cms::build::attribute;
use antin::core::crypto::sha256;
use antin::core::der::{Reader, tag, writer};
use antin::core::evidence::Evidence;
use antin::core::oid;
use antin::core::validation::Content;

use crate::kit::CONTENT;
use crate::kit::ber::{Style, indefinite, long_length, twin};
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo, digest_identifier, dotted};
use crate::kit::tree::{edited, edited_der, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED, UNREADABLE, enveloping_verdict, verdict};

const VERSION_UNKNOWN: &str = "TOTAL-FAILED FORMAT_FAILURE version-unknown";
const ENCODING: &str = "TOTAL-FAILED FORMAT_FAILURE signed-attributes-encoding";
const NOT_FOUND: &str = "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND signing-certificate-not-found";

fn good() -> SignerInfo {
    SignerInfo::new(&tree().signer, CONTENT)
}

/// The verdict with one field of `SignedData` replaced.
fn with_field(index: usize, field: &[u8]) -> String {
    let message = Message::enveloping(good());
    let mut fields = message.fields();
    fields[index] = field.to_vec();
    enveloping_verdict(&message.wrap(&writer::sequence(&fields.iter().map(Vec::as_slice).collect::<Vec<_>>())))
}

#[test]
fn c15_types_that_are_not_those_of_the_standard() {
    let message = Message::enveloping(good());
    let fields = message.fields();
    for (index, field) in fields.iter().enumerate() {
        assert_eq!(with_field(index, field), PASSED, "field {index} as it was");
        // The certificates may be absent; nothing else.
        let absent = if index == 3 { NOT_FOUND } else { UNREADABLE };
        assert_eq!(with_field(index, &[]), absent, "field {index} absent");
        for wrong in [&[tag::NULL, 0][..], &[tag::OCTET_STRING, 1, 0], &[tag::BOOLEAN, 1, 0xFF], &[0xA5, 0]] {
            assert_eq!(with_field(index, wrong), UNREADABLE, "field {index} is {wrong:02x?}");
        }
        let primitive = [&[field[0] & !0x20], &field[1..]].concat();
        if primitive != *field {
            assert_eq!(with_field(index, &primitive), UNREADABLE, "field {index} is primitive");
        }
        let twice = [field.as_slice(), field].concat();
        assert_eq!(with_field(index, &twice), UNREADABLE, "field {index} twice");
    }
    let data = writer::object_identifier(oid::DATA);
    let content = |inside: &[u8]| with_field(2, &writer::sequence(&[&data, inside]));
    assert_eq!(content(&[]), "INDETERMINATE SIGNED_DATA_NOT_FOUND signed-data-not-found", "content absent");
    for inside in [
        writer::element(0xA0, &[]),
        writer::element(0xA0, &[tag::NULL, 0]),
        writer::element(0xA0, &writer::sequence(&[])),
        writer::element(0xA0, &writer::element(tag::BIT_STRING, &[0])),
        writer::element(0x80, CONTENT),
        writer::element(0xA1, &writer::octet_string(CONTENT)),
        writer::octet_string(CONTENT),
        writer::element(0xA0, &[writer::octet_string(CONTENT), writer::octet_string(CONTENT)].concat()),
    ] {
        assert_eq!(content(&inside), UNREADABLE, "{inside:02x?}");
    }
    assert_eq!(with_field(0, &writer::element(tag::INTEGER, &[])), UNREADABLE);
    for version in [&[0][..], &[6], &[0xFF], &[0x7F], &[1, 0, 0, 0, 1]] {
        assert_eq!(with_field(0, &writer::element(tag::INTEGER, version)), VERSION_UNKNOWN, "version {version:02x?}");
    }
}

#[test]
fn c15_signers_that_are_not_those_of_the_standard() {
    let whole = good().encode();
    let signer = Reader::new(&whole).read().expect("a signer");
    let mut fields = Vec::new();
    let mut reader = signer.reader();
    while !reader.is_empty() {
        fields.push(reader.read().expect("a field").raw.to_vec());
    }
    assert_eq!(fields.len(), 6);
    let with = |index: usize, field: &[u8]| {
        let mut fields = fields.clone();
        fields[index] = field.to_vec();
        let signer = writer::sequence(&fields.iter().map(Vec::as_slice).collect::<Vec<_>>());
        enveloping_verdict(&Message { signers: vec![signer], ..Message::enveloping(good()) }.encode())
    };
    for (index, field) in fields.iter().enumerate() {
        assert_eq!(with(index, field), PASSED);
        let absent = if index == 3 { "TOTAL-FAILED FORMAT_FAILURE signed-attributes-missing" } else { UNREADABLE };
        assert_eq!(with(index, &[]), absent, "field {index} absent");
        for wrong in [&[tag::NULL, 0][..], &[tag::SEQUENCE, 0], &[tag::SET, 0], &[0xA3, 0], &[tag::INTEGER, 0]] {
            let verdict = with(index, wrong);
            assert_eq!(verdict, UNREADABLE, "field {index} is {wrong:02x?}");
        }
        let primitive = [&[field[0] & !0x20], &field[1..]].concat();
        if primitive != *field {
            assert_eq!(with(index, &primitive), UNREADABLE, "field {index} is primitive");
        }
    }
    for version in [0, 2, 4, 77] {
        assert_eq!(with(0, &[tag::INTEGER, 1, version]), VERSION_UNKNOWN);
    }
    // Something else than a signer among the signers.
    for other in [&[tag::NULL, 0][..], &[tag::SET, 0], &[tag::SEQUENCE, 0], &[tag::SEQUENCE, 2, tag::NULL, 0]] {
        let message = Message { signers: vec![good().encode(), other.to_vec()], ..Message::enveloping(good()) };
        assert_eq!(enveloping_verdict(&message.encode()), UNREADABLE, "{other:02x?}");
    }
}

#[test]
fn c15_other_content_types_and_bare_bytes() {
    for other in [oid::DATA, oid::TST_INFO, &dotted("1.2.840.113549.1.7.3"), &dotted("1.2.840.113549.1.9.16.1.2")] {
        let message = Message { outer_type: other.to_vec(), ..Message::enveloping(good()) };
        assert_eq!(enveloping_verdict(&message.encode()), UNREADABLE);
    }
    for bytes in [&b""[..], &[0x30], &[0x30, 0], &[0x30, 0x80], &[0x30, 0x80, 0, 0], &[0; 1000], CONTENT] {
        assert_eq!(enveloping_verdict(bytes), UNREADABLE, "{bytes:02x?}");
    }
    let message = Message::enveloping(good());
    let bare = writer::sequence(&message.fields().iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert_eq!(enveloping_verdict(&bare), UNREADABLE, "SignedData without ContentInfo");
}

/// Every style of BER in which the envelope may come.
fn styles() -> Vec<Style> {
    let plain = Style::default();
    let mut styles = vec![
        plain,
        Style { indefinite: true, ..plain },
        Style { long_lengths: true, ..plain },
        Style { padded_integers: true, ..plain },
        Style { pieces: Some(1000), ..plain },
        Style { pieces: Some(7), ..plain },
        Style { pieces: Some(16), nested_pieces: true, ..plain },
        Style { pieces: Some(16), indefinite: true, ..plain },
        Style { pieces: Some(16), long_lengths: true, ..plain },
    ];
    let all =
        Style { indefinite: true, long_lengths: true, padded_integers: true, pieces: Some(5), nested_pieces: true };
    styles.push(all);
    styles
}

#[test]
fn c17_ber_in_the_envelope_changes_no_verdict() {
    let signer = tree().signer(Kind::Rsa2048);
    let mut wrong_value = good();
    wrong_value.signature = Some(SignerInfo::new(&tree().signer, b"another").signature_value());
    let mut no_attributes = good();
    no_attributes.attributes = None;
    let mut unsigned = good();
    unsigned.unsigned_attributes = Some(vec![attribute(&dotted("1.3.6.1.4.1.32473.7"), &[tag::NULL, 0])]);
    let pss = crate::kit::key::pss(antin::core::algorithm::DigestAlgorithm::Sha256, 32);
    let crls: Vec<Vec<u8>> = tree().crls.iter().map(|crl| crl.der()).collect();
    let messages = [
        ("enveloping", Message::enveloping(good())),
        ("detached", Message::detached(good())),
        ("RSA", Message::enveloping(SignerInfo::new(&signer, CONTENT))),
        ("PSS", Message::enveloping(SignerInfo::with_algorithm(&signer, CONTENT, pss))),
        ("several", Message::of(&[good(), SignerInfo::new(&signer, CONTENT)])),
        ("with CRLs", Message { crls, ..Message::enveloping(good()) }),
        ("unsigned attribute", Message::enveloping(unsigned)),
        ("wrong value", Message::enveloping(wrong_value)),
        ("no attributes", Message::enveloping(no_attributes)),
        ("no signer", Message { signers: Vec::new(), ..Message::enveloping(good()) }),
        ("changed", Message { content: Some(b"another".to_vec()), ..Message::enveloping(good()) }),
        ("other type", Message { content_type: oid::TST_INFO.to_vec(), ..Message::enveloping(good()) }),
    ];
    for (name, message) in messages {
        let der = message.encode();
        for style in styles() {
            let ber = twin(&der, style);
            for content in [Content::None, Content::Bytes(CONTENT), Content::Bytes(b"another")] {
                let [of_der, of_ber] = [&der, &ber].map(|bytes| Judge::default().verdict(bytes, content));
                assert_eq!(of_der, of_ber, "{name} {style:?}");
            }
        }
    }
}

#[test]
fn c17_ber_of_a_key_identifier_in_pieces() {
    let identifier = tree().signer.certificate.extensions.subject_key_identifier.clone().expect("the extension");
    let mut info = good().by_key_identifier(&identifier);
    let pieces = [writer::octet_string(&identifier[..7]), writer::octet_string(&identifier[7..])].concat();
    for whole in [writer::element(0xA0, &pieces), indefinite(0xA0, &pieces)] {
        info.identifier = whole;
        assert_eq!(verdict(&Message::detached(info.clone()).encode(), CONTENT), PASSED);
    }
}

#[test]
fn c17_ber_inside_the_signed_attributes_never_passes() {
    let digest = sha256(CONTENT);
    let type_of = |identifier: &[u8]| writer::object_identifier(identifier);
    let octets = writer::octet_string(&digest);
    let in_pieces =
        writer::element(0x24, &[writer::octet_string(&digest[..16]), writer::octet_string(&digest[16..])].concat());
    let digest_type = type_of(oid::MESSAGE_DIGEST);
    let extra_type = type_of(&dotted("1.3.6.1.4.1.32473.9"));
    let extra = |value: &[u8]| writer::sequence(&[&extra_type, &writer::element(tag::SET, value)]);
    let digest_forms = [
        ("constructed", writer::sequence(&[&digest_type, &writer::element(tag::SET, &in_pieces)])),
        (
            "long length of the value",
            writer::sequence(&[&digest_type, &writer::element(tag::SET, &long_length(4, &digest))]),
        ),
        ("long length of the set", writer::sequence(&[&digest_type, &long_length(tag::SET, &octets)])),
        (
            "long length of the attribute",
            long_length(tag::SEQUENCE, &[digest_type.clone(), writer::element(tag::SET, &octets)].concat()),
        ),
        ("indefinite set", writer::sequence(&[&digest_type, &indefinite(tag::SET, &octets)])),
        (
            "indefinite attribute",
            indefinite(tag::SEQUENCE, &[digest_type.clone(), writer::element(tag::SET, &octets)].concat()),
        ),
    ];
    let extra_forms = [
        ("boolean 1", extra(&[tag::BOOLEAN, 1, 1])),
        ("padded integer", extra(&[tag::INTEGER, 2, 0, 1])),
        ("unused bits set", extra(&[tag::BIT_STRING, 2, 4, 0xFF])),
        ("padded identifier", extra(&[tag::OBJECT_IDENTIFIER, 2, 0x80, 1])),
        ("NULL with content", extra(&[tag::NULL, 1, 0])),
        ("constructed string", extra(&writer::element(0x2C, &writer::utf8_string("a")))),
        ("high tag for a low number", extra(&[0x1F, 0x04, 0])),
        ("end of contents", extra(&[0, 0])),
    ];
    let digest_infos = digest_forms.into_iter().map(|(name, whole)| {
        let mut info = good();
        info.remove(oid::MESSAGE_DIGEST);
        info.add(&whole);
        (name, info)
    });
    let extra_infos = extra_forms.into_iter().map(|(name, whole)| {
        let mut info = good();
        info.add(&whole);
        (name, info)
    });
    for (name, info) in digest_infos.chain(extra_infos) {
        // Signed as it stands, and signed in the DER that it means.
        let mut as_meant = info.clone();
        as_meant.signed_octets = Some(good().octets());
        for info in [info, as_meant] {
            let der = Message::detached(info).encode();
            assert_eq!(verdict(&der, CONTENT), ENCODING, "{name}");
            // The same under a BER envelope, where the attributes are copied as they came.
            let ber = indefinite(tag::SEQUENCE, Reader::new(&der).read().expect("a message").value);
            assert_eq!(verdict(&ber, CONTENT), ENCODING, "{name}");
        }
    }
    // The header of the attributes itself.
    let attributes: Vec<u8> = {
        let whole = good().octets();
        Reader::new(&whole).read().expect("a set").value.to_vec()
    };
    for element in [indefinite(0xA0, &attributes), long_length(0xA0, &attributes)] {
        let mut info = good();
        info.attributes_element = Some(element);
        assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), ENCODING);
    }
}

#[test]
fn c17_ber_inside_the_policies_of_a_certificate_never_passes() {
    use der::asn1::OctetString;
    let policies = x509_cert::der::oid::db::rfc5280::ID_CE_CERTIFICATE_POLICIES;
    for form in [long_length as fn(u8, &[u8]) -> Vec<u8>, indefinite] {
        let signer = edited(&tree().ca, &signer_profile("Policies in BER"), Kind::P256.key(), |certificate| {
            let extensions = certificate.extensions.as_mut().expect("extensions");
            let found = extensions.iter_mut().find(|extension| extension.extn_id == policies).expect("policies");
            let inside = Reader::new(found.extn_value.as_bytes()).read().expect("a list").value.to_vec();
            found.extn_value = OctetString::new(form(tag::SEQUENCE, &inside)).expect("octets");
        });
        let message = Message::detached(SignerInfo::new(&signer, CONTENT)).encode();
        assert_eq!(
            verdict(&message, CONTENT),
            "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE certificate-extension-not-understood"
        );
        assert_eq!(verdict(&message, b"another"), "TOTAL-FAILED HASH_FAILURE document-changed");
    }
}

#[test]
fn c17_ber_inside_certificates_and_lists_never_passes() {
    // One octet of length more in the outermost header, and one in the serial number; the critical flag 1 for FF.
    let der = tree().signer.certificate.der().to_vec();
    let inside = Reader::new(&der).read().expect("a certificate").value.to_vec();
    let critical = {
        let at = der.windows(3).position(|window| window == [tag::BOOLEAN, 1, 0xFF]).expect("a critical extension");
        let mut changed = der.clone();
        changed[at + 2] = 1;
        changed
    };
    let serial_number = edited_der(&tree().ca, &signer_profile("Padded"), Kind::P256.key(), |_| {});
    let padded = {
        // The outer SEQUENCE, the body and the serial number grow by one octet.
        let at = serial_number.windows(2).position(|window| window == [tag::INTEGER, 16]).expect("the serial number");
        let mut changed = serial_number;
        changed[at + 1] = 17;
        changed.insert(at + 2, 0);
        for header in [2, 6] {
            let length = u16::from_be_bytes([changed[header], changed[header + 1]]) + 1;
            changed[header..header + 2].copy_from_slice(&length.to_be_bytes());
        }
        changed
    };
    for (name, certificate) in [
        ("long length", long_length(tag::SEQUENCE, &inside)),
        ("indefinite length", indefinite(tag::SEQUENCE, &inside)),
        ("boolean 1", critical),
        ("padded serial number", padded),
    ] {
        let message = Message { certificates: vec![certificate], ..Message::detached(good()) }.encode();
        let verdict = verdict(&message, CONTENT);
        assert!(verdict == NOT_FOUND || verdict == UNREADABLE, "{name}: {verdict}");
    }
    let lists: Vec<Vec<u8>> = tree().crls.iter().map(|crl| crl.der()).collect();
    let evidence = Evidence { certificates: vec![Arc::clone(&tree().ca_certificate)], ..Evidence::default() };
    let judge = Judge { evidence: &evidence, ..Judge::default() };
    type Change = fn(u8, &[u8]) -> Vec<u8>;
    for change in [long_length as Change, indefinite as Change] {
        let crls =
            lists.iter().map(|crl| change(tag::SEQUENCE, Reader::new(crl).read().expect("a list").value)).collect();
        let message = Message { crls, ..Message::detached(good()) }.encode();
        let verdict = judge.verdict(&message, Content::Bytes(CONTENT));
        let expected = ["INDETERMINATE TRY_LATER revocation-status-unknown", UNREADABLE];
        assert!(expected.contains(&verdict.as_str()), "{verdict}");
    }
}

/// Offsets just behind the last octet inside each constructed element of a message, with the offsets of the headers of
/// those that enclose it, outermost first.
fn levels(bytes: &[u8], base: usize, around: &[usize], found: &mut Vec<(usize, Vec<usize>)>) {
    let mut reader = Reader::new(bytes);
    let mut at = base;
    while let Ok(element) = reader.read() {
        if element.tag & 0x20 != 0 {
            let enclosing = [around, &[at]].concat();
            found.push((at + element.raw.len(), enclosing.clone()));
            levels(element.value, at + element.raw.len() - element.value.len(), &enclosing, found);
        }
        at += element.raw.len();
    }
}

/// `message` with `more` inserted at `end`, inside the elements whose headers stand at `headers`.
fn inserted(message: &[u8], end: usize, headers: &[usize], more: &[u8]) -> Vec<u8> {
    let Some((outer, rest)) = headers.split_first() else { return more.to_vec() };
    let element = Reader::new(&message[*outer..]).read().expect("an element");
    let start = outer + element.raw.len() - element.value.len();
    let inner = match rest.first() {
        Some(next) => {
            let length = Reader::new(&message[*next..]).read().expect("an element").raw.len();
            let changed = inserted(message, end, rest, more);
            [&message[start..*next], &changed, &message[next + length..outer + element.raw.len()]].concat()
        }
        None => [&message[start..end], more, &message[end..outer + element.raw.len()]].concat(),
    };
    writer::element(element.tag, &inner)
}

#[test]
fn c18_something_left_over_at_every_level() {
    let mut info = good();
    info.unsigned_attributes = Some(vec![attribute(&dotted("1.3.6.1.4.1.32473.7"), &[tag::NULL, 0])]);
    let message = Message::enveloping(info).encode();
    assert_eq!(enveloping_verdict(&message), PASSED);
    for more in [&[0][..], &[0xFF], &[tag::NULL, 0], &[0, 0], &[0xA5, 0]] {
        assert_eq!(enveloping_verdict(&[&message, more].concat()), UNREADABLE, "after the message: {more:02x?}");
    }
    let mut found = Vec::new();
    levels(&message, 0, &[], &mut found);
    assert!(found.len() > 60, "{} levels", found.len());
    // What may follow because it means something: NULL as the parameters of an algorithm that has none (RFC 5754 §2), and a
    // second value in an unsigned attribute that nobody knows.
    let meaningful: Vec<Vec<u8>> = vec![
        digest_identifier(oid::SHA_256),
        digest_identifier(oid::ECDSA_WITH_SHA_256),
        writer::element(tag::SET, &[tag::NULL, 0]),
    ];
    let mut passed = 0;
    for (end, headers) in &found {
        for more in [&[0][..], &[0xFF], &[tag::NULL, 0], &[0, 0]] {
            let verdict = enveloping_verdict(&inserted(&message, *end, headers, more));
            let element = &message[headers[headers.len() - 1]..*end];
            if more == [tag::NULL, 0] && verdict == PASSED && meaningful.iter().any(|whole| whole == element) {
                passed += 1;
            } else {
                assert_ne!(verdict, PASSED, "{more:02x?} before offset {end}, inside {element:02x?}");
            }
        }
    }
    // Two digest algorithms, one signature algorithm, one set of values.
    assert_eq!(passed, 4);
}
