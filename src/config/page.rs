//! `[page]`: the page for people on the public listener.

use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Page {
    pub enabled: bool,
    /// Files that one address may have checked on it, on each node.
    pub checks_a_minute: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self { enabled: true, checks_a_minute: 30 }
    }
}

impl Page {
    /// The first rule that is broken: the key, and the rule.
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        (!(1..=6000).contains(&self.checks_a_minute)).then_some(("checks-a-minute", "be 1 to 6000"))
    }
}
