//! The registry through its trait, across restarts, races and deaths of the process.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use antin::{
    core::time::Time,
    registry::{
        Begun, DocumentId, DocumentState, Format, Intent, Issued, Level, MOST_FOUND, Packaging, Registry,
        RegistryError, StatusChange,
        sqlite::{OpenError, SqliteRegistry},
    },
};
use tempfile::TempDir;

const STARTED: Time = Time::from_unix(1_780_000_000);
/// Tells a copy of this test program what to do; see [`child`].
const CHILD_TASK: &str = "ANTIN_TEST_REGISTRY_TASK";
const CHILD_PATH: &str = "ANTIN_TEST_REGISTRY_PATH";

fn document_id(number: u128) -> DocumentId {
    DocumentId::from_bytes(number.to_be_bytes())
}

fn intent(number: u128, key: &str) -> Intent {
    Intent {
        document_id: document_id(number),
        client: "issuing-system".to_owned(),
        idempotency_key: key.to_owned(),
        request_digest: [1; 32],
        kind: "health-book".to_owned(),
        document_digest: [2; 32],
        signer: "health".to_owned(),
        level_requested: Level::Timestamped,
        format: Format::Cades,
        packaging: Packaging::Detached,
        media_type: "application/fhir+json".to_owned(),
        begun_at: STARTED,
    }
}

fn issued(number: u128) -> Issued {
    Issued {
        signature: number.to_be_bytes().to_vec(),
        level_reached: Level::Basic,
        signed_at: STARTED.plus_seconds(1),
        signer_certificate_sha256: [3; 32],
    }
}

fn change(state: DocumentState, at: i64) -> StatusChange {
    StatusChange {
        state,
        superseded_by: None,
        client: "issuing-system".to_owned(),
        at: STARTED.plus_seconds(at),
        reason: "Cấp lại theo đề nghị".to_owned(),
    }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data/registry.db");
    (folder, path)
}

fn open(path: &Path) -> Arc<dyn Registry> {
    Arc::new(SqliteRegistry::open(path, STARTED).expect("a registry"))
}

async fn issue(registry: &dyn Registry, number: u128) {
    let begun = registry.begin(intent(number, &format!("key-{number}"))).await;
    assert_eq!(begun.expect("begun"), Begun::Fresh);
    registry.complete(document_id(number), issued(number)).await.expect("complete");
}

#[tokio::test]
async fn an_idempotency_key_outlives_the_process_and_belongs_to_its_client() {
    let (_folder, path) = place();
    let registry = open(&path);
    issue(&*registry, 1).await;
    drop(registry);

    let registry = open(&path);
    assert_eq!(registry.recover().await.expect("recovered"), []);
    let Begun::Replay(document) = registry.begin(intent(2, "key-1")).await.expect("begun") else {
        panic!("no replay");
    };
    assert_eq!((&document.intent, &document.issued), (&intent(1, "key-1"), &issued(1)));
    assert_eq!(registry.document(document_id(1)).await.expect("read").as_ref(), Some(&*document));
    let newest = registry.newest(document_id(1)).await.expect("read").expect("issued");
    assert_eq!((newest.version, newest.level, newest.signature), (1, Level::Basic, issued(1).signature));
    assert_eq!(registry.document(document_id(2)).await.expect("read"), None);

    let other_body = Intent { request_digest: [9; 32], ..intent(3, "key-1") };
    let begun = registry.begin(other_body).await.expect("begun");
    assert_eq!(begun, Begun::DifferentBody { document_id: document_id(1) });
    let other_client = Intent { client: "other".to_owned(), ..intent(4, "key-1") };
    assert_eq!(registry.begin(other_client).await.expect("begun"), Begun::Fresh);
    let same_id = registry.begin(intent(1, "key-5")).await;
    assert!(matches!(same_id, Err(RegistryError::DocumentIdTaken(taken)) if taken == document_id(1)));
}

#[test]
fn of_a_hundred_with_one_key_one_signs() {
    let (_folder, path) = place();
    let registry = open(&path);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let begun: Vec<Begun> = thread::scope(|scope| {
        let callers: Vec<_> = (0..100)
            .map(|number| {
                let (registry, handle) = (&registry, runtime.handle());
                scope.spawn(move || handle.block_on(registry.begin(intent(number, "one"))).expect("begun"))
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().expect("no panic")).collect()
    });
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Fresh).count(), 1);
    assert_eq!(begun.iter().filter(|begun| matches!(begun, Begun::InProgress { .. })).count(), 99);
}

#[tokio::test]
async fn an_attempt_ends_once() {
    let (_folder, path) = place();
    let registry = open(&path);
    let not_in_progress = |answer: Result<(), RegistryError>| matches!(answer, Err(RegistryError::NotInProgress(_)));

    // Taken back before the key was used: the key is free.
    assert_eq!(registry.begin(intent(1, "a")).await.expect("begun"), Begun::Fresh);
    registry.abandon(document_id(1)).await.expect("abandoned");
    assert!(not_in_progress(registry.complete(document_id(1), issued(1)).await));
    assert_eq!(registry.begin(intent(2, "a")).await.expect("begun"), Begun::Fresh);

    // Issued: the same again is fine, anything else is not.
    registry.complete(document_id(2), issued(2)).await.expect("complete");
    registry.complete(document_id(2), issued(2)).await.expect("the same again");
    assert!(not_in_progress(registry.complete(document_id(2), issued(3)).await));
    assert!(not_in_progress(registry.abandon(document_id(2)).await));
    assert!(not_in_progress(registry.mark_unknown(document_id(2)).await));

    // The key was used and nothing came of it.
    assert_eq!(registry.begin(intent(3, "b")).await.expect("begun"), Begun::Fresh);
    registry.mark_unknown(document_id(3)).await.expect("marked");
    registry.mark_unknown(document_id(3)).await.expect("marked again");
    assert!(not_in_progress(registry.complete(document_id(3), issued(3)).await));
    assert!(not_in_progress(registry.abandon(document_id(3)).await));
    let again = registry.begin(intent(4, "b")).await.expect("begun");
    assert_eq!(again, Begun::StateUnknown { document_id: document_id(3) });
    assert_eq!(registry.status(document_id(3)).await.expect("read"), None);

    let empty = Intent { client: String::new(), ..intent(5, "c") };
    assert!(matches!(registry.begin(empty).await, Err(RegistryError::Invalid { field: "client", .. })));
}

#[tokio::test]
async fn the_standing_changes_by_rule_and_its_history_stays() {
    let (_folder, path) = place();
    let registry = open(&path);
    let id = document_id(1);
    let unknown = registry.set_status(id, change(DocumentState::Withdrawn, 9)).await;
    assert!(matches!(unknown, Err(RegistryError::UnknownDocument(_))));
    issue(&*registry, 1).await;
    issue(&*registry, 2).await;
    let fresh = registry.status(id).await.expect("read").expect("issued");
    assert_eq!((fresh.state, fresh.since, fresh.history.len()), (DocumentState::InForce, STARTED.plus_seconds(1), 0));

    let itself = StatusChange { superseded_by: Some(id), ..change(DocumentState::Superseded, 10) };
    let circle = registry.set_status(id, itself).await;
    assert!(matches!(circle, Err(RegistryError::SuccessorNotInForce { .. })));
    let replaced = StatusChange { superseded_by: Some(document_id(2)), ..change(DocumentState::Superseded, 12) };
    let changes = [
        change(DocumentState::Suspended, 10),
        change(DocumentState::InForce, 11),
        replaced,
        change(DocumentState::Withdrawn, 13),
    ];
    for change in &changes {
        let status = registry.set_status(id, change.clone()).await.expect("changed");
        assert_eq!((status.state, status.since), (change.state, change.at));
        assert_eq!(registry.status(id).await.expect("read"), Some(status));
    }
    let back = registry.set_status(id, change(DocumentState::InForce, 14)).await;
    assert!(matches!(
        back,
        Err(RegistryError::StatusConflict { from: DocumentState::Withdrawn, to: DocumentState::InForce, .. })
    ));
    // A withdrawn paper replaces nothing, and the record as released has not changed.
    let by_withdrawn = StatusChange { superseded_by: Some(id), ..change(DocumentState::Superseded, 15) };
    let refused = registry.set_status(document_id(2), by_withdrawn).await;
    assert!(matches!(refused, Err(RegistryError::SuccessorNotInForce { .. })));
    assert!(matches!(registry.begin(intent(9, "key-1")).await, Ok(Begun::Replay(_))));
    drop(registry);
    assert_eq!(open(&path).status(id).await.expect("read").expect("issued").history, changes);
}

#[tokio::test]
async fn a_single_use_paper_is_used_once() {
    let (_folder, path) = place();
    let registry = open(&path);
    issue(&*registry, 1).await;
    let mut readers = tokio::task::JoinSet::new();
    for at in 0..20 {
        let registry = Arc::clone(&registry);
        readers
            .spawn(async move { registry.set_status(document_id(1), change(DocumentState::Used, at)).await.is_ok() });
    }
    assert_eq!(readers.join_all().await.into_iter().filter(|used| *used).count(), 1);
}

#[tokio::test]
async fn issued_documents_are_found_by_digest() {
    let (_folder, path) = place();
    let registry = open(&path);
    for number in 0..(MOST_FOUND as u128 + 5) {
        issue(&*registry, number).await;
    }
    registry.begin(Intent { document_digest: [8; 32], ..intent(1000, "unfinished") }).await.expect("begun");
    let newest = Issued { signed_at: STARTED.plus_seconds(60), ..issued(1001) };
    registry.begin(intent(1001, "newest")).await.expect("begun");
    registry.complete(document_id(1001), newest).await.expect("complete");
    let found = registry.find_by_digest([2; 32]).await.expect("read");
    assert_eq!((found.len(), found[0]), (MOST_FOUND, document_id(1001)));
    assert_eq!(registry.find_by_digest([8; 32]).await.expect("read"), []);
}

#[test]
fn the_file_is_private_and_one_process_has_it() {
    let (_folder, path) = place();
    let registry = open(&path);
    for name in ["registry.db", "registry.db-wal", "registry.db-shm", "registry.db.lock"] {
        let mode = fs::metadata(path.with_file_name(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(matches!(SqliteRegistry::open(&path, STARTED), Err(OpenError::InUse { .. })));
    drop(registry);
    assert!(!path.with_file_name("registry.db-wal").exists(), "a clean close empties the log");
    open(&path);
}

#[test]
fn another_file_is_refused_with_a_word_of_advice() {
    let (_folder, path) = place();
    drop(open(&path));
    let edit = |statement: &str| {
        rusqlite::Connection::open(&path).expect("a file").execute_batch(statement).expect("an edit");
        SqliteRegistry::open(&path, STARTED).err().expect("refused")
    };
    let newer = edit("PRAGMA user_version = 9");
    assert!(matches!(newer, OpenError::Newer { found: 9, known: 3, .. }), "{newer}");
    assert!(newer.to_string().contains("run the newer program"), "{newer}");
    assert!(matches!(edit("PRAGMA user_version = 1; PRAGMA application_id = 7"), OpenError::Foreign { .. }));

    fs::write(&path, "this is a letter, not a registry".repeat(100)).expect("written");
    assert!(matches!(SqliteRegistry::open(&path, STARTED), Err(OpenError::Foreign { .. })));
    assert!(fs::read_to_string(&path).expect("read").starts_with("this is a letter"), "it was left alone");

    let folder_as_file = SqliteRegistry::open(path.parent().expect("a folder"), STARTED).err().expect("refused");
    assert!(matches!(folder_as_file, OpenError::Store { .. } | OpenError::File { .. }), "{folder_as_file}");
}

/// Not a test of its own: what a copy of this program does when a test below started it.
#[test]
fn child() {
    let (Ok(task), Some(path)) = (std::env::var(CHILD_TASK), std::env::var_os(CHILD_PATH)) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let registry = open(Path::new(&path));
    runtime.block_on(async {
        match task.as_str() {
            "begin" => {
                assert_eq!(registry.begin(intent(1, "key")).await.expect("begun"), Begun::Fresh);
                say("begun");
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            "sign" => {
                registry.recover().await.expect("recovered");
                let mut signers = tokio::task::JoinSet::new();
                for lane in 0..8 {
                    signers.spawn(sign_on(Arc::clone(&registry), lane));
                }
                signers.join_all().await;
            }
            "fill" => fill(&*registry).await,
            other => panic!("{other}"),
        }
    });
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("\n> {line}\n").as_bytes()).expect("someone reads");
}

/// Signs one key after the other for ever, from the first again in every life; says what it does as it does it.
async fn sign_on(registry: Arc<dyn Registry>, lane: u128) {
    for step in 0.. {
        let (key, number) = (format!("{lane}-{step}"), u128::from(std::process::id()) << 64 | lane << 32 | step);
        if registry.begin(intent(number, &key)).await.expect("begun") == Begun::Fresh {
            say(&format!("signed {key}"));
            registry.complete(document_id(number), issued(number)).await.expect("complete");
            say(&format!("released {key} {}", document_id(number)));
        }
    }
}

/// Issues until the store refuses; it must go on answering.
async fn fill(registry: &dyn Registry) {
    for number in 1.. {
        let key = format!("key-{number}");
        let begun = registry.begin(intent(number, &key)).await;
        let large = Issued { signature: vec![0x30; 20_000], ..issued(number) };
        let done = match begun {
            Ok(begun) => {
                assert_eq!(begun, Begun::Fresh);
                registry.complete(document_id(number), large).await
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => say(&format!("released {key} {}", document_id(number))),
            Err(RegistryError::Unavailable { source }) => {
                say(&format!("refused {source}"));
                assert!(registry.document(document_id(1)).await.expect("reads go on").is_some());
                return;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn child_command(mut command: Command, task: &str, path: &Path) -> Child {
    command.args(["registry::child", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(CHILD_TASK, task).env(CHILD_PATH, path);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a copy of this program")
}

fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program")
}

/// The lines that the child says; kills it (SIGKILL) after as many of them as `deadly` allows.
fn listen(mut child: Child, deadly: impl Fn(usize) -> bool) -> Vec<String> {
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = Vec::new();
    for line in output.lines() {
        let line = line.expect("text");
        let Some(words) = line.strip_prefix("> ") else { continue };
        said.push(words.to_owned());
        if deadly(said.len()) {
            child.kill().expect("killed");
        }
    }
    child.wait().expect("ended");
    said
}

#[tokio::test]
async fn killed_between_intent_and_result_the_state_is_unknown_for_ever() {
    let (_folder, path) = place();
    let said = listen(child_command(Command::new(this_program()), "begin", &path), |lines| lines == 1);
    assert_eq!(said, ["begun"]);

    let registry = open(&path);
    let unknown = Begun::StateUnknown { document_id: document_id(1) };
    assert_eq!(registry.begin(intent(2, "key")).await.expect("begun"), unknown, "before recovery");
    assert_eq!(registry.recover().await.expect("recovered"), [intent(1, "key")]);
    assert_eq!(registry.recover().await.expect("recovered"), [], "told once");
    assert_eq!(registry.begin(intent(2, "key")).await.expect("begun"), unknown, "after recovery");
    let late = registry.complete(document_id(1), issued(1)).await;
    assert!(matches!(late, Err(RegistryError::NotInProgress(_))));
    assert!(matches!(registry.abandon(document_id(1)).await, Err(RegistryError::NotInProgress(_))));
    drop(registry);
    assert_eq!(open(&path).begin(intent(2, "key")).await.expect("begun"), unknown, "after a restart");
    assert_eq!(open(&path).begin(intent(2, "another")).await.expect("begun"), Begun::Fresh);
}

#[tokio::test]
async fn killed_at_any_moment_nothing_released_is_lost_and_no_key_signs_twice() {
    let (_folder, path) = place();
    let mut signed = HashSet::new();
    let mut released = HashMap::new();
    for round in 0..12 {
        let child = child_command(Command::new(this_program()), "sign", &path);
        for line in listen(child, |lines| lines == 40 + 17 * round) {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["signed", key] => assert!(signed.insert(key.to_owned()), "{key} was signed twice"),
                ["released", key, id] => {
                    released.insert(key.to_owned(), id.parse::<DocumentId>().expect("an id"));
                }
                _ => panic!("{line}"),
            }
        }
    }
    assert!(released.len() > 200, "{} released", released.len());
    let registry = open(&path);
    registry.recover().await.expect("recovered");
    for (key, id) in &released {
        let document = registry.document(*id).await.expect("read").expect("a record of what was released");
        assert_eq!((&document.intent.idempotency_key, document.issued.signature), (key, id.as_bytes().to_vec()));
    }
    for key in &signed {
        let begun = registry.begin(intent(1, key)).await.expect("begun");
        let expected = if released.contains_key(key) {
            matches!(begun, Begun::Replay(_))
        } else {
            // Killed after the signing: recorded and not released, or unknown.
            matches!(begun, Begun::Replay(_) | Begun::StateUnknown { .. })
        };
        assert!(expected, "{key}: {begun:?}");
    }
}

/// The kernel refuses writes beyond a file size (EFBIG): an input/output error for the store.
#[tokio::test]
async fn a_failing_write_is_told_and_nothing_released_is_lost() {
    let (_folder, path) = place();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' 25; ulimit -f 1200; exec \"$0\" \"$@\""]).arg(this_program());
    let said = listen(child_command(shell, "fill", &path), |_| false);
    let (last, before) = said.split_last().expect("words");
    assert!(last.starts_with("refused ") && before.len() > 5, "{said:?}");
    let registry = open(&path);
    assert!(registry.recover().await.expect("recovered").len() <= 1);
    for line in before {
        let id = line.rsplit(' ').next().and_then(|id| id.parse().ok()).expect("an id");
        assert!(registry.document(id).await.expect("read").is_some(), "{line}");
    }
    issue(&*registry, 1_000_000).await;
}
