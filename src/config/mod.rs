//! Settings: `config/antin.toml` says what each means; [`read`] takes a file, [`Config::default`] is that very file.
mod audit;
mod file;
mod issuance_log;
mod key_rules;
mod listener;
mod lookup;
mod page;
mod permission;
mod proxies;
mod receipt;
mod redis;
mod registry;
mod remote_signing;
mod required;
pub mod revocation;
mod status_lists;
mod time_stamping;
mod token;
mod trust;
pub use audit::Audit;
pub use file::{ConfigError, parse, read};
pub use issuance_log::{IssuanceLog, LogWitness, Witness};
pub use listener::{Internal, Limits, MutualTls, Public};
pub use lookup::Lookup;
pub use page::Page;
pub use permission::{Client, Kind, Operation, Padding, Permission, SigningKey};
pub use proxies::{InvalidNetwork, Network};
pub use receipt::Receipt;
pub use registry::{PostgresSettings, PostgresUrl, Registry};
pub use remote_signing::RemoteSigning;
pub use required::{Concerned, RequiredLog, RequiredStatus};
use serde::Deserialize;
pub use status_lists::{StatusListSource, StatusLists};
pub use time_stamping::{TimeStampAuthority, TimeStamping};
pub use token::Token;
pub use trust::{Trust, TrustList, TrustSource};

use revocation::RevocationSettings;
use std::path::PathBuf;
/// Every setting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The file that says all this; `None`: nobody's but this program's.
    #[serde(skip)]
    pub origin: Option<PathBuf>,
    pub public: Public,
    pub mutual_tls: MutualTls,
    pub internal: Internal,
    pub limits: Limits,
    pub trust: Trust,
    pub revocation: RevocationSettings,
    pub time_stamping: TimeStamping,
    pub verify: Verify,
    pub receipt: Receipt,
    pub status_lists: StatusLists,
    pub documents: Documents,
    pub registry: Registry,
    pub audit: Audit,
    pub issuance_log: IssuanceLog,
    pub witness: Witness,
    pub lookup: Lookup,
    pub page: Page,
    pub remote_signing: RemoteSigning,
    pub log: Log,
    #[serde(rename = "status-list-source")]
    pub status_list_sources: Vec<StatusListSource>,
    pub required_status: Vec<RequiredStatus>,
    pub required_log: Vec<RequiredLog>,
    #[serde(rename = "token")]
    pub tokens: Vec<Token>,
    #[serde(rename = "key")]
    pub keys: Vec<SigningKey>,
    #[serde(rename = "kind")]
    pub kinds: Vec<Kind>,
    #[serde(rename = "client")]
    pub clients: Vec<Client>,
}

impl Config {
    /// The tables in which the other settings differ, but for those that are read again while the service runs: `[[token]]`, `[[key]]` and
    /// `[[client]]`.
    pub fn tables_other_than_in(&self, other: &Self) -> Vec<&'static str> {
        let differ = [
            ("public", self.public != other.public),
            ("mutual-tls", self.mutual_tls != other.mutual_tls),
            ("internal", self.internal != other.internal),
            ("limits", self.limits != other.limits),
            ("trust", self.trust != other.trust),
            ("revocation", self.revocation != other.revocation),
            ("time-stamping", self.time_stamping != other.time_stamping),
            ("verify", self.verify != other.verify),
            ("receipt", self.receipt != other.receipt),
            ("status-lists", self.status_lists != other.status_lists),
            ("required-status", self.required_status != other.required_status),
            ("required-log", self.required_log != other.required_log),
            ("status-list-source", self.status_list_sources != other.status_list_sources),
            ("documents", self.documents != other.documents),
            ("registry", self.registry != other.registry),
            ("audit", self.audit != other.audit),
            ("issuance-log", self.issuance_log != other.issuance_log),
            ("witness", self.witness != other.witness),
            ("lookup", self.lookup != other.lookup),
            ("page", self.page != other.page),
            ("remote-signing", self.remote_signing != other.remote_signing),
            ("log", self.log != other.log),
            ("kind", self.kinds != other.kinds),
        ];
        differ.into_iter().filter_map(|(table, differs)| differs.then_some(table)).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Verify {
    pub policy: String,
    /// Files of policies beside those that come with antin.
    pub policies: Vec<PathBuf>,
    /// Which signatures documents of each kind need; left out: nothing is required of any kind.
    pub document_kinds: Option<PathBuf>,
    /// On which days offices work; left out: as `config/working-days.toml` has it.
    pub working_days: Option<PathBuf>,
    /// SHA-256 of certificates, in hexadecimal digits: of keys elsewhere, or of before, that sign digests of what nobody sees.
    pub unseen_signers: Vec<String>,
}
impl Default for Verify {
    fn default() -> Self {
        Self {
            policy: "circular-15-2025".to_owned(),
            policies: Vec::new(),
            document_kinds: None,
            working_days: None,
            unseen_signers: Vec::new(),
        }
    }
}
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Documents {
    /// Files of kinds beside those that come with antin, or in place of them.
    pub kinds_folder: Option<PathBuf>,
}
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Log {
    /// A filter in the syntax of `tracing_subscriber::EnvFilter`.
    pub level: String,
    pub requests: bool,
}
impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), requests: true }
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_commented_file_is_the_default() {
        let text = include_str!("../../config/antin.toml");
        let parsed = parse(text, "antin.toml".as_ref()).expect("the file in the tree");
        assert_eq!(parsed, Config::default());
    }
    /// The commented examples of tables are real settings too.
    #[test]
    fn the_examples_of_tables_can_be_used() {
        let text = include_str!("../../config/antin.toml");
        let start = text.find("# [[status-list-source]]").expect("the first example");
        let lines = text[start..].lines().map(|line| line.strip_prefix("# ").unwrap_or(line));
        let example: String =
            lines.filter(|line| !line.starts_with("sha256")).map(|line| format!("{line}\n")).collect();
        let parsed = parse(&example, "antin.toml".as_ref()).expect("the examples");
        let tables = (parsed.tokens.len(), parsed.keys.len(), parsed.kinds.len(), parsed.clients.len());
        assert_eq!((tables, parsed.status_list_sources.len()), ((1, 1, 1, 1), 1));
        assert_eq!((parsed.required_status.len(), parsed.required_log.len()), (1, 1));
    }
}
