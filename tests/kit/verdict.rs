//! The verdict of `validate` as one line: indication, sub-indication if there is one, code. `UNREADABLE` for bytes that are no
//! CMS message.

use antin::core::evidence::Evidence;
use antin::core::memory::Memory;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::time::Time;
use antin::core::validation::{self, Content, Unreadable, Validation, ValidationRequest};
use antin::core::verdict::Verdict;
use antin::core::x509::TrustStore;

use super::tree::{NOW, tree};

pub const PASSED: &str = "TOTAL-PASSED valid";
pub const UNREADABLE: &str = "UNREADABLE";

/// Everything a verdict depends on beside the message.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    pub evidence: &'a Evidence,
    pub trust: &'a TrustStore,
    /// Of those held.
    pub policy: &'a str,
    pub revocation: RevocationMode,
    pub time: Time,
}

impl Default for Judge<'static> {
    /// The tree, its anchor and its CRLs, policy `any-ades`, revocation required, [`NOW`].
    fn default() -> Self {
        let tree = tree();
        Self {
            evidence: &tree.evidence,
            trust: &tree.trust,
            policy: "any-ades",
            revocation: RevocationMode::Required,
            time: NOW,
        }
    }
}

impl Judge<'_> {
    pub fn validate(&self, document: &[u8], content: Content<'_>) -> Result<Validation, Unreadable> {
        self.validate_by(&Policy::held(self.policy).expect("a policy that is held"), document, content)
    }

    /// By a policy that is not held.
    pub fn validate_by(
        &self,
        policy: &Policy,
        document: &[u8],
        content: Content<'_>,
    ) -> Result<Validation, Unreadable> {
        validation::validate(&ValidationRequest {
            document,
            content,
            evidence: self.evidence,
            trust: self.trust,
            policy,
            revocation: self.revocation,
            time: self.time,
            memory: &Memory::none(),
        })
    }

    /// The verdict in one line.
    pub fn verdict(&self, document: &[u8], content: Content<'_>) -> String {
        match self.validate(document, content) {
            Ok(validation) => line(&validation.verdict),
            Err(_) => UNREADABLE.to_owned(),
        }
    }
}

/// A verdict in one line.
pub fn line(verdict: &Verdict) -> String {
    let words = [Some(verdict.indication().name()), verdict.sub_indication(), Some(verdict.code())];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The verdict of a detached signature over `content`.
pub fn verdict(document: &[u8], content: &[u8]) -> String {
    Judge::default().verdict(document, Content::Bytes(content))
}

/// The verdict of a message that carries its content.
pub fn enveloping_verdict(document: &[u8]) -> String {
    Judge::default().verdict(document, Content::None)
}

/// The verdict of each signer.
pub fn verdicts(document: &[u8], content: &[u8]) -> Vec<String> {
    let validation = Judge::default().validate(document, Content::Bytes(content)).expect("a message");
    validation.signatures.iter().map(|signature| line(&signature.verdict)).collect()
}
