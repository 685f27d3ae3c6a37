//! Every integration test in one binary: one link, one run.

mod documents;
mod layers;
mod oracles;
mod pki;
mod registry;
mod testvectors;
