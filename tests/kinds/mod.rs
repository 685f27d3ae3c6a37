//! Several signers: which of them decide, by the kind of document, the offices they hold, and the time that is proved.

mod rules;
mod times;
mod validity;

use antin::core::cms::document_reference::DocumentReference;
use antin::core::document_kind::DocumentKinds;
use antin::core::memory::Memory;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::Report;
use antin::core::time::Time;
use antin::core::validation::{self, Content, ValidationRequest};
use antin::pki::certificate::Profile;
use antin::pki::profile;

use crate::kit::CONTENT;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::tree::{NOW, Signer, publication, tree};

/// The certificate of somebody of this organization, valid from a time on.
fn profile_of(organization: &str, begin: Time) -> Profile {
    profile::signer(profile::subject(organization, "Somebody").expect("a name"), begin, &publication())
}

fn of(organization: &str) -> Signer {
    tree().signer_saying(&profile_of(organization, NOW.plus_seconds(-3600)))
}

fn reference(kind: &str, id: &str) -> DocumentReference {
    DocumentReference::new(kind, id, None).expect("fits")
}

/// A signature that states the document.
fn states(signer: &Signer, document: &DocumentReference) -> SignerInfo {
    let mut info = SignerInfo::new(signer, CONTENT);
    info.add(&document.encode());
    // The same value, however often it is encoded.
    info.signature = Some(info.signature_value());
    info
}

/// The answer about a message of these signers under these rules.
fn report(rules: &str, signers: &[SignerInfo]) -> Report {
    let kinds = DocumentKinds::parse(rules).expect("rules");
    let policy = Policy { document_kinds: kinds, ..Policy::held("any-ades").expect("held") };
    let message = Message::of(signers).encode();
    let validation = validation::validate(&ValidationRequest {
        document: &message,
        content: Content::Bytes(CONTENT),
        evidence: &tree().evidence,
        trust: &tree().trust,
        policy: &policy,
        revocation: RevocationMode::Required,
        time: NOW,
        memory: &Memory::none(),
    });
    Report::new(&validation.expect("a message"), &policy, RevocationMode::Required, NOW)
}

/// Indication and code of the verdict, outcome and code of the reliance.
fn answer(rules: &str, signers: &[SignerInfo]) -> String {
    let report = report(rules, signers);
    let (verdict, reliance) = (&report.verdict, &report.reliance);
    format!("{} {}, {} {}", verdict.indication, verdict.code, reliance.outcome.name(), reliance.code)
}

const ACCEPTED: &str = "TOTAL-PASSED valid, ACCEPT valid";
const MISSING: &str = "TOTAL-PASSED valid, REJECT required-signature-missing";
const NOT_AUTHORISED: &str = "TOTAL-PASSED valid, REJECT issuer-not-authorised";
const NOT_PROVED: &str = "TOTAL-PASSED valid, UNDETERMINED signing-time-not-proved";
const ROLE_UNKNOWN: &str = "TOTAL-PASSED valid, UNDETERMINED signer-role-unknown";
