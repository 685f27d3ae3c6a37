//! Raising a signature from the command line: time-stamps, the evidence that is given or published, and time-stamps over it.

mod collect;

use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use tokio::runtime::Runtime;

use super::evidence::LoadedEvidence;
use super::exit::{self, CommandError};
use crate::clock;
use crate::config::{TimeStampAuthority, TimeStamping};
use crate::core::algorithm::DigestAlgorithm;
use crate::core::evidence::Evidence;
use crate::core::memory::Memory;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::validation::level::Level;
use crate::core::validation::{self, Content, Validation, ValidationRequest};
use crate::core::x509::{Certificate, TrustAnchor, TrustStore};
use crate::net::AllowedHost;
use crate::signing::level::{LevelError, raise_to_timestamped};
use crate::signing::long_term::{Judgement, check_archival, level_of, raise_to_archival, raise_to_long_term};
use crate::signing::timestamp::TimeStampClient;

/// A fraction of a second in a time-stamp counts as the next second, which has to come first.
const NEXT_SECOND: Duration = Duration::from_millis(1050);

/// Baseline levels as options name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LevelArgument {
    #[value(name = "B-B")]
    Basic,
    #[value(name = "B-T")]
    Timestamped,
    #[value(name = "B-LT")]
    LongTerm,
    #[value(name = "B-LTA")]
    Archival,
}

/// What a message is raised with.
pub struct Raising {
    client: Option<TimeStampClient>,
    /// The authority's host, which may have a private address: whoever writes the command line knows whom he names.
    named_host: Option<AllowedHost>,
    evidence: Evidence,
    trust: TrustStore,
    policy: Policy,
    runtime: Runtime,
}

impl Raising {
    /// With the authority at this URL, if one is named, and with what the evidence options name.
    pub fn new(tsa: Option<&str>, loaded: LoadedEvidence) -> Result<Self, CommandError> {
        let client = tsa.map(time_stamp_client).transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| CommandError::of(exit::INTERNAL, &error))?;
        let LoadedEvidence { evidence, trust, policy, .. } = loaded;
        let named_host = tsa.and_then(|url| AllowedHost::of_url(url, true));
        Ok(Self { client, named_host, evidence, trust, policy, runtime })
    }

    /// Evidence is looked for up to the tops of this chain, beside the anchors: as far up as the certificates say where their issuers'
    /// are published. Whoever judges the signature later decides whom to trust.
    pub fn look_up_to_tops(&mut self, chain: Vec<Arc<Certificate>>) {
        let is_below =
            |one: &Certificate, others: &[Arc<Certificate>]| others.iter().any(|other| other.subject == one.issuer);
        let mut tops: Vec<Arc<Certificate>> = Vec::new();
        for certificate in &chain {
            if certificate.is_self_issued() || !is_below(certificate, &chain) {
                tops.push(self.climb(Arc::clone(certificate)));
            }
        }
        let mut anchors = self.trust.anchors().to_vec();
        anchors.extend(tops.into_iter().filter(|top| self.trust.anchor(top).is_none()).map(TrustAnchor::new));
        let (intermediates, aliases) = (self.trust.intermediates().to_vec(), self.trust.aliases().to_vec());
        self.trust = TrustStore::with_aliases(anchors, intermediates, aliases);
        self.evidence.certificates.extend(chain);
    }

    /// A message over content of these digests, with a time-stamp over its signature.
    pub fn stamp(
        &mut self,
        mut message: Vec<u8>,
        digests: &[(DigestAlgorithm, Vec<u8>)],
    ) -> Result<Vec<u8>, CommandError> {
        let Some(client) = &self.client else { return Err(needs_authority()) };
        let content = Content::Digests(digests);
        let raised = self.runtime.block_on(raise_to_timestamped(&mut message, content, client, &|_| Ok(())));
        raised.map_err(failed)?;
        Ok(message)
    }

    /// The message at this level, its content beside it if it is detached. At B-LTA always with a new archive time-stamp.
    pub fn raise(
        &mut self,
        message: Vec<u8>,
        content: Content<'_>,
        level: LevelArgument,
    ) -> Result<Vec<u8>, CommandError> {
        let mut raised = message;
        if level >= LevelArgument::Timestamped {
            match &self.client {
                Some(client) => {
                    let stamping = raise_to_timestamped(&mut raised, content, client, &|_| Ok(()));
                    self.runtime.block_on(stamping).map_err(failed)?;
                }
                None if is_stamped(&raised) => {}
                None => return Err(needs_authority()),
            }
        }
        if level >= LevelArgument::LongTerm {
            std::thread::sleep(NEXT_SECOND);
            self.collect(&raised, content);
            self.collect_lasting(&raised, content);
            raise_to_long_term(&mut raised, self.judgement(content)).map_err(failed)?;
            let reached = || self.judge(&raised, content).and_then(|validation| level_of(&validation));
            if level == LevelArgument::LongTerm && reached() < Some(Level::LongTerm) {
                return Err(failed(LevelError::NotReached));
            }
        }
        if level >= LevelArgument::Archival {
            let Some(client) = &self.client else { return Err(needs_authority()) };
            let archiving = raise_to_archival(&mut raised, content, client, &|_| Ok(()));
            self.runtime.block_on(archiving).map_err(failed)?;
            std::thread::sleep(NEXT_SECOND);
            self.collect(&raised, content);
            check_archival(&raised, self.judgement(content)).map(drop).map_err(failed)?;
        }
        Ok(raised)
    }

    fn judgement<'a>(&'a self, content: Content<'a>) -> Judgement<'a> {
        let (evidence, trust, policy) = (&self.evidence, &self.trust, &self.policy);
        Judgement { content, evidence, trust, policy, time: clock::now() }
    }

    fn judge(&self, message: &[u8], content: Content<'_>) -> Option<Validation> {
        let request = ValidationRequest {
            document: message,
            content,
            evidence: &self.evidence,
            trust: &self.trust,
            policy: &self.policy,
            revocation: RevocationMode::Required,
            time: clock::now(),
            memory: &Memory::none(),
        };
        validation::validate(&request).ok()
    }
}

fn time_stamp_client(url: &str) -> Result<TimeStampClient, CommandError> {
    let authority = TimeStampAuthority { url: url.to_owned(), policy: None, allow_private: true };
    let settings = TimeStamping { authorities: vec![authority], ..TimeStamping::default() };
    let client = TimeStampClient::new(&settings);
    client.map_err(|error| CommandError::new(exit::USAGE, format!("--tsa {url}: {error}")))
}

fn is_stamped(message: &[u8]) -> bool {
    crate::signing::level::is_stamped(message).unwrap_or(false)
}

fn needs_authority() -> CommandError {
    CommandError::new(exit::USAGE, "this level needs a time-stamping authority: add --tsa URL")
}

/// What cannot be raised by what is at hand is no failure of this machine.
fn failed(error: LevelError) -> CommandError {
    let code = match error {
        LevelError::Message(_) | LevelError::ContentMissing | LevelError::Adding(_) | LevelError::Pdf(_) => {
            exit::UNREADABLE
        }
        LevelError::NotPassed { .. }
        | LevelError::TimeStampNotPassed { .. }
        | LevelError::StatusTooOld
        | LevelError::NothingGained
        | LevelError::NotReached
        | LevelError::SelfCheck { .. } => exit::UNDETERMINED,
        LevelError::TimeStamp(_) | LevelError::Interrupted => exit::INTERNAL,
    };
    CommandError::of(code, &error)
}
