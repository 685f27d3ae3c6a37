//! Signing digests of what nobody here sees. Each is recorded before its signature is released, as what it is: blind. It has no kind, so that no
//! rule of a kind and no standing can be expected of it.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::permission::Client;
use super::sign::{SignError, SignService, draw_document_id, key_was_not_asked};
use crate::clock;
use crate::config::Operation;
use crate::core::algorithm::DigestAlgorithm;
use crate::core::cms::document_reference::BLIND_KIND;
use crate::core::crypto;
use crate::registry::{Begun, DocumentId, Format, Intent, Issued, Level, Packaging};
use crate::signing::IssuingKey;

/// Digests of one order.
pub const MOST_HASHES: usize = 16;

/// One order.
pub struct HashOrder {
    pub client: Arc<Client>,
    pub key: Arc<dyn IssuingKey>,
    pub digest: DigestAlgorithm,
    /// Each as long as a digest of this algorithm.
    pub hashes: Vec<Vec<u8>>,
}

/// A signature that is on record.
pub struct BlindSignature {
    pub document_id: DocumentId,
    pub value: Vec<u8>,
}

impl SignService {
    /// Signs each digest in turn. What was signed before one that failed stays on record, and is not told.
    ///
    /// # Errors
    /// [`SignError`]: the first that failed.
    pub async fn sign_hashes(self: &Arc<Self>, order: HashOrder) -> Result<Vec<BlindSignature>, SignError> {
        let service = Arc::clone(self);
        // Signing goes on when its client hangs up.
        let work = tokio::spawn(async move {
            let mut signed = Vec::with_capacity(order.hashes.len());
            for hash in &order.hashes {
                signed.push(service.sign_hash(&order, hash).await?);
            }
            Ok(signed)
        });
        work.await.map_err(|_| SignError::Interrupted)?
    }

    async fn sign_hash(&self, order: &HashOrder, hash: &[u8]) -> Result<BlindSignature, SignError> {
        let HashOrder { client, key, digest, .. } = order;
        let now = clock::now();
        check_permit(client, &**key)?;
        if !key.may_sign_at(now) {
            return Err(SignError::OutsideWindow(key.name().to_owned()));
        }
        self.check_signer(&**key, None, now)?;
        let document_id = draw_document_id()?;
        let log_salt = self.draw_salt()?;
        // Who shows the content later shows its digest; of a longer one the record has a digest in turn.
        let document_digest = <[u8; 32]>::try_from(hash).unwrap_or_else(|_| crypto::sha256(hash));
        let intent = Intent {
            document_id,
            client: client.name.clone(),
            // The specification knows no repeated requests: each is an order of its own.
            idempotency_key: format!("blind-{document_id}"),
            request_digest: crypto::sha256(hash),
            kind: BLIND_KIND.to_owned(),
            document_digest,
            signer: key.name().to_owned(),
            level_requested: Level::Basic,
            format: Format::Raw,
            packaging: Packaging::Detached,
            media_type: "application/octet-stream".to_owned(),
            begun_at: now,
            status_place: None,
        };
        match self.registry.begin(intent).await? {
            Begun::Fresh => {}
            // Nobody else has this key: it has the id in it.
            _ => return Err(SignError::Interrupted),
        }
        let (signer, digest, octets) = (Arc::clone(key), *digest, hash.to_vec());
        let holder = Arc::clone(client);
        let signed = spawn_blocking(move || {
            // Asked again where the key is about to be used.
            check_permit(&holder, &*signer)?;
            signer.sign_hash(digest, &octets, now).map_err(SignError::from)
        });
        let signed = signed.await.unwrap_or(Err(SignError::Interrupted));
        let value = match signed {
            Ok(value) => value,
            Err(error) => {
                if key_was_not_asked(&error) {
                    self.registry.abandon(document_id).await?;
                } else {
                    self.registry.mark_unknown(document_id).await?;
                }
                return Err(error);
            }
        };
        let issued = Issued {
            signature: value,
            level_reached: Level::Basic,
            signed_at: now,
            signer_certificate_sha256: *key.certificate().fingerprint(),
            log_salt,
            lookup: Vec::new(),
        };
        self.complete(document_id, &issued).await?;
        Ok(BlindSignature { document_id, value: issued.signature })
    }
}

/// The client may have digests signed with this key, by its name or that of its authority.
pub fn may_sign_hash(client: &Client, key: &dyn IssuingKey) -> bool {
    let may = |name: &str| client.may_with_key(Operation::SignHash, name);
    may(key.name()) || key.authority().is_some_and(may)
}

fn check_permit(client: &Client, key: &dyn IssuingKey) -> Result<(), SignError> {
    if may_sign_hash(client, key) { Ok(()) } else { Err(SignError::SignerNotPermitted(key.name().to_owned())) }
}
