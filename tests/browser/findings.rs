//! What is wrong with a page, and what it asked of whom.

use std::{fs, path::Path, sync::OnceLock};

use serde_json::{Value, json};

use super::Browser;

/// WCAG 2.0 to 2.2 at the levels A and AA, and what axe advises beside.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// Runs axe. It fetches nothing itself (`preload`): style sheets of other hosts and the length of sounds are not looked into.
const RUN: &str = r"
    const [tags, done] = arguments;
    const line = found => {
        const targets = found.nodes.map(node => node.target.flat().join(' '));
        return `${found.id} (${found.impact}): ${found.help}: ${targets.join(', ')}`;
    };
    axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'], preload: false })
        .then(found => done({ lines: found.violations.map(line) }), error => done({ error: String(error) }));
";

/// The script of axe-core, at the version of `package.json` and with the digest of `axe.min.js.sha256`.
fn axe() -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/browser/axe.min.js");
        fs::read_to_string(path).expect("axe-core, which `make target/browser/axe.min.js` fetches")
    })
}

impl Browser {
    /// What axe objects to in the page as it is now, one line each: rule, impact, what should be, and the elements. Not with script off:
    /// axe cannot run then, and this panics; judge the same page in a browser that runs script.
    pub async fn violations(&self) -> Vec<String> {
        assert!(self.options.runs_script, "axe is script, and this browser runs none");
        let found = async {
            self.client.execute(axe(), Vec::new()).await?;
            self.client.execute_async(RUN, vec![json!(TAGS)]).await
        };
        let found = self.answer("axe", found).await;
        let lines = found["lines"].as_array().unwrap_or_else(|| panic!("axe: {found}"));
        lines.iter().map(text).collect()
    }

    /// Errors and warnings of the browser's log since the last call, each as its level and its words: what script says or throws, what
    /// could not be loaded, what the page's policy (CSP) forbade.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.answer("the console", self.log("browser")).await;
        let entries =
            entries.iter().filter(|entry| ["SEVERE", "WARNING"].contains(&entry["level"].as_str().unwrap_or("")));
        entries.map(|entry| format!("{}: {}", text(&entry["level"]), text(&entry["message"]))).collect()
    }

    /// The URL of each request since the last call, in their order; redirections, and what the page's policy (CSP) forbade, too. Without
    /// those that nobody is asked for (`data:`, `blob:`, `about:` and Chromium's own pages). `<link rel="preconnect">` and `dns-prefetch`
    /// are no requests: look for them in the page.
    pub async fn requests(&self) -> Vec<String> {
        let entries = self.answer("the requests", self.log("performance")).await;
        let urls = entries.iter().filter_map(|entry| {
            let entry: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let event = &entry["message"];
            match event["method"].as_str()? {
                "Network.requestWillBeSent" => Some(text(&event["params"]["request"]["url"])),
                "Network.webSocketCreated" | "Network.webTransportCreated" => Some(text(&event["params"]["url"])),
                _ => None,
            }
        });
        let nobody = ["data:", "blob:", "about:", "chrome:", "chrome-untrusted:", "devtools:"];
        urls.filter(|url| !nobody.iter().any(|scheme| url.starts_with(scheme))).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
