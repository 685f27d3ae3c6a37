//! How files get to the page, and answers from it: with script and without, large and empty, one and many.

use std::{fs, process::Command};

use antin::pki::Member;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    super::{CONTENT, pades::signed_paper},
    NARROW, Scene,
};
use crate::browser::{Browser, Options};

/// As a mouse does it.
const DROP: &str = "const held = new DataTransfer();
    for (const [name, text] of FILES) held.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
    const target = document.querySelector('.drop');
    for (const kind of ['dragenter', 'dragover', 'drop']) {
        target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: held }));
    }";

/// Plain forms do all of it.
#[tokio::test(flavor = "multi_thread")]
async fn without_script() {
    let scene = Scene::new(Options { runs_script: false, size: NARROW, ..Options::default() }).await;
    let (signature, _) = scene.service.issue("one", "detached").await;
    let (enveloping, _) = scene.service.issue("two", "enveloping").await;
    let (p7s, p7m) = (scene.file("so.p7s", &signature), scene.file("so.p7m", &enveloping));
    let content = scene.file("so.json", CONTENT);
    scene.browser.open(&scene.url("/")).await;
    let (outcome, _) = scene.check(&[&p7m]).await;
    assert!(outcome.contains("Hợp lệ"), "{outcome}");
    scene.browser.screenshot("vi-without-script").await;
    // Several at once.
    scene.browser.open(&scene.url("/?lang=en")).await;
    let empty = scene.file("empty.pdf", b"");
    scene.check(&[&p7m, &empty]).await;
    let count = scene.browser.evaluate("return document.querySelectorAll('#answers > .answer').length").await;
    assert_eq!(count, 2);
    scene.browser.open(&scene.url("/")).await;
    scene.browser.click("#check details summary").await;
    assert!(scene.browser.text("#check details").await.contains("sẽ được gửi lên"));
    scene.browser.choose_file("#signature", &p7s).await;
    let (outcome, _) = scene.check(&[&content]).await;
    assert!(outcome.contains("Hợp lệ"), "{outcome}");
    scene.is_quiet("").await;
}

/// 40 MB of content is more than the page takes: only digests of it can have been sent.
#[tokio::test(flavor = "multi_thread")]
async fn detached_content_stays_on_the_machine() {
    let scene = Scene::new(Options::default()).await;
    let pki = scene.service.pki();
    let content = scene.file("lớn.bin", &vec![0x41; 40 << 20]);
    let signature = scene.service.directory.path().join("lớn.p7s");
    let mut sign = Command::new("openssl");
    sign.args(["cms", "-sign", "-binary", "-cades", "-md", "sha256", "-outform", "DER", "-in"]).arg(&content);
    sign.arg("-signer").arg(Member::Health.certificate_path(&pki));
    sign.arg("-inkey").arg(Member::Health.key_path(&pki));
    sign.arg("-certfile").arg(Member::Ca.certificate_path(&pki)).arg("-out").arg(&signature);
    assert!(sign.status().expect("openssl").success());
    scene.browser.open(&scene.url("/")).await;
    scene.browser.click("#check details summary").await;
    assert!(scene.browser.text("#check details").await.contains("không rời khỏi máy"));
    scene.browser.choose_file("#signature", &signature).await;
    let (outcome, sentence) = scene.check(&[&content]).await;
    assert!(outcome.contains("Hợp lệ"), "{outcome} {sentence}");
    assert!(scene.browser.text("#answers .answer").await.contains("Chỉ mã băm được gửi lên"));
    scene.is_quiet("").await;
    // What would have to be sent and is too large is not sent at all.
    let large = scene.file("lon.pdf", &vec![0x42; 200 << 20]);
    scene.browser.open(&scene.url("/")).await;
    scene.browser.choose_file("#document", &large).await;
    scene.browser.click("#check button[type=submit]").await;
    assert!(scene.answer().await.1.contains("quá lớn"));
    assert!(scene.browser.text("#answers h2").await.contains("lon.pdf"));
    let empty = scene.file("rong.pdf", b"");
    scene.browser.open(&scene.url("/")).await;
    assert!(scene.check(&[&empty]).await.1.contains("rỗng"));
    scene.is_quiet("").await;
}

/// A stack of papers is dropped: an answer for each in their order, counted, and the focus where one goes on reading.
#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_dropped_and_counted() {
    let scene = Scene::new(Options::default()).await;
    let (signature, _) = scene.service.issue("one", "enveloping").await;
    let mut changed = signature.clone();
    let at = changed.windows(6).position(|window| window == b"Bundle").expect("the content");
    changed[at] ^= 0x20;
    let files = json!([
        ["một.p7m", STANDARD.encode(&signature)],
        ["hai.p7m", STANDARD.encode(&changed)],
        ["ba.pdf", ""],
        ["bốn.p7m", STANDARD.encode(&signature)],
    ]);
    scene.browser.open(&scene.url("/")).await;
    scene.browser.evaluate(&DROP.replace("FILES", &files.to_string())).await;
    scene.browser.wait_for("#answers > .answer:nth-of-type(4)").await;
    scene.browser.wait_for("#answers > .counted").await;
    assert_eq!(scene.browser.text(".counted").await, "Hợp lệ: 2 · Không hợp lệ: 1 · Chưa xác định: 1");
    let names = "return [...document.querySelectorAll('#answers > .answer')].map((own) => own.querySelector('.of').textContent)";
    assert_eq!(scene.browser.evaluate(names).await, json!(["một.p7m", "hai.p7m", "ba.pdf", "bốn.p7m"]));
    let said = "return [document.activeElement.className, document.getElementById('live').textContent]";
    let said = scene.browser.evaluate(said).await;
    assert_eq!(said[0], "counted");
    assert!(said[1].as_str().is_some_and(|said| said.contains("Hợp lệ: 2")), "{said}");
    scene.is_accessible().await;
    scene.browser.screenshot("vi-stack").await;
    scene.is_quiet("").await;
}

/// Who has more files than an address may have checked at once waits, without doing anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_is_too_high_goes_on_by_itself() {
    let service = super::Service::with(|config| config.page.checks_a_minute = 40);
    let scene = Scene { service: service.await, browser: Browser::shared(Options::default()).await };
    let (signature, _) = scene.service.issue("one", "enveloping").await;
    let files: Vec<_> = (0..23).map(|number| json!([format!("{number}.p7m"), STANDARD.encode(&signature)])).collect();
    scene.browser.open(&scene.url("/")).await;
    scene.browser.evaluate(&DROP.replace("FILES", &json!(files).to_string())).await;
    scene.browser.wait_for("#answers > .counted").await;
    assert_eq!(scene.browser.text(".counted").await, "Hợp lệ: 23 · Không hợp lệ: 0 · Chưa xác định: 0");
    scene.is_quiet("429").await;
}

/// What is too large for the page is told, not cut off, to a browser without script too; and so is an address that asks too often.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_without_script_is_told() {
    let options = Options { runs_script: false, size: NARROW, ..Options::default() };
    let service = super::Service::with(|config| config.page.checks_a_minute = 1);
    let scene = Scene { service: service.await, browser: Browser::shared(options).await };
    let large = scene.file("lon.pdf", &vec![0x42; 200 << 20]);
    scene.browser.open(&scene.url("/")).await;
    let (outcome, sentence) = scene.check(&[&large]).await;
    assert!(outcome.contains("Chưa xác định") && sentence.contains("dung lượng"), "{outcome} {sentence}");
    scene.browser.screenshot("vi-narrow-too-large").await;
    let usual = scene.file("vua.pdf", &vec![0x42; 8 << 20]);
    scene.browser.open(&scene.url("/")).await;
    scene.check(&[&usual]).await;
    assert!(scene.browser.text("#answers .code").await.contains("check-limit"));
    scene.is_quiet("4").await;
}

/// The receipt that an employer keeps is one that OpenSSL verifies; the printed answer says what the screen says.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_and_printed() {
    let service = crate::http::receipts::with_receipts(|_| {}).await;
    let scene = Scene { service, browser: Browser::shared(Options::default()).await };
    let pki = scene.service.pki();
    let paper = signed_paper(&scene.service).await;
    let paper = scene.file("phieu.pdf", &STANDARD.decode(paper["document"].as_str().expect("a PDF")).expect("base64"));
    scene.browser.open(&scene.url("/")).await;
    scene.browser.click("#check input[name=receipt]").await;
    let (outcome, sentence) = scene.check(&[&paper]).await;
    assert!(outcome.contains("Hợp lệ"), "{outcome} {sentence}");
    let receipt = scene.file("receipt.p7m", &scene.browser.save("#answers a.receipt", "phieu-receipt.p7m").await);
    let mut verify = Command::new("openssl");
    verify.args(["cms", "-verify", "-inform", "DER", "-purpose", "any", "-in"]).arg(&receipt);
    let verified = verify.arg("-CAfile").arg(Member::Root.certificate_path(&pki)).output().expect("openssl");
    let content = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && content.contains("\"outcome\":\"ACCEPT\""), "{content}");
    let printed = scene.file("printed.pdf", &scene.browser.print().await);
    fs::copy(&printed, concat!(env!("CARGO_MANIFEST_DIR"), "/target/browser/screenshots/printed.pdf")).expect("copied");
    let text = Command::new("pdftotext").arg("-layout").arg(&printed).arg("-").output().expect("pdftotext");
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for wanted in ["Hợp lệ", "phieu.pdf", "Còn hiệu lực", "Kiểm tra lúc"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("Tải biên nhận") && !text.contains("Chọn tệp"), "{text}");
    scene.is_quiet("").await;
}

/// A paper that is good, but not for this.
#[tokio::test(flavor = "multi_thread")]
async fn a_purpose_is_asked_for() {
    let service = super::Service::with(|config| {
        let health = config.kinds.iter_mut().find(|kind| kind.name == "health-book").expect("health books");
        health.purposes = vec!["treatment".into(), "insurance".into()];
        let other = config.kinds.iter_mut().find(|kind| kind.name == "referral").expect("referrals");
        other.purposes = vec!["recruitment".into()];
    });
    let scene = Scene { service: service.await, browser: Browser::shared(Options::default()).await };
    let (signature, _) = scene.service.issue("one", "enveloping").await;
    let file = scene.file("so.p7m", &signature);
    for (purpose, expected, words) in
        [("treatment", "Hợp lệ", "Khám bệnh, chữa bệnh"), ("recruitment", "Không hợp lệ", "Tuyển dụng")]
    {
        scene.browser.open(&scene.url("/")).await;
        scene.is_accessible().await;
        scene.browser.click(&format!("#purpose option[value={purpose}]")).await;
        let (outcome, sentence) = scene.check(&[&file]).await;
        assert_eq!(outcome, expected, "{sentence}");
        assert!(scene.browser.text("#answers dl").await.contains(words));
    }
    scene.is_quiet("").await;
}

/// A file and its signature are recognised, however they come; a file without a signature in it is sent in no case.
#[tokio::test(flavor = "multi_thread")]
async fn content_is_never_sent() {
    let scene = Scene::new(Options::default()).await;
    let (signature, _) = scene.service.issue("one", "detached").await;
    let (content, signature) =
        (json!(["so.json", STANDARD.encode(CONTENT)]), json!(["so.json.p7s", STANDARD.encode(&signature)]));
    let other = json!(["ghi-chú.txt", STANDARD.encode("not signed by anybody")]);
    // What a form has in it when it is sent.
    let hear = "window.sent = []; const send = XMLHttpRequest.prototype.send;
        XMLHttpRequest.prototype.send = function (form) { window.sent.push(...[...form.keys()]); return send.call(this, form); };";
    for (files, count, outcome) in [
        (json!([content, signature]), 1, "Hợp lệ"),
        (json!([signature, content, other]), 2, "Hợp lệ"),
        (json!([content]), 1, "Chưa xác định"),
    ] {
        scene.browser.open(&scene.url("/")).await;
        scene.browser.evaluate(hear).await;
        scene.browser.evaluate(&DROP.replace("FILES", &files.to_string())).await;
        scene
            .browser
            .wait_for(&format!("#answers > .answer:last-child:nth-child({})", if count > 1 { count + 1 } else { 1 }))
            .await;
        assert_eq!(scene.browser.text("#answers .answer .outcome").await, outcome);
        let sent = scene.browser.evaluate("return window.sent").await;
        let sent: Vec<&str> = sent.as_array().expect("names").iter().filter_map(|name| name.as_str()).collect();
        assert!(!sent.contains(&"document") && sent.contains(&"sha-256") == (outcome == "Hợp lệ"), "{sent:?}");
    }
    assert!(scene.browser.text("#answers .answer").await.contains("không được gửi đi"));
    // Who opened the place for signatures is asked for both first.
    scene.browser.open(&scene.url("/")).await;
    scene.browser.evaluate(hear).await;
    scene.browser.click("#check details summary").await;
    scene.browser.evaluate(&DROP.replace("FILES", &json!([content]).to_string())).await;
    scene.browser.evaluate(&DROP.replace("FILES", &json!([signature]).to_string())).await;
    assert_eq!(scene.browser.evaluate("return window.sent.length").await, 0);
    scene.browser.click("#check button[type=submit]").await;
    assert_eq!(scene.answer().await.0, "Hợp lệ");
    scene.is_quiet("").await;
}
