//! The key with which a log or a witness signs.
//!
//! A promise is signed for each document that is issued, on its way to the answer: by AWS-LC, which rustls brings along and which takes a third
//! of the time that OpenSSL takes for Ed25519. What is signed is verified by the core, with OpenSSL.

use std::fmt;

use aws_lc_rs::signature::Ed25519KeyPair;
use openssl::pkey::{Id, PKey};

use crate::core::{
    log::{
        Checkpoint, Hash, KeyKind, LogFault, Note, Promise, VerifierKey,
        note::{NoteSignature, cosigned},
        promise,
    },
    time::Time,
};

/// An Ed25519 key that signs notes and promises, or cosigns checkpoints.
pub struct NoteSigner {
    key: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl NoteSigner {
    /// From PKCS#8 in PEM.
    ///
    /// # Errors
    /// [`LogFault::Form`]: no Ed25519 key, or a name that no key may have.
    pub fn from_pem(name: &str, kind: KeyKind, pem: &[u8]) -> Result<Self, LogFault> {
        let wrong = || LogFault::Form { of: "log key", rule: "be an Ed25519 key, unencrypted PKCS#8 in PEM" };
        let key = PKey::private_key_from_pem(pem).map_err(|_| wrong())?;
        if key.id() != Id::ED25519 {
            return Err(wrong());
        }
        let (seed, public) = (key.raw_private_key(), key.raw_public_key());
        let (seed, public) = (seed.map_err(|_| wrong())?, public.map_err(|_| wrong())?);
        let key = Ed25519KeyPair::from_seed_and_public_key(&seed, &public).map_err(|_| wrong())?;
        let verifier = VerifierKey::new(name, kind, public.try_into().map_err(|_| wrong())?)?;
        Ok(Self { key, verifier })
    }

    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    fn sign_octets(&self, octets: &[u8]) -> Result<Vec<u8>, LogFault> {
        let signed = self.key.try_sign(octets).map_err(|_| LogFault::Key { name: self.verifier.name().to_owned() })?;
        Ok(signed.as_ref().to_vec())
    }

    fn signature(&self, value: Vec<u8>) -> NoteSignature {
        NoteSignature { name: self.verifier.name().to_owned(), key_id: self.verifier.id(), value }
    }

    /// A signature over the text, which ends with an end of line. The same text has the same signature.
    ///
    /// # Errors
    /// [`LogFault::Key`].
    pub fn sign(&self, text: &str) -> Result<NoteSignature, LogFault> {
        Ok(self.signature(self.sign_octets(text.as_bytes())?))
    }

    /// A checkpoint signed by its log. The same checkpoint has the same octets.
    ///
    /// # Errors
    /// [`LogFault::Key`].
    pub fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<Note, LogFault> {
        let text = checkpoint.to_string();
        let signatures = vec![self.sign(&text)?];
        Ok(Note { text, signatures })
    }

    /// The log's word that the entry with this leaf hash will be in its tree.
    ///
    /// # Errors
    /// [`LogFault::Key`].
    pub fn promise(&self, leaf_hash: Hash, time: Time) -> Result<Promise, LogFault> {
        let origin = self.verifier.name().to_owned();
        let signature = self.sign_octets(promise::text(&origin, &leaf_hash, time).as_bytes())?;
        Ok(Promise { origin, leaf_hash, time, signature })
    }

    /// A witness's word that it saw the checkpoint with this text, at this time in Unix seconds.
    ///
    /// # Errors
    /// [`LogFault::Key`].
    pub fn cosign(&self, text: &str, time: u64) -> Result<NoteSignature, LogFault> {
        let value = self.sign_octets(cosigned(time, text).as_bytes())?;
        Ok(self.signature([&time.to_be_bytes()[..], &value].concat()))
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "NoteSigner({})", self.verifier)
    }
}
