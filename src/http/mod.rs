//! HTTP: listeners, routes, one file a resource. [`boot`] starts it all; everything it needs comes in as [`Parts`].

mod accept;
mod answer;
mod arriving;
mod audited;
mod auth;
mod batch;
mod client_crls;
mod csc;
mod documents;
mod extend;
mod field;
mod form;
mod head;
mod health;
mod issuance_log;
mod kinds;
mod limits;
mod listener;
mod lookup;
mod metrics;
mod multipart;
mod openapi;
mod origin;
mod page;
mod parts;
mod patience;
mod pdf;
mod places;
mod problem;
mod published;
mod rates;
mod receipt;
mod request;
pub mod router;
mod running;
mod settings_watch;
mod sign;
mod siva;
mod siva_report;
mod status_lists;
pub mod tls;
mod trust;
mod trust_watch;
mod verify;
mod witness;
mod words;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use axum::{extract::Request, http::header};
use bytes::Bytes;
use tokio::{
    net::TcpListener,
    signal::unix::Signal,
    sync::{Notify, Semaphore, watch},
    task::JoinSet,
};

pub use metrics::install as install_metrics;
pub use running::{BootError, Running};

use auth::Caller;
use client_crls::{ClientCrlMarks, ClientCrls};
use limits::{BodyLimits, Room};
use listener::{Listener, Tls};
use metrics::VerdictCounters;
use problem::Problem;
use request::Door;

use crate::{
    audit::AuditLog,
    clock,
    config::{self, Config},
    core::{memory::Memory, policy::Policy, time::Time, working_days::WorkingDays},
    issuance_log::{NoteSigner, Publisher, Witness},
    kinds::Kinds,
    registry::Registry,
    revocation::{RevocationCache, status_lists::StatusLists},
    service::{
        SharedTrust,
        access_tokens::AccessTokens,
        documents::DocumentService,
        extend::ExtendService,
        held::Fingerprint,
        issuance::IssuanceLog,
        key_uses::UnseenKeys,
        keys::SharedKeys,
        levels::LevelRaiser,
        logged::RequiredLogs,
        lookup::{LookupKeys, LookupService},
        permission::Clients,
        readiness::Readiness,
        receipt::ReceiptService,
        sign::SignService,
        standing::Standing,
        status_lists::StatusListPublisher,
        status_places::StatusPlaces,
        steps::Steps,
        trust::ListInForce,
        validity::ValidityRules,
        verify::VerifyService,
        witnesses::Witnesses,
    },
    signing::{IssuingKey, timestamp::TimeStampClient},
};

/// How often files are looked at for changes.
const WATCHED_EVERY: Duration = Duration::from_millis(400);
/// How often figures are tidied.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Everything the service is made of.
pub struct Parts {
    pub config: Config,
    pub keys: Vec<Arc<dyn IssuingKey>>,
    /// Those of them, and others, that sign what nobody sees.
    pub unseen: UnseenKeys,
    pub registry: Arc<dyn Registry>,
    pub trust: SharedTrust,
    /// The signed list that is part of `trust`.
    pub list: Option<ListInForce>,
    /// SIGHUP, heard since the start began.
    pub hangup: Signal,
    /// Keeps revocation data fresh; stopped with the service.
    pub revocation: RevocationCache,
    /// Of others, and shared with other nodes.
    pub status_lists: Arc<StatusLists>,
    /// The memory that the revocation cache was started with.
    pub memory: Arc<Memory>,
    /// The directory of a development PKI whose CRLs and certificates are to be served.
    pub published: Option<PathBuf>,
    /// Among them each of the settings.
    pub kinds: Arc<Kinds>,
    /// On which days offices work.
    pub working_days: WorkingDays,
    /// Each that a request may name.
    pub policies: Vec<Policy>,
    /// `None`: decisions are not written down.
    pub audit: Option<AuditLog>,
    /// The folder of the issuance log and its key; `None`: there is no log.
    pub issuance_log: Option<(Publisher, NoteSigner)>,
    /// Who is asked to cosign it.
    pub witnesses: Witnesses,
    /// `None`: this service is no witness of other logs.
    pub witness: Option<Witness>,
    /// `None`: nobody can ask by the five fields.
    pub lookup: Option<LookupKeys>,
}

/// What every handler can ask.
pub struct App {
    verify: Arc<VerifyService>,
    sign: Arc<SignService>,
    documents: DocumentService,
    /// `None`: what is issued goes into no log.
    issuance_log: Option<Arc<IssuanceLog>>,
    witness: Option<witness::SharedWitness>,
    kinds: Arc<Kinds>,
    levels: Option<Arc<LevelRaiser>>,
    /// `None`: nobody can be asked for time-stamps.
    extending: Option<ExtendService>,
    standing: Arc<Standing>,
    required_logs: RequiredLogs,
    /// What the page may take.
    page: page::Turns,
    /// `None`: no key is set for the lookup.
    lookup: Option<LookupService>,
    /// `None`: no key is set for status lists.
    status_lists: Option<Arc<StatusListPublisher>>,
    access_tokens: AccessTokens,
    /// `None`: no key is set for receipts.
    receipts: Option<ReceiptService>,
    readiness: Readiness,
    room: Room,
    public_room: Room,
    public_work: Arc<Semaphore>,
    client_work: Arc<Semaphore>,
    config: Config,
    published: Option<PathBuf>,
    verdicts: VerdictCounters,
    started_at: Time,
}

impl App {
    fn body_limits(&self, caller: &Caller) -> BodyLimits {
        let limits = &self.config.limits;
        let bytes = match caller {
            Caller::Client(_) => limits.client_body_bytes,
            Caller::Anyone | Caller::UnknownClient => limits.body_bytes,
        };
        BodyLimits { bytes, streamed: limits.streamed_bytes, time: limits.body() }
    }

    /// Room for bodies; strangers leave half of it to clients.
    const fn room(&self, caller: &Caller) -> &Room {
        match caller {
            Caller::Client(_) => &self.room,
            Caller::Anyone | Caller::UnknownClient => &self.public_room,
        }
    }

    /// Requests in work; those of strangers do not crowd out those of clients.
    const fn work(&self, caller: &Caller) -> &Arc<Semaphore> {
        match caller {
            Caller::Client(_) => &self.client_work,
            Caller::Anyone | Caller::UnknownClient => &self.public_work,
        }
    }
}

/// Starts the service: unfinished attempts of earlier runs are marked, sockets are bound, then requests are answered.
pub async fn boot(parts: Parts) -> Result<Running, BootError> {
    let Parts { config, keys, registry, trust, list, hangup, revocation, memory, published, kinds, policies, .. } =
        parts;
    let unseen = Arc::new(ArcSwap::from_pointee(parts.unseen));
    let lists = parts.status_lists;
    let (audit, issuance_log, witnesses) = (parts.audit, parts.issuance_log, parts.witnesses);
    let witness = parts.witness.map(|witness| Arc::new(Mutex::new(witness)));
    install_metrics();
    for intent in registry.recover().await? {
        tracing::error!(document_id = %intent.document_id, client = %intent.client, "an attempt to sign ended without a result");
    }
    let verify = Arc::new(
        VerifyService::new(
            trust,
            revocation.evidence(),
            Some(revocation.collector()),
            memory,
            policies,
            &config.verify.policy,
            purposes(&config.kinds, &kinds),
        )
        .map_err(BootError::Policy)?
        .with_validity(ValidityRules::new(Arc::clone(&kinds), parts.working_days))
        .with_unseen(Arc::clone(&unseen)),
    );
    let maximum_age = verify.policy(None).map_err(BootError::Policy)?.maximum_revocation_age_hours;
    let standing = Standing::new(&config.public.base_url).with_lists(Arc::clone(&lists));
    let standing = standing.with_required(&config.required_status);
    let standing = Arc::new(standing.with_verification_url(config.public.verification_url.clone()));
    let client = TimeStampClient::new(&config.time_stamping)?;
    let (mut levels, mut extending) = (None, None);
    if !client.is_empty() {
        let steps = Arc::new(Steps::new(Arc::clone(&verify), client).map_err(BootError::Policy)?);
        levels = Some(LevelRaiser::new(&config.time_stamping, Arc::clone(&registry), Arc::clone(&steps)));
        extending = Some(ExtendService::new(&config.time_stamping, steps));
    }
    if levels.is_none() && registry.backlog().await?.waiting > 0 {
        tracing::warn!("signatures wait for a time-stamp, and the settings name no time-stamping authority");
    }
    let issuance_log = issuance_log.map(|(publisher, key)| IssuanceLog::new(publisher, key, Arc::clone(&registry)));
    let keys: SharedKeys = Arc::new(ArcSwap::from_pointee(keys));
    let changed = Arc::new(Notify::new());
    let has_lists = config.status_lists.key.is_some();
    let places = has_lists.then(|| StatusPlaces::new(Arc::clone(&registry), Arc::clone(&changed)));
    let sign = SignService::new(
        &config.kinds,
        Arc::clone(&kinds),
        Arc::clone(&keys),
        Arc::clone(&registry),
        Arc::clone(&verify),
        Arc::clone(&standing),
        levels.clone(),
    );
    let lookup_keys = parts.lookup.map(Arc::new);
    let sign = sign.with_log(issuance_log.clone()).with_status_places(places).with_lookup(lookup_keys.clone());
    let sign = Arc::new(sign);
    let lookup = lookup_keys.map(|lookup_keys| {
        LookupService::new(lookup_keys, Arc::clone(&registry), Arc::clone(&kinds), Arc::clone(&verify), keys.clone())
    });
    let status_lists = StatusListPublisher::new(
        &config.status_lists,
        &config.public.base_url,
        Arc::clone(&sign),
        Arc::clone(&registry),
        Arc::clone(&changed),
    );
    let required_logs = RequiredLogs::new(&config.required_log, issuance_log.clone());
    let work = || Arc::new(Semaphore::new(config.limits.concurrency.min(Semaphore::MAX_PERMITS)));
    let room = Room::new(config.limits.buffered_bytes);
    let tokens = &config.remote_signing;
    let seconds = u32::try_from(tokens.token_seconds).unwrap_or(u32::MAX);
    let app = Arc::new(App {
        access_tokens: AccessTokens::new(tokens.token_key.as_deref(), seconds)?,
        verify,
        receipts: ReceiptService::new(&config.receipt, Arc::clone(&sign)),
        readiness: Readiness::new(Arc::clone(&sign), revocation.configured(), maximum_age),
        sign,
        documents: DocumentService::new(Arc::clone(&registry), keys.clone(), Arc::clone(&kinds), changed),
        issuance_log,
        witness,
        kinds,
        levels,
        extending,
        standing,
        required_logs,
        page: page::Turns::new(config.page.checks_a_minute).map_err(BootError::Threads)?,
        lookup,
        status_lists,
        public_room: room.share(config.limits.buffered_bytes / 2),
        room,
        public_work: work(),
        client_work: work(),
        config,
        published,
        verdicts: VerdictCounters::new(),
        started_at: clock::now(),
    });
    let (clients, known_clients) = watch::channel(Arc::new(Clients::new(&app.config.clients)));
    let mut running = start(&app, known_clients, revocation, registry, audit.map(Arc::new)).await?;
    if let Some(levels) = &app.levels {
        running.watchers.spawn(Arc::clone(levels).run());
    }
    if let Some(log) = &app.issuance_log {
        running.watchers.spawn(Arc::clone(log).run());
        if !witnesses.is_empty() {
            running.watchers.spawn(witnesses.run(Arc::clone(log)));
        }
    }
    if let Some(publisher) = &app.status_lists {
        let signed = move |uri: &str, token: &Bytes, expires_at| lists.publish(uri, token.clone(), expires_at);
        running.watchers.spawn(Arc::clone(publisher).run(signed));
    }
    let (asked, asks) = watch::channel(());
    running.watchers.spawn(hear(hangup, asked));
    running.watchers.spawn(settings_watch::watch(Arc::clone(&app), asks.clone(), (keys, unseen), clients));
    running.watchers.spawn(trust_watch::watch(app, asks, list));
    Ok(running)
}

/// Passes each SIGHUP on, those since the start began too.
async fn hear(mut hangup: Signal, asked: watch::Sender<()>) {
    while hangup.recv().await.is_some() {
        asked.send_replace(());
    }
}

/// What documents of each kind that is issued here serve for: as the settings say, else as their kind does.
fn purposes(issued: &[config::Kind], kinds: &Kinds) -> BTreeMap<String, Vec<String>> {
    let own = issued.iter().map(|kind| {
        let held = kinds.get(&kind.name).filter(|_| kind.purposes.is_empty());
        (kind.name.clone(), held.map_or(&kind.purposes, |held| &held.reliance.purposes).clone())
    });
    own.collect()
}

async fn start(
    app: &Arc<App>,
    clients: watch::Receiver<Arc<Clients>>,
    revocation: RevocationCache,
    registry: Arc<dyn Registry>,
    audit: Option<Arc<AuditLog>>,
) -> Result<Running, BootError> {
    let config = &app.config;
    let (stop, stopped) = watch::channel(false);
    let (mut listeners, mut watchers) = (JoinSet::new(), JoinSet::new());
    let door =
        |name, router| Arc::new(Door::new(name, router, config.limits.request(), config.log.requests, audit.clone()));
    // Every socket is bound before the first request is answered.
    let (public_socket, public) = bind("public.address", config.public.address).await?;
    let mut mutual_tls = None;
    if config.mutual_tls.enabled {
        let known = Fingerprint::of_crls(&config.mutual_tls.client_crls);
        let mut marks = ClientCrlMarks::default();
        let (tls_config, lists) = tls::server_config(&config.mutual_tls, &mut marks)?;
        let (in_force, lists) = watch::channel(lists);
        let tls = Tls {
            config: ArcSwap::from_pointee(tls_config),
            clients,
            evidence: Arc::clone(app.verify.evidence()),
            client_crls: lists,
        };
        let (socket, address) = bind("mutual-tls.address", config.mutual_tls.address).await?;
        let door = door("mutual-tls", router::mutual_tls(app));
        let listener = Arc::new(Listener { door, limits: config.limits.clone(), tls: Some(tls) });
        watchers.spawn(watch_client_crls(Arc::clone(app), Arc::clone(&listener), in_force, known, marks));
        listeners.spawn(listener.serve(socket, stopped.clone()));
        mutual_tls = Some(address);
    }
    let mut internal = None;
    if config.internal.enabled {
        let (socket, address) = bind("internal.address", config.internal.address).await?;
        let door = door("internal", router::internal(app));
        let listener = Arc::new(Listener { door, limits: config.limits.clone(), tls: None });
        listeners.spawn(listener.serve(socket, stopped.clone()));
        internal = Some(address);
    }
    let door = door("public", router::public(app));
    let listener = Arc::new(Listener { door, limits: config.limits.clone(), tls: None });
    listeners.spawn(listener.serve(public_socket, stopped));
    let own = Arc::clone(app);
    watchers.spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            let lacking = own.readiness.lists(clock::now()).iter().filter(|list| list.fault.is_some()).count();
            ::metrics::gauge!("antin_revocation_lists_lacking").set(lacking as f64);
            if let Some(recorder) = metrics::install() {
                recorder.run_upkeep();
                let (mut rates, now) = (rates::of_process(), std::time::Instant::now());
                if rates.is_due(now) {
                    rates.note(&recorder.render(), now);
                }
            }
        }
    });
    Ok(Running { public, mutual_tls, internal, stop, listeners, watchers, revocation, registry })
}

async fn bind(setting: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), BootError> {
    let failed = |source| BootError::Bind { setting, address, source };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    Ok((socket, bound))
}

/// New TLS settings when a CRL file of the client authorities changes. Unreadable, forged and older ones leave the old in force,
/// which let nobody in once their CRLs are stale.
async fn watch_client_crls(
    app: Arc<App>,
    listener: Arc<Listener>,
    in_force: watch::Sender<ClientCrls>,
    mut known: Fingerprint,
    mut marks: ClientCrlMarks,
) {
    let settings = &app.config.mutual_tls;
    loop {
        tokio::time::sleep(WATCHED_EVERY).await;
        let now = Fingerprint::of_crls(&settings.client_crls);
        if now == known {
            continue;
        }
        known = now;
        let (settings, mut raised) = (settings.clone(), marks.clone());
        let read = move || (tls::server_config(&settings, &mut raised), raised);
        // A long list takes seconds, for which no request's thread may wait.
        let Ok((config, raised)) = tokio::task::spawn_blocking(read).await else { continue };
        marks = raised;
        match (config, &listener.tls) {
            (Ok((config, lists)), Some(tls)) => {
                tls.config.store(Arc::new(config));
                in_force.send_replace(lists);
                tracing::info!("client CRLs read again");
            }
            (Err(error), _) => {
                ::metrics::counter!("antin_client_crls_refused_total").increment(1);
                tracing::error!(%error, "client CRLs do not count; the old ones stay");
            }
            (Ok(_), None) => return,
        }
    }
}

/// The media type of the body of a request that has no query: all that is asked stands in the body.
fn content_type(request: &Request) -> Result<&'static str, Problem> {
    if request.uri().query().is_some() {
        return Err(Problem::query());
    }
    body_type(request)
}

/// The media type of a request's body, which is not compressed, without parameters; empty if there is none, or more than one.
fn body_type(request: &Request) -> Result<&'static str, Problem> {
    if request.headers().get_all(header::CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return Err(Problem::content_encoding());
    }
    const KNOWN: [&str; 6] = [
        "application/json",
        "multipart/form-data",
        "application/pdf",
        "application/pkcs7-mime",
        batch::NDJSON,
        form::MEDIA_TYPE,
    ];
    let mut values = request.headers().get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Ok("") };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    Ok(KNOWN.into_iter().find(|known| essence.eq_ignore_ascii_case(known)).unwrap_or_default())
}
