//! The renderings of the answer, read by what others wrote: as XML by Python's expat, as a report of ETSI TS 119 102-2 by the types that
//! pyHanko has of it (`make oracles`).

mod oracles;
mod xml;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use antin::core::cms::build::attribute;
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::oid;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::Report;
use antin::core::validation::Content;
use antin::pki::crl::{Reason, RevocationList};
use x509_cert::serial_number::SerialNumber;

use crate::kit::CONTENT;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::timestamp::{Token, signature_time_stamps};
use crate::kit::tree::{NOW, Signer, crl, signer_profile, tree};
use crate::kit::vectors;
use crate::kit::verdict::Judge;

/// A name that tries to be everything but text.
const HOSTILE: &str = "]]></x><!--&amp;&#0; \u{1}\u{b}\u{7f}\u{85}\u{2028}\u{202e}\u{fffe}\u{ffff}\r\n\t\"'<?x?>";

/// The answers that the tests render, each with a name.
fn reports() -> Vec<(&'static str, Report)> {
    let judge = Judge::default();
    let usual = SignerInfo::new(&tree().signer, CONTENT);
    let hostile = tree().signer_saying(&signer_profile(HOSTILE));
    let mut changed = usual.clone();
    changed.signature = Some(changed.signature_value().iter().map(|octet| octet ^ 1).collect());
    let two = Message::of(&[usual.clone(), SignerInfo::new(&hostile, CONTENT)]).encode();
    let detached = |signer: &SignerInfo| Message::detached(signer.clone()).encode();
    let revoked = Evidence { crls: revoking(&tree().signer), ..tree().evidence.clone() };
    let revoked = Judge { evidence: &revoked, ..judge };
    let unknown = Evidence { crls: CrlSet::default(), ..tree().evidence.clone() };
    let unknown = Judge { evidence: &unknown, ..judge };
    let off = Judge { revocation: RevocationMode::Off, policy: "circular-15-2025", ..judge };
    let digest = [(antin::core::algorithm::DigestAlgorithm::Sha256, antin::core::crypto::sha256(CONTENT).to_vec())];
    let pdf = b"%PDF-1.4\n%%EOF\n";
    let mut reports = wild(&judge);
    reports.extend([
        ("passed", report(&judge, &detached(&usual), Content::Bytes(CONTENT))),
        ("hostile", report(&judge, &detached(&SignerInfo::new(&hostile, CONTENT)), Content::Bytes(CONTENT))),
        ("two", report(&judge, &two, Content::Bytes(CONTENT))),
        ("changed", report(&judge, &detached(&usual), Content::Bytes(b"other"))),
        ("broken", report(&judge, &detached(&changed), Content::Bytes(CONTENT))),
        ("digest", report(&judge, &detached(&usual), Content::Digests(&digest))),
        ("missing", report(&judge, &detached(&usual), Content::None)),
        ("revoked", report(&revoked, &detached(&usual), Content::Bytes(CONTENT))),
        ("unknown", report(&unknown, &detached(&usual), Content::Bytes(CONTENT))),
        ("off", report(&off, &detached(&usual), Content::Bytes(CONTENT))),
        ("stamped", report(&judge, &stamped(usual.clone()), Content::Bytes(CONTENT))),
        ("revoked later", report(&revoked, &stamped(usual), Content::Bytes(CONTENT))),
        ("unsigned", report(&judge, pdf, Content::None)),
        ("countersigned", report(&judge, &countersigned(&hostile), Content::Bytes(CONTENT))),
    ]);
    reports
}

/// What others signed, with archive time-stamps; nobody is trusted. None where the vectors are not there.
fn wild(judge: &Judge<'_>) -> Vec<(&'static str, Report)> {
    let Some(folder) = vectors::look("wild/cades") else { return Vec::new() };
    let read = |name: &str| fs::read(folder.join(name)).expect("a file");
    let content = read("esteid.txt");
    vec![
        ("wild detached", report(judge, &read("esteid-LTA-detached.p7s"), Content::Bytes(&content))),
        ("wild attached", report(judge, &read("lta-10.p7m"), Content::None)),
    ]
}

/// Counter-signed by this signer, and that by the usual one.
fn countersigned(signer: &Signer) -> Vec<u8> {
    let fixed = |mut info: SignerInfo| {
        info.remove(oid::CONTENT_TYPE);
        info.signature = Some(info.signature_value());
        info
    };
    let on = |mut info: SignerInfo, above: &SignerInfo| {
        info.unsigned_attributes = Some(vec![attribute(oid::COUNTERSIGNATURE, &above.encode())]);
        info
    };
    let mut first = SignerInfo::new(&tree().signer, CONTENT);
    first.signature = Some(first.signature_value());
    let second = fixed(SignerInfo::new(signer, &first.signature_value()));
    let third = fixed(SignerInfo::new(&tree().signer, &second.signature_value()));
    let mut message = Message::detached(on(first, &on(second, &third)));
    message.certificates.push(signer.certificate.der().to_vec());
    message.encode()
}

fn report(judge: &Judge<'_>, message: &[u8], content: Content<'_>) -> Report {
    let validation = judge.validate(message, content).expect("a message");
    Report::new(&validation, &Policy::held(judge.policy).expect("held"), judge.revocation, judge.time)
}

/// The lists of the tree, that of the CA with this certificate since a quarter of an hour.
fn revoking(signer: &Signer) -> CrlSet {
    let begin = NOW.plus_seconds(-600);
    let mut list = RevocationList::first(begin);
    let serial_number = SerialNumber::new(&signer.certificate.serial_number).expect("a serial number");
    list.revoke(&serial_number, Reason::Superseded, NOW.plus_seconds(-900)).expect("revoked");
    CrlSet::new([crl(&tree().root, &RevocationList::first(begin)), crl(&tree().ca, &list)])
}

/// With a time-stamp half an hour before [`NOW`], and one over something else.
fn stamped(mut signer: SignerInfo) -> Vec<u8> {
    let value = signer.signature_value();
    let tokens = [Token::over(&value).encode(), Token::over(b"something else").encode(), b"0\0".to_vec()];
    signer.signature = Some(value);
    signer.unsigned_attributes = Some(vec![signature_time_stamps(&tokens)]);
    assert!(signer.attribute(oid::SIGNING_TIME).len() > 10, "a claimed time too");
    Message::detached(signer).encode()
}

/// Runs a script beside this file on a text.
fn run(python: &Path, script: &str, text: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/renderings").join(script);
    let mut command = Command::new(python);
    let command = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("python3 runs (scripts/packages test)");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("read");
    child.wait_with_output().expect("it ends")
}
