//! Remote signing by the API of the Cloud Signature Consortium.

use std::path::PathBuf;

use serde::Deserialize;

/// What the service says of itself there, and its access tokens; without `name` there is no such API.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RemoteSigning {
    pub name: Option<String>,
    /// The mutual-TLS listener as clients reach it; `/csc` and `/oauth2` are put behind it.
    pub base_url: Option<String>,
    /// URL of an image.
    pub logo: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub region: Option<String>,
    /// RFC 5646.
    pub lang: String,
    pub description: String,
    /// How long an access token counts.
    pub token_seconds: u64,
    /// File of the octets by which access tokens are sealed, the same on each node; none: drawn at each start.
    pub token_key: Option<PathBuf>,
    /// Digests of what nobody here sees are signed too, for clients with the operation `sign-hash`.
    pub sign_hash: bool,
}

impl Default for RemoteSigning {
    fn default() -> Self {
        Self {
            name: None,
            base_url: None,
            logo: None,
            region: None,
            lang: "vi".to_owned(),
            description: String::new(),
            token_seconds: 300,
            token_key: None,
            sign_hash: false,
        }
    }
}

impl RemoteSigning {
    /// The first rule that is broken: the key, and the rule.
    pub(super) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        let given = [self.name.is_some(), self.base_url.is_some(), self.region.is_some()];
        if given != [true; 3] && given != [false; 3] {
            return Some(("name", "be given together with base-url and region"));
        }
        if self.name.as_ref().is_some_and(|name| !(1..=255).contains(&name.chars().count())) {
            return Some(("name", "have 1 to 255 characters"));
        }
        let is_https = |url: &String| url.starts_with("https://") && url.len() <= 200 && !url.ends_with('/');
        if self.base_url.as_ref().is_some_and(|url| !is_https(url)) {
            return Some(("base-url", "be an https:// URL of at most 200 bytes without a final /"));
        }
        let is_region = |region: &String| region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase());
        if self.region.as_ref().is_some_and(|region| !is_region(region)) {
            return Some(("region", "be a country as ISO 3166-1 writes it in two letters, as in VN"));
        }
        if self.description.chars().count() > 255 {
            return Some(("description", "have at most 255 characters"));
        }
        (!(10..=3600).contains(&self.token_seconds)).then_some(("token-seconds", "be 10 to 3600"))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    #[test]
    fn half_a_service_is_none() {
        let whole = "[remote-signing]\nname = \"n\"\nbase-url = \"https://h\"\nregion = \"VN\"\n";
        parse(whole, "antin.toml".as_ref()).expect("settings");
        for (text, words) in [
            (whole.replace("region = \"VN\"\n", ""), "remote-signing.name must be given together"),
            (whole.replace("https", "http"), "antin.toml:3: remote-signing.base-url must be an https"),
            (whole.replace("VN", "vn"), "antin.toml:4: remote-signing.region must be a country"),
            (format!("{whole}token-seconds = 9\n"), "antin.toml:5: remote-signing.token-seconds must be 10 to"),
        ] {
            let error = parse(&text, "antin.toml".as_ref()).expect_err(&text).to_string();
            assert!(error.contains(words), "{text}\n{error}");
        }
    }
}
