//! What a validation demands: policies as data (`config/policies/*.toml`).

use serde::Deserialize;

use super::document_kind::DocumentKinds;
use super::oid;
use super::suites::Suites;
use super::time::Time;

/// For what the target certificate's key is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Neither key usage nor extended key usage of the target is judged.
    Any,
    DocumentSigning,
    TimeStamping,
    OcspSigning,
}

/// How revocation data are treated. Anything but [`RevocationMode::Required`] exists on the command line only and is said in the
/// answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RevocationMode {
    /// Every certificate below the anchor needs fresh data that show it good.
    Required,
    /// None at all is a warning; stale data are not good enough.
    IfAvailable,
    /// Not looked at.
    Off,
}

/// How old revocation data may be, whatever their `nextUpdate`; also how long data without one count. By class of the certificate
/// they are about; none: no maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaximumAge {
    /// Hours, for certificates that are no authority's.
    pub signer: Option<u32>,
    /// Hours, for authorities.
    pub authority: Option<u32>,
}

impl MaximumAge {
    /// Seconds since `thisUpdate`.
    pub fn seconds(self, is_authority: bool) -> Option<i64> {
        let hours = if is_authority { self.authority } else { self.signer };
        hours.map(|hours| i64::from(hours) * 3600)
    }

    /// Until when data of `this_update` count: their `nextUpdate`, and no longer than the maximum for this class of certificates.
    /// Without either they never do.
    pub fn counts_until(self, is_authority: bool, this_update: Time, next_update: Option<Time>) -> Option<Time> {
        let oldest = self.seconds(is_authority).map(|seconds| this_update.plus_seconds(seconds));
        match (next_update, oldest) {
            (Some(next_update), Some(oldest)) => Some(next_update.min(oldest)),
            (next_update, oldest) => next_update.or(oldest),
        }
    }
}

/// What revocation data that came with the document show as long as they are fresh. What they say against a certificate, and what they
/// say of the time after its key was used, always counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmbeddedRevocation {
    /// Nothing good: whoever made the document may have chosen an older one than there is.
    #[default]
    Reveals,
    /// As much as those at hand.
    Counts,
}

/// What a PDF may have without losing its pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PdfPolicy {
    /// Fields that were filled after a signature, where a certification allows it (ISO 32000-2 table 257) and no signature locked them.
    pub form_filling: bool,
    pub shadow_content: ShadowContent,
}

/// What becomes of a signature over content that is hidden or not in use, which a later revision could show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShadowContent {
    /// A warning.
    #[default]
    Reported,
    Undetermined,
}

/// A validation policy.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    pub id: String,
    pub version: String,
    /// What the policy is for, in one sentence.
    pub description: String,
    /// The signing-certificate attribute must be there (EN 319 122-1 §5.2.2).
    pub require_signing_certificate: bool,
    /// The signing-time attribute must be there (EN 319 122-1 §5.2.1).
    pub require_signing_time: bool,
    /// Report whether an RSA signature uses the padding that Circular 15/2025 names (PSS); never changes the verdict.
    pub report_padding_conformity: bool,
    /// Dotted identifiers of the extended key usages a document signer's certificate may have; a certificate without the
    /// extension is accepted too.
    #[serde(deserialize_with = "object_identifiers")]
    pub document_signing_usages: Vec<Vec<u8>>,
    /// What revocation data that came with the document show.
    #[serde(default)]
    pub embedded_revocation: EmbeddedRevocation,
    /// How old revocation data may be, in hours.
    #[serde(default)]
    pub maximum_revocation_age_hours: MaximumAge,
    /// The baseline level that a signature must have; left out: none.
    #[serde(default)]
    pub required_level: Option<RequiredLevel>,
    /// What a PDF may have beside what is signed.
    #[serde(default)]
    pub pdf: PdfPolicy,
    /// Until when algorithms and sizes of keys are accepted.
    #[serde(default)]
    pub suites: Suites,
    /// Which signatures a document of a kind needs; those that come with antin have none, the settings add them.
    #[serde(default)]
    pub document_kinds: DocumentKinds,
}

/// A level of EN 319 122-1 §6 that a policy can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum RequiredLevel {
    /// Signing time and a reference to the certificate are signed.
    #[serde(rename = "B-B")]
    Basic,
    /// Also a time-stamp that passes is over the signature.
    #[serde(rename = "B-T")]
    Timestamped,
    /// Also the status of the signer's certificate is in the message.
    #[serde(rename = "B-LT")]
    LongTerm,
    /// Also an archive time-stamp that passes is over revocation data.
    #[serde(rename = "B-LTA")]
    Archival,
}

fn object_identifiers<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| {
            oid::parse(text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no object identifier")))
        })
        .collect()
}

/// The policies that come with antin, each its file.
const HELD: [(&str, &str); 3] = [
    ("any-ades", include_str!("../../config/policies/any-ades.toml")),
    ("circular-15-2025", include_str!("../../config/policies/circular-15-2025.toml")),
    ("strict", include_str!("../../config/policies/strict.toml")),
];

impl Policy {
    /// Reads a policy file.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// A policy that comes with antin.
    pub fn held(id: &str) -> Option<Self> {
        let (_, text) = HELD.iter().find(|(held, _)| *held == id)?;
        Some(Self::parse(text).expect("the policies in the tree are read by a test"))
    }

    /// The file of a policy that comes with antin.
    pub fn held_text(id: &str) -> Option<&'static str> {
        HELD.iter().find(|(held, _)| *held == id).map(|(_, text)| *text)
    }

    /// Ids of the policies that come with antin.
    pub fn held_ids() -> impl Iterator<Item = &'static str> {
        HELD.iter().map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_held_policy_is_whole_and_bears_its_name() {
        for id in Policy::held_ids() {
            assert_eq!(Policy::held(id).expect("held").id, id);
        }
        assert!(Policy::held("strict").expect("held").require_signing_certificate);
        assert!(Policy::held("lenient").is_none());
        let seconds = |id: &str| {
            let age = Policy::held(id).expect("held").maximum_revocation_age_hours;
            (age.seconds(false), age.seconds(true))
        };
        assert_eq!(seconds("any-ades"), (None, None));
        assert_eq!(seconds("circular-15-2025"), (Some(86_400), Some(400 * 86_400)));
        assert_eq!(seconds("strict"), (Some(86_400), Some(400 * 86_400)));
        assert!(Policy::parse("id = 'x'").is_err());
        let (made, end) = (Time::from_unix(0), Some(Time::from_unix(7 * 86_400)));
        let until = |id: &str, is_authority: bool, end: Option<Time>| {
            let age = Policy::held(id).expect("held").maximum_revocation_age_hours;
            age.counts_until(is_authority, made, end).map(Time::unix)
        };
        assert_eq!(until("strict", false, end), Some(86_400));
        assert_eq!(until("strict", true, end), Some(7 * 86_400));
        assert_eq!(until("strict", false, None), Some(86_400));
        assert_eq!((until("any-ades", false, end), until("any-ades", false, None)), (Some(7 * 86_400), None));
    }
}
