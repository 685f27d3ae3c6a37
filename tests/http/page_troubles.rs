//! What the page says when something goes wrong, or is not quite well: to people, in words that help them.

use std::time::{Duration, Instant};

use antin::{
    config::Config,
    core::pdf::{document::Document, object::Dictionary, update::Update},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    CONTENT, Service,
    client::{Answer, Request},
    lookup::{REFERRAL, fields},
    page::{FORM, asked, html, outcomes},
};

/// What goes wrong is told in words for people, with what they need to mend it.
#[tokio::test(flavor = "multi_thread")]
async fn what_went_wrong_is_told_to_people() {
    let service = asked(|_| {}).await;
    let ask = async |name: &str, value: &str| {
        let mut given = fields(REFERRAL);
        given[name] = json!(value);
        let encoded = |text: &str| text.bytes().map(|octet| format!("%{octet:02X}")).collect::<String>();
        let pairs = given.as_object().expect("fields").iter();
        let body = pairs.map(|(name, value)| format!("{name}={}", encoded(value.as_str().expect("text"))));
        let answer = service.public(Request::post("/lookup?lang=vi", FORM, body.collect::<Vec<_>>().join("&"))).await;
        (answer.status, html(&answer))
    };
    let (status, page) = ask("birthDate", "28/02/91").await;
    assert_eq!(status, 400, "{page}");
    assert!(page.contains("Chưa đúng cách viết: Ngày sinh") && page.contains("31/12/1990"), "{page}");
    assert!(page.contains("name=\"birthDate\" value=\"28/02/91\"") && page.contains("aria-invalid=\"true\""), "{page}");
    let (status, page) = ask("gender", "").await;
    assert!(status == 400 && page.contains("Giới tính"), "{status} {page}");
    assert!(!page.contains("field.") && !page.contains("detail."), "{page}");

    let files = [("document", "a.p7m", CONTENT); 11];
    let page = html(&service.check("en", &files).await);
    assert!(page.contains("Choose 10 files at most"), "{page}");
    let pair = [("document", "a", CONTENT), ("document", "b", CONTENT), ("signature", "c.p7s", CONTENT)];
    assert!(html(&service.check("vi", &pair).await).contains("chỉ đi với một tệp nội dung"));
    let large = vec![0_u8; service_limit()];
    let refused = service.check("en", &[("document", "a.p7m", &large)]).await;
    assert_eq!(refused.status, 413);
    assert!(html(&refused).contains("(16 MB)"), "{}", html(&refused));

    // Whoever mistypes an address gets a page; software gets what it can read.
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let lost = service.public(Request::get("/lookup/").header("Accept", browser)).await;
    assert!(lost.status == 404 && html(&lost).contains("href=\"/\""), "{lost:?}");
    assert_eq!(service.public(Request::get("/lookup/")).await.code(), "not-found");
    let (signature, _) = service.issue("one", "enveloping").await;
    let tried = Request::multipart("/v1/verify", &[("document", &signature)]).header("Accept", browser);
    assert_eq!(service.public(tried).await.reliance().0, "ACCEPT");
    service.running.shutdown().await;
}

/// More than a body may have.
fn service_limit() -> usize {
    Config::default().limits.body_bytes + 1
}

/// A line of 25 kB a second is slow, and no reason to be sent away; one that stands still is.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_line_is_served_as_long_as_it_moves() {
    let service = asked(|config| config.limits.body_seconds = 2).await;
    let (signature, _) = service.issue("one", "enveloping").await;
    let padding = vec![b'x'; 150_000];
    let request =
        Request::files("/check?lang=en", &[("document", "a.p7m", &signature), ("document", "b.txt", &padding)]);
    let octets = request.bytes();
    let send = async |octets: &[u8], is_whole: bool| {
        let mut stream = TcpStream::connect(service.running.public).await.expect("a connection");
        for piece in octets.chunks(10_000) {
            stream.write_all(piece).await.expect("sent");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let mut answer = Vec::new();
        if is_whole {
            stream.shutdown().await.expect("the end");
        }
        stream.read_to_end(&mut answer).await.expect("an answer");
        Answer::read(&answer)
    };
    let started = Instant::now();
    let served = send(&octets, true).await;
    assert!(started.elapsed() > Duration::from_secs(4));
    assert_eq!((served.status, outcomes(&html(&served))), (200, vec!["accept", "undetermined"]));
    let stopped = send(&octets[..20_000], false).await;
    assert_eq!(stopped.status, 408);
    assert!(html(&stopped).contains("did not arrive whole"), "{}", html(&stopped));
    service.running.shutdown().await;
}

/// A paper that is signed with something unseen in it is accepted, and the reader told.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_verdict_warns_of_is_beside_it() {
    const PAPER: &[u8] = include_bytes!("../../testvectors/documents/judicial-certificate.pdf");
    let document = Document::read(PAPER).expect("a PDF");
    let mut update = Update::new(&document);
    update.add_stream(Dictionary::default(), b"q 1 1 1 rg 60 180 500 330 re f Q".to_vec());
    let prepared = [PAPER, &update.finish().expect("an update").octets].concat();
    let service = Service::start().await;
    let order = json!({
        "kind": "judicial-certificate", "document": STANDARD.encode(&prepared), "mediaType": "application/pdf", "format": "pades",
        "level": "B-B"
    });
    let signed = service.sign("one", &order).await;
    assert_eq!(signed.status, 201, "{signed:?}");
    let signed = STANDARD.decode(signed.json()["document"].as_str().expect("a PDF")).expect("base64");
    let page = html(&service.check("en", &[("document", "a.pdf", &signed)]).await);
    assert_eq!(outcomes(&page), ["accept"], "{page}");
    let (before, _) = page.split_once("<details").expect("details");
    assert!(before.contains("content that is not shown"), "{page}");
    service.running.shutdown().await;
}
