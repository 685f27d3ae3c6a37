//! Required signers and strangers.

use antin::core::cms::build::attribute;
use antin::core::cms::document_reference::DocumentReference;
use antin::core::oid;
use antin::kinds::Kinds;
use antin::pki::certificate::Profile;
use antin::pki::profile;

use super::{ACCEPTED, MISSING, NOT_AUTHORISED, ROLE_UNKNOWN, answer, of, profile_of, reference, report, states};
use crate::kit::CONTENT;
use crate::kit::key::Kind;
use crate::kit::message::SignerInfo;
use crate::kit::timestamp::Token;
use crate::kit::tree::{NOW, Signer, below, issued, private_key, publication, tree};

/// Doctor and facility for a referral.
const BOTH: &str = r#"
[role.doctor]
proofs = [{ organization = ["Doctors"] }]
[role.facility]
proofs = [{ organization = ["Hospital", "Clinic"] }, { organization = ["Other"], common-name = ["Nobody"] }]
[[kind]]
names = ["referral"]
periods = [{ signers = [["doctor"], ["facility"]] }]
"#;

/// Of the organization, below a root that nobody holds.
fn untrusted(organization: &str) -> Signer {
    let root = profile::root(profile::subject("antin", "Stranger").expect("a name"), NOW.plus_seconds(-3600));
    let root = antin::pki::certificate::self_sign(private_key(), &root).expect("a root");
    let authority = profile::subject("antin", "Stranger CA").expect("a name");
    let authority = profile::public_service_ca(authority, NOW.plus_seconds(-3600), &publication());
    issued(&below(&root, &authority), &profile_of(organization, NOW.plus_seconds(-3600)), Kind::P256.key())
}

fn expired(organization: &str) -> Signer {
    let profile = profile_of(organization, NOW.plus_seconds(-3600));
    tree().signer_saying(&Profile { not_after: NOW.plus_seconds(-60), ..profile })
}

/// Signed after the certificate had ended, as the signer himself shows.
fn late(signer: &Signer, referral: &DocumentReference) -> SignerInfo {
    let token = Token { time: NOW.plus_seconds(-30), ..Token::over(CONTENT) }.encode();
    let mut info = states(signer, referral);
    info.add(&attribute(oid::CONTENT_TIME_STAMP, &token));
    info.signature = None;
    info.signature = Some(info.signature_value());
    info
}

#[test]
fn the_required_signers_decide_and_no_stranger_takes_that_away() {
    let referral = reference("referral", "1");
    let (doctor, facility) = (states(&of("Doctors"), &referral), states(&of("  clinic "), &referral));
    assert_eq!(answer(BOTH, &[doctor.clone(), facility.clone()]), ACCEPTED);
    let of_late = report(BOTH, &[late(&expired("Doctors"), &referral)]);
    assert_eq!(of_late.verdict.code, "expired-before-signing");
    let other = reference("licence", "9");
    for stranger in [
        states(&untrusted("Stranger"), &referral),
        states(&untrusted("Stranger"), &other),
        states(&of("Stranger"), &referral),
        states(&of("Stranger"), &other),
        states(&of("Hospital"), &reference("referral", "2")),
        states(&expired("Doctors"), &referral),
        // TOTAL-FAILED, by time alone.
        late(&expired("Doctors"), &referral),
        SignerInfo::new(&untrusted("Stranger"), CONTENT),
    ] {
        for place in 0..3 {
            let mut signers = vec![doctor.clone(), facility.clone()];
            signers.insert(place, stranger.clone());
            let report = report(BOTH, &signers);
            assert_eq!((report.reliance.code, report.verdict.code), ("valid", "valid"), "at {place}");
            assert_eq!(report.document.id.as_deref(), Some("1"));
        }
    }
}

/// Without rules for the kind, or without a kind, every signature decides as ever.
#[test]
fn where_nothing_is_required_the_worst_of_all_decides() {
    let licence = reference("licence", "9");
    let (good, bad) = (states(&of("Doctors"), &licence), states(&untrusted("Stranger"), &licence));
    assert_eq!(answer(BOTH, std::slice::from_ref(&good)), ACCEPTED);
    let untrusted_too = "INDETERMINATE no-trusted-path, UNDETERMINED no-trusted-path";
    assert_eq!(answer(BOTH, &[good, bad]), untrusted_too);
    let silent = |signer: &Signer| SignerInfo::new(signer, CONTENT);
    assert_eq!(answer(BOTH, &[silent(&of("Stranger"))]), ACCEPTED);
    assert_eq!(answer(BOTH, &[silent(&of("Stranger")), silent(&untrusted("Stranger"))]), untrusted_too);
    let referral = reference("referral", "1");
    assert_eq!(answer("", &[states(&of("Stranger"), &referral)]), ACCEPTED, "no rules");
}

#[test]
fn a_missing_signer_is_told_and_hidden_by_nobody() {
    let referral = reference("referral", "1");
    let doctor = states(&of("Doctors"), &referral);
    assert_eq!(answer(BOTH, std::slice::from_ref(&doctor)), MISSING);
    let with = |other: SignerInfo| answer(BOTH, &[doctor.clone(), other]);
    assert_eq!(with(states(&of("Stranger"), &referral)), MISSING);
    assert_eq!(with(states(&of("Doctors"), &referral)), MISSING, "twice a doctor is no facility");
    assert_eq!(with(states(&of("Other"), &referral)), MISSING, "one condition of two");
    // Who does not state the document has not signed it as what it is.
    assert_eq!(with(SignerInfo::new(&of("Hospital"), CONTENT)), MISSING);
    assert_eq!(with(SignerInfo::new(&untrusted("Stranger"), CONTENT)), MISSING);
    let differ = "TOTAL-PASSED valid, UNDETERMINED document-references-differ";
    assert_eq!(with(states(&of("Hospital"), &reference("referral", "2"))), differ);
    assert_eq!(with(states(&of("Stranger"), &reference("licence", "9"))), differ);
}

#[test]
fn a_required_signer_in_doubt_leaves_the_answer_in_doubt() {
    let referral = reference("referral", "1");
    let doctor = states(&of("Doctors"), &referral);
    for (facility, code) in [(expired("Hospital"), "certificate-expired"), (untrusted("Hospital"), "no-trusted-path")] {
        let facility = states(&facility, &referral);
        let doubt = format!("INDETERMINATE {code}, UNDETERMINED {code}");
        assert_eq!(answer(BOTH, &[doctor.clone(), facility.clone()]), doubt);
        assert_eq!(answer(BOTH, &[doctor.clone(), facility.clone(), states(&of("Stranger"), &referral)]), doubt);
        assert_eq!(answer(BOTH, &[facility]), doubt);
    }
}

#[test]
fn any_integrity_failure_rejects() {
    let referral = reference("referral", "1");
    let (doctor, facility) = (states(&of("Doctors"), &referral), states(&of("Hospital"), &referral));
    let mut broken = SignerInfo::new(&untrusted("Stranger"), CONTENT);
    broken.set(oid::MESSAGE_DIGEST, &[&antin::core::der::writer::octet_string(&[7; 32])]);
    let changed = "TOTAL-FAILED document-changed, REJECT document-changed";
    assert_eq!(answer(BOTH, &[doctor, facility, broken]), changed);
}

#[test]
fn who_holds_no_office_that_is_required_has_no_authority() {
    let referral = reference("referral", "1");
    assert_eq!(answer(BOTH, &[states(&of("Stranger"), &referral)]), NOT_AUTHORISED);
    let pinned = |certificate: &str, anchor: &str| {
        format!(
            "[role.a]\nproofs = [{{ certificates = ['{certificate}'], anchors = ['{anchor}'] }}]\n\
             [[kind]]\nnames = ['referral']\nperiods = [{{ signers = [['a']] }}]"
        )
    };
    let signer = of("Stranger");
    let info = states(&signer, &referral);
    let fingerprint = |certificate: &antin::core::x509::Certificate| hex::encode(certificate.fingerprint());
    let (own, root) = (fingerprint(&signer.certificate), fingerprint(&tree().root_certificate));
    assert_eq!(answer(&pinned(&own, &root), std::slice::from_ref(&info)), ACCEPTED);
    assert_eq!(answer(&pinned(&root, &root), std::slice::from_ref(&info)), NOT_AUTHORISED);
    let below_the_root = fingerprint(&tree().ca_certificate);
    assert_eq!(answer(&pinned(&own, &below_the_root), &[info]), NOT_AUTHORISED, "no anchor");
}

#[test]
fn usages_and_policies_can_prove_an_office() {
    let referral = reference("referral", "1");
    let info = states(&of("Stranger"), &referral);
    let rules = |condition: &str| {
        format!(
            "[role.a]\nproofs = [{{ {condition} }}]\n[[kind]]\nnames = ['referral']\nperiods = [{{ signers = [['a']] }}]"
        )
    };
    for (condition, expected) in [
        ("policies = ['1.3.6.1.4.1.32473.1.1']", ACCEPTED),
        ("policies = ['1.3.6.1.4.1.32473.1.2']", NOT_AUTHORISED),
        ("policies = ['1.3.6.1.4.1.32473.1.2', '1.3.6.1.4.1.32473.1.1']", ACCEPTED),
        ("usages = ['1.3.6.1.5.5.7.3.36']", ACCEPTED),
        ("usages = ['1.3.6.1.5.5.7.3.8']", NOT_AUTHORISED),
        ("usages = ['1.3.6.1.5.5.7.3.36'], policies = ['1.3.6.1.4.1.32473.1.2']", NOT_AUTHORISED),
    ] {
        assert_eq!(answer(&rules(condition), std::slice::from_ref(&info)), expected, "{condition}");
    }
    // An authority that has not the policy gives it to nobody.
    let subject = profile::subject("antin", "Kit CA without policies").expect("a name");
    let profile = profile::public_service_ca(subject, NOW.plus_seconds(-3600), &publication());
    let ca = below(&tree().root, &Profile { policies: Vec::new(), ..profile });
    let signer = issued(&ca, &profile_of("Stranger", NOW.plus_seconds(-3600)), Kind::P256.key());
    let kinds = antin::core::document_kind::DocumentKinds::parse(&rules("policies = ['1.3.6.1.4.1.32473.1.1']"));
    let path = super::times::path_without_revocation(&signer, &ca);
    assert!(!kinds.expect("rules").proves("a", &path));
}

#[test]
fn an_office_that_nobody_can_be_shown_to_hold_is_unknown_and_not_wanting() {
    let rules = |facility: &str| {
        format!(
            "[role.doctor]\nproofs = [{{ organization = ['Doctors'] }}]\n[role.facility]\nproofs = [{facility}]\n\
             [[kind]]\nnames = ['referral']\nperiods = [{{ signers = [['doctor'], ['facility']] }}]"
        )
    };
    let referral = reference("referral", "1");
    let (doctor, stranger) = (states(&of("Doctors"), &referral), states(&of("Stranger"), &referral));
    assert_eq!(answer(&rules(""), std::slice::from_ref(&doctor)), ROLE_UNKNOWN);
    assert_eq!(answer(&rules(""), &[doctor, stranger.clone()]), ROLE_UNKNOWN);
    assert_eq!(answer(&rules(""), std::slice::from_ref(&stranger)), NOT_AUTHORISED, "there is no doctor in any case");
    let judicial = Kinds::held().complete_rules(include_str!("../../config/document-kinds.toml"));
    assert_eq!(answer(&judicial, &[states(&of("Bộ Công an"), &reference("judicial-certificate", "1"))]), ROLE_UNKNOWN);
}
