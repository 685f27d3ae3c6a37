//! Attacks by way of CRLs: old ones, partial ones, changes without their base, lists by others.

use std::sync::Arc;

use antin::core::der::{tag, writer};
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::memory::Memory;
use antin::core::oid;
use antin::core::path::revocation::{RevocationStatus, Subject, check};
use antin::core::path::{InitialPolicies, PathFault, PathRequest, Work};
use antin::core::policy::{MaximumAge, Purpose, RevocationMode};
use antin::core::time::Time;
use antin::core::validation::Content;
use antin::core::x509::{Alias, Certificate, CertificateList, TrustAnchor, TrustStore};
use antin::pki::certificate::{Issuer, Profile, self_sign};
use antin::pki::profile::subject;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};

use crate::kit::CONTENT;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::revocation::{
    List, directory_name, distribution_points, entry, extension, issued_by, point_name, unknown_extension,
};
use crate::kit::tree::{NOW, Signer, below, decoded, private_key, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED};

const REVOKED: &str = "INDETERMINATE REVOKED_NO_POE certificate-revoked";
const SUSPENDED: &str = "INDETERMINATE TRY_LATER certificate-suspended";
const UNKNOWN: &str = "INDETERMINATE TRY_LATER revocation-status-unknown";
const STALE: &str = "INDETERMINATE TRY_LATER revocation-data-stale";
const UNCLEAR: &str = "INDETERMINATE TRY_LATER revocation-data-unclear";

/// Numbers of reasons (RFC 5280 §5.3.1).
const COMPROMISE: u8 = 1;
const HOLD: u8 = 6;
const REMOVE: u8 = 8;

/// What speaks about one signer's signature.
struct Case<'a> {
    signer: &'a Signer,
    lists: Vec<Arc<CertificateList>>,
    /// Beside the CA's.
    certificates: Vec<Arc<Certificate>>,
    policy: &'a str,
}

impl<'a> Case<'a> {
    fn new(signer: &'a Signer, lists: &[(&List, &Issuer)]) -> Self {
        let lists = lists.iter().map(|(list, issuer)| list.sign(issuer)).collect();
        Self { signer, lists, certificates: Vec::new(), policy: "any-ades" }
    }

    fn with(mut self, certificates: &[&Issuer]) -> Self {
        self.certificates = certificates.iter().map(|issuer| decoded(issuer.certificate())).collect();
        self
    }

    fn verdict(&self) -> String {
        self.verdict_under(&tree().trust)
    }

    /// The same whichever list comes first.
    fn verdict_under(&self, trust: &TrustStore) -> String {
        let judge = |lists: &mut dyn Iterator<Item = &Arc<CertificateList>>| {
            let mut evidence = Evidence { certificates: tree().evidence.certificates.clone(), ..Evidence::default() };
            evidence.certificates.extend(self.certificates.iter().cloned());
            for crl in tree().crls.issued_by(&tree().root_certificate.subject).iter().chain(lists) {
                evidence.crls.insert(Arc::clone(crl));
            }
            let message = Message::detached(SignerInfo::new(self.signer, CONTENT)).encode();
            let judge = Judge { evidence: &evidence, trust, policy: self.policy, ..Judge::default() };
            judge.verdict(&message, Content::Bytes(CONTENT))
        };
        let verdict = judge(&mut self.lists.iter());
        assert_eq!(verdict, judge(&mut self.lists.iter().rev()), "in either order");
        verdict
    }
}

/// Verdict about a signer by lists of the CA.
fn by_ca(signer: &Signer, lists: &[&List]) -> String {
    let lists: Vec<_> = lists.iter().map(|list| (*list, &tree().ca)).collect();
    Case::new(signer, &lists).verdict()
}

fn listing(signer: &Signer, reason: u8) -> Vec<Vec<u8>> {
    vec![entry(&signer.certificate.serial_number, reason, None)]
}

/// A signer whose certificate names these distribution points.
fn at_points(points: &[Vec<u8>]) -> Signer {
    let mut profile = signer_profile("Signer at a point");
    profile.crl_urls.clear();
    profile.extensions.push(distribution_points(points));
    tree().signer_saying(&profile)
}

/// Somebody who may sign CRLs and nothing else, unless `edit` says otherwise.
fn crl_signer(above: &Issuer, name: &str, edit: impl FnOnce(&mut Profile)) -> Issuer {
    let begin = NOW.plus_seconds(-3600);
    let mut profile = Profile::bare(subject("antin", name).expect("a name"), begin, NOW.plus_seconds(86_400));
    profile.key_usage = Some(KeyUsage(KeyUsages::CRLSign.into()));
    edit(&mut profile);
    below(above, &profile)
}

fn authority(profile: &mut Profile) {
    profile.key_usage = Some(KeyUsage(KeyUsages::CRLSign | KeyUsages::KeyCertSign));
    profile.basic_constraints = Some(BasicConstraints { ca: true, path_len_constraint: None });
}

#[test]
fn r01_old_lists_are_not_taken_for_new() {
    let signer = tree().signer(Kind::P256);
    let (earlier, later) = (NOW.plus_seconds(-2400), NOW.plus_seconds(-60));
    let clean = List::default();
    let over = List { next_update: Some(NOW.plus_seconds(-1)), ..clean.clone() };
    assert_eq!(by_ca(&signer, &[&clean]), PASSED);
    assert_eq!(by_ca(&signer, &[&over]), STALE);
    let revoking = List { number: Some(2), this_update: later, entries: listing(&signer, COMPROMISE), ..clean.clone() };
    assert_eq!(by_ca(&signer, &[&clean, &revoking]), REVOKED, "an older list beside it changes nothing");
    let first = List { number: Some(5), this_update: earlier, ..clean.clone() };
    let back = List { number: Some(3), this_update: later, ..clean.clone() };
    assert_eq!(by_ca(&signer, &[&first, &back]), UNCLEAR, "made later with a lower number");
}

#[test]
fn r01_no_list_counts_beyond_the_maximum_age_of_the_policy() {
    let signer = tree().signer(Kind::P256);
    let made =
        |seconds: i64, next_update| List { this_update: NOW.plus_seconds(-seconds), next_update, ..List::default() };
    let verdict = |list: &List, policy| Case { policy, ..Case::new(&signer, &[(list, &tree().ca)]) }.verdict();
    let week = Some(NOW.plus_seconds(7 * 86_400));
    for policy in ["circular-15-2025", "strict"] {
        assert_eq!(verdict(&made(86_400, week), policy), PASSED, "{policy}");
        assert_eq!(verdict(&made(86_401, week), policy), STALE, "{policy}");
        // Without nextUpdate it is the age alone that counts.
        assert_eq!(verdict(&made(86_400, None), policy), PASSED, "{policy}");
        assert_eq!(verdict(&made(86_401, None), policy), STALE, "{policy}");
    }
    assert_eq!(verdict(&made(86_401, week), "any-ades"), PASSED);
    assert_eq!(verdict(&made(60, None), "any-ades"), STALE);
}

#[test]
fn r06_changes_are_no_list() {
    let signer = tree().signer(Kind::P256);
    let (earlier, later) = (NOW.plus_seconds(-2400), NOW.plus_seconds(-60));
    let base = List { this_update: earlier, ..List::default() };
    let delta = List { number: Some(2), base: Some(1), this_update: later, ..List::default() };
    let with = |list: &List, reason| List { entries: listing(&signer, reason), ..list.clone() };
    let unnumbered = |list: &List| List { number: None, ..list.clone() };
    assert_eq!(by_ca(&signer, &[&delta]), UNKNOWN, "a delta as if it were complete");
    assert_eq!(by_ca(&signer, &[&unnumbered(&delta)]), UNKNOWN);
    assert_eq!(by_ca(&signer, &[&base, &delta]), PASSED);
    assert_eq!(by_ca(&signer, &[&base, &with(&delta, COMPROMISE)]), REVOKED);
    assert_eq!(by_ca(&signer, &[&with(&delta, COMPROMISE)]), REVOKED, "its base is missing, and it reveals");
    assert_eq!(by_ca(&signer, &[&base, &unnumbered(&with(&delta, COMPROMISE))]), REVOKED);
    assert_eq!(by_ca(&signer, &[&base, &with(&delta, HOLD)]), SUSPENDED);
    // Lifting a hold.
    let (held, removed) = (with(&base, HOLD), with(&delta, REMOVE));
    assert_eq!(by_ca(&signer, &[&held]), SUSPENDED);
    assert_eq!(by_ca(&signer, &[&held, &removed]), PASSED);
    assert_eq!(by_ca(&signer, &[&held, &delta]), SUSPENDED, "what a delta does not name stays");
    assert_eq!(by_ca(&signer, &[&held, &unnumbered(&removed)]), SUSPENDED);
    assert_eq!(by_ca(&signer, &[&unnumbered(&held), &removed]), SUSPENDED);
    assert_eq!(by_ca(&signer, &[&held, &List { base: Some(2), ..removed.clone() }]), SUSPENDED, "changes are missing");
    let elsewhere = List { point: Some(vec![0x81, 1, 0xFF]), ..removed.clone() };
    assert_eq!(by_ca(&signer, &[&held, &elsewhere]), SUSPENDED, "of another scope");
    let not_understood = List { extensions: vec![unknown_extension()], ..removed.clone() };
    assert_eq!(by_ca(&signer, &[&held, &not_understood]), SUSPENDED);
    assert_eq!(by_ca(&signer, &[&with(&base, COMPROMISE), &removed]), REVOKED, "only a hold is lifted");
    assert_eq!(by_ca(&signer, &[&removed]), UNKNOWN);
    // Freshness is the delta's.
    let over = List { next_update: Some(NOW.plus_seconds(-1)), ..base.clone() };
    assert_eq!(by_ca(&signer, &[&over]), STALE);
    assert_eq!(by_ca(&signer, &[&over, &delta]), PASSED);
    assert_eq!(by_ca(&signer, &[&over, &List { base: Some(2), ..delta.clone() }]), STALE);
    // What was on hold between its base and itself; of a revocation for good at hand it lifts nothing.
    assert_eq!(by_ca(&signer, &[&base, &removed]), PASSED);
    let between = List { number: Some(2), this_update: NOW.plus_seconds(-90), ..with(&delta, HOLD) };
    let removed = List { number: Some(3), ..removed };
    assert_eq!(by_ca(&signer, &[&base, &between, &removed]), PASSED);
    assert_eq!(by_ca(&signer, &[&base, &with(&between, COMPROMISE), &removed]), REVOKED);
    // A newer complete list has it all.
    let newer = List { number: Some(3), this_update: NOW.plus_seconds(-30), ..List::default() };
    assert_eq!(by_ca(&signer, &[&newer, &with(&delta, HOLD)]), PASSED);
}

#[test]
fn r07_a_list_counts_for_its_scope_alone() {
    let signer = tree().signer(Kind::P256);
    let scoped = |fields: &[u8]| List { point: Some(fields.to_vec()), ..List::default() };
    let verdict = |fields: &[u8]| by_ca(&signer, &[&scoped(fields)]);
    assert_eq!(verdict(&[0x81, 1, 0xFF]), PASSED, "onlyContainsUserCerts");
    assert_eq!(verdict(&[0x82, 1, 0xFF]), UNKNOWN, "onlyContainsCACerts");
    assert_eq!(verdict(&[0x85, 1, 0xFF]), UNKNOWN, "onlyContainsAttributeCerts");
    assert_eq!(verdict(&[0x81, 1, 0xFF, 0x82, 1, 0xFF]), UNKNOWN, "both kinds alone are none");
    assert_eq!(verdict(&point_name("http://127.0.0.1:8080/crl/ca.crl")), PASSED);
    assert_eq!(verdict(&point_name("http://127.0.0.1:8080/crl/other.crl")), UNKNOWN);
    // A list of another scope still reveals.
    let revealing = List { entries: listing(&signer, COMPROMISE), ..scoped(&[0x82, 1, 0xFF]) };
    assert_eq!(by_ca(&signer, &[&List::default(), &revealing]), REVOKED);
}

#[test]
fn r07_reasons_add_up_over_lists_and_points() {
    let signer = tree().signer(Kind::P256);
    let some = |bits: &[u8]| writer::element(0x83, bits);
    let list = |bits: &[u8]| List { point: Some(some(bits)), ..List::default() };
    let (compromise, others) = (list(&[5, 0x60]), list(&[7, 0x1F, 0x80]));
    assert_eq!(by_ca(&signer, &[&compromise]), UNKNOWN);
    assert_eq!(by_ca(&signer, &[&others]), UNKNOWN);
    assert_eq!(by_ca(&signer, &[&compromise, &others]), PASSED);
    assert_eq!(by_ca(&signer, &[&list(&[0]), &others]), UNKNOWN, "an empty BIT STRING is about no reason");
    let over = List { next_update: Some(NOW.plus_seconds(-1)), ..others.clone() };
    assert_eq!(by_ca(&signer, &[&compromise, &over]), STALE);
    // A newer list about other reasons does not lift a hold.
    let held = List { entries: listing(&signer, HOLD), ..others.clone() };
    let newer = List { this_update: NOW.plus_seconds(-60), ..compromise.clone() };
    assert_eq!(by_ca(&signer, &[&newer, &held]), SUSPENDED);
    for malformed in [&[][..], &[1], &[8, 0], &[0, 0, 0, 0, 1], &[0, 0x60]] {
        let der = List { point: Some(some(malformed)), ..List::default() }.der(&tree().ca);
        assert!(CertificateList::decode(&der).is_err(), "{malformed:?}");
    }
    // The points of the certificate say for which reasons each is.
    let uri = |number: u8| format!("http://crl.example/{number}");
    let point = |number, bits: &[u8]| writer::sequence(&[&point_name(&uri(number)), &writer::element(0x81, bits)]);
    let signer = at_points(&[point(1, &[5, 0x60]), point(2, &[7, 0x1F, 0x80])]);
    let at = |number| List { point: Some(point_name(&uri(number))), ..List::default() };
    assert_eq!(by_ca(&signer, &[&at(1)]), UNKNOWN);
    assert_eq!(by_ca(&signer, &[&at(1), &at(2)]), PASSED);
    assert_eq!(by_ca(&signer, &[&at(1), &at(3)]), UNKNOWN);
}

#[test]
fn r07_another_issuer_speaks_only_where_the_certificate_names_it() {
    let root = &tree().root;
    let other = crl_signer(root, "CRL issuer", |_| {});
    let signer = at_points(&[issued_by(&other)]);
    let indirect = List { point: Some(vec![0x84, 1, 0xFF]), ..List::default() };
    let verdict = |signer: &Signer, list: &List| Case::new(signer, &[(list, &other)]).with(&[&other]).verdict();
    assert_eq!(verdict(&signer, &indirect), PASSED);
    assert_eq!(verdict(&signer, &List::default()), UNKNOWN, "it does not say that it is indirect");
    assert_eq!(verdict(&tree().signer(Kind::P256), &indirect), UNKNOWN, "the certificate does not name it");
    assert_eq!(Case::new(&signer, &[(&indirect, &other)]).verdict(), UNKNOWN, "its certificate is not at hand");
    let elsewhere = [&point_name("http://crl.example/1")[..], &[0x84, 1, 0xFF]].concat();
    assert_eq!(verdict(&signer, &List { point: Some(elsewhere), ..List::default() }), UNKNOWN);
    // Whose certificate an entry is about: the list's issuer's, until an entry says otherwise, which holds for those after it.
    let serial = &signer.certificate.serial_number;
    let listed = |entries: Vec<Vec<u8>>| List { entries, ..indirect.clone() };
    let ca = &tree().ca;
    assert_eq!(verdict(&signer, &listed(vec![entry(serial, COMPROMISE, Some(ca))])), REVOKED);
    assert_eq!(verdict(&signer, &listed(vec![entry(serial, COMPROMISE, None)])), PASSED, "a certificate of its own");
    let (first, second) = (entry(&[9], COMPROMISE, Some(ca)), entry(serial, COMPROMISE, None));
    assert_eq!(verdict(&signer, &listed(vec![first.clone(), second.clone()])), REVOKED, "named before");
    let between = entry(&[7], COMPROMISE, Some(root));
    assert_eq!(verdict(&signer, &listed(vec![first, between, second])), PASSED, "the root's");
    // In a list that is not indirect such an entry cannot be understood.
    let direct = List { entries: vec![entry(&[9], COMPROMISE, Some(root))], ..List::default() };
    assert_eq!(by_ca(&tree().signer(Kind::P256), &[&direct]), UNKNOWN);
    // Two certificates in a ring, each saying that the other's is good.
    let [one, two] = ["One", "Two"].map(|name| subject("antin", name).expect("a name"));
    let point = |name: &x509_cert::name::Name| {
        let name = writer::element(tag::context(4), &der::Encode::to_der(name).expect("DER"));
        distribution_points(&[writer::sequence(&[&writer::element(tag::context(2), &name)])])
    };
    let in_ring = |name, other| crl_signer(&tree().ca, name, |profile| profile.extensions.push(point(other)));
    let (one, two) = (in_ring("One", &two), in_ring("Two", &one));
    let signer = at_points(&[issued_by(&one)]);
    let ring = Case::new(&signer, &[(&indirect, &one), (&indirect, &two)]).with(&[&one, &two]);
    assert_eq!(ring.verdict(), UNKNOWN);
}

/// Seen in the field: the cRLIssuer differs from the CA's own name by a dash.
#[test]
fn r07_a_misspelt_issuer_of_its_own_list_is_known_by_an_alias_of_its_key() {
    let misspelt = subject("antin", "CA dịch vụ công – bản thử").expect("a name");
    let name = writer::element(tag::context(4), &der::Encode::to_der(&misspelt).expect("DER"));
    let point = point_name("http://crl.example/ca.crl");
    let named = writer::sequence(&[&point, &writer::element(tag::context(2), &name)]);
    let signer = at_points(&[named]);
    let list = List { point: Some(point), ..List::default() };
    let case = Case::new(&signer, &[(&list, &tree().ca)]);
    assert_eq!(case.verdict(), UNKNOWN);
    let text = signer.certificate.extensions.crl_distribution_points.as_ref().expect("points")[0].crl_issuer.as_ref();
    let text = text.expect("an issuer")[0].text();
    let verdict = |certificate: &Certificate| {
        let anchors = vec![TrustAnchor::new(Arc::clone(&tree().root_certificate))];
        let aliases = vec![Alias::of(certificate, text)];
        case.verdict_under(&TrustStore::with_aliases(anchors, Vec::new(), aliases))
    };
    assert_eq!(verdict(&tree().ca_certificate), PASSED);
    assert_eq!(verdict(&tree().root_certificate), UNKNOWN, "the name of another key");
}

#[test]
fn r07_another_issuer_leads_to_the_same_anchor() {
    let profile = {
        let name = subject("antin", "Other root").expect("a name");
        let mut profile = Profile::bare(name, NOW.plus_seconds(-3600), NOW.plus_seconds(86_400));
        authority(&mut profile);
        profile
    };
    let other_root = self_sign(private_key(), &profile).expect("a root");
    let other = crl_signer(&other_root, "CRL issuer", |_| {});
    let signer = at_points(&[issued_by(&other)]);
    let indirect = List { point: Some(vec![0x84, 1, 0xFF]), ..List::default() };
    let lists = [(&indirect, &other), (&List::default(), &other_root)];
    let case = Case::new(&signer, &lists).with(&[&other, &other_root]);
    assert_eq!(case.verdict(), UNKNOWN);
    let anchors = [tree().root_certificate.clone(), decoded(other_root.certificate())].map(TrustAnchor::new);
    assert_eq!(case.verdict_under(&TrustStore::new(anchors.into(), Vec::new())), UNKNOWN);
    // Nor does one that is itself revoked, whose status is not known, or that may not sign CRLs.
    let other = crl_signer(&tree().root, "CRL issuer", |_| {});
    let signer = at_points(&[issued_by(&other)]);
    let serial = decoded(other.certificate()).serial_number.clone();
    let revoking = List { this_update: NOW.plus_seconds(-60), number: Some(2), ..List::default() };
    let revoking = List { entries: vec![entry(&serial, COMPROMISE, None)], ..revoking };
    let revoked = Case::new(&signer, &[(&indirect, &other), (&revoking, &tree().root)]).with(&[&other]);
    assert_eq!(revoked.verdict(), UNKNOWN);
    let unasked = crl_signer(&tree().ca, "CRL issuer", |_| {});
    assert_eq!(Case::new(&signer, &[(&indirect, &unasked)]).with(&[&unasked]).verdict(), UNKNOWN);
    let signing = |profile: &mut Profile| profile.key_usage = Some(KeyUsage(KeyUsages::DigitalSignature.into()));
    for edit in [signing as fn(&mut Profile), |profile| profile.key_usage = None] {
        let other = crl_signer(&tree().root, "CRL issuer", edit);
        assert_eq!(Case::new(&signer, &[(&indirect, &other)]).with(&[&other]).verdict(), UNKNOWN);
    }
}

#[test]
fn r08_the_name_alone_is_no_authority() {
    let signer = tree().signer(Kind::P256);
    let (root, clean) = (&tree().root, List::default());
    let ca_name = "Kit CA";
    let verdict = |list_signer: &Issuer, certificates: &[&Issuer]| {
        Case::new(&signer, &[(&clean, list_signer)]).with(certificates).verdict()
    };
    let mut profile = Profile::bare(subject("antin", ca_name).expect("a name"), NOW, NOW.plus_seconds(86_400));
    authority(&mut profile);
    let impostor = self_sign(private_key(), &profile).expect("an impostor");
    assert_eq!(verdict(&impostor, &[&impostor]), UNKNOWN, "the right name, a key of its own");
    // A second key of the CA, certified by those who certified the first, for CRLs.
    let second = crl_signer(root, ca_name, |_| {});
    assert_eq!(verdict(&second, &[&second]), PASSED);
    assert_eq!(verdict(&second, &[]), UNKNOWN, "its certificate is not at hand");
    let own = crl_signer(&tree().ca, ca_name, |_| {});
    let lists = [(&clean, &own), (&List { entries: listing(&signer, COMPROMISE), ..clean.clone() }, &second)];
    assert_eq!(Case::new(&signer, &lists).with(&[&own, &second]).verdict(), REVOKED);
    let useless = crl_signer(root, ca_name, |profile| {
        authority(profile);
        profile.key_usage = Some(KeyUsage(KeyUsages::KeyCertSign.into()));
    });
    assert_eq!(verdict(&useless, &[&useless]), UNKNOWN, "it may not sign CRLs");
    let expired = crl_signer(root, ca_name, |profile| profile.not_after = NOW.plus_seconds(-1));
    assert_eq!(verdict(&expired, &[&expired]), UNKNOWN);
    // What it revoked while it could is not passed over since; what it did not list says nothing.
    let revoking = List { entries: listing(&signer, COMPROMISE), ..clean.clone() };
    let fresh = List { this_update: clean.this_update.plus_seconds(-600), ..clean.clone() };
    let beside =
        |list: &List, by: &Issuer| Case::new(&signer, &[(&fresh, &tree().ca), (list, by)]).with(&[by]).verdict();
    assert_eq!([beside(&revoking, &second), beside(&clean, &second)], [REVOKED, PASSED]);
    assert_eq!([beside(&revoking, &expired), beside(&clean, &expired)], [UNCLEAR, PASSED]);
    assert_eq!([beside(&revoking, &impostor), beside(&clean, &impostor)], [PASSED; 2]);
    // Another authority under the same root gives the name away.
    let sibling = crl_signer(root, "Sibling", authority);
    let given = crl_signer(&sibling, ca_name, |_| {});
    let lists = [(&clean, &given), (&clean, &sibling)];
    assert_eq!(Case::new(&signer, &lists).with(&[&sibling, &given]).verdict(), UNKNOWN);
}

#[test]
fn r08_lists_by_the_issuing_key_decide_while_they_are_fresh() {
    let signer = tree().signer(Kind::P256);
    let second = crl_signer(&tree().root, "Kit CA", |_| {});
    let clean = List::default();
    let verdict = |own: &[&List]| {
        let mut lists: Vec<_> = own.iter().map(|list| (*list, &tree().ca)).collect();
        lists.push((&clean, &second));
        Case::new(&signer, &lists).with(&[&second]).verdict()
    };
    let partial = List { point: Some(writer::element(0x83, &[5, 0x60])), ..List::default() };
    let (earlier, ended) = (NOW.plus_seconds(-2400), NOW.plus_seconds(-1));
    let over = |list: &List| List { this_update: earlier, next_update: Some(ended), ..list.clone() };
    assert_eq!(verdict(&[&partial]), UNKNOWN);
    assert_eq!(verdict(&[&over(&partial)]), PASSED, "the authority changed its key");
    assert_eq!(verdict(&[&over(&clean)]), PASSED);
    let delta = List { number: Some(2), base: Some(1), this_update: NOW.plus_seconds(-60), ..partial.clone() };
    assert_eq!(verdict(&[&over(&partial), &delta]), UNKNOWN, "a delta keeps it fresh");
    for (reason, expected) in [(HOLD, SUSPENDED), (COMPROMISE, REVOKED)] {
        let listing = List { entries: listing(&signer, reason), ..clean.clone() };
        assert_eq!(verdict(&[&over(&listing)]), expected, "what it says against the certificate stays");
    }
    // The answer is remembered for no time at which the list was fresh.
    let others = [decoded(second.certificate())];
    let lists = [over(&partial).sign(&tree().ca), clean.sign(&second)];
    let above_second = tree().crls.issued_by(&tree().root_certificate.subject).iter().cloned();
    let crls = CrlSet::new(lists.into_iter().chain(above_second));
    let holds = |time| status(&signer, &others, &crls, time).map(|status| status.holds);
    assert_eq!(holds(ended), Err(PathFault::RevocationUnknown(0)));
    let holds = holds(NOW).expect("good");
    assert!(holds.from == NOW && holds.contains(NOW.plus_seconds(60)), "{holds:?}");
}

/// By the CA's revocation data alone.
fn status(
    signer: &Signer,
    certificates: &[Arc<Certificate>],
    crls: &CrlSet,
    time: Time,
) -> Result<RevocationStatus, PathFault> {
    let anchor = TrustAnchor::new(tree().root_certificate.clone());
    let above = [tree().ca_certificate.clone()];
    let request = PathRequest {
        target: &signer.certificate,
        certificates,
        crls,
        ocsp_responses: &[],
        trust: &tree().trust,
        purpose: Purpose::Any,
        kind: None,
        document_signing_usages: &[],
        policies: InitialPolicies::default(),
        revocation: RevocationMode::Required,
        maximum_age: MaximumAge::default(),
        time,
        past: None,
        memory: &Memory::none(),
        work: &Work::default(),
    };
    check(&request, 0, &Subject { certificate: &signer.certificate, above: &above, anchor: &anchor, used_at: None })
}

#[test]
fn r08_no_key_vouches_for_itself_unasked() {
    // A CRL signer of the CA's own name, below the CA, whose list is the only one about the CA's certificates.
    let own = crl_signer(&tree().ca, "Kit CA", |_| {});
    let signer = tree().signer(Kind::P256);
    let case = Case::new(&signer, &[(&List::default(), &own)]).with(&[&own]);
    assert_eq!(case.verdict(), UNKNOWN);
    // The CA says so: its certificate names the signer itself.
    let name = subject("antin", "Self").expect("a name");
    let name = writer::element(tag::context(4), &der::Encode::to_der(&name).expect("DER"));
    let point = writer::sequence(&[&writer::element(tag::context(2), &name)]);
    let itself = crl_signer(&tree().ca, "Self", |profile| profile.extensions.push(distribution_points(&[point])));
    assert_eq!(directory_name(&itself), name);
    let signer = at_points(&[issued_by(&itself)]);
    let indirect = List { point: Some(vec![0x84, 1, 0xFF]), ..List::default() };
    assert_eq!(Case::new(&signer, &[(&indirect, &itself)]).with(&[&itself]).verdict(), PASSED);
}

#[test]
fn r10_a_claimed_time_proves_nothing() {
    let signer = tree().signer(Kind::P256);
    let mut info = SignerInfo::new(&signer, CONTENT);
    // The certificate was revoked 2,000 seconds ago, and the signer says that he signed before.
    info.set(oid::SIGNING_TIME, &[&writer::time(NOW.plus_seconds(-3000))]);
    let message = Message::detached(info).encode();
    let list = List { entries: listing(&signer, COMPROMISE), ..List::default() };
    let mut evidence = Evidence { certificates: tree().evidence.certificates.clone(), ..Evidence::default() };
    for crl in tree().crls.issued_by(&tree().root_certificate.subject) {
        evidence.crls.insert(Arc::clone(crl));
    }
    evidence.crls.insert(list.sign(&tree().ca));
    let verdict = Judge { evidence: &evidence, ..Judge::default() }.verdict(&message, Content::Bytes(CONTENT));
    assert_eq!(verdict, REVOKED);
}

#[test]
fn r01_a_certificate_that_expired_is_forgotten_unless_the_list_says_otherwise() {
    let mut profile = signer_profile("Expired signer");
    profile.not_after = NOW.plus_seconds(-600);
    let signer = tree().signer_saying(&profile);
    let judge = |list: &List| {
        let crls = CrlSet::new([list.sign(&tree().ca)]);
        status(&signer, &[], &crls, NOW).map(|status| status.this_update)
    };
    let before = List { this_update: NOW.plus_seconds(-700), ..List::default() };
    let after = List { this_update: NOW.plus_seconds(-300), ..List::default() };
    let stale = Err(PathFault::RevocationStale { position: 0, ended: Some(profile.not_after) });
    assert_eq!(judge(&before), Ok(before.this_update));
    assert_eq!(judge(&after), stale);
    let kept_since = |seconds: i64| {
        let text: String = NOW.plus_seconds(seconds).to_string().chars().filter(char::is_ascii_digit).collect();
        let time = writer::element(tag::GENERALIZED_TIME, format!("{text}Z").as_bytes());
        List { extensions: vec![extension(oid::EXPIRED_CERTIFICATES_ON_CRL, false, &time)], ..after.clone() }
    };
    assert_eq!(judge(&kept_since(-600)), Ok(after.this_update));
    assert_eq!(judge(&kept_since(-599)), stale);
}

#[test]
fn r08_a_newer_list_by_an_algorithm_of_the_past_is_not_passed_over() {
    let signer = tree().signer(Kind::P256);
    let clean = List::default();
    let serial = &signer.certificate.serial_number;
    let newer = List { number: Some(2), this_update: NOW.plus_seconds(-60), ..List::default() };
    let revoking = List { entries: vec![entry(serial, COMPROMISE, None)], ..newer.clone() };
    let with = |list: &List| {
        let mut case = Case::new(&signer, &[(&clean, &tree().ca)]);
        case.lists.push(list.sign_by_sha1(&tree().ca));
        case.verdict()
    };
    assert_eq!(Case::new(&signer, &[(&clean, &tree().ca)]).verdict(), PASSED);
    assert_eq!(with(&revoking), UNCLEAR);
    assert_eq!(with(&newer), UNKNOWN, "it shows nothing good either");
}
