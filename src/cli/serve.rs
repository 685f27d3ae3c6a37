//! `antin serve`: the service in production.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use arc_swap::ArcSwap;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::audit::MakeKeyError;
use super::exit::{self, CommandError};
use super::issuance_log::MakeKeyError as LogKeyError;
use crate::{
    audit::{self, AuditLog},
    clock,
    config::{self, Config, ConfigError},
    core::{
        log::{KeyKind, VerifierKey},
        memory::Memory,
    },
    http::{self, BootError, Parts, Running},
    issuance_log::{self, NoteSigner, Publisher, Witness, WitnessError},
    registry::{
        Registry,
        postgres::{self, PostgresRegistry},
        sqlite::{self, SqliteRegistry},
    },
    revocation::{self, RevocationCache, status_lists::StatusLists},
    service::{
        held::{self, HeldError},
        key_uses, keys,
        trust::{self, LoadError, LoadedTrust},
        witnesses::{self, Witnesses, WitnessesError},
    },
};

/// The arguments of `antin serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArguments {
    /// The settings; config/antin.toml shows every one
    #[arg(long, value_name = "FILE", env = "ANTIN_CONFIG")]
    config: PathBuf,
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error(transparent)]
    Trust(#[from] LoadError),
    #[error(transparent)]
    Audit(#[from] audit::OpenError),
    #[error(transparent)]
    Registry(#[from] sqlite::OpenError),
    #[error(transparent)]
    IssuanceLog(#[from] issuance_log::OpenError),
    #[error(transparent)]
    Witnesses(#[from] WitnessesError),
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error(transparent)]
    Database(#[from] postgres::OpenError),
    #[error(transparent)]
    Revocation(#[from] revocation::StartError),
    #[error(transparent)]
    Boot(#[from] BootError),
    #[error("the key of the audit log")]
    AuditKey(#[from] MakeKeyError),
    #[error("the key of the issuance log")]
    LogKey(#[from] LogKeyError),
    #[error("the development PKI")]
    Pki(#[from] crate::pki::PkiError),
    #[error("the operating system refused: {0}")]
    System(#[from] std::io::Error),
}

/// Runs until SIGTERM or SIGINT. Exit codes: 0 ended as asked, 65 settings or files that cannot be used, 70 anything else.
pub fn run(arguments: &ServeArguments) -> ExitCode {
    let served = config::read(&arguments.config).map_err(StartError::from).and_then(|config| {
        super::log::start(&config.log);
        runtime()?.block_on(async {
            let running = start(config, None).await?;
            until_stopped(running).await
        })
    });
    exit_code(served)
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Loads what the settings name, and boots. `published`: the directory of a development PKI to be served.
pub async fn start(config: Config, published: Option<PathBuf>) -> Result<Running, StartError> {
    Ok(http::boot(load(config, published).await?).await?)
}

/// Loads what the settings name.
pub async fn load(config: Config, published: Option<PathBuf>) -> Result<Parts, StartError> {
    // Before anything slow: unheard, a SIGHUP ends the process. It is answered once the service runs.
    let hangup = signal(SignalKind::hangup())?;
    // Before anything is counted.
    http::install_metrics();
    let LoadedTrust { store: trust, list } = trust::load(&config.trust, None, clock::now())?;
    if trust.anchors().is_empty() {
        tracing::warn!("no trust anchor is held: no signature will be relied on; see [trust] of the settings");
    }
    // A token may take its time.
    let (entries, tokens) = (config.keys.clone(), config.tokens.clone());
    let keys = tokio::task::spawn_blocking(move || keys::keys(&entries, &tokens)).await;
    let keys = keys.map_err(std::io::Error::other)??;
    let unseen = key_uses::check(&config, &keys)?;
    let kinds = held::kinds(config.documents.kinds_folder.as_deref(), &config.kinds)?;
    let document_kinds = held::document_kinds(config.verify.document_kinds.as_deref(), &kinds)?;
    let working_days = held::working_days(config.verify.working_days.as_deref())?;
    let policies = held::policies(&config.verify.policies, &document_kinds)?;
    let registry: Arc<dyn Registry> = match &config.registry.postgres {
        Some(settings) => Arc::new(PostgresRegistry::open(settings, clock::now()).await?),
        None => Arc::new(SqliteRegistry::open(&config.registry.path, clock::now())?),
    };
    let trust = Arc::new(ArcSwap::from_pointee(trust));
    let memory = Arc::new(Memory::bounded());
    let revocation = RevocationCache::start(&config.revocation, Arc::clone(&trust), Arc::clone(&memory)).await?;
    let status_lists = Arc::new(StatusLists::new(&config.status_list_sources, &config.revocation)?);
    let audit = match (&config.audit.folder, &config.audit.key) {
        (Some(folder), Some(key)) => Some(AuditLog::open(folder, held::audit_key(key)?)?),
        _ => None,
    };
    let issuance_log = open_log(&config.issuance_log)?;
    let authorities = witnesses::authorities(config.issuance_log.tls_authorities.as_deref())?;
    let witnesses = Witnesses::new(&config.issuance_log.witnesses, authorities.as_deref())?;
    let witness = open_witness(&config.witness)?;
    let lookup = held::lookup_keys(&config.lookup)?;
    Ok(Parts {
        keys,
        unseen,
        registry,
        trust,
        list,
        hangup,
        revocation,
        status_lists,
        memory,
        published,
        kinds,
        working_days,
        policies,
        audit,
        issuance_log,
        witnesses,
        witness,
        lookup,
        config,
    })
}

/// The folder of the issuance log and its key, if the settings name them.
fn open_log(settings: &config::IssuanceLog) -> Result<Option<(Publisher, NoteSigner)>, StartError> {
    let config::IssuanceLog { folder: Some(folder), key: Some(key), origin: Some(origin), .. } = settings else {
        return Ok(None);
    };
    let key = held::log_key(key, origin, KeyKind::Note)?;
    Ok(Some((Publisher::open(folder, &key)?, key)))
}

/// The witness of other logs, if the settings make this service one.
fn open_witness(settings: &config::Witness) -> Result<Option<Witness>, StartError> {
    let (Some(key), Some(name), Some(state)) = (&settings.key, &settings.name, &settings.state_file) else {
        return Ok(None);
    };
    let key = held::log_key(key, name, KeyKind::Cosignature)?;
    let logs = settings.logs.iter().map(|text| VerifierKey::parse(text)).collect::<Result<_, _>>();
    Ok(Some(Witness::open(state, key, logs.map_err(WitnessError::Log)?)?))
}

/// Says where the service is, waits for a signal, and ends politely.
pub(super) async fn until_stopped(running: Running) -> Result<(), StartError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    match running.mutual_tls {
        Some(mutual_tls) => println!("ready http://{} https://{mutual_tls}", running.public),
        None => println!("ready http://{}", running.public),
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("asked to stop");
    running.shutdown().await;
    Ok(())
}

pub(super) fn exit_code(served: Result<(), StartError>) -> ExitCode {
    let Err(error) = served else { return ExitCode::SUCCESS };
    let code = match &error {
        StartError::Boot(
            BootError::Policy(_) | BootError::Tls(_) | BootError::TimeStamping(_) | BootError::AccessTokens(_),
        )
        | StartError::Config(_)
        | StartError::Held(_)
        | StartError::Trust(_)
        | StartError::Revocation(_)
        | StartError::Audit(_)
        | StartError::IssuanceLog(_)
        | StartError::Witnesses(_)
        | StartError::Witness(_)
        | StartError::Pki(_) => exit::UNREADABLE,
        StartError::Database(error) if error.is_of_settings() => exit::UNREADABLE,
        StartError::Database(_)
        | StartError::AuditKey(_)
        | StartError::LogKey(_)
        | StartError::Registry(_)
        | StartError::Boot(_)
        | StartError::System(_) => exit::INTERNAL,
    };
    exit::finish(Err(CommandError::of(code, &error)))
}
