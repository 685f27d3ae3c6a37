//! How long documents are good: windows of their kinds, from the day on which they were signed.

use std::collections::BTreeMap;
use std::sync::Arc;

use antin::core::der::writer;
use antin::core::memory::Memory;
use antin::core::oid;
use antin::core::policy::Policy;
use antin::core::time::Time;
use antin::core::validation::Content;
use antin::core::working_days::WorkingDays;
use antin::core::x509::TrustStore;
use antin::kinds::Kinds;
use antin::revocation::collect::Collected;
use antin::service::validity::ValidityRules;
use antin::service::verify::{VerifyRequest, VerifyService};
use arc_swap::ArcSwap;

use super::reference;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::timestamp::{Token, signature_time_stamps};
use crate::kit::tree::{NOW, tree};

const DAY: i64 = 86_400;
/// The week of [`NOW`], a Friday, 15:00 in Vietnam.
const WORKING_DAYS: &str = "[year.2026]\n[year.2027]\nclosed = ['2027-01-01']\nperhaps = ['2027-01-04']";

fn service() -> VerifyService {
    let trust = TrustStore::new(tree().trust.anchors().to_vec(), Vec::new());
    let working_days = WorkingDays::parse(WORKING_DAYS).expect("a calendar");
    VerifyService::new(
        Arc::new(ArcSwap::from_pointee(trust)),
        Arc::new(ArcSwap::from_pointee(tree().evidence.clone())),
        None,
        Arc::new(Memory::none()),
        vec![Policy::held("any-ades").expect("held")],
        "any-ades",
        BTreeMap::from([(
            "judicial-certificate-1".to_owned(),
            vec!["nationality".to_owned(), "recruitment".to_owned()],
        )]),
    )
    .expect("a service")
    .with_validity(ValidityRules::new(Arc::clone(Kinds::held()), working_days))
}

/// A signer of a document of a kind who says that he signs at this time, or does not say.
fn signer(kind: &str, content: &[u8], signed_at: Option<Time>) -> SignerInfo {
    let mut info = SignerInfo::new(&tree().signer, content);
    info.remove(oid::SIGNING_TIME);
    if let Some(time) = signed_at {
        info.set(oid::SIGNING_TIME, &[&writer::time(time)]);
    }
    info.add(&reference(kind, "1").encode());
    info.signature = Some(info.signature_value());
    info
}

struct Asked<'a> {
    content: &'a [u8],
    signer: SignerInfo,
    purpose: Option<&'a str>,
    by_digest: bool,
}

impl Asked<'_> {
    /// Outcome and code, and the end of the window.
    fn answer(&self) -> (String, Option<String>) {
        let message = Message::of(std::slice::from_ref(&self.signer)).encode();
        let sha256 = antin::core::crypto::digest(antin::core::algorithm::DigestAlgorithm::Sha256, self.content);
        let digests = [(antin::core::algorithm::DigestAlgorithm::Sha256, sha256)];
        let request = VerifyRequest {
            document: &message,
            content: if self.by_digest { Content::Digests(&digests) } else { Content::Bytes(self.content) },
            policy: None,
            purpose: self.purpose,
            collected: &Collected::default(),
            time: NOW,
        };
        let report = service().verify(&request).expect("a message").report;
        let end = report.document.valid_until.map(|end| end.to_string());
        (format!("{} {}", report.reliance.outcome.name(), report.reliance.code), end)
    }
}

const fn ago(days: i64) -> Option<Time> {
    Some(NOW.plus_seconds(-days * DAY))
}

fn asked<'a>(kind: &str, content: &'a [u8], signed_at: Option<Time>) -> Asked<'a> {
    Asked { content, signer: signer(kind, content, signed_at), purpose: None, by_digest: false }
}

const ACCEPTED: &str = "ACCEPT valid";
const EXPIRED: &str = "REJECT document-expired";
const UNKNOWN: &str = "UNDETERMINED document-validity-unknown";

#[test]
fn a_referral_is_good_for_ten_working_days_and_a_year_for_listed_diseases() {
    let (ordinary, listed) = (br#"{"listedDisease": false}"#, br#"{"listedDisease": true} "#);
    let until = |time: &str| Some(time.to_owned());
    for (content, signed, outcome, end) in [
        // Signed on Wednesday, 30 December: 31 December, 4 January if it works, 5–8, 11–15 (or to 14).
        (&ordinary[..], ago(16), UNKNOWN, None),
        (ordinary, ago(15), ACCEPTED, None),
        (ordinary, ago(17), EXPIRED, None),
        // On Tuesday, 5 January: behind all doubt.
        (ordinary, ago(10), ACCEPTED, until("2027-01-19T16:59:59Z")),
        (listed, ago(17), ACCEPTED, until("2027-12-29T16:59:59Z")),
        (listed, ago(365), ACCEPTED, until("2027-01-15T16:59:59Z")),
        (listed, ago(366), EXPIRED, until("2027-01-14T16:59:59Z")),
        // The content does not say which.
        (b"{}", ago(17), UNKNOWN, None),
        (b"{}", ago(10), ACCEPTED, None),
        (b"{}", ago(366), EXPIRED, None),
        (br#"{"listedDisease": "true"}"#, ago(17), UNKNOWN, None),
        (br#"{"listedDisease": false, "listedDisease": true}"#, ago(17), UNKNOWN, None),
    ] {
        let said = String::from_utf8_lossy(content);
        assert_eq!(asked("referral", content, signed).answer(), (outcome.to_owned(), end), "{said} {signed:?}");
    }
    // Who keeps the content to himself is told what holds whatever it says.
    let by_digest = |signed| Asked { by_digest: true, ..asked("referral", ordinary, signed) };
    assert_eq!(by_digest(ago(10)).answer().0, ACCEPTED);
    assert_eq!(by_digest(ago(17)).answer().0, UNKNOWN);
}

#[test]
fn a_window_of_a_purpose_counts_where_it_is_named() {
    let about = |purpose, days| Asked { purpose, ..asked("judicial-certificate-1", b"{}", ago(days)) };
    assert_eq!(about(None, 500).answer(), (ACCEPTED.to_owned(), None));
    assert_eq!(about(Some("recruitment"), 500).answer(), (ACCEPTED.to_owned(), None));
    let end = |time: &str| Some(time.to_owned());
    assert_eq!(about(Some("nationality"), 90).answer(), (ACCEPTED.to_owned(), end("2027-01-15T16:59:59Z")));
    assert_eq!(about(Some("nationality"), 91).answer(), (EXPIRED.to_owned(), end("2027-01-14T16:59:59Z")));
}

/// A signer's own word makes a paper older, never younger than a time-stamp shows it.
#[test]
fn a_document_is_as_old_as_it_says_and_as_is_proved() {
    let stamped = |claimed: Option<Time>, proved: i64| {
        let mut asked = asked("health-check", b"{}", claimed);
        let token = Token { time: NOW.plus_seconds(-proved), ..Token::over(&asked.signer.signature_value()) }.encode();
        asked.signer.unsigned_attributes = Some(vec![signature_time_stamps(&[token])]);
        asked.answer().0
    };
    assert_eq!(asked("health-check", b"{}", None).answer().0, UNKNOWN);
    assert_eq!(stamped(None, 60), ACCEPTED);
    assert_eq!(stamped(ago(366), 60), EXPIRED);
    assert_eq!(stamped(ago(-400), 60), ACCEPTED, "not later than proved");
    assert_eq!(asked("unheard-of", b"{}", ago(4000)).answer().0, ACCEPTED, "nothing is laid down");
}
