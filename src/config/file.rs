//! Reading the settings: every error names the file, the line, the key, and what to do.

use std::path::{Path, PathBuf};

use super::{Client, Config, Operation, PostgresSettings, RequiredLog, RequiredStatus, SigningKey};
use crate::core::cms::document_reference::{BLIND_KIND, RESERVED_KINDS};

/// Octets of the largest settings file.
const LIMIT: u64 = 1 << 20;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the settings file {}: name an existing file with --config", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: larger than {LIMIT} bytes: not a settings file", path.display())]
    TooLarge { path: PathBuf },
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("{}:{line}: {key}: {message}; config/antin.toml shows every key", path.display())]
    Syntax { path: PathBuf, line: usize, key: String, message: String },
    /// A value that breaks its rule.
    #[error("{}:{line}: {key} must {rule}", path.display())]
    Value { path: PathBuf, line: usize, key: String, rule: &'static str },
}

/// Reads a settings file; paths in it become relative to its folder.
pub fn read(path: &Path) -> Result<Config, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(failed)?.len() > LIMIT {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    let mut config = parse(&std::fs::read_to_string(path).map_err(failed)?, path)?;
    if let Some(folder) = path.parent() {
        for path in paths(&mut config) {
            *path = folder.join(&*path);
        }
    }
    config.origin = Some(path.to_owned());
    Ok(config)
}

/// Parses settings; `path` is named in errors.
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let config: Config = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        let key = text.lines().nth(line - 1).and_then(|line| line.split('=').next()).unwrap_or_default();
        let key = key.trim().chars().take(64).collect();
        ConfigError::Syntax { path: path.to_owned(), line, key, message: error.message().to_owned() }
    })?;
    match broken_rule(&config) {
        None => Ok(config),
        Some((key, rule)) => Err(ConfigError::Value { path: path.to_owned(), line: line_of(text, &key), key, rule }),
    }
}

/// Something can be put behind this URL.
fn is_base(url: &str) -> bool {
    let is_url = url.starts_with("http://") || url.starts_with("https://");
    is_url && !url.ends_with('/') && url.len() <= 200 && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The first rule that is broken: the key as `table.key`, and the rule.
fn broken_rule(config: &Config) -> Option<(String, &'static str)> {
    if let Some((key, _)) = config.limits.all().into_iter().find(|(_, value)| *value == 0) {
        return Some((format!("limits.{key}"), "be above 0"));
    }
    let public = &config.public;
    for (key, url) in [("base-url", Some(&public.base_url)), ("verification-url", public.verification_url.as_ref())] {
        if url.is_some_and(|url| !is_base(url)) {
            return Some((
                format!("public.{key}"),
                "be an http:// or https:// URL of at most 200 bytes without a final /",
            ));
        }
    }
    if let Some(list) = &config.trust.list
        && !hex::decode(&list.signer_sha256).is_ok_and(|octets| octets.len() == 32)
    {
        return Some(("trust.list".to_owned(), "have a signer-sha256 of 64 hexadecimal digits"));
    }
    if let Some((key, rule)) = config.time_stamping.broken_rule() {
        return Some((format!("time-stamping.{key}"), rule));
    }
    if let Some((key, rule)) = config.registry.postgres.as_ref().and_then(PostgresSettings::broken_rule) {
        return Some((format!("registry.postgres.{key}"), rule));
    }
    if let Some(rule) = super::key_rules::broken(config) {
        return Some(rule);
    }
    for (index, kind) in config.kinds.iter().enumerate() {
        if kind.name.is_empty() || config.kinds[..index].iter().any(|other| other.name == kind.name) {
            return Some(("kind.name".to_owned(), "be given and differ between kinds"));
        }
        if RESERVED_KINDS.contains(&&*kind.name) || kind.name == BLIND_KIND {
            return Some((
                "kind.name".to_owned(),
                "be none that antin uses itself (verification-receipt, antin-trust-list, blind)",
            ));
        }
        if kind.keys.is_empty() || kind.keys.iter().any(|name| !config.keys.iter().any(|key| key.is_called(name))) {
            return Some((
                "kind.keys".to_owned(),
                "name at least one [[key]] or authority of keys, and none that is missing",
            ));
        }
    }
    if let Some(rule) = broken_receipt_rule(config).or_else(|| broken_list_rule(config)) {
        return Some(rule);
    }
    if config.audit.folder.is_some() != config.audit.key.is_some() {
        let key = if config.audit.folder.is_some() { "audit.folder" } else { "audit.key" };
        return Some((key.to_owned(), "be given together with the other of the two, folder and key"));
    }
    if let Some((key, rule)) = config.issuance_log.broken_rule() {
        return Some((format!("issuance-log.{key}"), rule));
    }
    if let Some((key, rule)) = config.witness.broken_rule() {
        return Some((format!("witness.{key}"), rule));
    }
    if let Some((key, rule)) = config.page.broken_rule() {
        return Some((format!("page.{key}"), rule));
    }
    if let Some((key, rule)) = config.remote_signing.broken_rule() {
        return Some((format!("remote-signing.{key}"), rule));
    }
    config.clients.iter().enumerate().find_map(|(index, client)| {
        if client.name.is_empty() || config.clients[..index].iter().any(|other| other.name == client.name) {
            return Some(("client.name".to_owned(), "be given and differ between clients"));
        }
        let before = &config.clients[..index];
        if before.iter().any(|other| other.is_same_holder(client)) {
            return Some(("client.name".to_owned(), "stand for a certificate that no other [[client]] stands for"));
        }
        broken_client_rule(client, config)
    })
}

/// What strangers have signed is signed by a key that nothing else of worth is signed by.
fn broken_receipt_rule(config: &Config) -> Option<(String, &'static str)> {
    let receipt = &config.receipt;
    let Some(key) = &receipt.key else { return None };
    let held = config.keys.iter().find(|held| held.name == *key);
    let named = |names: &[String]| names.iter().any(|name| held.is_some_and(|held| held.is_called(name)));
    let signs_documents = config.kinds.iter().any(|kind| named(&kind.keys))
        || config.clients.iter().any(|client| client.permissions().any(|permission| named(&permission.keys)));
    if held.is_none() || signs_documents {
        return Some(("receipt.key".to_owned(), "name a [[key]] that no [[kind]] and no [[client]] names"));
    }
    let is_none = |count| count == 0_u64;
    if is_none(receipt.concurrency as u64) {
        return Some(("receipt.concurrency".to_owned(), "be above 0"));
    }
    is_none(receipt.per_minute.into()).then(|| ("receipt.per-minute".to_owned(), "be above 0"))
}

/// What is public of every document is signed by a key of its own too.
fn broken_list_rule(config: &Config) -> Option<(String, &'static str)> {
    let lists = &config.status_lists;
    if let Some((key, rule)) = lists.broken_rule() {
        return Some((format!("status-lists.{key}"), rule));
    }
    for (index, source) in config.status_list_sources.iter().enumerate() {
        if let Some((key, rule)) = source.broken_rule() {
            return Some((format!("status-list-source.{key}"), rule));
        }
        let own = format!("{}/status-lists/", config.public.base_url);
        let others = config.status_list_sources[..index].iter().map(|other| &other.url_prefix);
        let others: Vec<&String> = others.chain(lists.key.is_some().then_some(&own)).collect();
        let overlaps = |other: &String| other.starts_with(&source.url_prefix) || source.url_prefix.starts_with(other);
        if others.into_iter().any(overlaps) {
            return Some((
                "status-list-source.url-prefix".to_owned(),
                "be neither within another source's, nor where this service publishes its own lists",
            ));
        }
    }
    if let Some((key, rule)) = config.required_status.iter().find_map(RequiredStatus::broken_rule) {
        return Some((format!("required-status.{key}"), rule));
    }
    if let Some((key, rule)) = config.lookup.broken_rule() {
        return Some((format!("lookup.{key}"), rule));
    }
    if let Some((key, rule)) = config.required_log.iter().find_map(RequiredLog::broken_rule) {
        return Some((format!("required-log.{key}"), rule));
    }
    if let Some(found) = broken_blind_rule(config) {
        return Some(found);
    }
    let is_digest = |text: &String| hex::decode(text).is_ok_and(|octets| octets.len() == 32);
    if !config.verify.unseen_signers.iter().all(is_digest) {
        return Some(("verify.unseen-signers".to_owned(), "name certificates by 64 hexadecimal digits each"));
    }
    let key = lists.key.as_ref()?;
    let held = config.keys.iter().find(|held| held.name == *key);
    let named = |names: &[String]| names.iter().any(|name| held.is_some_and(|held| held.is_called(name)));
    let signs_others = config.kinds.iter().any(|kind| named(&kind.keys))
        || config.clients.iter().any(|client| client.permissions().any(|permission| named(&permission.keys)))
        || config.receipt.key.as_ref() == Some(key);
    (held.is_none() || signs_others).then(|| {
        ("status-lists.key".to_owned(), "name a [[key]] that no [[kind]], no [[client]] and no [receipt] names")
    })
}

/// A key by which digests of what nobody sees are signed signs nothing else: whoever meets its certificate knows what that is worth.
fn broken_blind_rule(config: &Config) -> Option<(String, &'static str)> {
    let blind =
        config.clients.iter().flat_map(Client::permissions).filter(|one| one.operations.contains(&Operation::SignHash));
    let blind: Vec<String> = blind.flat_map(|permission| permission.keys).collect();
    let is_called = |key: &SigningKey, names: &[String]| names.iter().any(|name| key.is_called(name));
    let is_blind = |name: &String| {
        let mut named = config.keys.iter().filter(|key| key.is_called(name));
        named.any(|key| is_called(key, &blind))
    };
    let of_kinds = config.kinds.iter().flat_map(|kind| &kind.keys);
    let others = of_kinds.chain(&config.receipt.key).chain(&config.status_lists.key).any(is_blind);
    others.then(|| ("client.operations".to_owned(), "have sign-hash with keys that sign nothing else: no [[kind]], no [receipt] and no [status-lists] names them"))
}

fn broken_client_rule(client: &Client, config: &Config) -> Option<(String, &'static str)> {
    match (&client.sha256, &client.subject, &client.issuer) {
        (Some(sha256), None, None) => {
            if hex::decode(sha256).is_ok_and(|octets| octets.len() == 32) {
                None
            } else {
                Some(("client.sha256".to_owned(), "be 64 hexadecimal digits"))
            }
        }
        (None, Some(_), Some(_)) => None,
        _ => Some(("client.name".to_owned(), "come with either sha256, or subject and issuer")),
    }
    .or_else(|| {
        let is_unknown = |name: &String| config.kinds.iter().all(|kind| kind.name != *name);
        let unknown_kind = client.permissions().any(|permission| permission.kinds.iter().any(is_unknown));
        unknown_kind.then(|| ("client.kinds".to_owned(), "name only kinds that have a [[kind]]"))
    })
    .or_else(|| {
        let is_unknown = |name: &String| !config.keys.iter().any(|key| key.is_called(name));
        let unknown_key = client.permissions().any(|permission| permission.keys.iter().any(is_unknown));
        unknown_key.then(|| ("client.keys".to_owned(), "name only keys that have a [[key]], or authorities of such"))
    })
    .or_else(|| client.broken_permission().map(|rule| ("client.operations".to_owned(), rule)))
    .or_else(|| (client.concurrency == 0).then(|| ("client.concurrency".to_owned(), "be above 0")))
}

fn paths(config: &mut Config) -> impl Iterator<Item = &mut PathBuf> {
    let Config {
        mutual_tls,
        trust,
        revocation,
        time_stamping,
        verify,
        documents,
        registry,
        audit,
        issuance_log,
        witness,
        lookup,
        remote_signing,
        status_list_sources,
        tokens,
        keys,
        ..
    } = config;
    let sources =
        revocation.sources.iter_mut().flat_map(|source| source.issuer_file.iter_mut().chain(&mut source.file));
    let list = trust.list.iter_mut().flat_map(|list| [&mut list.file, &mut list.state_file]);
    let authorities = revocation.redis.iter_mut().filter_map(|redis| redis.tls_authorities.as_mut());
    let postgres = registry.postgres.iter_mut();
    let postgres = postgres.flat_map(|store| store.password_file.iter_mut().chain(&mut store.tls_authorities));
    let keys = keys.iter_mut().flat_map(|key| {
        [&mut key.certificate].into_iter().chain(&mut key.file).chain(&mut key.chain).chain(&mut key.seal_image)
    });
    let tokens = tokens.iter_mut().flat_map(|token| [&mut token.module].into_iter().chain(&mut token.pin_file));
    [&mut mutual_tls.certificate, &mut mutual_tls.key, &mut registry.path]
        .into_iter()
        .chain(&mut mutual_tls.chain)
        .chain(&mut mutual_tls.client_authorities)
        .chain(&mut mutual_tls.client_crls)
        .chain(trust.directories.iter_mut().chain(&mut trust.anchors).map(|source| &mut source.path))
        .chain(&mut trust.intermediates)
        .chain(list)
        .chain([&mut revocation.marks_file])
        .chain(&mut revocation.tls_authorities)
        .chain(&mut time_stamping.tls_authorities)
        .chain(&mut verify.policies)
        .chain(&mut verify.document_kinds)
        .chain(&mut verify.working_days)
        .chain(&mut documents.kinds_folder)
        .chain(lookup.key.iter_mut().chain(&mut lookup.older_keys))
        .chain(&mut remote_signing.token_key)
        .chain(&mut audit.folder)
        .chain(&mut audit.key)
        .chain(&mut issuance_log.folder)
        .chain(&mut issuance_log.key)
        .chain(&mut issuance_log.tls_authorities)
        .chain(&mut witness.key)
        .chain(&mut witness.state_file)
        .chain(status_list_sources.iter_mut().flat_map(|source| &mut source.signers))
        .chain(authorities)
        .chain(postgres)
        .chain(sources)
        .chain(tokens)
        .chain(keys)
}

fn line_at(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The line on which `table.key` first stands; 1 if it was left out.
fn line_of(text: &str, key: &str) -> usize {
    let (table, key) = key.rsplit_once('.').unwrap_or(("", key));
    let mut within = false;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if let Some(header) = line.strip_prefix('[') {
            let name = header.trim_start_matches('[').split(']').next().unwrap_or_default();
            within = name.trim() == table;
        } else if within && line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return index + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrustSource;

    const KEY: &str = "[[key]]\nname = \"a\"\nfile = \"f\"\ncertificate = \"c\"\n";

    #[test]
    fn errors_name_file_line_key_and_rule() {
        let client = |rest: &str| {
            let sha256 = "0".repeat(64);
            let kind = "[[kind]]\nname = \"b\"\nkeys = [\"a\"]\n";
            format!("{KEY}{kind}[[client]]\nname = \"c\"\nsha256 = \"{sha256}\"\n{rest}\n")
        };
        for (text, words) in [
            ("[limits]\nbody-bytes = 0\n", "antin.toml:2: limits.body-bytes must be above 0"),
            ("[limits]\n\nbody-size = 1\n", "antin.toml:3: body-size: unknown field `body-size`"),
            ("[public]\naddress = \"localhost\"\n", "antin.toml:2: address: "),
            ("[public]\nbase-url = \"example.vn\"\n", "antin.toml:2: public.base-url must be"),
            ("[public]\nverification-url = \"https://example.vn/\"\n", "antin.toml:2: public.verification-url must be"),
            ("[[client]]\nname = \"a\"\noperations = []\n", "antin.toml:2: client.name must come with"),
            ("[[kind]]\nname = \"a\"\nkeys = [\"b\"]\n", "antin.toml:3: kind.keys must name"),
            ("[time-stamping]\nattempts = 0\n", "antin.toml:2: time-stamping.attempts must be 1 to 10"),
            ("[[kind]]\nname = \"verification-receipt\"\nkeys = []\n", "antin.toml:2: kind.name must be none"),
            ("[[kind]]\nname = \"antin-trust-list\"\nkeys = []\n", "antin.toml:2: kind.name must be none"),
            ("[audit]\nfolder = \"a\"\n", "antin.toml:2: audit.folder must be given together"),
            ("[receipt]\nkey = \"a\"\n", "antin.toml:2: receipt.key must name"),
            (&client("operations = [\"sign\"]\nkinds = [\"b\"]"), "client.operations must come with kinds and keys"),
            (&client("operations = [\"verify\"]\nkinds = [\"b\"]"), "client.operations must have sign, or use, where"),
            (&client("operations = [\"verify\"]\nkeys = [\"a\"]"), "client.operations must have sign, or use, where"),
            (
                &{
                    let one = client("operations = []");
                    let (_, other) = one.split_once("[[client]]").expect("a client");
                    format!("{one}[[client]]{}", other.replace("\"c\"", "\"d\""))
                },
                "client.name must stand for a certificate that no other",
            ),
            (&client("operations = [\"use\"]"), "client.operations must come with kinds where they have use"),
            (
                &client("operations = [\"use\"]\nkinds = [\"b\"]\nkeys = [\"a\"]"),
                "client.operations must have sign, or use, where",
            ),
            (
                "[registry.postgres]\nurl = \"postgres://db\"\nlease-seconds = 0\n",
                "antin.toml:3: registry.postgres.lease-seconds must be 1 to 3600",
            ),
            (
                &format!("[receipt]\nkey = \"a\"\n{KEY}[[kind]]\nname = \"b\"\nkeys = [\"a\"]\n"),
                "receipt.key must name",
            ),
            (&format!("[receipt]\nkey = \"a\"\nconcurrency = 0\n{KEY}"), "antin.toml:3: receipt.concurrency must be"),
            (&format!("[receipt]\nkey = \"a\"\nper-minute = 0\n{KEY}"), "antin.toml:3: receipt.per-minute must be"),
            ("[status-lists]\nkey = \"a\"\n", "antin.toml:2: status-lists.key must name"),
            ("[status-lists]\nttl-seconds = 0\n", "antin.toml:2: status-lists.ttl-seconds must be 1 to 3600"),
            ("[status-lists]\nexpiry-seconds = 30\n", "antin.toml:2: status-lists.expiry-seconds must be twice"),
            (
                "[[status-list-source]]\nurl-prefix = \"https://a/x\"\nsigners = [\"s\"]\n",
                "antin.toml:2: status-list-source.url-prefix must be an http",
            ),
            ("[[required-status]]\ncertificates = []\n", "antin.toml:2: required-status.certificates must name"),
            ("[[required-status]]\ncertificates = [\"ab\"]\n", "antin.toml:2: required-status.certificates must name"),
            ("[[required-log]]\nkey = \"a\"\n", "antin.toml:2: required-log.key must be the public key of a log"),
            (
                "[[status-list-source]]\nurl-prefix = \"https://a/\"\nsigners = []\n",
                "antin.toml:3: status-list-source.signers must name",
            ),
            (
                "[[status-list-source]]\nurl-prefix = \"https://a/\"\nsigners = [\"s\"]\n\
                 [[status-list-source]]\nurl-prefix = \"https://a/b/\"\nsigners = [\"s\"]\n",
                "antin.toml:2: status-list-source.url-prefix must be neither",
            ),
            ("[limits\n", "antin.toml:1: "),
        ] {
            let error = parse(text, "antin.toml".as_ref()).expect_err(text).to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let directory = tempfile::tempdir().expect("a folder");
        let file = directory.path().join("antin.toml");
        let text = "[registry]\npath = \"a.db\"\n[trust]\nanchors = [\"/b.crt\"]\n[lookup]\nkey = \"k\"\nolder-keys = [\"o\"]\n";
        std::fs::write(&file, text).expect("written");
        let config = read(&file).expect("settings");
        assert_eq!(config.registry.path, directory.path().join("a.db"));
        assert_eq!(config.lookup.key, Some(directory.path().join("k")));
        assert_eq!(config.lookup.older_keys, [directory.path().join("o")]);
        assert_eq!(config.trust.anchors, [TrustSource::from(PathBuf::from("/b.crt"))]);
    }
}
