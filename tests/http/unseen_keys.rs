//! What a key says that signs digests of what nobody sees: nothing of what a document is. And such a key, like those of receipts and status lists,
//! signs nothing else, whatever it is called.

use std::sync::Arc;

use antin::{
    cli::dev,
    clock,
    config::{Client, Config, Operation, Permission, SigningKey},
    core::{
        algorithm::DigestAlgorithm,
        cms::{add_signer, document_reference::DocumentReference},
        crypto,
    },
    pki::{self, Member},
    service::{held, key_uses, keys},
    signing::{CadesRequest, IssuingKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    Service, base64,
    blind_signing::{KEY, blindly},
    client::Request,
    issuance_log::antin,
    lookup::{REFERRAL, order},
    tokens,
};

const UNSEEN: (&str, &str) = ("UNDETERMINED", "signed-unseen");
const VALID: (&str, &str) = ("ACCEPT", "valid");

fn settings(config: &mut Config) {
    blindly(config);
    config.verify.document_kinds = None;
}

/// The key itself: its client makes with digests whatever the key can make.
fn unseen(service: &Service) -> Arc<dyn IssuingKey> {
    let stem = service.directory.path().join(KEY);
    let settings = dev::settings(service.directory.path(), service.running.public, service.running.public);
    let key = SigningKey {
        name: KEY.to_owned(),
        file: Some(stem.with_extension("key")),
        certificate: stem.with_extension("crt"),
        ..settings.keys[0].clone()
    };
    keys::keys(&[key], &[]).expect("a key").remove(0)
}

fn signed(key: &dyn IssuingKey, kind: Option<(&str, &str)>, content: &[u8]) -> Vec<u8> {
    let reference = kind.map(|(kind, id)| DocumentReference::new(kind, id, None).expect("fits"));
    let digest = (DigestAlgorithm::Sha256, &crypto::sha256(content)[..]);
    let request = CadesRequest { digest, content: None, signing_time: clock::now(), document: reference.as_ref() };
    key.sign_cades(&request).expect("signed")
}

impl Service {
    async fn relied_on(&self, content: &[u8], signature: &[u8], purpose: Option<&str>) -> (String, String) {
        let mut question = json!({"document": base64(content), "signature": base64(signature)});
        if let Some(purpose) = purpose {
            question["purpose"] = purpose.into();
        }
        self.verify(&question).await.reliance()
    }
}

fn as_told((outcome, code): (&str, &str)) -> (String, String) {
    (outcome.to_owned(), code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_for_digests_says_a_document_is_does_not_count() {
    let service = Service::with(settings).await;
    let key = unseen(&service);
    let junk: &[u8] = br#"{"I am": "no health check at all"}"#;
    for kind in ["health-check", "referral", "judicial-certificate-2", "re-examination", "blind", "nobody-knows-it"] {
        let message = signed(&*key, Some((kind, "00112233445566778899aabbccddeeff")), junk);
        assert_eq!(service.relied_on(junk, &message, None).await, as_told(UNSEEN), "{kind}");
        assert_eq!(service.relied_on(junk, &message, Some("recruitment")).await, as_told(UNSEEN), "{kind}");
    }
    // Stating nothing, it is a signature like those of strangers: good for what it is over.
    let bare = signed(&*key, None, junk);
    assert_eq!(service.relied_on(junk, &bare, None).await, as_told(VALID));
    assert_eq!(service.relied_on(junk, &bare, Some("recruitment")).await.1, "kind-unknown");

    // Beside a signature that was made of the document it says no more.
    let issued = service.sign("referral", &order("referral", REFERRAL)).await;
    let (id, signature) = (issued.json()["id"].as_str().expect("an id").to_owned(), issued.json()["signature"].clone());
    let signature = STANDARD.decode(signature.as_str().expect("text")).expect("base64");
    let paper = REFERRAL.as_bytes();
    assert_eq!(service.relied_on(paper, &signature, None).await, as_told(VALID));
    for (more, expected) in [(Some(("referral", &*id)), UNSEEN), (None, VALID)] {
        let both = add_signer::add_signers(&signature, &signed(&*key, more, paper)).expect("both");
        let told = service.relied_on(paper, &both, None).await;
        let differs = told.1 == "document-references-differ";
        assert!(told == as_told(expected) || (expected == UNSEEN && differs), "{more:?} {told:?}");
    }
    service.running.shutdown().await;
}

/// A service that has no such key, and was told of the certificate of one.
#[tokio::test(flavor = "multi_thread")]
async fn keys_for_digests_that_are_elsewhere_are_named_in_the_settings() {
    let service = Service::with(|config| {
        config.verify.document_kinds = None;
        let folder = config.registry.path.parent().expect("a folder").to_owned();
        for stem in [KEY, "other"] {
            let url = &config.public.base_url;
            pki::add_signer(&folder.join("pki"), &folder.join(stem), stem, url, clock::now()).expect("a signer");
        }
        let certificate = held::first_certificate(&folder.join(KEY).with_extension("crt")).expect("a certificate");
        config.verify.unseen_signers = vec![hex::encode(certificate.fingerprint()).to_uppercase()];
    })
    .await;
    let message = signed(&*unseen(&service), Some(("referral", "HIS-1")), REFERRAL.as_bytes());
    assert_eq!(service.relied_on(REFERRAL.as_bytes(), &message, None).await, as_told(UNSEEN));
    let folder = service.directory.path();
    std::fs::rename(folder.join("other.key"), folder.join(KEY).with_extension("key")).expect("moved");
    std::fs::rename(folder.join("other.crt"), folder.join(KEY).with_extension("crt")).expect("moved");
    let message = signed(&*unseen(&service), Some(("referral", "HIS-1")), REFERRAL.as_bytes());
    assert_eq!(service.relied_on(REFERRAL.as_bytes(), &message, None).await, as_told(VALID));
    service.running.shutdown().await;
    let wrong = antin::config::parse("[verify]\nunseen-signers = [\"ab\"]\n", "antin.toml".as_ref());
    let said = wrong.expect_err("no certificate").to_string();
    assert!(said.contains("verify.unseen-signers"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_what_nobody_saw_is_no_document() {
    let service = Service::with(settings).await;
    let token = service.token(Member::IssuingSystem, "issuing-system").await;
    let content: &[u8] = b"nobody here sees this";
    let body = json!({"credentialID": KEY, "hashes": [base64(&crypto::sha256(content))],
        "hashAlgorithmOID": "2.16.840.1.101.3.4.2.1", "signAlgo": "1.2.840.10045.4.3.2"});
    let endpoint = "/csc/v2/signatures/signHash";
    assert_eq!(service.csc(Member::IssuingSystem, Some(&token), endpoint, &body).await.status, 200);
    let registry = service.directory.path().join("registry.db");
    let (code, lines) = antin(&["registry", "export", "--path", registry.to_str().expect("text")]);
    assert_eq!(code, Some(0), "{lines}");
    let record = lines.lines().find(|line| line.contains("\"format\":\"raw\"")).expect("a record");
    let record: Value = serde_json::from_str(record).expect("JSON");
    let id = record["id"].as_str().expect("an id");
    for member in [Member::Agency, Member::IssuingSystem] {
        for rest in ["", "/signature", "/proof"] {
            let answer = service.as_member(member, Request::get(&format!("/v1/documents/{id}{rest}"))).await;
            assert_eq!((answer.status, answer.code().as_str()), (404, "document-unknown"), "{rest}");
        }
        let change = json!({"state": "withdrawn", "reason": "a test"});
        let change = Request::json(&format!("/v1/documents/{id}/status"), &change);
        assert_eq!(service.as_member(member, change).await.code(), "document-unknown");
    }
    // It lends no standing, whoever states its id.
    let settings = dev::settings(service.directory.path(), service.running.public, service.running.public);
    let own = keys::keys(&settings.keys, &[]).expect("keys").remove(0);
    for key in [unseen(&service), own] {
        let message = signed(&*key, Some(("blind", id)), content);
        let question = json!({"document": base64(content), "signature": base64(&message)});
        let answer = service.verify(&question).await;
        assert_eq!(answer.reliance(), as_told(UNSEEN));
        assert_eq!(answer.json()["document"]["status"], json!(null));
    }
    service.running.shutdown().await;
}

#[test]
fn a_key_that_signs_one_of_these_things_signs_nothing_else_whatever_it_is_called() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path();
    pki::init(&folder.join("pki"), &pki::InitOptions::default(), clock::now()).expect("a PKI");
    dev::add_receipt_key(folder, "http://127.0.0.1:8080").expect("a key");
    dev::add_status_list_key(folder, "http://127.0.0.1:8080").expect("a key");
    let free = "127.0.0.1:0".parse().expect("an address");
    let held = dev::settings(folder, free, free);
    let (receipt, lists) = (held.receipt.key.clone().expect("one"), held.status_lists.key.clone().expect("one"));
    let window = [clock::now(), clock::now().plus_seconds(86_400)];
    let file = held.keys.iter().find(|key| key.name == "health").and_then(|key| key.file.clone()).expect("a file");
    tokens::certify(folder, &file, "renewed", window);
    let check = |config: &Config| key_uses::check(config, &keys::keys(&config.keys, &[]).expect("keys"));
    assert!(check(&held).is_ok(), "what comes with it");
    // The same key again, by its own certificate or another one, with this name.
    let again = |config: &mut Config, name: &str, of: &str, certificate: Option<&str>| {
        let mut key = config.keys.iter().find(|key| key.name == of).expect("a key").clone();
        key.name = name.to_owned();
        if let Some(certificate) = certificate {
            key.certificate = folder.join(certificate);
        }
        config.keys.push(key);
    };
    let blind = |config: &mut Config| {
        let keys = vec!["second".to_owned()];
        let permission = Permission { operations: vec![Operation::SignHash], kinds: Vec::new(), keys };
        config.clients.push(Client { permissions: vec![permission], ..config.clients[0].clone() });
    };
    type Change<'a> = Box<dyn Fn(&mut Config) + 'a>;
    let cases: [(&str, &str, Option<&str>, Change<'_>); 6] = [
        ("documents", "health", None, Box::new(blind)),
        ("documents, with another certificate", "health", Some("renewed.crt"), Box::new(blind)),
        ("receipts", &receipt, None, Box::new(blind)),
        ("status lists", &lists, None, Box::new(blind)),
        (
            "receipts of a key for documents",
            "judicial",
            None,
            Box::new(|config| config.receipt.key = Some("second".into())),
        ),
        (
            "status lists of that of receipts",
            &receipt,
            None,
            Box::new(|config| config.status_lists.key = Some("second".into())),
        ),
    ];
    for (what, of, certificate, change) in cases {
        let mut config = held.clone();
        again(&mut config, "second", of, certificate);
        assert!(check(&config).is_ok(), "{what}: nobody uses it");
        change(&mut config);
        let said = check(&config).expect_err(what).to_string();
        assert!(said.contains("\"second\"") && said.contains(&format!("{of:?}")), "{what}: {said}");
    }
    // One key for documents, under two names, is none of these.
    let mut config = held.clone();
    again(&mut config, "second", "health", Some("renewed.crt"));
    config.kinds[0].keys.push("second".to_owned());
    assert!(check(&config).is_ok());
}
