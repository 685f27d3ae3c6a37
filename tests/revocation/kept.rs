//! What was revoked stays revoked: after a restart, when nobody publishes the list any more, when an authority goes and comes back.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use antin::config::revocation::{CrlSource, RevocationSettings};
use antin::core::x509::{TrustAnchor, TrustStore};
use antin::pki::{Authority, Member};

use super::world::Standing::{Good, Revoked};
use super::world::{World, throughout, until};

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
