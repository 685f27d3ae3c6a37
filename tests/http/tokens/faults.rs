//! Tokens that are away, refuse, hang and fail: what is not known is said to be so, and nothing is signed twice.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{PIN, Place, SOFTHSM, in_a_process};
use crate::http::client::Answer;
use crate::http::{Service, order};

const SOON: Duration = Duration::from_secs(20);

/// Orders one after the other until it is told to stop.
fn ordering(service: &Arc<Service>, lane: usize, stop: &Arc<AtomicBool>) -> JoinHandle<Vec<(String, Answer)>> {
    let (service, stop) = (Arc::clone(service), Arc::clone(stop));
    tokio::spawn(async move {
        let mut answers = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let idempotency_key = format!("{lane}-{}", answers.len());
            let answer = service.sign(&idempotency_key, &order("detached")).await;
            answers.push((idempotency_key, answer));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        answers
    })
}

/// Orders on six lanes while the token goes and comes back; what they were answered.
async fn while_away(service: &Arc<Service>, away: impl FnOnce(), back: impl FnOnce()) -> Vec<(String, Answer)> {
    let stop = Arc::new(AtomicBool::new(false));
    let lanes: Vec<_> = (0..6).map(|lane| ordering(service, lane, &stop)).collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    away();
    tokio::time::sleep(Duration::from_secs(3)).await;
    back();
    service.signs_again(SOON).await;
    stop.store(true, Ordering::Relaxed);
    let mut answers = Vec::new();
    for lane in lanes {
        answers.extend(lane.await.expect("answers"));
    }
    let refused = answers.iter().filter(|(_, answer)| answer.status != 201).count();
    assert!(refused > 0 && refused < answers.len(), "{refused} of {}", answers.len());
    answers
}

#[test]
fn a_token_whose_files_are_moved_away_comes_back_by_itself() {
    in_a_process("moved-away");
}

pub async fn moved_away(place: &Place) {
    let service = Arc::new(place.service(SOFTHSM, |_| {}).await);
    let token = fs::read_dir(place.path("tokens")).expect("tokens").next().expect("a token").expect("a folder").path();
    let away = place.path("away").join("token");
    let answers =
        while_away(&service, || fs::rename(&token, &away).expect("moved"), || fs::rename(&away, &token).expect("back"))
            .await;
    service.agrees(&answers).await;
}

#[test]
fn a03_a_token_that_is_pulled_out_comes_back_by_itself_and_is_not_stormed() {
    in_a_process("removed");
}

pub async fn removed(place: &Place) {
    let service = Arc::new(place.service(place.shim(), |_| {}).await);
    let before = place.seen("slot-lists");
    let answers = while_away(&service, || place.fault("removed", Some("")), || place.fault("removed", None)).await;
    service.agrees(&answers).await;
    // Away for 3 s: asked at once, after 1 s, after 2 s more; each look is two calls, and four sessions are opened again.
    let asked = place.seen("slot-lists") - before;
    assert!(asked <= 40, "{asked} looks for the token while {} orders came", answers.len());
    // It is told while it lasts.
    place.fault("removed", Some(""));
    let refused = service.sign("told", &order("detached")).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "key-not-available"));
    assert!(refused.head.contains("retry-after: 5"), "{}", refused.head);
}

#[test]
fn a03_a_wrong_pin_is_tried_once_however_many_ask() {
    in_a_process("wrong-pin");
}

pub async fn wrong_pin(place: &Place) {
    let path = place.path("wrong");
    fs::write(&path, "0000\n").expect("written");
    let service = place.service(place.shim(), |token| token.pin_file = Some(path.clone())).await;
    let service = Arc::new(service);
    let storm = async |name: &str| {
        let sent: Vec<_> = (0..32)
            .map(|number| {
                let (service, idempotency_key) = (Arc::clone(&service), format!("{name}-{number}"));
                tokio::spawn(async move { service.sign(&idempotency_key, &order("detached")).await })
            })
            .collect();
        for answer in sent {
            assert_eq!(answer.await.expect("an answer").code(), "key-not-available");
        }
    };
    storm("first").await;
    // Also after the pause of a token that failed.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    storm("second").await;
    assert_eq!(service.key_code().await, json!("key-not-available"));
    assert_eq!(place.seen("logins"), 1, "one attempt for 64 orders, a start and a self-test");
    fs::write(&path, "1111\n").expect("written");
    tokio::time::sleep(Duration::from_millis(4500)).await;
    storm("third").await;
    assert_eq!(place.seen("logins"), 2, "another PIN is tried, once");
    fs::write(&path, PIN).expect("written");
    service.signs_again(SOON).await;
    assert_eq!(place.seen("logins"), 3);
    assert_eq!(service.sign("first-0", &order("detached")).await.status, 201, "its idempotency key was free");
}

#[test]
fn no_login_is_tried_when_one_attempt_is_left() {
    in_a_process("final-try");
}

pub async fn final_try(place: &Place) {
    place.fault("final-try", Some(""));
    let service = place.service(place.shim(), |_| {}).await;
    assert_eq!(service.sign("key", &order("detached")).await.code(), "key-not-available");
    assert_eq!(place.seen("logins"), 0);
    place.fault("final-try", None);
    service.signs_again(SOON).await;
    assert_eq!(service.key_code().await, Value::Null);
}

#[test]
fn a_key_that_is_deleted_is_missed_before_it_is_asked() {
    in_a_process("deleted");
}

pub async fn deleted(place: &Place) {
    let service = place.service(SOFTHSM, |_| {}).await;
    assert_eq!(service.sign("before", &order("detached")).await.status, 201);
    let objects = walk(&place.path("tokens"));
    // SoftHSM has the private key in a file of its own, as it has the public one.
    for object in objects.iter().filter(|path| {
        path.extension().is_some_and(|extension| extension == "object")
            && path.file_name().is_some_and(|name| name != "token.object")
    }) {
        fs::remove_file(object).expect("deleted");
    }
    for number in 0..8 {
        let answer = service.sign(&format!("after-{number}"), &order("detached")).await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "key-not-available"));
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn with_fewer_sessions_than_wanted_orders_wait_and_with_none_they_are_refused() {
    in_a_process("sessions");
}

pub async fn sessions(place: &Place) {
    place.fault("sessions", Some("1"));
    let service = Arc::new(place.service(place.shim(), |token| token.timeout_seconds = 5).await);
    let sent: Vec<_> = (0..24)
        .map(|number| {
            let service = Arc::clone(&service);
            tokio::spawn(async move { service.sign(&format!("key-{number}"), &order("detached")).await.status })
        })
        .collect();
    for status in sent {
        assert_eq!(status.await.expect("an answer"), 201, "by the one session that there is");
    }
    // The session is lost, and others took the only place.
    place.fault("sessions", Some("0"));
    place.fault("removed", Some(""));
    assert_eq!(service.sign("lost", &order("detached")).await.code(), "key-not-available");
    place.fault("removed", None);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(service.sign("none", &order("detached")).await.code(), "key-not-available");
    place.fault("sessions", Some("9"));
    service.signs_again(SOON).await;
    assert_eq!(service.sign("none", &order("detached")).await.status, 201);
}

#[test]
fn a_hung_device_holds_its_sessions_and_no_more() {
    in_a_process("hung");
}

pub async fn hung(place: &Place) {
    let change = |token: &mut antin::config::Token| (token.sessions, token.timeout_seconds) = (2, 1);
    let service = Arc::new(place.service(place.shim(), change).await);
    assert_eq!(service.sign("before", &order("detached")).await.status, 201);
    // Warm, so that each session has found its key.
    for number in 0..6 {
        let pair = [format!("warm-{number}-a"), format!("warm-{number}-b")];
        let both = pair.map(|name| {
            let service = Arc::clone(&service);
            tokio::spawn(async move { service.sign(&name, &order("detached")).await.status })
        });
        for status in both {
            assert_eq!(status.await.expect("an answer"), 201);
        }
    }
    place.fault("hang", Some(""));
    let mut answers = Vec::new();
    let sent: Vec<_> = (0..12)
        .map(|number| {
            let (service, name) = (Arc::clone(&service), format!("hung-{number}"));
            tokio::spawn(async move { (name.clone(), service.sign(&name, &order("detached")).await) })
        })
        .collect();
    for answer in sent {
        answers.push(answer.await.expect("an answer"));
    }
    let unknown = answers.iter().filter(|(_, answer)| answer.code() == "key-without-answer").count();
    assert!((1..=2).contains(&unknown), "as many as there are sessions: {unknown}");
    let started = Instant::now();
    let at_once = service.sign("at-once", &order("detached")).await;
    assert_eq!(at_once.code(), "key-not-available");
    assert!(started.elapsed() < Duration::from_millis(900), "nobody waits for threads that hang");
    answers.push(("at-once".to_owned(), at_once));
    place.fault("hang", None);
    service.signs_again(SOON).await;
    service.agrees(&answers).await;
    // A device that fails while it signs: not known either, and never signed again.
    let signed = place.seen("signed");
    place.fault("fail", Some(""));
    let failed = service.sign("failed", &order("detached")).await;
    assert_eq!((failed.status, failed.code().as_str()), (503, "key-without-answer"));
    assert_eq!(place.seen("signed"), signed + 1, "asked once");
    place.fault("fail", None);
    assert_eq!(service.sign("failed", &order("detached")).await.code(), "signature-state-unknown");
    service.signs_again(SOON).await;
}
