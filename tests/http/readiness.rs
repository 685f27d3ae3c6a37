//! A node says which lists its default policy does not take, and that it is not ready without any that it takes.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use antin::clock;
use antin::config::Config;
use antin::config::revocation::CrlSource;
use antin::core::time::Time;
use antin::pki::certificate::Issuer;
use antin::pki::crl::RevocationList;
use antin::pki::{self, Authority, InitOptions, Member};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Service;
use super::client::{Request, plain};
use super::collecting::{LISTS, Scene, code};
use crate::revocation::responder::Answer;

const DAY: i64 = 86_400;

/// A list of this age that its authority means to replace in a month.
fn list(pki: &std::path::Path, authority: Authority, age: i64) -> Vec<u8> {
    let now = clock::now();
    let issuer = Issuer::load(pki, authority).expect("an issuer");
    let list =
        RevocationList { next_update: now.plus_seconds(30 * DAY), ..RevocationList::first(now.plus_seconds(-age)) };
    list.sign(&issuer).expect("a list")
}

/// A node that only verifies, with lists of these ages.
async fn node(root_age: i64, ca_age: i64, change: impl FnOnce(&mut Config)) -> Service {
    let directory = Arc::new(TempDir::new().expect("a directory"));
    let pki = directory.path().join("pki");
    let laid: Time = clock::now().plus_seconds(-root_age.max(ca_age));
    pki::init(&pki, &InitOptions::default(), laid).expect("a PKI");
    for (authority, age) in [(Authority::Root, root_age), (Authority::Ca, ca_age)] {
        fs::write(authority.crl_path(&pki), list(&pki, authority, age)).expect("written");
    }
    Service::over(directory, |config| {
        only_verifies(config);
        change(config);
    })
    .await
}

fn only_verifies(config: &mut Config) {
    config.keys.clear();
    config.kinds.clear();
    for client in &mut config.clients {
        client.kinds.clear();
        client.keys.clear();
    }
    config.internal.enabled = true;
    config.internal.address = "127.0.0.1:0".parse().expect("an address");
}

/// The status and the code of each list.
async fn ready(service: &Service) -> (u16, Vec<Value>) {
    let answer = plain(service.running.internal.expect("a listener"), Request::get("/readyz")).await;
    let lists = answer.json()["lists"].as_array().cloned().unwrap_or_default();
    (answer.status, lists.iter().map(|list| list["code"].clone()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_no_list_that_its_policy_takes_is_not_ready() {
    let stale = json!("revocation-data-stale");
    // The age of the root's list, of the CA's; whether that is ready, and ready without a maximum age.
    for (root, ca, by_default) in [(DAY / 2, DAY / 2, true), (20 * DAY, DAY / 2, true), (DAY / 2, DAY + 60, false)] {
        for policy in ["circular-15-2025", "any-ades"] {
            let service = node(root, ca, |config| config.verify.policy = policy.to_owned()).await;
            let is_ready = by_default || policy == "any-ades";
            // What one authority lacks is told; the papers of the other can still be judged.
            let codes = vec![Value::Null, if is_ready { Value::Null } else { stale.clone() }];
            assert_eq!(ready(&service).await, (200, codes), "{root} {ca} {policy}");
            let trust = service.public(Request::get("/v1/trust")).await.json();
            let crl = &trust["intermediates"][0]["crl"];
            assert_eq!(crl["fresh"], is_ready);
            assert_eq!(crl["maximumAgeSeconds"], if policy == "any-ades" { Value::Null } else { json!(DAY) });
            assert_eq!(trust["anchors"][0]["crl"]["fresh"], true);
            service.running.shutdown().await;
        }
    }
    // It is ready as soon as a newer list is there, and the one of a partition that is no longer published does not matter.
    let service = node(401 * DAY, DAY + 60, |_| {}).await;
    assert_eq!(ready(&service).await, (503, vec![stale.clone(), stale]));
    let issuer = Issuer::load(&service.pki(), Authority::Ca).expect("the CA");
    let newer = RevocationList { number: 2, ..RevocationList::first(clock::now()) }.sign(&issuer).expect("a list");
    fs::write(Authority::Ca.crl_path(&service.pki()), newer).expect("written");
    let started = std::time::Instant::now();
    while ready(&service).await.0 != 200 {
        assert!(started.elapsed() < Duration::from_secs(10), "never ready");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_a_bound_source_does_not_bring_is_missing() {
    let bind = |config: &mut Config, pki: &std::path::Path| {
        config.revocation.sources[1] = CrlSource {
            file: Some(pki.join("none.crl")),
            issuer_file: Some(Member::Ca.certificate_path(pki)),
            ..CrlSource::default()
        };
    };
    let directory = Arc::new(TempDir::new().expect("a directory"));
    let pki = directory.path().join("pki");
    pki::init(&pki, &InitOptions::default(), clock::now()).expect("a PKI");
    let service = Service::over(Arc::clone(&directory), |config| {
        only_verifies(config);
        bind(config, &pki);
        config.revocation.start_timeout_seconds = 1;
    })
    .await;
    assert_eq!(ready(&service).await, (200, vec![Value::Null, json!("revocation-status-unknown")]));
    fs::copy(Authority::Ca.crl_path(&pki), pki.join("none.crl")).expect("copied");
    let started = std::time::Instant::now();
    while ready(&service).await != (200, vec![Value::Null; 2]) {
        assert!(started.elapsed() < Duration::from_secs(10), "never ready");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_found_makes_no_node_unready() {
    let scene = Scene::new();
    let service = scene
        .service(|config| {
            only_verifies(config);
            config.trust.intermediates.push(Member::Ca.certificate_path(&scene.pki()));
            config.revocation.sources =
                vec![CrlSource { file: Some(Authority::Root.crl_path(&scene.pki())), ..CrlSource::default() }];
        })
        .await;
    scene.site.tell_at(LISTS[1], Answer::Body(list(&scene.pki(), Authority::Ca, DAY + 60)));
    assert_eq!(code(&service.verify(&scene.leaf_only()).await), "revocation-data-stale");
    assert_eq!(ready(&service).await, (200, vec![Value::Null]));
    service.running.shutdown().await;
}
