//! `antin registry`: all that the registry holds written out, read into an empty one, checked; and the attempts to sign whose state
//! is unknown.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::exit::{self, Code, CommandError};
use super::output;
use crate::clock;
use crate::config::{self, PostgresSettings, Registry};
use crate::registry::exchange::{self, ExchangeError, Reader, Writer};
use crate::registry::postgres::{self, Occupied, PostgresReader, PostgresWriter};
use crate::registry::sqlite::{self, SqliteReader, SqliteWriter};
use crate::registry::{DocumentId, Intent, RegistryError};

/// The arguments of `antin registry`.
#[derive(Args, Clone, Debug)]
pub struct RegistryArguments {
    #[command(subcommand)]
    command: RegistryCommand,
}

/// Which registry.
#[derive(Args, Clone, Debug)]
struct Place {
    #[command(flatten)]
    one: OnePlace,
    /// With --postgres: a file that holds the password
    #[arg(long, value_name = "FILE", requires = "postgres")]
    password_file: Option<PathBuf>,
    /// With --postgres: PEM file of the authorities that vouch for the servers; none: those of the machine
    #[arg(long, value_name = "FILE", requires = "postgres")]
    tls_authorities: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
struct OnePlace {
    /// That of the service with these settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// An SQLite file
    #[arg(long, value_name = "FILE")]
    path: Option<PathBuf>,
    /// A database, as registry.postgres.url of the settings
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Debug, Subcommand)]
enum RegistryCommand {
    /// Write out all that the registry holds, as it is at one moment; the service may run
    Export {
        #[command(flatten)]
        place: Place,
        /// Where to; none: standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Read what export wrote into an empty registry, all of it or nothing; the service must not run on it
    Import {
        #[command(flatten)]
        place: Place,
        /// What export wrote; -: standard input
        file: PathBuf,
    },
    /// Read all and tell what contradicts itself: exit 0 nothing, 1 faults; the service may run
    Check {
        #[command(flatten)]
        place: Place,
    },
    /// The attempts to sign that ended without a trace of their result: id void, key spent, nothing released
    Unknown {
        #[command(flatten)]
        place: Place,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// Exit codes: 0 done, 1 faults found, 64 wrong use, 65 settings or a file that cannot be used, 70 a registry that cannot be used.
pub fn run(arguments: &RegistryArguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::finish(Err(CommandError::of(exit::INTERNAL, &error))),
    };
    exit::finish(runtime.block_on(async {
        match &arguments.command {
            RegistryCommand::Export { place, out } => export(place, out.as_deref()).await,
            RegistryCommand::Import { place, file } => import(place, file).await,
            RegistryCommand::Check { place } => check(place).await,
            RegistryCommand::Unknown { place, format } => unknown(place, *format).await,
        }
    }))
}

impl Place {
    fn settings(&self) -> Result<Registry, CommandError> {
        let OnePlace { config, path, postgres } = &self.one;
        if let Some(path) = config {
            let config = config::read(path).map_err(|error| CommandError::of(exit::UNREADABLE, &error))?;
            return Ok(config.registry);
        }
        let postgres = postgres.as_ref().map(|url| PostgresSettings {
            password_file: self.password_file.clone(),
            // As every program of PostgreSQL takes it.
            password_env: (self.password_file.is_none() && std::env::var_os("PGPASSWORD").is_some())
                .then(|| "PGPASSWORD".to_owned()),
            tls_authorities: self.tls_authorities.clone(),
            ..PostgresSettings::new(url)
        });
        Ok(Registry { path: path.clone().unwrap_or_default(), postgres })
    }

    async fn reader(&self) -> Result<Box<dyn Reader>, CommandError> {
        let Registry { path, postgres } = self.settings()?;
        match postgres {
            Some(settings) => Ok(Box::new(PostgresReader::open(&settings).await.map_err(of_database)?)),
            None => Ok(Box::new(SqliteReader::open(&path).map_err(of_file)?)),
        }
    }

    async fn writer(&self) -> Result<Box<dyn Writer>, CommandError> {
        let Registry { path, postgres } = self.settings()?;
        let refused = |why: &str| CommandError::new(exit::UNREADABLE, format!("nothing was imported: {why}"));
        let documents = || refused("the registry holds documents; name an empty or a new one");
        let Some(settings) = postgres else {
            let writer = SqliteWriter::open(&path, clock::now()).map_err(of_file)?;
            return Ok(Box::new(writer.ok_or_else(documents)?));
        };
        match PostgresWriter::open(&settings).await.map_err(of_database)? {
            Ok(writer) => Ok(Box::new(writer)),
            Err(Occupied::Documents) => Err(documents()),
            Err(Occupied::Service) => Err(refused("a service works on the registry; stop it first")),
        }
    }
}

fn of_file(error: sqlite::OpenError) -> CommandError {
    use sqlite::OpenError::{File, Foreign, InUse, Newer, Older};
    let code = match &error {
        File { .. } | Foreign { .. } | InUse { .. } | Newer { .. } | Older { .. } => exit::UNREADABLE,
        _ => exit::INTERNAL,
    };
    CommandError::of(code, &error)
}

fn of_database(error: postgres::OpenError) -> CommandError {
    CommandError::of(if error.is_of_settings() { exit::UNREADABLE } else { exit::INTERNAL }, &error)
}

fn of_registry(error: RegistryError) -> CommandError {
    CommandError::of(exit::INTERNAL, &error)
}

fn of_exchange(file: &Path, error: ExchangeError) -> CommandError {
    match error {
        ExchangeError::Registry(error) => of_registry(error),
        error => CommandError::about(exit::UNREADABLE, file, &error),
    }
}

async fn export(place: &Place, out: Option<&Path>) -> Result<Code, CommandError> {
    let mut reader = place.reader().await?;
    let Some(path) = out else {
        let mut to = BufWriter::new(io::stdout());
        let counts = exchange::export(&mut *reader, &mut to).await;
        counts.map_err(|error| of_exchange(Path::new("standard output"), error))?;
        return Ok(exit::ACCEPT);
    };
    // Whole or not at all, and for its owner alone: it names clients and keys.
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = write(&mut *reader, &part).await.and_then(|counts| {
        std::fs::rename(&part, path).map_err(ExchangeError::Write)?;
        Ok(counts)
    });
    let counts = written.map_err(|error| {
        drop(std::fs::remove_file(&part));
        of_exchange(path, error)
    })?;
    output::note(format_args!("exported {}", words(&counts)));
    Ok(exit::ACCEPT)
}

async fn write(reader: &mut dyn Reader, path: &Path) -> Result<exchange::Counts, ExchangeError> {
    // Never into what lies there, which may be a link, or readable for others.
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(ExchangeError::Write(error));
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut to = BufWriter::new(made.map_err(ExchangeError::Write)?);
    let counts = exchange::export(reader, &mut to).await?;
    to.get_ref().sync_all().map_err(ExchangeError::Write)?;
    Ok(counts)
}

async fn import(place: &Place, file: &Path) -> Result<Code, CommandError> {
    let mut lines: Box<dyn BufRead + Send> = if file == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let opened = File::open(file).map_err(|error| CommandError::about(exit::UNREADABLE, file, &error))?;
        Box::new(BufReader::new(opened))
    };
    let writer = place.writer().await?;
    let counts = exchange::import(&mut *lines, writer).await.map_err(|error| of_exchange(file, error))?;
    output::note(format_args!("imported {}", words(&counts)));
    Ok(exit::ACCEPT)
}

fn words(counts: &exchange::Counts) -> String {
    let exchange::Counts { documents, signatures, changes, raising, renewals, logged, lookups } = counts;
    format!(
        "{documents} attempts, {signatures} signatures, {changes} changes of standing, {raising} waiting for a level, \
         {renewals} time-stamps to be renewed, {logged} in the issuance log, {lookups} digests of the lookup"
    )
}

async fn check(place: &Place) -> Result<Code, CommandError> {
    let mut reader = place.reader().await?;
    let tell = |document_id: Option<DocumentId>, fault: &exchange::Fault| {
        let what = document_id.map_or("the store".to_owned(), |document_id| format!("document {document_id}"));
        output::say(format_args!("FAULT: {what}: {fault}; {}", fault.remedy()));
    };
    let checked = exchange::check(&mut *reader, tell).await.map_err(of_registry)?;
    let exchange::Checked { counts, issued, begun, unknown, faults } = checked;
    output::say(format_args!("{}", words(&counts)));
    output::say(format_args!("{issued} issued, {begun} in progress, {unknown} unknown; {faults} faults"));
    Ok(if faults == 0 { exit::ACCEPT } else { exit::REJECT })
}

/// One attempt, as `--format json` tells it.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct UnknownAttempt<'a> {
    id: String,
    client: &'a str,
    kind: &'a str,
    idempotency_key: &'a str,
    signer: &'a str,
    begun_at: String,
}

async fn unknown(place: &Place, format: Format) -> Result<Code, CommandError> {
    let mut reader = place.reader().await?;
    let (mut after, mut found) = (None, 0_u64);
    let mut to = BufWriter::new(io::stdout());
    loop {
        let page = reader.unknown(after).await.map_err(of_registry)?;
        let Some(last) = page.last() else { break };
        after = Some(last.document_id);
        for intent in &page {
            found += 1;
            // A reader that went away is no error of ours.
            let _ = tell_unknown(&mut to, intent, format);
        }
    }
    let _ = to.flush();
    if format == Format::Text {
        output::note(format_args!("{found} attempts whose state is unknown"));
    }
    Ok(exit::ACCEPT)
}

fn tell_unknown(to: &mut impl Write, intent: &Intent, format: Format) -> io::Result<()> {
    let Intent { document_id, client, kind, idempotency_key, signer, begun_at, .. } = intent;
    if format == Format::Text {
        return writeln!(
            to,
            "{document_id} begun {begun_at} client {client:?} kind {kind} key {signer} idempotency-key {idempotency_key}"
        );
    }
    let (id, begun_at) = (document_id.to_string(), begun_at.to_string());
    let attempt = UnknownAttempt { id, client, kind, idempotency_key, signer, begun_at };
    writeln!(to, "{}", serde_json::to_string(&attempt)?)
}
