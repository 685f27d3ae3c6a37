//! What can be wrong with a token, in words for the operator; no PIN is ever in them.

use std::time::Duration;

use cryptoki::error::{Error, RvError};

/// Why a token gives no signature.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenFault {
    #[error("the PKCS#11 module {module} cannot be loaded ({reason}): check the path, and that this user may read it")]
    Module { module: String, reason: String },
    #[error("no token {token} is there: insert it, or correct label or serial of its [[token]]")]
    Absent { token: String },
    #[error("more than one token is {token}: tell them apart by serial")]
    NotUnique { token: String },
    #[error("the token failed ({0}); it is tried again after a pause")]
    Device(String),
    #[error("the token failed a moment ago ({reason}) and is left alone for {} ms more", left.as_millis())]
    Resting { reason: String, left: Duration },
    #[error("the token has no session left for antin: end other programs that use it, or lower `sessions`")]
    NoSession,
    #[error("all sessions wait for an answer of the token: is it hung?")]
    Hung,
    #[error("no session became free within {} seconds", .0.as_secs())]
    Busy(Duration),
    #[error("the token did not open a session or find the key within {} seconds; nothing was signed", .0.as_secs())]
    Slow(Duration),
    #[error("the PIN cannot be had from {place}: {reason}")]
    Pin { place: String, reason: String },
    /// The PIN is not tried again as long as it is the same.
    #[error(
        "the token refused the PIN ({0}): it is not tried again until the PIN in its file changes or antin is restarted"
    )]
    PinRefused(String),
    #[error(
        "the token has one attempt at the PIN left, so antin makes none: log in once with another program, then try again"
    )]
    FinalTry,
    #[error("the PIN of the token is locked: unlock it with the security officer's PIN")]
    PinLocked,
    #[error("the token has no private key with {0}: correct `label` or `id` of the [[key]], or import the key")]
    NoKey(String),
    #[error("the token has more than one private key with {0}: name both `label` and `id`")]
    KeyNotUnique(String),
    #[error("the private key with {key} {reason}")]
    KeyUnfit { key: String, reason: &'static str },
    #[error("the private key with {key} does not belong to the certificate of {subject}")]
    OtherCertificate { key: String, subject: String },
    #[error("{0} is not made by this key in a token: use SHA-256, SHA-384 or SHA-512")]
    Digest(&'static str),
    #[error("the token did not answer within {} seconds: whether it signed is not known", .0.as_secs())]
    NoAnswer(Duration),
    #[error("the token failed while it signed ({0}): whether it signed is not known")]
    WhileSigning(String),
    #[error("the cryptographic library failed: {0}")]
    Library(String),
}

impl TokenFault {
    /// The settings contradict what is in the token, which no waiting mends.
    pub const fn is_mismatch(&self) -> bool {
        matches!(self, Self::OtherCertificate { .. })
    }
}

/// The return value of PKCS#11, if that is what the error is.
pub(super) const fn returned(error: &Error) -> Option<RvError> {
    match error {
        Error::Pkcs11(value, _) => Some(*value),
        _ => None,
    }
}

/// The session, or the login of all sessions, is gone; with a new one it may go on.
pub(super) const fn is_stale(value: RvError) -> bool {
    use RvError::{
        DeviceError, DeviceRemoved, FunctionFailed, GeneralError, OperationActive, SessionClosed, SessionHandleInvalid,
        SlotIdInvalid, TokenNotPresent, TokenNotRecognized, UserNotLoggedIn,
    };
    matches!(
        value,
        DeviceError
            | DeviceRemoved
            | FunctionFailed
            | GeneralError
            | OperationActive
            | SessionClosed
            | SessionHandleInvalid
            | SlotIdInvalid
            | TokenNotPresent
            | TokenNotRecognized
            | UserNotLoggedIn
    )
}

/// The handle of a key no longer names one.
pub(super) const fn is_lost_key(value: RvError) -> bool {
    matches!(value, RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid)
}

/// An attempt to log in was used up.
pub(super) const fn refuses_pin(value: RvError) -> bool {
    matches!(
        value,
        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange | RvError::PinExpired | RvError::PinLocked
    )
}

/// The error in few words: the standard's own explanations fill a page.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::Pkcs11(value, function) => format!("{value:?} from C_{function:?}"),
        other => other.to_string(),
    }
}
