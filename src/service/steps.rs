//! The steps from one level to the next, by the trust and the evidence of this process: for the queue of issued signatures and for who
//! asks over HTTP. Each is judged before it counts, and nothing that is in a message already is changed.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use super::{
    existing::JudgedContent,
    verify::{VerifyError, VerifyService},
};
use crate::{
    clock,
    core::{
        document_kind::DocumentKinds,
        path::{InitialPolicies, PathOutcome, PathRequest, Work as PathWork, find_path},
        policy::{Policy, Purpose, RevocationMode},
        time::Time,
        validation::{level::Level, timestamp_answer::TimeStampAnswer},
        verdict::{Cause, Verdict},
    },
    revocation::collect::Collected,
    signing::{
        level::{Before, LevelError, raise_to_timestamped},
        long_term::{
            Judgement, check_archival, check_stamped, level_of, older_status, proves_until, raise_to_archival,
            raise_to_long_term,
        },
        timestamp::{Imprint, TimeStampClient},
    },
};

/// Times that evidence is collected for one judgement.
const ROUNDS: usize = 3;
/// A fraction of a second in a time-stamp counts as the next second, which has to come before it proves anything.
const NEXT_SECOND: Duration = Duration::from_millis(1050);
/// Seconds before the revocation data at hand end to count: from then on they are kept although they are older than the time-stamp.
const LAST_CHANCE: i64 = 60;

/// Makes the steps.
pub struct Steps {
    verify: Arc<VerifyService>,
    client: TimeStampClient,
    policy: Policy,
}

/// What is done with a message by the evidence at hand. After an error the message is as it was.
type Work<T> = fn(&mut Vec<u8>, Judgement<'_>) -> Result<T, LevelError>;

impl Steps {
    /// # Errors
    /// There is no default policy.
    pub fn new(verify: Arc<VerifyService>, client: TimeStampClient) -> Result<Self, VerifyError> {
        // Each signature is raised for itself: that a paper needs another one beside it, or a level, is for who relies on the paper.
        let policy =
            Policy { document_kinds: DocumentKinds::default(), required_level: None, ..verify.policy(None)?.clone() };
        Ok(Self { verify, client, policy })
    }

    /// A time-stamp over what somebody has elsewhere.
    pub async fn stamp(&self, imprint: &Imprint<'_>) -> Result<TimeStampAnswer, LevelError> {
        let accept = |answer: &TimeStampAnswer| self.check_authority(answer);
        Ok(self.client.stamp_imprint(imprint, &accept).await?)
    }

    /// To B-T: a time-stamp on each signature that has none, whatever it is worth by now.
    pub async fn timestamp(&self, message: &mut Vec<u8>, content: &JudgedContent) -> Result<(), LevelError> {
        let accept = |answer: &TimeStampAnswer| self.check_authority(answer);
        raise_to_timestamped(message, content.as_content(), &self.client, &accept).await
    }

    /// The level of a message whose signatures pass.
    pub async fn passed(&self, message: &mut Vec<u8>, content: &JudgedContent) -> Result<Option<Level>, LevelError> {
        let work: Work<_> = |message, judgement| Ok(level_of(&judgement.passed(message)?));
        self.by_evidence(message, content, work).await
    }

    /// As [`Self::passed`], and each signature has a time-stamp that passes.
    pub async fn stamped(&self, message: &mut Vec<u8>, content: &JudgedContent) -> Result<Option<Level>, LevelError> {
        let work: Work<_> = |message, judgement| Ok(level_of(&check_stamped(message, judgement)?));
        self.by_evidence(message, content, work).await
    }

    /// From B-T to B-LT, with revocation data about the signers that were made after the time-stamps; shortly before those at hand end
    /// to count, with what there is.
    pub async fn long_term(&self, message: &mut Vec<u8>, content: &JudgedContent) -> Result<(), LevelError> {
        let work: Work<_> = |message, judgement| {
            let validation = check_stamped(message, judgement)?;
            match older_status(&validation, judgement.time) {
                Some(until) if until.seconds_since(judgement.time) > LAST_CHANCE => Err(LevelError::StatusTooOld),
                _ => raise_to_long_term(message, judgement),
            }
        };
        self.by_evidence(message, content, work).await
    }

    /// From B-LT to B-LTA, or one more archive time-stamp. No authority is asked about what does not pass. Gives the last second at which
    /// the new time-stamps prove anything by themselves.
    pub async fn archive(&self, message: &mut Vec<u8>, content: &JudgedContent) -> Result<Option<Time>, LevelError> {
        self.passed(message, content).await?;
        let accept = |answer: &TimeStampAnswer| self.check_authority(answer);
        let before = Before::of(message);
        raise_to_archival(message, content.as_content(), &self.client, &accept).await?;
        settle().await;
        let work: Work<_> =
            |message, judgement| Ok(proves_until(&check_archival(message, judgement)?, judgement.policy));
        let checked = self.by_evidence(message, content, work).await;
        if checked.is_err() {
            before.restore(message);
        }
        checked
    }

    /// To B-LTA once more: with the evidence of its newest time-stamps, and a new one over all of it that proves more for longer. After
    /// an error the message is of no more use.
    pub async fn renew(&self, message: &mut Vec<u8>, content: &JudgedContent) -> Result<Option<Time>, LevelError> {
        let work: Work<_> = |message, judgement| Ok(proves_until(&judgement.passed(message)?, judgement.policy));
        let before = self.by_evidence(message, content, work).await?;
        let work: Work<_> = |message, judgement| raise_to_long_term(message, judgement);
        self.by_evidence(message, content, work).await?;
        let renewed = self.archive(message, content).await?;
        if renewed > before { Ok(renewed) } else { Err(LevelError::NothingGained) }
    }

    /// Does the work by the evidence at hand; where it fails, and some was missing, once more with what could be collected. The message
    /// is handed to the worker, for a large one is not held twice: after [`LevelError::Interrupted`] it is empty.
    async fn by_evidence<T: Send + 'static>(
        &self,
        message: &mut Vec<u8>,
        content: &JudgedContent,
        work: Work<T>,
    ) -> Result<T, LevelError> {
        let deadline = Instant::now() + self.verify.patience();
        let mut collected = Collected::default();
        for round in 0.. {
            let (verify, policy, mut owned) = (Arc::clone(&self.verify), self.policy.clone(), std::mem::take(message));
            let (content, own) = (content.clone(), std::mem::take(&mut collected));
            let done = spawn_blocking(move || {
                let time = clock::now();
                let (outcome, wanted) = match verify.judge(&owned, content.as_content(), &policy, &own, time) {
                    Ok(judged) => {
                        let (evidence, trust, content) = (judged.evidence(), &*judged.trust, content.as_content());
                        let judgement = Judgement { content, evidence, trust, policy: &policy, time };
                        (work(&mut owned, judgement), judged.wanted)
                    }
                    Err(unreadable) => (Err(LevelError::Message(unreadable.0)), Vec::new()),
                };
                (outcome, wanted, own, owned)
            });
            let (outcome, wanted);
            (outcome, wanted, collected, *message) = done.await.map_err(|_| LevelError::Interrupted)?;
            let again = outcome.is_err()
                && round < ROUNDS
                && self.verify.collect(&wanted, &mut collected, None, deadline).await;
            if !again {
                return outcome;
            }
        }
        Err(LevelError::Interrupted)
    }

    /// The authority's certificate leads to a held anchor that is for time-stamps, and nothing fresh speaks against it: whoever stands
    /// on the way to an authority could else answer with a key of his own.
    fn check_authority(&self, answer: &TimeStampAnswer) -> Result<(), &'static str> {
        let (trust, evidence) = (self.verify.trust().load(), self.verify.evidence().load());
        let outcome = find_path(&PathRequest {
            target: &answer.authority,
            certificates: &answer.certificates,
            crls: &evidence.crls,
            ocsp_responses: &evidence.ocsp_responses,
            trust: &trust,
            purpose: Purpose::TimeStamping,
            kind: None,
            document_signing_usages: &[],
            policies: InitialPolicies::default(),
            revocation: RevocationMode::IfAvailable,
            maximum_age: self.policy.maximum_revocation_age_hours,
            time: clock::now(),
            past: None,
            memory: self.verify.memory(),
            work: &PathWork::default(),
        });
        match outcome {
            PathOutcome::Valid(_) => Ok(()),
            PathOutcome::Invalid { fault, .. } => Err(Verdict::Indeterminate(Cause::Path(fault)).code()),
        }
    }
}

/// Until a time-stamp just given proves something.
pub async fn settle() {
    sleep(NEXT_SECOND).await;
}
