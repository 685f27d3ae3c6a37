//! An OCSP answer that was seen is not undone by an older one, and a new one is soon seen.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use antin::clock;
use antin::config::revocation::CrlSource;
use antin::core::algorithm::DigestAlgorithm;
use antin::core::der::writer;
use antin::core::x509::{Certificate, ocsp_request};
use antin::pki::certificate::Issuer;
use antin::pki::{Authority, Member};
use antin::service::held;

use super::Service;
use super::collecting::{LISTS, Scene, code, openssl_responder, question, until};
use crate::kit::key::twin;
use crate::kit::revocation::{List, Response, entry};
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

/// The files of OCSP answers that a service keeps, by what they end with.
fn kept(scene: &Scene, ending: &str) -> Vec<PathBuf> {
    let folders = fs::read_dir(scene.directory.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let folder = folders.into_iter().find(|path| path.extension().is_some_and(|found| found == "answers"));
    let files = fs::read_dir(folder.expect("a folder of answers")).expect("a folder");
    let files = files.map(|file| file.expect("a file").path());
    files.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_no_answer_that_revokes() {
    let scene = scene();
    let old = recorded(&scene, "V");
    let service = scene.service(|_| {}).await;
    scene.site.tell_at("/ocsp", openssl_responder(&scene.pki(), "R260101000000Z,keyCompromise"));
    let question = scene.leaf_only();
    until(&service, &question, "certificate-revoked").await;
    service.running.shutdown().await;
    let list = antin::pki::file::read_crl(&Authority::Ca.crl_path(&scene.pki())).expect("a list");
    for (path, answer) in [
        ("/ocsp", old),
        ("/ocsp", Answer::Status(404)),
        // A list that does not know it yet.
        (LISTS[1], Answer::Body(list)),
    ] {
        scene.site.tell_at(path, answer);
        let service = scene.service(|_| {}).await;
        assert_eq!(kept(&scene, "revoking").len(), 1);
        for _ in 0..3 {
            assert_eq!(code(&service.verify(&question).await), "certificate-revoked", "{path}");
            tokio::time::sleep(NEXT).await;
        }
        service.running.shutdown().await;
    }
    // Nor where nothing is asked for any more, and lists that do not know it are all there is.
    let files = Authority::ALL
        .map(|authority| CrlSource { file: Some(authority.crl_path(&scene.pki())), ..CrlSource::default() });
    let ca = Member::Ca.certificate_path(&scene.pki());
    let service = scene
        .service(|config| {
            config.revocation.allowed_hosts.clear();
            config.revocation.sources = files.to_vec();
            config.trust.intermediates.push(ca);
        })
        .await;
    assert_eq!(code(&service.verify(&question).await), "certificate-revoked");
    service.running.shutdown().await;
    // What is there is no more believed than anything else: damaged, foreign, or under another's name it says nothing.
    let [file] = &kept(&scene, "revoking")[..] else { panic!("one file") };
    let whole = fs::read(file).expect("read");
    let mut forged = whole.clone();
    *forged.last_mut().expect("octets") ^= 1;
    for content in [&b""[..], b"{}", &whole[..whole.len() - 1], &[0x30; 300_000], &forged] {
        fs::write(file, content).expect("written");
        fs::write(file.with_file_name(format!("{}.revoking", "ab".repeat(32))), &whole).expect("written");
        let service = scene.service(|_| {}).await;
        assert_eq!(code(&service.verify(&question).await), "valid", "{} octets", content.len());
        service.running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_does_not_let_an_older_answer_back() {
    let scene = scene();
    let old = recorded(&scene, "V");
    tokio::time::sleep(NEXT).await;
    scene.site.tell_at("/ocsp", recorded(&scene, "V"));
    let service = scene.service(|_| {}).await;
    let newest = shown(&service, &scene).await;
    service.running.shutdown().await;
    scene.site.tell_at("/ocsp", old);
    let service = scene.service(|_| {}).await;
    assert_eq!(shown(&service, &scene).await, newest);
    tokio::time::sleep(NEXT).await;
    scene.site.tell_at("/ocsp", recorded(&scene, "V"));
    tokio::time::sleep(NEXT).await;
    assert!(shown(&service, &scene).await > newest);
    assert_eq!(kept(&scene, "newest").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_that_share_the_folder_neither_puts_an_older_answer_over_a_newer_one() {
    let scene = scene();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(recorded(&scene, "V"));
        tokio::time::sleep(NEXT).await;
    }
    let [first, second, third] = &answers[..] else { panic!("three answers") };
    scene.site.tell_at("/ocsp", third.clone());
    let service = scene.service(|_| {}).await;
    let newest = shown(&service, &scene).await;
    service.running.shutdown().await;
    let [file] = &kept(&scene, "newest")[..] else { panic!("one file") };
    let others = fs::read(file).expect("read");
    fs::remove_file(file).expect("removed");

    scene.site.tell_at("/ocsp", first.clone());
    let service = scene.service(|_| {}).await;
    let oldest = shown(&service, &scene).await;
    assert!(oldest < newest);
    fs::write(file, &others).expect("written");
    scene.site.tell_at("/ocsp", second.clone());
    tokio::time::sleep(NEXT).await;
    let newer = shown(&service, &scene).await;
    assert!(oldest < newer && newer < newest);
    assert_eq!(fs::read(file).expect("read"), others);
    service.running.shutdown().await;
    let service = scene.service(|_| {}).await;
    assert_eq!(shown(&service, &scene).await, newest);
}

const HOLD: &str = "R260101000000Z,certificateHold";

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_answer_lifts_a_hold_also_after_a_restart() {
    let scene = scene();
    let question = scene.leaf_only();
    let old = recorded(&scene, "V");
    tokio::time::sleep(NEXT).await;
    // Whether the service stands still between the hold and its end, and whether a list that knows of neither is there too.
    for (index, (restarts, with_list)) in [(false, true), (true, false)].into_iter().enumerate() {
        let marks = scene.directory.path().join(format!("holds-{index}.json"));
        let start = async || scene.service(|config| config.revocation.marks_file = marks.clone()).await;
        let list = antin::pki::file::read_crl(&Authority::Ca.crl_path(&scene.pki())).expect("a list");
        scene.site.tell_at(LISTS[1], if with_list { Answer::Body(list) } else { Answer::Status(404) });
        scene.site.tell_at("/ocsp", recorded(&scene, HOLD));
        let mut service = start().await;
        until(&service, &question, "certificate-suspended").await;
        if restarts {
            service.running.shutdown().await;
            service = start().await;
        }
        // Neither silence nor an older answer lifts it.
        for answer in [Answer::Status(404), old.clone()] {
            scene.site.tell_at("/ocsp", answer);
            tokio::time::sleep(NEXT).await;
            assert_eq!(code(&service.verify(&question).await), "certificate-suspended", "{index}");
        }
        scene.site.tell_at("/ocsp", recorded(&scene, "V"));
        until(&service, &question, "valid").await;
        service.running.shutdown().await;
        let service = start().await;
        until(&service, &question, "valid").await;
        // It may be put on hold again.
        tokio::time::sleep(NEXT).await;
        scene.site.tell_at("/ocsp", recorded(&scene, HOLD));
        until(&service, &question, "certificate-suspended").await;
        service.running.shutdown().await;
        tokio::time::sleep(NEXT).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_list_lifts_a_hold_also_after_a_restart() {
    let scene = scene();
    let ca = Issuer::load(&scene.pki(), Authority::Ca).expect("the CA");
    let leaf = held::first_certificate(&Member::Health.certificate_path(&scene.pki())).expect("read");
    let now = clock::now();
    let list = |number: u8, entries: Vec<Vec<u8>>| {
        let this_update = now.plus_seconds(60 * i64::from(number) - 3600);
        let next_update = Some(now.plus_seconds(600));
        Answer::Body(List { number: Some(number), this_update, next_update, entries, ..List::default() }.der(&ca))
    };
    let question = scene.leaf_only();
    scene.site.tell_at(LISTS[1], list(1, vec![entry(&leaf.serial_number, 6, None)]));
    let service = scene.service(|_| {}).await;
    until(&service, &question, "certificate-suspended").await;
    service.running.shutdown().await;
    // Known from the disk alone.
    scene.site.tell_at(LISTS[1], Answer::Status(404));
    let service = scene.service(|_| {}).await;
    for _ in 0..2 {
        assert_eq!(code(&service.verify(&question).await), "certificate-suspended");
    }
    scene.site.tell_at(LISTS[1], list(2, Vec::new()));
    until(&service, &question, "valid").await;
    // So does what the responder says later than the list.
    scene.site.tell_at(LISTS[1], list(3, vec![entry(&leaf.serial_number, 6, None)]));
    until(&service, &question, "certificate-suspended").await;
    service.running.shutdown().await;
    scene.site.tell_at(LISTS[1], Answer::Status(404));
    scene.site.tell_at("/ocsp", recorded(&scene, "V"));
    let service = scene.service(|_| {}).await;
    until(&service, &question, "valid").await;
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_known_of_every_encoding_of_the_certificate() {
    let scene = scene();
    let read = |member: Member| held::first_certificate(&member.certificate_path(&scene.pki())).expect("a certificate");
    let (leaf, authority) = (read(Member::Health), read(Member::Ca));
    let other = Certificate::decode(&twin(&leaf, &authority)).expect("a certificate");
    assert_eq!(other.to_be_signed(), leaf.to_be_signed());
    assert_ne!(other.fingerprint(), leaf.fingerprint());
    let key = fs::read(Member::Health.key_path(&scene.pki())).expect("a key");
    let (original, other) = (scene.leaf_only(), question(&key, Arc::new(other)));

    let old = recorded(&scene, "V");
    scene.site.tell_at("/ocsp", old.clone());
    let service = scene.service(|_| {}).await;
    assert_eq!(code(&service.verify(&other).await), "valid", "it is a certificate of the authority");
    service.running.shutdown().await;
    tokio::time::sleep(NEXT).await;
    let service = scene.service(|_| {}).await;
    scene.site.tell_at("/ocsp", openssl_responder(&scene.pki(), "R260101000000Z,keyCompromise"));
    until(&service, &original, "certificate-revoked").await;
    scene.site.tell_at("/ocsp", old);
    for _ in 0..3 {
        assert_eq!(code(&service.verify(&other).await), "certificate-revoked");
        tokio::time::sleep(NEXT).await;
    }
    service.running.shutdown().await;
    // After a restart, with a list that is fresh and does not know it yet, and with nothing to be asked.
    let service = scene.service(|_| {}).await;
    assert_eq!(code(&service.verify(&other).await), "certificate-revoked");
    let list = antin::pki::file::read_crl(&Authority::Ca.crl_path(&scene.pki())).expect("a list");
    scene.site.tell_at(LISTS[1], Answer::Body(list));
    scene.site.tell_at("/ocsp", Answer::Status(404));
    for _ in 0..3 {
        tokio::time::sleep(NEXT).await;
        assert_eq!(code(&service.verify(&other).await), "certificate-revoked");
    }
    service.running.shutdown().await;
    let service = scene.service(|_| {}).await;
    assert_eq!(code(&service.verify(&other).await), "certificate-revoked");
    assert_eq!((kept(&scene, "revoking").len(), kept(&scene, "newest").len()), (1, 1), "one certificate");
}

const KEY_COMPROMISE: u8 = 1;
const ON_HOLD: u8 = 6;

/// What the CA says about the leaf: revoked since a day, for a reason; made so many seconds from now.
fn revoking(scene: &Scene, reason: u8, made: i64) -> Vec<u8> {
    let read = |member: Member| held::first_certificate(&member.certificate_path(&scene.pki())).expect("a certificate");
    let (now, authority) = (clock::now(), Issuer::load(&scene.pki(), Authority::Ca).expect("the CA"));
    let response = Response {
        produced_at: now.plus_seconds(made),
        this_update: now.plus_seconds(made),
        next_update: Some(now.plus_seconds(86_400)),
        ..Response::revoked_for(now.plus_seconds(-86_400), reason)
    };
    response.der(&[response.single(&read(Member::Health), &read(Member::Ca))], &authority)
}

fn ca_list(scene: &Scene) -> Answer {
    Answer::Body(antin::pki::file::read_crl(&Authority::Ca.crl_path(&scene.pki())).expect("a list"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_the_future_shuts_out_none_that_revokes() {
    for reason in [KEY_COMPROMISE, ON_HOLD] {
        let scene = scene();
        let service = scene.service(|_| {}).await;
        let question = scene.leaf_only();
        scene.site.tell_at("/ocsp", Answer::Body(revoking(&scene, reason, 3600)));
        assert_eq!(code(&service.verify(&question).await), "revocation-status-unknown");
        assert_eq!(kept(&scene, "revoking").len(), 1);
        scene.site.tell_at("/ocsp", Answer::Body(revoking(&scene, KEY_COMPROMISE, -60)));
        until(&service, &question, "certificate-revoked").await;
        // A list that is fresh and does not know it yet.
        scene.site.tell_at("/ocsp", Answer::Status(404));
        scene.site.tell_at(LISTS[1], ca_list(&scene));
        tokio::time::sleep(NEXT).await;
        assert_eq!(code(&service.verify(&question).await), "certificate-revoked");
        service.running.shutdown().await;
        let service = scene.service(|_| {}).await;
        assert_eq!(code(&service.verify(&question).await), "certificate-revoked");
        service.running.shutdown().await;
    }
}

/// Whichever is read first at a start: the names of the files are exchanged.
#[tokio::test(flavor = "multi_thread")]
async fn neither_a_hold_nor_an_answer_from_the_future_hides_one_that_revokes_for_ever() {
    let scene = scene();
    let genuine = revoking(&scene, KEY_COMPROMISE, -60);
    scene.site.tell_at("/ocsp", Answer::Body(genuine.clone()));
    let service = scene.service(|_| {}).await;
    let question = scene.leaf_only();
    until(&service, &question, "certificate-revoked").await;
    service.running.shutdown().await;
    scene.site.tell_at("/ocsp", Answer::Status(404));
    scene.site.tell_at(LISTS[1], ca_list(&scene));
    let [file] = &kept(&scene, "revoking")[..] else { panic!("one file") };
    let whole = fs::read(file).expect("read");
    let read = |member: Member| held::first_certificate(&member.certificate_path(&scene.pki())).expect("a certificate");
    let stored = |answer: &[u8]| writer::sequence(&[read(Member::Health).der(), read(Member::Ca).der(), answer]);
    assert_eq!(stored(&genuine), whole);
    for (reason, made) in [(ON_HOLD, -1), (ON_HOLD, -120), (ON_HOLD, 3600), (KEY_COMPROMISE, 3600)] {
        let other = stored(&revoking(&scene, reason, made));
        for [revoking, newest] in [[&whole, &other], [&other, &whole]] {
            fs::write(file, revoking).expect("written");
            fs::write(file.with_extension("newest"), newest).expect("written");
            let service = scene.service(|_| {}).await;
            assert_eq!(code(&service.verify(&question).await), "certificate-revoked", "{reason} {made}");
            service.running.shutdown().await;
        }
    }
}
