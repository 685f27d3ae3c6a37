//! The development PKI against the `openssl` command: whatever is laid, revoked or reissued, OpenSSL agrees.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use antin::{
    clock,
    core::time::Time,
    pki::{
        self, Algorithm, Authority, InitOptions, Member, Outcome, PkiError, Reason,
        certificate::{Issuer, Profile, issue},
        crl::RevocationList,
        file,
        key::PrivateKey,
        profile::{self, Publication, subject},
    },
};
use der::EncodePem;
use tempfile::TempDir;
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

const DAY: i64 = 86_400;

fn laid(algorithm: Algorithm, now: Time) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    pki::init(directory.path(), &InitOptions { algorithm, ..InitOptions::default() }, now).expect("a PKI");
    directory
}

/// Runs `openssl`; whether it succeeded, and all that it printed.
fn openssl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).output().expect("openssl is installed");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

/// `openssl verify` of a certificate under the root, every certificate below it checked against its CRL.
fn verify(directory: &Path, certificate: &Path, more: &[&str]) -> (bool, String) {
    let path = |name: &str| directory.join(name).to_string_lossy().into_owned();
    let (root, ca) = (path("root.crt"), path("ca.crt"));
    let (root_list, ca_list) = (path("crl/root.crl"), path("crl/ca.crl"));
    let certificate = certificate.to_string_lossy();
    let mut arguments = vec!["verify", "-x509_strict", "-crl_check_all", "-check_ss_sig", "-CAfile", &root];
    arguments.extend(["-untrusted", &ca, "-CRLfile", &root_list, "-CRLfile", &ca_list]);
    arguments.extend(["-explicit_policy", "-policy", "1.3.6.1.4.1.32473.1.1"]);
    arguments.extend(more);
    arguments.push(&certificate);
    openssl(&arguments)
}

fn list(directory: &Path, authority: Authority) -> RevocationList {
    let issuer = Issuer::load(directory, authority).expect("an issuer");
    let bytes = file::read_crl(&authority.crl_path(directory)).expect("a list");
    RevocationList::decode(&bytes, &issuer).expect("a list of its own")
}

fn files_below(directory: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            let mode = fs::metadata(&path).expect("metadata").permissions().mode() & 0o777;
            found.push((path, mode));
        }
    }
    found.sort();
    found
}

#[test]
fn lays_the_files_of_the_contract_and_keys_only_their_owner_reads() {
    let directory = laid(Algorithm::P256, clock::now());
    let mut names: Vec<String> = ["crl/ca.crl", "crl/root.crl"].map(str::to_owned).to_vec();
    for stem in
        "root ca signers/judicial signers/health tsa ocsp server clients/issuing-system clients/agency".split(' ')
    {
        names.extend([format!("{stem}.crt"), format!("{stem}.key")]);
    }
    names.sort();
    let found = files_below(directory.path());
    let relative = |path: &Path| path.strip_prefix(directory.path()).expect("below").to_string_lossy().into_owned();
    let mut found_names: Vec<String> = found.iter().map(|(path, _)| relative(path)).collect();
    found_names.sort();
    assert_eq!(found_names, names);
    for (path, mode) in found {
        let key = path.extension().is_some_and(|ending| ending == "key");
        assert!(if key { mode == 0o600 } else { mode & 0o600 == 0o600 }, "{}: {mode:o}", path.display());
    }
    let signers = fs::metadata(directory.path().join("signers")).expect("metadata");
    assert_eq!(signers.permissions().mode() & 0o777, 0o700);
}

/// Every certificate of a tree of one algorithm: its path, purpose, names, signature, size and key.
fn openssl_accepts_every_certificate(algorithm: Algorithm, signature: &str, size: &str) {
    let directory = laid(algorithm, clock::now());
    let purposes: [(Member, &[&str]); 7] = [
        (Member::Ca, &["-purpose", "crlsign"]),
        (Member::Judicial, &["-purpose", "any"]),
        (Member::Health, &["-purpose", "any"]),
        (Member::Tsa, &["-purpose", "timestampsign"]),
        (Member::Ocsp, &["-purpose", "ocsphelper"]),
        (Member::IssuingSystem, &["-purpose", "sslclient"]),
        (Member::Agency, &["-purpose", "sslclient"]),
    ];
    for (member, purpose) in purposes {
        let (accepted, text) = verify(directory.path(), &member.certificate_path(directory.path()), purpose);
        assert!(accepted, "{member:?}: {text}");
    }
    let server = Member::Server.certificate_path(directory.path());
    for name in [["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]] {
        let (accepted, text) = verify(directory.path(), &server, &[&["-purpose", "sslserver"], &name[..]].concat());
        assert!(accepted, "{name:?}: {text}");
    }
    assert!(!verify(directory.path(), &server, &["-verify_hostname", "example.vn"]).0);
    assert!(!verify(directory.path(), &server, &["-purpose", "sslclient"]).0);
    for member in Member::ALL {
        let path = member.certificate_path(directory.path()).to_string_lossy().into_owned();
        let (_, text) = openssl(&["x509", "-in", &path, "-noout", "-text"]);
        assert!(text.contains(signature) && text.contains(size), "{member:?}: {text}");
        let (_, in_certificate) = openssl(&["x509", "-in", &path, "-noout", "-pubkey"]);
        let key = member.key_path(directory.path()).to_string_lossy().into_owned();
        assert_eq!(openssl(&["pkey", "-in", &key, "-pubout"]), (true, in_certificate), "{member:?}");
    }
}

#[test]
fn openssl_accepts_a_tree_of_p256() {
    openssl_accepts_every_certificate(Algorithm::P256, "ecdsa-with-SHA256", "256 bit");
}

#[test]
fn openssl_accepts_a_tree_of_rsa_2048() {
    openssl_accepts_every_certificate(Algorithm::Rsa2048, "sha256WithRSAEncryption", "2048 bit");
}

#[test]
fn openssl_accepts_a_tree_of_rsa_3072() {
    openssl_accepts_every_certificate(Algorithm::Rsa3072, "sha256WithRSAEncryption", "3072 bit");
}

#[test]
fn certificates_say_what_a_government_tree_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = InitOptions { base_url: "http://pki.example:90/dev/".to_owned(), ..InitOptions::default() };
    pki::init(directory.path(), &options, clock::now()).expect("a PKI");
    let text = |member: Member| {
        let path = member.certificate_path(directory.path()).to_string_lossy().into_owned();
        openssl(&["x509", "-in", &path, "-noout", "-text", "-nameopt", "utf8,sep_comma_plus"]).1
    };
    let cases: [(Member, &[&str]); 6] = [
        (
            Member::Root,
            &["C=VN,O=Cơ quan Chứng thực thử nghiệm antin (DEVELOPMENT ONLY)", "CA:TRUE\n", "Authority Key"],
        ),
        (
            Member::Ca,
            &[
                "CA:TRUE, pathlen:0",
                "Certificate Sign, CRL Sign",
                "http://pki.example:90/dev/crl/root.crl",
                "crt/root.crt",
            ],
        ),
        (
            Member::Judicial,
            &[
                "O=Bộ Công an (thử nghiệm)",
                "X509v3 Key Usage: critical\n                Digital Signature, Non Repudiation\n",
                "1.3.6.1.5.5.7.3.36",
                "Policy: 1.3.6.1.4.1.32473.1.1",
                "URI:http://pki.example:90/dev/crl/ca.crl",
                "OCSP - URI:http://pki.example:90/dev/ocsp",
                "CA Issuers - URI:http://pki.example:90/dev/crt/ca.crt",
            ],
        ),
        (Member::Tsa, &["X509v3 Extended Key Usage: critical\n                Time Stamping\n"]),
        (Member::Ocsp, &["OCSP Signing", "OCSP No Check"]),
        (Member::Server, &["DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1", "TLS Web Server"]),
    ];
    for (member, phrases) in cases {
        let text = text(member);
        for phrase in phrases {
            assert!(text.contains(phrase), "{member:?} lacks {phrase}: {text}");
        }
    }
    assert!(!text(Member::Ocsp).contains("/ocsp"), "the responder does not refer to itself");
    let (_, list) =
        openssl(&["crl", "-in", &Authority::Ca.crl_path(directory.path()).to_string_lossy(), "-noout", "-text"]);
    for phrase in ["Version 2", "X509v3 CRL Number: \n                1\n", "Authority Key", "No Revoked Certificates"]
    {
        assert!(list.contains(phrase), "{phrase}: {list}");
    }
}

#[test]
fn lays_a_tree_that_lives_beyond_2049() {
    let now = Time::parse_rfc3339("2045-03-01T00:00:00Z").expect("a time");
    let directory = laid(Algorithm::P256, now);
    let health = Member::Health.certificate_path(directory.path());
    let at = |time: Time| verify(directory.path(), &health, &["-attime", &time.unix().to_string()]);
    assert!(at(now).0);
    let (accepted, text) = at(now.plus_seconds(8 * DAY));
    assert!(!accepted && text.contains("CRL has expired"), "{text}");
    let (accepted, text) = at(now.plus_seconds(-DAY));
    assert!(!accepted && text.contains("not yet valid"), "{text}");
    let root = Member::Root.certificate_path(directory.path()).to_string_lossy().into_owned();
    let (_, text) = openssl(&["asn1parse", "-in", &root]);
    assert!(text.contains("GENERALIZEDTIME") && text.contains("UTCTIME"), "{text}");
}

#[test]
fn refuses_a_directory_that_holds_anything() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("kept"), "content").expect("written");
    let refused = pki::init(directory.path(), &InitOptions::default(), clock::now());
    assert!(matches!(refused, Err(PkiError::NotEmpty(path)) if path == directory.path()));
    assert_eq!(files_below(directory.path()).len(), 1);
    let refused = pki::init(&directory.path().join("kept"), &InitOptions::default(), clock::now());
    assert!(matches!(refused, Err(PkiError::File { .. })));
    pki::init(&directory.path().join("new/below"), &InitOptions::default(), clock::now()).expect("a PKI");
    let again = pki::init(&directory.path().join("new/below"), &InitOptions::default(), clock::now());
    assert!(matches!(again, Err(PkiError::NotEmpty(_))));
    let bad_url = InitOptions { base_url: "127.0.0.1:8080".to_owned(), ..InitOptions::default() };
    assert!(matches!(pki::init(&directory.path().join("other"), &bad_url, clock::now()), Err(PkiError::BaseUrl(_))));
    assert!(!directory.path().join("other").exists());
}

#[test]
fn openssl_says_revoked_once_a_certificate_is_revoked() {
    let now = clock::now();
    let directory = laid(Algorithm::P256, now);
    let path = |member: Member| member.certificate_path(directory.path());
    let revoke = |member: Member, reason| pki::revoke(directory.path(), &path(member), reason, now);

    let first = revoke(Member::Judicial, Reason::KeyCompromise).expect("revoked");
    assert_eq!((first.outcome, first.authority, first.crl_number), (Outcome::Revoked, Authority::Ca, 2));
    let (_, serial) = openssl(&["x509", "-in", &path(Member::Judicial).to_string_lossy(), "-noout", "-serial"]);
    assert_eq!(serial.trim().to_lowercase(), format!("serial={}", first.serial_number));
    let (accepted, text) = verify(directory.path(), &path(Member::Judicial), &[]);
    assert!(!accepted && text.contains("certificate revoked"), "{text}");
    assert!(verify(directory.path(), &path(Member::Health), &[]).0);

    revoke(Member::Agency, Reason::Unspecified).expect("revoked");
    let held = fs::read(&first.crl).expect("read");
    let again = revoke(Member::Judicial, Reason::Superseded).expect("no change");
    assert_eq!(again.outcome, Outcome::AlreadyRevoked { since: now, reason: Reason::KeyCompromise });
    assert_eq!(again.crl_number, 3);
    assert_eq!(fs::read(&first.crl).expect("read"), held, "the list is not reissued");
    let (valid, text) = openssl(&[
        "crl",
        "-in",
        &first.crl.to_string_lossy(),
        "-CAfile",
        &path(Member::Ca).to_string_lossy(),
        "-noout",
        "-text",
    ]);
    assert!(valid && text.contains("verify OK"), "{text}");
    assert_eq!(text.matches("Serial Number:").count(), 2, "{text}");
    assert_eq!(text.matches("Key Compromise").count(), 1, "{text}");

    assert!(matches!(revoke(Member::Root, Reason::CaCompromise), Err(PkiError::TrustAnchor(_))));
    let ca = revoke(Member::Ca, Reason::CaCompromise).expect("revoked");
    assert_eq!((ca.authority, ca.crl_number), (Authority::Root, 2));
    let (accepted, text) = verify(directory.path(), &path(Member::Health), &[]);
    assert!(!accepted && text.contains("certificate revoked"), "{text}");
}

#[test]
fn a_hold_is_lifted_by_remove_from_crl_alone() {
    let now = clock::now();
    let directory = laid(Algorithm::P256, now);
    let health = Member::Health.certificate_path(directory.path());
    let revoke = |reason| pki::revoke(directory.path(), &health, reason, now);
    assert!(matches!(revoke(Reason::RemoveFromCrl), Err(PkiError::NotOnHold)));
    revoke(Reason::CertificateHold).expect("on hold");
    assert!(!verify(directory.path(), &health, &[]).0);
    assert_eq!(revoke(Reason::RemoveFromCrl).expect("lifted").outcome, Outcome::HoldLifted);
    assert!(verify(directory.path(), &health, &[]).0);
    assert_eq!(list(directory.path(), Authority::Ca).number, 3);
}

#[test]
fn refuses_a_certificate_that_the_tree_did_not_issue() {
    let now = clock::now();
    // The second tree has the same names and other keys.
    let (directory, other) = (laid(Algorithm::P256, now), laid(Algorithm::P256, now));
    let before = files_below(directory.path());
    for member in Member::ALL {
        let foreign = member.certificate_path(other.path());
        let refused = pki::revoke(directory.path(), &foreign, Reason::Superseded, now);
        assert!(matches!(refused, Err(PkiError::NotIssuedHere { .. })), "{member:?}");
    }
    assert_eq!(list(directory.path(), Authority::Ca).number, 1);
    assert_eq!(files_below(directory.path()), before);
}

#[test]
fn reissued_lists_keep_their_entries_and_run_on() {
    let now = clock::now().plus_seconds(-6 * DAY);
    let directory = laid(Algorithm::P256, now);
    let judicial = Member::Judicial.certificate_path(directory.path());
    pki::revoke(directory.path(), &judicial, Reason::CessationOfOperation, now).expect("revoked");
    let before = list(directory.path(), Authority::Ca);
    let later = now.plus_seconds(6 * DAY);
    pki::refresh_crls(directory.path(), later).expect("reissued");
    let after = list(directory.path(), Authority::Ca);
    assert_eq!((before.number, after.number, list(directory.path(), Authority::Root).number), (2, 3, 2));
    assert_eq!(after.entries, before.entries);
    assert_eq!((after.this_update, after.next_update), (later, later.plus_seconds(7 * DAY)));

    // A list that someone else put in its place is not signed over.
    fs::copy(Authority::Root.crl_path(directory.path()), Authority::Ca.crl_path(directory.path())).expect("copied");
    assert!(matches!(pki::refresh_crls(directory.path(), later), Err(PkiError::ListNotOurs)));
}

#[test]
fn revocations_at_the_same_time_are_all_kept() {
    let now = clock::now();
    let directory = laid(Algorithm::P256, now);
    let members = [Member::Judicial, Member::Health, Member::Tsa, Member::Ocsp, Member::Server, Member::Agency];
    thread::scope(|scope| {
        for member in members {
            let path = member.certificate_path(directory.path());
            let directory = directory.path();
            scope.spawn(move || pki::revoke(directory, &path, Reason::Superseded, now).expect("revoked"));
        }
        scope.spawn(|| pki::refresh_crls(directory.path(), now).expect("reissued"));
    });
    let list = list(directory.path(), Authority::Ca);
    assert_eq!((list.entries.len(), list.number), (members.len(), 2 + members.len() as u128));
}

#[test]
fn issues_wrong_certificates_for_other_tests() {
    let now = clock::now();
    let directory = laid(Algorithm::P256, now);
    let issuer = Issuer::load(directory.path(), Authority::Ca).expect("an issuer");
    let publication = Publication::new("http://127.0.0.1:8080").expect("a base URL");
    let usual = profile::signer(subject("Sở thử nghiệm", "Người ký").expect("a name"), now, &publication);
    let below = profile::public_service_ca(subject("Sở thử nghiệm", "CA").expect("a name"), now, &publication);
    let no_crl_sign = KeyUsage(KeyUsages::KeyCertSign.into());
    let cases = [
        (usual.clone(), "OK"),
        (Profile { not_before: now.plus_seconds(-2 * DAY), not_after: now.plus_seconds(-DAY), ..usual }, "has expired"),
        (Profile { key_usage: Some(no_crl_sign), ..below }, "OK"),
    ];
    for (index, (profile, words)) in cases.into_iter().enumerate() {
        let key = PrivateKey::generate(Algorithm::P256).expect("a key");
        let certificate = issue(&issuer, &profile, &key.public_key().expect("a public key")).expect("issued");
        let path = directory.path().join(format!("{index}.crt"));
        fs::write(&path, certificate.to_pem(der::pem::LineEnding::LF).expect("PEM")).expect("written");
        let (accepted, text) = verify(directory.path(), &path, &[]);
        assert_eq!(accepted, words == "OK", "{text}");
        assert!(text.contains(words), "{text}");
    }
}
