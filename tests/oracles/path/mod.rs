//! `openssl verify` and `antin validate-path` over the same hand-made chains, with the same evidence, purpose and time.
//! [`cases`] says what must come out of antin; the two sides must agree but for [`DIVERGENCES`].

mod cases;
mod lay;
mod variants;

use std::path::Path;

use super::tree::{Answer, scratch};
use super::{command, run};
use lay::{AT, Chain};

/// Chains on which OpenSSL and antin differ, and why antin's answer stands. A chain that is listed here and judged alike fails
/// the test, as does a name without a chain.
const DIVERGENCES: &[(&str, &str)] = &[
    ("leaf-at-its-last-second", "notAfter belongs to the validity (RFC 5280 §4.1.2.5); OpenSSL leaves it out"),
    (
        "crl-at-its-last-second",
        "the list holds until the next is due (RFC 5280 §5.1.2.5); OpenSSL ends a second earlier",
    ),
    (
        "anchor-expired",
        "an anchor is a name and a key, without validity (RFC 5280 §6.1.1 (d)): what an old root issued lives on; OpenSSL judges \
         the anchor's certificate",
    ),
    (
        "cross-signed",
        "antin tries every way up; OpenSSL takes the first issuer given, whose own issuer is not held, and does not turn back",
    ),
    (
        "subordinate-as-anchor",
        "who names an anchor vouches for it, and revocation is asked below it; OpenSSL wants a CRL for any that is not self-signed",
    ),
    ("leaf-as-anchor", "as for a subordinate: nothing stands below the anchor, so there is nothing to ask for"),
    (
        "serial-number-0",
        "a serial number is positive (RFC 5280 §4.1.2.2); OpenSSL does not ask, not even under -x509_strict",
    ),
    (
        "document-signing-with-document-signing",
        "OpenSSL 3.0 has no purpose for RFC 9336; smimesign wants emailProtection",
    ),
    (
        "leaf-entered-to-be-removed",
        "removeFromCRL belongs to delta lists alone (RFC 5280 §5.3.1); OpenSSL reads it in a full list as not revoked",
    ),
    (
        "crl-without-an-end",
        "nextUpdate is mandatory (RFC 5280 §5.1.2.5): without it freshness is unknown; OpenSSL takes it as endless",
    ),
];

/// `openssl verify`, every certificate below the anchor checked against its CRL; an anchor may be any certificate.
fn openssl_accepts(chain: &Chain, directory: &Path) -> (bool, String) {
    let path = |name: &str| directory.join(name).to_str().expect("a path in UTF-8").to_owned();
    let (anchors, links, crls, target) = (path("anchors.pem"), path("links.pem"), path("crls.pem"), path("target.crt"));
    let time = AT.unix().to_string();
    let mut arguments =
        vec!["verify", "-partial_chain", "-crl_check_all", "-extended_crl", "-use_deltas", "-check_ss_sig"];
    arguments.extend(["-attime", &time, "-purpose", chain.purpose.of_openssl()]);
    // Not `-trusted`, with which OpenSSL finds no path for an issuer of indirect CRLs.
    arguments.extend(["-no-CApath", "-no-CAstore", "-CAfile", &anchors]);
    arguments.extend((!chain.links.is_empty()).then_some(["-untrusted", &links]).into_iter().flatten());
    arguments.extend((!chain.crls.is_empty()).then_some(["-CRLfile", &crls]).into_iter().flatten());
    arguments.push(&target);
    let output = run("openssl", &arguments);
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn antin_answer(chain: &Chain, directory: &Path) -> Answer {
    let path = |name: &str| directory.join(name).to_str().expect("a path in UTF-8").to_owned();
    let (anchors, links, crls, target) = (path("anchors.pem"), path("links.pem"), path("crls.pem"), path("target.crt"));
    let time = AT.to_string();
    let mut arguments = vec!["validate-path", "--at", &time, "--purpose", chain.purpose.of_antin()];
    arguments.extend(["--trust-anchor", &anchors]);
    arguments.extend((!chain.links.is_empty()).then_some(["--intermediate", &links]).into_iter().flatten());
    arguments.extend((!chain.crls.is_empty()).then_some(["--crl", &crls]).into_iter().flatten());
    arguments.push(&target);
    Answer::of(&arguments)
}

#[test]
fn openssl_and_antin_agree_on_every_chain_but_those_listed() {
    if command("openssl").is_none() {
        return;
    }
    let directory = scratch("path");
    let mut faults = Vec::new();
    for (index, (name, code, make)) in cases::CASES.iter().enumerate() {
        let chain = make();
        let folder = directory.join(name);
        chain.write(&folder);
        let answer = antin_answer(&chain, &folder);
        let (theirs, text) = openssl_accepts(&chain, &folder);
        let ours = answer.exit == 0;
        if answer.code() != *code || ours != (*code == "valid") || !(0..=2).contains(&answer.exit) {
            faults.push(format!(
                "{name}: {code} expected, antin says {} ({}): {}",
                answer.code(),
                answer.exit,
                answer.report
            ));
        }
        let listed = DIVERGENCES.iter().any(|(divergent, _)| divergent == name);
        match (ours == theirs, listed) {
            (true, true) => faults.push(format!("{name}: listed as a divergence, and both say {ours}")),
            (false, false) => faults.push(format!("{name}: antin accepts: {ours}, OpenSSL: {theirs}\n{text}")),
            _ => {}
        }
        if cases::CASES[..index].iter().any(|(earlier, ..)| earlier == name) {
            faults.push(format!("{name}: two chains of this name"));
        }
    }
    for (name, _) in DIVERGENCES {
        if !cases::CASES.iter().any(|(case, ..)| case == name) {
            faults.push(format!("{name}: a divergence without a chain"));
        }
    }
    assert!(faults.is_empty(), "{} of {} chains:\n{}", faults.len(), cases::CASES.len(), faults.join("\n"));
}
