//! `[[token]]`: tokens that hold keys, asked by PKCS#11.

use std::path::PathBuf;

use serde::Deserialize;

/// The most sessions that the settings may give a token: each is a thread.
const MOST_SESSIONS: usize = 256;
/// The longest that an order may wait for a token.
const LONGEST_SECONDS: u64 = 600;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Token {
    pub name: String,
    /// The library of who made it.
    pub module: PathBuf,
    /// As the token calls itself; or its serial number.
    pub label: Option<String>,
    pub serial: Option<String>,
    /// A file with the PIN; or a variable of the environment.
    pub pin_file: Option<PathBuf>,
    pub pin_env: Option<String>,
    #[serde(default = "default_sessions")]
    pub sessions: usize,
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u64,
}

const fn default_sessions() -> usize {
    8
}

const fn default_timeout_seconds() -> u64 {
    10
}

impl Token {
    /// The first rule that is broken: the key, and the rule.
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        let is_empty = |text: &Option<String>| text.as_ref().is_some_and(String::is_empty);
        if self.label.is_some() == self.serial.is_some() || is_empty(&self.label) || is_empty(&self.serial) {
            return Some(("name", "come with either label or serial, as the token tells them"));
        }
        if self.pin_file.is_some() == self.pin_env.is_some() || is_empty(&self.pin_env) {
            return Some(("name", "come with either pin-file or pin-env; the PIN itself is never a setting"));
        }
        if !(1..=MOST_SESSIONS).contains(&self.sessions) {
            return Some(("sessions", "be 1 to 256"));
        }
        (!(1..=LONGEST_SECONDS).contains(&self.timeout_seconds)).then_some(("timeout-seconds", "be 1 to 600"))
    }
}
