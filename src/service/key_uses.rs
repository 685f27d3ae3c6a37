//! What the keys of the settings sign. Whoever meets the certificate of a receipt, of a status list or of a digest that nobody saw knows what that
//! is worth, because its key signs nothing else. Names alone do not say so: one key may stand under two of them.

use std::{collections::HashSet, sync::Arc};

use super::{held::HeldError, sign::is_called};
use crate::{
    config::{Client, Config, Operation},
    core::x509::Certificate,
    signing::IssuingKey,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Documents,
    Receipts,
    StatusLists,
    Unseen,
}

impl Use {
    const fn words(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Receipts => "receipts",
            Self::StatusLists => "status lists",
            Self::Unseen => "digests of what nobody sees (sign-hash)",
        }
    }
}

/// Keys by which digests of what nobody here sees are, or were, signed: what a signature of theirs says is its client's word alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnseenKeys {
    /// `subjectPublicKey`, whichever certificate it is in.
    keys: HashSet<Vec<u8>>,
    /// SHA-256 of certificates.
    certificates: HashSet<[u8; 32]>,
}

impl UnseenKeys {
    /// The certificate is of one of these keys.
    pub fn hold(&self, certificate: &Certificate) -> bool {
        self.certificates.contains(certificate.fingerprint())
            || certificate.subject_public_key().is_some_and(|key| self.keys.contains(key))
    }

    /// These, and those of before: what they signed is about.
    #[must_use]
    pub fn and(mut self, earlier: &Self) -> Self {
        self.keys.extend(earlier.keys.iter().cloned());
        self.certificates.extend(&earlier.certificates);
        self
    }
}

/// Every key that signs one of these things signs nothing else, whatever it is called; the keys of what nobody sees, and the certificates of
/// those elsewhere and of before, which the settings name.
///
/// # Errors
/// [`HeldError::SharedKey`].
pub fn check(config: &Config, keys: &[Arc<dyn IssuingKey>]) -> Result<UnseenKeys, HeldError> {
    let used: Vec<(&dyn IssuingKey, Use)> =
        keys.iter().flat_map(|key| uses(config, &**key).into_iter().map(|of| (&**key, of))).collect();
    for (index, (one, first)) in used.iter().enumerate() {
        let is_same = |other: &dyn IssuingKey| {
            let (one, other) = (one.certificate(), other.certificate());
            one.subject_public_key().is_some_and(|key| other.subject_public_key() == Some(key))
        };
        let shared = used[index + 1..].iter().find(|(other, second)| first != second && is_same(*other));
        if let Some((other, second)) = shared {
            let of = |key: &dyn IssuingKey, of: Use| (key.name().to_owned(), of.words());
            return Err(HeldError::SharedKey { one: of(*one, *first), other: of(*other, *second) });
        }
    }
    let unseen = used.iter().filter(|(_, of)| *of == Use::Unseen);
    let unseen = unseen.filter_map(|(key, _)| key.certificate().subject_public_key());
    let named = config.verify.unseen_signers.iter().filter_map(|text| hex::decode(text).ok()?.try_into().ok());
    Ok(UnseenKeys { keys: unseen.map(<[u8]>::to_vec).collect(), certificates: named.collect() })
}

/// None: nobody can use it.
fn uses(config: &Config, key: &dyn IssuingKey) -> Vec<Use> {
    let named = |names: &[String]| names.iter().any(|name| is_called(key, name));
    let is_only = |name: &Option<String>| name.as_ref().is_some_and(|name| is_called(key, name));
    let permitted = |operation: Operation| {
        let mut permissions = config.clients.iter().flat_map(Client::permissions);
        permissions.any(|permission| permission.operations.contains(&operation) && named(&permission.keys))
    };
    let all = [
        (Use::Documents, config.kinds.iter().any(|kind| named(&kind.keys)) || permitted(Operation::Sign)),
        (Use::Receipts, is_only(&config.receipt.key)),
        (Use::StatusLists, is_only(&config.status_lists.key)),
        (Use::Unseen, permitted(Operation::SignHash)),
    ];
    all.into_iter().filter_map(|(of, is_so)| is_so.then_some(of)).collect()
}
