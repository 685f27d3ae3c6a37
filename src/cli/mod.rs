//! The command line: one file a command.

pub mod demo;
pub mod dev;
mod log;
pub mod pki;
pub mod serve;
