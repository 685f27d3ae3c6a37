//! One file, two documents: a good signature over what nobody sees, and another document in the parts that are not signed.

use crate::kit::CONTENT;
use crate::kit::ber::{Style, twin};
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::tree::tree;
use crate::kit::verdict::{PASSED, enveloping_verdict, verdict};

use antin::core::der::{tag, writer};

const STYLE: Style =
    Style { indefinite: true, long_lengths: false, padded_integers: false, pieces: Some(7), nested_pieces: false };
const DISGUISED: &str = "TOTAL-FAILED FORMAT_FAILURE unsigned-part-holds-document";

/// Small files that their readers open.
const DOCUMENTS: [&[u8]; 4] = [
    b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n",
    // What is appended to a signed PDF, which itself brings the header.
    b"7 0 obj<</Type/Page>>endobj\n",
    b"PK\x03\x04word/document.xmlPK\x01\x02word/document.xmlPK\x05\x06",
    b"<html><body>Kh\xC3\xB4ng c\xC3\xB3 \xC3\xA1n t\xC3\xADch</body></html>",
];

fn good() -> SignerInfo {
    SignerInfo::new(&tree().signer(Kind::P256), CONTENT)
}

#[test]
fn a_document_among_the_certificates_is_no_pass() {
    assert_eq!(enveloping_verdict(&Message::enveloping(good()).encode()), PASSED);
    for document in DOCUMENTS {
        let inside = writer::sequence(&[&writer::octet_string(document)]);
        let message = Message::enveloping(good());
        let certificates = [vec![inside.clone()], message.certificates.clone()].concat();
        let message = Message { certificates, ..message };
        assert_eq!(enveloping_verdict(&message.encode()), DISGUISED, "{}", document.escape_ascii());
        let crls = Message { crls: vec![inside], ..Message::detached(good()) };
        assert_eq!(verdict(&crls.encode(), CONTENT), DISGUISED, "{}", document.escape_ascii());
    }
}

#[test]
fn a_document_among_the_unsigned_attributes_is_no_pass() {
    for document in DOCUMENTS {
        let value = writer::octet_string(document);
        let attribute =
            writer::sequence(&[&writer::element(tag::OBJECT_IDENTIFIER, &[42, 3]), &writer::element(tag::SET, &value)]);
        let mut info = good();
        info.unsigned_attributes = Some(vec![attribute]);
        assert_eq!(verdict(&Message::detached(info.clone()).encode(), CONTENT), DISGUISED);
        let message = Message::enveloping(info).encode();
        assert_eq!(enveloping_verdict(&message), DISGUISED);
        let bered = twin(&message, STYLE);
        assert_eq!(enveloping_verdict(&bered), DISGUISED, "in BER");
    }
}

/// What is signed may be anything; it is what the signature is about.
#[test]
fn a_signed_document_is_no_disguise() {
    for document in DOCUMENTS {
        let info = SignerInfo::new(&tree().signer(Kind::P256), document);
        assert_eq!(verdict(&Message::detached(info.clone()).encode(), document), PASSED);
        assert_eq!(enveloping_verdict(&Message::enveloping(info).encode()), PASSED);
    }
}
