//! The page in a real browser: every way through it, in both languages, wide and narrow, light and dark, with script and without; judged by axe, by
//! the console, by what was asked of whom. Screenshots are left in `target/browser/screenshots`.

mod answers;
mod files;
mod paper;
mod status;

use std::{
    fs,
    path::{Path, PathBuf},
};

use antin::config::Config;

use super::Service;
use crate::browser::{Browser, Options, SharedBrowser};

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
        (self.browser.text("#answers .answer .outcome").await, self.browser.text("#answers .answer .sentence").await)
    }
}

fn open_to_lookup(config: &mut Config) {
    let folder = config.registry.path.parent().expect("a folder").to_owned();
    fs::write(folder.join("lookup.key"), (1..33_u8).collect::<Vec<_>>()).expect("written");
    config.lookup.key = Some(folder.join("lookup.key"));
}

fn words<'a>(language: &str, vi: &'a str, en: &'a str) -> &'a str {
    if language == "vi" { vi } else { en }
}
