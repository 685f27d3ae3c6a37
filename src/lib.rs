//! antin (*ấn tín*, the seal of office): verification and trust for digitally signed public documents.
//!
//! The layers, each using only those to its left:
//! `core <- {clock, config, disk, net, typesetting} <- {audit, issuance_log, kinds, revocation, signing, registry, pki, recent, trust} <- service <- http <- cli`.
#![forbid(unsafe_code)]

pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
mod disk;
pub mod http;
pub mod issuance_log;
pub mod kinds;
pub mod net;
pub mod pki;
pub mod recent;
pub mod registry;
pub mod revocation;
pub mod service;
pub mod signing;
pub mod trust;
pub mod typesetting;
