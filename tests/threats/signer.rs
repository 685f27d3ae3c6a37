//! Who signed: identifiers that fit several certificates, no signer, several, content in two places.

use std::sync::Arc;

use antin::core::algorithm::DigestAlgorithm;
use antin::core::crypto::digest;
use antin::core::oid;
use antin::core::policy::RevocationMode;
use antin::core::validation::Content;
use antin::core::x509::{TrustAnchor, TrustStore};
use antin::pki::certificate::Profile;
use antin::pki::crl::{Reason, RevocationList};
use antin::pki::profile::{self, subject};
use der::asn1::OctetString;
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};
use x509_cert::serial_number::SerialNumber;

use crate::kit::CONTENT;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo, issuer_and_serial_number};
use crate::kit::tree::{
    NOW, Signer, below, crl, decoded, edited, issued, private_key, publication, signer_profile, tree,
};
use crate::kit::verdict::{Judge, PASSED, enveloping_verdict, verdict, verdicts};

const WRONG_VALUE: &str = "TOTAL-FAILED SIG_CRYPTO_FAILURE signature-value-invalid";
const CHANGED: &str = "TOTAL-FAILED HASH_FAILURE document-changed";
const NOT_FOUND: &str = "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND signing-certificate-not-found";
const OTHER_CERTIFICATE: &str = "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND signing-certificate-mismatch";

fn good() -> SignerInfo {
    SignerInfo::new(&tree().signer, CONTENT)
}

fn key_identifier(signer: &Signer) -> Vec<u8> {
    signer.certificate.extensions.subject_key_identifier.clone().expect("the extension")
}

/// A certificate of the tree with another key and the usual signer's key identifier.
fn with_the_same_key_identifier() -> Signer {
    let identifier = OctetString::new([&[4, 20], key_identifier(&tree().signer).as_slice()].concat()).expect("octets");
    edited(&tree().ca, &signer_profile("Copied identifier"), &Kind::P256.fresh(), |certificate| {
        let extensions = certificate.extensions.as_mut().expect("extensions");
        extensions[0].extn_value = identifier;
    })
}

/// A certificate with another key and the usual signer's issuer and serial number, from an authority that only bears the name.
fn with_the_same_issuer_and_serial_number() -> Signer {
    let impostor = antin::pki::certificate::self_sign(
        private_key(),
        &Profile {
            subject: tree().ca.name().clone(),
            ..profile::root(tree().ca.name().clone(), NOW.plus_seconds(-60))
        },
    )
    .expect("an authority");
    let serial_number = Some(tree().signer.certificate.serial_number.clone());
    issued(&impostor, &Profile { serial_number, ..signer_profile("Impostor") }, &Kind::P256.fresh())
}

/// Verdicts with the two certificates in either order.
fn in_both_orders(info: SignerInfo, first: &Signer, second: &Signer) -> [String; 2] {
    [[first, second], [second, first]].map(|order| {
        let certificates = order.iter().map(|signer| signer.certificate.der().to_vec()).collect();
        verdict(&Message { certificates, ..Message::detached(info.clone()) }.encode(), CONTENT)
    })
}

#[test]
fn c08_two_certificates_with_one_key_identifier() {
    let (own, other) = (&tree().signer, with_the_same_key_identifier());
    let identifier = key_identifier(own);
    assert_eq!(key_identifier(&other), identifier);
    for referenced in [true, false] {
        let mut info = good().by_key_identifier(&identifier);
        if !referenced {
            info.remove(oid::SIGNING_CERTIFICATE_V2);
        }
        assert_eq!(in_both_orders(info, own, &other), [PASSED; 2], "the one whose key signed is found");
    }
    // Signed by the other's key in the name of the first: the reference tells.
    let mut info = SignerInfo::new(&other, CONTENT).by_key_identifier(&identifier);
    info.set(oid::SIGNING_CERTIFICATE_V2, &[&reference_value(own)]);
    assert_eq!(in_both_orders(info, own, &other), [WRONG_VALUE; 2]);
}

/// The value of signing-certificate-v2 for a signer.
fn reference_value(signer: &Signer) -> Vec<u8> {
    let whole = antin::core::cms::signing_certificate::encode_v2(&signer.certificate);
    // SEQUENCE { OID, SET { value } }.
    let outer = antin::core::der::Reader::new(&whole).read().expect("an attribute");
    let mut fields = outer.reader();
    fields.read().expect("a type");
    fields.read().expect("a set").value.to_vec()
}

#[test]
fn c08_two_certificates_with_one_issuer_and_serial_number() {
    let (own, other) = (&tree().signer, with_the_same_issuer_and_serial_number());
    assert_eq!(issuer_and_serial_number(&own.certificate), issuer_and_serial_number(&other.certificate));
    let mut plain = good();
    plain.remove(oid::SIGNING_CERTIFICATE_V2);
    assert_eq!(in_both_orders(good(), own, &other), [PASSED; 2]);
    assert_eq!(in_both_orders(plain, own, &other), [PASSED; 2]);
    // The impostor's own signature: whole, and leading nowhere.
    for referenced in [true, false] {
        let mut info = SignerInfo::new(&other, CONTENT);
        if !referenced {
            info.remove(oid::SIGNING_CERTIFICATE_V2);
        }
        let expected = "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE certificate-signature-invalid";
        assert_eq!(in_both_orders(info, own, &other), [expected; 2], "referenced: {referenced}");
    }
}

#[test]
fn c08_an_identifier_that_fits_no_certificate() {
    let signer = &tree().signer;
    let certificate = &signer.certificate;
    for info in [good().by_key_identifier(b""), good().by_key_identifier(&key_identifier(signer)[1..])] {
        assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), NOT_FOUND);
    }
    let mut info = good();
    info.identifier = issuer_and_serial_number(&tree().ca_certificate);
    assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), OTHER_CERTIFICATE, "it fits the CA");
    // Only the serial number, only the issuer.
    for (issuer, serial_number) in [
        (tree().root_certificate.subject.der(), certificate.serial_number.as_slice()),
        (certificate.issuer.der(), &[0x42]),
    ] {
        use antin::core::der::{tag, writer};
        let mut info = good();
        info.identifier = writer::sequence(&[issuer, &writer::element(tag::INTEGER, serial_number)]);
        assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), NOT_FOUND);
    }
}

#[test]
fn c08_a_certificate_that_may_not_sign_documents() {
    let usual = signer_profile("Odd signer");
    let usage = |bits| Some(KeyUsage(bits));
    let server = x509_cert::der::oid::db::rfc5280::ID_KP_SERVER_AUTH;
    let table: [(Profile, &str); 6] = [
        (
            Profile { not_after: NOW.plus_seconds(-1), ..usual.clone() },
            "INDETERMINATE OUT_OF_BOUNDS_NOT_REVOKED certificate-expired",
        ),
        (
            Profile { not_before: NOW.plus_seconds(1), ..usual.clone() },
            "INDETERMINATE OUT_OF_BOUNDS_NOT_REVOKED certificate-not-yet-valid",
        ),
        (
            Profile { extended_key_usage: vec![server], ..usual.clone() },
            "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE extended-key-usage-not-allowed",
        ),
        (
            Profile { key_usage: usage(KeyUsages::KeyEncipherment.into()), ..usual.clone() },
            "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE key-usage-not-allowed",
        ),
        (Profile { key_usage: usage(KeyUsages::NonRepudiation.into()), ..usual.clone() }, PASSED),
        (Profile { key_usage: None, extended_key_usage: Vec::new(), ..usual.clone() }, PASSED),
    ];
    for (profile, expected) in table {
        let info = SignerInfo::new(&tree().signer_saying(&profile), CONTENT);
        let message = Message::detached(info).encode();
        assert_eq!(verdict(&message, CONTENT), expected);
        assert_eq!(verdict(&message, b"another document"), CHANGED, "integrity is judged all the same");
    }
}

#[test]
fn c08_a_certificate_below_what_is_no_authority() {
    // A signer that issues a signer; a CA below a CA of path length 0.
    let leaf = below(&tree().root, &signer_profile("Signer as CA"));
    let lower = profile::public_service_ca(
        subject("antin", "Lower CA").expect("a name"),
        NOW.plus_seconds(-60),
        &publication(),
    );
    let lower = below(&tree().ca, &lower);
    for (issuer, expected) in [
        (leaf, "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE certificate-not-a-ca"),
        (lower, "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE path-length-exceeded"),
    ] {
        let signer = issued(&issuer, &signer_profile("Below"), Kind::P256.key());
        let mut message = Message::detached(SignerInfo::new(&signer, CONTENT));
        message.certificates.push(decoded(issuer.certificate()).der().to_vec());
        let judge = Judge { revocation: RevocationMode::Off, ..Judge::default() };
        assert_eq!(judge.verdict(&message.encode(), Content::Bytes(CONTENT)), expected);
    }
}

#[test]
fn c08_revoked_suspended_and_lists_of_who_may_not_sign_them() {
    let tree = tree();
    let message = Message::detached(good()).encode();
    let serial_number = SerialNumber::new(&tree.signer.certificate.serial_number).expect("a serial number");
    let begin = NOW.plus_seconds(-60);
    for (reason, expected) in [
        (Reason::KeyCompromise, "INDETERMINATE REVOKED_NO_POE certificate-revoked"),
        (Reason::CertificateHold, "INDETERMINATE TRY_LATER certificate-suspended"),
    ] {
        let mut list = RevocationList { number: 2, ..RevocationList::first(begin) };
        list.revoke(&serial_number, reason, begin).expect("an entry");
        let mut evidence = tree.evidence.clone();
        evidence.crls.insert(crl(&tree.ca, &list));
        let judge = Judge { evidence: &evidence, ..Judge::default() };
        assert_eq!(judge.verdict(&message, Content::Bytes(CONTENT)), expected);
        assert_eq!(judge.verdict(&message, Content::Bytes(b"another document")), CHANGED);
    }
    let stale = Judge { time: NOW.plus_seconds(8 * 86_400), ..Judge::default() };
    assert_eq!(stale.verdict(&message, Content::Bytes(CONTENT)), "INDETERMINATE TRY_LATER revocation-data-stale");
    // A CA whose key usage lacks cRLSign.
    let usual =
        profile::public_service_ca(subject("antin", "CA without cRLSign").expect("a name"), begin, &publication());
    let mute = below(&tree.root, &Profile { key_usage: Some(KeyUsage(KeyUsages::KeyCertSign.into())), ..usual });
    let signer = issued(&mute, &signer_profile("Below"), Kind::P256.key());
    let mut evidence = tree.evidence.clone();
    evidence.certificates.push(decoded(mute.certificate()));
    evidence.crls.insert(crl(&mute, &RevocationList::first(begin)));
    let judge = Judge { evidence: &evidence, ..Judge::default() };
    assert_eq!(
        judge.verdict(&Message::detached(SignerInfo::new(&signer, CONTENT)).encode(), Content::Bytes(CONTENT)),
        "INDETERMINATE TRY_LATER revocation-status-unknown"
    );
}

#[test]
fn c08_a_signer_as_anchor_is_no_authority() {
    let tree = tree();
    let anchor = below(&tree.ca, &signer_profile("Trusted signer"));
    let signer = issued(&anchor, &signer_profile("Below"), Kind::P256.key());
    let certificate = decoded(anchor.certificate());
    let trust = TrustStore::new(vec![TrustAnchor::new(Arc::clone(&certificate))], Vec::new());
    let judge = Judge { trust: &trust, revocation: RevocationMode::Off, ..Judge::default() };
    assert_eq!(
        judge.verdict(&Message::detached(SignerInfo::new(&signer, CONTENT)).encode(), Content::Bytes(CONTENT)),
        "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE certificate-not-a-ca"
    );
}

#[test]
fn c12_no_signer_at_all() {
    for content in [None, Some(CONTENT.to_vec())] {
        let message = Message { signers: Vec::new(), content, ..Message::detached(good()) }.encode();
        assert_eq!(verdict(&message, CONTENT), "INDETERMINATE no-signature");
        assert_eq!(verdicts(&message, CONTENT), [""; 0]);
    }
}

#[test]
fn c13_several_signers_of_whom_one_is_good() {
    let good = good();
    let signer = tree().signer(Kind::P384);
    let mut wrong_value = SignerInfo::new(&signer, CONTENT);
    wrong_value.signature = Some(SignerInfo::new(&signer, b"another document").signature_value());
    let wrong_digest = SignerInfo::new(&signer, b"another document");
    let mut no_attributes = SignerInfo::new(&signer, CONTENT);
    no_attributes.attributes = None;
    let stranger = issued(
        &antin::pki::certificate::self_sign(
            private_key(),
            &profile::root(subject("nobody", "Nobody").expect("a name"), NOW.plus_seconds(-60)),
        )
        .expect("an authority"),
        &signer_profile("Stranger"),
        Kind::P384.key(),
    );
    for (bad, expected) in [
        (wrong_value, WRONG_VALUE),
        (wrong_digest, CHANGED),
        (no_attributes, "TOTAL-FAILED FORMAT_FAILURE signed-attributes-missing"),
        (SignerInfo::new(&stranger, CONTENT), "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND no-trusted-path"),
    ] {
        for (order, place) in [([&bad, &good], 0), ([&good, &bad], 1)] {
            let message = Message::of(&order.map(Clone::clone)).encode();
            assert_eq!(verdict(&message, CONTENT), expected);
            let each = verdicts(&message, CONTENT);
            assert_eq!((each[place].as_str(), each[1 - place].as_str()), (expected, PASSED));
        }
    }
    // One signer twice is two signatures, both judged.
    let message = Message::of(&[good.clone(), good]).encode();
    assert_eq!(verdicts(&message, CONTENT), [PASSED; 2]);
}

#[test]
fn c14_changed_content_under_unchanged_attributes() {
    let mut changed = CONTENT.to_vec();
    changed[0] ^= 1;
    let longer = [CONTENT, b"\n"].concat();
    for other in [changed.as_slice(), &longer, &CONTENT[1..], b""] {
        assert_eq!(verdict(&Message::detached(good()).encode(), other), CHANGED);
        let message = Message { content: Some(other.to_vec()), ..Message::enveloping(good()) }.encode();
        assert_eq!(enveloping_verdict(&message), CHANGED);
        let digests = [(DigestAlgorithm::Sha256, digest(DigestAlgorithm::Sha256, other))];
        let detached = Message::detached(good()).encode();
        assert_eq!(Judge::default().verdict(&detached, Content::Digests(&digests)), CHANGED);
    }
}

#[test]
fn c14_changed_content_is_told_whatever_else_is_unknown() {
    // Integrity comes first: no trust, an unknown signature algorithm, or no certificate hides a changed document.
    let nobody = TrustStore::new(Vec::new(), Vec::new());
    let untrusting = Judge { trust: &nobody, ..Judge::default() };
    let message = Message::detached(good());
    assert_eq!(untrusting.verdict(&message.encode(), Content::Bytes(b"another")), CHANGED);
    let bare = Message { certificates: Vec::new(), ..message };
    assert_eq!(verdict(&bare.encode(), b"another"), CHANGED);
    let mut unknown = good();
    unknown.signature_algorithm = crate::kit::message::digest_identifier(&crate::kit::message::dotted("1.3.101.112"));
    let message = Message::detached(unknown).encode();
    assert_eq!(
        verdict(&message, CONTENT),
        "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE signature-algorithm-unknown"
    );
    assert_eq!(verdict(&message, b"another"), CHANGED);
}

#[test]
fn c16_a_detached_signature_that_carries_content_too() {
    let differs = "TOTAL-FAILED HASH_FAILURE content-differs";
    // What is carried is signed and what is given is not; the other way round; neither.
    let carrying = Message::enveloping(good()).encode();
    assert_eq!(verdict(&carrying, b"another document"), differs);
    let wrong = Message { content: Some(b"another document".to_vec()), ..Message::detached(good()) }.encode();
    assert_eq!(verdict(&wrong, CONTENT), differs);
    assert_eq!(verdict(&wrong, b"a third document"), differs);
    assert_eq!(verdict(&wrong, b"another document"), CHANGED);
    let empty = Message { content: Some(Vec::new()), ..Message::detached(good()) }.encode();
    assert_eq!(verdict(&empty, CONTENT), differs, "empty content is content");
    let digests = [(DigestAlgorithm::Sha256, digest(DigestAlgorithm::Sha256, b"another document"))];
    assert_eq!(Judge::default().verdict(&carrying, Content::Digests(&digests)), differs);
}
