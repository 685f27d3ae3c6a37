//! The pure core: bytes, evidence and a time in, values out. No clock, no network, no randomness, no database.

pub mod algorithm;
pub mod cms;
pub mod crypto;
pub mod der;
pub mod document_kind;
pub mod document_validity;
#[cfg(test)]
mod every;
pub mod evidence;
pub mod evidence_file;
pub mod foreign;
pub mod log;
pub mod lookup;
pub mod memory;
pub mod oid;
pub mod path;
pub mod pdf;
pub mod policy;
pub mod report;
pub mod saved_evidence;
pub mod status_list;
pub mod suites;
pub mod time;
pub mod validation;
pub mod verdict;
pub mod working_days;
pub mod x509;
