//! The clock jumps by an hour, forth and back (libfaketime): what was recorded stays what it is, and what cannot be signed is refused.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use antin::{clock, pki::Member, registry::Registry, registry::sqlite::SqliteRegistry};
use serde_json::Value;

use super::{World, order, ready};
use crate::http::client::{self, Identity, Request};

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// The answer to an order; `None`: the connection was refused.
async fn sign(pki: &Path, address: SocketAddr, key: &str) -> Option<(u16, Value)> {
    let member = Member::IssuingSystem;
    let identity = Identity::read(&member.certificate_path(pki), &member.key_path(pki));
    let request = Request::json("/v1/sign", &order(0)).header("Idempotency-Key", key);
    let answer = client::tls(address, &Member::Root.certificate_path(pki), Some(identity), request).await.ok()?;
    Some((answer.status, answer.json()))
}

#[tokio::test(flavor = "multi_thread")]
async fn l04_a_clock_that_jumps_by_an_hour_loses_nothing() {
    assert!(Path::new(LIBRARY).exists(), "Debian's faketime is installed");
    let world = World::new("clock", None);
    let (pki, file) = (world.root().join("pki"), world.folder.path().join("offset"));
    let jump = |offset: &str| fs::write(&file, format!("{offset}\n")).expect("written");
    jump("+0s");
    let mut life = world.start("", |command| {
        command.env("LD_PRELOAD", LIBRARY).env("FAKETIME_TIMESTAMP_FILE", &file);
        command.env("FAKETIME_NO_CACHE", "1").env("DONT_FAKE_MONOTONIC", "1");
    });
    let (address, said) = ready(&mut life).expect("a life");
    let reader = std::thread::spawn(move || said.map_while(Result::ok).count());
    let mut released: Vec<Value> = Vec::new();
    let hour = 3600;
    for (offset, seconds) in [("+0s", 0), ("+3600s", hour), ("+0s", 0), ("-3600s", -hour), ("+0s", 0)] {
        jump(offset);
        // The lists of the revocation cache are looked at again within a second.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        for (number, earlier) in released.iter().enumerate() {
            match sign(&pki, address, &format!("key-{number}")).await {
                Some((201, answer)) => assert_eq!(answer, *earlier, "{offset}: the same answer"),
                // Its certificate is not valid yet by the service's clock.
                None => assert!(seconds < 0, "{offset}: refused"),
                Some(other) => panic!("{offset}: {other:?}"),
            }
        }
        match sign(&pki, address, &format!("key-{}", released.len())).await {
            Some((201, answer)) => {
                let signed_at =
                    answer["signedAt"].as_str().and_then(|text| antin::core::time::Time::parse_rfc3339(text).ok());
                let shift = signed_at.expect("a time").unix() - clock::now().unix();
                assert!((shift - seconds).abs() < 60, "{offset}: signed {shift} s from now");
                released.push(answer);
            }
            Some((503, problem)) => {
                assert!(seconds < 0 && problem["code"] == "signer-not-usable", "{offset}: {problem}");
            }
            None => assert!(seconds < 0, "{offset}: refused"),
            Some(other) => panic!("{offset}: {other:?}"),
        }
    }
    assert!(released.len() >= 4, "{} were signed", released.len());
    life.kill().expect("killed");
    life.wait().expect("ended");
    reader.join().expect("no panic");
    let registry = SqliteRegistry::open(&world.root().join("registry.db"), clock::now()).expect("a registry");
    for answer in &released {
        let id = answer["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        assert!(registry.document(id).await.expect("read").is_some(), "{answer}");
    }
    assert!(world.audit_faults().is_empty());
}
