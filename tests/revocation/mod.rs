//! The revocation cache with a real Redis, real files and a real, lying HTTP server: a verdict may become undetermined for a
//! while, and is never wrong.

mod found;
mod kept;
mod many;
mod nodes;
mod places;
mod proxy;
pub mod redis;
mod reset;
pub mod responder;
mod shared;
mod sources;
pub mod world;
