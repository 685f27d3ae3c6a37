//! A signature that is there already, to which another is to be added: read, and judged before anything is signed.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use tokio::time::Instant;

use super::verify::{VerifyError, VerifyRequest, VerifyService};
use crate::{
    clock,
    core::{
        algorithm::DigestAlgorithm,
        cms::{CmsError, SignedData, add_signer, document_reference::DocumentReference, signed_data::SIGNER_LIMIT},
        der::ber,
        oid,
        validation::Content,
        verdict::Indication,
    },
    revocation::collect::Collected,
};

/// A detached CMS of somebody, in DER, or a PDF with signatures.
#[derive(Clone, Debug)]
pub struct Existing {
    detached: Bytes,
}

/// Why nothing is added to it.
#[derive(Debug, thiserror::Error)]
pub enum ExistingError {
    #[error("the existing signature cannot be read: {0}")]
    Unreadable(CmsError),
    #[error("the existing message has no signature")]
    NoSignature,
    #[error("one more signature would make the message larger than is recorded")]
    TooLarge,
    #[error(
        "an archive time-stamp of the second version covers the certificates as they stand: adding a signature would break it"
    )]
    Archived,
    #[error("the existing signature is broken, or is not about this document ({code}): nothing is added to it")]
    Broken { code: &'static str },
    #[error("the existing signature cannot be relied on now ({code}): nothing is added to it")]
    Undetermined { code: &'static str },
    #[error("the existing signatures name other documents, or another kind than is asked for")]
    Conflict,
    #[error(
        "the existing signature names a document that was not issued here, which the settings do not allow for this kind"
    )]
    Foreign,
    #[error("the existing signature names a document that is not in force")]
    NotInForce,
}

/// The document that the existing signatures state.
#[derive(Clone, Debug)]
pub struct Stated {
    pub reference: DocumentReference,
    /// It was first signed here.
    pub is_here: bool,
}

/// What the existing signatures are to be about.
#[derive(Clone, Debug)]
pub enum JudgedContent {
    /// What the message itself carries.
    Carried,
    Bytes(Bytes),
    /// In place of content that stays with the client.
    Digests(Vec<(DigestAlgorithm, Vec<u8>)>),
}

impl JudgedContent {
    pub(super) fn as_content(&self) -> Content<'_> {
        match self {
            Self::Carried => Content::None,
            Self::Bytes(bytes) => Content::Bytes(bytes),
            Self::Digests(digests) => Content::Digests(digests),
        }
    }
}

/// Rounds of asking for evidence that is missing.
const ROUNDS: usize = 3;

impl Existing {
    /// Reads a CMS in DER or BER; gives the content that it carries. A BER envelope is rewritten, what was signed stays.
    pub fn read(bytes: &[u8]) -> Result<(Self, Option<Vec<u8>>), ExistingError> {
        let der = match SignedData::decode(bytes) {
            Ok(_) => Cow::Borrowed(bytes),
            Err(fault) => match ber::normalise_content_info(bytes) {
                Ok(der) => Cow::Owned(der),
                Err(_) => return Err(ExistingError::Unreadable(fault)),
            },
        };
        let message = SignedData::decode(&der).map_err(ExistingError::Unreadable)?;
        if message.content_type != oid::DATA {
            return Err(ExistingError::Unreadable(CmsError::OtherContent(oid::dotted(message.content_type))));
        }
        match message.signer_infos.len() {
            0 => return Err(ExistingError::NoSignature),
            SIGNER_LIMIT.. => return Err(ExistingError::TooLarge),
            _ => {}
        }
        // One of the third version lists what it covers.
        if message.signer_infos.iter().any(|signer| !signer.unsigned_values(oid::ARCHIVE_TIME_STAMP_V2).is_empty()) {
            return Err(ExistingError::Archived);
        }
        let (detached, content) = add_signer::detach(&der).map_err(ExistingError::Unreadable)?;
        Ok((Self { detached: detached.to_vec().into() }, content.map(<[u8]>::to_vec)))
    }

    /// A PDF, whose signatures are judged with it.
    pub const fn of_pdf(document: Bytes) -> Self {
        Self { detached: document }
    }

    /// With a signature more (DER, without content).
    ///
    /// # Errors
    /// [`ExistingError::Unreadable`] if it is too much for one message.
    pub fn with(&self, signature: &[u8]) -> Result<Self, ExistingError> {
        let detached = add_signer::add_signers(&self.detached, signature).map_err(ExistingError::Unreadable)?;
        Ok(Self { detached: detached.into() })
    }

    /// The CMS without its content.
    pub fn detached(&self) -> &[u8] {
        &self.detached
    }

    /// Judges every signature: each is whole and about this content, and those whose signers name the document pass, name the same one, and are of this kind.
    /// Gives the document that they name; none where no signer does.
    pub async fn judge(
        &self,
        verify: &Arc<VerifyService>,
        content: &JudgedContent,
        kind: &str,
    ) -> Result<Option<DocumentReference>, ExistingError> {
        let mut collected = Collected::default();
        let deadline = Instant::now() + verify.patience();
        let mut judged = self.judge_once(verify, content, &mut collected).await?;
        for _ in 0..ROUNDS {
            if !verify.collect(&judged.wanted, &mut collected, None, deadline).await {
                break;
            }
            judged = self.judge_once(verify, content, &mut collected).await?;
        }
        if let Some(broken) = judged.signatures.iter().find(|judged| judged.indication == Indication::TotalFailed) {
            return Err(ExistingError::Broken { code: broken.code });
        }
        if let Some(doubtful) = judged.signatures.iter().find(|judged| !judged.is_intact) {
            return Err(ExistingError::Undetermined { code: doubtful.code });
        }
        let naming = judged.signatures.iter().filter_map(|judged| Some((judged, judged.reference.as_ref()?)));
        let naming: Vec<_> = naming.collect();
        let Some((_, reference)) = naming.first() else { return Ok(None) };
        if reference.kind() != kind || naming.iter().any(|(_, other)| other != reference) {
            return Err(ExistingError::Conflict);
        }
        match naming.iter().find(|(judged, _)| judged.indication != Indication::TotalPassed) {
            Some((doubtful, _)) => Err(ExistingError::Undetermined { code: doubtful.code }),
            None => Ok(Some((*reference).clone())),
        }
    }

    async fn judge_once(
        &self,
        verify: &Arc<VerifyService>,
        content: &JudgedContent,
        collected: &mut Collected,
    ) -> Result<super::verify::Verified, ExistingError> {
        let (verify, content, detached) = (Arc::clone(verify), content.clone(), self.detached.clone());
        let own = std::mem::take(collected);
        let judged = tokio::task::spawn_blocking(move || {
            let judged = verify.verify(&VerifyRequest {
                document: &detached,
                content: content.as_content(),
                policy: None,
                purpose: None,
                collected: &own,
                time: clock::now(),
            });
            (judged, own)
        });
        let interrupted = ExistingError::Undetermined { code: "interrupted" };
        let (judged, own) = judged.await.map_err(|_| interrupted)?;
        *collected = own;
        judged.map_err(|error| match error {
            VerifyError::Unreadable(fault) => ExistingError::Unreadable(fault.0),
            VerifyError::UnknownPolicy { .. } | VerifyError::Purpose => {
                ExistingError::Undetermined { code: "policy-unknown" }
            }
        })
    }
}
