//! The audit log: what is written can be told from everything else.

mod starts;

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use antin::audit::{
    AuditLog, Decision, Durability, Fault, Finding, HeadKey, KeptHead, OpenError, Outcome, Whole, check, newest_head,
};
use antin::core::crypto;
use antin::pki::key::{Algorithm, PrivateKey};
use tempfile::TempDir;

use crate::kit::random::Random;

/// Octets of a file, so that there are several.
const FILE: u64 = 20_000;
/// Tells a copy of this test program what to do; see [`child`].
const CHILD_FOLDER: &str = "ANTIN_TEST_AUDIT_FOLDER";

fn key_pem() -> Vec<u8> {
    PrivateKey::generate(Algorithm::P256).expect("a key").to_pkcs8_pem().expect("PEM")
}

fn key(pem: &[u8]) -> HeadKey {
    HeadKey::from_pem(pem).expect("a key")
}

fn decision(number: usize) -> Decision {
    Decision {
        request: format!("{number:016x}"),
        listener: "mutual-tls".to_owned(),
        client: "issuing-system".to_owned(),
        operation: if number.is_multiple_of(3) { "sign" } else { "verify" }.to_owned(),
        outcome: if number.is_multiple_of(7) { Outcome::Refused } else { Outcome::Done },
        status: 201,
        code: "valid".to_owned(),
        kind: "judicial-certificate".to_owned(),
        subject: format!("sha256:{}", "ab".repeat(32)),
        key: "judicial".to_owned(),
    }
}

/// A log of so many decisions, by several who ask at the same time.
async fn written(folder: &Path, pem: &[u8], count: usize) {
    let log = Arc::new(AuditLog::open_with(folder, key(pem), FILE).expect("a log"));
    let tasks = (0..8).map(|task| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            for number in (task..count).step_by(8) {
                let durability = if number % 3 == 0 { Durability::Synced } else { Durability::Written };
                log.record(decision(number), durability).await.expect("recorded");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
}

fn checked(folder: &Path, pem: &[u8], kept: &[KeptHead]) -> Result<Whole, Finding> {
    check(folder, key(pem).public(), kept).expect("readable")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    files
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).expect("a file").lines().map(str::to_owned).collect()
}

fn write_lines(path: &Path, lines: &[String]) {
    fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).expect("written");
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("one").path();
        fs::copy(&path, to.path().join(path.file_name().expect("a name"))).expect("copied");
    }
    to
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_whole_over_files_and_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let pem = key_pem();
    for round in 1..=3 {
        written(folder.path(), &pem, 100).await;
        let whole = checked(folder.path(), &pem, &[]).expect("whole");
        assert_eq!((whole.decisions, whole.unsigned), (round * 100, 0));
    }
    assert!(files(folder.path()).len() >= 3, "{:?}", files(folder.path()));
    let held = AuditLog::open(folder.path(), key(&pem)).expect("a log");
    assert!(matches!(AuditLog::open(folder.path(), key(&pem)), Err(OpenError::InUse { .. })));
    drop(held);
    let other = AuditLog::open(folder.path(), key(&key_pem()));
    assert!(matches!(other, Err(OpenError::Broken { fault: Fault::Key, .. })));
    let mut exported = Vec::new();
    assert_eq!(antin::audit::export(folder.path(), 0, &mut exported).expect("readable"), Ok(300));
    let requests: HashSet<String> = String::from_utf8(exported)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["request"].to_string())
        .collect();
    assert_eq!(requests.len(), 100);
}

/// The lines from one on chained anew by who has no key.
fn chained_anew(lines: &mut [String], from: usize, sequence: u64, previous: &str) {
    let mut previous = previous.to_owned();
    for (number, line) in lines.iter_mut().enumerate() {
        let mut value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let old = value["previous"].as_str().expect("a digest").to_owned();
        let at = sequence + number as u64;
        if number >= from {
            let own = value["sequence"].as_u64().expect("a number");
            *line = line.replacen(&format!("\"sequence\":{own}"), &format!("\"sequence\":{at}"), 1);
            *line = line.replacen(&old, &previous, 1);
            value = serde_json::from_str(line).expect("JSON");
            assert_eq!(value["sequence"], at);
        }
        previous = hex::encode(crypto::sha256(line.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_a_thousand_tamperings_are_found() {
    let whole = tempfile::tempdir().expect("a folder");
    let pem = key_pem();
    written(whole.path(), &pem, 250).await;
    let other = tempfile::tempdir().expect("a folder");
    written(other.path(), &pem, 250).await;
    let kept = newest_head(whole.path()).expect("readable").expect("a head");
    assert!(checked(whole.path(), &pem, std::slice::from_ref(&kept)).is_ok());
    let names = files(whole.path());
    let (others, mut random) = (files(other.path()), Random::of("tampering"));
    let mut found: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for round in 0..1000 {
        let tampered = copy(whole.path());
        let index = random.below(names.len());
        let path = tampered.path().join(names[index].file_name().expect("a name"));
        let mut all = lines(&path);
        let (one, two) = (random.below(all.len()), random.below(all.len()));
        let first: u64 =
            serde_json::from_str::<serde_json::Value>(&all[0]).expect("JSON")["sequence"].as_u64().expect("one");
        let before = serde_json::from_str::<serde_json::Value>(&all[0]).expect("JSON")["previous"]
            .as_str()
            .expect("one")
            .to_owned();
        // What was cut off with the head beside it is known to who keeps one elsewhere.
        let mut heads: &[KeptHead] = &[];
        let what = match round % 10 {
            0 => {
                let mut octets = fs::read(&path).expect("a file");
                let at = random.below(octets.len());
                octets[at] ^= 1 << random.below(8);
                fs::write(&path, octets).expect("written");
                "a bit"
            }
            1 => {
                all.remove(one);
                write_lines(&path, &all);
                "a line left out"
            }
            2 => {
                all.insert(two, all[one].clone());
                write_lines(&path, &all);
                "a line put in"
            }
            3 if one != two => {
                all.swap(one, two);
                write_lines(&path, &all);
                "lines moved"
            }
            3 | 4 => {
                let octets = fs::read(&path).expect("a file");
                fs::write(&path, &octets[..random.below(octets.len())]).expect("written");
                "a file cut"
            }
            5 if round % 20 == 5 => {
                let path = tampered.path().join("newest-head.json");
                let mut octets = fs::read(&path).expect("a file");
                let at = random.below(octets.len());
                octets[at] ^= 1 << random.below(7);
                fs::write(&path, octets).expect("written");
                "the head beside it"
            }
            5 => {
                fs::remove_file(&path).expect("removed");
                "a file left out"
            }
            6 => {
                // The last line of a file is a head over the others.
                let edited =
                    all[one].replace("\"outcome\":\"done\"", "\"outcome\":\"refused\"").replace("sign", "sing");
                if edited == all[one] {
                    all.remove(one);
                } else {
                    all[one] = edited;
                }
                chained_anew(&mut all, one, first, &before);
                write_lines(&path, &all);
                "edited and chained anew"
            }
            7 => {
                let theirs = lines(&others[index.min(others.len() - 1)]);
                all[one].clone_from(&theirs[one.min(theirs.len() - 1)]);
                write_lines(&path, &all);
                "a line of another log"
            }
            8 => {
                for name in &names[index + 1..] {
                    fs::remove_file(tampered.path().join(name.file_name().expect("a name"))).expect("removed");
                }
                // Up to a head: what is left is a log that was whole once.
                let end =
                    (0..=one).rev().find(|line| all[*line].contains("\"type\":\"head\"")).map_or(0, |line| line + 1);
                all.truncate(end.max(1));
                write_lines(&path, &all);
                fs::remove_file(tampered.path().join("newest-head.json")).expect("removed");
                heads = std::slice::from_ref(&kept);
                if index == names.len() - 1 && end == lines(&names[index]).len() {
                    all.pop();
                    write_lines(&path, &all);
                }
                "an end cut off with its head"
            }
            _ => {
                all.retain(|line| !line.contains("\"type\":\"head\""));
                chained_anew(&mut all, 0, first, &before);
                write_lines(&path, &all);
                "heads taken away"
            }
        };
        let outcome = checked(tampered.path(), &pem, heads);
        assert!(outcome.is_err(), "{round}: {what} in {}: {outcome:?}", path.display());
        *found.entry(what).or_default() += 1;
    }
    assert!(found.len() == 11 && found.values().sum::<usize>() == 1000, "{found:?}");
}

#[tokio::test]
async fn a_crash_in_a_line_is_mended_and_written_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let pem = key_pem();
    written(folder.path(), &pem, 10).await;
    let last = files(folder.path()).pop().expect("a file");
    let mut octets = fs::read(&last).expect("a file");
    octets.extend(b"{\"sequence\":99,\"prev");
    fs::write(&last, octets).expect("written");
    assert_eq!(checked(folder.path(), &pem, &[]).expect_err("torn").fault, Fault::Torn);
    drop(AuditLog::open(folder.path(), key(&pem)).expect("a log"));
    assert_eq!(checked(folder.path(), &pem, &[]).expect("whole").decisions, 10);
    assert!(fs::read_to_string(&last).expect("text").contains("\"type\":\"recovered\",\"octets\":20"));
    // A line that is whole and wrong is no crash.
    let text = fs::read_to_string(&last).expect("text").replacen("issuing", "issung", 1);
    fs::write(&last, text).expect("written");
    assert!(matches!(AuditLog::open(folder.path(), key(&pem)), Err(OpenError::Broken { .. })));
}

/// The last line is over those before it, and nothing is over it: each of its bits is.
#[tokio::test(flavor = "multi_thread")]
async fn l02_each_bit_of_the_last_line_counts() {
    let (folder, pem) = (tempfile::tempdir().expect("a folder"), key_pem());
    written(folder.path(), &pem, 3).await;
    let path = files(folder.path()).pop().expect("a file");
    let whole = fs::read(&path).expect("a file");
    let last = whole[..whole.len() - 1].iter().rposition(|octet| *octet == b'\n').expect("two lines") + 1;
    for at in last..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            fs::write(&path, &changed).expect("written");
            let outcome = checked(folder.path(), &pem, &[]);
            assert!(outcome.is_err(), "bit {bit} of octet {at}: {outcome:?}");
        }
    }
}

/// Names come from settings and certificates: whatever is in them stays in one field of one line.
#[tokio::test(flavor = "multi_thread")]
async fn l03_no_text_begins_a_line_or_a_field_of_its_own() {
    let (folder, pem) = (tempfile::tempdir().expect("a folder"), key_pem());
    let hostile = [
        "a\r\n{\"sequence\":9,\"operation\":\"sign\"}",
        "\u{1b}[2K\u{1b}[31mred",
        "\",\"outcome\":\"done\",\"x\":\"",
        "\\u000a\\",
        "\u{0}\u{85}\u{2028}\u{202e}",
    ];
    let log = AuditLog::open_with(folder.path(), key(&pem), FILE).expect("a log");
    for text in hostile {
        let mut told = decision(1);
        for field in
            [&mut told.request, &mut told.client, &mut told.code, &mut told.kind, &mut told.subject, &mut told.key]
        {
            *field = text.to_owned();
        }
        log.record(told, Durability::Synced).await.expect("recorded");
    }
    drop(log);
    assert_eq!(checked(folder.path(), &pem, &[]).expect("whole").decisions, hostile.len() as u64);
    let mut octets = Vec::new();
    antin::audit::export(folder.path(), 0, &mut octets).expect("readable").expect("whole");
    let exported = String::from_utf8(octets).expect("text");
    let lines: Vec<serde_json::Value> =
        exported.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), hostile.len());
    for (line, text) in lines.iter().zip(hostile) {
        for field in ["request", "client", "code", "kind", "subject", "key"] {
            assert_eq!(line[field], text, "{line}");
        }
        assert_eq!(line["outcome"], "done", "{line}");
    }
    for path in files(folder.path()) {
        let octets = std::fs::read(path).expect("a file");
        assert!(!octets.iter().any(|octet| *octet < 0x20 && *octet != b'\n'), "a control character stands in the log");
    }
}

/// Not a test of its own: with a folder in its environment, records until it is killed, and says what is recorded.
#[test]
fn child() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else { return };
    let folder = PathBuf::from(folder);
    let pem = fs::read(folder.join("key.pem")).expect("a key");
    let log = AuditLog::open(&folder.join("log"), key(&pem)).expect("a log");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for number in 0..usize::MAX {
        runtime.block_on(log.record(decision(number), Durability::Synced)).expect("recorded");
        let mut out = std::io::stdout().lock();
        writeln!(out, "recorded {number}").and_then(|()| out.flush()).expect("the test reads");
    }
}

#[test]
fn what_was_recorded_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let pem = key_pem();
    fs::write(folder.path().join("key.pem"), &pem).expect("written");
    let log = folder.path().join("log");
    let mut recorded = 0;
    for round in 1..=10 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["audit::child", "--exact", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let said = out.lines().map_while(Result::ok).filter(|line| line.starts_with("recorded ")).take(round * 7);
        recorded += said.count();
        child.kill().and_then(|()| child.wait()).expect("killed");
        drop(AuditLog::open(&log, key(&pem)).expect("a log"));
        let whole = checked(&log, &pem, &[]).expect("whole");
        assert!(whole.decisions >= recorded as u64, "{} of {recorded}", whole.decisions);
        recorded = usize::try_from(whole.decisions).expect("few");
    }
}

#[test]
fn the_command_line_says_what_it_found() {
    let antin = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_antin")).args(arguments).output().expect("antin");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (private, public, log, kept) = (at("audit.key"), at("audit.pub"), at("log"), at("kept.json"));
    assert_eq!(antin(&["audit", "key", "--out", &private, "--public", &public]).0, Some(0));
    assert_eq!(antin(&["audit", "key", "--out", &private, "--public", &public]).0, Some(65), "it is there");
    let pem = fs::read(&private).expect("a key");
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    runtime.block_on(written(Path::new(&log), &pem, 20));
    let (code, said) = antin(&["audit", "verify", &log, "--key", &public]);
    assert!(code == Some(0) && said.contains("20 decisions"), "{said}");
    let (code, head) = antin(&["audit", "head", &log]);
    assert_eq!(code, Some(0));
    fs::write(&kept, head).expect("written");
    assert_eq!(antin(&["audit", "verify", &log, "--key", &public, "--head", &kept]).0, Some(0));
    let (code, said) = antin(&["audit", "export", &log, "--from", "5"]);
    assert!(code == Some(0) && said.lines().count() > 5, "{said}");
    let last = files(Path::new(&log)).pop().expect("a file");
    let mut all = lines(&last);
    all.remove(3);
    write_lines(&last, &all);
    let (code, said) = antin(&["audit", "verify", &log, "--key", &public]);
    assert!(code == Some(1) && said.starts_with("CHANGED: ") && said.contains(", line 4: line 3 of the log"), "{said}");
    let (code, said) = antin(&["audit", "export", &log]);
    let has = |sequence: u64| said.contains(&format!("{{\"sequence\":{sequence},"));
    assert!(code == Some(1) && has(2) && !has(3) && !has(4), "what was before, and nothing behind: {said}");
}
