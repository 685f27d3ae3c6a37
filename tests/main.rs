//! Every integration test in one binary: one link, one run.

mod command_line;
mod crl_entries;
mod docs;
mod documents;
mod faults;
mod http;
mod kit;
mod layers;
mod limbo;
mod long_term;
mod mutations;
mod oracles;
mod pki;
mod pkits;
mod registry;
mod renderings;
mod replay;
mod revocation;
mod signing;
mod testvectors;
mod threats;
mod time_travel;
mod trust;
mod wild;
mod wycheproof_vectors;
