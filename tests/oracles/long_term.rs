//! Our signatures at B-LT and B-LTA, as `antin sign` makes them, in the eyes of OpenSSL, pyHanko and Bouncy Castle.
//!
//! What none of them can do is judge an `archive-time-stamp-v3` by itself. Bouncy Castle has the ASN.1 to compute its imprint and index
//! anew, OpenSSL verifies the token over octets that it is given; pyHanko knows archive time-stamps of PDF alone and judges the rest.

use std::fs;
use std::path::Path;

use antin::core::cms::SignedData;
use antin::core::cms::archive::{archived_octets, set_members};
use antin::core::crypto::sha256;
use antin::core::oid;
use antin::core::x509::Certificate;
use antin::pki::Algorithm;
use serde_json::Value;

use super::bouncy_castle::Oracle;
use super::openssl_cms::openssl_verify;
use super::pyhanko::SCRIPT;
use super::time_stamping::signed;
use super::tree::{DOCUMENT, Tree, flipped, position_of};
use super::{command, python_with_pyhanko, run};

/// The document signed at this level, with the evidence of the tree.
fn raised(tree: &Tree, level: &str, padding: &str, detached: bool) -> String {
    let [root, ca, crls] = ["root.crt", "ca.crt", "crls.pem"].map(|name| tree.path(name));
    let mut options = vec!["--level", level, "--rsa-padding", padding, "--trust-anchor", &root, "--intermediate", &ca];
    options.extend(["--crl", &crls, "--kind", "health-book", "--id", "SK-999-0001"]);
    options.extend(detached.then_some("--detached"));
    signed(tree, &format!("{level}-{padding}-{detached}.p7s"), &options)
}

/// Every way to sign at both levels: the tree, the file, whether it is detached, whether it is archived.
fn each(mut judge: impl FnMut(&Tree, &str, bool, bool)) {
    for (algorithm, paddings) in [(Algorithm::P256, &["pss"][..]), (Algorithm::Rsa2048, &["pss", "pkcs1"])] {
        let tree = Tree::of(algorithm);
        for (number, padding) in paddings.iter().enumerate() {
            for level in ["B-LT", "B-LTA"] {
                let detached = (number == 0) == (level == "B-LTA");
                judge(tree, &raised(tree, level, padding, detached), detached, level == "B-LTA");
            }
        }
    }
}

/// By the root and what is in the file alone.
fn pyhanko_embedded(python: &Path, tree: &Tree, files: &[&str], content: Option<&str>) -> Value {
    let root = tree.path("root.crt");
    let content = content.map(|content| ["--content", content]);
    let content = content.as_ref().map_or(&[][..], |content| content);
    let output = run(python, &[&[SCRIPT, "embedded", "--root", &root][..], content, files].concat());
    let answer = serde_json::from_slice(&output.stdout);
    answer.unwrap_or_else(|_| panic!("{files:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn what_is_signed_at_b_lt_and_b_lta_is_accepted_by_all() {
    each(|tree, file, detached, archived| {
        let content = detached.then_some(DOCUMENT);
        let options: Vec<&str> = content.iter().flat_map(|content| ["--content", content]).collect();
        let answer = tree.verify(file, &options);
        assert_eq!((answer.exit, answer.code()), (0, "valid"), "{file}: {answer:?}");
        let signature = &answer.report["signatures"][0];
        let level = if archived { "CAdES-BASELINE-LTA" } else { "CAdES-BASELINE-LT" };
        assert_eq!(signature["format"], level, "{file}");
        let times: Vec<&str> = signature["timestamps"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|stamp| stamp["time"].as_str())
            .collect();
        assert_eq!(times.len(), 1 + usize::from(archived));

        let octets = fs::read(file).expect("signed");
        let message = SignedData::decode(&octets).expect("a message");
        let signer = &message.signer_infos[0];
        let (certificates, lists) = (message.certificates.len(), set_members(message.crl_set).len());
        assert!(certificates >= 2 && lists >= 2, "{file}: {certificates} certificates, {lists} lists");
        if let Some(oracle) = Oracle::compiled() {
            let mut expected = format!("VALID {}", times[0]);
            if archived {
                // The other unsigned attribute is the time-stamp on the signature.
                expected += &format!(" ARCHIVE {} {certificates} {lists} 1", times[1]);
            }
            assert_eq!(oracle.verify(tree, file, content), expected, "{file}");
        }
        if let Some(python) = python_with_pyhanko() {
            let answer = &pyhanko_embedded(&python, tree, &[file], content)[0];
            assert_eq!((&answer["bottom_line"], &answer["failure"]), (&true.into(), &Value::Null), "{file}: {answer}");
            assert!(answer["indication"].as_str().is_some_and(|word| word.ends_with("OK")), "{file}: {answer}");
            let proved = answer["time"].as_str().expect("a time");
            assert!(proved.starts_with(times[0].trim_end_matches('Z')), "{file}: {answer} beside {times:?}");
        }
        if command("openssl").is_some() {
            let (accepted, text) = openssl_verify(tree, file, "root.crt", content, &["-cades"]);
            assert!(accepted, "{file}: {text}");
            let mut stamps = vec![(oid::SIGNATURE_TIME_STAMP, signer.signature.to_vec())];
            if archived {
                let token = SignedData::decode(signer.unsigned_values(oid::ARCHIVE_TIME_STAMP_V3)[0]).expect("a token");
                let index = token.signer_infos[0].unsigned_values(oid::ATS_HASH_INDEX_V3)[0];
                let digest = sha256(&fs::read(DOCUMENT).expect("the document"));
                stamps.push((oid::ARCHIVE_TIME_STAMP_V3, archived_octets(&message, signer, &digest, index)));
            }
            for (identifier, over) in stamps {
                let (token, data, root) = (format!("{file}.token"), format!("{file}.over"), tree.path("root.crt"));
                fs::write(&token, signer.unsigned_values(identifier)[0]).expect("written");
                let verify = ["ts", "-verify", "-data", &data, "-token_in", "-in", &token, "-CAfile", &root];
                let verified = |octets: &[u8]| {
                    fs::write(&data, octets).expect("written");
                    run("openssl", &verify)
                };
                let right = verified(&over);
                assert!(right.status.success(), "{file}: {right:?}");
                assert!(!verified(&[&over[..], b"x"].concat()).status.success(), "{file}: something else");
            }
        }
    });
}

#[test]
fn bouncy_castle_and_we_see_the_same_changes_of_what_is_archived() {
    let Some(oracle) = Oracle::compiled() else { return };
    let tree = Tree::of(Algorithm::P256);
    let file = raised(tree, "B-LTA", "pss", true);
    let octets = fs::read(&file).expect("signed");
    let message = SignedData::decode(&octets).expect("a message");
    // The last octet of each belongs to its signature, so that everything still decodes.
    let lists = message.crls.iter().map(|list| ("list", *list));
    let names_ca = |der: &&&[u8]| Certificate::decode(der).is_ok_and(|certificate| certificate.is_ca());
    let authorities = message.certificates.iter().filter(names_ca).map(|der| ("certificate", *der));
    for (what, part) in lists.chain(authorities) {
        let position = position_of(&file, part) + part.len() - 1;
        let changed = flipped(&file, position, format!("{file}.{what}"));
        let theirs = oracle.verify(tree, &changed, Some(DOCUMENT));
        assert!(theirs.starts_with("INVALID ") && theirs.contains("an index names something else"), "{what}: {theirs}");
        let answer = tree.verify(&changed, &["--content", DOCUMENT]);
        let stamps = answer.report["signatures"][0]["timestamps"].as_array().expect("a list").clone();
        assert_eq!(stamps[1]["code"], "timestamp-index-invalid", "{what}: {answer:?}");
    }
}
