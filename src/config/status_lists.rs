//! Status lists: those published here, and those of others by which documents are judged.

use std::path::PathBuf;

use serde::Deserialize;

/// With which key the status lists of the documents issued here are signed, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StatusLists {
    /// Name of a key that signs nothing else, ECDSA P-256; without it no lists are published.
    pub key: Option<String>,
    /// How long a list may be kept before a newer one is asked for: `ttl`.
    pub ttl_seconds: u64,
    /// How long a list counts: `exp`.
    pub expiry_seconds: u64,
    /// How often the registry is asked for changes that other nodes made.
    pub poll_seconds: u64,
}

impl Default for StatusLists {
    fn default() -> Self {
        Self { key: None, ttl_seconds: 20, expiry_seconds: 600, poll_seconds: 3 }
    }
}

impl StatusLists {
    /// The first key of the table that breaks its rule.
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        if !(1..=3600).contains(&self.ttl_seconds) {
            return Some(("ttl-seconds", "be 1 to 3600"));
        }
        if !(self.ttl_seconds.saturating_mul(2)..=86_400).contains(&self.expiry_seconds) {
            return Some(("expiry-seconds", "be twice ttl-seconds at least, and 86400 at the most"));
        }
        (!(1..=60).contains(&self.poll_seconds)).then_some(("poll-seconds", "be 1 to 60"))
    }
}

/// Whose status lists count for documents that name them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StatusListSource {
    /// What the URLs of the lists begin with, up to a `/`. Its host is asked for them.
    pub url_prefix: String,
    /// Files with the certificates of those who sign these lists, and of nobody else: PEM or DER.
    pub signers: Vec<PathBuf>,
    /// The host may have a private or loopback address.
    pub allow_private: bool,
}

impl StatusListSource {
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        let url = &self.url_prefix;
        let is_url = url.starts_with("http://") || url.starts_with("https://");
        let is_prefix = is_url && url.ends_with('/') && url.matches('/').count() >= 3 && url.len() <= 400;
        if !is_prefix || !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Some(("url-prefix", "be an http:// or https:// URL of at most 400 bytes with a final /"));
        }
        self.signers.is_empty().then_some(("signers", "name at least one file"))
    }
}
