//! Every integration test in one binary: one link, one run.

mod documents;
mod http;
mod layers;
mod oracles;
mod pki;
mod registry;
