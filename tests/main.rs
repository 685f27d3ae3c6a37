//! Every integration test in one binary: one link, one run.

mod command_line;
mod crl_entries;
mod docs;
mod documents;
mod faults;
mod http;
mod kinds;
mod kit;
mod layers;
mod limbo;
mod mutations;
mod oracles;
mod pki;
mod pkits;
mod policies;
mod registry;
mod revocation;
mod testvectors;
mod threats;
mod time_travel;
mod trust;
mod wild;
mod wycheproof_vectors;
