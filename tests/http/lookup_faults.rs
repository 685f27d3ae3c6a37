//! The lookup through keys that change, keys that are none, a Redis that is away, another store, and ten thousand guesses.

use std::{fs, path::Path, sync::Arc, time::Instant};

use antin::{
    cli::{dev, serve},
    clock,
    config::{Config, revocation::RedisSettings, revocation::RedisUrl},
    pki::{self, InitOptions},
};
use serde_json::{Value, json};

use super::{
    Service,
    client::{Request, plain},
    lookup::{REFERRAL, fields, order, seconds},
};
use crate::kit::postgres;

const GUESSES: u64 = 10_000;

fn write_key(path: &Path) {
    let mut key = [0; 32];
    openssl::rand::rand_bytes(&mut key).expect("random octets");
    fs::write(path, key).expect("written");
}

fn offered(config: &mut Config, folder: &Path, key: &str) {
    config.lookup.key = Some(folder.join(key));
    config.public.trusted_proxies = vec!["127.0.0.1".to_owned().try_into().expect("an address")];
}

async fn start(change: impl FnOnce(&mut Config)) -> Service {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    pki::init(&folder.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    write_key(&folder.path().join("lookup.key"));
    let service = Service::over(Arc::clone(&folder), |config| {
        offered(config, folder.path(), "lookup.key");
        change(config);
    });
    let service = service.await;
    assert_eq!(service.sign("one", &order("referral", REFERRAL)).await.status, 201);
    service
}

impl Service {
    async fn is_found(&self, address: &str) -> bool {
        self.ask_from(address, &fields(REFERRAL)).await.json()["found"] == true
    }
}

fn guess(number: u64) -> Value {
    let mut guess = fields(REFERRAL);
    guess["identityNumber"] = format!("9990780{number:05}").into();
    guess
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_key_goes_on_finding_and_a_lost_one_finds_nothing() {
    let service = start(|_| {}).await;
    let folder = Arc::clone(&service.directory);
    service.running.shutdown().await;
    write_key(&folder.path().join("new.key"));
    for (older_keys, is_found) in [(vec![folder.path().join("lookup.key")], true), (Vec::new(), false)] {
        let service = Service::over(Arc::clone(&folder), |config| {
            offered(config, folder.path(), "new.key");
            config.lookup.older_keys = older_keys;
        })
        .await;
        assert_eq!(service.is_found("192.0.2.1").await, is_found);
        service.running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_ends_the_start_and_names_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    pki::init(&folder.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    for (octets, words) in [(vec![7; 32], "not random"), (vec![7; 31], "31 octets"), (vec![7; 33], "33 octets")] {
        fs::write(folder.path().join("lookup.key"), octets).expect("written");
        let free = "127.0.0.1:0".parse().expect("an address");
        let mut config = dev::settings(folder.path(), free, free);
        offered(&mut config, folder.path(), "lookup.key");
        let refused = serve::start(config, Some(folder.path().join("pki"))).await.err().expect("refused");
        let told = refused.to_string();
        assert!(told.contains("lookup.key") && told.contains(words), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_postgresql_and_without_redis_it_answers_all_the_same() {
    let url = postgres::shared().database();
    let service = start(|config| {
        config.registry.postgres = Some(postgres::settings(&url));
        // Nobody listens on this port.
        let url = Some(RedisUrl::new("redis://127.0.0.1:1"));
        config.revocation.redis = Some(RedisSettings { url, ..RedisSettings::default() });
    })
    .await;
    assert!(service.is_found("192.0.2.1").await);
    assert_eq!(service.ask_from("192.0.2.2", &guess(1)).await.json()["code"], "lookup-not-found");
    service.running.shutdown().await;
}

/// Row H10 of the list of threats.
#[tokio::test(flavor = "multi_thread")]
async fn h10_ten_thousand_guesses_of_one_address_are_few_and_shut_nobody_else_out() {
    let service = start(|_| {}).await;
    let (address, started) = (service.running.public, Instant::now());
    let turns = Arc::new(tokio::sync::Semaphore::new(16));
    let mut guesses = tokio::task::JoinSet::new();
    for number in 0..GUESSES {
        let turns = Arc::clone(&turns);
        guesses.spawn(async move {
            let _turn = turns.acquire_owned().await.expect("open");
            plain(address, Request::json("/v1/lookup", &guess(number)).header("X-Forwarded-For", "192.0.2.1")).await
        });
    }
    let (mut answered, mut late) = (0, 0);
    while let Some(answer) = guesses.join_next().await {
        let answer = answer.expect("no panic");
        match answer.status {
            200 => answered += 1,
            429 => {
                assert!((1..=300).contains(&seconds(&answer.head)), "{answer:?}");
                late += 1;
            }
            _ => panic!("{answer:?}"),
        }
    }
    // What an address has at once, and one for each six seconds since.
    let most = 10 + started.elapsed().as_secs() / 6 + 1;
    assert!((1..=most).contains(&answered), "{answered} answers, at most {most}");
    assert_eq!(answered + late, GUESSES);
    assert_eq!(service.ask_from("192.0.2.1", &fields(REFERRAL)).await.status, 429);
    assert!(service.is_found("203.0.113.7").await);
    service.running.shutdown().await;
}

#[test]
fn keys_of_before_stand_beside_one_of_now() {
    let parse = |text: &str| antin::config::parse(text, "antin.toml".as_ref());
    let told = parse("[lookup]\nolder-keys = [\"a\"]\n").expect_err("refused").to_string();
    assert!(told.contains("lookup.older-keys"), "{told}");
    let many = json!(["a", "b", "c", "d"]);
    assert!(parse(&format!("[lookup]\nkey = \"k\"\nolder-keys = {many}\n")).is_err());
    assert!(parse("[lookup]\nkey = \"k\"\nolder-keys = [\"a\"]\n").is_ok());
}
