//! Every role at every endpoint, for every kind and key: what no permission names is denied, and everything is written down.

use std::{collections::BTreeSet, fs};

use antin::{
    clock,
    config::{self, Operation, Permission},
    pki::{
        self, Algorithm, Authority, InitOptions, Member,
        certificate::{Issuer, issue},
        key::PrivateKey,
        profile::{self, Publication, subject},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use der::Encode;
use serde_json::{Value, json};

use super::{
    Service, base64,
    client::{self, Answer, Identity, Request},
};
use crate::documents::SAMPLES;

/// Kinds with the keys that sign them.
const KINDS: [(&str, &[&str]); 3] =
    [("health-book", &["health"]), ("referral", &["health", "judicial"]), ("judicial-certificate-1", &["judicial"])];
/// Asked for as `signer`.
const SIGNERS: [Option<&str>; 5] = [None, Some("health"), Some("judicial"), Some("receipt"), Some("nobody's")];

/// A client with its certificate.
struct Role {
    name: String,
    permissions: Vec<Permission>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Role {
    fn identity(&self) -> Identity {
        Identity::new(self.certificate.clone(), &self.key)
    }

    fn may(&self, operation: Operation) -> bool {
        self.permissions.iter().any(|permission| permission.operations.contains(&operation))
    }

    fn signs(&self, kind: &str, key: &str) -> bool {
        self.permissions.iter().any(|permission| {
            permission.operations.contains(&Operation::Sign)
                && permission.kinds.iter().any(|named| named == kind)
                && permission.keys.iter().any(|named| named == key)
        })
    }

    /// What the service must answer to an order.
    fn expected(&self, kind: &str, signer: Option<&str>) -> (u16, &'static str) {
        let keys_of_kind = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, keys)| *keys).unwrap_or_default();
        let tuples: BTreeSet<&str> = self
            .permissions
            .iter()
            .filter(|permission| permission.operations.contains(&Operation::Sign))
            .filter(|permission| permission.kinds.iter().any(|named| named == kind))
            .flat_map(|permission| permission.keys.iter().map(String::as_str))
            .collect();
        let signs_kind = self.permissions.iter().any(|permission| {
            permission.operations.contains(&Operation::Sign) && permission.kinds.iter().any(|named| named == kind)
        });
        let allowed = |key: &str| keys_of_kind.contains(&key) && tuples.contains(key);
        match signer {
            _ if !self.may(Operation::Sign) => (403, "operation-not-permitted"),
            _ if !signs_kind || keys_of_kind.is_empty() => (403, "kind-not-permitted"),
            Some(key) if allowed(key) => (201, ""),
            None if keys_of_kind.iter().any(|key| allowed(key)) => (201, ""),
            _ => (403, "signer-not-permitted"),
        }
    }
}

fn permission(operations: &[Operation], kinds: &[&str], keys: &[&str]) -> Permission {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Permission { operations: operations.to_vec(), kinds: owned(kinds), keys: owned(keys) }
}

/// Each operation alone, both, none; each kind with each key, two tuples that are not their product, everything.
fn roles(pki: &std::path::Path) -> Vec<Role> {
    use Operation::{Extend, Sign, Use, Verify};
    let mut all: Vec<Vec<Permission>> = vec![
        vec![],
        vec![permission(&[], &["health-book", "referral", "judicial-certificate-1"], &["health", "judicial"])],
        vec![permission(&[Verify], &[], &[])],
        vec![permission(&[Verify], &["health-book", "referral"], &["health"])],
        vec![permission(&[Sign], &[], &[])],
        vec![permission(&[Sign], &["health-book"], &[])],
        vec![permission(&[Sign], &[], &["health"])],
        vec![permission(
            &[Sign, Verify],
            &["health-book", "referral", "judicial-certificate-1"],
            &["health", "judicial"],
        )],
        // Neither gives referrals with the key of the other.
        vec![permission(&[Sign], &["health-book"], &["health"]), permission(&[Sign], &["referral"], &["judicial"])],
        vec![permission(&[Verify], &["referral"], &["health"]), permission(&[Sign], &["referral"], &["judicial"])],
        vec![permission(&[Extend], &[], &[])],
        vec![permission(&[Use], &["health-book", "referral", "re-examination"], &["health"])],
    ];
    for (kind, _) in KINDS {
        for key in ["health", "judicial"] {
            all.push(vec![permission(&[Sign], &[kind], &[key])]);
        }
    }
    let publication = Publication::new("http://127.0.0.1:8080").expect("a base URL");
    let issuer = Issuer::load(pki, Authority::Ca).expect("the CA");
    all.into_iter()
        .enumerate()
        .map(|(number, permissions)| {
            let name = format!("role-{number}");
            let key = PrivateKey::generate(Algorithm::P256).expect("a key");
            let profile = profile::client(subject("Khách", &name).expect("a name"), clock::now(), &publication);
            let certificate = issue(&issuer, &profile, &key.public_key().expect("public")).expect("issued");
            let certificate = certificate.to_der().expect("DER");
            Role { name, permissions, certificate, key: key.to_pkcs8_pem().expect("PEM") }
        })
        .collect()
}

fn sample(kind: &str) -> (&'static str, &'static [u8]) {
    let (_, media_type, document) =
        SAMPLES.into_iter().find(|(name, media_type, _)| *name == kind && media_type.ends_with("json")).expect(kind);
    (media_type, if kind == "health-book" { super::CONTENT } else { document })
}

fn order(kind: &str, signer: Option<&str>) -> Value {
    let (media_type, document) = sample(kind);
    let mut order = json!({
        "kind": kind, "document": base64(document), "mediaType": media_type,
        "format": "cades", "packaging": "detached", "level": "B-B",
    });
    if let Some(signer) = signer {
        order["signer"] = signer.into();
    }
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_every_role_at_every_endpoint_for_every_kind_and_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, audit_key) = (folder.path().join("log"), folder.path().join("audit.key"));
    let pem = PrivateKey::generate(Algorithm::P256).expect("a key").to_pkcs8_pem().expect("PEM");
    fs::write(&audit_key, &pem).expect("written");
    let directory = std::sync::Arc::new(tempfile::tempdir().expect("a directory"));
    let pki = directory.path().join("pki");
    pki::init(&pki, &InitOptions::default(), clock::now()).expect("a PKI");
    let roles = roles(&pki);
    let service = Service::over(directory, |config| {
        config.audit = config::Audit { folder: Some(log.clone()), key: Some(audit_key.clone()) };
        config.kinds.retain(|kind| KINDS.iter().any(|(name, _)| *name == kind.name));
        for kind in &mut config.kinds {
            let (_, keys) = KINDS.iter().find(|(name, _)| *name == kind.name).expect("kept");
            kind.keys = keys.iter().map(|key| (*key).to_owned()).collect();
        }
        let template = config.clients[0].clone();
        config.clients = roles
            .iter()
            .map(|role| config::Client {
                name: role.name.clone(),
                sha256: Some(hex::encode(antin::core::crypto::sha256(&role.certificate))),
                operations: Vec::new(),
                kinds: Vec::new(),
                keys: Vec::new(),
                permissions: role.permissions.clone(),
                ..template.clone()
            })
            .collect();
    })
    .await;
    let root = Member::Root.certificate_path(&pki);
    let ask = async |role: &Role, request: Request| -> Answer {
        client::tls(service.mutual_tls(), &root, Some(role.identity()), request).await.expect("an answer")
    };
    let whole = &roles[7];
    let mut issued = Vec::new();
    let (mut signed, mut denied) = (0, 0);
    for (kind, _) in KINDS {
        let request = Request::json("/v1/sign", &order(kind, None)).header("Idempotency-Key", kind);
        let answer = ask(whole, request).await;
        assert_eq!(answer.status, 201, "{kind}: {}", String::from_utf8_lossy(&answer.body));
        issued.push((kind, answer.json()));
        signed += 1;
    }

    for role in &roles {
        for kind in KINDS.iter().map(|(kind, _)| *kind).chain(["driving-licence"]) {
            let real = if kind == "driving-licence" { "referral" } else { kind };
            for signer in SIGNERS {
                let mut order = order(real, signer);
                order["kind"] = kind.into();
                let (status, code) = role.expected(kind, signer);
                let what = format!("{} {kind} {signer:?}", role.name);
                let key = what.replace(' ', "_").replace('"', "");
                let request = Request::json("/v1/sign", &order).header("Idempotency-Key", &key);
                let answer = ask(role, request).await;
                assert_eq!(answer.status, status, "{what}: {}", String::from_utf8_lossy(&answer.body));
                if status == 201 {
                    signed += 1
                } else {
                    denied += 1
                }
                if status != 201 {
                    assert_eq!(answer.code(), code, "{what}");
                }
                // The same in a batch: a replay, or the same refusal.
                order["idempotencyKey"] = key.into();
                let answer =
                    ask(role, Request::post("/v1/sign/batch", "application/x-ndjson", order.to_string())).await;
                if role.may(Operation::Sign) {
                    let line = &answer.lines()[0];
                    assert_eq!(line["httpStatus"], status, "{what}: {line}");
                    if status == 201 { signed += 1 } else { denied += 1 }
                } else {
                    assert_eq!((answer.status, answer.code().as_str()), (403, "operation-not-permitted"), "{what}");
                    denied += 1;
                }
            }
        }
        let (may_sign, may_verify) = (role.may(Operation::Sign), role.may(Operation::Verify));
        for (kind, answer) in &issued {
            let id = answer["id"].as_str().expect("an id");
            let signs_kind = role.permissions.iter().any(|permission| {
                permission.operations.contains(&Operation::Sign) && permission.kinds.iter().any(|named| named == kind)
            });
            let reads = if signs_kind || may_verify { 200 } else { 404 };
            assert_eq!(ask(role, Request::get(&format!("/v1/documents/{id}"))).await.status, reads, "{}", role.name);
            let signature = ask(role, Request::get(&format!("/v1/documents/{id}/signature"))).await;
            assert_eq!(signature.status, reads, "{}", role.name);
            // Allowed, it is no change: 409. Denied, it is not even known.
            let record = ask(whole, Request::get(&format!("/v1/documents/{id}"))).await.json();
            let signer = record["signer"].as_str().expect("a key");
            let change = json!({"state": "in-force", "reason": "nothing"});
            let answer = ask(role, Request::json(&format!("/v1/documents/{id}/status"), &change)).await;
            let is_issuer = role.name == whole.name || role.signs(kind, signer);
            assert_eq!(answer.status, if is_issuer { 409 } else { 404 }, "{} {kind}", role.name);
        }
        let verified = if may_verify { 200 } else { 403 };
        let (_, document) = sample("health-book");
        let question = json!({"document": base64(document), "signature": issued[0].1["signature"]});
        assert_eq!(ask(role, Request::json("/v1/verify", &question)).await.status, verified, "{}", role.name);
        let mut line = question.clone();
        line["id"] = 1.into();
        let batch = Request::post("/v1/verify/batch", "application/x-ndjson", line.to_string());
        assert_eq!(ask(role, batch).await.status, verified, "{}", role.name);
        let siva = json!({"document": issued[0].1["signature"], "filename": "a.p7s"});
        assert_eq!(ask(role, Request::json("/validate", &siva)).await.status == 403, !may_verify, "{}", role.name);
        let extend = json!({"signature": issued[0].1["signature"], "content": base64(document), "level": "B-X"});
        let extended = ask(role, Request::json("/v1/extend", &extend)).await;
        assert_eq!(extended.status, if may_sign || role.may(Operation::Extend) { 400 } else { 403 }, "{}", role.name);
    }
    let bytes = STANDARD.decode(issued[0].1["signature"].as_str().expect("text")).expect("base64");
    assert!(!bytes.is_empty() && signed > 40 && denied > 400, "{signed} signed, {denied} denied");
    service.running.shutdown().await;

    let mut octets = Vec::new();
    antin::audit::export(&log, 0, &mut octets).expect("readable").expect("whole");
    let written = String::from_utf8(octets).expect("text");
    let written: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let count =
        |outcome: &str| written.iter().filter(|line| line["operation"] == "sign" && line["outcome"] == outcome).count();
    assert_eq!((count("done"), count("refused")), (signed, denied), "every decision is written down");
    for line in written.iter().filter(|line| line["operation"] == "sign" && line["outcome"] == "done") {
        let role = roles.iter().find(|role| line["client"] == role.name.as_str()).expect("a client");
        let (kind, key) = (line["kind"].as_str().expect("a kind"), line["key"].as_str().expect("a key"));
        assert_eq!(role.expected(kind, Some(key)).0, 201, "{line}");
    }
}

/// An id that was never drawn, one of a kind that is another's, and what is no id: the same answer. Ids have 128 bits of a random generator.
#[tokio::test(flavor = "multi_thread")]
async fn h10_ids_cannot_be_guessed_or_told_from_each_other() {
    let service = Service::with(|config| {
        config.kinds.truncate(2);
        config.clients[0].kinds.truncate(1);
        let other = config.kinds[1].clone();
        config.clients.push(config::Client {
            name: "other".to_owned(),
            operations: vec![Operation::Sign],
            kinds: vec![other.name],
            ..config.clients[1].clone()
        });
        config.clients.remove(1);
    })
    .await;
    let mut ids = BTreeSet::new();
    for number in 0..20 {
        let (_, id) = service.issue(&format!("key-{number}"), "detached").await;
        assert!(id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit() && !digit.is_ascii_uppercase()));
        ids.insert(id);
    }
    assert_eq!(ids.len(), 20);
    // No digit of them is the same in all, as one of a counter or a clock would be.
    for place in 0..32 {
        let digits: BTreeSet<u8> = ids.iter().map(|id| id.as_bytes()[place]).collect();
        assert!(digits.len() > 3, "digit {place} is one of {digits:?}");
    }
    let issued = ids.first().expect("one").clone();
    let mut answers = BTreeSet::new();
    for id in [issued.as_str(), "0123456789abcdef0123456789abcdef", "1", "%00", "..%2f..%2fetc", &"a".repeat(64)] {
        for path in [format!("/v1/documents/{id}"), format!("/v1/documents/{id}/signature")] {
            let answer = service.as_member(Member::Agency, Request::get(&path)).await;
            assert_eq!(answer.status, 404, "{path}");
            answers.insert(answer.body);
        }
    }
    assert_eq!(answers.len(), 1, "one answer for all");
    service.running.shutdown().await;
}
