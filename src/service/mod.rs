//! The use-cases, without HTTP: verify a document, sign one, change its standing, know whether all is well.

pub mod access_tokens;
mod adding;
pub mod buckets;
pub mod documents;
pub mod existing;
pub mod extend;
pub mod guesses;
pub mod held;
pub mod issuance;
pub mod key_uses;
pub mod keys;
pub mod levels;
pub mod logged;
pub mod lookup;
pub mod papers;
pub mod permission;
pub mod readiness;
pub mod receipt;
pub mod sign;
mod sign_checks;
mod sign_error;
pub mod sign_hash;
pub mod sign_lookup;
mod sign_pdf;
pub mod standing;
pub mod status_lists;
pub mod status_places;
pub mod steps;
pub mod trust;
pub mod validity;
pub mod verify;
pub mod witnesses;

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::core::x509::TrustStore;

/// The anchors and intermediates held, replaced as a whole.
pub type SharedTrust = Arc<ArcSwap<TrustStore>>;
pub use crate::revocation::SharedEvidence;
