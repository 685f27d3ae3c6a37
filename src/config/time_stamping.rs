//! `[time-stamping]`: who gives time-stamps to the signatures made here.

use std::path::PathBuf;

use serde::Deserialize;

use crate::core::oid;

/// The authorities and how they are asked. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimeStamping {
    /// Asked in this order. None: no level above B-B can be had.
    pub authorities: Vec<TimeStampAuthority>,
    /// Until a connection stands.
    pub connect_timeout_seconds: u64,
    /// Until an answer is there, name resolution and connection included.
    pub timeout_seconds: u64,
    /// For one time-stamp, whoever is asked.
    pub total_seconds: u64,
    /// How often each is asked for one time-stamp.
    pub attempts: u32,
    /// Time-stamps asked for at one time.
    pub concurrency: usize,
    /// Longest wait after time-stamps that could not be had; the first is one second and each is twice the one before.
    pub backoff_seconds: u64,
    /// Days before an archive time-stamp proves nothing more, from which on it is followed by another.
    pub renew_before_days: u32,
    /// PEM file of who may vouch for `https` authorities; none: the authorities of the machine.
    pub tls_authorities: Option<PathBuf>,
}

/// A time-stamping authority (RFC 3161 §3.4).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimeStampAuthority {
    pub url: String,
    /// The policy that its time-stamps must be of, as dotted numbers; none: any.
    pub policy: Option<String>,
    /// It may have an address that the public Internet does not route: private or loopback.
    #[serde(default)]
    pub allow_private: bool,
}

impl Default for TimeStamping {
    fn default() -> Self {
        Self {
            authorities: Vec::new(),
            connect_timeout_seconds: 5,
            timeout_seconds: 140,
            total_seconds: 300,
            attempts: 2,
            concurrency: 4,
            backoff_seconds: 300,
            renew_before_days: 90,
            tls_authorities: None,
        }
    }
}

/// More of them would wait for each other.
const MOST_AUTHORITIES: usize = 8;

impl TimeStamping {
    /// The first rule that is broken: the key, and the rule.
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        let is_plain_url = |one: &TimeStampAuthority| one.url.starts_with("http://") || one.url.starts_with("https://");
        let known = |one: &TimeStampAuthority| one.policy.as_deref().is_none_or(|policy| oid::parse(policy).is_some());
        let within = |value: u64, most: u64| (1..=most).contains(&value);
        [
            ("authorities", "be at most eight http:// or https:// URLs", {
                self.authorities.len() <= MOST_AUTHORITIES && self.authorities.iter().all(is_plain_url)
            }),
            ("authorities", "have a policy of dotted numbers, as in 1.3.6.1", self.authorities.iter().all(known)),
            ("connect-timeout-seconds", "be 1 to 60", within(self.connect_timeout_seconds, 60)),
            ("timeout-seconds", "be 1 to 600", within(self.timeout_seconds, 600)),
            ("total-seconds", "be 1 to 3600", within(self.total_seconds, 3600)),
            ("attempts", "be 1 to 10", within(self.attempts.into(), 10)),
            ("concurrency", "be 1 to 64", within(self.concurrency as u64, 64)),
            ("renew-before-days", "be 1 to 3650", within(self.renew_before_days.into(), 3650)),
            ("backoff-seconds", "be 1 to 86400", within(self.backoff_seconds, 86_400)),
        ]
        .into_iter()
        .find_map(|(key, rule, is_kept)| (!is_kept).then_some((key, rule)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_told_by_its_key() {
        let read = |text: &str| toml::from_str::<TimeStamping>(text).expect(text);
        let good = "authorities = [{ url = 'https://tsa.example.vn/', policy = '1.3.6.1', allow-private = true }]";
        assert_eq!(read(good).broken_rule(), None);
        assert_eq!(read("").broken_rule(), None);
        for (text, key) in [
            ("authorities = [{ url = 'ldap://tsa.example.vn/' }]", "authorities"),
            ("authorities = [{ url = 'http://tsa.example.vn/', policy = 'any' }]", "authorities"),
            ("timeout-seconds = 0", "timeout-seconds"),
            ("total-seconds = 3601", "total-seconds"),
            ("attempts = 0", "attempts"),
            ("concurrency = 0", "concurrency"),
            ("backoff-seconds = 0", "backoff-seconds"),
            ("renew-before-days = 0", "renew-before-days"),
            ("connect-timeout-seconds = 61", "connect-timeout-seconds"),
        ] {
            assert_eq!(read(text).broken_rule().map(|(key, _)| key), Some(key), "{text}");
        }
        assert!(toml::from_str::<TimeStamping>("authorities = [{ address = 'http://tsa.example.vn/' }]").is_err());
    }
}
