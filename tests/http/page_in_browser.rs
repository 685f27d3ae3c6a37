//! The page in a real browser: every way through it, in both languages, wide and narrow, light and dark, with script and without; judged by axe, by
//! the console, by what was asked of whom. Screenshots are left in `target/browser/screenshots`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use antin::{
    config::Config,
    core::pdf::{
        document::Document,
        object::{Dictionary, Object},
        page,
        update::Update,
    },
    pki::Member,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    Service,
    lookup::{REFERRAL, fields, order},
    pades::signed_paper,
};
use crate::browser::{Browser, ColourScheme, Key, Options, SharedBrowser};

const NARROW: (u32, u32) = (360, 740);

/// A service with all that the page can do, and files to be checked beside it.
struct Scene {
    service: Service,
    browser: SharedBrowser,
}

impl Scene {
    async fn new(options: Options) -> Self {
        let service = Service::with(|config| {
            config.page.checks_a_minute = 6000;
            open_to_lookup(config);
        })
        .await;
        Self { service, browser: Browser::shared(options).await }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service.running.public)
    }

    fn file(&self, name: &str, octets: &[u8]) -> PathBuf {
        let path = self.service.directory.path().join(name);
        fs::write(&path, octets).expect("written");
        path
    }

    /// Nobody else was asked for anything, and nothing went wrong; what is `expected` of the console may be there.
    async fn is_quiet(&self, expected: &str) {
        let own = self.url("/");
        for url in self.browser.requests().await {
            assert!(url.starts_with(&own), "{url}");
        }
        for line in self.browser.console().await {
            assert!(!expected.is_empty() && line.contains(expected), "{line}");
        }
    }

    async fn is_accessible(&self) {
        assert_eq!(self.browser.violations().await, [""; 0]);
        let wide = self.browser.evaluate("return document.documentElement.scrollWidth - innerWidth").await;
        assert!(wide.as_i64().is_some_and(|wide| wide <= 0), "{wide} pixels beyond the window");
    }

    /// Has files checked with the form, and gives what is said of the first: outcome and sentence.
    async fn check(&self, files: &[&Path]) -> (String, String) {
        for file in files {
            self.browser.choose_file("#document", file).await;
        }
        self.browser.click("#check button[type=submit]").await;
        self.answer().await
    }

    async fn answer(&self) -> (String, String) {
        self.browser.wait_for("#answers .answer").await;
        (self.browser.text("#answers .answer h2").await, self.browser.text("#answers .answer .sentence").await)
    }
}

fn open_to_lookup(config: &mut Config) {
    let folder = config.registry.path.parent().expect("a folder").to_owned();
    fs::write(folder.join("lookup.key"), (1..33_u8).collect::<Vec<_>>()).expect("written");
    config.lookup.key = Some(folder.join("lookup.key"));
}

/// A signed PDF with a revision behind it that paints over what was signed.
fn overlaid(paper: &[u8]) -> Vec<u8> {
    let document = Document::read(paper).expect("a PDF");
    let first = *page::pages(&document).expect("pages").first().expect("a page");
    let mut update = Update::new(&document);
    let cover = update.add_stream(Dictionary::default(), b"q 1 1 1 rg 60 180 500 330 re f Q".to_vec());
    let shown = update.dictionary(first).expect("a page");
    let mut contents = match shown.get(b"Contents").map(|contents| &contents.object) {
        Some(Object::Array(contents)) => contents.iter().map(|one| one.object.clone()).collect(),
        Some(content) => vec![content.clone()],
        None => Vec::new(),
    };
    contents.push(Object::Reference(cover));
    update.put(first, Object::Dictionary(shown.with("Contents", Object::of_array(contents))));
    [paper, &update.finish().expect("an update").octets].concat()
}

fn words<'a>(language: &str, vi: &'a str, en: &'a str) -> &'a str {
    if language == "vi" { vi } else { en }
}

/// The employer's way: a file is chosen, an answer comes, for each outcome.
async fn an_employer_gets_an_answer(options: Options, name: &str) {
    let scene = Scene::new(options).await;
    let language = options.language;
    let (signature, id) = scene.service.issue("one", "enveloping").await;
    let good = scene.file("so-suc-khoe.p7m", &signature);
    scene.browser.open(&scene.url("/")).await;
    scene.is_accessible().await;
    scene.browser.screenshot(&format!("{name}-form")).await;
    let (outcome, _) = scene.check(&[&good]).await;
    assert!(outcome.contains(words(language, "Hợp lệ", "Valid")), "{outcome}");
    // The verdict is where the reader is, and was announced.
    let said = scene
        .browser
        .evaluate("return [document.activeElement.tagName, document.getElementById('live').textContent]")
        .await;
    assert_eq!(said[0], "H2");
    assert!(said[1].as_str().is_some_and(|said| said.contains(words(language, "Hợp lệ", "Valid"))), "{said}");
    scene.browser.click("#answers .signature details summary").await;
    scene.is_accessible().await;
    scene.browser.screenshot(&format!("{name}-accept")).await;
    scene.is_quiet("").await;

    let mut changed = signature.clone();
    let at = changed.windows(6).position(|window| window == b"Bundle").expect("the content");
    changed[at] ^= 0x20;
    let changed = scene.file("da-sua.p7m", &changed);
    scene.browser.open(&scene.url("/")).await;
    let (outcome, sentence) = scene.check(&[&changed]).await;
    assert!(outcome.contains(words(language, "Không hợp lệ", "Not valid")), "{outcome}");
    assert!(sentence.contains(words(language, "bị thay đổi", "changed")), "{sentence}");
    scene.is_accessible().await;
    scene.browser.screenshot(&format!("{name}-reject")).await;

    let letter = scene.file("thu.pdf", b"\x89PNG\r\n\x1a\n a picture that is called a PDF");
    scene.browser.open(&scene.url("/")).await;
    let (outcome, _) = scene.check(&[&letter]).await;
    assert!(outcome.contains(words(language, "Chưa xác định", "Not determined")), "{outcome}");
    scene.is_accessible().await;
    scene.browser.screenshot(&format!("{name}-undetermined")).await;

    for path in ["/lookup".to_owned(), format!("/d/{id}"), "/docs".to_owned()] {
        scene.browser.open(&scene.url(&path)).await;
        scene.is_accessible().await;
        scene.browser.screenshot(&format!("{name}{}", path.replace(&id, "id").replace('/', "-"))).await;
    }
    scene.is_quiet("422").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_vietnamese_on_a_wide_screen() {
    an_employer_gets_an_answer(Options::default(), "vi-wide").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_english_on_a_telephone_in_the_dark() {
    let options = Options { language: "en", size: NARROW, colour_scheme: ColourScheme::Dark, ..Options::default() };
    an_employer_gets_an_answer(options, "en-narrow-dark").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_vietnamese_on_a_telephone() {
    an_employer_gets_an_answer(Options { size: NARROW, ..Options::default() }, "vi-narrow").await;
}

/// 1280 pixels at four times the size are 320 (WCAG 2.2, 1.4.10); twice the size is 1.4.4.
#[tokio::test(flavor = "multi_thread")]
async fn in_english_enlarged() {
    let options = Options { language: "en", zoom: 400, reduces_motion: true, ..Options::default() };
    an_employer_gets_an_answer(options, "en-zoomed").await;
}

/// Plain forms do all of it.
#[tokio::test(flavor = "multi_thread")]
async fn without_script() {
    let scene = Scene::new(Options { runs_script: false, size: NARROW, ..Options::default() }).await;
    let (signature, _) = scene.service.issue("one", "detached").await;
    let (enveloping, _) = scene.service.issue("two", "enveloping").await;
    let (p7s, p7m) = (scene.file("so.p7s", &signature), scene.file("so.p7m", &enveloping));
    let content = scene.file("so.json", super::CONTENT);
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
    scene.browser.wait_for("#message:not(:empty)").await;
    assert!(scene.browser.text("#message").await.contains("quá lớn"));
    let empty = scene.file("rong.pdf", b"");
    scene.browser.open(&scene.url("/")).await;
    assert!(scene.check(&[&empty]).await.1.contains("rỗng"));
    scene.is_quiet("").await;
}

/// Names that are meant to run, to turn the text around, or to look like others.
#[tokio::test(flavor = "multi_thread")]
async fn h09_hostile_names_do_nothing() {
    let scene = Scene::new(Options::default()).await;
    let (signature, _) = scene.service.issue("one", "enveloping").await;
    for name in [
        "\"><img src=x onerror=\"document.title='taken'\">.p7m",
        "<script>document.title='taken'<∕script>.p7m",
        "giay\u{202E}fdp.p7m",
    ] {
        let file = scene.file(name, &signature);
        scene.browser.open(&scene.url("/")).await;
        let (outcome, _) = scene.check(&[&file]).await;
        assert!(outcome.contains("Hợp lệ"), "{outcome}");
        let title = scene.browser.evaluate("return document.title").await;
        assert!(title.as_str().is_some_and(|title| title.contains("ấn tín")), "{title}");
        let added =
            scene.browser.evaluate("return document.querySelectorAll('#answers img, #answers script').length").await;
        assert_eq!(added, 0);
    }
    scene.browser.screenshot("vi-hostile-name").await;
    assert!(scene.browser.text("#answers .answer").await.contains("Chú ý"));
    scene.is_quiet("").await;
    // A page of another address cannot frame it, nor can what somebody puts into the page run.
    let run = "const script = document.createElement('script'); script.textContent = 'document.title = 1'; document.body.append(script); return document.title";
    assert!(scene.browser.evaluate(run).await.as_str().is_some_and(|title| title.contains("ấn tín")));
    assert!(scene.browser.console().await.iter().any(|line| line.contains("Content Security Policy")));
}

/// A PDF in which something was put over what was signed; with the keyboard alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_pdf_is_told_and_the_keyboard_is_enough() {
    let scene = Scene::new(Options::default()).await;
    let paper = signed_paper(&scene.service).await;
    let paper = STANDARD.decode(paper["document"].as_str().expect("a PDF")).expect("base64");
    let (good, forged) = (scene.file("phieu.pdf", &paper), scene.file("phieu-sua.pdf", &overlaid(&paper)));
    for (file, expected) in [(&good, "Hợp lệ"), (&forged, "Không hợp lệ")] {
        scene.browser.open(&scene.url("/")).await;
        scene.browser.choose_file("#document", file).await;
        // Past the link to the content, the header, and through the form.
        let mut reached = false;
        for _ in 0..20 {
            scene.browser.keys(&Key::Tab).await;
            let at = scene.browser.evaluate("return document.activeElement.type").await;
            if at == "submit" {
                reached = true;
                break;
            }
        }
        assert!(reached, "the button is not reached");
        scene.browser.keys(&Key::Enter).await;
        let (outcome, sentence) = scene.answer().await;
        assert!(outcome.contains(expected), "{outcome} {sentence}");
        assert_eq!(expected == "Hợp lệ", !outcome.contains("Không"), "{outcome}");
    }
    scene.browser.screenshot("vi-forged-pdf").await;
    scene.is_quiet("").await;
}

/// A citizen with a telephone follows the QR code of a paper.
#[tokio::test(flavor = "multi_thread")]
async fn a_paper_is_looked_up_by_its_code() {
    let scene = Scene::new(Options { size: NARROW, ..Options::default() }).await;
    let signed = scene.service.sign("one", &order("referral", REFERRAL)).await;
    let id = signed.json()["id"].as_str().expect("an id").to_owned();
    let given = fields(REFERRAL);
    let ask = async |name: Option<&str>| {
        scene.browser.open(&scene.url(&format!("/d/{id}"))).await;
        for field in ["fileCode", "fullName", "birthDate", "identityNumber"] {
            let right = given[field].as_str().expect("text");
            scene
                .browser
                .fill(&format!("#{field}"), if field == "fullName" { name.unwrap_or(right) } else { right })
                .await;
        }
        let gender = if given["gender"]
            .as_str()
            .is_some_and(|gender| gender.to_lowercase().starts_with("nam") || gender == "male")
        {
            "male"
        } else {
            "female"
        };
        scene.browser.click(&format!("#gender option[value={gender}]")).await;
        scene.browser.click("#lookup button").await;
        scene.browser.wait_for("article.answer").await;
        scene.is_accessible().await;
        scene.browser.text("article.answer").await
    };
    let found = ask(None).await;
    assert!(found.contains("Còn hiệu lực") && found.contains("Sông Ngân"), "{found}");
    scene.browser.screenshot("vi-narrow-looked-up").await;
    let wrong = ask(Some("Nguyễn Văn Không")).await;
    assert!(!wrong.contains("Còn hiệu lực") && !wrong.contains("Sông Ngân"), "{wrong}");
    let path = format!("/v1/documents/{id}/status");
    let withdrawn = super::client::Request::json(&path, &json!({"state": "withdrawn", "reason": "a mistake"}));
    assert_eq!(scene.service.as_member(Member::IssuingSystem, withdrawn).await.status, 200);
    assert!(ask(None).await.contains("Đã thu hồi"));
    scene.is_quiet("").await;
}

/// The operator at night: whether it is well is seen at once, and nothing of persons or documents.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_how_the_service_fares() {
    let service = Service::with(|config| {
        config.internal.enabled = true;
        config.internal.address = "127.0.0.1:0".parse().expect("an address");
    });
    let options = Options { colour_scheme: ColourScheme::Dark, ..Options::default() };
    let scene = Scene { service: service.await, browser: Browser::shared(options).await };
    let (signature, id) = scene.service.issue("one", "enveloping").await;
    let file = scene.file("a.p7m", &signature);
    scene.browser.open(&scene.url("/")).await;
    scene.check(&[&file]).await;
    let internal = scene.service.running.internal.expect("an internal listener");
    for language in ["vi", "en"] {
        scene.browser.requests().await;
        scene.browser.open(&format!("http://{internal}/status?lang={language}")).await;
        scene.is_accessible().await;
        let text = scene.browser.text("main").await;
        let wanted = [
            "RootCA thử nghiệm antin",
            "antin_verdicts_total",
            "ACCEPT",
            words(language, "Ký được", "It signs"),
            words(language, "Sẵn sàng", "Ready"),
        ];
        assert!(wanted.iter().all(|words| text.contains(words)), "{text}");
        assert!(!text.contains(&id) && !text.contains("a.p7m"), "{text}");
        scene.browser.screenshot(&format!("{language}-status")).await;
        for url in scene.browser.requests().await {
            assert!(url.starts_with(&format!("http://{internal}/")), "{url}");
        }
    }
    assert_eq!(scene.browser.console().await, [""; 0]);
    scene.browser.open(&scene.url("/status")).await;
    assert!(scene.browser.text("body").await.contains("not-found"), "it is not for everybody");
}

/// Every figure that the dashboard asks for is one that the service counts.
#[test]
fn the_dashboard_asks_for_figures_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dashboard = fs::read_to_string(root.join("packaging/grafana/antin.json")).expect("a dashboard");
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    let mut sources = String::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources += &fs::read_to_string(path).expect("text");
            }
        }
    }
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut count = 0;
    for target in targets {
        let asked = target["expr"].as_str().expect("a question");
        for rest in asked.split("antin_").skip(1) {
            let name: String =
                rest.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
            let name = name.trim_end_matches("_bucket");
            assert!(sources.contains(&format!("\"antin_{name}\"")), "antin_{name}");
            count += 1;
        }
    }
    assert!(count > 25, "{count}");
}
