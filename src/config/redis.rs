//! `[revocation.redis]`: the fast memory shared by several nodes. What lies there is never believed: each list is verified again
//! when it is read.
//!
//! ```toml
//! [revocation.redis]                 # one of the three:
//! url = "rediss://antin:password@redis.example.vn:6379/0"
//! sentinel = { master = "rediss://antin:password@mymaster/0", urls = ["rediss://s1.example.vn:26379"] }
//! cluster = ["rediss://antin:password@r1.example.vn:6379", "rediss://antin:password@r2.example.vn:6379"]
//! ```

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// Where Redis is, and how it is used.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RedisSettings {
    /// One server: `redis://` or `rediss://` (TLS), with user, password and database number where they are needed.
    pub url: Option<RedisUrl>,
    /// The server that Sentinel names.
    pub sentinel: Option<SentinelSettings>,
    /// Some nodes of a cluster; the others are learned from them. All take the same user and password.
    pub cluster: Vec<RedisUrl>,
    /// What every key begins with, before a colon.
    pub prefix: String,
    /// How often it is asked whether another node put something there; a change notice comes sooner.
    pub poll_seconds: u64,
    /// Until a connection stands, and until one command is answered.
    pub timeout_milliseconds: u64,
    /// How long a list stays after its `nextUpdate`: a stale list still shows what is revoked.
    pub grace_seconds: u64,
    /// How long a node leaves a source to the one node that asks it for all. After that it asks itself, whatever Redis says.
    pub follow_seconds: u64,
    /// PEM file of the authority that signed the certificates of `rediss` servers; none: those of the machine.
    pub tls_authorities: Option<PathBuf>,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            url: None,
            sentinel: None,
            cluster: Vec::new(),
            prefix: "antin".to_owned(),
            poll_seconds: 2,
            timeout_milliseconds: 1000,
            grace_seconds: 7 * 86_400,
            follow_seconds: 300,
            tls_authorities: None,
        }
    }
}

/// A master and those who know where it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SentinelSettings {
    /// As `url`, with the name by which Sentinel knows the master in the place of host and port.
    pub master: RedisUrl,
    /// The Sentinels, with their own user and password where they are needed; asked in this order until one answers.
    pub urls: Vec<RedisUrl>,
}

/// A URL that may hold a password: it is not shown.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct RedisUrl(String);

impl RedisUrl {
    pub fn new(url: &str) -> Self {
        Self(url.to_owned())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_tls(&self) -> bool {
        self.0.starts_with("rediss://")
    }

    fn is_redis(&self) -> bool {
        self.is_tls() || self.0.starts_with("redis://")
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RedisUrl(…)")
    }
}

/// What is wrong with the settings; each names the setting and what to do.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RedisSettingsError {
    #[error("revocation.redis: give exactly one of url, sentinel and cluster")]
    OnePlace,
    #[error("revocation.redis.sentinel.urls: give at least one")]
    NoSentinel,
    #[error("revocation.redis: begin each URL with redis:// or rediss://")]
    Scheme,
    #[error("revocation.redis.prefix: give 1 to 64 letters, digits, '-', '_', '.' or ':'")]
    Prefix,
    #[error("revocation.redis.{setting}: {value} is outside {least} to {most}")]
    Range { setting: &'static str, value: u64, least: u64, most: u64 },
}

impl RedisSettings {
    /// The defaults for one server.
    pub fn new(url: &str) -> Self {
        Self { url: Some(RedisUrl::new(url)), ..Self::default() }
    }

    /// Every URL given.
    pub fn urls(&self) -> impl Iterator<Item = &RedisUrl> {
        let sentinel = self.sentinel.iter().flat_map(|sentinel| [&sentinel.master].into_iter().chain(&sentinel.urls));
        self.url.iter().chain(sentinel).chain(&self.cluster)
    }

    /// Checks what the types do not.
    pub fn check(&self) -> Result<(), RedisSettingsError> {
        let places = [self.url.is_some(), self.sentinel.is_some(), !self.cluster.is_empty()];
        if places.into_iter().filter(|given| *given).count() != 1 {
            return Err(RedisSettingsError::OnePlace);
        }
        if self.sentinel.as_ref().is_some_and(|sentinel| sentinel.urls.is_empty()) {
            return Err(RedisSettingsError::NoSentinel);
        }
        if !self.urls().all(RedisUrl::is_redis) {
            return Err(RedisSettingsError::Scheme);
        }
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.:".contains(&octet);
        if !(1..=64).contains(&self.prefix.len()) || !self.prefix.bytes().all(fits) {
            return Err(RedisSettingsError::Prefix);
        }
        let range = |setting, value: u64, least, most| {
            let fits = (least..=most).contains(&value);
            if fits { Ok(()) } else { Err(RedisSettingsError::Range { setting, value, least, most }) }
        };
        range("poll-seconds", self.poll_seconds, 1, 60)?;
        range("timeout-milliseconds", self.timeout_milliseconds, 10, 60_000)?;
        range("grace-seconds", self.grace_seconds, 0, 366 * 86_400)?;
        range("follow-seconds", self.follow_seconds, 1, 86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), RedisSettingsError> {
        toml::from_str::<RedisSettings>(text).expect(text).check()
    }

    #[test]
    fn one_place_is_named_and_no_password_is_shown() {
        let places = [
            "url = \"redis://:secret@a:6379/1\"",
            "sentinel = { master = \"rediss://u:secret@mymaster/0\", urls = [\"redis://s:26379\"] }",
            "cluster = [\"redis://:secret@a:6379\", \"redis://:secret@b:6379\"]",
        ];
        for place in places {
            assert_eq!(checked(place), Ok(()), "{place}");
            let settings: RedisSettings = toml::from_str(place).expect("settings");
            assert!(!format!("{settings:?}").contains("secret"));
        }
        assert_eq!(checked(""), Err(RedisSettingsError::OnePlace));
        assert_eq!(checked(&places[..2].join("\n")), Err(RedisSettingsError::OnePlace));
        assert_eq!(checked(&[places[0], places[2]].join("\n")), Err(RedisSettingsError::OnePlace));
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        let none = "sentinel = { master = \"redis://m\", urls = [] }";
        assert_eq!(checked(none), Err(RedisSettingsError::NoSentinel));
        let wrong = [
            "url = \"http://x\"",
            "cluster = [\"redis://a\", \"unix:///x\"]",
            "sentinel = { master = \"m\", urls = [\"redis://s\"] }",
        ];
        for text in wrong {
            assert_eq!(checked(text), Err(RedisSettingsError::Scheme), "{text}");
        }
        assert_eq!(checked("url = \"redis://x\"\nprefix = \"a{b}\""), Err(RedisSettingsError::Prefix));
        let late = checked("url = \"redis://x\"\nfollow-seconds = 0");
        assert!(matches!(late, Err(RedisSettingsError::Range { setting: "follow-seconds", value: 0, .. })));
    }
}
