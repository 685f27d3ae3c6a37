//! Many requests in one: every line has its answer, none waits for another, and who does not take answers is read no further.

use std::{
    collections::{HashMap, HashSet},
    fs,
    time::Duration,
};

use antin::{
    clock,
    pki::{
        self, Member, Reason,
        key::{Algorithm, PrivateKey},
    },
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    CONTENT, Service, base64,
    client::{Answer, Request, connect},
    order,
};

const NDJSON: &str = "application/x-ndjson";

fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    object[name] = value.into();
    object
}

fn batch(path: &str, lines: &[String]) -> Request {
    Request::post(path, NDJSON, lines.join("\n"))
}

fn question(id: impl Into<Value>, content: &[u8], signature: &[u8]) -> String {
    json!({"id": id.into(), "document": base64(content), "signature": base64(signature)}).to_string()
}

fn order_line(key: &str) -> String {
    with(order("detached"), "idempotencyKey", key).to_string()
}

/// The answers by the names of their lines.
fn by_name(answer: &Answer, name: &str) -> HashMap<String, Value> {
    assert!(answer.status == 200 && answer.head.contains(NDJSON), "{answer:?}");
    let lines = answer.lines();
    let count = lines.len();
    let named: HashMap<String, Value> = lines.into_iter().map(|line| (line[name].to_string(), line)).collect();
    assert_eq!(named.len(), count, "one answer a name");
    named
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_of_a_batch_is_answered_by_its_name() {
    let service = Service::with(|config| config.limits.body_bytes = 40_000).await;
    let (signature, _) = service.issue("key", "detached").await;
    let long = format!("{{\"id\": \"long\", \"document\": \"{}\"}}", "A".repeat(40_000));
    let lines = [
        question("good", CONTENT, &signature),
        question("changed", b"{}", &signature),
        question(7, CONTENT, &signature),
        question("\u{1f4dc} \"quoted\"", CONTENT, &signature),
        question("unreadable", CONTENT, b"no CMS"),
        json!({"id": "empty"}).to_string(),
        json!({"id": "colour", "colour": 1}).to_string(),
        long,
        String::new(),
        question("last", CONTENT, &signature),
    ];
    let answers = by_name(&service.public(batch("/v1/verify/batch", &lines)).await, "id");
    assert_eq!(answers.len(), 9);
    assert_eq!(answers["null"]["code"], "body-too-large");
    for name in ["\"good\"", "7", "\"\u{1f4dc} \\\"quoted\\\"\"", "\"last\""] {
        let answer = &answers[name];
        assert_eq!((&answer["httpStatus"], &answer["reliance"]["outcome"]), (&json!(200), &json!("ACCEPT")), "{name}");
        assert_eq!(answer["document"]["kind"], "health-book");
    }
    assert_eq!(answers["\"changed\""]["reliance"]["code"], "document-changed");
    for (name, status, code) in [
        ("\"unreadable\"", 422, "unreadable-document"),
        ("\"empty\"", 400, "document-missing"),
        ("\"colour\"", 400, "unknown-field"),
    ] {
        assert_eq!((&answers[name]["httpStatus"], &answers[name]["code"]), (&json!(status), &json!(code)), "{name}");
    }
    service.running.shutdown().await;
}

/// One line each: what is wrong with it takes nothing from the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_cannot_be_read_is_told_and_the_next_is_answered() {
    let service = Service::with(|config| config.limits.body_bytes = 40_000).await;
    let (signature, _) = service.issue("key", "detached").await;
    let good = question("good", CONTENT, &signature);
    for (bad, status, code) in [
        ("x".to_owned(), 400, "invalid-json"),
        ("[1]".to_owned(), 400, "invalid-json"),
        ("{}".to_owned(), 400, "id-missing"),
        (json!({"id": {"a": 1}, "document": "AA=="}).to_string(), 400, "id-wrong-type"),
        (json!({"id": "x".repeat(257), "document": "AA=="}).to_string(), 400, "id-wrong-type"),
        ("[".repeat(30_000), 400, "invalid-json"),
        ("{\"id\": \"a\", \"id\": \"b\"}".to_owned(), 400, "duplicate-field"),
        ("{\"id\": \"\\ud800\"}".to_owned(), 400, "id-wrong-type"),
        ("x".repeat(100_000), 413, "body-too-large"),
    ] {
        let answer = service.public(batch("/v1/verify/batch", &[bad.clone(), good.clone()])).await;
        let lines = answer.lines();
        assert_eq!(lines.len(), 2, "{code}: {answer:?}");
        let (failed, passed): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line["id"] == Value::Null);
        assert_eq!((&failed[0]["httpStatus"], &failed[0]["code"]), (&json!(status), &json!(code)));
        assert_eq!(passed[0]["reliance"]["outcome"], "ACCEPT");
    }
    // Who sends nothing but what cannot be read is not read for ever: each line is written down.
    let answer = service.public(batch("/v1/verify/batch", &vec!["x".to_owned(); 1_000])).await;
    let lines = answer.lines();
    assert!((101..=110).contains(&lines.len()), "{}", lines.len());
    assert!(lines.iter().all(|line| line["httpStatus"] == 400));
    let is_last = |line: &&Value| line["detail"].as_str().is_some_and(|detail| detail.contains("not looked at"));
    assert_eq!(lines.iter().filter(is_last).count(), 1);
    let empty = service.public(batch("/v1/verify/batch", &[])).await;
    assert!(empty.status == 200 && empty.lines().is_empty());
    let json = service.public(Request::json("/v1/verify/batch", &json!({}))).await;
    assert_eq!((json.status, json.code().as_str()), (415, "unsupported-media-type"));
    let query = service.public(Request::post("/v1/verify/batch?a=1", NDJSON, good)).await;
    assert_eq!(query.code(), "unexpected-query");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_orders_is_resumed_by_its_keys_and_signs_each_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, key) = (folder.path().join("log"), folder.path().join("audit.key"));
    let pem = PrivateKey::generate(Algorithm::P256).expect("a key").to_pkcs8_pem().expect("PEM");
    fs::write(&key, &pem).expect("written");
    let service = Service::with(|config| {
        config.audit.folder = Some(log.clone());
        config.audit.key = Some(key.clone());
    })
    .await;
    let mut lines: Vec<String> = (0..120).map(|number| order_line(&format!("key-{number}"))).collect();
    lines.push(with(order("detached"), "idempotencyKey", "bad key").to_string());
    lines.push(with(with(order("detached"), "idempotencyKey", "malformed"), "document", base64(b"{}")).to_string());
    lines.push(with(with(order("detached"), "idempotencyKey", "no-kind"), "kind", "driving-licence").to_string());
    lines.push(order("detached").to_string());

    // The first attempt is cut off after some answers.
    let root = Member::Root.certificate_path(&service.pki());
    let identity = Some(service.identity(Member::IssuingSystem));
    let mut stream = connect(service.mutual_tls(), &root, identity).await.expect("a connection");
    stream.write_all(&batch("/v1/sign/batch", &lines).bytes()).await.expect("sent");
    let mut some = vec![0; 20_000];
    stream.read_exact(&mut some).await.expect("some answers");
    drop(stream);

    // What the first had begun goes on, and is asked for again until it is there.
    let mut whole = service.as_member(Member::IssuingSystem, batch("/v1/sign/batch", &lines)).await;
    for _ in 0..50 {
        if !whole.lines().iter().any(|line| line["code"] == "request-in-progress") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        whole = service.as_member(Member::IssuingSystem, batch("/v1/sign/batch", &lines)).await;
    }
    let again = service.as_member(Member::IssuingSystem, batch("/v1/sign/batch", &lines)).await;
    let answers = |answer: &Answer| -> HashMap<String, Value> {
        let named = answer.lines().into_iter().filter(|line| line["idempotencyKey"] != Value::Null);
        named.map(|line| (line["idempotencyKey"].as_str().expect("a key").to_owned(), line)).collect()
    };
    assert_eq!((whole.lines().len(), again.lines().len()), (lines.len(), lines.len()));
    let (whole, again) = (answers(&whole), answers(&again));
    let mut ids = HashSet::new();
    for number in 0..120 {
        let name = format!("key-{number}");
        assert_eq!(whole[&name]["httpStatus"], 201, "{}", whole[&name]);
        assert_eq!(whole[&name], again[&name]);
        assert!(ids.insert(whole[&name]["id"].to_string()));
    }
    let cut_off = Answer::read(&some);
    for (name, line) in answers(&cut_off) {
        assert_eq!(line, whole[&name], "what was answered before the connection was cut");
    }
    assert_eq!(whole["malformed"]["code"], "document-malformed");
    assert_eq!(whole["malformed"]["path"], "/resourceType");
    assert_eq!(whole["no-kind"]["code"], "kind-not-permitted");
    let question = json!({"document": base64(CONTENT), "signature": whole["key-5"]["signature"]});
    assert_eq!(service.verify(&question).await.reliance().0, "ACCEPT");

    let agency = service.as_member(Member::Agency, batch("/v1/sign/batch", &lines)).await;
    assert_eq!((agency.status, agency.code().as_str()), (403, "operation-not-permitted"));
    assert_eq!(service.public(batch("/v1/sign/batch", &lines)).await.status, 404);
    service.running.shutdown().await;

    let mut octets = Vec::new();
    antin::audit::export(&log, 0, &mut octets).expect("readable").expect("whole");
    let said = String::from_utf8(octets).expect("text");
    let signed: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let count =
        |outcome: &str| signed.iter().filter(|line| line["operation"] == "sign" && line["outcome"] == outcome).count();
    assert!(count("done") >= 240 && count("refused") >= 9, "{} done, {} refused", count("done"), count("refused"));
    let of_a_line = signed.iter().find(|line| line["code"] == "document-malformed").expect("a line");
    assert!(of_a_line["request"].as_str().expect("an id").ends_with("-122"), "{of_a_line}");
}

/// Lines are not read on while nobody takes answers; then all of them come.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_take_answers_is_read_no_further() {
    // However slow the machine is.
    let service = Service::with(|config| config.limits.body_seconds = 600).await;
    let (signature, _) = service.issue("key", "detached").await;
    let line = question("x", CONTENT, &signature);
    let count = 6_000;
    let lines = vec![line; count];
    let root = Member::Root.certificate_path(&service.pki());
    let identity = Some(service.identity(Member::Agency));
    let stream = connect(service.mutual_tls(), &root, identity).await.expect("a connection");
    let (mut reading, mut writing) = tokio::io::split(stream);
    let octets = batch("/v1/verify/batch", &lines).bytes();
    let total = octets.len();
    let (told, mut sent) = tokio::sync::watch::channel(0);
    let sending = tokio::spawn(async move {
        for piece in octets.chunks(64 * 1024) {
            writing.write_all(piece).await.expect("sent");
            told.send_modify(|sent| *sent += piece.len());
        }
        writing
    });
    // Until nothing has moved for a while.
    while tokio::time::timeout(Duration::from_secs(2), sent.changed()).await.is_ok_and(|moved| moved.is_ok()) {}
    let stopped_at = *sent.borrow();
    assert!(stopped_at < total * 9 / 10, "{stopped_at} of {total} octets were taken from who takes no answers");
    let mut answer = Vec::new();
    reading.read_to_end(&mut answer).await.expect("the rest");
    drop(sending.await.expect("all was sent"));
    let lines = Answer::read(&answer).lines();
    assert_eq!(lines.len(), count);
    assert!(lines.iter().all(|line| line["reliance"]["outcome"] == "ACCEPT"));
    service.running.shutdown().await;
}

/// A batch that goes on outlives nobody's revocation: the lines that were read are answered, no more are.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_ends_when_its_client_is_revoked() {
    let service = Service::start().await;
    let root = Member::Root.certificate_path(&service.pki());
    let identity = Some(service.identity(Member::IssuingSystem));
    let stream = connect(service.mutual_tls(), &root, identity).await.expect("a connection");
    let (mut reading, mut writing) = tokio::io::split(stream);
    let head = format!(
        "POST /v1/sign/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: {NDJSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    writing.write_all(head.as_bytes()).await.expect("sent");
    let sending = tokio::spawn(async move {
        for number in 0..600 {
            let line = format!("{}\n", order_line(&format!("key-{number}")));
            let chunk = format!("{:x}\r\n{line}\r\n", line.len());
            if writing.write_all(chunk.as_bytes()).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut answers = vec![0; 6_000];
    reading.read_exact(&mut answers).await.expect("the first answers");
    let certificate = Member::IssuingSystem.certificate_path(&service.pki());
    pki::revoke(&service.pki(), &certificate, Reason::KeyCompromise, clock::now()).expect("revoked");
    let revoked = tokio::time::Instant::now();
    let ended = tokio::time::timeout(Duration::from_secs(20), reading.read_to_end(&mut answers)).await;
    assert!(ended.is_ok() && revoked.elapsed() < Duration::from_secs(4), "it went on for {:?}", revoked.elapsed());
    let answered = String::from_utf8_lossy(&answers).matches("\"idempotencyKey\"").count();
    assert!((1..400).contains(&answered), "{answered} lines were answered");
    sending.abort();
    service.running.shutdown().await;
}
