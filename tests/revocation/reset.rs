//! `antin revocation reset`: an authority begins its numbers anew, and an operator says that this is right.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use antin::clock;
use antin::pki::{Authority, Member};
use serde_json::Value;

use super::world::Standing::{Good, Revoked};
use super::world::{World, throughout, until};

const RECOVERY: Duration = Duration::from_secs(10);

fn antin(config: &Path, crl: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
    command.args(["revocation", "reset", "--reason", "the CA wrote on 1 May: number 17/TB", "--config"]);
    command.arg(config).arg("--crl").arg(crl).args(more).output().expect("run")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_goes_back_counts_after_an_operator_said_so_and_the_old_ones_do_not() {
    let world = World::new();
    world.revoke(Member::Judicial);
    let settings = world.settings_with_files();
    let cache = world.start(&settings).await;
    assert_eq!(world.standings(&cache.evidence()), (Revoked, Good));
    let (file, older) = (Authority::Ca.crl_path(&world.pki()), world.list(Authority::Ca));
    let path = |name: &str| world.directory.path().join(name);
    let config = path("antin.toml");
    std::fs::write(
        &config,
        "[trust]\nanchors = [\"pki/root.crt\"]\nintermediates = [\"pki/ca.crt\"]\n[revocation]\nmarks-file = \"marks.json\"\n",
    )
    .expect("written");
    let marks = || std::fs::read(&settings.marks_file).expect("read");
    let before = marks();

    // Not needed, forged, or not the authority's: nothing happens.
    let foreign = path("foreign.crl");
    std::fs::write(&foreign, World::new().empty_list(1, clock::now())).expect("written");
    for list in [&file, &foreign, &config] {
        assert_eq!(antin(&config, list, &["--apply"]).status.code(), Some(65), "{}", list.display());
    }
    assert_eq!(marks(), before);

    // Later than all that was seen, with a lower number.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    std::fs::write(&file, world.empty_list(1, clock::now())).expect("written");
    throughout("refused", Duration::from_secs(2), || world.standings(&cache.evidence()) == (Revoked, Good)).await;
    let described = antin(&config, &file, &[]);
    let text = String::from_utf8(described.stdout).expect("text");
    assert_eq!((described.status.code(), marks() == before), (Some(0), true), "{text}");
    assert!(text.contains("CRLNumber 02") && text.contains("CRLNumber 01") && text.contains("Nothing was changed"));
    assert!(!path("marks.json.audit").exists());

    let done = antin(&config, &file, &["--apply"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let audit = std::fs::read_to_string(path("marks.json.audit")).expect("an audit trail");
    let lines: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((lines.len(), &lines[0]["stage"], &lines[1]["stage"]), (2, &"intended".into(), &"done".into()));
    assert_eq!((&lines[0]["before"]["crlNumber"], &lines[0]["after"]["crlNumber"]), (&"02".into(), &"01".into()));
    assert!(lines[1]["reason"].as_str().is_some_and(|reason| reason.contains("17/TB")));
    until("the service takes it over", RECOVERY, || world.standings(&cache.evidence()) == (Good, Good)).await;

    // Its higher number does not bring the former list back.
    std::fs::write(&file, older).expect("written");
    throughout("the new stays", Duration::from_secs(2), || world.standings(&cache.evidence()) == (Good, Good)).await;
    assert_eq!(antin(&config, &path("none"), &["--apply"]).status.code(), Some(65));
}
