//! How long what is known counts.

use super::PathRequest;
use crate::core::policy::Purpose;
use crate::core::time::Time;
use crate::core::x509::Certificate;

/// From when until when an answer holds; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: Time,
    pub until: Time,
}

impl Window {
    /// Depends on no time.
    pub const ALWAYS: Self = Self { from: Time::from_unix(i64::MIN), until: Time::from_unix(i64::MAX) };

    /// When both hold.
    pub fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    pub fn contains(self, time: Time) -> bool {
        (self.from..=self.until).contains(&time)
    }
}

/// Until when a statement about `certificate` counts: its `nextUpdate`, and no longer than the policy's maximum age for this class
/// of certificates. Without either it never counts.
pub fn counts_until(
    request: &PathRequest<'_>,
    certificate: &Certificate,
    this_update: Time,
    next_update: Option<Time>,
) -> Option<Time> {
    request.maximum_age.counts_until(is_authority(request, certificate), this_update, next_update)
}

/// To whom the rules for authorities apply. Who signs documents is none, whatever its certificate allows beside. Who vouches for time is
/// one to those who rely on it, and its issuer publishes as seldom.
pub fn is_authority(request: &PathRequest<'_>, certificate: &Certificate) -> bool {
    match request.purpose {
        Purpose::TimeStamping => true,
        Purpose::DocumentSigning => certificate.is_ca() && *certificate != **request.target,
        Purpose::Any | Purpose::OcspSigning => certificate.is_ca(),
    }
}

/// Until when a statement of `this_update` about `certificate` says anything: authorities may forget a certificate once it has
/// expired, unless they say since when they do not (RFC 5280 §3.3; X.509 `expiredCertsOnCRL`; RFC 6960 §4.4.4).
pub fn remembers_until(certificate: &Certificate, this_update: Time, kept_since: Option<Time>) -> Time {
    let remembered =
        this_update <= certificate.not_after || kept_since.is_some_and(|since| since <= certificate.not_after);
    if remembered { Window::ALWAYS.until } else { certificate.not_after }
}
