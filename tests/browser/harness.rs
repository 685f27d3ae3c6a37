//! The browser itself, tested against a few pages of its own.

use std::{
    fs::{self, File},
    io::BufReader,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    Browser, ColourScheme, Key, Options,
    site::{ANYTHING, NOTHING, Page, Site},
};

const GOOD: &str = "<main><h1>Tra cứu</h1><p>Nội dung</p></main>";

#[tokio::test]
async fn violations_are_found_under_a_strict_policy() {
    const PAGES: &[Page] =
        &[("/bad", NOTHING, "<main><h1>A</h1><img id=picture src='data:,'><p>B</p></main>"), ("/good", NOTHING, GOOD)];
    let site = Site::start(PAGES).await;
    let browser = Browser::shared(Options::default()).await;
    browser.open(&site.url("/bad")).await;
    browser.requests().await;
    browser.console().await;
    let found = browser.violations().await;
    assert_eq!(found, ["image-alt (critical): Images must have alternative text: #picture"]);
    // Axe itself leaves nothing in the logs.
    assert_eq!(browser.requests().await, [""; 0]);
    assert_eq!(browser.console().await, [""; 0]);
    browser.open(&site.url("/good")).await;
    assert_eq!(browser.violations().await, [""; 0]);
}

/// A rule of each tag is run, those of WCAG 2.2 too.
#[tokio::test]
async fn rules_of_every_tag_are_run() {
    const BODY: &str =
        "<style>button { width: 9px; height: 9px; padding: 0 }</style><h1>A</h1><p style='color: #ccc'>Pale</p>
                        <input autocomplete=nonsense aria-label=B><button>x</button><button>y</button>";
    let site = Site::start(&[("/", ANYTHING, BODY)]).await;
    let browser = Browser::shared(Options::default()).await;
    browser.open(&site.url("/")).await;
    let found = browser.violations().await;
    for rule in ["color-contrast (serious)", "autocomplete-valid", "target-size", "landmark-one-main"] {
        assert!(found.iter().any(|line| line.starts_with(rule)), "no {rule} in {found:#?}");
    }
}

#[tokio::test]
async fn errors_and_warnings_are_seen_once() {
    const PAGES: &[Page] = &[
        ("/", ANYTHING, "<script>console.error('one'); console.warn('two'); console.log('three'); nowhere()</script>"),
        ("/forbidden", NOTHING, "<script>1</script>"),
        ("/missing", ANYTHING, "<img alt='' src='/none.png'>"),
    ];
    let site = Site::start(PAGES).await;
    let browser = Browser::shared(Options::default()).await;
    for (path, expected) in [
        ("/", &["SEVERE: ? \"one\"", "WARNING: ? \"two\"", "SEVERE: ? Uncaught ReferenceError"][..]),
        ("/forbidden", &["SEVERE: ? Executing inline script violates"]),
        ("/missing", &["SEVERE: ? 404"]),
    ] {
        browser.open(&site.url(path)).await;
        let found = browser.console().await;
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (line, expected) in found.iter().zip(expected) {
            let (level, words) = expected.split_once('?').expect("a level and words");
            assert!(line.starts_with(level) && line.contains(words.trim()), "{line} is not {expected}");
        }
        assert_eq!(browser.console().await, [""; 0]);
    }
}

#[tokio::test]
async fn requests_to_others_are_seen() {
    const PAGES: &[Page] = &[
        ("/own", ANYTHING, "<img alt='' src='/own.png'><img alt='' src='data:,'>"),
        (
            "/foreign",
            ANYTHING,
            "<img alt='' src='http://image.example/'><img alt='' src='http://192.0.2.7/'><iframe src='http://frame.example/'>
             </iframe><script>
             fetch('http://fetch.example/').catch(() => 0); navigator.sendBeacon('http://beacon.example/');
             new WebSocket('ws://socket.example/');
             </script>",
        ),
        ("/forbidden", NOTHING, "<img alt='' src='http://image.example/'>"),
    ];
    let site = Site::start(PAGES).await;
    let browser = Browser::shared(Options::default()).await;
    browser.open(&site.url("/own")).await;
    assert_eq!(browser.requests().await, [site.url("/own"), site.url("/own.png")]);
    assert_eq!(browser.requests().await, [""; 0]);

    browser.open(&site.url("/foreign")).await;
    let mut found = browser.requests().await;
    found.sort();
    let expected = [
        "http://192.0.2.7/".to_owned(),
        "http://beacon.example/".to_owned(),
        "http://fetch.example/".to_owned(),
        "http://frame.example/".to_owned(),
        "http://image.example/".to_owned(),
        "ws://socket.example/".to_owned(),
    ];
    let others: Vec<&String> = found.iter().filter(|url| **url != site.url("/foreign")).collect();
    assert_eq!(others, expected.iter().collect::<Vec<_>>());

    browser.open(&site.url("/forbidden")).await;
    assert_eq!(browser.requests().await, [site.url("/forbidden"), "http://image.example/".to_owned()]);
}

#[tokio::test]
async fn script_off_is_off() {
    const BODY: &str = "<p id=a>plain</p><noscript><p id=b>no script</p></noscript>\
                        <script>document.getElementById('a').textContent = 'script'</script>\
                        <form action=/><input name=number><button>Gửi</button></form>";
    let site = Site::start(&[("/", ANYTHING, BODY)]).await;
    let browser = Browser::shared(Options { runs_script: false, ..Options::default() }).await;
    browser.open(&site.url("/")).await;
    assert_eq!(browser.text("#a").await, "plain");
    assert_eq!(browser.text("#b").await, "no script");
    assert_eq!(browser.console().await, [""; 0]);
    browser.fill("input", "12").await;
    browser.follow("button").await;
    assert_eq!(browser.evaluate("return location.search").await, json!("?number=12"));
    drop(browser);

    let browser = Browser::shared(Options::default()).await;
    browser.open(&site.url("/")).await;
    assert_eq!(browser.text("#a").await, "script");
    assert!(!browser.appears("#b", Duration::ZERO).await);
}

#[tokio::test]
async fn options_are_seen_by_page_and_server() {
    const SEEN: &str = "return [innerWidth, innerHeight, devicePixelRatio, navigator.language, document.hasFocus(),
        matchMedia('(prefers-reduced-motion: reduce)').matches, matchMedia('(prefers-color-scheme: dark)').matches]";
    let odd = Options {
        language: "en",
        size: (1280, 1024),
        zoom: 400,
        runs_script: true,
        reduces_motion: true,
        colour_scheme: ColourScheme::Dark,
    };
    for (options, seen) in [
        (Options::default(), json!([1280, 1024, 1, "vi", true, false, false])),
        (odd, json!([320, 256, 4, "en", true, true, true])),
    ] {
        let site = Site::start(&[("/", ANYTHING, GOOD)]).await;
        let browser = Browser::shared(options).await;
        browser.open(&site.url("/")).await;
        assert_eq!(browser.evaluate(SEEN).await, seen);
        let language = site.language_asked_for("/").expect("it was asked for");
        assert_eq!(language.split([',', ';']).next(), Some(options.language), "{language}");
    }
}

#[tokio::test]
async fn a_page_is_read_filled_in_and_clicked() {
    const BODY: &str =
        "<input id=text value=old><input type=file id=file hidden><button disabled>B</button><a href=/two>A</a>
        <p id=said></p><p hidden id=hidden>unseen</p><script>
        const say = words => document.getElementById('said').textContent = words;
        document.getElementById('file').onchange = event => event.target.files[0].text().then(say);
        document.onkeydown = event => {
            if (event.key === 'Escape') say(event.shiftKey + ' ' + document.activeElement.id);
        };
        setTimeout(() => document.body.append(Object.assign(document.createElement('p'), { id: 'late' })), 300);
        </script>";
    let site = Site::start(&[("/", ANYTHING, BODY), ("/two", NOTHING, "<h1>Hai</h1>")]).await;
    let browser = Browser::shared(Options::default()).await;
    browser.open(&site.url("/")).await;
    browser.wait_for("#late").await;
    assert!(!browser.appears("#never", Duration::from_millis(100)).await);
    assert_eq!(browser.text("#hidden").await, "");

    browser.keys(&Key::Tab).await;
    browser.keys(&(Key::Shift + &Key::Escape)).await;
    assert_eq!(browser.text("#said").await, "true text");
    browser.fill("#text", "Nguyễn Thị Ánh").await;
    browser.keys(&("ơi" + &Key::Escape)).await;
    assert_eq!(browser.evaluate("return document.getElementById('text').value").await, json!("Nguyễn Thị Ánhơi"));
    assert_eq!(browser.text("#said").await, "false text");

    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), "Phiếu").expect("room");
    browser.choose_file("#file", file.path()).await;
    let has_said = "return document.getElementById('said').textContent";
    let started = Instant::now();
    while browser.evaluate(has_said).await != json!("Phiếu") {
        assert!(started.elapsed() < Duration::from_secs(30), "the page does not read the file");
    }

    browser.follow("a").await;
    assert_eq!(browser.text("h1").await, "Hai");
}

#[tokio::test]
async fn a_screenshot_shows_the_whole_page() {
    let site = Site::start(&[("/", ANYTHING, "<main style='height:3000px'><h1>Dài</h1></main>")]).await;
    let browser = Browser::shared(Options::default()).await;
    browser.open(&site.url("/")).await;
    let path = browser.screenshot("harness").await;
    assert!(path.ends_with("target/browser/screenshots/harness.png"), "{path:?}");
    let picture = png::Decoder::new(BufReader::new(File::open(path).expect("a file"))).read_info().expect("a picture");
    assert_eq!(picture.info().width, 1280);
    assert!(picture.info().height > 3000, "{}", picture.info().height);
}

#[tokio::test]
async fn a_shared_browser_is_handed_on_empty() {
    const KEEPS: &str =
        "<script>document.cookie = 'a=b; max-age=1000'; localStorage.setItem('a', 'b'); console.error('left');
                         open('/'); window.onbeforeunload = event => event.preventDefault(); alert('left')</script>";
    let site = Site::start(&[("/", ANYTHING, GOOD), ("/keeps", ANYTHING, KEEPS)]).await;
    let browser = Browser::shared(Options::default()).await;
    browser.open(&site.url("/keeps")).await;
    drop(browser);
    let browser = Browser::shared(Options::default()).await;
    assert_eq!(browser.requests().await, [""; 0]);
    assert_eq!(browser.console().await, [""; 0]);
    assert_eq!(browser.evaluate("return location.href").await, json!("about:blank"));
    browser.open(&site.url("/")).await;
    assert_eq!(browser.evaluate("return [document.cookie, localStorage.length]").await, json!(["", 0]));
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let failure = tokio::spawn(async {
        let site = Site::start(&[("/", ANYTHING, GOOD)]).await;
        let browser = Browser::shared(Options::default()).await;
        browser.open(&site.url("/")).await;
        browser.click("#nowhere").await;
    });
    let failure = failure.await.expect_err("there is no such element").into_panic();
    let words = failure.downcast_ref::<String>().expect("words");
    assert!(words.starts_with("click #nowhere: ") && words.contains("\non http://127.0.0.1:"), "{words}");
}

#[tokio::test]
async fn axe_is_not_run_where_script_is_off() {
    let failure = tokio::spawn(async {
        Browser::shared(Options { runs_script: false, ..Options::default() }).await.violations().await
    });
    let failure = failure.await.expect_err("axe is script").into_panic();
    assert_eq!(failure.downcast_ref(), Some(&"axe is script, and this browser runs none"));
}

/// Of the processes and of the profile nothing is left.
#[tokio::test]
async fn a_panic_leaves_no_process_and_no_folder() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let test = tokio::spawn(async move {
        let browser = Browser::start(Options::default()).await;
        let _ = tell.send((browser.driver.session(), browser.driver.folder().to_owned()));
        assert!(processes(browser.driver.session()).len() > 3, "Chromium has many processes");
        assert!(browser.driver.folder().join("profile").is_dir());
        panic!("as a test does that fails");
    });
    let (session, folder) = told.await.expect("it starts");
    let failure = test.await.expect_err("it panics").into_panic();
    assert_eq!(failure.downcast_ref(), Some(&"as a test does that fails"));
    let started = Instant::now();
    while !processes(session).is_empty() || folder.exists() {
        let left = processes(session);
        assert!(started.elapsed() < Duration::from_secs(30), "{folder:?}: {}, {left:#?}", folder.exists());
        thread::sleep(Duration::from_millis(50));
    }
}

/// The processes of a session that live, each as the kernel tells of it.
fn processes(session: u32) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("Linux");
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    let lives_in_session = |stat: &String| {
        let (_, fields) = stat.rsplit_once(')').expect("the name in parentheses");
        let fields: Vec<&str> = fields.split_whitespace().collect();
        fields[0] != "Z" && fields[3] == session.to_string()
    };
    stats.filter(lives_in_session).collect()
}
