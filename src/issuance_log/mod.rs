//! The issuance log as files: tiles, entries and a signed checkpoint in one folder, laid out as C2SP tlog-tiles wants them served.
//!
//! The folder is a publication of what the registry has decided, and can be made again from it. Its order of writing is tiles, then
//! checkpoint, each on the disk before the next: who sees a checkpoint finds all that it stands on, also after the power failed.

mod audit;
pub mod checked;
mod folder;
mod key;
mod publisher;
mod signer;
mod witness;

pub use audit::{AuditError, Audited, audit, entries};
pub use folder::{CHECKPOINT, Folder, FolderError};
pub use key::generate;
pub use publisher::{OpenError, PublishError, Publisher};
pub use signer::NoteSigner;
pub use witness::{NoCosignature, Witness, WitnessError};
