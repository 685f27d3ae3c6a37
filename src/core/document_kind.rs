//! Which signatures a document of a kind needs, when, and how a certificate shows that its holder may give one: data
//! (`config/document-kinds.toml`, a policy's `[document-kinds]`).
//!
//! ```toml
//! [role.public-security]
//! proofs = [{ organization = ["Bộ Công an"], anchors = ["f04b…"] }]
//!
//! [[kind]]
//! names = ["judicial-certificate"]
//! periods = [{ from = "2025-03-01T00:00:00+07:00", signers = [["public-security"]] }]
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use super::oid;
use super::path::ValidatedPath;
use super::time::Time;
use super::x509::Name;
use super::x509::name::fold;

/// The rules of every kind that has some; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct DocumentKinds {
    roles: BTreeMap<String, Role>,
    kinds: Vec<Kind>,
}

/// In what office somebody signs. Whoever meets every condition of one of the proofs is believed to hold it; without a proof nobody
/// here can tell who does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Role {
    pub proofs: Vec<RoleProof>,
}

/// Conditions on the signer's certificate and its validated path, all to be met; a list is met by one of its members, one left out by
/// anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RoleProof {
    /// Values of the subject's attributes, as whole values, compared like names (RFC 5280 §7.1).
    pub common_name: Option<Vec<String>>,
    pub organization: Option<Vec<String>>,
    pub organizational_unit: Option<Vec<String>>,
    pub title: Option<Vec<String>>,
    pub locality: Option<Vec<String>>,
    pub state: Option<Vec<String>>,
    pub organization_identifier: Option<Vec<String>>,
    /// Extended key usages of the certificate, dotted; anyExtendedKeyUsage is none of them unless it is named.
    pub usages: Option<Vec<String>>,
    /// Certificate policies, dotted: in the certificate, and in each authority's below the anchor, where anyPolicy does too.
    pub policies: Option<Vec<String>>,
    /// SHA-256 of the anchor's certificate, hex.
    pub anchors: Option<Vec<String>>,
    /// SHA-256 of the signer's certificate, hex.
    pub certificates: Option<Vec<String>>,
}

/// Kinds that share their rules.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Kind {
    /// As signers state them.
    names: Vec<String>,
    periods: Vec<Period>,
}

/// What holds for signatures of one time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Period {
    /// The first second; left out: since ever.
    pub from: Option<Time>,
    /// The last second; left out: until further notice.
    pub until: Option<Time>,
    /// Of each list the signature of one of its roles is needed.
    pub signers: Vec<Vec<String>>,
}

impl Period {
    pub fn contains(&self, time: Time) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time <= until)
    }

    /// Each ends no earlier than it begins, and before the next begins.
    pub fn are_in_order(periods: &[Self]) -> bool {
        let forward = |period: &Self| !matches!((period.from, period.until), (Some(from), Some(until)) if until < from);
        let follows =
            |pair: &[Self]| matches!((pair[0].until, pair[1].from), (Some(until), Some(from)) if until < from);
        periods.iter().all(forward) && periods.windows(2).all(follows)
    }
}

/// As it stands in a file, before its rules are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    #[serde(default)]
    role: BTreeMap<String, Role>,
    #[serde(default)]
    kind: Vec<Kind>,
}

/// Rules that nobody can have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindsFault {
    /// A proof of this role has no condition, an empty list, or an identifier or fingerprint that is none.
    Proof(String),
    /// No name, or one that another rule has too.
    Name(String),
    /// Of this kind: no period, one without signers, or periods that overlap or do not stand in order.
    Periods(String),
    /// A period of this kind needs a role that has no entry.
    Role { kind: String, role: String },
}

impl std::fmt::Display for KindsFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Proof(role) => write!(
                formatter,
                "role {role:?}: each proof needs a condition, no list may be empty, identifiers are dotted, fingerprints 64 hex digits"
            ),
            Self::Name(kind) => write!(formatter, "kind {kind:?} must be named once"),
            Self::Periods(kind) => {
                write!(formatter, "kind {kind:?}: periods need signers, and follow each other without overlap")
            }
            Self::Role { kind, role } => {
                write!(formatter, "kind {kind:?} needs the role {role:?}, which has no [role.{role}]")
            }
        }
    }
}

impl std::error::Error for KindsFault {}

impl TryFrom<Written> for DocumentKinds {
    type Error = KindsFault;

    fn try_from(written: Written) -> Result<Self, KindsFault> {
        let Written { role: roles, kind: kinds } = written;
        if let Some((name, _)) = roles.iter().find(|(_, role)| !role.proofs.iter().all(RoleProof::is_whole)) {
            return Err(KindsFault::Proof(name.clone()));
        }
        let mut names: Vec<&str> = Vec::new();
        for kind in &kinds {
            let first = kind.names.first().ok_or_else(|| KindsFault::Name(String::new()))?;
            for name in &kind.names {
                if name.is_empty() || names.contains(&name.as_str()) {
                    return Err(KindsFault::Name(name.clone()));
                }
                names.push(name);
            }
            let needs_someone =
                |period: &Period| !period.signers.is_empty() && period.signers.iter().all(|roles| !roles.is_empty());
            if kind.periods.is_empty()
                || !kind.periods.iter().all(needs_someone)
                || !Period::are_in_order(&kind.periods)
            {
                return Err(KindsFault::Periods(first.clone()));
            }
            let mut needed = kind.periods.iter().flat_map(|period| &period.signers).flatten();
            if let Some(role) = needed.find(|role| !roles.contains_key(*role)) {
                return Err(KindsFault::Role { kind: first.clone(), role: role.clone() });
            }
        }
        Ok(Self { roles, kinds })
    }
}

impl DocumentKinds {
    /// Reads a file of rules.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// What holds when for documents of a kind, in order of time; `None`: nothing is laid down.
    pub fn periods(&self, kind: &str) -> Option<&[Period]> {
        let found = self.kinds.iter().find(|rule| rule.names.iter().any(|name| name == kind));
        found.map(|rule| rule.periods.as_slice())
    }

    /// The kinds that something is laid down for, as signers state them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().flat_map(|rule| &rule.names).map(String::as_str)
    }

    /// The role has an entry.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains_key(role)
    }

    /// Somebody can be shown to hold the role.
    pub fn can_prove(&self, role: &str) -> bool {
        self.roles.get(role).is_some_and(|role| !role.proofs.is_empty())
    }

    /// The signer at the end of the path holds the role.
    pub fn proves(&self, role: &str, path: &ValidatedPath) -> bool {
        self.roles.get(role).is_some_and(|role| role.proofs.iter().any(|proof| proof.is_met(path)))
    }
}

impl RoleProof {
    fn attributes(&self) -> [(&'static [u8], Option<&Vec<String>>); 7] {
        [
            (oid::COMMON_NAME, self.common_name.as_ref()),
            (oid::ORGANIZATION, self.organization.as_ref()),
            (oid::ORGANIZATIONAL_UNIT, self.organizational_unit.as_ref()),
            (oid::TITLE, self.title.as_ref()),
            (oid::LOCALITY, self.locality.as_ref()),
            (oid::STATE, self.state.as_ref()),
            (oid::ORGANIZATION_IDENTIFIER, self.organization_identifier.as_ref()),
        ]
    }

    /// Every list has members of its form, and there is one.
    fn is_whole(&self) -> bool {
        let identifiers = [&self.usages, &self.policies].into_iter().flatten();
        let fingerprints = [&self.anchors, &self.certificates].into_iter().flatten();
        let texts = self.attributes().into_iter().filter_map(|(_, values)| values);
        let mut all = identifiers.clone().chain(fingerprints.clone()).chain(texts.clone()).peekable();
        all.peek().is_some()
            && all.all(|list| !list.is_empty())
            && texts.flatten().all(|text| !fold(text).is_empty())
            && identifiers.flatten().all(|text| oid::parse(text).is_some())
            && fingerprints.flatten().all(|text| hex::decode(text).is_ok_and(|octets| octets.len() == 32))
    }

    fn is_met(&self, path: &ValidatedPath) -> bool {
        let Some((signer, authorities)) = path.certificates().split_first() else { return false };
        let has_usage = |usage: &String| {
            let usages = signer.extensions.extended_key_usage.iter().flatten();
            oid::parse(usage).is_some_and(|wanted| usages.into_iter().any(|found| *found == wanted))
        };
        let has_policy = |policy: &String| {
            let Some(wanted) = oid::parse(policy) else { return false };
            let lists = |policies: &Option<Vec<Vec<u8>>>, any: bool| {
                policies.iter().flatten().any(|found| *found == wanted || (any && found == oid::ANY_POLICY))
            };
            lists(&signer.extensions.policies.policies, false)
                && authorities.iter().all(|authority| lists(&authority.extensions.policies.policies, true))
        };
        let is =
            |wanted: &String, fingerprint: &[u8; 32]| hex::decode(wanted).is_ok_and(|octets| octets == fingerprint);
        self.attributes().into_iter().all(|(attribute, values)| has_value(&signer.subject, attribute, values))
            && self.usages.as_ref().is_none_or(|usages| usages.iter().any(has_usage))
            && self.policies.as_ref().is_none_or(|policies| policies.iter().any(has_policy))
            && self
                .anchors
                .as_ref()
                .is_none_or(|anchors| anchors.iter().any(|one| is(one, path.anchor().fingerprint())))
            && self.certificates.as_ref().is_none_or(|own| own.iter().any(|one| is(one, signer.fingerprint())))
    }
}

/// One of the subject's values of this type is one of those wanted.
fn has_value(subject: &Name, attribute: &[u8], wanted: Option<&Vec<String>>) -> bool {
    let Some(wanted) = wanted else { return true };
    let found = subject.attributes(attribute);
    found.iter().any(|found| wanted.iter().any(|wanted| fold(wanted) == fold(found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_strictly() {
        let read = |roles: &str, periods: &str| {
            DocumentKinds::parse(&format!(
                "[role.a]\nproofs = [{roles}]\n[[kind]]\nnames = ['k']\nperiods = [{periods}]"
            ))
        };
        let always = "{ signers = [['a']] }";
        assert!(read("{ organization = ['x'] }", always).is_ok() && read("", always).is_ok());
        for roles in [
            "{}",
            "{ organization = [] }",
            "{ organization = [' '] }",
            "{ usages = ['a.b'] }",
            "{ policies = ['1'] }",
            "{ anchors = ['ab'] }",
            "{ organisation = ['x'] }",
        ] {
            assert!(read(roles, always).is_err(), "{roles}");
        }
        let (first, second) = ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        for periods in [
            String::new(),
            "{ signers = [] }".to_owned(),
            "{ signers = [[]] }".to_owned(),
            "{ signers = [['b']] }".to_owned(),
            format!("{{ from = '{second}', until = '{first}', signers = [['a']] }}"),
            format!("{{ until = '{second}', signers = [['a']] }}, {{ from = '{first}', signers = [['a']] }}"),
            format!("{{ until = '{first}', signers = [['a']] }}, {{ from = '{first}', signers = [['a']] }}"),
            format!("{always}, {{ from = '{first}', signers = [['a']] }}"),
        ] {
            assert!(read("", &periods).is_err(), "{periods}");
        }
        let twice = "[role.a]\nproofs = []\n[[kind]]\nnames = ['k', 'k']\nperiods = [{ signers = [['a']] }]";
        assert!(DocumentKinds::parse(twice).is_err());
    }
}
