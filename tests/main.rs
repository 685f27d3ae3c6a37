//! Every integration test in one binary: one link, one run.

mod docs;
mod documents;
mod faults;
mod http;
mod kit;
mod layers;
mod mutations;
mod oracles;
mod pki;
mod registry;
mod revocation;
mod testvectors;
mod threats;
mod wild;
mod wycheproof_vectors;
