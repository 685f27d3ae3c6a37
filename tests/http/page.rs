//! The page for people, as a browser without script meets it.

use antin::{config::Config, core::cms::SignedData, pki::Member};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    CONTENT, Service,
    client::{Answer, Request},
    lookup::{REFERRAL, fields, order, seconds},
    receipts::with_receipts,
};

pub(super) const FORM: &str = "application/x-www-form-urlencoded";

impl Service {
    /// Files as a form has them: name of the field, name of the file, octets.
    pub(super) async fn check(&self, language: &str, parts: &[(&str, &str, &[u8])]) -> Answer {
        self.public(Request::files(&format!("/check?lang={language}"), parts)).await
    }
}

/// What every answer of the page has; and its text.
pub(super) fn html(answer: &Answer) -> String {
    let head = answer.head.to_ascii_lowercase();
    for wanted in [
        "content-type: text/html; charset=utf-8",
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self';",
        "frame-ancestors 'none'",
        "x-frame-options: deny",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        assert!(head.contains(wanted), "{wanted}: {head}");
    }
    assert!(!head.contains("set-cookie"), "{head}");
    let text = String::from_utf8(answer.body.clone()).expect("text");
    // Nothing inline, nothing from elsewhere.
    assert!(!text.contains(" style=") && !text.contains("<style") && !text.contains(" onclick"), "{text}");
    assert!(
        text.matches("<script").count() == 1 && text.contains("<script type=\"module\" src=\"/assets/antin-"),
        "{text}"
    );
    for rest in text.split("src=\"").skip(1) {
        assert!(rest.starts_with("/assets/"), "{rest}");
    }
    text
}

/// The outcomes of the answers in a page, in their order.
pub(super) fn outcomes(text: &str) -> Vec<&str> {
    text.split("<article class=\"answer ").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_answered_by_a_sentence_a_colour_and_its_reasons() {
    let service = Service::start().await;
    let (signature, id) = service.issue("one", "enveloping").await;
    let vietnamese = html(&service.check("vi", &[("document", "so-suc-khoe.p7m", &signature)]).await);
    for words in [
        "lang=\"vi\"",
        "Hợp lệ",
        "Sổ sức khỏe điện tử",
        "so-suc-khoe.p7m",
        "Còn hiệu lực",
        "Đường dẫn tin cậy",
        &id,
        "5.2.7",
    ] {
        assert!(vietnamese.contains(words), "{words}: {vietnamese}");
    }
    assert_eq!(outcomes(&vietnamese), ["accept"]);
    let english = html(&service.check("en", &[("document", "book.p7m", &signature)]).await);
    for words in ["lang=\"en\"", "Valid", "Electronic health book", "In force", "Chain of trust", "Time line"] {
        assert!(english.contains(words), "{words}: {english}");
    }
    let form = html(&service.public(Request::get("/").header("Accept-Language", "en-GB,vi;q=0.5")).await);
    assert!(form.contains("<html lang=\"en\"") && form.contains("href=\"/?lang=vi\""), "{form}");
    let form = html(&service.public(Request::get("/").header("Accept-Language", "fr")).await);
    assert!(form.contains("<html lang=\"vi\"") && form.len() < 12_000, "{} octets", form.len());

    let mut changed = signature.clone();
    let at = changed.windows(6).position(|window| window == b"Bundle").expect("the content");
    changed[at] ^= 0x20;
    let page = html(&service.check("vi", &[("document", "b.p7m", &changed)]).await);
    assert_eq!(outcomes(&page), ["reject"]);
    assert!(page.contains("Không hợp lệ") && page.contains("đã bị thay đổi"), "{page}");

    let path = format!("/v1/documents/{id}/status");
    let withdrawn = Request::json(&path, &json!({"state": "withdrawn", "reason": "a mistake"}));
    assert_eq!(service.as_member(Member::IssuingSystem, withdrawn).await.status, 200);
    let page = html(&service.check("en", &[("document", "b.p7m", &signature)]).await);
    assert_eq!(outcomes(&page), ["reject"]);
    assert!(page.contains("Withdrawn"), "{page}");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn detached_signatures_several_files_and_none() {
    let service = Service::start().await;
    let (signature, _) = service.issue("one", "detached").await;
    let both = service.check("en", &[("signature", "b.p7s", &signature), ("document", "b.json", CONTENT)]).await;
    assert_eq!(outcomes(&html(&both)), ["accept"]);
    let other = service.check("en", &[("document", "b.json", b"{}"), ("signature", "b.p7s", &signature)]).await;
    assert_eq!(outcomes(&html(&other)), ["reject"]);
    let alone = html(&service.check("en", &[("signature", "b.p7s", &signature), ("document", "", b"")]).await);
    assert_eq!(outcomes(&alone), ["undetermined"]);

    let digest = hex::encode(antin::core::crypto::sha256(CONTENT));
    let parts: [(&str, &str, &[u8]); 3] = [
        ("signature", "b.p7s", &signature),
        ("name", "", b"C:\\fakepath\\book.json"),
        ("sha-256", "", digest.as_bytes()),
    ];
    let page = html(&service.check("en", &parts).await);
    assert_eq!(outcomes(&page), ["accept"]);
    assert!(page.contains("the content stayed on your machine") && page.contains("<bdi>book.json</bdi>"), "{page}");
    let wrong = service.check("en", &[("signature", "b.p7s", &signature), ("sha-256", "", b"00")]).await;
    assert_eq!((wrong.status, outcomes(&html(&wrong))), (400, vec!["undetermined"]));

    let (enveloping, _) = service.issue("two", "enveloping").await;
    let several: [(&str, &str, &[u8]); 4] = [
        ("document", "good.p7m", &enveloping),
        ("document", "empty.pdf", b""),
        ("document", "letter.txt", b"Dear Sir or Madam"),
        ("document", "unsigned.pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"),
    ];
    let answer = service.check("en", &several).await;
    let page = html(&answer);
    assert_eq!((answer.status, outcomes(&page)), (200, vec!["accept", "undetermined", "undetermined", "undetermined"]));
    assert!(
        page.contains("empty (0 bytes)") && page.contains("letter.txt") && page.contains("unreadable-document"),
        "{page}"
    );

    let nothing = service.check("en", &[("document", "", b""), ("signature", "", b"")]).await;
    assert!(nothing.status == 400 && html(&nothing).contains("Choose at least one file"));
    let many: Vec<(&str, &str, &[u8])> = (0..11).map(|_| ("document", "a", &b"a"[..])).collect();
    assert_eq!(service.check("en", &many).await.status, 400);
    let unknown = service.check("en", &[("documents", "a", b"a")]).await;
    assert_eq!((unknown.status, outcomes(&html(&unknown))), (400, vec!["undetermined"]));
    let large = vec![b'a'; 17 << 20];
    let refused = service.check("vi", &[("document", "to.pdf", &large)]).await;
    assert_eq!((refused.status, outcomes(&html(&refused))), (413, vec!["undetermined"]));
    let no_form = service.public(Request::post("/check", "text/plain", "a")).await;
    assert_eq!((no_form.status, outcomes(&html(&no_form))), (415, vec!["undetermined"]));
    let back = service.public(Request::get("/check?lang=en")).await;
    assert!(back.status == 303 && back.head.contains("location: /?lang=en"), "{back:?}");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h08_names_of_files_and_addresses_are_inert() {
    let service = Service::start().await;
    let (signature, _) = service.issue("one", "enveloping").await;
    for name in ["../../etc/passwd", "..\\..\\win.ini", "/etc/shadow"] {
        let page = html(&service.check("en", &[("document", name, &signature)]).await);
        let last = name.rsplit(['/', '\\']).next().expect("a name");
        assert!(page.contains(&format!("<bdi>{last}</bdi>")) && !page.contains("etc/"), "{page}");
    }
    let name = "giay\u{202E}fdp.exe о";
    let page = html(&service.check("vi", &[("document", name, &signature)]).await);
    assert!(!page.contains('\u{202E}') && page.contains("<mark class=\"odd\">\\u{202e}</mark>"), "{page}");
    assert!(page.contains("<mark class=\"odd\">о</mark>") && page.contains("Chú ý"), "{page}");
    for path in [
        "/assets/..%2f..%2fCargo.toml",
        "/assets/../antin.toml",
        "/assets/antin.css",
        "/d/..%2f..%2fetc",
        "/d/%00",
        "/d/1",
        "/check/x",
    ] {
        assert_eq!(service.public(Request::get(path)).await.status, 404, "{path}");
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h09_markup_in_what_others_wrote_is_text() {
    let service = asked(|_| {}).await;
    let (signature, _) = service.issue("one", "enveloping").await;
    let script = "\"><script>alert(1)</script><img src=x onerror=alert(2)>";
    let quoted = script.replace('"', "%22");
    for name in [script, &quoted, "' onmouseover='alert(1)", "{{7*7}}", "javascript:alert(1)"] {
        // As browsers send quotes in names.
        let page = html(&service.check("en", &[("document", &name.replace('"', "%22"), &signature)]).await);
        assert!(!page.contains("<script>") && !page.contains("<img src=x"), "{page}");
        assert!(name != "{{7*7}}" || page.contains("<bdi>{{7*7}}</bdi>"), "{page}");
    }
    let hostile =
        "fileCode=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&fullName=%3Cb%3E&birthDate=1&gender=%22&identityNumber=%27";
    let answer = service.public(Request::post("/lookup", FORM, hostile)).await;
    let page = html(&answer);
    assert!(answer.status == 400 && !page.contains("<script>") && !page.contains("<b>"), "{page}");
    assert!(page.contains("aria-invalid=\"true\""), "{page}");
    let page = html(&service.public(Request::get("/?lang=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).await);
    assert!(!page.contains("alert("), "{page}");
    service.running.shutdown().await;
}

/// A service of which the public may ask by the five fields.
pub(super) async fn asked(change: impl FnOnce(&mut Config)) -> Service {
    Service::with(|config| {
        let folder = config.registry.path.parent().expect("a folder").to_owned();
        std::fs::write(folder.join("lookup.key"), (0..32_u8).map(|index| index * 7 + 1).collect::<Vec<_>>())
            .expect("written");
        config.lookup.key = Some(folder.join("lookup.key"));
        config.public.trusted_proxies = vec!["127.0.0.1".to_owned().try_into().expect("an address")];
        change(config);
    })
    .await
}

/// The five fields of a paper as a form sends them.
fn form(document: &str, changed: Option<(&str, &str)>) -> String {
    let all = fields(document);
    let value = |name: &str| match changed {
        Some((other, value)) if other == name => value.to_owned(),
        _ => all[name].as_str().expect("text").to_owned(),
    };
    let encoded = |text: &str| text.bytes().map(|octet| format!("%{octet:02X}")).collect::<String>();
    let names = ["fileCode", "fullName", "birthDate", "gender", "identityNumber"];
    names.map(|name| format!("{name}={}", encoded(&value(name)))).join("&")
}

#[tokio::test(flavor = "multi_thread")]
async fn h10_an_id_says_nothing_without_the_five_fields() {
    let service = asked(|_| {}).await;
    let signed = service.sign("one", &order("referral", REFERRAL)).await;
    let id = signed.json()["id"].as_str().expect("an id").to_owned();
    let ask = async |address: &str, path: &str, body: String| {
        let request = Request::post(path, FORM, body).header("X-Forwarded-For", address);
        service.public(request.header("Accept-Language", "en")).await
    };
    let (there, nowhere) = (format!("/d/{id}"), "/d/00112233445566778899aabbccddeeff".to_owned());
    // The page is the same whether there is such a document or not.
    let pages = [&there, &nowhere].map(|path| path.as_str());
    let mut texts = Vec::new();
    for path in pages {
        texts.push(html(&service.public(Request::get(path)).await).replace(path, "/d/…"));
    }
    assert_eq!(texts[0], texts[1]);
    let found = ask("192.0.2.1", &there, form(REFERRAL, None)).await;
    let page = html(&found);
    assert_eq!((found.status, outcomes(&page)), (200, vec!["issued"]));
    for words in ["In force", "signature is valid", "Sông Ngân", "Issued"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // Nothing of what was entered comes back with it.
    assert!(
        !page.contains("identityNumber") && !page.contains(fields(REFERRAL)["fullName"].as_str().expect("a name")),
        "{page}"
    );
    let wrong = ask("192.0.2.2", &there, form(REFERRAL, Some(("fullName", "Nguyễn Văn Không")))).await;
    let other = ask("192.0.2.3", &nowhere, form(REFERRAL, None)).await;
    let same = |answer: &Answer, path: &str| html(answer).replace(path, "/d/…");
    assert_eq!(same(&wrong, &there), same(&other, &nowhere));
    assert_eq!(outcomes(&html(&wrong)), ["undetermined"]);
    assert_eq!(outcomes(&html(&ask("192.0.2.4", "/lookup", form(REFERRAL, None)).await)), ["issued"]);

    // Guesses are slowed, and told so honestly.
    let mut later = None;
    for _ in 0..20 {
        let answer = ask("192.0.2.9", &there, form(REFERRAL, Some(("birthDate", "1901-01-01")))).await;
        if answer.status == 429 {
            later = Some(answer);
            break;
        }
        assert_eq!(answer.status, 200);
    }
    let later = later.expect("limited");
    assert!(seconds(&later.head) > 0 && html(&later).contains("many questions"), "{later:?}");
    service.running.shutdown().await;
}

/// Form 2 of the judicial record certificate is confirmed to nobody.
#[tokio::test(flavor = "multi_thread")]
async fn form_2_is_never_confirmed() {
    const FORM_2: &str = include_str!("../../testvectors/documents/judicial-certificate-2.json");
    let service = asked(|_| {}).await;
    let signed = service.sign("one", &order("judicial-certificate-2", FORM_2)).await;
    assert_eq!(signed.status, 201, "{signed:?}");
    let id = signed.json()["id"].as_str().expect("an id").to_owned();
    let paper: serde_json::Value = serde_json::from_str(FORM_2).expect("JSON");
    let given = |name: &str| paper.pointer(name).and_then(|value| value.as_str()).unwrap_or("x1234567").to_owned();
    let body = [
        ("fileCode", given("/number")),
        ("fullName", given("/person/fullName")),
        ("birthDate", given("/person/birthDate")),
        ("gender", given("/person/gender")),
        ("identityNumber", given("/person/citizenId")),
    ];
    let encoded = |text: &str| text.bytes().map(|octet| format!("%{octet:02X}")).collect::<String>();
    let body = body.map(|(name, value)| format!("{name}={}", encoded(&value))).join("&");
    let answer = service.public(Request::post(&format!("/d/{id}"), FORM, body)).await;
    assert_eq!((answer.status, outcomes(&html(&answer))), (200, vec!["undetermined"]), "{}", html(&answer));
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_its_share_of_checks_and_machines_theirs() {
    let service = asked(|config| config.page.checks_a_minute = 6).await;
    let (signature, _) = service.issue("one", "enveloping").await;
    let check = async |address: &str| {
        let request = Request::files("/check?lang=en", &[("document", "a.p7m", &signature)]);
        service.public(request.header("X-Forwarded-For", address)).await
    };
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(check("192.0.2.1").await.status);
    }
    assert_eq!(statuses, [[200; 6].as_slice(), &[429; 2]].concat());
    let refused = check("192.0.2.1").await;
    assert!((1..=10).contains(&seconds(&refused.head)) && html(&refused).contains("many questions"), "{refused:?}");
    assert_eq!(check("192.0.2.2").await.status, 200);
    let machine =
        Request::post("/v1/verify", "application/pkcs7-mime", signature.clone()).header("X-Forwarded-For", "192.0.2.1");
    assert_eq!(service.public(machine).await.reliance().0, "ACCEPT");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_page_there_is_the_api_alone() {
    let service = Service::with(|config| config.page.enabled = false).await;
    for path in ["/", "/check", "/lookup", "/docs", "/d/00112233445566778899aabbccddeeff"] {
        assert_eq!(service.public(Request::get(path)).await.code(), "not-found", "{path}");
    }
    let service = Service::start().await;
    for path in ["/lookup", "/d/00112233445566778899aabbccddeeff"] {
        let answer = service.public(Request::get(path)).await;
        assert_eq!(answer.status, 404, "nobody can ask here");
        assert!(!html(&answer).contains("href=\"/lookup\""));
    }
    let docs = html(&service.public(Request::get("/docs")).await);
    assert!(docs.contains("POST /v1/sign") && docs.contains("curl "), "{docs}");
    // What the page is made of is there, and may be kept for ever.
    let form = html(&service.public(Request::get("/")).await);
    let mut octets = form.len();
    for asset in form.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
        let answer = service.public(Request::get(&format!("/assets/{asset}"))).await;
        assert!(answer.status == 200 && answer.head.contains("immutable"), "{asset}: {answer:?}");
        octets += answer.body.len();
    }
    assert!(octets < 60_000, "{octets} octets for the first view");
    service.running.shutdown().await;
}

/// The receipt that comes with an answer is the one that software gets.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_can_be_taken_along() {
    let service = with_receipts(|_| {}).await;
    let (signature, id) = service.issue("one", "enveloping").await;
    let form = html(&service.public(Request::get("/")).await);
    assert!(form.contains("name=\"receipt\""), "{form}");
    let page = html(&service.check("en", &[("document", "a.p7m", &signature), ("receipt", "", b"1")]).await);
    assert_eq!(outcomes(&page), ["accept"]);
    let encoded = page.split("data:application/pkcs7-mime;base64,").nth(1).and_then(|rest| rest.split('"').next());
    let receipt = STANDARD.decode(encoded.expect("a receipt")).expect("base64");
    let message = SignedData::decode(&receipt).expect("a message");
    let said: serde_json::Value = serde_json::from_slice(message.content.expect("content")).expect("JSON");
    assert_eq!((&said["reliance"]["outcome"], &said["document"]["id"]), (&json!("ACCEPT"), &json!(id)));
    assert_eq!(said["receipt"]["fileSha256"], hex::encode(antin::core::crypto::sha256(&signature)));
    let without = html(&service.check("en", &[("document", "a.p7m", &signature)]).await);
    assert!(!without.contains("data:"), "{without}");
    service.running.shutdown().await;
}
