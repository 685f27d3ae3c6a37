//! What a start finds, and what goes wrong while the service runs: it signs nothing away.

use std::fs;
use std::path::Path;
use std::process::Command;

use antin::audit::{AuditError, AuditLog, Durability, Fault, OpenError, Told, newest_head};
use antin::core::crypto;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::{bn::BigNum, ec::EcGroup, ecdsa::EcdsaSig, nid::Nid};

use super::{FILE, checked, copy, decision, files, key, key_pem, lines, write_lines, written};

const HEAD: &str = "newest-head.json";

/// Why the service does not start on this folder, which stays as it is.
fn refused(folder: &Path, pem: &[u8]) -> Fault {
    let before = octets(folder);
    let opened = AuditLog::open_with(folder, key(pem), FILE);
    let Err(OpenError::Head { fault, .. }) = opened else { panic!("{:?}", opened.err()) };
    assert_eq!(octets(folder), before, "nothing is touched");
    fault
}

fn octets(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").path());
    let of = |path: &Path| (path.display().to_string(), fs::read(path).unwrap_or_default());
    let mut found: Vec<_> = entries.filter(|path| !path.ends_with("audit.lock")).map(|path| of(&path)).collect();
    found.sort();
    found
}

/// A line behind the last one, by who has no key.
fn put_in(path: &Path) -> u64 {
    let mut all = lines(path);
    let last = all.last().expect("a line").clone();
    let value: serde_json::Value = serde_json::from_str(&last).expect("JSON");
    let mut line = all.iter().rfind(|line| line.contains("\"type\":\"decision\"")).expect("a decision").clone();
    let own: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let sequence = value["sequence"].as_u64().expect("a number") + 1;
    line = line.replacen(&format!("\"sequence\":{}", own["sequence"]), &format!("\"sequence\":{sequence}"), 1);
    let previous = hex::encode(crypto::sha256(last.as_bytes()));
    line = line.replacen(own["previous"].as_str().expect("one"), &previous, 1).replace("issuing-system", "somebody");
    all.push(line);
    write_lines(path, &all);
    sequence
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_a_start_signs_no_cut_end_away() {
    let (whole, pem) = (tempfile::tempdir().expect("a folder"), key_pem());
    written(whole.path(), &pem, 150).await;
    let newest_lines = |folder: &Path| lines(&files(folder).pop().expect("a file")).len();
    while newest_lines(whole.path()) < 6 {
        written(whole.path(), &pem, 3).await;
    }
    let all_files = files(whole.path());
    assert!(all_files.len() >= 2, "{all_files:?}");
    let head = newest_head(whole.path()).expect("readable").expect("a head");
    let name = |index: usize| all_files[index].file_name().expect("a name").to_owned();
    let newest = name(all_files.len() - 1);

    for cut in [1, 2, 4] {
        let folder = copy(whole.path());
        let path = folder.path().join(&newest);
        let mut left = lines(&path);
        left.truncate(left.len() - cut);
        write_lines(&path, &left);
        let sequence = if cut == 1 { head.head.sequence + 1 } else { head.head.sequence };
        assert_eq!(refused(folder.path(), &pem), Fault::CutOff { sequence }, "{cut}");
    }
    // The newest file, then all of them.
    let folder = copy(whole.path());
    fs::remove_file(folder.path().join(&newest)).expect("removed");
    assert_eq!(refused(folder.path(), &pem), Fault::CutOff { sequence: head.head.sequence });
    fs::write(folder.path().join(&newest), "").expect("written");
    assert_eq!(refused(folder.path(), &pem), Fault::CutOff { sequence: head.head.sequence });
    for path in files(folder.path()) {
        fs::remove_file(path).expect("removed");
    }
    assert_eq!(refused(folder.path(), &pem), Fault::Gone);
    // An older copy of the log under the newest head.
    let folder = copy(whole.path());
    let older = copy(whole.path());
    written(folder.path(), &pem, 5).await;
    fs::copy(folder.path().join(HEAD), older.path().join(HEAD)).expect("copied");
    assert!(matches!(refused(older.path(), &pem), Fault::CutOff { .. }));
    // An older head under the newest log: a crash leaves that, in an older file too.
    let folder = copy(whole.path());
    written(folder.path(), &pem, 150).await;
    assert!(files(folder.path()).len() > all_files.len());
    fs::copy(whole.path().join(HEAD), folder.path().join(HEAD)).expect("copied");
    drop(AuditLog::open_with(folder.path(), key(&pem), FILE).expect("a log"));
    assert_eq!(checked(folder.path(), &pem, &[]).expect("whole").told, 0);
    // The head of another log.
    let other = tempfile::tempdir().expect("a folder");
    written(other.path(), &pem, 10).await;
    fs::copy(other.path().join(HEAD), folder.path().join(HEAD)).expect("copied");
    assert_eq!(refused(folder.path(), &pem), Fault::KeptHead);
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_a_start_wants_the_head_as_it_was_written() {
    let (folder, pem) = (tempfile::tempdir().expect("a folder"), key_pem());
    written(folder.path(), &pem, 20).await;
    let head = fs::read(folder.path().join(HEAD)).expect("a head");
    for wrong in [&b""[..], b"{}", &[0; 512], &head[..200]] {
        fs::write(folder.path().join(HEAD), wrong).expect("written");
        assert_eq!(refused(folder.path(), &pem), Fault::UnreadableHead);
        assert_eq!(checked(folder.path(), &pem, &[]).expect_err("told").fault, Fault::UnreadableHead);
    }
    let other = String::from_utf8(head).expect("text").replace("\"sequence\":", "\"sequence\":1");
    fs::write(folder.path().join(HEAD), other).expect("written");
    assert_eq!(refused(folder.path(), &pem), Fault::KeptHead);
    fs::remove_file(folder.path().join(HEAD)).expect("removed");
    fs::create_dir(folder.path().join(HEAD)).expect("a folder");
    assert_eq!(checked(folder.path(), &pem, &[]).expect_err("told").fault, Fault::UnreadableHead);
    fs::remove_dir(folder.path().join(HEAD)).expect("removed");
    // One that is missing is told by the log from then on.
    drop(AuditLog::open_with(folder.path(), key(&pem), FILE).expect("a log"));
    let whole = checked(folder.path(), &pem, &[]).expect("whole");
    assert_eq!(whole.notes.iter().map(|note| note.what.clone()).collect::<Vec<_>>(), [Told::NoHead]);
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_a_log_goes_on_knowingly_and_says_so() {
    let (folder, pem) = (tempfile::tempdir().expect("a folder"), key_pem());
    written(folder.path(), &pem, 20).await;
    let at = |name: &str| folder.path().join(name);
    assert!(!AuditLog::go_on(folder.path(), key(&pem), "nothing").expect("readable"), "it fits");
    let kept = newest_head(folder.path()).expect("readable").expect("a head");
    let head = fs::read(at(HEAD)).expect("a head");
    let path = files(folder.path()).pop().expect("a file");
    let mut left = lines(&path);
    left.truncate(left.len() - 4);
    write_lines(&path, &left);
    assert!(AuditLog::go_on(folder.path(), key(&pem), "the disk was restored; looked into by N").expect("it goes on"));
    drop(AuditLog::open_with(folder.path(), key(&pem), FILE).expect("a log"));
    let whole = checked(folder.path(), &pem, &[]).expect("whole");
    let told = whole.notes.iter().find_map(|note| match &note.what {
        Told::Continued { reason, known, kept } => Some((reason.clone(), *known, kept.clone())),
        _ => None,
    });
    let (reason, known, name) = told.expect("it is told");
    assert_eq!((reason.as_str(), known), ("the disk was restored; looked into by N", Some(kept.head.sequence)));
    assert_eq!(fs::read(at(&name)).expect("kept"), head);
    // Who kept a head elsewhere still finds what was cut off.
    assert!(checked(folder.path(), &pem, &[kept]).is_err());

    // Nothing is left but a head: a new log begins, and says so.
    fs::remove_file(&path).expect("removed");
    assert!(AuditLog::go_on(folder.path(), key(&pem), "all lost").expect("it goes on"));
    let whole = checked(folder.path(), &pem, &[]).expect("whole");
    assert_eq!((whole.decisions, whole.told), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_lines_without_a_head_at_a_start_are_named_for_ever() {
    let (folder, pem) = (tempfile::tempdir().expect("a folder"), key_pem());
    written(folder.path(), &pem, 20).await;
    let path = files(folder.path()).pop().expect("a file");
    let first = put_in(&path);
    put_in(&path);
    written(folder.path(), &pem, 5).await;
    let whole = checked(folder.path(), &pem, &[]).expect("whole");
    let notes: Vec<_> = whole.notes.iter().map(|note| note.what.clone()).collect();
    assert_eq!(notes, [Told::Unsigned { first, last: first + 1 }]);
    assert!(lines(&path).iter().any(|line| line.contains("\"unsigned\":{\"first\":")));
    // Likewise what a crash leaves; a clean stop leaves nothing to tell.
    let log = AuditLog::open_with(folder.path(), key(&pem), FILE).expect("a log");
    log.record(decision(1), Durability::Written).await.expect("recorded");
    let crashed = copy(folder.path());
    drop(log);
    drop(AuditLog::open_with(folder.path(), key(&pem), FILE).expect("a log"));
    assert_eq!(checked(folder.path(), &pem, &[]).expect("whole").told, 1);
    drop(AuditLog::open_with(crashed.path(), key(&pem), FILE).expect("a log"));
    let whole = checked(crashed.path(), &pem, &[]).expect("whole");
    assert_eq!((whole.told, whole.unsigned), (2, 0), "{:?}", whole.notes);
}

/// Puts the newest head of a log that was cut back to this file beside it.
fn mended_head(folder: &Path, path: &Path) -> u64 {
    let all = lines(path);
    let (last, before) = (&all[all.len() - 1], &all[all.len() - 2]);
    let value: serde_json::Value = serde_json::from_str(last).expect("JSON");
    let log = newest_head(folder).expect("readable").expect("a head").head.log;
    let sequence = value["sequence"].as_u64().expect("a number") - 1;
    let head = serde_json::json!({
        "log": log, "sequence": sequence, "digest": hex::encode(crypto::sha256(before.as_bytes())),
        "time": value["time"], "signature": value["signature"],
    });
    fs::write(folder.join(HEAD), head.to_string()).expect("written");
    sequence
}

/// Zeros stand where a power failure kept sectors from being written.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_failure_within_what_was_not_synced_is_mended() {
    let (folder, pem) = (tempfile::tempdir().expect("a folder"), key_pem());
    written(folder.path(), &pem, 20).await;
    let path = files(folder.path()).pop().expect("a file");
    let whole = fs::read(&path).expect("a file");
    put_in(&path);
    put_in(&path);
    let mut torn = fs::read(&path).expect("a file");
    torn[whole.len()..whole.len() + 100].fill(0);
    fs::write(&path, &torn).expect("written");
    drop(AuditLog::open_with(folder.path(), key(&pem), FILE).expect("a log"));
    let mended = checked(folder.path(), &pem, &[]).expect("whole");
    assert_eq!(mended.decisions, 20);
    // What was behind the torn line is kept.
    let [Told::Cut { octets, kept }] = &mended.notes.iter().map(|note| note.what.clone()).collect::<Vec<_>>()[..]
    else {
        panic!("{:?}", mended.notes)
    };
    assert_eq!(*octets, (torn.len() - whole.len()) as u64);
    assert_eq!(fs::read(folder.path().join(kept)).expect("kept"), torn[whole.len()..]);
    // Old octets in the place of sectors, a line that is missing: the whole lines before stay.
    for first in [true, false] {
        fs::write(&path, &whole).expect("written");
        let own = mended_head(folder.path(), &path);
        put_in(&path);
        let one = fs::read(&path).expect("a file");
        put_in(&path);
        put_in(&path);
        let mut all = lines(&path);
        let at = all.len() - 2;
        if first {
            all[at] = all[at].replace("\"time\"", "\"tune\"");
        } else {
            all.remove(at);
        }
        write_lines(&path, &all);
        drop(AuditLog::open_with(folder.path(), key(&pem), FILE).expect("a log"));
        assert!(fs::read(&path).expect("a file").starts_with(&one), "{own}");
        assert_eq!(checked(folder.path(), &pem, &[]).expect("whole").told, 2);
    }
    // Not before the head: that was synced.
    fs::write(&path, &whole).expect("written");
    mended_head(folder.path(), &path);
    let mut torn = whole.clone();
    torn[whole.len() - 700..whole.len() - 690].fill(0);
    fs::write(&path, &torn).expect("written");
    let opened = AuditLog::open_with(folder.path(), key(&pem), FILE);
    assert!(matches!(opened, Err(OpenError::Broken { .. })), "{:?}", opened.err());
    // A first start that the power ended.
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("audit-00000000000000000000.jsonl"), "{\"sequence\":0,").expect("written");
    written(folder.path(), &pem, 3).await;
    assert_eq!(checked(folder.path(), &pem, &[]).expect("whole").decisions, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_a_file_that_is_taken_away_while_the_service_runs_is_missed() {
    let (top, pem) = (tempfile::tempdir().expect("a folder"), key_pem());
    let folder = top.path().join("log");
    let log = AuditLog::open_with(&folder, key(&pem), FILE).expect("a log");
    let record = async || log.record(decision(1), Durability::Synced).await;
    record().await.expect("recorded");
    let path = files(&folder).pop().expect("a file");
    let aside = top.path().join("aside");
    // Removed; replaced by a copy; the whole folder moved: put back, it goes on.
    fs::rename(&path, &aside).expect("moved");
    assert_eq!(record().await, Err(AuditError::Unavailable));
    fs::copy(&aside, &path).expect("copied");
    assert_eq!(record().await, Err(AuditError::Unavailable));
    fs::rename(&aside, &path).expect("moved");
    record().await.expect("recorded");
    fs::rename(&folder, &aside).expect("moved");
    assert_eq!(record().await, Err(AuditError::Unavailable));
    fs::rename(&aside, &folder).expect("moved");
    record().await.expect("recorded");
    // Cut, or written to by another.
    let octets = fs::read(&path).expect("a file");
    let file = fs::OpenOptions::new().write(true).open(&path).expect("a file");
    file.set_len(300).expect("cut");
    assert_eq!(record().await, Err(AuditError::Unavailable));
    fs::write(&path, [&octets[..], b"x"].concat()).expect("written");
    assert_eq!(record().await, Err(AuditError::Unavailable));
    fs::write(&path, &octets).expect("written");
    record().await.expect("recorded");
    // Two services never write to one file, whoever takes away the lock.
    fs::remove_file(folder.join("audit.lock")).expect("removed");
    assert!(matches!(AuditLog::open_with(&folder, key(&pem), FILE), Err(OpenError::InUse { .. })));
    drop(log);
    assert_eq!(checked(&folder, &pem, &[]).expect("whole").decisions, 4);
    drop(AuditLog::open_with(&folder, key(&pem), FILE).expect("free again"));
}

/// An ECDSA signature (r, s) has the other form (r, n - s), which holds as well.
#[tokio::test(flavor = "multi_thread")]
async fn l02_the_other_form_of_the_last_signature_is_found() {
    let (folder, pem) = (tempfile::tempdir().expect("a folder"), key_pem());
    written(folder.path(), &pem, 3).await;
    let path = files(folder.path()).pop().expect("a file");
    let mut all = lines(&path);
    let last = all.pop().expect("a line");
    let value: serde_json::Value = serde_json::from_str(&last).expect("JSON");
    let signature = value["signature"].as_str().expect("a signature");
    let signed = EcdsaSig::from_der(&STANDARD.decode(signature).expect("base64")).expect("a signature");
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    let (mut order, mut context) = (BigNum::new().expect("a number"), openssl::bn::BigNumContext::new().expect("room"));
    group.order(&mut order, &mut context).expect("an order");
    let mut other = BigNum::new().expect("a number");
    other.checked_sub(&order, signed.s()).expect("a number");
    let other =
        EcdsaSig::from_private_components(signed.r().to_owned().expect("a number"), other).expect("a signature");
    all.push(last.replace(signature, &STANDARD.encode(other.to_der().expect("DER"))));
    write_lines(&path, &all);
    assert!(matches!(checked(folder.path(), &pem, &[]).expect_err("found").fault, Fault::Other { .. }));
    assert!(matches!(refused(folder.path(), &pem), Fault::Other { .. }));
}

#[test]
fn l02_the_command_line_says_what_is_not_vouched_for() {
    let antin = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_antin")).args(arguments).output().expect("antin");
        let text = |octets| String::from_utf8(octets).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (private, public, log) = (at("audit.key"), at("audit.pub"), at("log"));
    assert_eq!(antin(&["audit", "key", "--out", &private, "--public", &public]).0, Some(0));
    let pem = fs::read(&private).expect("a key");
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    runtime.block_on(written(Path::new(&log), &pem, 5));
    let go_on = ["audit", "continue", &log, "--key", &private, "--reason", "a test"];
    let (code, _, said) = antin(&go_on);
    assert!(code == Some(65) && said.contains("the newest head fits the log"), "{said}");
    put_in(&files(Path::new(&log)).pop().expect("a file"));
    let (code, said, _) = antin(&["audit", "verify", &log, "--key", &public]);
    assert!(code == Some(0) && said.contains("1 of the lines not signed yet"), "{said}");
    runtime.block_on(written(Path::new(&log), &pem, 5));
    let (code, said, _) = antin(&["audit", "verify", &log, "--key", &public]);
    assert!(code == Some(0) && said.contains("\nNOT VOUCHED FOR: lines "), "{said}");
    fs::write(Path::new(&log).join(HEAD), "{}").expect("written");
    let (code, said, _) = antin(&["audit", "verify", &log, "--key", &public]);
    assert!(code == Some(1) && said.contains("the newest head beside the log cannot be read"), "{said}");
    let (code, _, said) = antin(&go_on);
    assert!(code == Some(0) && said.contains("the log goes on"), "{said}");
    let (code, said, _) = antin(&["audit", "verify", &log, "--key", &public]);
    assert!(code == Some(0) && said.contains("for this reason: \"a test\""), "{said}");
}
