//! `[registry]`: where the record of issued documents is, in one SQLite file or on a PostgreSQL server.
//!
//! ```toml
//! [registry.postgres]
//! url = "postgres://antin@db1.example.vn,db2.example.vn/antin?target_session_attrs=read-write"
//! password-file = "postgres.password"
//! ```

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Registry {
    /// The SQLite file; not used where `postgres` is given.
    pub path: PathBuf,
    pub postgres: Option<PostgresSettings>,
}

impl Default for Registry {
    fn default() -> Self {
        Self { path: "registry.db".into(), postgres: None }
    }
}

/// A PostgreSQL server, or one that speaks its protocol and its SQL.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PostgresSettings {
    /// As libpq takes it; several hosts are tried in turn until one is found that can be written to.
    pub url: PostgresUrl,
    /// A file that holds the password; a line end behind it is not part of it.
    pub password_file: Option<PathBuf>,
    /// An environment variable that holds the password.
    pub password_env: Option<String>,
    /// The most connections of this process, one more for its lease aside.
    pub connections: usize,
    /// Until one host has given a session.
    pub connect_timeout_seconds: u64,
    /// Until one request is answered, waiting for a connection included.
    pub timeout_seconds: u64,
    /// PEM file of the authorities that vouch for the servers; none: those of the machine.
    pub tls_authorities: Option<PathBuf>,
    /// How long after its last sign of life a node counts as dead.
    pub lease_seconds: u64,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            url: PostgresUrl::new(""),
            password_file: None,
            password_env: None,
            connections: 32,
            connect_timeout_seconds: 3,
            timeout_seconds: 10,
            tls_authorities: None,
            lease_seconds: 30,
        }
    }
}

impl PostgresSettings {
    /// The defaults for a URL.
    pub fn new(url: &str) -> Self {
        Self { url: PostgresUrl::new(url), ..Self::default() }
    }

    pub const fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_seconds)
    }

    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    pub const fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// The first rule that is broken: the key, and the rule.
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        if !self.url.0.starts_with("postgres://") && !self.url.0.starts_with("postgresql://") {
            return Some(("url", "begin with postgres:// or postgresql://"));
        }
        if self.password_file.is_some() && self.password_env.is_some() {
            return Some(("password-env", "not be given together with password-file"));
        }
        [
            ("connections", self.connections as u64, 1000, "be 1 to 1000"),
            ("connect-timeout-seconds", self.connect_timeout_seconds, 60, "be 1 to 60"),
            ("timeout-seconds", self.timeout_seconds, 300, "be 1 to 300"),
            ("lease-seconds", self.lease_seconds, 3600, "be 1 to 3600"),
        ]
        .into_iter()
        .find_map(|(key, value, most, rule)| (!(1..=most).contains(&value)).then_some((key, rule)))
    }
}

/// A URL that may hold a password: it is not shown.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    pub fn new(url: &str) -> Self {
        Self(url.to_owned())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PostgresUrl(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> Option<(&'static str, &'static str)> {
        toml::from_str::<PostgresSettings>(text).expect(text).broken_rule()
    }

    #[test]
    fn settings_are_bounded_and_the_url_is_not_shown() {
        let url = "url = \"postgres://antin:secret@db/antin\"\n";
        assert_eq!(broken(url), None);
        let settings: PostgresSettings = toml::from_str(url).expect("settings");
        assert!(!format!("{settings:?}").contains("secret"));
        assert_eq!(broken("").map(|(key, _)| key), Some("url"));
        assert_eq!(broken("url = \"mysql://db\"").map(|(key, _)| key), Some("url"));
        for (line, key) in [
            ("connections = 0", "connections"),
            ("connect-timeout-seconds = 61", "connect-timeout-seconds"),
            ("timeout-seconds = 0", "timeout-seconds"),
            ("lease-seconds = 3601", "lease-seconds"),
            ("password-file = \"a\"\npassword-env = \"B\"", "password-env"),
        ] {
            assert_eq!(broken(&format!("{url}{line}")).map(|(key, _)| key), Some(key), "{line}");
        }
    }
}
