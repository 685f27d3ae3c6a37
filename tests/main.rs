//! Every integration test in one binary: one link, one run.

mod layers;
mod oracles;
mod pki;
mod registry;
mod documents;
