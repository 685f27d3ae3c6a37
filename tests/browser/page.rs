//! What a user does with a page. `css` is a selector; the first element that it finds is meant.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use fantoccini::{
    Locator,
    actions::{InputSource, KeyAction, KeyActions},
    elements::Element,
    error::CmdError,
};
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{Browser, Key, options::DOWNLOADS};

/// How long [`Browser::wait_for`] and [`Browser::follow`] wait.
const DEADLINE: Duration = Duration::from_secs(30);

/// How often it looks.
const STEP: Duration = Duration::from_millis(50);

/// They stay down while the keys after them are pressed.
const MODIFIERS: [Key; 4] = [Key::Shift, Key::Control, Key::Alt, Key::Meta];

impl Browser {
    /// Returns when the page is loaded, with what it has in it; an answer other than 200 is a page too.
    pub async fn open(&self, url: &str) {
        self.answer(&format!("open {url}"), self.client.goto(url)).await;
    }

    /// The text of an element as it is seen: nothing of what is hidden.
    pub async fn text(&self, css: &str) -> String {
        let text = async { self.element(css).await?.text().await };
        self.answer(&format!("the text of {css}"), text).await
    }

    /// Clicks in the middle of an element, which must be seen there. What this leads to may still be on its way: use
    /// [`Browser::follow`] where it is another page, [`Browser::wait_for`] where it is a change of this one.
    pub async fn click(&self, css: &str) {
        let click = async { self.element(css).await?.click().await };
        self.answer(&format!("click {css}"), click).await;
    }

    /// Clicks on what leads to another page (a link, the button of a form), and returns when that is loaded. Chromedriver itself
    /// often sees too late that a form was sent, and goes on in the old page.
    pub async fn follow(&self, css: &str) {
        let follow = async {
            let old = self.element("html").await?;
            self.element(css).await?.click().await?;
            // No element of the old page can be asked for anything once there is a new one.
            while old.tag_name().await.is_ok() || self.evaluate("return document.readyState").await != "complete" {
                sleep(STEP).await;
            }
            Ok(())
        };
        let followed = timeout(DEADLINE, self.answer(&format!("follow {css}"), follow)).await;
        assert!(followed.is_ok(), "{css} has led to no other page within {DEADLINE:?}");
    }

    /// Types into a field instead of what stands there.
    pub async fn fill(&self, css: &str, text: &str) {
        let fill = async {
            let field = self.element(css).await?;
            field.clear().await?;
            field.send_keys(text).await
        };
        self.answer(&format!("fill {css} with {text:?}"), fill).await;
    }

    /// Chooses a file of this machine in an `<input type="file">`.
    pub async fn choose_file(&self, css: &str, path: &Path) {
        let path = path.canonicalize().expect("a file to choose");
        let path = path.to_str().expect("a path in UTF-8");
        let choose = async { self.element(css).await?.send_keys(path).await };
        self.answer(&format!("choose {path} in {css}"), choose).await;
    }

    /// Waits until an element is there, seen or not; for at most half a minute.
    pub async fn wait_for(&self, css: &str) {
        if !self.appears(css, DEADLINE).await {
            let page = self.evaluate("return location.href + '\\n' + document.body.innerText").await;
            panic!("{css} has not come within {DEADLINE:?}: {}", page.as_str().unwrap_or_default());
        }
    }

    /// Whether an element is there before so much time has gone by.
    pub async fn appears(&self, css: &str, time: Duration) -> bool {
        let wait = self.client.wait().at_most(time).every(STEP);
        let appears = async {
            match wait.for_element(Locator::Css(css)).await {
                Ok(_) => Ok(true),
                Err(CmdError::WaitTimeout) => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.answer(&format!("wait for {css}"), appears).await
    }

    /// Presses keys, one after the other, wherever the focus is: `keys(&Key::Tab)`, `keys("abc")`. Shift, Control, Alt and Meta stay down
    /// until the end: `keys(&(Key::Shift + &Key::Tab))` goes back one element.
    pub async fn keys(&self, keys: &str) {
        let is_modifier = |key: &char| MODIFIERS.into_iter().any(|modifier| char::from(modifier) == *key);
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in keys.chars() {
            actions = actions.then(KeyAction::Down { value });
            if !is_modifier(&value) {
                actions = actions.then(KeyAction::Up { value });
            }
        }
        for value in keys.chars().filter(is_modifier) {
            actions = actions.then(KeyAction::Up { value });
        }
        self.answer(&format!("keys {keys:?}"), self.client.perform_actions(actions)).await;
    }

    /// Writes what the whole page looks like, also what one has to scroll to, to `target/browser/screenshots/NAME.png`; gives that path.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let picture = async {
            let metrics = self.command("Page.getLayoutMetrics", json!({})).await?;
            let size = &metrics["cssContentSize"];
            let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
            let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
            self.command("Page.captureScreenshot", parameters).await
        };
        let picture = self.answer(&format!("the screenshot {name}"), picture).await;
        let octets = STANDARD.decode(picture["data"].as_str().expect("base64")).expect("base64");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/browser/screenshots");
        fs::create_dir_all(&folder).expect("a folder for screenshots");
        let path = folder.join(format!("{name}.png"));
        fs::write(&path, octets).expect("room for a screenshot");
        path
    }

    /// Clicks on what is to be saved, and gives its octets once they are all there.
    pub async fn save(&self, css: &str, name: &str) -> Vec<u8> {
        let path = self.driver.folder().join(DOWNLOADS).join(name);
        let _ = fs::remove_file(&path);
        self.click(css).await;
        let saved = timeout(DEADLINE, async {
            loop {
                // It has another name until it is whole.
                match fs::read(&path) {
                    Ok(octets) => break octets,
                    Err(_) => sleep(STEP).await,
                }
            }
        });
        saved.await.unwrap_or_else(|_| panic!("{name} is not saved within {DEADLINE:?}"))
    }

    /// The page as it is printed: a PDF.
    pub async fn print(&self) -> Vec<u8> {
        let printed = self
            .command("Page.printToPDF", json!({ "printBackground": false, "paperWidth": 8.27, "paperHeight": 11.69 }));
        let printed = self.answer("print", printed).await;
        STANDARD.decode(printed["data"].as_str().expect("base64")).expect("base64")
    }

    async fn element(&self, css: &str) -> Result<Element, CmdError> {
        self.client.find(Locator::Css(css)).await
    }
}
