//! Who calls, by TLS client certificate and nothing else, and what they may do.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::Semaphore;

use crate::{
    config::{self, Operation, Permission},
    core::x509::Certificate,
};

/// An identified client.
pub struct Client {
    pub name: String,
    settings: config::Client,
    permissions: Vec<Permission>,
    /// Its requests in work.
    pub concurrency: Arc<Semaphore>,
}

impl Client {
    /// Something of this operation, whatever else it takes.
    pub fn may(&self, operation: Operation) -> bool {
        self.permissions.iter().any(|permission| permission.operations.contains(&operation))
    }

    /// Documents of this kind, with some key.
    pub fn may_sign_kind(&self, kind: &str) -> bool {
        self.signing(kind).next().is_some()
    }

    /// Documents of this kind with this key.
    pub fn may_sign(&self, kind: &str, key: &str) -> bool {
        self.signing(kind).any(|permission| permission.keys.iter().any(|allowed| allowed == key))
    }

    /// Documents of some kind with this key.
    pub fn may_sign_with(&self, key: &str) -> bool {
        self.may_with_key(Operation::Sign, key)
    }

    /// This operation with this key.
    pub fn may_with_key(&self, operation: Operation, key: &str) -> bool {
        let may = |permission: &Permission| {
            permission.operations.contains(&operation) && permission.keys.iter().any(|allowed| allowed == key)
        };
        self.permissions.iter().any(may)
    }

    /// Documents of this kind that are presented to it, whoever issued them.
    pub fn may_use_up(&self, kind: &str) -> bool {
        let uses = |permission: &Permission| {
            permission.operations.contains(&Operation::Use) && permission.kinds.iter().any(|allowed| allowed == kind)
        };
        self.permissions.iter().any(uses)
    }

    fn signing(&self, kind: &str) -> impl Iterator<Item = &Permission> {
        let signs = move |permission: &&Permission| {
            permission.operations.contains(&Operation::Sign) && permission.kinds.iter().any(|allowed| allowed == kind)
        };
        self.permissions.iter().filter(signs)
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
        Self::default().renewed(clients)
    }

    /// Those of new settings. One of whom they say the same is the same, and so are its requests in work.
    pub fn renewed(&self, clients: &[config::Client]) -> Self {
        let mut held = Self::default();
        for entry in clients {
            let mut known = self.by_fingerprint.values().chain(self.by_names.values());
            let client = match known.find(|client| client.settings == *entry) {
                Some(client) => Arc::clone(client),
                None => Arc::new(Client {
                    name: entry.name.clone(),
                    settings: entry.clone(),
                    permissions: entry.permissions().collect(),
                    concurrency: Arc::new(Semaphore::new(entry.concurrency)),
                }),
            };
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
