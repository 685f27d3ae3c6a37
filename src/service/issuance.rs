//! The issuance log at work: promises, the sequencer, proofs.
//!
//! The registry decides the order (`registry/log.rs`): one node at a time gives the next positions, with the root of the tree over them, in one
//! commit. Every node publishes what is decided in its own folder, and signs it; since Ed25519 has one signature for a text, all sign the same.
//! A checkpoint is signed only over positions that cannot be lost any more, so that no size has two trees.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::clock;
use crate::core::log::note::NoteSignature;
use crate::core::log::{
    Checkpoint, Entry, Hash, LogFault, LogProof, Note, Opening, Promise, Salt, TileName, TileTree, VerifierKey, merkle,
};
use crate::issuance_log::{Folder, FolderError, NoteSigner, PublishError, Publisher, checked};
use crate::registry::{Append, DocumentId, IssuanceQueue, IssuedDocument, LogHead, Loggable, Registry, RegistryError};

/// The most that are given positions at one time, or read.
const MOST: usize = 1024;
/// How long a node that gives positions may be silent before another one does.
const LEASE: Duration = Duration::from_secs(4);
/// How soon the next round begins, if nobody asks for one.
const PAUSE: Duration = Duration::from_millis(250);
/// How soon it begins at the earliest, so that what comes meanwhile goes together.
const GATHERING: Duration = Duration::from_millis(100);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Documents that are looked at in each round, at most, for those that are not in the log.
const LOOKED_AT: usize = 8 * MOST;

/// Why the log does not go on, or gives no proof.
#[derive(Debug, thiserror::Error)]
pub enum IssuanceError {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error("the tiles of the issuance log cannot be read")]
    Folder(#[from] FolderError),
    #[error(
        "the registry gives {registered} positions in the issuance log and {published} are published: it is older than the log; restore \
         the newest backup, or begin a new log under another origin"
    )]
    Behind { registered: u64, published: u64 },
    #[error("positions from {from} on are missing in the registry's issuance log: the registry is damaged")]
    Gap { from: u64 },
    #[error(
        "the documents of the registry do not make the tree of {size} entries that was decided: the registry was changed"
    )]
    Changed { size: u64 },
    /// Not in the tree that is published: within a second, if it is known at all.
    #[error("the document is not in the published tree yet: ask again in a moment")]
    Pending,
    /// A size that the log does not have.
    #[error(transparent)]
    Size(LogFault),
    #[error("the work ended without a result; see the log")]
    Interrupted,
}

/// The checkpoint that is published.
pub struct Published {
    pub checkpoint: Checkpoint,
    /// As it is served.
    pub note: Note,
}

/// A proof about a document.
pub struct DocumentProof {
    pub opening: Opening,
    pub entry: Entry,
    pub proof: LogProof,
    pub size: u64,
}

/// The log of this service.
pub struct IssuanceLog {
    key: NoteSigner,
    registry: Arc<dyn Registry>,
    publisher: Mutex<Publisher>,
    folder: Folder,
    published: ArcSwap<Published>,
    wanted: Notify,
}

/// 256 bits that nobody can guess.
pub fn draw_salt() -> Result<Salt, openssl::error::ErrorStack> {
    let mut salt = [0; 32];
    openssl::rand::rand_bytes(&mut salt)?;
    Ok(salt)
}

impl IssuanceLog {
    pub fn new(publisher: Publisher, key: NoteSigner, registry: Arc<dyn Registry>) -> Arc<Self> {
        let folder = publisher.folder().clone();
        let published = Published { checkpoint: publisher.published().clone(), note: publisher.note().clone() };
        Arc::new(Self {
            key,
            registry,
            publisher: Mutex::new(publisher),
            folder,
            published: ArcSwap::from_pointee(published),
            wanted: Notify::new(),
        })
    }

    pub const fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    pub fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    pub const fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Something was issued.
    pub fn ordered(&self) {
        self.wanted.notify_one();
    }

    /// The word that a document will be in the log; the same each time. `None`: it was issued when there was none.
    ///
    /// # Errors
    /// [`LogFault::Key`].
    pub fn promise(&self, document: &IssuedDocument) -> Result<Option<(Opening, Promise)>, LogFault> {
        let (intent, issued) = (&document.intent, &document.issued);
        let Some(salt) = issued.log_salt else { return Ok(None) };
        let opening = Opening {
            document_id: *intent.document_id.as_bytes(),
            kind: intent.kind.clone(),
            document_digest: intent.document_digest,
            signer_certificate_sha256: issued.signer_certificate_sha256,
            signed_at: issued.signed_at,
            salt,
        };
        let promise = self.key.promise(opening.entry().leaf_hash(), issued.signed_at)?;
        Ok(Some((opening, promise)))
    }

    fn publisher(&self) -> MutexGuard<'_, Publisher> {
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> &dyn IssuanceQueue {
        self.registry.issuance_queue()
    }

    /// Gives positions if it is this node's turn, and publishes what is decided; for ever.
    pub async fn run(self: Arc<Self>) {
        let mut looking = Some(None);
        let mut is_failing = false;
        loop {
            let pause = match self.round(&mut looking).await {
                Ok(()) => {
                    is_failing = false;
                    PAUSE
                }
                Err(error) => {
                    metrics::counter!("antin_issuance_log_failures_total").increment(1);
                    if !is_failing {
                        tracing::error!(error = ?error, "the issuance log does not go on: {error}");
                    }
                    is_failing = true;
                    PAUSE_AFTER_FAILURE
                }
            };
            if is_failing {
                sleep(pause).await;
            } else {
                sleep(GATHERING).await;
                let _ = timeout(pause - GATHERING, self.wanted.notified()).await;
            }
        }
    }

    /// One round. `looking`: after which document those that are not in the log are looked for; `None`: all were.
    async fn round(self: &Arc<Self>, looking: &mut Option<Option<DocumentId>>) -> Result<(), IssuanceError> {
        let lead = self.queue().lead(LEASE).await?;
        let Some(lead) = lead else {
            let head = self.queue().log_head().await?;
            if head.size != self.published.load().checkpoint.size {
                let head = self.queue().confirmed_head().await?;
                self.catch_up(head).await?;
            }
            return Ok(());
        };
        let mut head = lead.head;
        if head.size != self.published.load().checkpoint.size {
            head = self.queue().confirmed_head().await?;
            self.catch_up(head).await?;
        }
        let waiting = self.queue().waiting(MOST).await?;
        if head == lead.head && (!waiting.is_empty() || head.root.is_none()) {
            let entries: Vec<Entry> = waiting.iter().map(|document| document.opening().entry()).collect();
            let root = self.publisher().root_with(&entries);
            let documents: Vec<DocumentId> = waiting.iter().map(|document| document.document_id).collect();
            let after = LogHead { size: head.size + documents.len() as u64, root: Some(root) };
            if self.queue().append(Append { lead, documents, root }).await? {
                if self.publisher().size() == head.size {
                    self.publishing(move |publisher, _| publisher.add(&entries)).await?;
                }
                self.catch_up(after).await?;
            }
        }
        metrics::gauge!("antin_issuance_log_waiting").set(waiting.len() as f64);
        if waiting.len() < MOST {
            self.look_for_others(looking).await?;
        }
        Ok(())
    }

    /// Publishes up to what is decided, if it makes the root that was decided.
    async fn catch_up(self: &Arc<Self>, head: LogHead) -> Result<(), IssuanceError> {
        let mut size = self.publisher().size();
        let published = self.published.load().checkpoint.size;
        if size > head.size || published > head.size {
            return Err(IssuanceError::Behind { registered: head.size, published: size.max(published) });
        }
        while size < head.size {
            let mut documents = self.queue().sequenced(size, MOST).await?;
            documents.truncate(usize::try_from(head.size - size).unwrap_or(MOST));
            let is_next = |(position, document): (u64, &Loggable)| document.position == Some(position);
            if documents.is_empty() || !(size..).zip(&documents).all(is_next) {
                return Err(IssuanceError::Gap { from: size });
            }
            let entries: Vec<Entry> = documents.iter().map(|document| document.opening().entry()).collect();
            self.publishing(move |publisher, _| publisher.add(&entries)).await?;
            size += documents.len() as u64;
        }
        if head.root.is_some_and(|root| root != self.publisher().root()) {
            return Err(IssuanceError::Changed { size });
        }
        self.publishing(Publisher::publish).await?;
        let publisher = self.publisher();
        let published = Published { checkpoint: publisher.published().clone(), note: publisher.note().clone() };
        metrics::gauge!("antin_issuance_log_size").set(published.checkpoint.size as f64);
        self.published.store(Arc::new(published));
        Ok(())
    }

    /// Writes, in a thread that may wait for the disk.
    async fn publishing(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Publisher, &NoteSigner) -> Result<(), PublishError> + Send + 'static,
    ) -> Result<(), IssuanceError> {
        let log = Arc::clone(self);
        let done = spawn_blocking(move || work(&mut log.publisher(), &log.key)).await;
        Ok(done.map_err(|_| IssuanceError::Interrupted)??)
    }

    /// Lets documents wait that were issued before there was a log, or imported: from the first id to the last, once after each start.
    async fn look_for_others(&self, looking: &mut Option<Option<DocumentId>>) -> Result<(), IssuanceError> {
        let mut looked_at = 0;
        while let Some(after) = looking
            && looked_at < LOOKED_AT
        {
            let unlogged = self.queue().unlogged(*after, MOST).await?;
            looked_at += MOST;
            if !unlogged.found.is_empty() {
                let salted = unlogged.found.into_iter().map(|id| Ok((id, draw_salt()?)));
                let salted = salted.collect::<Result<Vec<_>, openssl::error::ErrorStack>>();
                let salted = salted.map_err(|_| IssuanceError::Interrupted)?;
                // What is found is integrated before more is looked for.
                looked_at = LOOKED_AT;
                self.queue().enlist(salted, clock::now()).await?;
            }
            match unlogged.last {
                Some(last) => *after = Some(last),
                None => *looking = None,
            }
        }
        Ok(())
    }

    /// The proof that a document is in the published tree.
    ///
    /// # Errors
    /// [`IssuanceError::Pending`], or what keeps it from being read.
    pub async fn proof(&self, document_id: DocumentId) -> Result<DocumentProof, IssuanceError> {
        let document = self.queue().loggable(document_id).await?.ok_or(IssuanceError::Pending)?;
        let published = self.published.load_full();
        let size = published.checkpoint.size;
        let Some(index) = document.position.filter(|position| *position < size) else {
            return Err(IssuanceError::Pending);
        };
        let folder = self.folder.clone();
        let opening = document.opening();
        let entry = opening.entry();
        let root = published.checkpoint.root;
        let path = spawn_blocking(move || {
            let path = TileTree::new(folder, size).inclusion(index)?;
            merkle::verify_inclusion(&entry.leaf_hash(), index, size, &path, &root)?;
            Ok::<_, FolderError>(path)
        });
        let path = path.await.map_err(|_| IssuanceError::Interrupted)??;
        let extra = Some(opening.to_json().into_bytes());
        let proof = LogProof { extra, index, path, checkpoint: published.note.to_string() };
        Ok(DocumentProof { opening, entry, proof, size })
    }

    /// The proof that the tree of `from` entries is the beginning of that of `to`, with the roots of both.
    ///
    /// # Errors
    /// [`IssuanceError::Size`], or what keeps it from being read.
    pub async fn consistency(&self, from: u64, to: u64) -> Result<([Hash; 2], Vec<Hash>), IssuanceError> {
        let Checkpoint { size, root, .. } = self.published.load().checkpoint.clone();
        if from > to || to > size {
            return Err(IssuanceError::Size(LogFault::Range { index: from.max(to), size: size + 1 }));
        }
        let folder = self.folder.clone();
        let work = spawn_blocking(move || {
            let mut tree = TileTree::new(folder.clone(), to);
            let roots = [tree.root_of(from)?, tree.root()?];
            let path = tree.consistency(from)?;
            // Whoever changed tiles makes no other history of it.
            merkle::verify_consistency((from, &roots[0]), (to, &roots[1]), &path)?;
            let onwards = TileTree::new(folder, size).consistency(to)?;
            merkle::verify_consistency((to, &roots[1]), (size, &root), &onwards)?;
            Ok::<_, FolderError>((roots, path))
        });
        Ok(work.await.map_err(|_| IssuanceError::Interrupted)??)
    }

    /// The octets of a tile of the published tree, or of an earlier one, held to the root that is signed; `None`: there is none of this name.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn tile(&self, name: TileName) -> Result<Option<Vec<u8>>, IssuanceError> {
        let Checkpoint { size, root, .. } = self.published.load().checkpoint.clone();
        let in_tree = TileName::in_tree(name.kind, name.index, size);
        if in_tree.is_none_or(|own| own.width < name.width) {
            return Ok(None);
        }
        let folder = self.folder.clone();
        let read = spawn_blocking(move || checked::tile(&folder, &name, checked::Signed { size, root }));
        match read.await.map_err(|_| IssuanceError::Interrupted)? {
            Ok(octets) => Ok(Some(octets)),
            // A partial one that became full, or of a size that had no checkpoint.
            Err(FolderError::Missing { .. }) if name.is_partial() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds signatures of witnesses to the published checkpoint with this text; false: another one is published by now.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn add_cosignatures(
        self: &Arc<Self>,
        text: &str,
        cosignatures: Vec<NoteSignature>,
    ) -> Result<bool, IssuanceError> {
        let text = text.to_owned();
        let log = Arc::clone(self);
        let work = spawn_blocking(move || {
            let mut publisher = log.publisher();
            let mut note = publisher.note().clone();
            if note.text != text {
                return Ok(false);
            }
            for cosignature in cosignatures {
                // The newest word of a witness stands for the earlier ones.
                note.signatures.retain(|own| (&own.name, own.key_id) != (&cosignature.name, cosignature.key_id));
                note.signatures.push(cosignature);
            }
            publisher.put_note(note)?;
            let published = Published { checkpoint: publisher.published().clone(), note: publisher.note().clone() };
            log.published.store(Arc::new(published));
            Ok::<_, PublishError>(true)
        });
        Ok(work.await.map_err(|_| IssuanceError::Interrupted)??)
    }
}
