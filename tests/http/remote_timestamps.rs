//! `signatures/timestamp` of the remote signing API: tokens that OpenSSL verifies, and refusals.

use std::{fs, process::Command};

use antin::{
    core::{
        algorithm::DigestAlgorithm,
        cms::{SignedData, timestamp},
        crypto,
    },
    pki::{Authority, Member},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    CONTENT, Service, base64,
    client::Answer,
    levels::{asking, laid, right},
    remote_signing::{error, offered},
};
use crate::revocation::responder::{Answer as Reply, Responder};

const SHA_256: &str = "2.16.840.1.101.3.4.2.1";
const SHA_512: &str = "2.16.840.1.101.3.4.2.3";
const ENDPOINTS: [&str; 2] = ["/csc/v1/signatures/timestamp", "/csc/v2/signatures/timestamp"];

async fn start(responders: &[&Responder], directory: &std::sync::Arc<tempfile::TempDir>) -> Service {
    Service::over(std::sync::Arc::clone(directory), |config| {
        offered(config);
        config.time_stamping = asking(responders);
    })
    .await
}

fn over(hash: &[u8], algorithm: &str) -> Value {
    json!({"hash": base64(hash), "hashAlgo": algorithm, "clientData": "12345678"})
}

fn token(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{answer:?}");
    STANDARD.decode(answer.json()["timestamp"].as_str().expect("a token")).expect("base64")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_time_stamped_by_an_authority_that_is_trusted() {
    let directory = laid();
    let tsa = Responder::start(right(&directory));
    let service = start(&[&tsa], &directory).await;
    let issuer = Member::IssuingSystem;
    let access = service.token(issuer, "issuing-system").await;
    let ask = async |endpoint: &str, body: &Value| service.csc(issuer, Some(&access), endpoint, body).await;
    for version in ["v1", "v2"] {
        let info = ask(&format!("/csc/{version}/info"), &json!({})).await.json();
        assert!(info["methods"].as_array().expect("a list").contains(&json!("signatures/timestamp")), "{info}");
    }
    let (short, long) = (crypto::sha256(CONTENT), crypto::digest(DigestAlgorithm::Sha512, CONTENT));
    let mut named = over(&short, SHA_256);
    named["nonce"] = "18446744073709551615".into();
    let as_in_sign_hash = json!({"hash": base64(&long), "hashAlgorithmOID": SHA_512});
    for (endpoint, order, hash, nonce) in [
        (ENDPOINTS[0], &named, &short[..], Some(&[0, 255, 255, 255, 255, 255, 255, 255, 255][..])),
        (ENDPOINTS[1], &over(&long, SHA_512), &long, None),
        (ENDPOINTS[1], &as_in_sign_hash, &long, None),
    ] {
        let token = token(&ask(endpoint, order).await);
        let message = SignedData::decode(&token).expect("a CMS message");
        let info = timestamp::statement(&message).expect("a token");
        assert_eq!(info.message_imprint.digest, hash);
        assert!(nonce.is_none_or(|nonce| info.nonce == Some(nonce)), "{:?}", info.nonce);
        let file = directory.path().join("token");
        fs::write(&file, &token).expect("written");
        let (pki, digest) = (service.pki(), hex::encode(hash));
        let mut verify = Command::new("openssl");
        verify.args(["ts", "-verify", "-token_in", "-digest", &digest, "-in"]).arg(&file);
        verify.arg("-CAfile").arg(Authority::Root.member().certificate_path(&pki));
        verify.arg("-untrusted").arg(Authority::Ca.member().certificate_path(&pki));
        let verified = verify.output().expect("openssl");
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    }
    assert_eq!(tsa.asked(), 3);

    let changed = |name: &str, value: Value| {
        let mut order = over(&short, SHA_256);
        order[name] = value;
        order
    };
    let sha_1 = "1.3.14.3.2.26";
    for (endpoint, order) in [
        (ENDPOINTS[1], changed("hash", base64(&long).into())),
        (ENDPOINTS[1], changed("hash", "?".into())),
        (ENDPOINTS[1], changed("hash", json!([base64(&short)]))),
        (ENDPOINTS[1], changed("hashAlgo", sha_1.into())),
        (ENDPOINTS[1], changed("hashAlgo", "SHA-256".into())),
        (ENDPOINTS[1], changed("hashAlgorithmOID", SHA_256.into())),
        (ENDPOINTS[0], json!({"hash": base64(&short), "hashAlgorithmOID": SHA_256})),
        (ENDPOINTS[0], changed("nonce", "-1".into())),
        (ENDPOINTS[0], changed("nonce", 1.into())),
        (ENDPOINTS[0], changed("nonce", "f".repeat(65).into())),
        (ENDPOINTS[0], changed("credentialID", "health".into())),
        (ENDPOINTS[0], json!({"hashAlgo": SHA_256})),
    ] {
        assert_eq!(error(&ask(endpoint, &order).await), (400, "invalid_request".to_owned()), "{order}");
    }
    // Who may have nothing signed or raised has no time-stamps made either.
    let other = service.token(Member::Agency, "agency").await;
    let refused = service.csc(Member::Agency, Some(&other), ENDPOINTS[1], &over(&short, SHA_256)).await;
    assert_eq!(error(&refused), (400, "invalid_request".to_owned()));
    for token in [None, Some(&*other)] {
        assert_eq!(service.csc(issuer, token, ENDPOINTS[1], &over(&short, SHA_256)).await.status, 401);
    }
    assert_eq!(tsa.asked(), 3, "nobody was asked for what is refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_fails_or_is_not_trusted_gives_none() {
    let (directory, elsewhere) = (laid(), laid());
    let tsa = Responder::start(right(&elsewhere));
    let service = start(&[&tsa], &directory).await;
    let access = service.token(Member::IssuingSystem, "issuing-system").await;
    let order = over(&crypto::sha256(CONTENT), SHA_256);
    for reply in [None, Some(Reply::Status(500))] {
        if let Some(reply) = reply {
            tsa.tell(reply);
        }
        let answer = service.csc(Member::IssuingSystem, Some(&access), ENDPOINTS[1], &order).await;
        assert_eq!(error(&answer), (503, "temporarily_unavailable".to_owned()), "{answer:?}");
        assert!(answer.head.to_ascii_lowercase().contains("retry-after:"), "{answer:?}");
    }
    assert_eq!(tsa.asked(), 2);
    // Without an authority it is not offered.
    let service = Service::with(|config| {
        offered(config);
        config.time_stamping.authorities.clear();
    });
    let service = service.await;
    let access = service.token(Member::IssuingSystem, "issuing-system").await;
    let info = service.csc(Member::IssuingSystem, None, "/csc/v2/info", &json!({})).await.json();
    assert!(!info["methods"].as_array().expect("a list").contains(&json!("signatures/timestamp")), "{info}");
    let answer = service.csc(Member::IssuingSystem, Some(&access), ENDPOINTS[1], &order).await;
    assert_eq!(error(&answer), (400, "invalid_request".to_owned()));
}
