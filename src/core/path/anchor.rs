//! What the operator limits a trust anchor to (RFC 5937 §3: constraints that come with the anchor and not in its certificate).

use super::fault::PathFault;
use super::window::Window;
use super::{PathRequest, Position};
use crate::core::policy::Purpose;
use crate::core::time::Time;
use crate::core::x509::TrustAnchor;

/// The anchor is for this purpose, kind of document and the `time` at which its key was used; gives the time for which that holds.
/// `position` is the anchor's. A kind that no verified signature states fits no anchor that is limited to kinds.
pub fn check(
    request: &PathRequest<'_>,
    position: Position,
    anchor: &TrustAnchor,
    time: Time,
) -> Result<Window, PathFault> {
    let limits = anchor.limits();
    if !limits.permits(request.purpose) {
        return Err(PathFault::AnchorUse(position));
    }
    if let (Purpose::DocumentSigning, Some(kinds)) = (request.purpose, limits.kinds()) {
        match request.kind {
            Some(kind) if kinds.iter().any(|allowed| allowed == kind) => {}
            Some(_) => return Err(PathFault::AnchorKind(position)),
            None => return Err(PathFault::AnchorKindUnknown(position)),
        }
    }
    let window = Window {
        from: limits.from().unwrap_or(Window::ALWAYS.from),
        until: limits.until().unwrap_or(Window::ALWAYS.until),
    };
    if window.contains(time) { Ok(window) } else { Err(PathFault::AnchorWindow(position)) }
}
