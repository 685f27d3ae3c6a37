//! What can be found wrong before a key is used: its certificate, its office, the document, the signatures that stand there.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::existing::{Existing, Stated};
use super::permission::Client;
use super::sign::{SignContent, SignError, SignRequest, SignService, UNTOLD, is_called};
use crate::config::Kind;
use crate::core::cms::document_reference::{DocumentReference, RECEIPT_KIND};
use crate::core::document_kind::DocumentKinds;
use crate::core::path::{InitialPolicies, PathOutcome, PathRequest, ValidatedPath, Work, find_path};
use crate::core::policy::{Purpose, RevocationMode};
use crate::core::time::Time;
use crate::core::verdict::{Cause, Verdict};
use crate::registry::{LookupEntry, Sha256};
use crate::signing::IssuingKey;

/// Documents up to this size are held against their kind on the worker that serves the request.
const CHECKED_INLINE: usize = 4 * 1024;

impl SignService {
    /// The key that signs: the first that may at this time and whose certificate can be relied on. Without one, that whose fault is to be
    /// told: the first that may sign at this time, else the first of all. An earlier answer is given whichever it is.
    pub(super) fn choose(&self, permitted: Vec<Arc<dyn IssuingKey>>, kind: &str, now: Time) -> Arc<dyn IssuingKey> {
        let [only] = permitted.as_slice() else {
            let usable = permitted.iter().find(|key| self.check_issuer(&***key, kind, now).is_ok());
            let in_window = || permitted.iter().find(|key| key.may_sign_at(now));
            let chosen = usable.or_else(in_window).unwrap_or(&permitted[0]);
            return Arc::clone(chosen);
        };
        Arc::clone(only)
    }

    /// The settings let the key sign at this time, and its certificate can be relied on.
    pub(super) fn check_issuer(&self, key: &dyn IssuingKey, kind: &str, now: Time) -> Result<(), SignError> {
        if !key.may_sign_at(now) {
            return Err(SignError::OutsideWindow(key.name().to_owned()));
        }
        self.check_signer(key, Some(kind), now)
    }

    /// All that can be found wrong before the key is used; the document that existing signatures name, and by what its holder asks for it.
    /// Of a document that stays with the client nothing is known.
    pub(super) async fn check_order(
        &self,
        request: &SignRequest,
        existing: Option<&Existing>,
        document_digest: &Sha256,
        key: &dyn IssuingKey,
        now: Time,
    ) -> Result<(Option<DocumentReference>, Vec<LookupEntry>), SignError> {
        self.check_issuer(key, &request.kind, now)?;
        let stated = self.check_existing(existing, request, document_digest).await?;
        let document = match &request.content {
            SignContent::Document(document) => Some(document.clone()),
            SignContent::Digest(_) | SignContent::Existing => None,
        };
        if let Some(document) = &document {
            self.check_document(request, document.clone()).await?;
        }
        let lookup = self.lookup_entries(request, document, stated.as_ref()).await?;
        Ok((stated.map(|Stated { reference, .. }| reference), lookup))
    }

    /// The document is one of the kind that is asked for.
    pub(super) async fn check_document(&self, request: &SignRequest, document: Bytes) -> Result<(), SignError> {
        let (kinds, name, media_type) = (Arc::clone(&self.described), request.kind.clone(), request.media_type.clone());
        let small = document.len() <= CHECKED_INLINE;
        let check = move || {
            let kind = kinds.get(&name).ok_or(SignError::KindNotPermitted(name))?;
            // Of content that came in an existing signature nobody need have told the type.
            let untold = media_type == UNTOLD;
            let checked = if untold { kind.check_untold(&document) } else { kind.check(&media_type, &document) };
            checked.map_err(SignError::from)
        };
        if small {
            return check();
        }
        // Read, a document takes many times its size: as many at one time as there are processors.
        let turn = Arc::clone(&self.checking).acquire_owned().await.map_err(|_| SignError::Interrupted)?;
        let checked = move || {
            let _turn = turn;
            check()
        };
        spawn_blocking(checked).await.map_err(|_| SignError::Interrupted)?
    }

    /// The key can be used for every kind that the settings give it.
    pub(super) fn check_key(&self, key: &dyn IssuingKey, now: Time) -> Result<(), SignError> {
        let signs = |kind: &&Kind| kind.keys.iter().any(|name| is_called(key, name));
        let mut kinds = self.kinds.values().filter(signs).map(|kind| kind.name.as_str()).peekable();
        if kinds.peek().is_none() {
            // It signs receipts, or nothing: for which kind an anchor is to be good cannot be told.
            let checked = self.check_signer(key, None, now);
            return checked.or_else(|_| self.check_signer(key, Some(RECEIPT_KIND), now));
        }
        kinds.try_for_each(|kind| self.check_signer(key, Some(kind), now))
    }

    /// The key could sign now, as far as its certificate goes.
    pub fn is_usable(&self, key: &dyn IssuingKey, now: Time) -> bool {
        self.check_key(key, now).is_ok()
    }

    /// `valid`, `expired` or `revoked`; `None`: that cannot be told now.
    pub fn certificate_status(&self, key: &dyn IssuingKey, now: Time) -> Option<&'static str> {
        if now > key.certificate().not_after {
            return Some("expired");
        }
        match self.check_key(key, now) {
            Ok(()) | Err(SignError::IssuerNotAuthorised { .. }) => Some("valid"),
            Err(SignError::SignerNotUsable { code }) if code.contains("revoked") => Some("revoked"),
            Err(_) => None,
        }
    }

    /// The key's certificate leads to a held anchor that is for this kind, with fresh revocation data all the way.
    pub(super) fn check_signer(&self, key: &dyn IssuingKey, kind: Option<&str>, now: Time) -> Result<(), SignError> {
        let (trust, evidence) = (self.verify.trust().load(), self.verify.evidence().load());
        let policy = self.verify.policy(None).ok();
        let usages = policy.map(|policy| policy.document_signing_usages.as_slice());
        let outcome = find_path(&PathRequest {
            target: key.certificate(),
            certificates: &[],
            crls: &evidence.crls,
            ocsp_responses: &evidence.ocsp_responses,
            trust: &trust,
            purpose: Purpose::DocumentSigning,
            kind,
            document_signing_usages: usages.unwrap_or_default(),
            policies: InitialPolicies::default(),
            revocation: RevocationMode::Required,
            maximum_age: policy.map(|policy| policy.maximum_revocation_age_hours).unwrap_or_default(),
            time: now,
            past: None,
            memory: self.verify.memory(),
            work: &Work::default(),
        });
        match outcome {
            PathOutcome::Valid(path) => match (kind, policy) {
                (Some(kind), Some(policy)) if !may_issue(&policy.document_kinds, kind, &path, now) => {
                    Err(SignError::IssuerNotAuthorised { key: key.name().to_owned(), kind: kind.to_owned() })
                }
                _ => Ok(()),
            },
            PathOutcome::Invalid { fault, .. } => {
                Err(SignError::SignerNotUsable { code: Verdict::Indeterminate(Cause::Path(fault)).code() })
            }
        }
    }
}

/// The client may have documents of this kind signed with this key, by its name or that of its authority.
pub(super) fn may_use(client: &Client, kind: &str, key: &dyn IssuingKey) -> bool {
    client.may_sign(kind, key.name()) || key.authority().is_some_and(|authority| client.may_sign(kind, authority))
}

/// Asked again where the key is about to be used, of the very reference that will be signed: whatever happened before, no key signs what its
/// client may not have signed.
pub(super) fn check_permit(
    client: &Client,
    reference: &DocumentReference,
    key: &dyn IssuingKey,
) -> Result<(), SignError> {
    if may_use(client, reference.kind(), key) {
        return Ok(());
    }
    tracing::error!(client = client.name, key = key.name(), "a key was about to sign for a client without permission");
    Err(SignError::SignerNotPermitted(key.name().to_owned()))
}

/// The signature of this key at this time is, or may be, one of those that documents of the kind need; where nothing is laid down, every
/// key's.
fn may_issue(rules: &DocumentKinds, kind: &str, path: &ValidatedPath, now: Time) -> bool {
    let period = rules.periods(kind).and_then(|periods| periods.iter().find(|period| period.contains(now)));
    let Some(period) = period else { return true };
    period.signers.iter().flatten().any(|role| !rules.can_prove(role) || rules.proves(role, path))
}
