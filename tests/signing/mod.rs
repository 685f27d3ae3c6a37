//! Levels above B-B: the queue of signatures to be raised, time-stamps asked for from real, lying HTTP servers, and what is put into messages that exist.

mod associated;
mod checked;
mod extend;
pub mod office;
mod pades;
mod pades_fields;
mod pades_levels;
mod pades_seal;
mod queue;
pub mod seal;
mod seal_signed;
mod timestamps;
mod unsigned;
