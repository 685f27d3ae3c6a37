//! Digests of what the service never sees: signed by clients and with keys that may, recorded as blind, and off unless the settings say so.

use antin::{
    clock,
    config::{Config, Operation, Permission},
    core::{
        algorithm::{DigestAlgorithm, SignatureAlgorithm},
        crypto,
    },
    pki::{
        self, Member,
        key::{Algorithm, PrivateKey},
    },
    service::held,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    Service, base64,
    remote_signing::{error, offered},
};

const CONTENT: &[u8] = b"nobody here sees this";
pub(super) const KEY: &str = "blind";
const SHA_256: &str = "2.16.840.1.101.3.4.2.1";
const SHA_384: &str = "2.16.840.1.101.3.4.2.2";
const SHA_1: &str = "1.3.14.3.2.26";
const ECDSA_SHA_256: &str = "1.2.840.10045.4.3.2";
const ECDSA_SHA_384: &str = "1.2.840.10045.4.3.3";
const V1: &str = "/csc/v1/signatures/signHash";
const V2: &str = "/csc/v2/signatures/signHash";

/// With a key of its own, with which the issuing system may have digests signed.
pub(super) fn blindly(config: &mut Config) {
    offered(config);
    config.remote_signing.sign_hash = true;
    let folder = config.registry.path.parent().expect("a folder").to_owned();
    let stem = folder.join(KEY);
    let name = "Ký từ xa (thử nghiệm)";
    pki::add_signer(&folder.join("pki"), &stem, name, &config.public.base_url, clock::now()).expect("a signer");
    let mut key = config.keys[0].clone();
    (key.name, key.certificate) = (KEY.to_owned(), stem.with_extension("crt"));
    key.file = Some(stem.with_extension("key"));
    config.keys.push(key);
    let permission =
        Permission { operations: vec![Operation::SignHash], kinds: Vec::new(), keys: vec![KEY.to_owned()] };
    config.clients[0].permissions.push(permission);
}

fn of_v2(hashes: &[&[u8]], digest: &str, algorithm: &str) -> Value {
    let hashes: Vec<String> = hashes.iter().map(|hash| base64(hash)).collect();
    json!({"credentialID": KEY, "hashes": hashes, "hashAlgorithmOID": digest, "signAlgo": algorithm})
}

impl Service {
    /// The signatures verify over the content with the certificate of the key.
    fn verifies(&self, signatures: &Value, contents: &[&[u8]], digest: DigestAlgorithm) {
        let certificate = held::first_certificate(&self.directory.path().join(KEY).with_extension("crt"));
        let certificate = certificate.expect("a certificate");
        let key = certificate.public_key().expect("a key");
        let signatures = signatures.as_array().expect("a list");
        assert_eq!(signatures.len(), contents.len());
        for (signature, content) in signatures.iter().zip(contents) {
            let value = STANDARD.decode(signature.as_str().expect("text")).expect("base64");
            assert!(key.verify(SignatureAlgorithm::Ecdsa(digest), content, &value).is_ok(), "{signature}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_are_signed_and_on_record_as_blind() {
    let service = Service::with(|config| {
        blindly(config);
        let folder = config.registry.path.parent().expect("a folder").to_owned();
        let key = PrivateKey::generate(Algorithm::P256).expect("a key").to_pkcs8_pem().expect("PEM");
        std::fs::write(folder.join("audit.key"), key).expect("written");
        config.audit.folder = Some(folder.join("audit"));
        config.audit.key = Some(folder.join("audit.key"));
    })
    .await;
    let issuer = Member::IssuingSystem;
    let token = service.token(issuer, "issuing-system").await;
    let other: &[u8] = b"nor this";
    let hashes = [CONTENT, other].map(crypto::sha256);
    let ask = async |endpoint: &str, body: &Value| service.csc(issuer, Some(&token), endpoint, body).await;
    let answer = ask(V2, &of_v2(&[&hashes[0], &hashes[1]], SHA_256, ECDSA_SHA_256)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    service.verifies(&answer.json()["signatures"], &[CONTENT, other], DigestAlgorithm::Sha256);
    let long = crypto::digest(DigestAlgorithm::Sha384, CONTENT);
    let answer = ask(V2, &of_v2(&[&long], SHA_384, ECDSA_SHA_384)).await;
    service.verifies(&answer.json()["signatures"], &[CONTENT], DigestAlgorithm::Sha384);
    let of_v1 = json!({"credentialID": KEY, "SAD": "x", "hash": [base64(&hashes[0])], "signAlgo": ECDSA_SHA_256});
    let answer = ask(V1, &of_v1).await;
    service.verifies(&answer.json()["signatures"], &[CONTENT], DigestAlgorithm::Sha256);
    let theirs = service.token(Member::Agency, "agency").await;
    let refused = service.csc(Member::Agency, Some(&theirs), V2, &of_v2(&[&hashes[0]], SHA_256, ECDSA_SHA_256)).await;
    assert_eq!(error(&refused), (400, "invalid_request".to_owned()));
    let info = ask("/csc/v2/info", &json!({})).await.json();
    assert!(info["methods"].as_array().expect("a list").contains(&json!("signatures/signHash")), "{info}");
    let credential = ask("/csc/v2/credentials/info", &json!({"credentialID": KEY})).await.json();
    assert_eq!(credential["key"]["algo"], json!([ECDSA_SHA_256, ECDSA_SHA_384, "1.2.840.10045.4.3.4"]));
    assert_eq!(credential["multisign"], 16);

    let registry = service.directory.path().join("registry.db");
    let audited = service.directory.path().join("audit/audit-00000000000000000000.jsonl");
    service.running.shutdown().await;
    let audited = std::fs::read_to_string(audited).expect("an audit log");
    let lines = audited.lines().filter(|line| line.contains("\"operation\":\"sign-hash\""));
    let refused = lines.clone().filter(|line| line.contains("\"client\":\"agency\"")).collect::<Vec<_>>();
    let says_why = |line: &&str| line.contains("\"code\":\"operation-not-permitted\"");
    assert!(refused.len() == 1 && refused.iter().all(says_why), "{refused:?}");
    let subject = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["subject"].as_str().map(str::len);
    let told: Vec<_> = lines.filter(|line| line.contains("signed-blindly")).map(subject).collect();
    let each = |length: usize| told.iter().filter(|found| **found == Some(length)).count();
    assert_eq!((told.len(), each(32), each(0)), (7, 4, 3), "one for each signature, and one for each request");
    let path = registry.to_str().expect("text");
    let (code, said) = super::issuance_log::antin(&["registry", "check", "--path", path]);
    assert!(code == Some(0) && said.contains("0 faults"), "{said}");
    let (code, lines) = super::issuance_log::antin(&["registry", "export", "--path", path]);
    assert_eq!((code, lines.matches("\"kind\":\"blind\"").count()), (Some(0), 4), "{lines}");
    assert_eq!(lines.matches("\"format\":\"raw\"").count(), 4, "{lines}");
    assert!(lines.contains(&hex::encode(hashes[0])), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_and_nothing_else_is_signed_blindly() {
    let service = Service::with(blindly).await;
    let (issuer, agency) = (Member::IssuingSystem, Member::Agency);
    let own = service.token(issuer, "issuing-system").await;
    let theirs = service.token(agency, "agency").await;
    let hash = crypto::sha256(CONTENT);
    let good = of_v2(&[&hash], SHA_256, ECDSA_SHA_256);
    for endpoint in [V1, V2] {
        let answer = service.csc(agency, Some(&theirs), endpoint, &good).await;
        assert_eq!(error(&answer), (400, "invalid_request".to_owned()), "{endpoint}");
        assert_eq!(service.csc(issuer, None, endpoint, &good).await.status, 401);
        assert_eq!(service.csc(agency, Some(&own), endpoint, &good).await.status, 401, "another's token");
    }
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (what, body) in [
        ("a key for documents", with("credentialID", json!("health"))),
        ("no such key", with("credentialID", json!("nobody's"))),
        ("no hash", with("hashes", json!([]))),
        ("too many", with("hashes", json!(vec![base64(&hash); 17]))),
        ("no list", with("hashes", json!(base64(&hash)))),
        ("no base64", with("hashes", json!(["*"]))),
        ("too short", with("hashes", json!([base64(&hash[1..])]))),
        ("of another length", with("hashes", json!([base64(&hash), base64(&[0; 48])]))),
        ("a weak digest", of_v2(&[&[7; 20]], SHA_1, ECDSA_SHA_256)),
        ("another digest than the algorithm's", of_v2(&[&hash], SHA_384, ECDSA_SHA_256)),
        ("an algorithm of other keys", of_v2(&[&hash], SHA_256, "1.2.840.113549.1.1.11")),
        ("parameters", with("signAlgoParams", json!("BQA="))),
        ("an unknown member", with("nobodyKnows", json!(1))),
    ] {
        let answer = service.csc(issuer, Some(&own), V2, &body).await;
        assert_eq!(error(&answer), (400, "invalid_request".to_owned()), "{what}: {answer:?}");
    }
    // Documents are not signed with it.
    let mut order = super::order("detached");
    order["signer"] = KEY.into();
    assert_eq!(service.sign("1", &order).await.status, 403);
    service.running.shutdown().await;
    let (code, lines) = {
        let path = service.directory.path().join("registry.db");
        super::issuance_log::antin(&["registry", "export", "--path", path.to_str().expect("text")])
    };
    assert_eq!((code, lines.matches("\"id\":").count()), (Some(0), 0), "nothing was begun: {lines}");

    let off = Service::with(|config| {
        blindly(config);
        config.remote_signing.sign_hash = false;
    })
    .await;
    let own = off.token(issuer, "issuing-system").await;
    assert_eq!(off.csc(issuer, Some(&own), V2, &good).await.status, 404);
    assert_eq!(
        off.csc(issuer, Some(&own), "/csc/v2/credentials/list", &json!({})).await.json()["credentialIDs"],
        json!(["health", "judicial"])
    );
    off.running.shutdown().await;
}

#[test]
fn keys_for_digests_sign_nothing_else() {
    let client = |permissions: &str| {
        format!(
            "[[key]]\nname = \"k\"\nfile = \"a\"\ncertificate = \"b\"\n[[kind]]\nname = \"referral\"\nkeys = [\"k\"]\n\
             [[client]]\nname = \"c\"\nsha256 = \"{}\"\n{permissions}",
            "ab".repeat(32)
        )
    };
    let told = |permissions: &str| match antin::config::parse(&client(permissions), "antin.toml".as_ref()) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    let both = told("operations = [\"sign-hash\"]\nkeys = [\"k\"]\n");
    assert!(both.contains("sign nothing else"), "{both}");
    assert!(told("operations = [\"sign-hash\"]\n").contains("sign-hash alone"));
    assert_ne!(told("operations = [\"sign\", \"sign-hash\"]\nkinds = [\"referral\"]\nkeys = [\"k\"]\n"), "");
    assert_eq!(told("operations = [\"sign\"]\nkinds = [\"referral\"]\nkeys = [\"k\"]\n"), "");
}
