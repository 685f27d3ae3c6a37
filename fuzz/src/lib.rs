//! What the fuzz targets share: the core itself, and what must hold of its answers whatever the bytes.
#![forbid(unsafe_code)]

#[path = "../../src/core/mod.rs"]
pub mod core;
#[path = "../../src/http/field.rs"]
pub mod field;

pub mod der;
pub mod documents;
pub mod items;
pub mod paths;
