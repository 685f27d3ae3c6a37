//! A signature made today, judged in 1, 3, 11, 20 and 40 years: bare, with a time-stamp, with its evidence, with archive time-stamps, and
//! those renewed; with revocation before and after, and with each piece of evidence taken away. The clause of EN 319 102-1 that gives
//! each verdict stands beside it.

use std::sync::{Arc, OnceLock};

use antin::core::cms::SignedData;
use antin::core::cms::add_evidence::{self, add_evidence};
use antin::core::cms::build::attribute;
use antin::core::cms::unsigned::{add_attribute, add_signature_time_stamp};
use antin::core::der::{Reader, tag, writer};
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::memory::Memory;
use antin::core::oid;
use antin::core::policy::{Policy, RequiredLevel, RevocationMode};
use antin::core::report::Report;
use antin::core::time::Time;
use antin::core::validation::{self, Content, ValidationRequest};
use antin::core::x509::anchor_limits::AnchorLimits;
use antin::core::x509::{Certificate, CertificateList, TrustAnchor, TrustStore};
use antin::pki::certificate::{Issuer, Profile, self_sign};
use antin::pki::profile;
use antin::signing::long_term::archived;
use x509_cert::ext::pkix::BasicConstraints;

use crate::kit::CONTENT;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::revocation::{List, Response, dated_entry, extension, generalized};
use crate::kit::timestamp::Token;
use crate::kit::tree::{NOW, Signer, decoded, issued, private_key, publication, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED, line};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
/// The signature is time-stamped.
const STAMPED: Time = NOW.plus_seconds(60);
/// The lists that are kept were made.
const LISTED: Time = NOW.plus_seconds(HOUR);
const ARCHIVED: Time = NOW.plus_seconds(2 * HOUR);

const EXPIRED: &str = "INDETERMINATE OUT_OF_BOUNDS_NO_POE certificate-expired";
const REVOKED: &str = "INDETERMINATE REVOKED_NO_POE certificate-revoked";
const UNKNOWN: &str = "INDETERMINATE TRY_LATER revocation-status-unknown";

/// Who vouches for time for fifteen years, below a root of its own.
struct Authority {
    root: Issuer,
    root_certificate: Arc<Certificate>,
    stamps: Signer,
}

/// One that begins every twelve years.
fn authority(number: usize) -> &'static Authority {
    static AUTHORITIES: [OnceLock<Authority>; 4] = [const { OnceLock::new() }; 4];
    AUTHORITIES[number].get_or_init(|| {
        let begin = NOW.plus_seconds(12 * number as i64 * YEAR - DAY);
        let not_after = begin.plus_seconds(15 * YEAR);
        let name = |text: &str| profile::subject("antin", &format!("{text} {number}")).expect("a name");
        let of_root = Profile { not_after, ..profile::root(name("Time root"), begin) };
        let root = self_sign(private_key(), &of_root).expect("a root");
        let of_stamps = profile::time_stamping(name("Time-stamps"), begin, &publication());
        let stamps = issued(&root, &Profile { not_after, ..of_stamps }, Kind::P256.key());
        Authority { root_certificate: decoded(root.certificate()), root, stamps }
    })
}

/// A list of this time, good for a week.
fn list(this_update: Time) -> List {
    let number = u8::try_from(this_update.seconds_since(NOW) / (60 * DAY) + 1).ok();
    List { number, this_update, next_update: Some(this_update.plus_seconds(7 * DAY)), ..List::default() }
}

/// A signed document on its way through the years.
#[derive(Clone)]
pub struct Paper(pub Vec<u8>);

impl Paper {
    /// B-B.
    fn signed() -> Self {
        Self::signed_by(&tree().signer)
    }

    fn signed_by(signer: &Signer) -> Self {
        Self(Message::detached(SignerInfo::new(signer, CONTENT)).encode())
    }

    fn stamped(&self, authority: &Authority, time: Time) -> Self {
        let value = SignedData::decode(&self.0).expect("a message").signer_infos[0].signature.to_vec();
        let token = Token { authority: &authority.stamps, time, ..Token::over(&value) }.encode();
        Self(add_signature_time_stamp(&self.0, 0, &token).expect("added"))
    }

    fn with(&self, crls: &[Arc<CertificateList>], certificates: &[&Arc<Certificate>]) -> Self {
        let evidence = add_evidence::Evidence {
            certificates: certificates.iter().map(|certificate| certificate.der().to_vec()).collect(),
            crls: crls.iter().map(|crl| crl.der()).collect(),
            ocsp_responses: Vec::new(),
        };
        Self(add_evidence(&self.0, &evidence).expect("added"))
    }

    fn archived(&self, authority: &Authority, time: Time) -> Self {
        let (octets, index) = archived(&self.0, 0, Content::Bytes(CONTENT)).expect("a message");
        let token = Token { authority: &authority.stamps, time, ..Token::over(&octets) }.encode();
        let token = add_attribute(&token, 0, &attribute(oid::ATS_HASH_INDEX_V3, &index)).expect("added");
        Self(add_attribute(&self.0, 0, &attribute(oid::ARCHIVE_TIME_STAMP_V3, &token)).expect("added"))
    }

    /// B-T.
    fn timestamped() -> Self {
        Self::signed().stamped(authority(0), STAMPED)
    }

    /// B-LT.
    fn long_term() -> Self {
        Self::timestamped().with(&kept(), &[&tree().ca_certificate])
    }

    /// B-LTA.
    pub fn archival() -> Self {
        Self::long_term().archived(authority(0), ARCHIVED)
    }

    /// With the status of the authority that vouches, and a time-stamp by the next.
    fn renewed(&self, next: usize, time: Time) -> Self {
        let before = list(time.plus_seconds(-HOUR)).sign(&authority(next - 1).root);
        self.with(&[before], &[]).archived(authority(next), time)
    }
}

/// The lists that are kept with the signature: of its CA, of the root about the CA, about the time-stamping authority.
fn kept() -> [Arc<CertificateList>; 3] {
    let list = list(LISTED);
    [list.sign(&tree().ca), list.sign(&tree().root), list.sign(&authority(0).root)]
}

pub fn years(count: i64) -> Time {
    NOW.plus_seconds(count * YEAR)
}

/// The message without this member of its certificates or CRLs.
fn cut(message: &[u8], part: &[u8]) -> Vec<u8> {
    let members = |element: &[u8]| {
        let mut reader = Reader::single(element, element[0]).expect("an element").reader();
        let mut members = Vec::new();
        while !reader.is_empty() {
            members.push(reader.read().expect("a member").raw.to_vec());
        }
        members
    };
    let content_info = members(message);
    let mut fields = members(&members(&content_info[1])[0]);
    for field in fields.iter_mut().filter(|field| [tag::context(0), tag::context(1)].contains(&field[0])) {
        let kept: Vec<_> = members(field).into_iter().filter(|member| member != part).collect();
        *field = writer::element(field[0], &kept.concat());
    }
    let signed_data = writer::element(tag::SEQUENCE, &fields.concat());
    writer::sequence(&[&content_info[0], &writer::element(tag::context(0), &signed_data)])
}

/// The newest list of a root about who vouches for time.
pub fn about_time(number: usize, time: Time) -> Arc<CertificateList> {
    list(time.plus_seconds(-HOUR)).sign(&authority(number).root)
}

/// All roots there ever were: old ones are never dropped.
pub fn anchors() -> TrustStore {
    let roots = (0..4).map(|number| &authority(number).root_certificate).chain([&tree().root_certificate]);
    TrustStore::new(roots.cloned().map(TrustAnchor::new).collect(), Vec::new())
}

/// The verdict at a time, by these lists beside what the paper brings.
fn judged(time: Time, paper: &Paper, held: &[Arc<CertificateList>]) -> String {
    report(time, paper, held).0
}

fn report(time: Time, paper: &Paper, held: &[Arc<CertificateList>]) -> (String, Report) {
    let trust = anchors();
    let evidence = Evidence { crls: CrlSet::new(held.iter().cloned()), ..Evidence::default() };
    let judge = Judge { evidence: &evidence, trust: &trust, time, ..Judge::default() };
    let validation = judge.validate(&paper.0, Content::Bytes(CONTENT)).expect("a message");
    let policy = Policy::held("any-ades").expect("held");
    (line(&validation.verdict), Report::new(&validation, &policy, RevocationMode::Required, time))
}

/// The lists of all authorities of the paper that publish at a time.
fn published(time: Time) -> Vec<Arc<CertificateList>> {
    let fresh = list(time.plus_seconds(-HOUR));
    let mut lists = vec![fresh.sign(&tree().root)];
    if time < tree().ca_certificate.not_after {
        lists.push(fresh.sign(&tree().ca));
    }
    let vouching = (0..4).map(authority).filter(|authority| {
        authority.root_certificate.not_before < time && time < authority.root_certificate.not_after
    });
    lists.extend(vouching.map(|authority| fresh.sign(&authority.root)));
    lists
}

#[test]
fn what_is_kept_with_a_signature_decides_how_long_it_lives() {
    let (bare, stamped, long_term, archival) = (
        Paper::signed().with(&[], &[&tree().ca_certificate]),
        Paper::timestamped().with(&[], &[&tree().ca_certificate]),
        Paper::long_term(),
        Paper::archival(),
    );
    let formats = [(&bare, "B"), (&stamped, "T"), (&long_term, "LT"), (&archival, "LTA")];
    for (paper, level) in formats {
        let (verdict, report) = report(ARCHIVED, paper, &published(ARCHIVED));
        assert_eq!(verdict, PASSED, "§5.3: {level}");
        assert_eq!(report.signatures[0].format, format!("CAdES-BASELINE-{level}"));
    }
    let renewed = archival.renewed(1, years(13));
    let twice = renewed.renewed(2, years(25));
    let thrice = twice.renewed(3, years(37));
    // At most so many years pass between two time-stamps.
    let late = archival.renewed(1, years(16));
    let table = [
        (1, &bare, PASSED, "§5.3"),
        (1, &archival, PASSED, "§5.3"),
        (3, &bare, EXPIRED, "§5.3, §5.2.6.4: nothing proves when it was made"),
        (3, &stamped, EXPIRED, "§5.6.2.2 (2)(a): no status of the signer from when it was good"),
        (3, &long_term, PASSED, "§5.6.2.4: proved before the end, the CA is good now"),
        (3, &archival, PASSED, "§5.6.2.4"),
        (11, &bare, EXPIRED, "§5.3"),
        (11, &stamped, EXPIRED, "§5.6.2.2"),
        (11, &long_term, EXPIRED, "§5.6.2.2 (2)(a): nothing proves that the lists are older than the end of the CA"),
        (11, &archival, PASSED, "§5.6.3.4: the archive time-stamp proves it"),
        (20, &archival, EXPIRED, "§5.6.3.4: the archive time-stamp's authority has ended"),
        (20, &late, EXPIRED, "§5.6.3.4: it had ended when the next one came"),
        (20, &renewed, PASSED, "§5.6.3.4"),
        (40, &renewed, EXPIRED, "§5.6.3.4"),
        (40, &twice, EXPIRED, "§5.6.3.4"),
        (40, &thrice, PASSED, "§5.6.3.4"),
    ];
    for (count, paper, expected, clause) in table {
        let time = years(count);
        let (verdict, report) = report(time, paper, &published(time));
        assert_eq!(verdict, expected, "after {count} years: {clause}");
        let proved =
            if expected == PASSED && count > 1 { STAMPED } else { report.best_signature_time.expect("a time") };
        assert_eq!(report.best_signature_time, Some(proved), "after {count} years");
    }
}

#[test]
fn only_who_vouches_for_the_newest_time_must_be_asked_now() {
    let (long_term, archival) = (Paper::long_term(), Paper::archival());
    let table = [
        (1, &archival, vec![], UNKNOWN, "§5.4, §5.2.5: no fresh status of anybody"),
        (3, &archival, vec![], EXPIRED, "§5.4: nor of the time-stamping authority, so that nothing is proved"),
        (3, &long_term, vec![about_time(0, years(3))], EXPIRED, "§5.6.2.2: nor of the CA"),
        (3, &archival, vec![about_time(0, years(3))], PASSED, "§5.6.3.4"),
        (11, &archival, vec![about_time(0, years(11))], PASSED, "§5.6.3.4"),
        (20, &archival.renewed(1, years(13)), vec![about_time(1, years(20))], PASSED, "§5.6.3.4"),
        (20, &archival.renewed(1, years(13)), vec![about_time(1, years(19))], EXPIRED, "§5.2.5: stale"),
    ];
    for (count, paper, held, expected, clause) in table {
        assert_eq!(judged(years(count), paper, &held), expected, "after {count} years: {clause}");
    }
}

#[test]
fn who_vouches_for_time_is_as_fresh_as_an_authority() {
    let judged = |policy, age: i64| {
        let evidence = Evidence {
            crls: CrlSet::new([list(years(3).plus_seconds(-age)).sign(&authority(0).root)]),
            ..Evidence::default()
        };
        let judge = Judge { evidence: &evidence, trust: &anchors(), time: years(3), policy, ..Judge::default() };
        judge.verdict(&Paper::archival().0, Content::Bytes(CONTENT))
    };
    for policy in ["any-ades", "circular-15-2025", "strict"] {
        assert_eq!(judged(policy, 3 * DAY), PASSED, "{policy}: older than a signer's may be");
        assert_eq!(judged(policy, 8 * DAY), EXPIRED, "{policy}: past its nextUpdate");
    }
}

#[test]
fn each_piece_of_evidence_is_needed() {
    let held = |count: i64| [about_time(0, years(count))];
    let ca = &tree().ca_certificate;
    let built = |without: usize| {
        let lists = kept().into_iter().enumerate().filter(|(index, _)| *index != without).map(|(_, list)| list);
        Paper::timestamped().with(&lists.collect::<Vec<_>>(), &[ca]).archived(authority(0), ARCHIVED)
    };
    assert_eq!(judged(years(11), &built(9), &held(11)), PASSED);
    assert_eq!(judged(years(11), &built(0), &held(11)), EXPIRED, "§5.6.2.2 (2)(a): the list about the signer");
    assert_eq!(judged(years(11), &built(1), &held(11)), EXPIRED, "§5.6.2.2 (2)(a): the list about the CA");
    assert_eq!(judged(years(11), &built(2), &held(11)), PASSED, "the newest status of the authority is at hand");
    // For the years after it ends, its status is needed as of then.
    let unlisted = Paper::archival().archived(authority(1), years(13));
    assert_eq!(judged(years(20), &unlisted, &[about_time(1, years(20))]), EXPIRED, "§5.6.2.2 (2)(a)");
    // A list that was fresh when it was time-stamped is not enough about who signed: it was made before the signature.
    let early = list(STAMPED.plus_seconds(-HOUR)).sign(&tree().ca);
    let lists = [early, kept()[1].clone(), kept()[2].clone()];
    let paper = Paper::timestamped().with(&lists, &[ca]).archived(authority(0), ARCHIVED);
    assert_eq!(judged(years(11), &paper, &held(11)), EXPIRED, "§5.6.2.2 (2)(b)");
    // Nor if the signer's certificate is an authority's too.
    let both = Profile {
        basic_constraints: Some(BasicConstraints { ca: true, path_len_constraint: None }),
        key_usage: None,
        ..signer_profile("Both")
    };
    let paper = Paper::signed_by(&tree().signer_saying(&both)).stamped(authority(0), STAMPED);
    let with = |lists: &[Arc<CertificateList>]| paper.with(lists, &[ca]).archived(authority(0), ARCHIVED);
    assert_eq!(judged(years(11), &with(&kept()), &held(11)), PASSED);
    assert_eq!(judged(years(11), &with(&lists), &held(11)), EXPIRED, "§5.6.2.2 (2)(b)");
    // Without the time-stamp on the signature alone, it is as old as the archive time-stamp, later than the list.
    let paper = Paper::signed().with(&kept(), &[ca]).archived(authority(0), ARCHIVED);
    assert_eq!(judged(years(11), &paper, &held(11)), EXPIRED, "§5.6.2.2 (2)(b)");
    let chainless = Paper::timestamped().with(&kept(), &[]).archived(authority(0), ARCHIVED);
    assert_eq!(judged(years(11), &chainless, &held(11)), "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND no-trusted-path");
    // What is put in after the last time-stamp is as young as the judgement.
    let late = Paper::timestamped().archived(authority(0), ARCHIVED).with(&kept(), &[ca]);
    assert_eq!(judged(years(11), &late, &held(11)), EXPIRED, "§5.6.2.3: not covered");
    assert_eq!(judged(years(3), &late, &published(years(3))), PASSED, "§5.6.2.4: as with B-LT");
}

#[test]
fn what_is_taken_away_takes_its_time_stamp_with_it() {
    let paper = Paper::archival();
    let message = SignedData::decode(&paper.0).expect("a message");
    let held = [about_time(0, years(11))];
    assert_eq!(judged(years(11), &paper, &held), PASSED);
    for part in
        message.certificates.iter().chain(&message.crls).filter(|part| ***part != *tree().signer.certificate.der())
    {
        let without = cut(&paper.0, part);
        let (verdict, report) = report(years(11), &Paper(without), &held);
        assert_ne!(verdict, PASSED);
        let archive = report.signatures[0].timestamps.iter().find(|stamp| stamp.over == "archive").expect("there");
        assert_eq!(archive.code, "timestamp-index-invalid");
    }
}

#[test]
fn an_anchor_that_counts_no_longer_carries_what_is_proved_to_be_older() {
    let judged = |time: Time, paper: &Paper, until: Time| {
        let limits = AnchorLimits::new(None, None, None, Some(until)).expect("an end");
        let root = TrustAnchor::limited(Arc::clone(&tree().root_certificate), limits);
        let trust =
            TrustStore::new(vec![root, TrustAnchor::new(Arc::clone(&authority(0).root_certificate))], Vec::new());
        let evidence = Evidence { crls: CrlSet::new(published(time)), ..Evidence::default() };
        let judge = Judge { evidence: &evidence, trust: &trust, time, ..Judge::default() };
        judge.verdict(&paper.0, Content::Bytes(CONTENT))
    };
    let ended = "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND_NO_POE anchor-time-not-allowed";
    assert_eq!(judged(years(1), &Paper::archival(), years(2)), PASSED);
    assert_eq!(judged(years(11), &Paper::archival(), years(2)), PASSED, "all under it was proved before");
    assert_eq!(judged(years(11), &Paper::archival(), ARCHIVED), PASSED);
    assert_eq!(judged(years(11), &Paper::archival(), ARCHIVED.plus_seconds(-1)), ended);
    assert_eq!(judged(years(3), &Paper::long_term(), years(2)), ended, "its lists could have been made since");
}

#[test]
fn revocation_counts_from_its_date() {
    let of_signer = |date: Time, reason: u8| {
        let serial = &tree().signer.certificate.serial_number;
        let mut list = list(LISTED);
        list.entries = vec![dated_entry(serial, date, reason, None)];
        let lists = [list.sign(&tree().ca), kept()[1].clone(), kept()[2].clone()];
        Paper::timestamped().with(&lists, &[&tree().ca_certificate]).archived(authority(0), ARCHIVED)
    };
    let held = [about_time(0, years(3))];
    assert_eq!(judged(years(3), &of_signer(STAMPED.plus_seconds(-1), 1), &held), REVOKED, "§5.6.2.2 (2)(b): before");
    assert_eq!(judged(years(3), &of_signer(STAMPED, 1), &held), REVOKED, "§5.5.4: at the same second");
    assert_eq!(judged(years(3), &of_signer(STAMPED.plus_seconds(1), 1), &held), PASSED, "§5.6.2.4: after");
    assert_eq!(judged(years(3), &of_signer(STAMPED.plus_seconds(1), 6), &held), EXPIRED, "a hold may become anything");
    let roots = [list(years(1)).sign(&tree().root), about_time(0, years(1))];
    assert_eq!(judged(years(1), &of_signer(STAMPED.plus_seconds(-1), 1), &roots), REVOKED, "§5.2.6.4");
    // A list that was not kept with it says so all the same.
    let mut newer = list(ARCHIVED.plus_seconds(DAY));
    newer.entries = vec![dated_entry(&tree().signer.certificate.serial_number, STAMPED.plus_seconds(-1), 1, None)];
    let both = [about_time(0, years(3)), newer.sign(&tree().ca)];
    assert_eq!(judged(years(3), &Paper::archival(), &both), REVOKED);
    let by_ocsp = |date: Time, invalid: Option<Time>| {
        let single_extensions = invalid.map(|invalid| extension(oid::INVALIDITY_DATE, false, &generalized(invalid)));
        let told = Response {
            produced_at: ARCHIVED,
            this_update: ARCHIVED,
            single_extensions: single_extensions.into_iter().collect(),
            ..Response::revoked_for(date, 1)
        };
        let response = told.sign(&tree().signer.certificate, &tree().ca_certificate, &tree().ca);
        let evidence =
            Evidence { ocsp_responses: vec![response], crls: CrlSet::new(held.iter().cloned()), ..Evidence::default() };
        let judge = Judge { evidence: &evidence, trust: &anchors(), time: years(3), ..Judge::default() };
        judge.verdict(&Paper::archival().0, Content::Bytes(CONTENT))
    };
    assert_eq!(by_ocsp(STAMPED.plus_seconds(60), None), PASSED, "RFC 6960: after");
    assert_eq!(by_ocsp(STAMPED.plus_seconds(60), Some(STAMPED)), REVOKED, "RFC 6960 §4.4.5: out of hand before");
    // The CA: what it signed before is proved to be older.
    let of_ca = |date: Time| {
        let mut list = list(years(5));
        list.entries = vec![dated_entry(&tree().ca_certificate.serial_number, date, 2, None)];
        let [last, newest] = [list, self::list(years(11))].map(|list| list.sign(&tree().root));
        let verdict = judged(years(11), &Paper::archival(), &[about_time(0, years(11)), Arc::clone(&last)]);
        // What is no longer listed once it has ended was revoked all the same.
        let also = judged(years(11), &Paper::archival(), &[about_time(0, years(11)), last, newest]);
        assert_eq!(verdict, also);
        verdict
    };
    assert_eq!(of_ca(years(4)), PASSED, "§5.6.2.2 (2)(b)");
    assert_eq!(of_ca(ARCHIVED), EXPIRED, "§5.6.2.2 (2)(b): the lists could have been made later");
    // The time-stamping authority.
    let of_time = |paper: &Paper, count: i64, date: Time| {
        // The last list that the authority publishes, and in these years that of the next.
        let mut list = list(years(count.min(14)).plus_seconds(2 * DAY));
        list.entries = vec![dated_entry(&authority(0).stamps.certificate.serial_number, date, 1, None)];
        let time = years(count).plus_seconds(3 * DAY);
        judged(time, paper, &[list.sign(&authority(0).root), about_time(1, time)])
    };
    assert_eq!(of_time(&Paper::archival(), 3, years(2)), EXPIRED, "§5.4, §5.6.3.4: nothing is proved any more");
    let renewed = Paper::archival().renewed(1, years(13));
    assert_eq!(of_time(&renewed, 20, years(14)), PASSED, "§5.6.3.4: revoked after the next one came");
    assert_eq!(of_time(&renewed, 20, years(12)), EXPIRED, "§5.6.3.4: before");
}

#[test]
fn a_level_that_is_required_is_there_with_its_evidence() {
    let time = years(1);
    let (trust, evidence) = (anchors(), Evidence { crls: CrlSet::new(published(time)), ..Evidence::default() });
    let by = |level: RequiredLevel, paper: &Paper| {
        let policy = Policy { required_level: Some(level), ..Policy::held("any-ades").expect("held") };
        let validation = validation::validate(&ValidationRequest {
            document: &paper.0,
            content: Content::Bytes(CONTENT),
            evidence: &evidence,
            trust: &trust,
            policy: &policy,
            revocation: RevocationMode::Required,
            time,
            memory: &Memory::none(),
        });
        line(&validation.expect("a message").verdict)
    };
    let too_low = "INDETERMINATE SIG_CONSTRAINTS_FAILURE level-too-low";
    let ca = &tree().ca_certificate;
    let of_others = Paper::timestamped().with(&kept()[1..], &[ca]);
    let papers = [
        (Paper::signed().with(&[], &[ca]), 1),
        (Paper::timestamped().with(&[], &[ca]), 2),
        (of_others.clone(), 2),
        (of_others.archived(authority(0), ARCHIVED), 2),
        (Paper::long_term(), 3),
        (Paper::timestamped().with(&[], &[ca]).archived(authority(0), ARCHIVED), 2),
        (Paper::archival(), 4),
        // Which does not pass: its authority's certificate begins later.
        (Paper::long_term().archived(authority(3), ARCHIVED), 3),
    ];
    let levels = [RequiredLevel::Basic, RequiredLevel::Timestamped, RequiredLevel::LongTerm, RequiredLevel::Archival];
    for (index, (paper, reached)) in papers.iter().enumerate() {
        for (place, level) in levels.into_iter().enumerate() {
            let expected = if place < *reached { PASSED } else { too_low };
            assert_eq!(by(level, paper), expected, "{level:?} of paper {index}");
        }
    }
}
