//! Who calls, by TLS client certificate and nothing else, and what they may do.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::Semaphore;

use crate::{
    config::{self, Operation},
    core::x509::Certificate,
};

/// An identified client.
pub struct Client {
    pub name: String,
    operations: Vec<Operation>,
    kinds: Vec<String>,
    keys: Vec<String>,
    /// Its requests in work.
    pub concurrency: Arc<Semaphore>,
}

impl Client {
    pub fn may(&self, operation: Operation) -> bool {
        self.operations.contains(&operation)
    }

    pub fn may_sign_kind(&self, kind: &str) -> bool {
        self.may(Operation::Sign) && self.kinds.iter().any(|allowed| allowed == kind)
    }

    pub fn may_use_key(&self, key: &str) -> bool {
        self.keys.iter().any(|allowed| allowed == key)
    }
}

/// Every client of the settings.
#[derive(Default)]
pub struct Clients {
    by_fingerprint: HashMap<[u8; 32], Arc<Client>>,
    /// By subject and issuer, as names are printed.
    by_names: HashMap<(String, String), Arc<Client>>,
}

impl Clients {
    /// The settings were checked when they were read; a client without a usable identity is never found.
    pub fn new(clients: &[config::Client]) -> Self {
        let mut held = Self::default();
        for entry in clients {
            let client = Arc::new(Client {
                name: entry.name.clone(),
                operations: entry.operations.clone(),
                kinds: entry.kinds.clone(),
                keys: entry.keys.clone(),
                concurrency: Arc::new(Semaphore::new(entry.concurrency)),
            });
            let mut fingerprint = [0; 32];
            match (&entry.sha256, &entry.subject, &entry.issuer) {
                (Some(sha256), ..) if hex::decode_to_slice(sha256, &mut fingerprint).is_ok() => {
                    held.by_fingerprint.insert(fingerprint, client);
                }
                (None, Some(subject), Some(issuer)) => {
                    held.by_names.insert((subject.clone(), issuer.clone()), client);
                }
                _ => {}
            }
        }
        held
    }

    /// The client with this certificate, which the TLS handshake has verified.
    pub fn of_certificate(&self, certificate: &Certificate) -> Option<Arc<Client>> {
        let by_names = || {
            if self.by_names.is_empty() {
                return None;
            }
            self.by_names.get(&(certificate.subject.to_string(), certificate.issuer.to_string()))
        };
        self.by_fingerprint.get(certificate.fingerprint()).or_else(by_names).cloned()
    }
}
