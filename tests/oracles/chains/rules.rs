//! Why antin's answer stands where an oracle gives the other one.

use super::VALID;
use super::draft::Chain;
use super::feature::Feature::{self, *};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oracle {
    OpenSsl,
    Certvalidator,
}

impl Oracle {
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "OpenSSL",
            Self::Certvalidator => "certvalidator",
        }
    }
}

/// A kind of difference.
pub struct Rule {
    pub name: &'static str,
    pub oracle: Oracle,
    /// antin's code; [`VALID`]: the oracle refuses.
    pub ours: &'static str,
    /// A part of what the oracle says; [`VALID`]: it accepts.
    pub theirs: &'static str,
    /// One of these is in the chain.
    pub features: &'static [Feature],
    /// Why, with the clause.
    pub _reason: &'static str,
}

impl Rule {
    pub fn explains(&self, ours: &str, theirs: &str, chain: &Chain) -> bool {
        ours == self.ours && theirs.contains(self.theirs) && chain.has_any(self.features)
    }
}

pub const RULES: &[Rule] = &[];
