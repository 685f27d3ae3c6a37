//! PDF files that must pass: without these, a validator that refuses everything would pass every other test.

use antin::core::policy::Policy;
use antin::core::report::Report;
use antin::core::validation::Content;

use crate::kit::pdf::base::{CATALOGUE, READY};
use crate::kit::pdf::{Kind, Pdf, Signing, verdict};
use crate::kit::verdict::{Judge, PASSED};

/// The codes of the warnings about a file that is judged by the usual judge.
pub fn warnings(octets: &[u8]) -> Vec<String> {
    let judge = Judge::default();
    let validation = judge.validate(octets, Content::None).expect("a PDF");
    let policy = Policy::held(judge.policy).expect("held");
    let report = Report::new(&validation, &policy, judge.revocation, judge.time);
    let report = serde_json::to_value(&report).expect("JSON");
    let signatures = report["signatures"].as_array().expect("signatures").iter();
    let checks = signatures.flat_map(|signature| signature["checks"].as_array().expect("checks"));
    let warned = checks.filter(|check| check["result"] == "warning");
    warned.map(|check| check["code"].as_str().expect("a code").to_owned()).collect()
}

/// The verdict says that the file was changed since, and what: one of these, joined by `|`; empty: whatever.
pub fn is_changed(found: &str, kinds: &str) -> bool {
    let kind = found.strip_prefix("TOTAL-FAILED FORMAT_FAILURE pdf-changed-");
    kind.is_some_and(|kind| kinds.is_empty() || kinds.split('|').any(|one| one == kind))
}

pub fn assert_changed(octets: &[u8], kinds: &str, what: &str) {
    let found = verdict(octets);
    assert!(is_changed(&found, kinds), "{what}: {found}, not {kinds}");
}

#[test]
fn every_kind_of_file_passes_when_it_is_signed() {
    for kind in Kind::ALL {
        for signing in [Signing::default(), Signing::pkcs7(), Signing { is_on_page: false, ..Signing::default() }] {
            let pdf = Pdf::of(kind).signed(&signing);
            assert_eq!(verdict(&pdf.octets), PASSED, "{kind:?} {}", signing.sub_filter);
        }
    }
    let pdf = Pdf::of(Kind::Ready).signed(&Signing { field: Some(READY), ..Signing::default() });
    assert_eq!(verdict(&pdf.octets), PASSED, "a field that was there");
}

#[test]
fn what_may_be_added_to_a_signed_file_leaves_it_a_pass() {
    for kind in Kind::ALL {
        let first = Pdf::of(kind).signed(&Signing::default());
        let second = first.signed(&Signing::named("Second"));
        assert_eq!(verdict(&second.octets), PASSED, "{kind:?}: a second signature");
        let stored = first.with_usual_store();
        assert_eq!(verdict(&stored.octets), PASSED, "{kind:?}: validation data");
        let stamped = stored.signed(&Signing::time_stamp());
        assert_eq!(verdict(&stamped.octets), PASSED, "{kind:?}: a time-stamp of the document");
        let last = stamped.signed(&Signing::named("Third")).with_usual_store();
        assert_eq!(verdict(&last.octets), PASSED, "{kind:?}: all of these");
    }
}

#[test]
fn a_store_that_takes_the_place_of_another_leaves_it_a_pass() {
    for kind in Kind::ALL {
        let pdf = Pdf::of(kind).signed(&Signing::default()).with_usual_store();
        let catalogue = String::from_utf8(pdf.objects[&CATALOGUE].clone()).expect("text");
        let store = catalogue.split("/DSS ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).expect("one");
        let other = pdf.edited(CATALOGUE, &format!("/DSS {store} 0 R"), "/DSS 90 0 R");
        let pdf = pdf.with([other, (90, pdf.objects[&store].clone())]);
        assert_eq!(verdict(&pdf.octets), PASSED, "{kind:?}");
    }
}

#[test]
fn certified_files_pass_with_what_their_certification_allows() {
    for permission in 1..=3 {
        let pdf = Pdf::of(Kind::Form).signed(&Signing::certifying(permission));
        assert_eq!(verdict(&pdf.octets), PASSED, "P {permission}");
        assert_eq!(verdict(&pdf.with_usual_store().octets), PASSED, "P {permission}: validation data");
        if permission > 1 {
            let pdf = pdf.signed(&Signing::named("Approval"));
            assert_eq!(verdict(&pdf.octets), PASSED, "P {permission}: an approval signature");
        }
    }
    let locking = Signing::locking("/Action /Include /Fields [(name)]");
    let pdf = Pdf::of(Kind::Form).signed(&locking);
    assert_eq!(verdict(&pdf.octets), PASSED, "a locked field");
    assert_eq!(verdict(&pdf.signed(&Signing::named("Second")).octets), PASSED, "and a second signature");
}
