//! `[revocation]`: where CRLs come from, how often they are asked for, and what is kept where.
//!
//! ```toml
//! [revocation]
//! marks-file = "/var/lib/antin/revocation-marks.json"
//! allowed-hosts = [{ host = "crl.example.vn", port = 80 }, { host = "10.0.0.5", port = 8080, allow-private = true }]
//! sources = [
//!     { urls = ["http://crl.example.vn/ca.crl"], issuer-sha256 = "9f86d0…" },
//!     { file = "/etc/antin/crl/root.crl" },
//! ]
//!
//! [revocation.redis]
//! url = "rediss://antin:password@redis.example.vn:6379/0"
//! ```

use std::path::PathBuf;

use serde::Deserialize;

pub use super::redis::{RedisSettings, RedisSettingsError, RedisUrl, SentinelSettings};

/// Everything about revocation data. Times are in seconds, sizes in bytes.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RevocationSettings {
    /// Where CRLs are published. What other nodes put into Redis counts for a list whose marks are known here.
    pub sources: Vec<CrlSource>,
    /// The only hosts that are ever asked: for CRLs of the sources, and for the CRLs, OCSP responses and issuers' certificates
    /// that certificates name. None: nothing is fetched.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Longest time between two requests to one source.
    pub refresh_seconds: u64,
    /// How long before `nextUpdate` a newer list is asked for.
    pub ahead_seconds: u64,
    /// Each wait is shortened by a random part of this many per cent, so that nodes do not ask at the same moment. 0–90.
    pub jitter_percent: u8,
    /// Longest wait after a failed request; the first is one second and each is twice the one before.
    pub backoff_seconds: u64,
    /// Octets of the longest list.
    pub maximum_bytes: usize,
    /// Until a connection to a source stands.
    pub connect_timeout_seconds: u64,
    /// Until a list is there, name resolution and connection included.
    pub timeout_seconds: u64,
    /// How long a question may wait for evidence that is missing and that an allowed host has; 0: none is asked for.
    pub collect_seconds: u64,
    /// CRLs found by what certificates name that are kept fresh at one time.
    pub discovered_lists: usize,
    /// After how long without a use such a CRL is forgotten.
    pub discovered_idle_seconds: u64,
    /// Requests to one host that fail one after the other until it is left alone.
    pub breaker_failures: u32,
    /// For how long it is; then one request tries again.
    pub breaker_rest_seconds: u64,
    /// How long a start waits for the first lists; it goes on without them.
    pub start_timeout_seconds: u64,
    /// PEM file of the authorities that may vouch for `https` sources; none: those of the machine.
    pub tls_authorities: Option<PathBuf>,
    /// Where the high-water marks are kept: the highest CRLNumber and `thisUpdate` seen of each list. Back it up; with it
    /// goes the knowledge that keeps an older list from coming back. A relative path is below the working directory.
    pub marks_file: PathBuf,
    /// Fast memory shared by several nodes; none: each keeps its own.
    pub redis: Option<RedisSettings>,
}

impl Default for RevocationSettings {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            allowed_hosts: Vec::new(),
            refresh_seconds: 45,
            ahead_seconds: 3600,
            jitter_percent: 20,
            backoff_seconds: 8,
            maximum_bytes: 64 << 20,
            connect_timeout_seconds: 5,
            timeout_seconds: 30,
            collect_seconds: 4,
            discovered_lists: 64,
            discovered_idle_seconds: 86_400,
            breaker_failures: 5,
            breaker_rest_seconds: 5,
            start_timeout_seconds: 10,
            tls_authorities: None,
            marks_file: PathBuf::from("revocation-marks.json"),
            redis: None,
        }
    }
}

/// One place where one authority publishes: either `urls` or `file`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CrlSource {
    /// SHA-256 fingerprint (hex) of the certificate of the authority whose lists these are. Neither this nor `issuer-file`:
    /// any authority that is held.
    pub issuer_sha256: Option<String>,
    /// That certificate as a file, PEM or DER.
    pub issuer_file: Option<PathBuf>,
    /// The same list at several places, asked in this order until one answers with a list that counts.
    pub urls: Vec<String>,
    /// A file that something else keeps fresh; a change is seen within a second.
    pub file: Option<PathBuf>,
}

/// A host that may be asked, at one port.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AllowedHost {
    /// A DNS name or an IP address, as it stands in the URL.
    pub host: String,
    #[serde(default = "default_port")]
    pub port: u16,
    /// The host may have an address that the public Internet does not route: private or loopback.
    #[serde(default)]
    pub allow_private: bool,
}

const fn default_port() -> u16 {
    80
}

/// What is wrong with the settings; each names the setting and what to do.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RevocationSettingsError {
    #[error("revocation.sources[{0}]: give either urls or file")]
    UrlsOrFile(usize),
    #[error("revocation.sources[{0}]: give at most one of issuer-sha256 and issuer-file")]
    TwoIssuers(usize),
    #[error("revocation.sources[{0}].issuer-sha256: give 64 hexadecimal digits")]
    Fingerprint(usize),
    #[error("revocation.{setting}: {value} is outside {least} to {most}")]
    Range { setting: &'static str, value: u64, least: u64, most: u64 },
    #[error(transparent)]
    Redis(#[from] RedisSettingsError),
}

impl CrlSource {
    /// The fingerprint in `issuer-sha256`, decoded.
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        let mut fingerprint = [0; 32];
        hex::decode_to_slice(self.issuer_sha256.as_deref()?, &mut fingerprint).ok()?;
        Some(fingerprint)
    }
}

impl RevocationSettings {
    /// Checks what the types do not.
    pub fn check(&self) -> Result<(), RevocationSettingsError> {
        for (index, source) in self.sources.iter().enumerate() {
            if source.urls.is_empty() == source.file.is_none() {
                return Err(RevocationSettingsError::UrlsOrFile(index));
            }
            if source.issuer_sha256.is_some() && source.issuer_file.is_some() {
                return Err(RevocationSettingsError::TwoIssuers(index));
            }
            if source.issuer_sha256.is_some() && source.fingerprint().is_none() {
                return Err(RevocationSettingsError::Fingerprint(index));
            }
        }
        range("refresh-seconds", self.refresh_seconds, 1, 86_400)?;
        range("ahead-seconds", self.ahead_seconds, 0, 30 * 86_400)?;
        range("jitter-percent", u64::from(self.jitter_percent), 0, 90)?;
        range("backoff-seconds", self.backoff_seconds, 1, 3600)?;
        range("maximum-bytes", self.maximum_bytes as u64, 1024, 512 << 20)?;
        range("connect-timeout-seconds", self.connect_timeout_seconds, 1, 60)?;
        range("timeout-seconds", self.timeout_seconds, 1, 600)?;
        range("start-timeout-seconds", self.start_timeout_seconds, 0, 600)?;
        range("collect-seconds", self.collect_seconds, 0, 30)?;
        range("discovered-lists", self.discovered_lists as u64, 0, 4096)?;
        range("discovered-idle-seconds", self.discovered_idle_seconds, 1, 30 * 86_400)?;
        range("breaker-failures", u64::from(self.breaker_failures), 1, 1000)?;
        range("breaker-rest-seconds", self.breaker_rest_seconds, 1, 3600)?;
        Ok(self.redis.as_ref().map_or(Ok(()), RedisSettings::check)?)
    }
}

const fn range(setting: &'static str, value: u64, least: u64, most: u64) -> Result<(), RevocationSettingsError> {
    if value < least || value > most {
        return Err(RevocationSettingsError::Range { setting, value, least, most });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_an_operator_writes() {
        let text = r#"
            marks-file = "/var/lib/antin/marks.json"
            allowed-hosts = [{ host = "crl.example.vn" }, { host = "10.0.0.5", port = 8080, allow-private = true }]
            sources = [{ urls = ["http://crl.example.vn/ca.crl"] }, { file = "root.crl", issuer-file = "root.crt" }]
            [redis]
            url = "rediss://antin:secret@redis.example.vn/0"
        "#;
        let settings: RevocationSettings = toml::from_str(text).expect("settings");
        assert_eq!(settings.check(), Ok(()));
        assert_eq!((settings.allowed_hosts[0].port, settings.allowed_hosts[0].allow_private), (80, false));
        assert_eq!(settings.refresh_seconds, RevocationSettings::default().refresh_seconds);
        let redis = settings.redis.as_ref().expect("redis");
        assert_eq!((redis.prefix.as_str(), redis.poll_seconds), ("antin", 2));
        assert!(!format!("{settings:?}").contains("secret"));
        assert_eq!(toml::from_str::<RevocationSettings>(""), Ok(RevocationSettings::default()));
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        for text in ["unknown = 1", "sources = [{ url = \"x\" }]", "[redis]\nuri = \"x\"", "jitter-percent = 300"] {
            assert!(toml::from_str::<RevocationSettings>(text).is_err(), "{text}");
        }
        let wrong = |text: &str| toml::from_str::<RevocationSettings>(text).expect("a form").check().expect_err(text);
        assert_eq!(wrong("sources = [{}]"), RevocationSettingsError::UrlsOrFile(0));
        assert_eq!(wrong("sources = [{ urls = [\"x\"], file = \"y\" }]"), RevocationSettingsError::UrlsOrFile(0));
        let both = "sources = [{ file = \"y\", issuer-file = \"z\", issuer-sha256 = \"00\" }]";
        assert_eq!(wrong(both), RevocationSettingsError::TwoIssuers(0));
        let short = "sources = [{ file = \"y\", issuer-sha256 = \"00\" }]";
        assert_eq!(wrong(short), RevocationSettingsError::Fingerprint(0));
        assert!(matches!(
            wrong("refresh-seconds = 0"),
            RevocationSettingsError::Range { setting: "refresh-seconds", value: 0, .. }
        ));
        assert_eq!(wrong("[redis]\nurl = \"http://x\""), RedisSettingsError::Scheme.into());
    }
}
