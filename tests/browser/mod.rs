//! A real browser for tests of web pages: headless Chromium, driven over WebDriver by its own chromedriver. `scripts/packages test`
//! installs both.
//!
//! * [`Browser`]: one Chromium with a fresh profile, of its own ([`Browser::start`]) or shared ([`Browser::shared`]);
//! * [`Options`]: what its user has set, from the language to the zoom;
//! * `page`: opening, reading, clicking, filling in;
//! * `findings`: what is wrong with a page: its accessibility by axe, the console, what it asked of whom;
//! * `driver`: the processes, and how they end;
//! * `site` and `harness`: the tests of all this, against a few pages of their own.
//!
//! ```ignore
//! let browser = Browser::shared(Options::default()).await;
//! browser.open(&url).await;
//! browser.fill("#number", "001").await;
//! browser.follow("button").await;
//! browser.wait_for("#answer").await;
//! assert_eq!(browser.violations().await, [""; 0]);
//! ```
//!
//! No name but `localhost` and no address but 127.0.0.1 leads anywhere from this browser: what a page asks of others is seen in
//! [`Browser::requests`] and does not leave the machine.

mod driver;
mod findings;
mod harness;
mod options;
mod page;
mod site;

use std::{
    collections::HashMap,
    future::Future,
    str::FromStr,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

pub use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, error::CmdError, wd::WebDriverCompatibleCommand};
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::{
    runtime::{self, Runtime},
    sync::{OwnedMappedMutexGuard, OwnedMutexGuard},
    time::timeout,
};

use driver::Driver;
pub use options::{ColourScheme, Options};

/// How long the browser may take for anything, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(90);

/// One Chromium with one window. Its methods panic, saying what was asked of it, where it cannot do that; a test has no other
/// use for such an error. When it is dropped, its processes are killed and its profile is taken away.
pub struct Browser {
    client: Client,
    options: Options,
    driver: Driver,
}

/// A browser that nobody else has meanwhile.
pub type SharedBrowser = OwnedMappedMutexGuard<Option<Browser>, Browser>;

/// Connections to drivers live longer than the runtime of a test.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).thread_name("browsers").enable_all().build();
    runtime.expect("a runtime")
});

impl Browser {
    /// A browser of the test's own, in a second or two.
    pub async fn start(options: Options) -> Self {
        let driver = Driver::start();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(options.capabilities(driver.folder()));
        let address = format!("http://127.0.0.1:{}", driver.port());
        let session = RUNTIME.spawn(async move { builder.connect(&address).await });
        let session = timeout(PATIENCE, session).await.expect("Chromium starts in time").expect("no panic");
        let client = session.unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        let browser = Self { client, options, driver };
        browser.answer("a clean start", browser.forget()).await;
        browser
    }

    /// The browser with these options that all tests of this process share, once no other test has it: started by the first, and
    /// handed on with an empty page, without cookies, storage, cache or log.
    pub async fn shared(options: Options) -> SharedBrowser {
        type Places = HashMap<Options, Arc<tokio::sync::Mutex<Option<Browser>>>>;
        static PLACES: LazyLock<Mutex<Places>> = LazyLock::new(Mutex::default);
        let place = Arc::clone(PLACES.lock().expect("no panic meanwhile").entry(options).or_default());
        let mut held = place.lock_owned().await;
        let is_fit = match &*held {
            Some(browser) => matches!(timeout(PATIENCE, browser.forget()).await, Ok(Ok(()))),
            None => false,
        };
        if !is_fit {
            *held = None;
            *held = Some(Self::start(options).await);
        }
        OwnedMutexGuard::map(held, |browser| browser.as_mut().expect("it was just started"))
    }

    /// Runs the body of a function in the page, no matter what the page's own policy (CSP) says, and gives what it returns. With
    /// script off too, but then nothing that it leaves for later is ever run.
    pub async fn evaluate(&self, script: &str) -> Value {
        self.answer(script, self.client.execute(script, Vec::new())).await
    }

    /// Back to an empty page in one window, with nothing left of what was before, and with the options as they should be.
    async fn forget(&self) -> Result<(), CmdError> {
        // An error means that no dialogue is open.
        let _ = self.client.dismiss_alert().await;
        let windows = self.client.windows().await?;
        let (first, others) = windows.split_first().expect("an open window");
        for other in others {
            self.client.switch_to_window(other.clone()).await?;
            self.client.close_window().await?;
        }
        self.client.switch_to_window(first.clone()).await?;
        self.client.goto("about:blank").await?;
        self.command("Network.clearBrowserCookies", json!({})).await?;
        self.command("Network.clearBrowserCache", json!({})).await?;
        self.command("Storage.clearDataForOrigin", json!({ "origin": "*", "storageTypes": "all" })).await?;
        for (method, parameters) in self.options.emulation() {
            self.command(method, parameters).await?;
        }
        self.log("browser").await?;
        self.log("performance").await?;
        Ok(())
    }

    /// Sends a command of the Chrome DevTools Protocol, and gives its answer.
    async fn command(&self, method: &str, parameters: Value) -> Result<Value, CmdError> {
        let body = json!({ "cmd": method, "params": parameters });
        self.client.issue_cmd(Extension { path: "goog/cdp/execute", body }).await
    }

    /// What a log of chromedriver's has gained since it was last asked for.
    async fn log(&self, kind: &str) -> Result<Vec<Value>, CmdError> {
        let said = self.client.issue_cmd(Extension { path: "se/log", body: json!({ "type": kind }) }).await?;
        Ok(said.as_array().cloned().unwrap_or_default())
    }

    /// What the browser answers; where it cannot, a panic with what was asked and on which page.
    async fn answer<T>(&self, asked: &str, answer: impl Future<Output = Result<T, CmdError>>) -> T {
        let error = match timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {PATIENCE:?}"),
        };
        let page = match timeout(Duration::from_secs(5), self.client.current_url()).await {
            Ok(Ok(url)) => url.to_string(),
            _ => "a page without an address".to_owned(),
        };
        panic!("{asked}: {error}\non {page}");
    }
}

/// A command of chromedriver's that is not in the WebDriver standard.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
