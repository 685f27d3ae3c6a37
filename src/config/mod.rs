//! Settings: what an operator may decide, each with its default.

pub mod revocation;
