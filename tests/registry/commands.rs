//! `antin registry` and `antin serve` over both stores.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use antin::registry::{Begun, Level, Raised};

use super::{Place, change, document_id, intent, issue, on_both};

on_both!(the_commands_say_what_they_did);

fn antin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_antin")).args(arguments).output().expect("antin")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("text")
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("text")
}

async fn the_commands_say_what_they_did(place: Place) {
    let (address, folder) = (place.address(), tempfile::tempdir().expect("a folder"));
    let option = if matches!(place, Place::Sqlite { .. }) { "--path" } else { "--postgres" };
    let file = folder.path().join("registry.jsonl");
    let file = file.to_str().expect("text");

    let registry = place.open().await;
    issue(&*registry, 1).await;
    registry.set_status(document_id(1), change(antin::registry::DocumentState::Suspended, 7)).await.expect("changed");
    let raised = Raised { from_version: 1, level: Level::Timestamped, signature: vec![7; 9], proves_until: None };
    registry.raise(document_id(1), raised).await.expect("raised");
    assert_eq!(registry.begin(intent(2, "lost-key")).await.expect("begun"), Begun::Fresh);
    registry.mark_unknown(document_id(2)).await.expect("marked");

    // Beside the service.
    let unknown = antin(&["registry", "unknown", option, &address]);
    assert_eq!(code(&unknown), 0, "{}", err(&unknown));
    let line = "00000000000000000000000000000002 begun 2026-05-28T20:26:40Z client \"issuing-system\" kind health-book \
                key health idempotency-key lost-key\n";
    assert_eq!((out(&unknown), err(&unknown)), (line, "1 attempts whose state is unknown\n"));
    let unknown = antin(&["registry", "unknown", option, &address, "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(out(&unknown)).expect("JSON");
    let expected = serde_json::json!({
        "id": document_id(2).to_string(), "client": "issuing-system", "kind": "health-book",
        "idempotencyKey": "lost-key", "signer": "health", "begunAt": "2026-05-28T20:26:40Z",
    });
    assert_eq!(told, expected);
    let exported = antin(&["registry", "export", option, &address, "--out", file]);
    assert_eq!(code(&exported), 0, "{}", err(&exported));
    let words = "2 attempts, 2 signatures, 1 changes of standing, 0 waiting for a level, 0 time-stamps to be renewed, 0 in the issuance log, 0 digests of the lookup";
    assert_eq!(err(&exported), format!("exported {words}\n"));
    let text = fs::read_to_string(file).expect("a file");
    assert_eq!(out(&antin(&["registry", "export", option, &address])), text);
    let checked = antin(&["registry", "check", option, &address]);
    assert_eq!(code(&checked), 1, "{}", err(&checked));
    let said = out(&checked);
    assert!(said.contains(&format!("FAULT: document {}: signature 1 is no CMS", document_id(1))), "{said}");
    assert!(said.ends_with("1 issued, 0 in progress, 1 unknown; 2 faults\n"), "{said}");

    // Into a registry in use, into one that has something, into an empty one.
    let used = antin(&["registry", "import", option, &address, file]);
    assert_eq!(code(&used), 65, "{}", err(&used));
    place.close(registry).await;
    let holds = antin(&["registry", "import", option, &address, file]);
    assert_eq!(code(&holds), 65);
    assert!(err(&holds).contains("the registry holds documents"), "{}", err(&holds));
    for (other, option) in [(Place::sqlite(), "--path"), (Place::postgres(), "--postgres")] {
        let address = other.address();
        let cut = folder.path().join("cut.jsonl");
        fs::write(&cut, text.lines().next().expect("a line").to_owned() + "\n").expect("written");
        let refused = antin(&["registry", "import", option, &address, cut.to_str().expect("text")]);
        assert_eq!(code(&refused), 65);
        assert!(err(&refused).contains("line 2: the file ends before its last line"), "{}", err(&refused));
        let imported = antin(&["registry", "import", option, &address, file]);
        assert_eq!((code(&imported), err(&imported)), (0, &*format!("imported {words}\n")));
        assert_eq!(out(&antin(&["registry", "export", option, &address])), text);
    }
}

#[test]
fn what_cannot_be_used_is_said_with_its_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("none.db");
    let missing = missing.to_str().expect("text");
    let letter = folder.path().join("letter.txt");
    fs::write(&letter, "this is a letter".repeat(200)).expect("written");
    let nobody = "postgres://antin:quite-secret@127.0.0.1:1/antin";
    for (arguments, expected, words) in [
        (vec!["check"], 64, "--config"),
        (vec!["check", "--path", "a", "--postgres", "b"], 64, "cannot be used with"),
        (vec!["check", "--path", missing], 65, "none.db"),
        (vec!["check", "--path", letter.to_str().expect("text")], 65, "no antin registry"),
        (vec!["check", "--config", missing], 65, "settings file"),
        (vec!["check", "--postgres", "mysql://x"], 65, "registry.postgres.url cannot be read"),
        (vec!["check", "--postgres", nobody], 70, "the registry's database cannot be used"),
        (vec!["import", "--path", missing, missing], 65, "none.db"),
    ] {
        let refused = antin(&[&["registry"], &*arguments].concat());
        assert_eq!(code(&refused), expected, "{arguments:?}: {}", err(&refused));
        assert!(err(&refused).contains(words), "{arguments:?}: {}", err(&refused));
        assert!(!err(&refused).contains("quite-secret"), "{}", err(&refused));
    }
    assert!(!Path::new(missing).exists());
}

/// A started `antin serve`, which ends with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_service_starts_over_a_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("antin.toml");
    let write = |url: &str| {
        let mut file = fs::File::create(&config).expect("a file");
        let text = "[public]\naddress = \"127.0.0.1:0\"\n[mutual-tls]\nenabled = false\n[registry.postgres]\n";
        write!(file, "{text}url = \"{url}\"\nconnections = 4\nconnect-timeout-seconds = 1\n").expect("written");
    };
    let serve = || {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_antin"));
        serve.args(["serve", "--config"]).arg(&config).stdout(Stdio::piped()).stderr(Stdio::piped());
        serve
    };
    write("postgres://antin@127.0.0.1:1/antin");
    let refused = serve().output().expect("antin");
    assert_eq!(code(&refused), 70, "{}", err(&refused));
    assert!(err(&refused).contains("check that a server of registry.postgres.url runs"), "{}", err(&refused));
    write("postgres:///antin");
    let refused = serve().output().expect("antin");
    assert_eq!(code(&refused), 65, "{}", err(&refused));

    let place = Place::postgres();
    write(&place.address());
    let mut served = Served(serve().spawn().expect("antin"));
    let mut lines = BufReader::new(served.0.stdout.take().expect("a pipe")).lines();
    let ready = lines.next().expect("a line").expect("text");
    assert!(ready.starts_with("ready http://127.0.0.1:"), "{ready}");
    let used = antin(&["registry", "import", "--config", config.to_str().expect("text"), "/dev/null"]);
    assert_eq!(code(&used), 65);
    assert!(err(&used).contains("a service works on the registry; stop it first"), "{}", err(&used));

    // Stopped politely, it leaves no lease behind.
    let process = served.0.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &process]).status().expect("kill").success());
    assert!(served.0.wait().expect("ended").success());
    let free = antin(&["registry", "import", "--config", config.to_str().expect("text"), "/dev/null"]);
    assert!(err(&free).contains("line 1: the file ends"), "{}", err(&free));
}
