//! What an employer sees of files: each outcome, in each form, also of files that are meant to deceive.

use antin::core::pdf::{
    document::Document,
    object::{Dictionary, Object, Reference},
    page,
    update::Update,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    super::pades::{PAPER, signed_document, signed_paper},
    NARROW, Scene, words,
};
use crate::browser::{ColourScheme, Key, Options};

/// Paints white what the paper says.
const COVER: &[u8] = b"q 1 1 1 rg 60 180 500 330 re f Q";

/// A signed PDF with a revision behind it that paints over what was signed.
fn overlaid(paper: &[u8]) -> Vec<u8> {
    let document = Document::read(paper).expect("a PDF");
    let mut update = Update::new(&document);
    let cover = update.add_stream(Dictionary::default(), COVER.to_vec());
    shown(paper, &document, update, cover)
}

/// A paper with a cover in it that nothing shows, to be signed; and which object the cover is.
fn prepared(paper: &[u8]) -> (Vec<u8>, Reference) {
    let document = Document::read(paper).expect("a PDF");
    let mut update = Update::new(&document);
    let cover = update.add_stream(Dictionary::default(), COVER.to_vec());
    ([paper, &update.finish().expect("an update").octets].concat(), cover)
}

/// The shadow attack (CVE-2020-9592): a revision that shows what was signed unseen.
fn revealed(paper: &[u8], cover: Reference) -> Vec<u8> {
    let document = Document::read(paper).expect("a PDF");
    let update = Update::new(&document);
    shown(paper, &document, update, cover)
}

fn shown(paper: &[u8], document: &Document<'_>, mut update: Update<'_, '_>, cover: Reference) -> Vec<u8> {
    let first = *page::pages(document).expect("pages").first().expect("a page");
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
    let (trap, cover) = prepared(PAPER);
    let trap = signed_document(&scene.service, &trap).await;
    let shadow = scene.file("phieu-bong.pdf", &revealed(&trap, cover));
    for (file, expected) in [(&good, "Hợp lệ"), (&forged, "Không hợp lệ"), (&shadow, "Không hợp lệ")] {
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
