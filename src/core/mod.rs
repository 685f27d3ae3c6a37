//! The pure core: bytes, evidence and a time in, values out. No clock, no network, no randomness, no database.

pub mod time;
