//! Judging one candidate path (RFC 5280 §6.1), from the anchor down to the target.
//!
//! Stricter than the clause: names must chain by construction, algorithms and keys must still be accepted, what restricts an
//! authority and is not understood ends the path even where the extension is not critical.

use std::sync::Arc;

use super::fault::PathFault;
use super::names::NamesAllowed;
use super::past::{self, Uses};
use super::policy::PolicyGraph;
use super::revocation::{self, RevocationStatus, Subject};
use super::window::Window;
use super::{PathRequest, Position};
use crate::core::algorithm::Lifetime;
use crate::core::crypto::KeyFault;
use crate::core::oid;
use crate::core::policy::{Purpose, RevocationMode};
use crate::core::time::Time;
use crate::core::x509::extension::KeyUsage;
use crate::core::x509::{Certificate, TrustAnchor};

/// Proof that a path was validated: made only by [`validate`].
#[derive(Debug)]
pub struct ValidatedPath {
    certificates: Vec<Arc<Certificate>>,
    anchor: Arc<Certificate>,
    revocation: Vec<RevocationStatus>,
    holds: Window,
    /// When each key was used, the anchor's last; empty if it is judged as of now.
    used_at: Vec<Time>,
}

impl ValidatedPath {
    /// When the key of the certificate there was used at the latest, the anchor's above them; `None`: it is judged as of now.
    pub fn used_at(&self, position: Position) -> Option<Time> {
        self.used_at.get(position).copied()
    }

    /// From the target upwards; the anchor is not among them unless it is the target itself.
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    pub const fn anchor(&self) -> &Arc<Certificate> {
        &self.anchor
    }

    /// What was known about each certificate below the anchor, target first.
    pub fn revocation(&self) -> &[RevocationStatus] {
        &self.revocation
    }

    /// The same judgement, by the same certificates and revocation data, holds at `time`.
    pub fn holds_at(&self, time: Time) -> bool {
        self.holds.contains(time)
    }

    /// When the same judgement holds.
    pub const fn holds(&self) -> Window {
        self.holds
    }
}

/// Judges `path` (target first, each signed by the next, the last by `anchor`, or consisting of the anchor alone).
/// The signatures between them were verified while the path was built.
pub fn validate(
    request: &PathRequest<'_>,
    path: &[Arc<Certificate>],
    anchor: &TrustAnchor,
) -> Result<ValidatedPath, PathFault> {
    let uses = match request.past {
        Some(past) if !is_anchor(path, anchor) => Some(past::uses(request, past, path, anchor)?),
        _ => None,
    };
    let unproved = uses.as_ref().map_or(usize::MAX, |uses| uses.first_unproved(request.time));
    judge(request, path, anchor, uses).map_err(|fault| past::blame(fault, unproved))
}

fn judge(
    request: &PathRequest<'_>,
    path: &[Arc<Certificate>],
    anchor: &TrustAnchor,
    uses: Option<Uses>,
) -> Result<ValidatedPath, PathFault> {
    let target_is_anchor = is_anchor(path, anchor);
    let above = if target_is_anchor { 0 } else { path.len() };
    let used_at = |position: Position| match (&uses, request.past) {
        (Some(uses), _) => uses.at(position),
        (None, Some(past)) => past.used_at.min(request.time),
        (None, None) => request.time,
    };
    let mut holds = super::anchor::check(request, above, anchor, used_at(above))?;
    let is_shown_good =
        uses.as_ref().is_some_and(|uses| uses.statuses.first().is_some_and(|first| *first.certificate == *path[0]));
    let mut names = NamesAllowed::default();
    let mut policies = PolicyGraph::new(&request.policies, path.len());
    if !target_is_anchor {
        check_anchor_issues(anchor, path, used_at(above))?;
        names.constrain(anchor.certificate());
        policies.constrain(anchor.certificate());
        holds.until = holds.until.min(key_end(anchor.certificate()));
    }
    for (position, certificate) in path.iter().enumerate().rev() {
        let issuer = path.get(position + 1).unwrap_or(anchor.certificate());
        if !target_is_anchor {
            check_signature(position, certificate, issuer, used_at(position + 1))?;
        }
        let time = used_at(position);
        if let Err(fault) = check_validity(position, certificate, time) {
            let target = out_of_bounds(request, path, anchor, used_at(0), is_shown_good);
            return Err(target.map_or(fault, |target| if position == 0 { target } else { target.of_unknown_status() }));
        }
        let until = certificate.not_after.min(key_end(certificate)).min(algorithm_end(certificate));
        holds = holds.and(Window { from: certificate.not_before, until });
        check_profile(position, certificate)?;
        check_key(position, certificate, time)?;
        check_extensions(position, certificate)?;
        names.check(position, certificate, request.work)?;
        policies.process(position, certificate)?;
        if position > 0 {
            policies.prepare(position, certificate)?;
            names.constrain(certificate);
            check_authority(position, certificate, path)?;
            check_extended_key_usage(position, certificate, request)?;
        }
    }
    policies.finish(&path[0], request.policies.acceptable)?;
    check_target(&path[0], request)?;

    let times = if request.past.is_some() { (0..=above).map(used_at).collect() } else { Vec::new() };
    let mut statuses = uses.map(|uses| uses.statuses).unwrap_or_default();
    if !target_is_anchor && request.past.is_none() && request.revocation != RevocationMode::Off {
        for (position, certificate) in path.iter().enumerate().rev() {
            let subject = Subject { certificate, above: &path[position + 1..], anchor, used_at: None };
            match revocation::check(request, position, &subject) {
                Ok(status) => {
                    holds = holds.and(status.holds);
                    statuses.push(status);
                }
                Err(PathFault::RevocationUnknown(_)) if request.revocation == RevocationMode::IfAvailable => {}
                Err(fault) => return Err(fault),
            }
        }
        statuses.reverse();
    }
    Ok(ValidatedPath {
        certificates: path.to_vec(),
        anchor: Arc::clone(anchor.certificate()),
        revocation: statuses,
        holds,
        used_at: times,
    })
}

/// The path is its anchor.
fn is_anchor(path: &[Arc<Certificate>], anchor: &TrustAnchor) -> bool {
    path.len() == 1 && *path[0] == **anchor.certificate()
}

/// The anchor as issuer: what its own certificate forbids is honoured (RFC 5937 §3.2). It stands one above the path.
fn check_anchor_issues(anchor: &TrustAnchor, path: &[Arc<Certificate>], time: Time) -> Result<(), PathFault> {
    let position = path.len();
    if !anchor.may_issue() {
        return Err(PathFault::NotACa(position));
    }
    if let Some(fault) = key_fault(position, anchor.certificate(), time) {
        return Err(fault);
    }
    if !anchor.certificate().extensions.not_understood.is_empty() {
        check_extensions(position, anchor.certificate())?;
    }
    check_path_length(position, anchor.certificate(), path)
}

/// §6.1.3 (a)(1). The value was verified when the path was built; what could not be computed there is named here.
fn check_signature(
    position: Position,
    certificate: &Certificate,
    issuer: &Certificate,
    time: Time,
) -> Result<(), PathFault> {
    match &certificate.signature_algorithm {
        Err(unknown) => return Err(PathFault::UnknownAlgorithm(position, unknown.0.clone())),
        Ok(algorithm) if !algorithm.lifetime().holds_at(time) => return Err(PathFault::WeakAlgorithm(position)),
        Ok(_) => {}
    }
    if issuer.public_key().is_err() {
        return Err(PathFault::UnusableKey(position + 1));
    }
    Ok(())
}

/// §6.1.3 (a)(2): both ends belong to the validity.
fn check_validity(position: Position, certificate: &Certificate, time: Time) -> Result<(), PathFault> {
    if time < certificate.not_before {
        Err(PathFault::NotYetValid { position, not_revoked: false })
    } else if time > certificate.not_after {
        Err(PathFault::Expired { position, not_revoked: false })
    } else {
        Ok(())
    }
}

/// A target that is out of bounds itself, whatever else is: revoked, or whether it is known not to be (EN 319 102-1 §5.2.6.4, step 7).
/// `known`: what was known of it when its key was used has been asked.
fn out_of_bounds(
    request: &PathRequest<'_>,
    path: &[Arc<Certificate>],
    anchor: &TrustAnchor,
    time: Time,
    known: bool,
) -> Option<PathFault> {
    let fault = check_validity(0, &path[0], time).err()?;
    let not_revoked = match request.revocation {
        _ if known => true,
        RevocationMode::Off => false,
        _ if is_anchor(path, anchor) => false,
        _ => {
            let subject = Subject { certificate: &path[0], above: &path[1..], anchor, used_at: None };
            match revocation::check(request, 0, &subject) {
                Err(revoked @ PathFault::Revoked { .. }) => return Some(revoked),
                status => status.is_ok(),
            }
        }
    };
    Some(match fault {
        PathFault::NotYetValid { position, .. } => PathFault::NotYetValid { position, not_revoked },
        _ => PathFault::Expired { position: 0, not_revoked },
    })
}

/// §4.1: DER; §4.1.2.2: the serial number is positive; §4.1.2.4, §4.1.2.6: issuers have names;
/// §4.2.1.10: only a CA constrains names.
fn check_profile(position: Position, certificate: &Certificate) -> Result<(), PathFault> {
    if certificate.encoding_fault.is_some() {
        return Err(PathFault::NotDer(position));
    }
    let serial = &certificate.serial_number;
    let positive = serial.first().is_some_and(|octet| octet & 0x80 == 0) && serial.iter().any(|octet| *octet != 0);
    let for_names = certificate.extensions.name_constraints.is_none() || certificate.is_ca();
    let named = !certificate.issuer.is_empty() && (position == 0 || !certificate.subject.is_empty());
    if positive && named && for_names { Ok(()) } else { Err(PathFault::Profile(position)) }
}

fn check_key(position: Position, certificate: &Certificate, time: Time) -> Result<(), PathFault> {
    key_fault(position, certificate, time).map_or(Ok(()), Err)
}

fn key_fault(position: Position, certificate: &Certificate, time: Time) -> Option<PathFault> {
    match certificate.public_key() {
        Ok(key) if key.strength().lifetime().holds_at(time) => None,
        Ok(_) => Some(PathFault::WeakKey(position)),
        Err(KeyFault::Unknown(identifier)) => Some(PathFault::UnknownAlgorithm(position, identifier.clone())),
        Err(KeyFault::Encoding(_) | KeyFault::ExplicitParameters | KeyFault::Numbers) => {
            Some(PathFault::UnusableKey(position))
        }
    }
}

/// The last second at which the key, which is accepted now, still is.
fn key_end(certificate: &Certificate) -> Time {
    certificate.public_key().map_or(Time::from_unix(i64::MAX), |key| end(key.strength().lifetime()))
}

/// Likewise of the signature's algorithm.
fn algorithm_end(certificate: &Certificate) -> Time {
    let algorithm = certificate.signature_algorithm.as_ref();
    algorithm.map_or(Time::from_unix(i64::MAX), |algorithm| end(algorithm.lifetime()))
}

fn end(lifetime: Lifetime) -> Time {
    match lifetime {
        Lifetime::Until(end) => end,
        Lifetime::Never | Lifetime::Unlimited => Time::from_unix(i64::MAX),
    }
}

/// §6.1.4 (o), §6.1.5 (f).
fn check_extensions(position: Position, certificate: &Certificate) -> Result<(), PathFault> {
    match certificate.extensions.not_understood.first() {
        None => Ok(()),
        Some(identifier) => Err(PathFault::ExtensionNotUnderstood(position, oid::dotted(identifier))),
    }
}

/// §6.1.4 (k) to (n) for a certificate that issued the one below it.
fn check_authority(position: Position, certificate: &Certificate, path: &[Arc<Certificate>]) -> Result<(), PathFault> {
    // A version 1 or 2 certificate cannot say that it is a CA (§6.1.4 (k)).
    if certificate.version != 3 || !certificate.is_ca() {
        return Err(PathFault::NotACa(position));
    }
    if certificate.extensions.key_usage.is_some_and(|usage| !usage.any_of(KeyUsage::KEY_CERT_SIGN)) {
        return Err(PathFault::KeyUsage(position));
    }
    check_path_length(position, certificate, path)
}

/// §6.1.4 (l), (m): certificates that are not self-issued between this CA and the target.
fn check_path_length(
    position: Position,
    certificate: &Certificate,
    path: &[Arc<Certificate>],
) -> Result<(), PathFault> {
    let Some(limit) = certificate.extensions.basic_constraints.and_then(|constraints| constraints.path_length) else {
        return Ok(());
    };
    let between = path.get(1..position).unwrap_or_default();
    let below = between.iter().filter(|lower| !lower.is_self_issued()).count();
    if below > limit as usize { Err(PathFault::PathLength(position)) } else { Ok(()) }
}

/// §4.2.1.12, and beyond it: an authority whose own certificate is limited to other purposes issues nothing for this one.
fn check_extended_key_usage(
    position: Position,
    certificate: &Certificate,
    request: &PathRequest<'_>,
) -> Result<(), PathFault> {
    let Some(usages) = &certificate.extensions.extended_key_usage else { return Ok(()) };
    let has = |wanted: &[u8]| usages.iter().any(|usage| usage == wanted);
    let fits = match request.purpose {
        Purpose::Any => true,
        Purpose::DocumentSigning => request.document_signing_usages.iter().any(|usage| has(usage)),
        Purpose::TimeStamping => has(oid::EKU_TIME_STAMPING) || (position > 0 && has(oid::ANY_EXTENDED_KEY_USAGE)),
        Purpose::OcspSigning => has(oid::EKU_OCSP_SIGNING) || (position > 0 && has(oid::ANY_EXTENDED_KEY_USAGE)),
    };
    if fits { Ok(()) } else { Err(PathFault::ExtendedKeyUsage(position)) }
}

/// The target's own key usage and extended key usage against the purpose (§4.2.1.3, §4.2.1.12; RFC 3161 §2.3; RFC 6960
/// §4.2.2.2).
fn check_target(target: &Certificate, request: &PathRequest<'_>) -> Result<(), PathFault> {
    if request.purpose == Purpose::Any {
        return Ok(());
    }
    let signing = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::NON_REPUDIATION;
    if target.extensions.key_usage.is_some_and(|usage| !usage.any_of(signing)) {
        return Err(PathFault::KeyUsage(0));
    }
    check_extended_key_usage(0, target, request)?;
    let usages = target.extensions.extended_key_usage.as_deref();
    let sufficient = match request.purpose {
        Purpose::Any | Purpose::DocumentSigning => true,
        // Critical, and the only purpose.
        Purpose::TimeStamping => {
            usages.is_some_and(|usages| usages.len() == 1) && target.extensions.extended_key_usage_critical
        }
        Purpose::OcspSigning => usages.is_some(),
    };
    if sufficient { Ok(()) } else { Err(PathFault::ExtendedKeyUsage(0)) }
}
