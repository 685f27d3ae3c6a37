//! Levels above B-B: time-stamps asked for from real, lying HTTP servers, and what is put into messages that exist.

mod timestamps;
mod unsigned;
