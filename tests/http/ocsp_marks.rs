//! An OCSP answer that was seen is not undone by an older one, and a new one is soon seen.

use std::time::Duration;

use antin::core::algorithm::DigestAlgorithm;
use antin::core::x509::ocsp_request;
use antin::pki::{Authority, Member};
use antin::service::held;

use super::Service;
use super::collecting::{LISTS, Scene, code, openssl_responder, until};
use crate::revocation::responder::Answer;

/// Longer than an answer is kept, and than the seconds in which times are told.
const NEXT: Duration = Duration::from_millis(1500);

/// A site with no list of the CA, so that its responder alone tells of the leaf.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.site.tell_at(LISTS[1], Answer::Status(404));
    scene
}

/// What the responder says now to anybody, without a nonce.
fn recorded(scene: &Scene, state: &'static str) -> Answer {
    let Answer::Made(make) = openssl_responder(&scene.pki(), state) else { unreachable!("as it is made") };
    let read = |member: Member| held::first_certificate(&member.certificate_path(&scene.pki())).expect("a certificate");
    let request =
        ocsp_request::build(&read(Member::Health), &read(Member::Ca), DigestAlgorithm::Sha1, None).expect("a request");
    Answer::Body(make(&request))
}

/// `thisUpdate` of what shows the leaf good.
async fn shown(service: &Service, scene: &Scene) -> String {
    let answer = service.verify(&scene.leaf_only()).await;
    assert_eq!(answer.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()));
    let shown = &answer.json()["signatures"][0]["revocation"][0];
    assert_eq!(shown["source"], "ocsp");
    shown["thisUpdate"].as_str().expect("a time").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_seen_at_the_next_refresh_and_stays() {
    let scene = scene();
    let old = recorded(&scene, "V");
    scene.site.tell_at("/ocsp", old.clone());
    let service = scene.service(|_| {}).await;
    let question = scene.leaf_only();
    assert_eq!(code(&service.verify(&question).await), "valid");
    scene.site.tell_at("/ocsp", openssl_responder(&scene.pki(), "R260101000000Z,keyCompromise"));
    until(&service, &question, "certificate-revoked").await;
    // The old answer, silence, and a list that does not know it yet.
    for (path, answer) in [
        ("/ocsp", old),
        ("/ocsp", Answer::Status(404)),
        (LISTS[1], Answer::Body(antin::pki::file::read_crl(&Authority::Ca.crl_path(&scene.pki())).expect("a list"))),
    ] {
        scene.site.tell_at(path, answer);
        for _ in 0..3 {
            tokio::time::sleep(NEXT).await;
            assert_eq!(code(&service.verify(&question).await), "certificate-revoked", "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_answer_does_not_count_after_a_newer_one() {
    let scene = scene();
    let old = recorded(&scene, "V");
    tokio::time::sleep(NEXT).await;
    scene.site.tell_at("/ocsp", recorded(&scene, "V"));
    let service = scene.service(|_| {}).await;
    let newest = shown(&service, &scene).await;
    scene.site.tell_at("/ocsp", old);
    let asked = scene.site.asked_for("/ocsp");
    tokio::time::sleep(NEXT).await;
    assert_eq!(shown(&service, &scene).await, newest);
    assert!(scene.site.asked_for("/ocsp") > asked, "asked again, and not believed");
    scene.site.tell_at("/ocsp", recorded(&scene, "V"));
    tokio::time::sleep(NEXT).await;
    assert!(shown(&service, &scene).await > newest);
    // What another responder says is no answer at all, and shuts nobody out.
    let foreign = Scene::new();
    scene.site.tell_at("/ocsp", openssl_responder(&foreign.pki(), "R260101000000Z,keyCompromise"));
    tokio::time::sleep(NEXT).await;
    assert_eq!(code(&service.verify(&scene.leaf_only()).await), "revocation-status-unknown");
    scene.site.tell_at("/ocsp", recorded(&scene, "V"));
    until(&service, &scene.leaf_only(), "valid").await;
}
