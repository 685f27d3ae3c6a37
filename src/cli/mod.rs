//! The command line: one file a command.

pub mod pki;
pub mod demo;
