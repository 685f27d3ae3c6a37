//! Settings of the issuance log.

use std::path::PathBuf;

use serde::Deserialize;

/// The public record of what is issued; without `folder` there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct IssuanceLog {
    /// Of this node alone.
    pub folder: Option<PathBuf>,
    /// Ed25519, PKCS#8 in PEM.
    pub key: Option<PathBuf>,
    /// The name of the log and of its key.
    pub origin: Option<String>,
    /// Who is asked to cosign each checkpoint.
    pub witnesses: Vec<LogWitness>,
    /// PEM file of who may vouch for `https` witnesses; none: the authorities of the machine.
    pub tls_authorities: Option<PathBuf>,
}

/// A witness of logs (C2SP tlog-witness).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogWitness {
    /// `add-checkpoint` is put behind it.
    pub url: String,
    /// Its verifier key.
    pub key: String,
    /// It may have an address that the public Internet does not route: private or loopback.
    #[serde(default)]
    pub allow_private: bool,
}

/// This service as a witness of others' logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Witness {
    /// Ed25519, PKCS#8 in PEM.
    pub key: Option<PathBuf>,
    /// The name of its key.
    pub name: Option<String>,
    /// What it saw last of each log.
    pub state_file: Option<PathBuf>,
    /// The verifier keys of the logs.
    pub logs: Vec<String>,
}

impl Witness {
    /// The first rule that is broken: the key, and the rule.
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        let given = [self.key.is_some(), self.name.is_some(), self.state_file.is_some(), !self.logs.is_empty()];
        let is_whole = given == [true; 4] || given == [false; 4];
        let key = if self.key.is_some() { "key" } else { "logs" };
        (!is_whole).then_some((key, "be given together with the other three of key, name, state-file and logs"))
    }
}

impl IssuanceLog {
    /// The first rule that is broken: the key, and the rule.
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        let given = [self.folder.is_some(), self.key.is_some(), self.origin.is_some()];
        if given != [true; 3] && given != [false; 3] {
            let key = if self.folder.is_some() {
                "folder"
            } else if self.key.is_some() {
                "key"
            } else {
                "origin"
            };
            return Some((key, "be given together with the other two of folder, key and origin"));
        }
        let is_name = |name: &str| {
            (1..=255).contains(&name.len()) && name.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'+')
        };
        let is_wrong = self.origin.as_deref().is_some_and(|origin| !is_name(origin));
        is_wrong.then_some(("origin", "be 1 to 255 visible ASCII characters without +"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_or_none() {
        assert_eq!(IssuanceLog::default().broken_rule(), None);
        let whole = IssuanceLog {
            folder: Some("log".into()),
            key: Some("log.key".into()),
            origin: Some("example.vn/log".into()),
            ..IssuanceLog::default()
        };
        assert_eq!(whole.broken_rule(), None);
        let of = |change: fn(&mut IssuanceLog)| {
            let mut other = whole.clone();
            change(&mut other);
            other.broken_rule().map(|(key, _)| key)
        };
        assert_eq!(of(|log| log.folder = None), Some("key"));
        assert_eq!(of(|log| log.origin = None), Some("folder"));
        assert_eq!(of(|log| log.origin = Some("a b".to_owned())), Some("origin"));
        assert_eq!(of(|log| log.origin = Some(String::new())), Some("origin"));
    }
}
