//! Faults of the sources: files and HTTP servers that are down, slow, broken or lying.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::clock;
use antin::config::revocation::RevocationSettings;
use antin::core::memory::Memory;
use antin::core::x509::TrustStore;
use antin::net::{AllowedHost, FetchError, FetchLimits, Fetcher};
use antin::pki::certificate::Issuer;
use antin::pki::crl::RevocationList;
use antin::pki::{self, Authority, Member};
use antin::revocation::{Refusal, RevocationCache, SourceError, StartError};

use super::responder::{Answer, Responder};
use super::world::Standing::{Good, Revoked, Stale, Unknown};
use super::world::{World, throughout, until};

const RECOVERY: Duration = Duration::from_secs(10);

/// The root's list from its file, the CA's from the responder.
fn settings(world: &World, responder: &Responder) -> RevocationSettings {
    RevocationSettings {
        sources: vec![world.file_source(Authority::Root), responder.source()],
        allowed_hosts: vec![responder.allowed()],
        ..world.settings()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_never_passes_and_a_right_one_ends_it() {
    let world = World::new();
    let list = world.list(Authority::Ca);
    let pem = std::fs::read(Authority::Ca.crl_path(&world.pki())).expect("read");
    let trap = Responder::start(Answer::Body(list.clone()));
    let mut damaged = list.clone();
    damaged[40] ^= 1;
    let answers = [
        Answer::Status(404),
        Answer::Status(500),
        Answer::Redirect(trap.url()),
        Answer::Redirect("http://169.254.169.254/latest/meta-data".to_owned()),
        Answer::Silence,
        Answer::Trickle,
        Answer::Truncated(list.clone()),
        Answer::Endless,
        Answer::Compressed(list.clone()),
        Answer::Garbage,
        Answer::Body(vec![0x30; 65 * 1024]),
        Answer::Body(b"<!DOCTYPE html><title>Bad gateway</title>".to_vec()),
        Answer::Body(Vec::new()),
        Answer::Body(list[..list.len() - 1].to_vec()),
        Answer::Body([&list[..], b"\n."].concat()),
        Answer::Body(damaged),
        Answer::Body(World::new().list(Authority::Ca)),
        Answer::Body(world.empty_list(5, clock::now().plus_seconds(3600))),
    ];
    // Side by side, each with a server, marks and a cache of its own.
    let trials = answers.into_iter().enumerate().map(|(index, answer)| {
        let (world, list, pem) = (&world, &list, &pem);
        async move {
            let responder = Responder::start(answer);
            let marks_file = world.directory.path().join(format!("{index}.json"));
            let settings = RevocationSettings { marks_file, ..settings(world, &responder) };
            let started = Instant::now();
            let cache = world.start(&settings).await;
            assert!(started.elapsed() < Duration::from_secs(6), "{index}: {:?}", started.elapsed());
            assert!(responder.asked() > 0, "{index}");
            throughout("undetermined", Duration::from_secs(1), || {
                world.standings(&cache.evidence()) == (Unknown, Unknown)
            })
            .await;
            let right = if index % 2 == 0 { list } else { pem };
            responder.tell(Answer::Body(right.clone()));
            until("good", RECOVERY, || world.standings(&cache.evidence()) == (Good, Good)).await;
            cache.shutdown().await;
        }
    });
    futures(trials).await;
    assert_eq!(trap.asked(), 0, "no redirect is followed");
}

/// Runs all to the end, at once.
async fn futures(trials: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut trials: Vec<_> = trials.map(Box::pin).collect();
    std::future::poll_fn(|task| {
        trials.retain_mut(|trial| trial.as_mut().poll(task).is_pending());
        if trials.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_or_goes_back_takes_nothing_away() {
    let world = World::new();
    let older = world.list(Authority::Ca);
    let responder = Responder::start(Answer::Body(older.clone()));
    let settings = RevocationSettings { backoff_seconds: 1, ..settings(&world, &responder) };
    let cache = world.start(&settings).await;
    assert_eq!(world.standings(&cache.evidence()), (Good, Good));
    let before = cache.evidence().load().crls.snapshot();
    let asked = responder.asked();
    until("asked again", RECOVERY, || responder.asked() > asked + 1).await;
    assert_eq!(cache.evidence().load().crls.snapshot(), before, "the same list is no new snapshot");

    world.revoke(Member::Judicial);
    let newer = world.list(Authority::Ca);
    responder.tell(Answer::Body(newer.clone()));
    until("revoked", RECOVERY, || world.standings(&cache.evidence()) == (Revoked, Good)).await;
    assert_ne!(cache.evidence().load().crls.snapshot(), before);
    let number_back = world.empty_list(1, clock::now());
    let time_back = world.empty_list(50, clock::now().plus_seconds(-86_400));
    let other_content = world.empty_list(2, cache_this_update(&cache));
    let answers = [older.clone(), number_back, time_back, other_content].map(Answer::Body);
    for answer in [Answer::Status(503)].into_iter().chain(answers) {
        responder.tell(answer);
        let asked = responder.asked();
        until("asked twice with the wrong answer", RECOVERY, || {
            assert_eq!(world.standings(&cache.evidence()), (Revoked, Good));
            responder.asked() > asked + 1
        })
        .await;
    }
    cache.shutdown().await;

    // After a restart the marks know better, and what was kept is still revoked.
    responder.tell(Answer::Body(older));
    let cache = world.start(&settings).await;
    throughout("not good", Duration::from_secs(2), || world.standings(&cache.evidence()) == (Revoked, Unknown)).await;
    responder.tell(Answer::Body(newer));
    until("revoked", RECOVERY, || world.standings(&cache.evidence()) == (Revoked, Good)).await;
}

fn cache_this_update(cache: &RevocationCache) -> antin::core::time::Time {
    let rows = cache.freshness();
    rows.iter().find(|row| row.entries == 1).expect("the CA's list").this_update
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_seen_when_it_changes_and_read_at_once_on_demand() {
    let world = World::new();
    let settings = RevocationSettings { refresh_seconds: 3600, ..world.settings_with_files() };
    let cache = world.start(&settings).await;
    assert_eq!(world.standings(&cache.evidence()), (Good, Good));
    world.revoke(Member::Judicial);
    until("seen", Duration::from_secs(2), || world.standings(&cache.evidence()) == (Revoked, Good)).await;
    world.revoke(Member::Health);
    assert!(cache.reload_files_now().is_empty());
    assert_eq!(world.standings(&cache.evidence()), (Revoked, Revoked));

    let mut rows = cache.freshness();
    rows.sort_by_key(|row| row.entries);
    let ca = world.certificate(Member::Ca);
    assert_eq!((rows.len(), rows[1].entries, rows[1].issuer_fingerprint), (2, 2, *ca.fingerprint()));
    assert_eq!(rows[1].crl_number.as_ref().map(|number| number.octets().to_vec()), Some(vec![3]));
    assert!(rows[1].scope.distribution_point.is_none() && rows[1].next_update.is_some());

    std::fs::write(Authority::Ca.crl_path(&world.pki()), "<html>").expect("written");
    let failures = cache.reload_files_now();
    assert!(matches!(failures[..], [ref one] if matches!(one.error, SourceError::Refused(Refusal::NotACrl))));
    assert_eq!(world.standings(&cache.evidence()), (Revoked, Revoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_list_is_never_good_and_still_revokes() {
    let world = World::laid_at(clock::now().plus_seconds(-8 * 86_400));
    let root_list = std::fs::read(Authority::Root.crl_path(&world.pki())).expect("read");
    let path = Member::Judicial.certificate_path(&world.pki());
    let then = clock::now().plus_seconds(-8 * 86_400);
    pki::revoke(&world.pki(), &path, pki::Reason::Superseded, then).expect("revoked");
    let cache = world.start(&world.settings_with_files()).await;
    let evidence = cache.evidence();
    assert_eq!(cache.freshness().len(), 2);
    // The root's list is stale too: nothing below the CA is decided.
    assert_eq!(world.standings(&evidence), (Stale, Stale));
    let root = Issuer::load(&world.pki(), Authority::Root).expect("the root");
    let fresh = RevocationList { number: 2, ..RevocationList::first(clock::now()) }.sign(&root).expect("a list");
    std::fs::write(Authority::Root.crl_path(&world.pki()), fresh).expect("written");
    until("the CA's list alone is stale", RECOVERY, || world.standings(&evidence) == (Revoked, Stale)).await;
    std::fs::write(Authority::Root.crl_path(&world.pki()), root_list).expect("written");
    for _ in 0..2 {
        pki::refresh_crls(&world.pki(), clock::now()).expect("reissued");
    }
    until("good again", RECOVERY, || world.standings(&evidence) == (Revoked, Good)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_speaks_for_its_own_authority_and_from_an_allowed_host() {
    let world = World::new();
    let responder = Responder::start(Answer::Body(world.list(Authority::Ca)));
    let base = settings(&world, &responder);
    let file = |name: &str| world.directory.path().join(name);
    let with = |change: fn(&World, &mut RevocationSettings), name: &str| {
        let mut settings = RevocationSettings { marks_file: file(name), ..base.clone() };
        change(&world, &mut settings);
        settings
    };
    let refused = [
        with(
            |world, settings| settings.sources[1].issuer_file = Some(Member::Root.certificate_path(&world.pki())),
            "a",
        ),
        with(|_, settings| settings.sources[1].issuer_sha256 = Some("ab".repeat(32)), "b"),
        with(|_, settings| settings.allowed_hosts[0].allow_private = false, "c"),
        with(|_, settings| settings.allowed_hosts.clear(), "d"),
    ];
    for settings in refused {
        let cache = world.start(&settings).await;
        assert_eq!(world.standings(&cache.evidence()), (Unknown, Unknown), "{settings:?}");
        cache.shutdown().await;
    }
    let bound = |world: &World, settings: &mut RevocationSettings| {
        settings.sources[1].issuer_file = Some(Member::Ca.certificate_path(&world.pki()));
        // The first URL is wrong, the second right.
        settings.sources[1].urls.insert(0, "http://other.example/ca.crl".to_owned());
    };
    let cache = world.start(&with(bound, "e")).await;
    assert_eq!(world.standings(&cache.evidence()), (Good, Good));

    // An authority that is no longer held takes its lists with it; held again, they are fetched again.
    world.trust.store(Arc::new(TrustStore::new(vec![], vec![])));
    until("dropped", RECOVERY, || cache.freshness().is_empty()).await;
    world.trust.store(Arc::new(world.trust_store()));
    until("back", RECOVERY, || world.standings(&cache.evidence()) == (Good, Good)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_says_why() {
    let world = World::new();
    let refusal = async |settings: &RevocationSettings| {
        let memory = Arc::new(Memory::none());
        RevocationCache::start(settings, Arc::clone(&world.trust), memory).await.err().expect("an error")
    };
    let settings = world.settings_with_files();
    std::fs::write(&settings.marks_file, "{\"format\":").expect("written");
    assert!(matches!(refusal(&settings).await, StartError::Marks(_)));
    assert_eq!(std::fs::read_to_string(&settings.marks_file).expect("read"), "{\"format\":");

    let mut wrong = world.settings_with_files();
    wrong.sources[0].issuer_file = Some(Authority::Ca.crl_path(&world.pki()));
    assert!(matches!(refusal(&wrong).await, StartError::IssuerFile(_)));
    wrong.sources[0].issuer_file = Some(world.directory.path().join("none"));
    assert!(matches!(refusal(&wrong).await, StartError::File { .. }));
    wrong.sources[0].file = None;
    assert!(matches!(refusal(&wrong).await, StartError::Settings(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn https_sources_are_believed_by_the_authorities_named() {
    let world = World::new();
    let list = world.list(Authority::Ca);
    std::fs::write(world.directory.path().join("ca.crl"), &list).expect("written");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let path = |member: Member| member.certificate_path(&world.pki());
    let mut server = Command::new("openssl")
        .args(["s_server", "-quiet", "-WWW", "-accept", &format!("127.0.0.1:{port}"), "-cert"])
        .arg(path(Member::Server))
        .arg("-key")
        .arg(Member::Server.key_path(&world.pki()))
        .arg("-cert_chain")
        .arg(path(Member::Ca))
        .current_dir(world.directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is installed");
    let answers = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    until("the server listens", RECOVERY, answers).await;
    let fetcher = |root: Option<&World>| {
        let allowed = AllowedHost { host: "localhost".to_owned(), port, allow_private: true };
        let second = Duration::from_secs(5);
        let limits = FetchLimits { maximum_bytes: 9999, connect: second, total: second };
        let authorities = root.map(|root| std::fs::read(Member::Root.certificate_path(&root.pki())).expect("read"));
        Fetcher::new(vec![allowed], limits, authorities.as_deref()).expect("a fetcher")
    };
    let url = format!("https://localhost:{port}/ca.crl");
    let right = fetcher(Some(&world)).get(&url).await;
    let wrong = [fetcher(Some(&World::new())).get(&url).await, fetcher(None).get(&url).await];
    server.kill().expect("killed");
    server.wait().expect("waited for");
    assert_eq!(right.expect("the list"), list);
    for wrong in wrong {
        assert!(matches!(wrong, Err(FetchError::Connection(_))), "{wrong:?}");
    }
}
