//! What a status says about a document, and what that does to reliance.

use crate::core::report::{Obstacle, Outcome, Reliance, Report, StatusReport};
use crate::core::time::Time;

/// The standing of a document as a list has it (§7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedState {
    /// 0, VALID. Also of a place that no document has: a list does not say what was issued.
    InForce,
    /// 1, INVALID.
    Withdrawn,
    /// 2, SUSPENDED.
    Suspended,
    /// 3, application-specific: used up or replaced, which of the two is not told.
    UsedOrSuperseded,
}

impl ListedState {
    /// `None`: a status that has no meaning here.
    pub const fn of(status: u8) -> Option<Self> {
        match status {
            0 => Some(Self::InForce),
            1 => Some(Self::Withdrawn),
            2 => Some(Self::Suspended),
            3 => Some(Self::UsedOrSuperseded),
            _ => None,
        }
    }

    pub const fn status(self) -> u8 {
        self as u8
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Withdrawn => "withdrawn",
            Self::Suspended => "suspended",
            Self::UsedOrSuperseded => "used-or-superseded",
        }
    }

    /// What it makes of a document whose signatures alone would be accepted.
    pub const fn objection(self) -> Option<(Outcome, Obstacle)> {
        match self {
            Self::InForce => None,
            Self::Withdrawn => Some((Outcome::Reject, Obstacle::Withdrawn)),
            Self::Suspended => Some((Outcome::Undetermined, Obstacle::Suspended)),
            Self::UsedOrSuperseded => Some((Outcome::Reject, Obstacle::UsedOrSuperseded)),
        }
    }
}

/// Writes into the answer what a list says, as of when it was signed, and lets it decide where the signatures alone would accept. `None`:
/// no list that counts says anything about the document, and it is not relied on.
pub fn apply(report: &mut Report, found: Option<(ListedState, Time)>, now: Time) {
    let objection = match found {
        Some((state, issued_at)) => {
            report.document.status = Some(StatusReport::of_list(state.name(), issued_at, now));
            state.objection()
        }
        None => Some((Outcome::Undetermined, Obstacle::StatusUnknown)),
    };
    if let Some((outcome, obstacle)) = objection
        && report.reliance.outcome == Outcome::Accept
    {
        report.reliance = Reliance::new(outcome, obstacle.code());
    }
}
