//! Whoever holds a paper asks about it by its five fields; whoever does not learns nothing.

use std::fs;

use antin::config::{Config, Lookup};
use antin::pki::Member;
use serde_json::{Value, json};

use super::{Service, base64, client::Answer, client::Request};

pub(super) const REFERRAL: &str = include_str!("../../testvectors/documents/referral.json");

/// A service of which the public may ask.
pub(super) async fn asked(change: impl FnOnce(&mut Config)) -> Service {
    Service::with(|config| {
        change(config);
        let folder = config.registry.path.parent().expect("a folder").to_owned();
        let octets: Vec<u8> = (0..32).map(|index: u8| index.wrapping_mul(37).wrapping_add(11)).collect();
        fs::write(folder.join("lookup.key"), octets).expect("written");
        config.lookup = Lookup { key: Some(folder.join("lookup.key")), older_keys: Vec::new() };
        config.public.trusted_proxies = vec!["127.0.0.1".to_owned().try_into().expect("an address")];
    })
    .await
}

pub(super) fn order(kind: &str, document: &str) -> Value {
    json!({
        "kind": kind, "document": base64(document.as_bytes()), "mediaType": "application/json",
        "format": "cades", "packaging": "detached", "level": "B-B"
    })
}

/// The fields of a paper as its holder reads them.
pub(super) fn fields(document: &str) -> Value {
    let paper: Value = serde_json::from_str(document).expect("JSON");
    let (person, number) = (&paper["patient"], &paper["number"]);
    json!({
        "fileCode": number, "fullName": person["fullName"], "birthDate": person["birthDate"],
        "gender": person["gender"], "identityNumber": person["citizenId"]
    })
}

impl Service {
    /// As somebody at this address behind the proxy.
    pub(super) async fn ask_from(&self, address: &str, question: &Value) -> Answer {
        self.public(Request::json("/v1/lookup", question).header("X-Forwarded-For", address)).await
    }
}

/// How long to wait, as Retry-After says.
pub(super) fn seconds(head: &str) -> u64 {
    let value = head.lines().find_map(|line| line.strip_prefix("retry-after: ")).expect("Retry-After");
    value.trim().parse().expect("seconds")
}

/// What is told, but when.
fn told(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut body = answer.json();
    assert!(body.as_object_mut().expect("an object").remove("checkedAt").is_some());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn all_five_fields_find_a_paper_and_any_other_finds_nothing() {
    let service = asked(|_| {}).await;
    let signed = service.sign("one", &order("referral", REFERRAL)).await;
    assert_eq!(signed.status, 201, "{signed:?}");
    let id = signed.json()["id"].clone();
    let right = fields(REFERRAL);
    let found = told(&service.ask_from("192.0.2.1", &right).await);
    assert_eq!((&found["found"], &found["code"]), (&json!(true), &json!("lookup-in-force")), "{found}");
    assert_eq!((&found["legality"], &found["standing"]["state"]), (&json!("issued"), &json!("in-force")));
    assert_eq!(found["issuedAt"], signed.json()["signedAt"]);
    assert!(found["issuer"].as_str().is_some_and(|issuer| issuer.contains("Sông Ngân")), "{found}");

    // Another field, another paper's id, and what is nowhere: one answer.
    let mut nothing = None;
    let wrong = [
        ("fileCode", json!("GCT-2026-99999")),
        ("fullName", json!("Nguyễn Văn Không")),
        ("birthDate", json!("1901-01-01")),
        ("gender", if right["gender"] == "Nam" { json!("nữ") } else { json!("nam") }),
        ("identityNumber", json!("001000000001")),
        ("documentId", json!("00112233445566778899aabbccddeeff")),
    ];
    for (index, (name, value)) in wrong.into_iter().enumerate() {
        let mut question = right.clone();
        question[name] = value;
        let answer = told(&service.ask_from(&format!("192.0.2.{}", 10 + index), &question).await);
        assert_eq!(answer["found"], false, "{name}");
        assert_eq!(*nothing.get_or_insert(answer.clone()), answer, "{name}");
    }
    let mut with_id = right.clone();
    with_id["documentId"] = id.clone();
    assert_eq!(told(&service.ask_from("192.0.2.30", &with_id).await), found);

    let path = format!("/v1/documents/{}/status", id.as_str().expect("an id"));
    let withdrawn = Request::json(&path, &json!({"state": "withdrawn", "reason": "a mistake"}));
    assert_eq!(service.as_member(Member::IssuingSystem, withdrawn).await.status, 200);
    let after = told(&service.ask_from("192.0.2.31", &right).await);
    assert_eq!((&after["code"], &after["standing"]["state"]), (&json!("lookup-not-in-force"), &json!("withdrawn")));
    // It was issued again: the one that stands is told.
    assert_eq!(service.sign("two", &order("referral", REFERRAL)).await.status, 201);
    assert_eq!(told(&service.ask_from("192.0.2.32", &right).await)["code"], "lookup-in-force");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_names_the_fields_of_what_does_not_say_them() {
    let service = asked(|_| {}).await;
    let lookup = fields(REFERRAL);
    let mut digest = json!({
        "kind": "referral", "digest": {"algorithm": "sha-256", "value": base64(&[7; 32])},
        "format": "cades", "packaging": "detached", "level": "B-B", "lookup": lookup
    });
    assert_eq!(service.sign("digest", &digest).await.status, 201);
    assert_eq!(told(&service.ask_from("192.0.2.1", &lookup).await)["found"], true);
    let refused = async |key: &str, order: &Value| {
        let answer = service.sign(key, order).await;
        (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
    };
    digest["lookup"]["birthDate"] = json!("hôm qua");
    assert_eq!(refused("a", &digest).await, (400, "lookup-birth-date-wrong-text".to_owned()));
    let mut other = order("referral", REFERRAL);
    other["lookup"] = lookup.clone();
    other["lookup"]["fullName"] = json!("Nguyễn Văn Khác");
    assert_eq!(refused("b", &other).await, (422, "lookup-differs".to_owned()));
    let form_2 = include_str!("../../testvectors/documents/judicial-certificate-2.json");
    let mut form_2 = order("judicial-certificate-2", form_2);
    form_2["lookup"] = lookup.clone();
    assert_eq!(refused("c", &form_2).await, (422, "lookup-not-offered".to_owned()));
    service.running.shutdown().await;

    let without = Service::start().await;
    assert_eq!(without.ask_from("192.0.2.1", &lookup).await.status, 404);
    digest["lookup"] = lookup;
    let answer = without.sign("a", &digest).await;
    assert_eq!((answer.status, answer.json()["code"].clone()), (422, json!("lookup-not-offered")));
    without.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_and_hinders_nobody_else() {
    let service = asked(|_| {}).await;
    assert_eq!(service.sign("one", &order("referral", REFERRAL)).await.status, 201);
    let right = fields(REFERRAL);
    let mut wrong = right.clone();
    let mut statuses = Vec::new();
    for guess in 0..12 {
        wrong["identityNumber"] = json!(format!("0010000000{guess:02}"));
        let answer = service.ask_from("192.0.2.66", &wrong).await;
        if answer.status == 429 {
            assert_eq!(answer.json()["code"], "lookup-limit");
            let after: u64 = seconds(&answer.head);
            assert!((1..=300).contains(&after), "{after}");
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses[0], 200);
    assert!(statuses[4..].iter().all(|status| *status == 429), "{statuses:?}");
    assert_eq!(told(&service.ask_from("192.0.2.67", &right).await)["found"], true);
    // Bad questions are told by their field, and the field's text is not repeated.
    for (name, value) in [("gender", "bí mật"), ("identityNumber", "bí mật!"), ("fileCode", "")] {
        let mut bad = right.clone();
        bad[name] = json!(value);
        let answer = service.ask_from("192.0.2.68", &bad).await;
        let text = String::from_utf8(answer.body.clone()).expect("text");
        assert!(answer.status == 400 && !text.contains("bí mật"), "{text}");
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_personal_data_is_kept() {
    let service = asked(|_| {}).await;
    let paper: Value = serde_json::from_str(REFERRAL).expect("JSON");
    assert_eq!(service.sign("one", &order("referral", REFERRAL)).await.status, 201);
    assert_eq!(told(&service.ask_from("192.0.2.1", &fields(REFERRAL)).await)["found"], true);
    let directory = std::sync::Arc::clone(&service.directory);
    service.running.shutdown().await;
    let name = paper["patient"]["fullName"].as_str().expect("a name");
    let number = paper["patient"]["citizenId"].as_str().expect("a number");
    let words =
        [name.to_owned(), name.to_uppercase(), number.to_owned(), paper["number"].as_str().expect("text").to_owned()];
    let mut folders = vec![directory.path().to_owned()];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let octets = fs::read(&path).expect("a file");
            looked_at += 1;
            for word in &words {
                assert!(memchr::memmem::find(&octets, word.as_bytes()).is_none(), "{} holds {word}", path.display());
            }
        }
    }
    assert!(looked_at > 5, "{looked_at}");
}
