//! The audit log: every decision about who asked for what, in an order that nobody can change afterwards unseen.
//!
//! Files of JSON lines in one folder. Each line has its number and the SHA-256 of the line before it, also across files; what was written
//! together ends with a head, signed by a key that signs nothing else. [`AuditLog`] writes, [`check`] finds every line that was edited, left out,
//! put in or moved, and every end that was cut off, as far back as a head that is kept elsewhere says.
//!
//! A decision stands in the log before its answer leaves. It names clients, papers by their ids and digests, and codes; never a person, and
//! no text that came with a request.

mod check;
mod files;
mod head;
mod line;
mod log;
mod start;
mod writer;

pub use check::{Fault, Finding, Note, Told, Whole, check};
pub use files::{KeptHead, export, newest_head};
pub use head::{Head, HeadKey, KeyFault, PublicHeadKey};
pub use line::{Decision, LONGEST_TEXT, Outcome};
pub use log::{AuditError, AuditLog, Durability, OpenError};
