//! What tests of verdicts are made of:
//!
//! * [`key`]: keys of every kind, each made once a process, and signatures by any algorithm;
//! * [`tree`]: one development PKI in memory, with certificates as odd as wanted below it;
//! * [`message`]: CMS messages written piece by piece, every piece replaceable;
//! * [`ber`]: the same message in BER;
//! * [`pdf`]: PDF files, likewise, and signatures in them;
//! * [`postgres`]: real PostgreSQL servers;
//! * [`cost`]: what a computation cost;
//! * [`dev`]: the service as a process of its own;
//! * [`revocation`]: CRLs and OCSP responses, likewise;
//! * [`timestamp`]: time-stamp tokens, likewise;
//! * [`vectors`]: where foreign vectors lie;
//! * [`verdict`]: the verdict of `validate` as one line of text.
//!
//! ```ignore
//! let mut info = SignerInfo::new(&tree().signer, CONTENT);
//! info.remove(oid::CONTENT_TYPE);
//! let message = Message::detached(info).encode();
//! assert_eq!(verdict(&message, CONTENT), "TOTAL-FAILED FORMAT_FAILURE signed-attribute-missing");
//! ```

pub mod ber;
pub mod cost;
pub mod dev;
pub mod key;
pub mod message;
pub mod pdf;
pub mod postgres;
pub mod random;
pub mod revocation;
pub mod timestamp;
pub mod tree;
pub mod vectors;
pub mod verdict;

/// The document that the messages of these tests are about.
pub const CONTENT: &[u8] = "Phiếu lý lịch tư pháp (thử nghiệm)\n".as_bytes();
