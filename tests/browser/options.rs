//! What the user of a browser has set.

use std::path::Path;

use serde_json::{Map, Value, json};

/// Two browsers with the same options are as good as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Options {
    /// `vi` or `en`: what `Accept-Language` says.
    pub language: &'static str,
    /// Width and height of what is seen of a page, in pixels of the screen.
    pub size: (u32, u32),
    /// In percent. Four times as large, a page has a quarter of `size` to lay itself out in: 1280 pixels at 400 are 320 (WCAG 2.2,
    /// 1.4.10).
    pub zoom: u32,
    /// Whether pages may run script, as in Chromium's own settings.
    pub runs_script: bool,
    pub reduces_motion: bool,
    pub colour_scheme: ColourScheme,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColourScheme {
    Light,
    Dark,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            language: "vi",
            size: (1280, 1024),
            zoom: 100,
            runs_script: true,
            reduces_motion: false,
            colour_scheme: ColourScheme::Light,
        }
    }
}

/// Below the folder of a browser: what its user saves.
pub(super) const DOWNLOADS: &str = "downloads";

/// Chromium takes root and a container without a sandbox of its own, keeps to itself, and finds this machine alone.
const ARGUMENTS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

impl Options {
    /// What chromedriver is told when the browser starts; the profile lies below `folder`.
    pub(super) fn capabilities(&self, folder: &Path) -> Map<String, Value> {
        let own = [
            format!("--lang={}", self.language),
            format!("--window-size={},{}", self.size.0, self.size.1),
            format!("--user-data-dir={}", folder.join("profile").display()),
        ];
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain(own.iter().map(String::as_str)).collect();
        let mut preferences = json!({
            "intl.accept_languages": self.language,
            "intl.selected_languages": self.language,
            "translate.enabled": false,
            "download.default_directory": folder.join(DOWNLOADS),
            // An empty page instead of the one for a new tab, which asks for other things.
            "session.restore_on_startup": 4,
            "session.startup_urls": ["about:blank"],
        });
        if !self.runs_script {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "prefs": preferences },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "timeouts": { "implicit": 0, "pageLoad": 60_000, "script": 60_000 },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it is written as an object") };
        capabilities
    }

    /// The commands that set what no argument sets: windows as narrow as a telephone, zoom, and what media queries see.
    pub(super) fn emulation(&self) -> [(&'static str, Value); 3] {
        let (width, height) = self.size;
        let scheme = match self.colour_scheme {
            ColourScheme::Light => "light",
            ColourScheme::Dark => "dark",
        };
        let motion = if self.reduces_motion { "reduce" } else { "no-preference" };
        let metrics = json!({
            "width": width * 100 / self.zoom,
            "height": height * 100 / self.zoom,
            "deviceScaleFactor": f64::from(self.zoom) / 100.0,
            "mobile": false,
        });
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": motion },
        ] });
        [
            ("Emulation.setDeviceMetricsOverride", metrics),
            ("Emulation.setEmulatedMedia", media),
            // As in a window in front of somebody; else it has no focus before the first key.
            ("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })),
        ]
    }
}
