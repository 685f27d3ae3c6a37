//! What a trust anchor is for: uses, kinds of documents, and the time in which signatures under it count. Said by the operator
//! beside the certificate; without limits an anchor is for everything.
//!
//! ```toml
//! limits = { uses = ["signing"], kinds = ["health-book"], from = "2020-01-01T00:00:00Z", until = "2030-01-01T00:00:00Z" }
//! ```

use serde::{Deserialize, Serialize};

use crate::core::policy::Purpose;
use crate::core::time::Time;

/// Octets of the longest kind, as signers may state one.
const KIND_LIMIT: usize = 64;

/// For what a certificate below an anchor may be used. An authority's own CRLs, by whichever of its keys, and the OCSP responses that
/// it signs itself are always its own business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnchorUse {
    /// Signing documents.
    Signing,
    TimeStamping,
    /// Signing OCSP responses as a delegate of the authority (RFC 6960 §4.2.2.2).
    Ocsp,
    /// Signing CRLs under another name than that of the certificates' issuer: indirect CRLs (RFC 5280 §5.2.5).
    Crl,
}

impl AnchorUse {
    pub const ALL: [Self; 4] = [Self::Signing, Self::TimeStamping, Self::Ocsp, Self::Crl];

    /// As settings write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::TimeStamping => "time-stamping",
            Self::Ocsp => "ocsp",
            Self::Crl => "crl",
        }
    }
}

/// Limits of one anchor; a part left out limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct AnchorLimits {
    uses: Option<Vec<AnchorUse>>,
    kinds: Option<Vec<String>>,
    from: Option<Time>,
    until: Option<Time>,
}

/// As it stands in a file, before its rules are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    uses: Option<Vec<AnchorUse>>,
    kinds: Option<Vec<String>>,
    from: Option<Time>,
    until: Option<Time>,
}

/// Limits that nobody can have meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitsFault {
    /// `uses` or `kinds` is an empty list.
    Empty(&'static str),
    /// A kind that no signer can state.
    Kind,
    /// `until` is not after `from`.
    Window,
}

impl std::fmt::Display for LimitsFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty(part) => write!(formatter, "limits.{part} must name at least one; leave it out for all"),
            Self::Kind => write!(formatter, "limits.kinds must have 1 to {KIND_LIMIT} octets each"),
            Self::Window => write!(formatter, "limits.until must be later than limits.from"),
        }
    }
}

impl std::error::Error for LimitsFault {}

impl TryFrom<Written> for AnchorLimits {
    type Error = LimitsFault;

    fn try_from(written: Written) -> Result<Self, LimitsFault> {
        Self::new(written.uses, written.kinds, written.from, written.until)
    }
}

impl AnchorLimits {
    /// An anchor for everything.
    pub const NONE: Self = Self { uses: None, kinds: None, from: None, until: None };

    pub fn new(
        uses: Option<Vec<AnchorUse>>,
        kinds: Option<Vec<String>>,
        from: Option<Time>,
        until: Option<Time>,
    ) -> Result<Self, LimitsFault> {
        if uses.as_ref().is_some_and(Vec::is_empty) {
            return Err(LimitsFault::Empty("uses"));
        }
        if kinds.as_ref().is_some_and(Vec::is_empty) {
            return Err(LimitsFault::Empty("kinds"));
        }
        if kinds.iter().flatten().any(|kind| !(1..=KIND_LIMIT).contains(&kind.len())) {
            return Err(LimitsFault::Kind);
        }
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            return Err(LimitsFault::Window);
        }
        Ok(Self { uses, kinds, from, until })
    }

    /// Limits that were in force, as [`and`](Self::and) may leave them: also those that nobody would write.
    pub const fn in_force(
        uses: Option<Vec<AnchorUse>>,
        kinds: Option<Vec<String>>,
        from: Option<Time>,
        until: Option<Time>,
    ) -> Self {
        Self { uses, kinds, from, until }
    }

    /// The uses; `None`: all.
    pub fn uses(&self) -> Option<&[AnchorUse]> {
        self.uses.as_deref()
    }

    /// The kinds of documents; `None`: all.
    pub fn kinds(&self) -> Option<&[String]> {
        self.kinds.as_deref()
    }

    /// The first second in which signatures count.
    pub const fn from(&self) -> Option<Time> {
        self.from
    }

    /// The last.
    pub const fn until(&self) -> Option<Time> {
        self.until
    }

    /// Nobody asks for a use where the purpose is any.
    pub fn permits(&self, purpose: Purpose) -> bool {
        let wanted = match purpose {
            Purpose::Any => return true,
            Purpose::DocumentSigning => AnchorUse::Signing,
            Purpose::TimeStamping => AnchorUse::TimeStamping,
            Purpose::OcspSigning => AnchorUse::Ocsp,
        };
        self.is_for(wanted)
    }

    pub fn is_for(&self, wanted: AnchorUse) -> bool {
        self.uses.as_ref().is_none_or(|uses| uses.contains(&wanted))
    }

    /// What both allow. Where they have nothing in common the anchor is for nothing.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            uses: both(self.uses.as_deref(), other.uses.as_deref()),
            kinds: both(self.kinds.as_deref(), other.kinds.as_deref()),
            from: self.from.max(other.from),
            until: match (self.until, other.until) {
                (Some(own), Some(others)) => Some(own.min(others)),
                (own, others) => own.or(others),
            },
        }
    }

    /// Octets that differ where limits do.
    pub(super) fn identity(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("names and times have a JSON form")
    }
}

fn both<T: Clone + PartialEq>(own: Option<&[T]>, others: Option<&[T]>) -> Option<Vec<T>> {
    match (own, others) {
        (Some(own), Some(others)) => Some(own.iter().filter(|value| others.contains(value)).cloned().collect()),
        (Some(only), None) | (None, Some(only)) => Some(only.to_vec()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Result<AnchorLimits, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn limits_are_read_strictly() {
        let read = limits("uses = ['signing', 'ocsp']\nkinds = ['a']\nuntil = '2030-01-01T00:00:00Z'").expect("limits");
        assert!(read.permits(Purpose::DocumentSigning) && read.permits(Purpose::OcspSigning));
        assert!(read.permits(Purpose::Any) && !read.permits(Purpose::TimeStamping));
        assert_eq!(limits("").expect("none"), AnchorLimits::NONE);
        for wrong in [
            "uses = []",
            "kinds = []",
            "kinds = ['']",
            "uses = ['tls']",
            "purpose = 'signing'",
            "from = 'yesterday'",
            "from = '2030-01-01T00:00:00Z'\nuntil = '2029-01-01T00:00:00Z'",
        ] {
            assert!(limits(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn two_limits_together_allow_what_both_do() {
        let one = limits("uses = ['signing', 'ocsp']\nfrom = '2020-01-01T00:00:00Z'").expect("limits");
        let other = limits("uses = ['ocsp']\nkinds = ['a']\nfrom = '2021-01-01T00:00:00Z'").expect("limits");
        assert_eq!(one.and(&other), other);
        assert_eq!(other.and(&AnchorLimits::NONE), other);
        let nothing = one.and(&limits("uses = ['time-stamping']").expect("limits"));
        assert!(!nothing.permits(Purpose::DocumentSigning) && !nothing.permits(Purpose::TimeStamping));
    }
}
