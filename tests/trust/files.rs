//! `antin trust list`, `check`, `add`, `sign-list`, and the signed list, over real files.

use std::fs;
use std::path::Path;

use antin::clock;
use antin::config::TrustList as Settings;
use antin::core::time::Time;
use antin::trust::list::{ListError, ListFault, load};
use antin::trust::manifest::FILE_NAME;
use serde_json::Value;

use super::{add, antin, fingerprint, from_now, said, sign_list, with_pki};

#[test]
fn a_certificate_is_added_once_with_its_fingerprint_and_its_limits() {
    let directory = with_pki();
    let path = directory.path();
    fs::create_dir(path.join("trust")).expect("a folder");
    fs::write(path.join("trust").join(FILE_NAME), "# Kept by hand.\n").expect("written");
    let wrong = ["trust", "add", "--dir", "trust", "--sha256", &"0".repeat(64), "pki/root.crt"];
    let (code, text) = said(&antin(path, &wrong));
    assert!(code == 1 && text.contains(&fingerprint(&path.join("pki/root.crt"))), "{text}");
    // Nobody types a fingerprint.
    let (code, text) = said(&antin(path, &["trust", "add", "--dir", "trust", "pki/root.crt"]));
    assert!(code == 1 && text.contains("Type the SHA-256 fingerprint") && text.contains("CN=RootCA"), "{text}");
    assert_eq!(fs::read_to_string(path.join("trust").join(FILE_NAME)).expect("there"), "# Kept by hand.\n");

    let limits = ["--tree", "trial", "--use", "signing", "--kind", "health-book", "--until", "2040-01-01T00:00:00Z"];
    let (code, text) = add(path, "pki/root.crt", &limits);
    assert_eq!(code, 0, "{text}");
    let (code, text) = add(path, "pki/ca.crt", &["--alias", "C=VN, CN=Goc–CA"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = add(path, "pki/root.crt", &limits);
    assert!(code == 1 && text.contains("already"), "{text}");
    let (code, text) = add(path, "pki/signers/health.crt", &[]);
    assert!(code == 1 && text.contains("is not a CA"), "{text}");
    fs::write(path.join("junk.crt"), "junk").expect("written");
    let junk = ["trust", "add", "--dir", "trust", "--sha256", "00", "junk.crt"];
    assert_eq!(said(&antin(path, &junk)).0, 65);
    assert!(
        fs::read_to_string(path.join("trust").join(FILE_NAME)).expect("there").starts_with("# Kept by hand.\n\n[[")
    );

    let (code, text) = said(&antin(path, &["trust", "list", "--dir", "trust", "--format", "json"]));
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let (root, ca) = (&answer["certificates"][0], &answer["certificates"][1]);
    assert_eq!(code, 0);
    assert_eq!((&root["role"], &root["tree"]), (&"anchor".into(), &"trial".into()), "{text}");
    assert_eq!(root["limits"]["kinds"][0], "health-book");
    assert_eq!((&ca["role"], &ca["aliases"][0]), (&"intermediate".into(), &"C=VN, CN=Goc–CA".into()));
    assert_eq!(said(&antin(path, &["trust", "check", "--dir", "trust"])).0, 0);
    let text = said(&antin(path, &["trust", "list", "--dir", "trust"])).1;
    assert!(text.contains("only for: signing; health-book; until 2040-01-01T00:00:00Z"), "{text}");
}

#[test]
fn check_tells_what_is_wrong_from_what_is_to_be_planned() {
    let directory = with_pki();
    let path = directory.path();
    assert_eq!(add(path, "pki/root.crt", &[]).0, 0);
    let check = || said(&antin(path, &["trust", "check", "--dir", "trust"]));
    assert_eq!(check(), (0, "1 anchors and 0 intermediates held and pinned\n".to_owned()));

    let manifest = path.join("trust").join(FILE_NAME);
    let good = fs::read_to_string(&manifest).expect("a manifest");
    fs::write(&manifest, good.replace("CN=", "CN=Another ")).expect("written");
    let (code, text) = check();
    assert!(code == 1 && text.contains("another subject"), "{text}");
    fs::write(&manifest, format!("{good}limits = {{ until = \"2020-01-01T00:00:00Z\" }}\n")).expect("written");
    let (code, text) = check();
    assert!(code == 2 && text.contains("no longer count"), "{text}");
    fs::write(&manifest, &good).expect("written");

    fs::copy(path.join("pki/ca.crt"), path.join("trust/ca.crt")).expect("copied");
    let (code, text) = check();
    assert!(code == 1 && text.contains("not pinned"), "{text}");
    fs::remove_file(path.join("trust/ca.crt")).expect("removed");

    let file = fingerprint(&path.join("pki/root.crt"))[..32].to_owned() + ".crt";
    fs::remove_file(path.join("trust").join(file)).expect("removed");
    let (code, text) = check();
    assert!(code == 2 && text.contains("without a file"), "{text}");
    // What is pinned and missing is put there, as pinned and not otherwise.
    assert_eq!(add(path, "pki/root.crt", &["--use", "ocsp"]).0, 1);
    assert_eq!(add(path, "pki/root.crt", &[]).0, 0);
    assert_eq!(fs::read_to_string(&manifest).expect("a manifest"), good, "pinned once");
    assert_eq!(check().0, 0);

    fs::write(path.join("trust/x.der"), "junk").expect("written");
    assert_eq!(check().0, 65);
}

fn settings(directory: &Path, file: &str, signer: &str) -> Settings {
    Settings {
        file: directory.join(file),
        signer_sha256: fingerprint(&directory.join(format!("pki/{signer}.crt"))),
        state_file: directory.join("state.json"),
    }
}

fn fault(settings: &Settings, now: Time) -> ListFault {
    match load(settings, None, now) {
        Err(ListError::Refused { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signed_list_counts_by_its_pinned_signer_alone() {
    let directory = with_pki();
    let path = directory.path();
    assert_eq!(add(path, "pki/root.crt", &["--use", "signing"]).0, 0);
    let signer = "signers/judicial";
    let (code, text) = sign_list(path, signer, "7", from_now(3600), "list.p7m");
    assert!(code == 0 && text.contains("list 7 of 1 certificates"), "{text}");
    let good = settings(path, "list.p7m", signer);
    let list = load(&good, None, clock::now()).expect("a list");
    assert_eq!((list.seen.sequence, list.held.anchors.len()), (7, 1));
    assert!(list.held.anchors[0].limits().uses().is_some());

    // Another signer of the same PKI; the CA above the pinned one; a flipped octet; a detached signature; a list by its words.
    assert_eq!(sign_list(path, "signers/health", "8", from_now(3600), "other.p7m").0, 0);
    assert!(matches!(fault(&settings(path, "other.p7m", signer), clock::now()), ListFault::OtherSigner(_)));
    let above = Settings { signer_sha256: fingerprint(&path.join("pki/ca.crt")), ..good.clone() };
    assert!(matches!(fault(&above, clock::now()), ListFault::OtherSigner(_)));
    let mut bytes = fs::read(path.join("list.p7m")).expect("there");
    let at = bytes.windows(8).position(|window| window == b"sequence").expect("the number") + 12;
    assert_eq!(bytes[at - 1], b'7');
    bytes[at - 1] = b'9';
    fs::write(path.join("changed.p7m"), &bytes).expect("written");
    assert!(matches!(
        fault(&settings(path, "changed.p7m", signer), clock::now()),
        ListFault::Signature("document-changed")
    ));
    fs::write(path.join("junk.p7m"), "junk").expect("written");
    assert!(matches!(fault(&settings(path, "junk.p7m", signer), clock::now()), ListFault::Encoding(_)));

    // The same words signed as another document by the pinned key.
    let content = {
        let message = fs::read(path.join("list.p7m")).expect("there");
        let message =
            antin::core::cms::SignedData::decode(&message).expect("a message").content.expect("content").to_vec();
        String::from_utf8(message).expect("text")
    };
    fs::write(path.join("words.json"), &content).expect("written");
    let sign = |more: &[&str], out: &str| {
        let arguments =
            ["sign", "--key", "pki/signers/judicial.key", "--cert", "pki/signers/judicial.crt", "--out", out];
        let output = antin(path, &[&arguments[..], more, &["words.json"]].concat());
        assert_eq!(said(&output).0, 0, "{output:?}");
    };
    for more in [&[][..], &["--kind", "health-book", "--id", "7"], &["--kind", "antin-trust-list", "--id", "8"]] {
        sign(more, "as-document.p7m");
        let fault = fault(&settings(path, "as-document.p7m", signer), clock::now());
        assert!(matches!(fault, ListFault::NotAsList), "{fault:?}");
    }
    let as_list = ["--kind", "antin-trust-list", "--id", "7"];
    sign(&as_list, "again.p7m");
    assert!(load(&settings(path, "again.p7m", signer), None, clock::now()).is_ok(), "the same words, signed again");
    fs::write(path.join("words.json"), content.replace("antin-trust-list-1", "antin-trust-list-2")).expect("written");
    sign(&as_list, "later.p7m");
    assert!(matches!(fault(&settings(path, "later.p7m", signer), clock::now()), ListFault::Format(_)));
    fs::write(path.join("words.json"), content.replace("\"tree\"", "\"usage\": 1, \"tree\"")).expect("written");
    sign(&as_list, "unknown.p7m");
    assert!(matches!(fault(&settings(path, "unknown.p7m", signer), clock::now()), ListFault::Content(_)));
    // Its signer's certificate has ended.
    let ended = from_now(3 * 365 * 86_400);
    assert!(matches!(fault(&good, ended), ListFault::Signature("certificate-expired")));
}

#[test]
fn an_older_list_does_not_come_back() {
    let directory = with_pki();
    let path = directory.path();
    let signer = "signers/judicial";
    assert_eq!(add(path, "pki/root.crt", &[]).0, 0);
    let list = |sequence, file| assert_eq!(sign_list(path, signer, sequence, from_now(3600), file).0, 0);
    list("7", "seven.p7m");
    list("8", "eight.p7m");
    assert_eq!(add(path, "pki/ca.crt", &[]).0, 0);
    list("8", "other-eight.p7m");
    let keep = |file: &str| load(&settings(path, file, signer), None, clock::now()).expect(file).keep().expect("kept");
    keep("seven.p7m");
    // Not kept: read, and something else of the set was wrong.
    load(&settings(path, "eight.p7m", signer), None, clock::now()).expect("a list");
    keep("seven.p7m");
    keep("eight.p7m");
    keep("eight.p7m");
    let now = clock::now();
    let back = fault(&settings(path, "seven.p7m", signer), now);
    assert!(matches!(back, ListFault::WentBack { found: 7, seen: 8 }), "{back:?}");
    assert!(matches!(fault(&settings(path, "other-eight.p7m", signer), now), ListFault::SameNumber(8)));
    // One that was in force serves on after its end; one that was not does not begin.
    let later = now.plus_seconds(7200);
    assert!(load(&settings(path, "eight.p7m", signer), None, later).is_ok());
    fs::remove_file(path.join("state.json")).expect("removed");
    assert!(matches!(fault(&settings(path, "eight.p7m", signer), later), ListFault::Expired { .. }));
    // What is in force counts without the file.
    let in_force = load(&settings(path, "eight.p7m", signer), None, now).expect("a list").seen;
    let after = |file, time| load(&settings(path, file, signer), Some(&in_force), time);
    assert!(after("eight.p7m", later).is_ok());
    for (file, number) in [("seven.p7m", "number 7"), ("other-eight.p7m", "number 8")] {
        let refused = after(file, now).expect_err(file).to_string();
        assert!(refused.contains(number) && refused.contains("seen before"), "{refused}");
    }
    let early = now.plus_seconds(-3600);
    // The clock is behind: the list is from the future, or its signer not valid yet.
    assert!(load(&settings(path, "eight.p7m", signer), None, early).is_err());
    fs::write(path.join("state.json"), "{}").expect("written");
    assert!(matches!(load(&settings(path, "eight.p7m", signer), None, now), Err(ListError::State(_))));
}

#[test]
fn a_folder_that_is_not_right_is_not_signed() {
    let directory = with_pki();
    let path = directory.path();
    assert_eq!(add(path, "pki/root.crt", &[]).0, 0);
    fs::copy(path.join("pki/ca.crt"), path.join("trust/ca.crt")).expect("copied");
    assert_eq!(sign_list(path, "signers/judicial", "1", from_now(3600), "list.p7m").0, 1);
    assert_eq!(sign_list(path, "signers/judicial", "1", from_now(-1), "list.p7m").0, 64);
    assert!(!path.join("list.p7m").exists());
}
