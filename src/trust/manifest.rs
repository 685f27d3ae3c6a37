//! The manifest: which certificates may be held, by fingerprint, and for what.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::{EntryFault, Held, Role, TrustError, certificate_files, check_entry, read, read_certificates};
use crate::core::time::Time;
use crate::core::x509::{AnchorLimits, Certificate};

/// The manifest that comes with antin.
const VIETNAM: &str = include_str!("../../trust-anchors/vietnam/manifest.toml");

/// The name of the manifest in a folder.
pub const FILE_NAME: &str = "manifest.toml";

/// Which certificates are held.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(default, rename = "certificate")]
    pub certificates: Vec<Pinned>,
}

/// One pinned certificate. Only `sha256` decides which it is; subject and validity are for people, and [`super::audit`] compares
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pinned {
    pub subject: String,
    /// Lowercase hex.
    pub sha256: String,
    pub role: Role,
    /// The PKI tree it belongs to.
    pub tree: String,
    /// Where it is published.
    pub source: String,
    pub not_before: Time,
    pub not_after: Time,
    /// What it is an anchor for; left out: for everything.
    #[serde(default)]
    pub limits: AnchorLimits,
    /// Other spellings of its subject, as `antin trust list` prints names; they hold for its key alone.
    #[serde(default)]
    pub aliases: Vec<String>,
}

impl Manifest {
    /// The manifest of Vietnam's national trees.
    pub fn vietnam() -> Self {
        toml::from_str(VIETNAM).expect("the manifest in the tree is read by a test")
    }

    /// Reads the manifest of a folder.
    pub fn read(directory: &Path) -> Result<Self, TrustError> {
        let path = directory.join(FILE_NAME);
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        Self::parse(&text, &path)
    }

    /// Parses a manifest; `path` is named in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, TrustError> {
        let manifest: Self = toml::from_str(text)
            .map_err(|source| TrustError::Manifest { path: path.to_owned(), source: Box::new(source) })?;
        for (index, pinned) in manifest.certificates.iter().enumerate() {
            let twice = manifest.certificates[..index].iter().any(|other| other.sha256 == pinned.sha256);
            let checked = if twice { Err(EntryFault::Twice) } else { pinned.check() };
            checked.map_err(|fault| {
                let subject = pinned.subject.clone();
                TrustError::Entry { path: path.to_owned(), subject, fault }
            })?;
        }
        Ok(manifest)
    }

    pub fn pinned(&self, certificate: &Certificate) -> Option<&Pinned> {
        self.certificates.iter().find(|pinned| pinned.sha256 == certificate.fingerprint_text())
    }

    /// Loads every certificate file of `directory`: all or nothing. A certificate that is not pinned is an error, so that nobody
    /// gains trust by adding a file; a pinned one without a file is simply not held. Expired ones are: what they signed lives on.
    pub fn load(&self, directory: &Path) -> Result<Held, TrustError> {
        let pinned: HashMap<&str, &Pinned> =
            self.certificates.iter().map(|pinned| (pinned.sha256.as_str(), pinned)).collect();
        let mut held = Held::default();
        for path in certificate_files(directory)? {
            for certificate in read_certificates(&path)? {
                let Some(pinned) = pinned.get(certificate.fingerprint_text()) else {
                    let fingerprint = certificate.fingerprint_text().to_owned();
                    let subject = certificate.subject.to_string();
                    return Err(TrustError::NotPinned { path, fingerprint, subject });
                };
                held.call(&certificate, &pinned.aliases);
                held.hold(Arc::new(certificate), pinned.role, &pinned.limits)?;
            }
        }
        Ok(held)
    }
}

impl Pinned {
    fn check(&self) -> Result<(), EntryFault> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if self.sha256.len() != 64 || !self.sha256.bytes().all(digit) {
            return Err(EntryFault::Fingerprint);
        }
        check_entry(self.role, &self.limits, &self.aliases)
    }

    /// The entry as it stands in a manifest.
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let list =
            |texts: &mut dyn Iterator<Item = &str>| format!("[{}]", texts.map(quoted).collect::<Vec<_>>().join(", "));
        let mut text = format!(
            "[[certificate]]\nsubject = {}\nsha256 = \"{}\"\nrole = \"{}\"\ntree = {}\nsource = {}\nnot-before = \"{}\"\nnot-after = \"{}\"\n",
            quoted(&self.subject),
            self.sha256,
            self.role.name(),
            quoted(&self.tree),
            quoted(&self.source),
            self.not_before,
            self.not_after,
        );
        let mut limits = Vec::new();
        if let Some(uses) = self.limits.uses() {
            limits.push(format!("uses = {}", list(&mut uses.iter().map(|anchor_use| anchor_use.name()))));
        }
        if let Some(kinds) = self.limits.kinds() {
            limits.push(format!("kinds = {}", list(&mut kinds.iter().map(String::as_str))));
        }
        for (name, time) in [("from", self.limits.from()), ("until", self.limits.until())] {
            limits.extend(time.map(|time| format!("{name} = \"{time}\"")));
        }
        if !limits.is_empty() {
            text.push_str(&format!("limits = {{ {} }}\n", limits.join(", ")));
        }
        if !self.aliases.is_empty() {
            text.push_str(&format!("aliases = {}\n", list(&mut self.aliases.iter().map(String::as_str))));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_pins_both_trees() {
        let manifest = Manifest::parse(VIETNAM, Path::new(FILE_NAME)).expect("the manifest in the tree");
        for tree in ["government", "national"] {
            let of_tree = manifest.certificates.iter().filter(|pinned| pinned.tree == tree);
            assert_eq!(of_tree.filter(|pinned| pinned.role == Role::Anchor).count(), 1, "{tree}");
        }
        for pinned in &manifest.certificates {
            assert!(pinned.not_before < pinned.not_after);
        }
    }

    #[test]
    fn a_file_that_is_not_pinned_is_refused() {
        let directory = tempfile::tempdir().expect("a folder");
        let manifest = Manifest::vietnam();
        assert!(manifest.load(directory.path()).expect("empty").anchors.is_empty());
        std::fs::write(directory.path().join("x.crt"), b"junk").expect("written");
        assert!(matches!(manifest.load(directory.path()), Err(TrustError::Certificate { .. })));
    }

    #[test]
    fn an_entry_is_read_back_as_it_was_written() {
        let limits = "uses = ['signing', 'crl']\nkinds = ['a\"b']\nuntil = '2030-01-01T00:00:00Z'";
        let pinned = Pinned {
            subject: "C=VN, O=\"Ban\", CN=Gốc\\, 1".to_owned(),
            limits: toml::from_str(limits).expect("limits"),
            aliases: vec!["C=VN, CN=Goc–1".to_owned()],
            ..Manifest::vietnam().certificates[0].clone()
        };
        let text = format!("# kept\n{}", pinned.to_toml());
        let read = Manifest::parse(&text, Path::new("m")).expect("a manifest");
        assert_eq!(read.certificates, [pinned]);
    }

    #[test]
    fn entries_that_break_a_rule_are_refused() {
        let good = Manifest::vietnam().certificates[1].to_toml();
        let fault = |text: &str| match Manifest::parse(text, Path::new("m")) {
            Err(TrustError::Entry { fault, .. }) => fault,
            other => panic!("{other:?}"),
        };
        assert_eq!(fault(&format!("{good}\n{good}")), EntryFault::Twice);
        assert_eq!(fault(&good.replace("d8cab", "D8CAB")), EntryFault::Fingerprint);
        assert_eq!(fault(&format!("{good}limits = {{ uses = [\"ocsp\"] }}\n")), EntryFault::LimitsOfIntermediate);
        assert_eq!(fault(&format!("{good}aliases = [\"\"]\n")), EntryFault::Alias);
        assert!(Manifest::parse(&format!("{good}usage = 1\n"), Path::new("m")).is_err());
    }
}
