//! Delta CRLs that complete lists name (RFC 5280 §5.2.6).

use antin::clock;
use antin::core::der::writer;
use antin::core::oid;
use antin::pki::certificate::Issuer;
use antin::pki::{Authority, Member};
use antin::service::held;

use super::collecting::{LISTS, Scene, code, until};
use crate::kit::revocation::{List, entry, extension, point_name};
use crate::revocation::responder::{Answer, Responder};

#[tokio::test(flavor = "multi_thread")]
async fn the_delta_that_a_complete_list_names_is_fetched_from_an_allowed_host() {
    let scene = Scene::new();
    let ca = Issuer::load(&scene.pki(), Authority::Ca).expect("the CA");
    let elsewhere = Responder::start(Answer::Status(404));
    let now = clock::now();
    let before = now.plus_seconds(-600);
    let freshest = |uris: &[String]| {
        let points: Vec<Vec<u8>> = uris.iter().map(|uri| writer::sequence(&[&point_name(uri)])).collect();
        extension(oid::FRESHEST_CRL, false, &writer::sequence(&[&points.concat()]))
    };
    // It has ended, and the delta has not.
    let complete = |uris: &[String]| List {
        this_update: before,
        next_update: Some(now.plus_seconds(-10)),
        extensions: vec![freshest(uris)],
        ..List::default()
    };
    let delta = List {
        number: Some(2),
        base: Some(1),
        this_update: before.plus_seconds(60),
        next_update: Some(now.plus_seconds(600)),
        ..List::default()
    };
    let question = scene.leaf_only();
    let at = |site: &Responder| format!("{}/crl/delta.crl", site.base_url());
    elsewhere.tell_at("/crl/delta.crl", Answer::Body(delta.der(&ca)));
    scene.site.tell_at(LISTS[1], Answer::Body(complete(&[at(&elsewhere)]).der(&ca)));
    let service = scene.service(|_| {}).await;
    for _ in 0..3 {
        assert_eq!(code(&service.verify(&question).await), "revocation-data-stale");
    }
    assert_eq!(elsewhere.asked(), 0);
    service.running.shutdown().await;

    // More places than are asked, the right one first.
    let mut places: Vec<String> = (0..9).map(|index| format!("{}/crl/{index}", scene.site.base_url())).collect();
    places.insert(0, at(&scene.site));
    scene.site.tell_at(LISTS[1], Answer::Body(complete(&places).der(&ca)));
    let marks = scene.directory.path().join("second.json");
    let service = scene.service(|config| config.revocation.marks_file = marks).await;
    assert_eq!(code(&service.verify(&question).await), "revocation-data-stale");
    scene.site.tell_at("/crl/delta.crl", Answer::Body(delta.der(&ca)));
    until(&service, &question, "valid").await;
    assert!((0..9).filter(|index| scene.site.asked_for(&format!("/crl/{index}")) > 0).count() <= 3);
    // What it revokes is revoked.
    let serial = held::first_certificate(&Member::Health.certificate_path(&scene.pki())).expect("read");
    let revoking = List {
        number: Some(3),
        this_update: before.plus_seconds(120),
        entries: vec![entry(&serial.serial_number, 1, None)],
        ..delta
    };
    scene.site.tell_at("/crl/delta.crl", Answer::Body(revoking.der(&ca)));
    until(&service, &question, "certificate-revoked").await;
}

/// Who revokes by deltas alone is heard as soon as who publishes complete lists.
#[tokio::test(flavor = "multi_thread")]
async fn the_delta_of_a_fresh_list_is_kept_fresh_too() {
    let scene = Scene::new();
    let ca = Issuer::load(&scene.pki(), Authority::Ca).expect("the CA");
    let now = clock::now();
    let before = now.plus_seconds(-600);
    let point = writer::sequence(&[&point_name(&format!("{}/crl/delta.crl", scene.site.base_url()))]);
    let freshest = extension(oid::FRESHEST_CRL, false, &writer::sequence(&[&point]));
    let end = Some(now.plus_seconds(3600));
    let complete = List { this_update: before, next_update: end, extensions: vec![freshest], ..List::default() };
    scene.site.tell_at(LISTS[1], Answer::Body(complete.der(&ca)));
    let service = scene.service(|_| {}).await;
    let question = scene.leaf_only();
    until(&service, &question, "valid").await;
    let serial = held::first_certificate(&Member::Health.certificate_path(&scene.pki())).expect("read");
    let delta = List {
        number: Some(2),
        base: Some(1),
        this_update: before.plus_seconds(60),
        next_update: end,
        entries: vec![entry(&serial.serial_number, 1, None)],
        ..List::default()
    };
    scene.site.tell_at("/crl/delta.crl", Answer::Body(delta.der(&ca)));
    until(&service, &question, "certificate-revoked").await;
    service.running.shutdown().await;
}
