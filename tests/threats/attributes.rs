//! Signed attributes: absent, missing, doubled, contradicting.

use antin::core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use antin::core::cms::SignedData;
use antin::core::cms::build::{self, MessageToAssemble, SignedAttributesToSign, SignerParts, attribute};
use antin::core::crypto::digest;
use antin::core::der::{tag, writer};
use antin::core::oid;
use antin::core::validation::Content;

use crate::kit::CONTENT;
use crate::kit::key::{self, Kind};
use crate::kit::message::{Message, SignerInfo, digest_identifier};
use crate::kit::tree::{NOW, tree};
use crate::kit::verdict::{Judge, PASSED, enveloping_verdict, verdict};

const MISSING: &str = "TOTAL-FAILED FORMAT_FAILURE signed-attribute-missing";
const TWICE: &str = "TOTAL-FAILED FORMAT_FAILURE signed-attribute-twice";
const VALUE: &str = "TOTAL-FAILED FORMAT_FAILURE signed-attribute-value";
const NO_ATTRIBUTES: &str = "TOTAL-FAILED FORMAT_FAILURE signed-attributes-missing";
const OTHER_CERTIFICATE: &str = "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND signing-certificate-mismatch";

fn good() -> SignerInfo {
    SignerInfo::new(&tree().signer, CONTENT)
}

/// The verdict of the message with its signer changed before it signs.
fn changed(change: impl FnOnce(&mut SignerInfo)) -> String {
    let mut info = good();
    change(&mut info);
    verdict(&Message::detached(info).encode(), CONTENT)
}

#[test]
fn c01_the_attributes_of_a_signature_offered_as_its_content() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let original = SignerInfo::new(&tree().signer(kind), CONTENT);
        let octets = original.octets();
        let mut stripped = original.clone();
        stripped.signature = Some(original.signature_value());
        stripped.attributes = None;
        let message = Message { content: Some(octets.clone()), ..Message::detached(stripped.clone()) };
        assert_eq!(enveloping_verdict(&message.encode()), NO_ATTRIBUTES, "{kind:?} enveloping");
        assert_eq!(verdict(&Message::detached(stripped).encode(), &octets), NO_ATTRIBUTES, "{kind:?} detached");
    }
}

#[test]
fn c02_a_signature_without_signed_attributes() {
    // Right over the content itself, as RFC 5652 allows for id-data; refused because of c01.
    let mut bare = good();
    bare.attributes = None;
    assert_eq!(verdict(&Message::detached(bare.clone()).encode(), CONTENT), NO_ATTRIBUTES);
    assert_eq!(enveloping_verdict(&Message::enveloping(bare).encode()), NO_ATTRIBUTES);
    assert_eq!(changed(|info| info.attributes = Some(Vec::new())), MISSING, "an empty set");
}

#[test]
fn c03_content_that_looks_like_signed_attributes_is_signed_with_attributes() {
    let signer = &tree().signer;
    let hostile = good().octets();
    let parts = SignerParts::new(&signer.certificate, &[]);
    let attributes = SignedAttributesToSign {
        content_type: oid::DATA,
        signing_certificate: parts.signing_certificate(),
        message_digest: &digest(DigestAlgorithm::Sha256, &hostile),
        signing_time: Some(NOW),
        document: None,
    }
    .encode();
    assert_ne!(attributes, hostile);
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    let signature = key::sign(&signer.key, algorithm, &attributes);
    let message = MessageToAssemble {
        content_type: oid::DATA,
        content: Some(&hostile),
        digest_algorithm: DigestAlgorithm::Sha256,
        signature_algorithm: algorithm,
        signed_attributes: &attributes,
        signature: &signature,
        with_certificates: true,
    };
    let message = build::assemble(&parts, &message);
    assert_eq!(enveloping_verdict(&message), PASSED);
    let decoded = SignedData::decode(&message).expect("a message");
    assert!(decoded.signer_infos[0].signed_attributes.is_some());
    // The signature is no signature over the hostile attributes themselves: moved there, it proves nothing about CONTENT.
    let mut moved = good();
    moved.signature = Some(signature);
    assert_eq!(
        verdict(&Message::detached(moved).encode(), CONTENT),
        "TOTAL-FAILED SIG_CRYPTO_FAILURE signature-value-invalid"
    );
}

#[test]
fn c04_message_digest_missing_doubled_or_wrong() {
    let value = |bytes: &[u8]| writer::octet_string(bytes);
    let right = digest(DigestAlgorithm::Sha256, CONTENT);
    assert_eq!(changed(|info| info.remove(oid::MESSAGE_DIGEST)), MISSING);
    assert_eq!(changed(|info| info.add(&info.attribute(oid::MESSAGE_DIGEST))), TWICE);
    let other = attribute(oid::MESSAGE_DIGEST, &value(&[0; 32]));
    assert_eq!(changed(|info| info.add(&other)), TWICE, "right and wrong");
    assert_eq!(changed(|info| info.set(oid::MESSAGE_DIGEST, &[])), VALUE, "no value");
    assert_eq!(changed(|info| info.set(oid::MESSAGE_DIGEST, &[&value(&right), &value(&[0; 32])])), VALUE);
    assert_eq!(changed(|info| info.set(oid::MESSAGE_DIGEST, &[&value(&right), &value(&right)])), VALUE);
    assert_eq!(changed(|info| info.set(oid::MESSAGE_DIGEST, &[&writer::element(0x13, &right)])), VALUE, "another type");
    let length = "TOTAL-FAILED FORMAT_FAILURE message-digest-length";
    for wrong in [&[][..], &right[..31], &[right.as_slice(), &[0]].concat()] {
        assert_eq!(changed(|info| info.set(oid::MESSAGE_DIGEST, &[&value(wrong)])), length);
    }
    let longer = value(&digest(DigestAlgorithm::Sha384, CONTENT));
    assert_eq!(changed(|info| info.set(oid::MESSAGE_DIGEST, &[&longer])), length, "by SHA-384");
    let wrong = "TOTAL-FAILED HASH_FAILURE document-changed";
    let another = value(&digest(DigestAlgorithm::Sha3_256, CONTENT));
    assert_eq!(changed(|info| info.set(oid::MESSAGE_DIGEST, &[&another])), wrong, "by SHA3-256");
    let another = value(&digest(DigestAlgorithm::Sha256, b"another document"));
    assert_eq!(changed(|info| info.set(oid::MESSAGE_DIGEST, &[&another])), wrong, "of another document");
}

#[test]
fn c05_content_type_missing_doubled_or_wrong() {
    let data = writer::object_identifier(oid::DATA);
    let token = writer::object_identifier(oid::TST_INFO);
    let differs = "TOTAL-FAILED FORMAT_FAILURE content-type-mismatch";
    assert_eq!(changed(|info| info.remove(oid::CONTENT_TYPE)), MISSING);
    assert_eq!(changed(|info| info.add(&info.attribute(oid::CONTENT_TYPE))), TWICE);
    assert_eq!(changed(|info| info.add(&attribute(oid::CONTENT_TYPE, &token))), TWICE);
    assert_eq!(changed(|info| info.set(oid::CONTENT_TYPE, &[])), VALUE);
    assert_eq!(changed(|info| info.set(oid::CONTENT_TYPE, &[&data, &token])), VALUE);
    assert_eq!(changed(|info| info.set(oid::CONTENT_TYPE, &[&data, &data])), VALUE);
    assert_eq!(changed(|info| info.set(oid::CONTENT_TYPE, &[&writer::octet_string(oid::DATA)])), VALUE);
    assert_eq!(changed(|info| info.set(oid::CONTENT_TYPE, &[&token])), differs);
    let message = Message { content_type: oid::TST_INFO.to_vec(), version: 3, ..Message::detached(good()) };
    assert_eq!(verdict(&message.encode(), CONTENT), differs, "eContentType changed instead");
}

#[test]
fn c06_signing_time_doubled_or_malformed() {
    let time = writer::time(NOW);
    assert_eq!(changed(|info| info.add(&info.attribute(oid::SIGNING_TIME))), TWICE);
    assert_eq!(changed(|info| info.set(oid::SIGNING_TIME, &[&time, &time])), VALUE);
    assert_eq!(changed(|info| info.set(oid::SIGNING_TIME, &[])), VALUE);
    for (identifier, text) in [
        (tag::UTC_TIME, "2701150800Z"),
        (tag::UTC_TIME, "270115080000+0700"),
        (tag::UTC_TIME, "271315080000Z"),
        (tag::UTC_TIME, "270115080060Z"),
        (tag::UTC_TIME, ""),
        (tag::GENERALIZED_TIME, "20270115080000"),
        (tag::GENERALIZED_TIME, "20270115080000.5Z"),
        (tag::GENERALIZED_TIME, "20270230080000Z"),
        (tag::UTF8_STRING, "270115080000Z"),
    ] {
        let value = writer::element(identifier, text.as_bytes());
        assert_eq!(changed(|info| info.set(oid::SIGNING_TIME, &[&value])), VALUE, "{text}");
    }
    // Its place in time is the signer's word alone and proves nothing, either way.
    let later = writer::time(NOW.plus_seconds(86_400 * 365));
    assert_eq!(changed(|info| info.set(oid::SIGNING_TIME, &[&later])), PASSED);
}

/// `SigningCertificateV2` or `SigningCertificate` of encoded references.
fn references(list: &[&[u8]]) -> Vec<u8> {
    writer::sequence(&[&writer::sequence(list)])
}

/// `ESSCertIDv2` by SHA-256, with an issuer and serial number if given; without, also `ESSCertID`.
fn reference(fingerprint: &[u8], issuer_serial: Option<(&[u8], &[u8])>) -> Vec<u8> {
    let issuer_serial = issuer_serial.map_or(Vec::new(), |(issuer, serial_number)| {
        let names = writer::sequence(&[&writer::element(tag::context(4), issuer)]);
        writer::sequence(&[&names, &writer::element(tag::INTEGER, serial_number)])
    });
    writer::sequence(&[&writer::octet_string(fingerprint), &issuer_serial])
}

#[test]
fn c07_signing_certificate_that_means_another_certificate() {
    let (signer, ca) = (&tree().signer.certificate, &tree().ca_certificate);
    let set = |value: Vec<u8>| changed(|info| info.set(oid::SIGNING_CERTIFICATE_V2, &[&value]));
    let own = reference(signer.fingerprint(), None);
    let other = reference(ca.fingerprint(), None);
    assert_eq!(set(references(&[&own])), PASSED);
    assert_eq!(set(references(&[&own, &other])), PASSED, "the rest names the chain");
    assert_eq!(set(references(&[&other])), OTHER_CERTIFICATE);
    assert_eq!(set(references(&[&other, &own])), OTHER_CERTIFICATE, "the first is the signer's");
    let issuer = ca.subject.der();
    assert_eq!(set(references(&[&reference(signer.fingerprint(), Some((issuer, &signer.serial_number)))])), PASSED);
    assert_eq!(set(references(&[&reference(signer.fingerprint(), Some((issuer, &[1])))])), OTHER_CERTIFICATE);
    let root = tree().root_certificate.subject.der();
    assert_eq!(
        set(references(&[&reference(signer.fingerprint(), Some((root, &signer.serial_number)))])),
        OTHER_CERTIFICATE
    );
    let unknown = [digest_identifier(&crate::kit::message::dotted("1.2.840.113549.2.5")), vec![4, 1, 0]].concat();
    assert_eq!(set(references(&[&writer::sequence(&[&unknown])])), OTHER_CERTIFICATE, "by MD5");
    assert_eq!(set(references(&[])), VALUE, "none");
    assert_eq!(set(writer::octet_string(&[0])), VALUE);
}

#[test]
fn c07_signing_certificate_doubled_contradicting_or_missing() {
    let (signer, ca) = (&tree().signer.certificate, &tree().ca_certificate);
    assert_eq!(changed(|info| info.add(&info.attribute(oid::SIGNING_CERTIFICATE_V2))), TWICE);
    let value = references(&[&reference(signer.fingerprint(), None)]);
    assert_eq!(changed(|info| info.set(oid::SIGNING_CERTIFICATE_V2, &[&value, &value])), VALUE);
    let by_sha1 = |certificate: &[u8]| {
        let value = references(&[&reference(&digest(DigestAlgorithm::Sha1, certificate), None)]);
        attribute(oid::SIGNING_CERTIFICATE, &value)
    };
    assert_eq!(changed(|info| info.add(&by_sha1(signer.der()))), PASSED, "both, of one mind");
    assert_eq!(changed(|info| info.add(&by_sha1(ca.der()))), OTHER_CERTIFICATE, "version 1 means another");
    let missing = {
        let mut info = good();
        info.remove(oid::SIGNING_CERTIFICATE_V2);
        Message::detached(info).encode()
    };
    assert_eq!(verdict(&missing, CONTENT), PASSED, "a plain CMS signature");
    let strict = Judge { policy: "strict", ..Judge::default() };
    assert_eq!(
        strict.verdict(&missing, Content::Bytes(CONTENT)),
        "INDETERMINATE SIG_CONSTRAINTS_FAILURE signing-certificate-missing"
    );
    // A changed document is told whatever certificate is meant.
    let mut info = good();
    info.set(oid::SIGNING_CERTIFICATE_V2, &[&references(&[&reference(ca.fingerprint(), None)])]);
    assert_eq!(
        verdict(&Message::detached(info).encode(), b"another document"),
        "TOTAL-FAILED HASH_FAILURE document-changed"
    );
}

/// `CMSAlgorithmProtection` of two whole algorithm identifiers, the second under its implicit tag.
fn protection(digest_algorithm: &[u8], signature_algorithm: &[u8]) -> Vec<u8> {
    let mut implicit = signature_algorithm.to_vec();
    implicit[0] = tag::context(1);
    writer::sequence(&[digest_algorithm, &implicit])
}

#[test]
fn c11_algorithm_protection_that_disagrees() {
    let differs = "TOTAL-FAILED FORMAT_FAILURE algorithm-protection-mismatch";
    let sha256 = digest_identifier(oid::SHA_256);
    let ecdsa = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256).encode();
    let set = |value: Vec<u8>| changed(|info| info.set(oid::CMS_ALGORITHM_PROTECTION, &[&value]));
    assert_eq!(set(protection(&sha256, &ecdsa)), PASSED);
    assert_eq!(set(protection(&digest_identifier(oid::SHA_512), &ecdsa)), differs);
    assert_eq!(set(protection(&sha256, &SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512).encode())), differs);
    assert_eq!(set(writer::sequence(&[&sha256])), differs, "no signature algorithm");
    let mut mac = protection(&sha256, &ecdsa);
    let position = mac.iter().rposition(|octet| *octet == 0xA1).expect("the implicit tag");
    mac[position] = 0xA2;
    assert_eq!(set(mac), VALUE, "a MAC algorithm");
    assert_eq!(set(vec![tag::NULL, 0]), VALUE);
    let right = attribute(oid::CMS_ALGORITHM_PROTECTION, &protection(&sha256, &ecdsa));
    assert_eq!(changed(|info| [&right, &right].map(|whole| info.add(whole)).into_iter().collect()), TWICE);
    // The attribute is signed, the fields it protects are not: PSS exchanged for another salt length.
    let signer = tree().signer(Kind::Rsa2048);
    let mut info = SignerInfo::with_algorithm(&signer, CONTENT, key::pss(DigestAlgorithm::Sha256, 32));
    info.add(&attribute(oid::CMS_ALGORITHM_PROTECTION, &protection(&sha256, &info.signature_algorithm)));
    assert_eq!(verdict(&Message::detached(info.clone()).encode(), CONTENT), PASSED);
    info.signature = Some(info.signature_value());
    info.signature_algorithm = key::pss(DigestAlgorithm::Sha256, 20).encode();
    assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), differs);
}

#[test]
fn c19_members_of_the_signed_attributes_doubled() {
    let identical = |identifier: &[u8]| changed(|info| info.add(&info.attribute(identifier)));
    for identifier in [oid::CONTENT_TYPE, oid::MESSAGE_DIGEST, oid::SIGNING_TIME, oid::SIGNING_CERTIFICATE_V2] {
        assert_eq!(identical(identifier), TWICE);
    }
    // Also of a type that nobody here knows, once identical and once not.
    let unknown = attribute(&crate::kit::message::dotted("1.3.6.1.4.1.32473.9"), &[tag::NULL, 0]);
    let another = attribute(&crate::kit::message::dotted("1.3.6.1.4.1.32473.9"), &[tag::BOOLEAN, 1, 0xFF]);
    assert_eq!(changed(|info| info.add(&unknown)), PASSED);
    for second in [&unknown, &another] {
        let verdict = changed(|info| {
            info.add(&unknown);
            info.add(second);
        });
        assert_eq!(verdict, TWICE);
    }
    // Unsigned duplicates in the message are harmless: the signer is looked up by name.
    let mut message = Message::detached(good());
    let certificate = message.certificates[0].clone();
    message.certificates.push(certificate);
    assert_eq!(verdict(&message.encode(), CONTENT), PASSED);
}
