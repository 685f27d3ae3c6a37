//! Counter-signatures that confirm nothing: copied, replaced, changed, heaped up.

use std::time::Duration;

use antin::core::algorithm::DigestAlgorithm;
use antin::core::cms::build::attribute;
use antin::core::crypto::digest;
use antin::core::der::{tag, writer};
use antin::core::oid;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::{CountersignatureReport, Report};
use antin::core::validation::Content;
use antin::pki::certificate::Profile;

use crate::kit::CONTENT;
use crate::kit::ber::{Style, twin};
use crate::kit::cost::Cost;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::tree::{NOW, Signer, below, issued, publication, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED, line};

const OVER_ANOTHER: &str = "TOTAL-FAILED HASH_FAILURE counter-signature-broken";
const VALUE_WRONG: &str = "TOTAL-FAILED SIG_CRYPTO_FAILURE counter-signature-broken";
const FORM_WRONG: &str = "TOTAL-FAILED FORMAT_FAILURE counter-signature-broken";

/// The same value, however often it is encoded.
fn fixed(mut signer: SignerInfo) -> SignerInfo {
    signer.signature = Some(signer.signature_value());
    signer
}

fn signed() -> SignerInfo {
    fixed(SignerInfo::new(&tree().signer, CONTENT))
}

/// A counter-signature over this value, to be changed; its value is not fixed yet.
fn over(signer: &Signer, value: &[u8]) -> SignerInfo {
    let mut info = SignerInfo::new(signer, value);
    info.remove(oid::CONTENT_TYPE);
    info
}

fn with(mut signer: SignerInfo, countersignatures: &[SignerInfo]) -> SignerInfo {
    let values: Vec<Vec<u8>> = countersignatures.iter().map(SignerInfo::encode).collect();
    signer.unsigned_attributes = Some(vec![attribute(oid::COUNTERSIGNATURE, &values.concat())]);
    signer
}

/// The message of these signers with the certificates of others.
fn message(signers: &[SignerInfo], others: &[&Signer]) -> Vec<u8> {
    let mut message = Message::of(signers);
    message.certificates.extend(others.iter().map(|other| other.certificate.der().to_vec()));
    message.encode()
}

fn report(message: &[u8]) -> (String, Report) {
    let validation = Judge::default().validate(message, Content::Bytes(CONTENT)).expect("a message");
    let policy = Policy::held("any-ades").expect("held");
    (line(&validation.verdict), Report::new(&validation, &policy, RevocationMode::Required, NOW))
}

fn word(countersignature: &CountersignatureReport) -> String {
    let words = [Some(countersignature.indication), countersignature.sub_indication, Some(countersignature.code)];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The verdict of the document, and what became of the one counter-signature on its first signature, which itself passes.
fn judged(message: &[u8]) -> (String, String) {
    let (verdict, report) = report(message);
    assert_eq!(report.signatures[0].indication, "TOTAL-PASSED", "the signature keeps its own");
    let [countersignature] = report.signatures[0].countersignatures.as_slice() else { panic!("one counter-signature") };
    (verdict, word(countersignature))
}

fn on_one(countersignature: impl FnOnce(&Signer, &[u8]) -> SignerInfo) -> (String, String) {
    let (parent, confirming) = (signed(), tree().signer(Kind::P256));
    let countersignature = fixed(countersignature(&confirming, &parent.signature_value()));
    judged(&message(&[with(parent, &[countersignature])], &[&confirming]))
}

fn pair(verdict: &str, word: &str) -> (String, String) {
    (verdict.to_owned(), word.to_owned())
}

#[test]
fn a_counter_signature_over_its_signature_passes_and_is_shown() {
    assert_eq!(on_one(over), pair(PASSED, "TOTAL-PASSED passed"));
    let (parent, confirming) = (signed(), tree().signer(Kind::Rsa2048));
    let countersignature = fixed(over(&confirming, &parent.signature_value()));
    let der = message(&[with(parent, &[countersignature])], &[&confirming]);
    assert_eq!(judged(&der), pair(PASSED, "TOTAL-PASSED passed"));
    // The envelope may be BER, the attribute in it too.
    let ber = twin(&der, Style { indefinite: true, pieces: Some(16), ..Style::default() });
    assert_eq!(judged(&ber), pair(PASSED, "TOTAL-PASSED passed"));
    // And its value.
    let (mut parent, confirming) = (signed(), tree().signer(Kind::P256));
    let value = fixed(over(&confirming, &parent.signature_value())).encode();
    let content = &value[if value[1] == 0x81 { 3 } else { 4 }..];
    let long = [&[tag::SEQUENCE, 0x84], &(content.len() as u32).to_be_bytes()[..], content].concat();
    parent.unsigned_attributes = Some(vec![attribute(oid::COUNTERSIGNATURE, &long)]);
    assert_eq!(judged(&message(&[parent], &[&confirming])), pair(PASSED, "TOTAL-PASSED passed"));
    let (_, report) = report(&der);
    let shown = &report.signatures[0].countersignatures[0];
    assert_eq!((shown.signed_by.as_deref(), shown.certificates.len()), (Some("Another signer"), 3));
    assert_eq!(shown.algorithm.as_deref(), Some("rsa-pkcs1-with-sha-256"));
}

#[test]
fn c20_a_counter_signature_over_another_signature_fails_the_document() {
    let mismatch = "TOTAL-FAILED HASH_FAILURE counter-signature-mismatch";
    // Copied from another message of the same signer, or from the other signer of this one.
    let (first, second, confirming) = (signed(), signed(), tree().signer(Kind::P256));
    let copied = fixed(over(&confirming, &second.signature_value()));
    let moved = message(&[with(first.clone(), std::slice::from_ref(&copied))], &[&confirming]);
    assert_eq!(judged(&moved), pair(OVER_ANOTHER, mismatch));
    let beside = message(&[with(first, std::slice::from_ref(&copied)), second.clone()], &[&confirming]);
    assert_eq!(judged(&beside), pair(OVER_ANOTHER, mismatch));
    let in_place = message(&[with(second, &[copied])], &[&confirming]);
    assert_eq!(judged(&in_place), pair(PASSED, "TOTAL-PASSED passed"));
    // Over the content, or the digest of the signature, in place of the signature.
    assert_eq!(on_one(|signer, _| over(signer, CONTENT)), pair(OVER_ANOTHER, mismatch));
    let hashed = |value: &[u8]| digest(DigestAlgorithm::Sha256, value);
    assert_eq!(on_one(|signer, value| over(signer, &hashed(value))), pair(OVER_ANOTHER, mismatch));
}

#[test]
fn c20_a_counter_signature_changed_or_replaced_fails_the_document() {
    // The digest put right after signing: the value is over the other one.
    let replaced = on_one(|signer, value| {
        let mut info = fixed(over(signer, CONTENT));
        info.set(oid::MESSAGE_DIGEST, &[&writer::octet_string(&digest(DigestAlgorithm::Sha256, value))]);
        info
    });
    assert_eq!(replaced, pair(VALUE_WRONG, "TOTAL-FAILED SIG_CRYPTO_FAILURE signature-value-invalid"));
    let key = on_one(|signer, value| {
        let mut info = fixed(over(&tree().signer, value));
        info.identifier = over(signer, value).identifier;
        info.remove(oid::SIGNING_CERTIFICATE_V2);
        info
    });
    assert_eq!(key.0, VALUE_WRONG, "another's name: {key:?}");
    // A signature of content is no counter-signature, nor the other way round.
    let content_type = on_one(SignerInfo::new);
    assert_eq!(content_type, pair(FORM_WRONG, "TOTAL-FAILED FORMAT_FAILURE signed-attribute-value"));
    let bare = on_one(|signer, value| {
        let mut info = over(signer, value);
        info.attributes = None;
        info
    });
    assert_eq!(bare, pair(FORM_WRONG, "TOTAL-FAILED FORMAT_FAILURE signed-attributes-missing"));
    let promoted = Message::detached(fixed(over(&tree().signer, CONTENT))).encode();
    assert_eq!(report(&promoted).0, "TOTAL-FAILED FORMAT_FAILURE signed-attribute-missing");
    let mut parent = signed();
    parent.unsigned_attributes = Some(vec![attribute(oid::COUNTERSIGNATURE, &[tag::NULL, 0])]);
    let unreadable = judged(&message(&[parent], &[]));
    assert_eq!(unreadable, pair(FORM_WRONG, "TOTAL-FAILED FORMAT_FAILURE counter-signature-unreadable"));
}

/// No octet of it can be changed without the document failing, or what it says no longer passing.
#[test]
fn c20_no_octet_of_a_counter_signature_changes_unseen() {
    let (parent, confirming) = (signed(), tree().signer(Kind::P256));
    let countersignature = fixed(over(&confirming, &parent.signature_value()));
    let encoded = countersignature.encode();
    for place in 0..encoded.len() {
        let mut changed = encoded.clone();
        changed[place] ^= 1;
        let mut parent = parent.clone();
        parent.unsigned_attributes = Some(vec![attribute(oid::COUNTERSIGNATURE, &changed)]);
        let bytes = message(&[parent], &[&confirming]);
        let Ok(validation) = Judge::default().validate(&bytes, Content::Bytes(CONTENT)) else { continue };
        let passes =
            |judged: &antin::core::validation::countersignature::CountersignatureValidation| judged.outcome.is_ok();
        assert!(!validation.signatures[0].countersignatures.iter().any(passes), "octet {place}");
    }
}

#[test]
fn c20_a_counter_signature_improves_nothing_and_one_in_doubt_takes_nothing() {
    let expired = Profile { not_after: NOW.plus_seconds(-60), ..signer_profile("Expired") };
    let expired = tree().signer_saying(&expired);
    let confirmed = |parent: &Signer, confirming: &Signer| {
        let parent = fixed(SignerInfo::new(parent, CONTENT));
        let countersignature = fixed(over(confirming, &parent.signature_value()));
        report(&message(&[with(parent, &[countersignature])], &[confirming]))
    };
    let good = tree().signer(Kind::P256);
    assert_eq!(confirmed(&expired, &good).0, "INDETERMINATE OUT_OF_BOUNDS_NOT_REVOKED certificate-expired");
    let root = antin::pki::profile::root(antin::pki::profile::subject("antin", "Stranger").expect("a name"), NOW);
    let root = antin::pki::certificate::self_sign(crate::kit::tree::private_key(), &root).expect("a root");
    let ca = antin::pki::profile::subject("antin", "Stranger CA").expect("a name");
    let ca = below(&root, &antin::pki::profile::public_service_ca(ca, NOW.plus_seconds(-60), &publication()));
    let stranger = issued(&ca, &signer_profile("Stranger"), Kind::P256.key());
    for (confirming, word) in [(&expired, "certificate-expired"), (&stranger, "no-trusted-path")] {
        let (verdict, report) = confirmed(&good, confirming);
        assert_eq!((verdict.as_str(), report.signatures[0].countersignatures[0].code), (PASSED, word));
    }
}

#[test]
fn c20_counter_signatures_on_counter_signatures_are_judged_too() {
    let confirming = tree().signer(Kind::P256);
    // From the outermost inwards, each over the value of the one below; the last one over something else if `broken`.
    let tower = |depth: usize, broken: bool| {
        let parent = signed();
        let mut chain: Vec<SignerInfo> = vec![parent];
        for level in 0..depth {
            let below = chain[level].signature_value();
            let value = if broken && level + 1 == depth { CONTENT } else { below.as_slice() };
            chain.push(fixed(over(&confirming, value)));
        }
        let whole =
            chain.into_iter().rev().reduce(|above, below| with(below, &[above])).expect("at least the signature");
        report(&message(&[whole], &[&confirming]))
    };
    let (verdict, whole) = tower(4, false);
    assert_eq!(verdict, PASSED);
    let mut found = &whole.signatures[0].countersignatures;
    for _ in 0..4 {
        assert_eq!(word(&found[0]), "TOTAL-PASSED passed");
        found = &found[0].countersignatures;
    }
    assert!(found.is_empty());
    for depth in 1..=4 {
        assert_eq!(tower(depth, true).0, OVER_ANOTHER, "at {depth}");
    }
    assert_eq!(tower(5, false).0, FORM_WRONG, "too deep");
}

#[test]
fn c20_heaps_of_counter_signatures_cost_little() {
    let (parent, confirming) = (signed(), tree().signer(Kind::P256));
    let one = fixed(over(&confirming, &parent.signature_value()));
    let heap = |count: usize| message(&[with(parent.clone(), &vec![one.clone(); count])], &[&confirming]);
    assert_eq!(report(&heap(32)).0, PASSED);
    let many = heap(20_000);
    let started = Cost::begin();
    let (verdict, report) = report(&many);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!((verdict.as_str(), report.signatures[0].countersignatures.len()), (FORM_WRONG, 33));
    assert_eq!(report.signatures[0].countersignatures[32].code, "counter-signatures-too-many");
}
