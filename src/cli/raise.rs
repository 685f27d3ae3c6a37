//! Raising a signature from the command line: time-stamps, the evidence that is given or published, and time-stamps over it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use tokio::runtime::Runtime;

use super::evidence::LoadedEvidence;
use super::exit::{self, CommandError};
use crate::clock;
use crate::config::{TimeStampAuthority, TimeStamping};
use crate::core::evidence::Evidence;
use crate::core::evidence_file;
use crate::core::memory::Memory;
use crate::core::policy::{Policy, RevocationMode};
use crate::core::validation::{self, Content, Validation, ValidationRequest, Wanted};
use crate::core::x509::access::Access;
use crate::core::x509::{Certificate, TrustAnchor, TrustStore};
use crate::net::{AllowedHost, FetchLimits, FetchRequest, Fetcher};
use crate::signing::level::{LevelError, raise_to_timestamped};
use crate::signing::long_term::{Judgement, check_archival, raise_to_archival, raise_to_long_term};
use crate::signing::timestamp::TimeStampClient;

/// Times that what is missing is asked for where it is said to be published.
const ROUNDS: usize = 4;
/// Octets of a list or a certificate that is fetched.
const FETCHED: usize = 64 << 20;
const LIMITS: FetchLimits =
    FetchLimits { maximum_bytes: FETCHED, connect: Duration::from_secs(5), total: Duration::from_secs(30) };
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

    /// The highest certificate above this one that can be had.
    fn climb(&mut self, mut certificate: Arc<Certificate>) -> Arc<Certificate> {
        for _ in 0..ROUNDS {
            if certificate.is_self_issued() {
                break;
            }
            let known = self.evidence.certificates.len();
            for uri in Access::of(&certificate).ca_issuers {
                self.fetch(&uri);
            }
            let fetched = &self.evidence.certificates[known..];
            let Some(issuer) = fetched.iter().find(|issuer| has_issued(issuer, &certificate)) else { break };
            certificate = Arc::clone(issuer);
        }
        certificate
    }

    /// The message at this level, its content beside it if it is detached. At B-LTA always with a new archive time-stamp.
    pub fn raise(
        &mut self,
        message: &[u8],
        content: Content<'_>,
        level: LevelArgument,
    ) -> Result<Vec<u8>, CommandError> {
        let mut raised = message.to_vec();
        if level >= LevelArgument::Timestamped {
            raised = match &self.client {
                Some(client) => self.runtime.block_on(raise_to_timestamped(message, content, client, &|_| Ok(()))),
                None if is_stamped(message) => Ok(raised),
                None => return Err(needs_authority()),
            }
            .map_err(failed)?;
        }
        if level >= LevelArgument::LongTerm {
            std::thread::sleep(NEXT_SECOND);
            self.collect(&raised, content);
            raised = raise_to_long_term(&raised, self.judgement(content)).map_err(failed)?;
        }
        if level >= LevelArgument::Archival {
            let Some(client) = &self.client else { return Err(needs_authority()) };
            raised = self.runtime.block_on(raise_to_archival(&raised, content, client, &|_| Ok(()))).map_err(failed)?;
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

    /// Fetches what a judgement of the message misses from where its certificates say that it is published. What cannot be had is
    /// told by the judgement that follows.
    fn collect(&mut self, message: &[u8], content: Content<'_>) {
        let mut asked: HashSet<String> = HashSet::new();
        for _ in 0..ROUNDS {
            let time = clock::now();
            let Some(validation) = self.judge(message, content) else { return };
            let wanted = validation.wanted(&self.evidence.crls, &self.trust, time);
            let mut gained = false;
            for uri in wanted.iter().filter(|wanted| !matches!(wanted, Wanted::Ocsp { .. })).flat_map(Wanted::uris) {
                if asked.insert(uri.clone()) {
                    gained |= self.fetch(uri);
                }
            }
            if !gained {
                return;
            }
        }
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

    /// A list or certificates at this URI become evidence.
    fn fetch(&mut self, uri: &str) -> bool {
        let Some(mut host) = AllowedHost::of_url(uri, false) else { return false };
        host.allow_private =
            self.named_host.as_ref().is_some_and(|named| (&named.host, named.port) == (&host.host, host.port));
        let Ok(fetcher) = Fetcher::new(vec![host], LIMITS, None) else { return false };
        let fetched = self.runtime.block_on(fetcher.fetch(&FetchRequest::get(uri, FETCHED)));
        let Ok(file) = fetched else { return false };
        if let Ok(lists) = evidence_file::crls(&file) {
            lists.into_iter().for_each(|list| self.evidence.crls.insert(Arc::new(list)));
            return true;
        }
        let Ok(certificates) = evidence_file::certificates(&file) else { return false };
        self.evidence.certificates.extend(certificates.into_iter().map(Arc::new));
        true
    }
}

fn has_issued(issuer: &Certificate, certificate: &Certificate) -> bool {
    let (Ok(key), Ok(algorithm)) = (issuer.public_key(), &certificate.signature_algorithm) else { return false };
    let verified = || key.verify(*algorithm, certificate.to_be_signed(), certificate.signature()).is_ok();
    issuer.subject == certificate.issuer && verified()
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
        LevelError::Message(_) | LevelError::ContentMissing | LevelError::Adding(_) => exit::UNREADABLE,
        LevelError::NotPassed { .. }
        | LevelError::TimeStampNotPassed { .. }
        | LevelError::StatusTooOld
        | LevelError::NothingGained
        | LevelError::NotReached => exit::UNDETERMINED,
        LevelError::TimeStamp(_) | LevelError::SelfCheck { .. } | LevelError::Interrupted => exit::INTERNAL,
    };
    CommandError::of(code, &error)
}
