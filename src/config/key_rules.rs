//! The rules of `[[token]]` and `[[key]]`.

use super::{Config, SigningKey};

/// The longest label and id of a key, in octets.
const LONGEST_LABEL: usize = 255;

impl SigningKey {
    /// By its own name, or by that of its authority.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.authority.as_deref() == Some(name)
    }
}

/// The first rule that is broken: the key as `table.key`, and the rule.
pub(super) fn broken(config: &Config) -> Option<(String, &'static str)> {
    for (index, token) in config.tokens.iter().enumerate() {
        let before = &config.tokens[..index];
        if token.name.is_empty() || before.iter().any(|other| other.name == token.name) {
            return Some(("token.name".to_owned(), "be given and differ between tokens"));
        }
        if let Some((key, rule)) = token.broken_rule() {
            return Some((format!("token.{key}"), rule));
        }
        let same = |other: &&super::Token| {
            other.module == token.module && other.label == token.label && other.serial == token.serial
        };
        if before.iter().any(|other| same(&other)) {
            return Some(("token.name".to_owned(), "stand for a token that no other [[token]] stands for"));
        }
    }
    config.keys.iter().enumerate().find_map(|(index, key)| {
        let is_taken = config.keys[..index].iter().any(|other| other.name == key.name);
        if key.name.is_empty() || is_taken {
            return Some(("key.name".to_owned(), "be given and differ between keys"));
        }
        broken_place(key, config).map(|(key, rule)| (format!("key.{key}"), rule))
    })
}

fn broken_place(key: &SigningKey, config: &Config) -> Option<(&'static str, &'static str)> {
    if key.file.is_some() == key.token.is_some() {
        return Some(("name", "come with either file or token"));
    }
    match &key.token {
        None if key.label.is_some() || key.id.is_some() => {
            return Some(("name", "come without label and id, which are for keys in a token"));
        }
        None => {}
        Some(token) if config.tokens.iter().all(|held| held.name != *token) => {
            return Some(("token", "name a [[token]]"));
        }
        Some(_) if key.label.is_none() && key.id.is_none() => {
            return Some(("token", "come with label, id, or both, as the key has them in its token"));
        }
        Some(_) => {}
    }
    if key.label.as_ref().is_some_and(|label| !(1..=LONGEST_LABEL).contains(&label.len())) {
        return Some(("label", "have 1 to 255 bytes"));
    }
    let is_id = |id: &String| hex::decode(id).is_ok_and(|id| (1..=LONGEST_LABEL).contains(&id.len()));
    if key.id.as_ref().is_some_and(|id| !is_id(id)) {
        return Some(("id", "be hexadecimal digits, two for each of 1 to 255 bytes"));
    }
    let is_name = |name: &String| name.is_empty() || config.keys.iter().any(|other| other.name == *name);
    if key.authority.as_ref().is_some_and(is_name) {
        return Some(("authority", "be a name that no [[key]] has"));
    }
    match (key.from, key.until) {
        (Some(from), Some(until)) if from >= until => Some(("until", "be later than from")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    const TOKEN: &str = "[[token]]\nname = \"t\"\nmodule = \"/m.so\"\nlabel = \"l\"\npin-env = \"PIN\"\n";

    #[test]
    fn tokens_and_keys_are_told_whole_and_without_a_pin() {
        let key = |rest: &str| format!("{TOKEN}[[key]]\nname = \"a\"\ncertificate = \"c\"\n{rest}");
        for (text, words) in [
            (TOKEN.replace("label = \"l\"\n", ""), "antin.toml:2: token.name must come with either label or serial"),
            (format!("{TOKEN}serial = \"1\"\n"), "token.name must come with either label or serial"),
            (TOKEN.replace("pin-env", "pin"), "antin.toml:5: pin: unknown field"),
            (format!("{TOKEN}pin-file = \"p\"\n"), "token.name must come with either pin-file or pin-env"),
            (format!("{TOKEN}sessions = 0\n"), "antin.toml:6: token.sessions must be 1 to 256"),
            (format!("{TOKEN}timeout-seconds = 601\n"), "antin.toml:6: token.timeout-seconds must be"),
            (format!("{TOKEN}{TOKEN}"), "token.name must be given and differ"),
            (format!("{TOKEN}{}", TOKEN.replace("\"t\"", "\"u\"")), "token.name must stand for a token that no other"),
            (key(""), "antin.toml:7: key.name must come with either file or token"),
            (key("file = \"f\"\ntoken = \"t\"\n"), "key.name must come with either"),
            (key("file = \"f\"\nlabel = \"t\"\n"), "key.name must come without label"),
            (key("token = \"u\"\nlabel = \"x\"\n"), "antin.toml:9: key.token must name a [[token]]"),
            (key("token = \"t\"\n"), "key.token must come with label, id"),
            (key("token = \"t\"\nid = \"0\"\n"), "antin.toml:10: key.id must be"),
            (key("token = \"t\"\nlabel = \"\"\n"), "antin.toml:10: key.label must"),
            (key("file = \"f\"\nauthority = \"a\"\n"), "antin.toml:10: key.authority must be"),
            (key("file = \"f\"\nfrom = \"2026-02-30\"\n"), "antin.toml:10: from:"),
            (
                key("file = \"f\"\nfrom = \"2026-01-02T00:00:00Z\"\nuntil = \"2026-01-02T00:00:00Z\"\n"),
                "antin.toml:11: key.until must be later",
            ),
        ] {
            let error = parse(&text, "antin.toml".as_ref()).expect_err(&text).to_string();
            assert!(error.contains(words), "{text}\n{error}");
        }
        parse(&key("token = \"t\"\nlabel = \"x\"\nid = \"0a\"\nauthority = \"b\"\n"), "".as_ref()).expect("settings");
    }
}
