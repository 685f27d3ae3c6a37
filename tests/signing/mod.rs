//! Levels above B-B: time-stamps asked for from real, lying HTTP servers, and what is put into messages that exist.

mod associated;
mod checked;
mod extend;
pub mod office;
mod pades;
mod pades_fields;
mod pades_levels;
pub mod seal;
mod seal_signed;
mod timestamps;
mod unsigned;
