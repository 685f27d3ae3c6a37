//! What a token signs is what a key in a file signs.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use antin::cli::{dev, serve};
use antin::clock;
use antin::config::Padding;
use antin::pki::Member;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{Place, SOFTHSM, add_key, add_signer, in_a_process, in_token, issuing_client, key, order_by};
use crate::http::client::Request;
use crate::http::settings::hang_up;
use crate::http::{CONTENT, Service, base64, order};

const PAPER: &[u8] = include_bytes!("../../../testvectors/documents/judicial-certificate.pdf");

#[test]
fn keys_in_a_token_sign_what_openssl_and_antin_accept() {
    in_a_process("algorithms");
}

pub async fn algorithms(place: &Place) {
    let directory = place.pki();
    let lasting = [clock::now(), clock::now().plus_seconds(86_400)];
    let rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    let p384 = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
    for (name, algorithm) in [("p384", &p384), ("rsa-pss", &rsa), ("rsa-pkcs1", &rsa)] {
        add_signer(directory.path(), name, algorithm, lasting);
    }
    let file = |name: &str| directory.path().join(name).with_extension("key");
    let health = Member::Health.key_path(&directory.path().join("pki"));
    let names = ["p384", "rsa-pss", "rsa-pkcs1"];
    place.token(&[
        ("health", health.clone()),
        ("p384", file("p384")),
        ("rsa-pss", file("rsa-pss")),
        ("rsa-pkcs1", file("rsa-pkcs1")),
        ("judicial", Member::Judicial.key_path(&directory.path().join("pki"))),
    ]);
    fs::remove_file(health).expect("the key is in the token alone");
    let service = Service::over(directory, |config| {
        config.tokens = vec![place.settings(SOFTHSM)];
        let directory = config.registry.path.parent().expect("a folder").to_owned();
        for name in names {
            add_key(config, &directory, name);
            in_token(key(config, name), name);
        }
        key(config, "rsa-pkcs1").padding = Padding::Pkcs1;
        in_token(key(config, "health"), "health");
        in_token(key(config, "judicial"), "judicial");
        key(config, "judicial").label = None;
        key(config, "judicial").id = Some("05".to_owned());
    })
    .await;
    let path = |name: &str| service.directory.path().join(name).display().to_string();
    fs::write(path("content"), CONTENT).expect("written");
    let chain = [fs::read(path("pki/ca.crt")), fs::read(path("pki/root.crt"))].map(|file| file.expect("a certificate"));
    fs::write(path("chain"), chain.concat()).expect("written");
    for name in ["health", "p384", "rsa-pss", "rsa-pkcs1"] {
        let answer = service.sign(name, &order_by(name)).await;
        assert_eq!(answer.status, 201, "{name} {answer:?}");
        let signature = answer.json()["signature"].as_str().expect("a signature").to_owned();
        let question = json!({"document": base64(CONTENT), "signature": signature});
        assert_eq!(service.verify(&question).await.reliance().0, "ACCEPT", "{name}");
        fs::write(path("signature"), STANDARD.decode(signature).expect("base64")).expect("written");
        let verified = Command::new("openssl")
            .args(["cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-out", "/dev/null"])
            .args(["-in", &path("signature"), "-content", &path("content"), "-CAfile", &path("chain")])
            .output()
            .expect("openssl");
        assert!(verified.status.success(), "{name}: {}", String::from_utf8_lossy(&verified.stderr));
    }
    let pdf = json!({"kind": "judicial-certificate", "document": base64(PAPER), "mediaType": "application/pdf",
        "format": "pades", "level": "B-B", "pdf": {}});
    let answer = service.sign("pdf", &pdf).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let signed = STANDARD.decode(answer.json()["document"].as_str().expect("a document")).expect("base64");
    let report = service.public(Request::post("/v1/verify", "application/pdf", signed)).await;
    assert_eq!(report.reliance().0, "ACCEPT");
    assert_eq!(antin::signing::pkcs11::logins(), 1, "one login for six keys");
    service.running.shutdown().await;
}

#[test]
fn sixty_four_orders_at_once_wait_for_two_sessions() {
    in_a_process("parallel");
}

pub async fn parallel(place: &Place) {
    let service = Arc::new(place.service(place.shim(), |token| token.sessions = 2).await);
    let sent: Vec<_> = (0..64)
        .map(|number| {
            let service = Arc::clone(&service);
            tokio::spawn(async move { service.sign(&format!("key-{number}"), &order("detached")).await.status })
        })
        .collect();
    for status in sent {
        assert_eq!(status.await.expect("an answer"), 201);
    }
    assert_eq!(place.seen("logins"), 1);
    // A challenge at the start and in each session, and one signature an order.
    assert!((66..=67).contains(&place.seen("signed")), "{}", place.seen("signed"));
}

#[test]
fn settings_that_are_read_again_log_in_no_second_time() {
    in_a_process("settings");
}

pub async fn settings(place: &Place) {
    let directory = place.pki();
    let pki = directory.path().join("pki");
    place.token(&[("health", Member::Health.key_path(&pki)), ("judicial", Member::Judicial.key_path(&pki))]);
    let mut held = None;
    let service = Service::over(directory, |config| {
        config.tokens = vec![place.settings(place.shim())];
        in_token(key(config, "health"), "health");
        config.origin = Some(place.path("antin.toml"));
        held = Some(config.clone());
    })
    .await;
    let mut config = held.expect("settings");
    let orders = async |round: &str| {
        for number in 0..10 {
            let answer = service.sign(&format!("{round}-{number}"), &order("detached")).await;
            assert_eq!(answer.status, 201, "{answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    orders("first").await;
    // Another key of the same token, which stays as it is: so do its sessions.
    in_token(key(&mut config, "judicial"), "judicial");
    hang_up(&config);
    orders("second").await;
    // Other sessions of the same token, while the old ones end.
    config.tokens[0].sessions = 2;
    hang_up(&config);
    orders("third").await;
    assert_eq!(place.seen("logins"), 1);
    service.running.shutdown().await;
}

#[test]
fn a_certificate_of_another_key_ends_the_start() {
    in_a_process("mismatch");
}

pub async fn mismatch(place: &Place) {
    let directory = place.pki();
    let pki = directory.path().join("pki");
    place.token(&[("health", Member::Judicial.key_path(&pki))]);
    let free = "127.0.0.1:0".parse().expect("an address");
    let mut config = dev::settings(directory.path(), free, free);
    config.tokens = vec![place.settings(SOFTHSM)];
    in_token(key(&mut config, "health"), "health");
    assert!(issuing_client(&mut config).keys.contains(&"health".to_owned()));
    let error = serve::start(config, None).await.err().expect("refused").to_string();
    assert!(error.contains("\"health\"") && error.contains("does not belong to the certificate"), "{error}");
}
