//! Publishing the standing of the documents issued here as signed status lists (`core/status_list`).
//!
//! The bits of all documents are in memory, two each. They are loaded from the registry at the start, and kept up to date by asking it for
//! the changes of all nodes: by their time, with an overlap that clocks may differ by and a slow commit may take, and now and then for
//! all. A list is signed anew a second after it changed, and before its time to live has passed.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

use super::sign::{SignError, SignService};
use crate::{
    clock,
    config::StatusLists as Settings,
    core::{
        crypto,
        status_list::{
            StatusList,
            token::{Claims, SignedForm},
            {cwt, jwt},
        },
        time::Time,
    },
    registry::{BLOCK, LIST_ENTRIES, Listed, Registry, RegistryError, StatusPlace},
    signing::{IssuingKey, SigningError},
};

/// Changes are asked for from this many seconds before the last time they were asked for.
const OVERLAP: i64 = 600;
/// How often all is loaded again.
const RELOADED_EVERY: Duration = Duration::from_secs(3600);
/// Statuses read of the registry at one time.
const PAGE: usize = 8192;
/// The least time between two tokens of one list: more changes wait for the next.
const DEBOUNCE: Duration = Duration::from_secs(1);

/// Where lists are told of, below the base URL.
pub const PATH: &str = "/status-lists";

/// Publishes the lists.
pub struct StatusListPublisher {
    settings: Settings,
    /// `<base URL>/status-lists`
    uri: String,
    key: String,
    sign: Arc<SignService>,
    registry: Arc<dyn Registry>,
    published: RwLock<Vec<Option<Arc<Published>>>>,
    /// Something changed here.
    changed: Arc<Notify>,
}

/// The tokens of one list.
#[derive(Debug)]
pub struct Published {
    pub issued_at: Time,
    pub expires_at: Time,
    cwt: Token,
    jwt: Token,
}

/// One of them, and the entity tag of its octets.
#[derive(Debug)]
pub struct Token {
    pub octets: Bytes,
    pub entity_tag: String,
}

impl Token {
    fn new(octets: Vec<u8>) -> Self {
        let entity_tag = format!("\"{}\"", hex::encode(&crypto::sha256(&octets)[..16]));
        Self { octets: octets.into(), entity_tag }
    }
}

impl Published {
    pub const fn token(&self, form: SignedForm) -> &Token {
        match form {
            SignedForm::Cwt => &self.cwt,
            SignedForm::Jwt => &self.jwt,
        }
    }
}

/// A list that was asked for.
pub enum Found {
    /// There is no list of this number.
    None,
    /// It cannot be signed now.
    NotSigned,
    Some(Arc<Published>),
}

/// Why lists are not brought up to date.
#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("the key {0:?} of [status-lists] is not held")]
    NoKey(String),
    #[error(transparent)]
    Key(SignError),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error("the work ended without a result")]
    Interrupted,
}

/// A list in memory.
struct List {
    bits: StatusList,
    /// As it is compressed, until it is changed.
    compressed: Option<Arc<[u8]>>,
    signed_at: Option<Instant>,
    changed: bool,
}

impl List {
    fn new() -> Self {
        Self { bits: StatusList::new(LIST_ENTRIES as usize), compressed: None, signed_at: None, changed: true }
    }

    fn set(&mut self, listed: &Listed) {
        if self.bits.set(listed.place.index as usize, listed.state.status()) {
            self.compressed = None;
            self.changed = true;
        }
    }

    /// When it is to be signed again.
    fn due(&self, time_to_live: Duration, now: Instant) -> Instant {
        match self.signed_at {
            None => now,
            Some(at) if self.changed => at + DEBOUNCE,
            Some(at) => at + time_to_live,
        }
    }
}

/// What the publishing task alone knows.
#[derive(Default)]
struct Lists {
    lists: Vec<List>,
    /// When all was loaded, and up to which time, by the clock, changes are known.
    loaded: Option<(Instant, Time)>,
}

impl StatusListPublisher {
    /// `None`: the settings name no key. `changed`: told where something changes here.
    pub fn new(
        settings: &Settings,
        base_url: &str,
        sign: Arc<SignService>,
        registry: Arc<dyn Registry>,
        changed: Arc<Notify>,
    ) -> Option<Arc<Self>> {
        let key = settings.key.clone()?;
        let uri = format!("{base_url}{PATH}");
        let (settings, published) = (settings.clone(), RwLock::default());
        Some(Arc::new(Self { settings, uri, key, sign, registry, published, changed }))
    }

    /// The URIs of all lists.
    pub fn uris(&self) -> Vec<String> {
        let count = self.published.read().unwrap_or_else(PoisonError::into_inner).len();
        (0..count).map(|number| self.uri_of(number)).collect()
    }

    pub const fn time_to_live(&self) -> u64 {
        self.settings.ttl_seconds
    }

    /// The list with this number, if its token counts now.
    pub fn find(&self, number: u32, now: Time) -> Found {
        let published = self.published.read().unwrap_or_else(PoisonError::into_inner);
        match published.get(number as usize) {
            None => Found::None,
            Some(Some(one)) if now < one.expires_at => Found::Some(Arc::clone(one)),
            Some(_) => Found::NotSigned,
        }
    }

    fn uri_of(&self, number: usize) -> String {
        format!("{}/{number}", self.uri)
    }

    /// Works until it is dropped. `signed` is told of each new token: the list's URI, the token as CWT, and when it ends.
    pub async fn run(self: Arc<Self>, signed: impl Fn(&str, &Bytes, Time) + Send) {
        let mut lists = Lists::default();
        let mut failing = false;
        loop {
            let begun = Instant::now();
            let outcome = self.round(&mut lists, &signed).await;
            match outcome {
                Ok(()) => failing = false,
                Err(error) => {
                    ::metrics::counter!("antin_status_lists_failures_total").increment(1);
                    if !failing {
                        tracing::error!(error = ?error, "status lists are not brought up to date; those published count until they expire");
                    }
                    failing = true;
                }
            }
            let now = Instant::now();
            let time_to_live = Duration::from_secs(self.settings.ttl_seconds);
            let due = lists.lists.iter().map(|list| list.due(time_to_live, now)).min();
            let poll = now + Duration::from_secs(self.settings.poll_seconds);
            let next = due.filter(|_| !failing).map_or(poll, |due| due.max(now + DEBOUNCE / 4).min(poll));
            tokio::select! {
                () = sleep_until(next) => {}
                // Many changes together cost one question.
                () = self.changed.notified(), if !failing => sleep_until(begun + DEBOUNCE / 4).await,
            }
        }
    }

    /// Asks for changes, and signs what is due.
    async fn round(
        &self,
        state: &mut Lists,
        signed: &(impl Fn(&str, &Bytes, Time) + Send),
    ) -> Result<(), PublishError> {
        self.follow(state).await?;
        let key = self.sign.keys().iter().find(|key| key.name() == self.key).cloned();
        let key = key.ok_or_else(|| PublishError::NoKey(self.key.clone()))?;
        let now = Instant::now();
        let time_to_live = Duration::from_secs(self.settings.ttl_seconds);
        let mut checked = false;
        for number in 0..state.lists.len() {
            if state.lists[number].due(time_to_live, now) > now {
                continue;
            }
            if !checked {
                // Decree 23/2025 art. 15: the signer checks its own and its CA's certificate before it signs.
                self.sign.check_key(&*key, clock::now()).map_err(PublishError::Key)?;
                checked = true;
            }
            let list = &mut state.lists[number];
            let compressed = match &list.compressed {
                Some(compressed) => Arc::clone(compressed),
                None => {
                    let bits = list.bits.clone();
                    let compressed = spawn_blocking(move || bits.compress()).await;
                    Arc::from(compressed.map_err(|_| PublishError::Interrupted)?)
                }
            };
            list.compressed = Some(Arc::clone(&compressed));
            let published = self.signed(&key, number, compressed).await?;
            list.signed_at = Some(Instant::now());
            list.changed = false;
            signed(&self.uri_of(number), &published.cwt.octets, published.expires_at);
            ::metrics::counter!("antin_status_lists_signed_total").increment(1);
            let mut all = self.published.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = all.get_mut(number) {
                *place = Some(Arc::new(published));
            }
        }
        Ok(())
    }

    async fn signed(
        &self,
        key: &Arc<dyn IssuingKey>,
        number: usize,
        compressed: Arc<[u8]>,
    ) -> Result<Published, PublishError> {
        let (key, subject, aggregation) = (Arc::clone(key), self.uri_of(number), self.uri.clone());
        let (expiry, time_to_live) = (self.settings.expiry_seconds, self.settings.ttl_seconds);
        let work = move || {
            let issued_at = clock::now();
            let claims = Claims {
                subject: &subject,
                issued_at,
                expires_at: issued_at.plus_seconds(i64::try_from(expiry).unwrap_or(i64::MAX)),
                time_to_live,
                bits: 2,
                compressed: &compressed,
                aggregation_uri: Some(&aggregation),
            };
            let (cwt, jwt) = sign(&*key, &claims)?;
            Ok::<_, SigningError>(Published {
                issued_at,
                expires_at: claims.expires_at,
                cwt: Token::new(cwt),
                jwt: Token::new(jwt),
            })
        };
        Ok(spawn_blocking(work).await.map_err(|_| PublishError::Interrupted)??)
    }

    /// Brings the bits up to date with the registry.
    async fn follow(&self, state: &mut Lists) -> Result<(), PublishError> {
        let asked_at = clock::now();
        let blocks = self.registry.status_blocks().await?;
        let count = blocks.div_ceil(LIST_ENTRIES / BLOCK) as usize;
        match state.loaded {
            Some((at, known)) if at.elapsed() < RELOADED_EVERY => {
                self.grow(state, count);
                let since = Some(known.min(asked_at).plus_seconds(-OVERLAP));
                let mut after = None;
                while let Some(last) = self
                    .page(since, &mut after, |listed| {
                        if let Some(list) = state.lists.get_mut(listed.place.list as usize) {
                            list.set(listed);
                        }
                    })
                    .await?
                {
                    after = Some(last);
                }
                state.loaded = Some((at, asked_at));
            }
            _ => {
                let mut fresh: Vec<StatusList> = (0..count).map(|_| StatusList::new(LIST_ENTRIES as usize)).collect();
                let mut after = None;
                while let Some(last) = self
                    .page(None, &mut after, |listed| {
                        if let Some(bits) = fresh.get_mut(listed.place.list as usize) {
                            bits.set(listed.place.index as usize, listed.state.status());
                        }
                    })
                    .await?
                {
                    after = Some(last);
                }
                self.grow(state, count);
                for (list, bits) in state.lists.iter_mut().zip(fresh) {
                    if list.bits != bits {
                        (list.bits, list.compressed, list.changed) = (bits, None, true);
                    }
                }
                state.loaded = Some((Instant::now(), asked_at));
            }
        }
        Ok(())
    }

    /// One page; the last place on it, unless it was the last page.
    async fn page(
        &self,
        since: Option<Time>,
        after: &mut Option<StatusPlace>,
        mut each: impl FnMut(&Listed),
    ) -> Result<Option<StatusPlace>, PublishError> {
        let page = self.registry.listed(since, *after, PAGE).await?;
        page.iter().for_each(&mut each);
        Ok(page.last().filter(|_| page.len() >= PAGE).map(|last| last.place))
    }

    fn grow(&self, state: &mut Lists, count: usize) {
        while state.lists.len() < count {
            state.lists.push(List::new());
        }
        let mut published = self.published.write().unwrap_or_else(PoisonError::into_inner);
        if published.len() < count {
            published.resize(count, None);
        }
    }
}

/// Both forms of one token, by a key that is ECDSA P-256.
pub fn sign(key: &dyn IssuingKey, claims: &Claims<'_>) -> Result<(Vec<u8>, Vec<u8>), SigningError> {
    let chain = key.certificate_chain();
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let to_sign = cwt::ToSign::new(claims, &chain);
    let cwt = to_sign.assemble(&key.sign_es256(&to_sign.octets(), claims.issued_at)?);
    let signed = jwt::to_sign(claims, &chain);
    let jwt = jwt::assemble(&signed, &key.sign_es256(signed.as_bytes(), claims.issued_at)?);
    Ok((cwt, jwt))
}
