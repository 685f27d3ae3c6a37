//! `POST /v1/extend`: raising a signature that somebody has, while he waits.

use std::{sync::Arc, time::Duration};

use antin::{
    clock,
    core::cms::SignedData,
    pki::{self, Member},
};
use serde_json::{Value, json};

use super::{
    CONTENT, Service, base64,
    client::{Answer, Request},
    collecting::{LISTS, Scene},
    levels::{asking, field, laid, over, right, signature},
};
use crate::revocation::responder::{Answer as Reply, Responder};

impl Service {
    async fn extend(&self, order: &Value) -> Answer {
        self.as_member(Member::IssuingSystem, Request::json("/v1/extend", order)).await
    }

    /// The lists of before are older than any time-stamp given before.
    pub(super) async fn with_younger_lists(&self) {
        tokio::time::sleep(Duration::from_millis(1100)).await;
        pki::refresh_crls(&self.pki(), clock::now()).expect("reissued");
        tokio::time::sleep(Duration::from_millis(2500)).await;
    }
}

fn detached(signature: &[u8], level: &str) -> Value {
    json!({"signature": base64(signature), "content": base64(CONTENT), "level": level})
}

/// The levels wanted and had, and the signature.
fn extended(answer: &Answer) -> (String, String, Vec<u8>) {
    assert_eq!(answer.status, 200, "{answer:?}");
    (field(answer, "levelRequested"), field(answer, "levelReached"), signature(answer))
}

fn levels(wanted: &str, had: &str) -> (String, String) {
    (wanted.to_owned(), had.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_signature_is_raised_as_far_as_can_be() {
    let directory = laid();
    let tsa = Responder::start(right(&directory));
    let service = over(&directory, &[&tsa]).await;
    let (basic, _) = service.issue("key-1", "detached").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // A list that is younger than the time-stamp is not there yet.
    let (wanted, had, stamped) = extended(&service.extend(&detached(&basic, "B-LTA")).await);
    assert_eq!((wanted, had), levels("B-LTA", "B-T"));
    assert_eq!(tsa.asked(), 1);
    let again = extended(&service.extend(&detached(&stamped, "B-T")).await);
    assert_eq!((again.1.as_str(), &again.2), ("B-T", &stamped), "it has that level");
    assert_eq!(tsa.asked(), 1);

    service.with_younger_lists().await;
    let (wanted, had, long_term) = extended(&service.extend(&detached(&stamped, "B-LT")).await);
    assert_eq!((wanted, had), levels("B-LT", "B-LT"));
    assert_eq!(tsa.asked(), 1);
    let digest = antin::core::crypto::sha256(CONTENT);
    let order = json!({"signature": base64(&long_term), "level": "B-LTA",
        "digests": [{"algorithm": "sha-256", "value": base64(&digest)}]});
    let (_, had, archival) = extended(&service.extend(&order).await);
    assert_eq!((had.as_str(), tsa.asked()), ("B-LTA", 2));
    let (_, had, renewed) = extended(&service.extend(&detached(&archival, "B-LTA")).await);
    assert_eq!((had.as_str(), tsa.asked()), ("B-LTA", 3));
    for (message, stamps) in [(&stamped, 1), (&long_term, 1), (&archival, 2), (&renewed, 3)] {
        let judged = service.verify(&json!({"document": base64(CONTENT), "signature": base64(message)})).await;
        assert_eq!(judged.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()), "{judged:?}");
        let judged = judged.json();
        let codes = judged["signatures"][0]["timestamps"].as_array().expect("a list").iter().map(|one| &one["code"]);
        assert_eq!(codes.collect::<Vec<_>>(), vec![&json!("passed"); stamps]);
    }
    // Nothing is known here of what is raised so: the record stays as it was.
    assert_eq!(service.backlog().await["waiting"], 0);
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enveloping_signature_carries_its_content() {
    let directory = laid();
    let tsa = Responder::start(right(&directory));
    let service = over(&directory, &[&tsa]).await;
    let (whole, _) = service.issue("key-1", "enveloping").await;
    let (_, _, stamped) = extended(&service.extend(&json!({"document": base64(&whole), "level": "B-T"})).await);
    service.with_younger_lists().await;
    let (_, had, raised) = extended(&service.extend(&json!({"document": base64(&stamped), "level": "B-LTA"})).await);
    assert_eq!(had, "B-LTA");
    let judged = service.verify(&json!({"document": base64(&raised)})).await;
    assert_eq!(judged.json()["signatures"][0]["format"], "CAdES-BASELINE-LTA", "{judged:?}");
    assert_eq!(judged.reliance().0, "ACCEPT");
    service.running.shutdown().await;
}

/// Another's signature, with its signer's certificate alone: the rest is fetched from where it is said to be, and kept with it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_signature_lacks_is_collected_and_kept_with_it() {
    let scene = Scene::new();
    let tsa = Responder::start(right(&scene.directory));
    let service = scene.service(|config| config.time_stamping = asking(&[&tsa])).await;
    let order = |document: &Value, level: &str| json!({"document": document, "level": level});
    tokio::time::sleep(Duration::from_secs(1)).await;
    let leaf = scene.leaf_only()["document"].clone();
    let (_, had, stamped) = extended(&service.extend(&order(&leaf, "B-LTA")).await);
    assert_eq!((had.as_str(), tsa.asked()), ("B-T", 1));
    service.with_younger_lists().await;
    scene.publish_lists();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let (_, had, raised) = extended(&service.extend(&order(&json!(base64(&stamped)), "B-LTA")).await);
    assert_eq!((had.as_str(), tsa.asked()), ("B-LTA", 2));
    let message = SignedData::decode(&raised).expect("a message");
    let before = SignedData::decode(&stamped).expect("a message");
    assert_eq!((before.crls.len(), message.crls.len()), (0, 2));
    assert!(message.certificates.len() > before.certificates.len());
    assert_eq!(message.signer_infos[0].signature, before.signer_infos[0].signature);
    // Without anything that tells of the signer, nothing is raised.
    for path in LISTS {
        scene.site.tell_at(path, Reply::Status(404));
    }
    service.running.shutdown().await;
    std::fs::remove_dir_all(scene.directory.path().join("revocation-marks.lists")).expect("removed");
    let service = scene.service(|config| config.time_stamping = asking(&[&tsa])).await;
    let refused = service.extend(&order(&leaf, "B-T")).await;
    assert_eq!((refused.status, refused.code()), (422, "signature-not-passed".to_owned()), "{refused:?}");
    assert!(refused.json()["detail"].as_str().expect("text").contains("revocation-status-unknown"), "{refused:?}");
    assert_eq!(tsa.asked(), 2);
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_is_refused_and_no_authority_asked() {
    let (directory, elsewhere) = (laid(), laid());
    let tsa = Responder::start(right(&directory));
    let service = over(&directory, &[&tsa]).await;
    let other = Service::over(Arc::clone(&elsewhere), |_| {}).await;
    let (own, _) = service.issue("key-1", "detached").await;
    let (strange, _) = other.issue("key-1", "detached").await;
    other.running.shutdown().await;
    let mut changed = detached(&own, "B-T");
    changed["content"] = json!(base64(b"other content"));
    let refusals = [
        (changed, 422, "signature-not-passed", "document-changed"),
        (detached(&strange, "B-LTA"), 422, "signature-not-passed", "certificate-signature-invalid"),
        (json!({"document": base64(&own), "level": "B-T"}), 422, "signature-not-passed", "signed-data-not-found"),
        (json!({"document": base64(b"%PDF-1.7"), "level": "B-T"}), 422, "signature-not-passed", "no-signature"),
        (json!({"document": base64(b"nothing"), "level": "B-T"}), 422, "unreadable-document", "cannot be read"),
        (detached(&own, "B-B"), 400, "level-unknown-value", "B-LTA"),
        (json!({"signature": base64(&own), "level": "B-T"}), 400, "content-missing", ""),
        (json!({"level": "B-T"}), 400, "signature-missing", ""),
        (json!({"document": "", "level": "B-T"}), 400, "document-empty", ""),
        (json!({"document": base64(&own), "signature": base64(&own), "level": "B-T"}), 400, "signature-conflict", ""),
        (json!({"document": base64(&own), "content": base64(CONTENT), "level": "B-T"}), 400, "content-conflict", ""),
        (json!({"signature": base64(&own), "policy": "any-ades", "level": "B-T"}), 400, "unknown-field", ""),
    ];
    for (order, status, code, detail) in refusals {
        let refused = service.extend(&order).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{refused:?}");
        assert!(refused.json()["detail"].as_str().expect("text").contains(detail), "{detail}: {refused:?}");
    }
    assert_eq!(tsa.asked(), 0);
    // Whoever only verifies has no time-stamps of ours; strangers have not even the address.
    let agency = service.as_member(Member::Agency, Request::json("/v1/extend", &detached(&own, "B-T"))).await;
    assert_eq!((agency.status, agency.code()), (403, "operation-not-permitted".to_owned()));
    assert_eq!(service.public(Request::json("/v1/extend", &detached(&own, "B-T"))).await.status, 404);
    assert_eq!(tsa.asked(), 0);
    // A signer who was revoked since.
    let signer = Member::Health.certificate_path(&service.pki());
    pki::revoke(&service.pki(), &signer, pki::Reason::KeyCompromise, clock::now()).expect("revoked");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let revoked = service.extend(&detached(&own, "B-T")).await;
    assert_eq!((revoked.status, revoked.code()), (422, "signature-not-passed".to_owned()));
    assert!(revoked.json()["detail"].as_str().expect("text").contains("certificate-revoked"), "{revoked:?}");
    assert_eq!(tsa.asked(), 0);
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_fails_or_is_slow_releases_nothing_and_takes_few_places() {
    let directory = laid();
    let tsa = Responder::start(Reply::Status(500));
    let service = Service::over(Arc::clone(&directory), |config| {
        config.time_stamping = asking(&[&tsa]);
        config.time_stamping.timeout_seconds = 3;
        config.time_stamping.concurrency = 1;
    })
    .await;
    let (own, _) = service.issue("key-1", "detached").await;
    let refused = service.extend(&detached(&own, "B-T")).await;
    assert_eq!((refused.status, refused.code()), (503, "timestamp-not-available".to_owned()));
    assert!(refused.head.contains("retry-after: 30"), "{}", refused.head);
    tsa.tell(Reply::Silence);
    let order = detached(&own, "B-T");
    let second = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        service.extend(&order).await
    };
    let (first, second) = tokio::join!(service.extend(&order), second);
    assert_eq!((second.status, second.code()), (503, "overloaded".to_owned()));
    assert_eq!((first.status, first.code()), (503, "timestamp-not-available".to_owned()));
    tsa.tell(right(&directory));
    assert_eq!(extended(&service.extend(&order).await).1, "B-T");
    service.running.shutdown().await;
    let service = Service::over(directory, |config| config.time_stamping.authorities.clear()).await;
    let refused = service.extend(&order).await;
    assert_eq!((refused.status, refused.code()), (422, "level-not-available".to_owned()));
    service.running.shutdown().await;
}
