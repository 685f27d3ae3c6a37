//! Past certificate validation (EN 319 102-1 §5.6.2.1, §5.6.2.2): a path judged as of when its keys were used, as far as that is
//! proved.
//!
//! The standard slides one control time down from the anchor, choosing the newest revocation data that are proved to have existed by
//! it. Here the same conditions are met from the target upwards: the target's key was used at a proved time; what shows it good
//! then, and its certificate, were signed by the next key at the latest when they are proved to have existed, and so on. Whatever
//! is not proved to be older is taken to be as young as the request, so that the next certificate must be good now.
//!
//! Stricter than the clause: at the time its key was used each certificate was within its own validity, and whatever speaks against a
//! certificate counts, proved to be old or not.

use std::collections::HashMap;
use std::sync::Arc;

use super::revocation::{self, RevocationStatus, Subject};
use super::{PathFault, PathRequest, Position};
use crate::core::policy::RevocationMode;
use crate::core::time::Time;
use crate::core::x509::{Certificate, TrustAnchor};

/// What is proved to have existed, and since when at the latest: SHA-256 of its encoding (of an OCSP response its
/// `BasicOCSPResponse`).
#[derive(Clone, Debug, Default)]
pub struct Proofs(HashMap<[u8; 32], Time>);

impl Proofs {
    /// It existed at `time`; the earliest proof counts.
    pub fn add(&mut self, fingerprint: [u8; 32], time: Time) {
        let earliest = self.0.entry(fingerprint).or_insert(time);
        *earliest = time.min(*earliest);
    }

    pub fn of(&self, fingerprint: &[u8; 32]) -> Option<Time> {
        self.0.get(fingerprint).copied()
    }
}

/// When the target's key was used, and what else is proved to be old.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// At the latest.
    pub used_at: Time,
    /// What the key signed then names the target's certificate, which so existed then.
    pub names_target: bool,
    pub proofs: &'a Proofs,
}

/// When the key of each certificate of a path was used, the anchor's last; at the latest.
pub struct Uses {
    times: Vec<Time>,
    /// Of each certificate, target first, where its status was asked for and known.
    pub statuses: Vec<RevocationStatus>,
}

impl Uses {
    pub fn at(&self, position: usize) -> Time {
        self.times[position]
    }

    /// The lowest authority whose key is not proved to have been used before `now`.
    pub fn first_unproved(&self, now: Time) -> Position {
        let unproved = self.times.iter().skip(1).position(|used_at| *used_at >= now);
        unproved.map_or(usize::MAX, |index| index + 1)
    }
}

/// The fault of a path judged as of the past, whose authorities from `unproved` on are judged as of now: that an authority is past its
/// time there is a lack of proof.
pub fn blame(fault: PathFault, unproved: Position) -> PathFault {
    match fault {
        PathFault::Expired { position, .. } | PathFault::WeakAlgorithm(position) | PathFault::WeakKey(position)
            if position >= unproved =>
        {
            PathFault::NotProved(position)
        }
        other => other,
    }
}

/// When the keys of `path` were used, and that each certificate was good then.
pub fn uses(
    request: &PathRequest<'_>,
    past: Past<'_>,
    path: &[Arc<Certificate>],
    anchor: &TrustAnchor,
) -> Result<Uses, PathFault> {
    let mut uses = Uses { times: vec![past.used_at.min(request.time)], statuses: Vec::new() };
    for (position, certificate) in path.iter().enumerate() {
        let used_at = Some(uses.at(position)).filter(|used_at| *used_at < request.time);
        let subject = Subject { certificate, above: &path[position + 1..], anchor, used_at };
        let shown = match request.revocation {
            RevocationMode::Off => Some(uses.at(position)),
            RevocationMode::IfAvailable | RevocationMode::Required => {
                match revocation::check(request, position, &subject) {
                    Ok(status) => {
                        let proved = status.proved;
                        uses.statuses.push(status);
                        proved
                    }
                    Err(PathFault::RevocationUnknown(_)) if request.revocation == RevocationMode::IfAvailable => {
                        Some(uses.at(position))
                    }
                    Err(fault) => return Err(fault),
                }
            }
        };
        let certified = match position {
            0 if past.names_target => Some(past.used_at),
            _ => past.proofs.of(certificate.fingerprint()),
        };
        let both = shown.zip(certified).map(|(shown, certified)| shown.max(certified));
        uses.times.push(both.map_or(request.time, |time| time.min(request.time)));
    }
    Ok(uses)
}
