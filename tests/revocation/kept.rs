//! What was revoked stays revoked: after a restart, when nobody publishes the list any more, when an authority goes and comes back.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::clock;
use antin::config::revocation::{AllowedHost, CrlSource, RevocationSettings};
use antin::core::x509::{CertificateList, TrustAnchor, TrustStore};
use antin::pki::certificate::Issuer;
use antin::pki::{Authority, Member};

use super::world::Standing::{Good, Revoked};
use super::world::{World, throughout, until};
use crate::faults::capture::Capture;
use crate::kit::message::dotted;
use crate::kit::revocation::{List, entry, extension, point_name};

const SOON: Duration = Duration::from_secs(10);

/// A complete list from before the revocation of the health signer, still fresh, and a list of another scope that tells of it.
struct TwoLists {
    world: World,
    revoking: PathBuf,
    settings: RevocationSettings,
}

impl TwoLists {
    fn new() -> Self {
        let world = World::new();
        let [complete, revoking] = ["complete.crl", "revoking.crl"].map(|name| world.directory.path().join(name));
        fs::write(&complete, world.list(Authority::Ca)).expect("written");
        world.revoke(Member::Health);
        fs::write(&revoking, world.for_end_entities(&world.list(Authority::Ca)).0).expect("written");
        let file = |path: &PathBuf| CrlSource { file: Some(path.clone()), ..CrlSource::default() };
        let sources = vec![world.file_source(Authority::Root), file(&complete), file(&revoking)];
        let settings = RevocationSettings { sources, ..world.settings() };
        Self { world, revoking, settings }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_no_revocation_though_its_list_is_withheld() {
    let TwoLists { world, revoking, settings } = TwoLists::new();
    let cache = world.start(&settings).await;
    until("revoked", SOON, || world.standings(&cache.evidence()) == (Good, Revoked)).await;
    cache.shutdown().await;
    fs::remove_file(&revoking).expect("removed");

    let cache = world.start(&settings).await;
    until("good again", SOON, || world.standings(&cache.evidence()).0 == Good).await;
    throughout("revoked", Duration::from_secs(2), || world.standings(&cache.evidence()) == (Good, Revoked)).await;
    cache.shutdown().await;

    // What lies there is no more believed than anything else: another file under its name says nothing.
    let kept = world.directory.path().join("marks.lists");
    let files: Vec<PathBuf> = fs::read_dir(&kept).expect("a folder").map(|file| file.expect("a file").path()).collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in &files {
        fs::write(file, World::new().list(Authority::Ca)).expect("written");
    }
    let cache = world.start(&settings).await;
    until("good", SOON, || world.standings(&cache.evidence()) == (Good, Good)).await;
    cache.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_comes_back_brings_its_revocations() {
    let TwoLists { world, revoking, settings } = TwoLists::new();
    let cache = world.start(&settings).await;
    until("revoked", SOON, || world.standings(&cache.evidence()) == (Good, Revoked)).await;
    fs::remove_file(&revoking).expect("removed");
    let ca = world.certificate(Authority::Ca.member());
    let without = TrustStore::new(vec![TrustAnchor::new(world.certificate(Member::Root))], Vec::new());
    world.trust.store(Arc::new(without));
    until("dropped", SOON, || cache.evidence().load().crls.issued_by(&ca.subject).is_empty()).await;
    world.trust.store(Arc::new(world.trust_store()));
    until("good again", SOON, || world.standings(&cache.evidence()).0 == Good).await;
    throughout("revoked", Duration::from_secs(2), || world.standings(&cache.evidence()) == (Good, Revoked)).await;
    cache.shutdown().await;
}

#[test]
fn what_has_no_room_in_memory_is_told_once_and_counted() {
    let capture = Capture::new();
    let world = World::new();
    let ca = Issuer::load(&world.pki(), Authority::Ca).expect("the CA");
    let now = clock::now();
    // Six scopes of some 60,000 octets, where a list may have 65,536 and four of them have room.
    let file = |index: u8| {
        let list = List {
            this_update: now.plus_seconds(-60 - i64::from(index)),
            next_update: Some(now.plus_seconds(600)),
            point: Some(point_name(&format!("http://crl.example.vn/{index}"))),
            extensions: vec![extension(&dotted("1.3.6.1.4.1.32473.98"), false, &[0; 60_000])],
            ..List::default()
        };
        let der = list.der(&ca);
        assert!((54_000..=65_536).contains(&der.len()), "{}", der.len());
        let path = world.directory.path().join(format!("{index}.crl"));
        fs::write(&path, der).expect("written");
        CrlSource { file: Some(path), ..CrlSource::default() }
    };
    let settings =
        RevocationSettings { sources: (0..6).map(file).collect(), maximum_bytes: 65_536, ..world.settings() };
    let warning = "the lists that no longer count have no room";
    let left_out = || capture.metric(&["antin_revocation_lists_left_out"]);
    capture.runtime.block_on(async {
        let cache = world.start(&settings).await;
        until("held", SOON, || cache.freshness().len() == 6).await;
        assert!(!capture.has_line(warning));
        let without = TrustStore::new(vec![TrustAnchor::new(world.certificate(Member::Root))], Vec::new());
        world.trust.store(Arc::new(without));
        until("left out", SOON, || left_out().is_some_and(|line| line.ends_with(" 2"))).await;
        assert_eq!(capture.lines(warning), 1);
        cache.shutdown().await;
        // A start finds the same, and the room that there is.
        world.trust.store(Arc::new(world.trust_store()));
        let cache = world.start(&settings).await;
        until("held again", SOON, || left_out().is_some_and(|line| line.ends_with(" 0"))).await;
        assert_eq!(cache.freshness().len(), 6);
        cache.shutdown().await;
    });
}

#[tokio::test]
async fn what_a_crash_left_unfinished_is_taken_away_at_the_start() {
    let TwoLists { world, settings, .. } = TwoLists::new();
    let folders = ["marks.lists", "marks.answers"].map(|name| world.directory.path().join(name));
    let mut leftovers = vec![world.directory.path().join("marks.json.1-00.new")];
    for folder in folders {
        fs::create_dir(&folder).expect("made");
        leftovers.push(folder.join("list.crl.1-00.new"));
    }
    leftovers.iter().for_each(|path| fs::write(path, "half").expect("written"));
    let allowed = AllowedHost { host: "crl.example.vn".to_owned(), port: 80, allow_private: false };
    let cache = world.start(&RevocationSettings { allowed_hosts: vec![allowed], ..settings }).await;
    assert!(leftovers.iter().all(|path| !path.exists()));
    cache.shutdown().await;
}

#[test]
fn what_is_no_list_is_passed_over_and_takes_no_room() {
    let capture = Capture::new();
    let TwoLists { world, revoking, settings } = TwoLists::new();
    let warning = "files beside the marks are no lists that count";
    let world = Arc::new(world);
    // The log is that of the runtime's own threads.
    let start = async || {
        let (world, settings) = (Arc::clone(&world), settings.clone());
        tokio::spawn(async move { world.start(&settings).await }).await.expect("a cache")
    };
    capture.runtime.block_on(async {
        let cache = start().await;
        until("revoked", SOON, || world.standings(&cache.evidence()) == (Good, Revoked)).await;
        cache.shutdown().await;
        assert_eq!(capture.lines(warning), 0);
        fs::remove_file(&revoking).expect("removed");
        // As many of each as files are read. Opening a pipe waits for its other end.
        let folder = world.directory.path().join("marks.lists");
        let pipe = folder.join("x.crl");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is installed").success());
        for index in 0..4100 {
            fs::write(folder.join(format!("{index}.txt")), "").expect("written");
            fs::create_dir(folder.join(format!("{index}.crl"))).expect("made");
        }
        let (started, has_started) = std::sync::mpsc::channel();
        let opens = pipe.clone();
        std::thread::spawn(move || {
            // Frees a start that hangs, so that the test ends.
            if has_started.recv_timeout(SOON).is_err() {
                let _ = fs::OpenOptions::new().write(true).open(opens);
                panic!("the start waits for a pipe");
            }
        });
        let began = Instant::now();
        let cache = start().await;
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        started.send(()).expect("somebody waits");
        until("revoked", SOON, || world.standings(&cache.evidence()) == (Good, Revoked)).await;
        assert_eq!(capture.lines(warning), 1);
        assert!(capture.has_line("files=4101"));
        cache.shutdown().await;
    });
}

/// The authority publishes two lists of one number: which of them came first cannot be told, and one of them revokes.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_contradicts_the_one_held_still_reveals() {
    let world = World::new();
    let cache = world.start(&world.settings_with_files()).await;
    until("good", SOON, || world.standings(&cache.evidence()) == (Good, Good)).await;
    let held = CertificateList::decode(&world.list(Authority::Ca)).expect("a list");
    let ca = Issuer::load(&world.pki(), Authority::Ca).expect("the CA");
    let number = held.extensions.crl_number.as_ref().and_then(|number| number.octets().last().copied());
    let serial_number = &world.certificate(Member::Health).serial_number;
    let other = List {
        number,
        this_update: held.this_update,
        next_update: held.next_update,
        entries: vec![entry(serial_number, 1, None)],
        ..List::default()
    };
    fs::write(Authority::Ca.crl_path(&world.pki()), other.der(&ca)).expect("written");
    until("revoked", SOON, || world.standings(&cache.evidence()) == (Good, Revoked)).await;
    throughout("revoked", Duration::from_secs(1), || world.standings(&cache.evidence()) == (Good, Revoked)).await;
    cache.shutdown().await;
}
