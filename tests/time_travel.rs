//! A signature made today, judged later, with and without a time-stamp, each piece of evidence changed in turn (EN 319 102-1 §5.5,
//! §5.6.2.1, §5.6.2.2). The clause that gives each verdict stands beside it.

use std::sync::{Arc, OnceLock};

use antin::core::der::{tag, writer};
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::oid;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::Report;
use antin::core::time::Time;
use antin::core::validation::Content;
use antin::core::x509::CertificateList;
use antin::pki::certificate::Profile;
use antin::pki::profile;

use crate::kit::CONTENT;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::revocation::{List, dated_entry, extension};
use crate::kit::timestamp::{Token, signature_time_stamps};
use crate::kit::tree::{NOW, Signer, issued, publication, tree};
use crate::kit::verdict::{Judge, PASSED, line};

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
/// When the signature was made at the latest, as the time-stamp says.
const PROVED: Time = NOW.plus_seconds(-1800);
/// The signer's certificate has been expired for a year, its authorities and the time-stamping authority have not.
const LATER: Time = NOW.plus_seconds(3 * YEAR);

const EXPIRED: &str = "INDETERMINATE OUT_OF_BOUNDS_NO_POE certificate-expired";
const NOT_REVOKED: &str = "INDETERMINATE OUT_OF_BOUNDS_NOT_REVOKED certificate-expired";
const REVOKED: &str = "INDETERMINATE REVOKED_NO_POE certificate-revoked";

/// A time-stamping authority of fifteen years.
fn authority() -> &'static Signer {
    static AUTHORITY: OnceLock<Signer> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let subject = profile::subject("antin", "Long TSA").expect("a name");
        let usual = profile::time_stamping(subject, NOW.plus_seconds(-3600), &publication());
        issued(&tree().ca, &Profile { not_after: NOW.plus_seconds(15 * YEAR), ..usual }, Kind::P256.key())
    })
}

/// A signed document with a time-stamp by `authority`, if there is one, and with lists embedded.
fn document(stamped_by: Option<&Signer>, embedded: &[&List]) -> Vec<u8> {
    let mut signer = SignerInfo::new(&tree().signer, CONTENT);
    let value = signer.signature_value();
    signer.signature = Some(value.clone());
    if let Some(authority) = stamped_by {
        let token = Token { authority, time: PROVED, ..Token::over(&value) }.encode();
        signer.unsigned_attributes = Some(vec![signature_time_stamps(&[token])]);
    }
    let crls = embedded.iter().map(|list| list.der(&tree().ca)).collect();
    Message { crls, ..Message::detached(signer) }.encode()
}

fn stamped() -> Vec<u8> {
    document(Some(authority()), &[])
}

/// A list of the CA of this time, good for a day.
fn list(this_update: Time) -> List {
    let number = Some((this_update.seconds_since(NOW) / DAY % 100 + 10) as u8);
    List { number, this_update, next_update: Some(this_update.plus_seconds(DAY)), ..List::default() }
}

/// One that remembers certificates that expired since the beginning of the tree.
fn remembering(this_update: Time) -> List {
    let since = writer::element(tag::GENERALIZED_TIME, b"20260101000000Z");
    List { extensions: vec![extension(oid::EXPIRED_CERTIFICATES_ON_CRL, false, &since)], ..list(this_update) }
}

/// The signer's entry: revoked at a time for this reason, and since when it is said to be invalid.
fn entry(signer: &Signer, date: Time, reason: u8, invalid: Option<Time>) -> Vec<u8> {
    dated_entry(&signer.certificate.serial_number, date, reason, invalid)
}

/// Held lists of the CA, and a fresh one of the root, at a time.
fn evidence(time: Time, lists: &[List]) -> Evidence {
    let tree = tree();
    let root =
        List { this_update: time.plus_seconds(-60), next_update: Some(time.plus_seconds(DAY)), ..List::default() };
    let mut held: Vec<Arc<CertificateList>> = lists.iter().map(|list| list.sign(&tree.ca)).collect();
    held.push(root.sign(&tree.root));
    Evidence { certificates: vec![Arc::clone(&tree.ca_certificate)], crls: CrlSet::new(held), ..Evidence::default() }
}

/// The answer at a time, by a policy that asks for revocation data no older than they say.
fn report(time: Time, document: &[u8], lists: &[List]) -> (String, Report) {
    let evidence = evidence(time, lists);
    let judge = Judge { evidence: &evidence, time, ..Judge::default() };
    let validation = judge.validate(document, Content::Bytes(CONTENT)).expect("a message");
    let policy = Policy::held("any-ades").expect("held");
    (line(&validation.verdict), Report::new(&validation, &policy, RevocationMode::Required, time))
}

fn judged(time: Time, document: &[u8], lists: &[List]) -> String {
    report(time, document, lists).0
}

fn fresh(time: Time) -> List {
    list(time.plus_seconds(-60))
}

fn revoking(time: Time, entries: &[Vec<u8>]) -> List {
    List { entries: entries.to_vec(), ..fresh(time) }
}

#[test]
fn an_expired_signer_passes_where_it_was_good_when_it_signed() {
    let (plain, stamped) = (document(None, &[]), stamped());
    let in_time = NOW.plus_seconds(3600);
    assert_eq!(judged(in_time, &plain, &[fresh(in_time)]), PASSED, "§5.3");
    // §5.3 and §5.6.2.4: without a proof of existence nothing helps.
    let old = list(PROVED.plus_seconds(DAY));
    for lists in [vec![fresh(LATER)], vec![old.clone(), fresh(LATER)]] {
        assert_eq!(judged(LATER, &plain, &lists), EXPIRED, "§5.2.6.4 (7)");
    }
    let remembering_list = [remembering(LATER.plus_seconds(-60))];
    assert_eq!(judged(LATER, &plain, &remembering_list), NOT_REVOKED, "§5.2.6.4 (7): it is known");
    // §5.6.2.2 (2) (b): a list from after the end says nothing of a certificate that it need not remember.
    assert_eq!(judged(LATER, &stamped, &[fresh(LATER)]), EXPIRED);
    let (verdict, report) = report(LATER, &stamped, &[remembering(LATER.plus_seconds(-60))]);
    assert_eq!(verdict, PASSED, "one that remembers shows that it was never revoked");
    assert_eq!(report.best_signature_time, Some(PROVED));
    assert_eq!(
        (report.signatures[0].revocation[0].status, report.signatures[0].revocation[0].revocation_time),
        ("good", None)
    );
    // §5.6.2.2 (2) (c): a list that is not fresh is good for its own time, and the signature is older.
    assert_eq!(judged(LATER, &stamped, &[old.clone(), fresh(LATER)]), PASSED);
    let at = |seconds: i64| judged(LATER, &stamped, &[list(PROVED.plus_seconds(seconds)), fresh(LATER)]);
    assert_eq!((at(0), at(1)), (PASSED.to_owned(), PASSED.to_owned()));
    assert_eq!(at(-1), EXPIRED, "it was made before the signature is proved to have existed");
    // Whoever chose it among others: it says what was so after the signature.
    let embedded = document(Some(authority()), &[&old]);
    assert_eq!(judged(LATER, &embedded, &[fresh(LATER)]), PASSED);
    let embedded = document(Some(authority()), &[&list(PROVED.plus_seconds(-1))]);
    assert_eq!(judged(LATER, &embedded, &[fresh(LATER)]), EXPIRED);
    let embedded = document(None, &[&old]);
    assert_eq!(judged(LATER, &embedded, &[fresh(LATER)]), EXPIRED);
}

#[test]
fn what_was_on_hold_when_it_was_signed_is_lifted_by_nothing_but_its_end() {
    let (signer, stamped) = (&tree().signer, stamped());
    let held = |date: i64| List {
        entries: vec![entry(signer, PROVED.plus_seconds(date), 6, None)],
        ..list(PROVED.plus_seconds(600))
    };
    let revoked = |date: i64| revoking(NOW.plus_seconds(DAY), &[entry(signer, PROVED.plus_seconds(date), 1, None)]);
    let at = |lists: &[List]| judged(NOW.plus_seconds(DAY), &stamped, lists);
    let hold = "INDETERMINATE TRY_LATER certificate-suspended";
    assert_eq!(judged(NOW, &stamped, &[held(-60)]), hold);
    assert_eq!(at(&[revoked(1200)]), PASSED, "§5.6.2.4: after");
    // What it was revoked for later says nothing of what it was held for.
    assert_eq!(at(&[held(-60), revoked(1200)]), REVOKED);
    assert_eq!(at(&[held(300), revoked(1200)]), PASSED, "put on hold after it was signed");
    assert_eq!(at(&[held(-60), fresh(NOW.plus_seconds(DAY))]), PASSED, "taken from hold");
    // One that need not remember it says nothing (RFC 5280 §3.3).
    assert_eq!(judged(LATER, &stamped, &[held(-60), fresh(LATER)]), EXPIRED);
    let remembering = remembering(LATER.plus_seconds(-60));
    assert_eq!(judged(LATER, &stamped, &[held(-60), remembering]), PASSED);
}

#[test]
fn what_stands_above_the_signer_must_be_good_now() {
    let old = list(PROVED.plus_seconds(DAY));
    // §5.4: the authority of the time-stamp has no fresh status, is revoked, or has expired.
    assert_eq!(judged(LATER, &stamped(), std::slice::from_ref(&old)), EXPIRED);
    let revoked = revoking(LATER, &[entry(authority(), LATER.plus_seconds(-DAY), 1, None)]);
    assert_eq!(judged(LATER, &stamped(), &[old.clone(), revoked]), EXPIRED);
    let short = crate::kit::timestamp::authority();
    assert_eq!(judged(LATER, &document(Some(short), &[]), &[old.clone(), fresh(LATER)]), EXPIRED);
    // §5.6.2.2: the CA itself has expired, and nothing proves that the lists existed before.
    for years in [11, 40] {
        let much_later = NOW.plus_seconds(years * YEAR);
        assert_eq!(judged(much_later, &stamped(), &[old.clone(), remembering(much_later.plus_seconds(-60))]), EXPIRED);
    }
    let revoked = List { entries: vec![entry(&ca(), LATER.plus_seconds(-DAY), 2, None)], ..fresh(LATER) };
    let mut evidence = evidence(LATER, &[old, fresh(LATER)]);
    evidence.crls.insert(List { number: Some(200), ..revoked }.sign(&tree().root));
    let judge = Judge { evidence: &evidence, time: LATER, ..Judge::default() };
    assert_eq!(judge.verdict(&stamped(), Content::Bytes(CONTENT)), EXPIRED);
}

fn ca() -> Signer {
    Signer { certificate: Arc::clone(&tree().ca_certificate), key: Kind::P256.key().clone() }
}

#[test]
fn r10_a_revocation_counts_from_its_date_and_the_signers_word_for_nothing() {
    let time = NOW.plus_seconds(YEAR);
    let signer = &tree().signer;
    let by = |document: &[u8], entries: &[Vec<u8>]| judged(time, document, &[revoking(time, entries)]);
    let after = PROVED.plus_seconds(1);
    // §5.3: the signing time in the signature is an hour before any of these and helps nobody.
    assert_eq!(by(&document(None, &[]), &[entry(signer, NOW.plus_seconds(DAY), 1, None)]), REVOKED);
    // §5.5.4 (2): revoked after the best signature time.
    for reason in [0, 1, 3, 4, 5, 9] {
        assert_eq!(by(&stamped(), &[entry(signer, after, reason, None)]), PASSED, "{reason}");
        assert_eq!(by(&stamped(), &[entry(signer, PROVED, reason, None)]), REVOKED, "{reason}: at the same second");
        assert_eq!(by(&stamped(), &[entry(signer, PROVED.plus_seconds(-1), reason, None)]), REVOKED, "{reason}");
    }
    // RFC 5280 §5.3.2: the key was out of hand before.
    let out_of_hand = |invalid: Time| by(&stamped(), &[entry(signer, NOW.plus_seconds(DAY), 1, Some(invalid))]);
    assert_eq!(out_of_hand(after), PASSED);
    assert_eq!(out_of_hand(PROVED), REVOKED);
    assert_eq!(out_of_hand(PROVED.plus_seconds(-DAY)), REVOKED);
    // Of several entries each counts.
    let two = [entry(signer, after, 1, None), entry(signer, PROVED.plus_seconds(-5), 4, None)];
    assert_eq!(by(&stamped(), &two), REVOKED);
    // What is on hold may become revoked from any date.
    let hold = by(&stamped(), &[entry(signer, after, 6, None)]);
    assert_eq!(hold, "INDETERMINATE TRY_LATER certificate-suspended");
    // The answer says it all the same.
    let (_, report) = report(time, &stamped(), &[revoking(time, &[entry(signer, NOW.plus_seconds(DAY), 1, None)])]);
    let status = &report.signatures[0].revocation[0];
    assert_eq!((status.status, status.revocation_time), ("revoked", Some(NOW.plus_seconds(DAY))));
}

#[test]
fn r10_a_stale_or_missing_list_is_no_evidence_of_the_past() {
    let time = NOW.plus_seconds(YEAR);
    let embedded_old = document(Some(authority()), &[&list(PROVED.plus_seconds(-DAY))]);
    // The time-stamping authority's own status is lacking too, so that nothing is proved.
    assert_eq!(judged(time, &embedded_old, &[]), "INDETERMINATE TRY_LATER revocation-status-unknown");
    // A later revoking list is held: the older good one does not hide a revocation of before the signature.
    let revoked = revoking(time, &[entry(&tree().signer, PROVED.plus_seconds(-60), 1, None)]);
    let embedded = document(Some(authority()), &[&list(PROVED.plus_seconds(60))]);
    assert_eq!(judged(time, &embedded, &[revoked]), REVOKED);
}
