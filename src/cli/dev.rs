//! `antin dev`: the whole service on this machine, with a development PKI; for trial only.

use std::{
    fs::OpenOptions,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;

use super::audit;
use super::issuance_log;
use super::serve::{self, StartError};
use crate::{
    clock,
    config::{
        Audit, Client, Config, IssuanceLog, Kind, Log, MutualTls, Operation, Padding, Permission, Public, Receipt,
        Registry, SigningKey, StatusLists, TimeStampAuthority, TimeStamping, Trust, Verify,
        revocation::{CrlSource, RevocationSettings},
    },
    core::log::KeyKind,
    http::Running,
    kinds::{DocumentKind, Kinds},
    pki::{self, Authority, InitOptions, Member, PkiError},
};

/// How often the CRLs are reissued; they are good for a week. So often because a signature reaches B-LT only with a list that is younger than
/// its time-stamp: this long, the second in which the list is seen, and a quarter of both until the queue looks again make less than a
/// minute.
const REFRESHED_EVERY: Duration = Duration::from_secs(30);
/// Name of the audit log's folder, and of the files of its key.
const AUDIT: &str = "audit";
/// Name of the issuance log's folder, and of the files of its key.
pub const ISSUANCE_LOG: &str = "issuance-log";
/// Its name, whatever the address is.
const LOG_ORIGIN: &str = "localhost/antin-dev/log";
/// Name of the key for receipts, and of its files.
const RECEIPT: &str = "receipt";
/// Name of the key for status lists, and of its files.
const STATUS_LISTS: &str = "status-lists";
/// The file of the key under which papers can be looked up.
const LOOKUP: &str = "lookup.key";
/// Octets of it.
const LOOKUP_KEY: usize = 32;
/// Rules about kinds of documents, held if they are there.
const DOCUMENT_KINDS: &str = "document-kinds.toml";

/// The arguments of `antin dev`.
#[derive(Args, Clone, Debug)]
pub struct DevArguments {
    /// Where PKI and registry lie; made if missing
    #[arg(long = "dir", value_name = "D", default_value = "antin-dev")]
    directory: PathBuf,
    /// Port of the public listener on 127.0.0.1; mutual TLS is on the next one
    #[arg(long, value_name = "N", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..=65534))]
    port: u16,
}

/// Runs until SIGTERM or SIGINT. Exit codes as those of `antin serve`.
pub fn run(arguments: &DevArguments) -> ExitCode {
    super::log::start(&Log { level: "warn".to_owned(), ..Log::default() });
    let addresses = [arguments.port, arguments.port + 1].map(local);
    let served = serve::runtime().and_then(|runtime| {
        runtime.block_on(async {
            let running = start(&arguments.directory, addresses).await?;
            serve::until_stopped(running).await
        })
    });
    serve::exit_code(served)
}

/// Starts the service on a public and a mutual-TLS address, making the PKI if it is missing. With port 0 the PKI must be there:
/// its certificates name the base URL.
pub async fn start(directory: &Path, [public, mutual_tls]: [SocketAddr; 2]) -> Result<Running, StartError> {
    let pki = directory.join("pki");
    std::fs::create_dir_all(directory)?;
    if !Member::Root.certificate_path(&pki).exists() {
        let options = InitOptions { base_url: format!("http://{public}"), ..InitOptions::default() };
        pki::init(&pki, &options, clock::now())?;
    }
    add_receipt_key(directory, &format!("http://{public}"))?;
    add_status_list_key(directory, &format!("http://{public}"))?;
    add_audit_key(directory)?;
    add_log_key(directory)?;
    pki::refresh_crls(&pki, clock::now())?;
    tokio::spawn(refresh_crls(pki.clone()));
    let mut config = settings(directory, public, mutual_tls);
    config.lookup.key = Some(add_lookup_key(directory)?);
    // The QR code of a seal leads to the page of this service.
    config.public.verification_url = Some(format!("http://{public}/d"));
    serve::start(config, Some(pki)).await
}

/// The key under which the five fields of papers are recorded.
fn add_lookup_key(directory: &Path) -> Result<PathBuf, StartError> {
    let path = directory.join(LOOKUP);
    if !path.exists() {
        let mut octets = [0; LOOKUP_KEY];
        openssl::rand::rand_bytes(&mut octets).map_err(std::io::Error::from)?;
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(&octets)?;
    }
    Ok(path)
}

/// The key that signs receipts lies beside the PKI, whose files are what `pki init` lays.
pub fn add_receipt_key(directory: &Path, base_url: &str) -> Result<(), PkiError> {
    let name = "Biên nhận kiểm tra (thử nghiệm)";
    pki::add_signer(&directory.join("pki"), &directory.join(RECEIPT), name, base_url, clock::now())
}

/// So does the key that signs status lists.
pub fn add_status_list_key(directory: &Path, base_url: &str) -> Result<(), PkiError> {
    let name = "Danh sách tình trạng giấy tờ (thử nghiệm)";
    pki::add_signer(&directory.join("pki"), &directory.join(STATUS_LISTS), name, base_url, clock::now())
}

/// The key of the audit log's heads, and its public half.
fn add_audit_key(directory: &Path) -> Result<(), StartError> {
    let (private, public) = (directory.join(AUDIT).with_extension("key"), directory.join(AUDIT).with_extension("pub"));
    if private.exists() {
        return Ok(());
    }
    Ok(audit::make_key(&private, &public)?)
}

/// The key of the issuance log, and its public half.
fn add_log_key(directory: &Path) -> Result<(), StartError> {
    let file = directory.join(ISSUANCE_LOG);
    let (private, public_half) = (file.with_extension("key"), file.with_extension("pub"));
    if private.exists() {
        return Ok(());
    }
    Ok(issuance_log::make_key(LOG_ORIGIN, KeyKind::Note, &private, &public_half)?)
}

async fn refresh_crls(pki: PathBuf) {
    loop {
        tokio::time::sleep(REFRESHED_EVERY).await;
        let pki = pki.clone();
        match tokio::task::spawn_blocking(move || pki::refresh_crls(&pki, clock::now())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the CRLs could not be reissued"),
            Err(error) => tracing::error!(%error, "the CRLs could not be reissued"),
        }
    }
}

/// The settings over a development PKI in `directory/pki`.
pub fn settings(directory: &Path, public: SocketAddr, mutual_tls: SocketAddr) -> Config {
    let pki = directory.join("pki");
    let key = |name: &str, member: Member| SigningKey {
        name: name.to_owned(),
        file: Some(member.key_path(&pki)),
        token: None,
        label: None,
        id: None,
        authority: None,
        from: None,
        until: None,
        certificate: member.certificate_path(&pki),
        chain: vec![Member::Ca.certificate_path(&pki)],
        padding: Padding::Pss,
        seal_image: None,
    };
    let has_audit = directory.join(AUDIT).with_extension("key").exists();
    let has_log = directory.join(ISSUANCE_LOG).with_extension("key").exists();
    let beside = |name: &str| {
        let certificate = directory.join(name).with_extension("crt");
        certificate.exists().then(|| SigningKey {
            name: name.to_owned(),
            file: Some(directory.join(name).with_extension("key")),
            token: None,
            label: None,
            id: None,
            authority: None,
            from: None,
            until: None,
            certificate,
            chain: vec![Member::Ca.certificate_path(&pki)],
            padding: Padding::Pss,
            seal_image: None,
        })
    };
    let (receipt, status_lists) = (beside(RECEIPT), beside(STATUS_LISTS));
    let named = |key: &Option<SigningKey>| key.as_ref().map(|key| key.name.clone());
    let kind = |kind: &DocumentKind| Kind {
        name: kind.name.clone(),
        keys: vec![if kind.name.starts_with("judicial") { "judicial" } else { "health" }.to_owned()],
        digest_only: true,
        foreign_references: false,
        purposes: Vec::new(),
    };
    let kinds: Vec<Kind> = Kinds::held().iter().map(kind).collect();
    let client = |name: &str, member: Member, operations: &[Operation]| {
        let certificate = fingerprint(&member.certificate_path(&pki));
        let signs = operations.contains(&Operation::Sign);
        Client {
            name: name.to_owned(),
            sha256: certificate,
            subject: None,
            issuer: None,
            operations: operations.to_vec(),
            kinds: if signs { kinds.iter().map(|kind| kind.name.clone()).collect() } else { Vec::new() },
            keys: if signs { vec!["judicial".to_owned(), "health".to_owned()] } else { Vec::new() },
            permissions: Vec::new(),
            concurrency: 256,
        }
    };
    let clients = vec![
        client("issuing-system", Member::IssuingSystem, &[Operation::Sign, Operation::Verify]),
        Client {
            // Where appointments are presented.
            permissions: vec![Permission {
                operations: vec![Operation::Use],
                kinds: Kinds::held()
                    .iter()
                    .filter(|kind| kind.reliance.single_use)
                    .map(|kind| kind.name.clone())
                    .collect(),
                keys: Vec::new(),
            }],
            ..client("agency", Member::Agency, &[Operation::Verify])
        },
    ];
    Config {
        public: Public { address: public, base_url: format!("http://{public}"), ..Public::default() },
        mutual_tls: MutualTls {
            enabled: true,
            address: mutual_tls,
            certificate: Member::Server.certificate_path(&pki),
            chain: vec![Member::Ca.certificate_path(&pki)],
            key: Member::Server.key_path(&pki),
            client_authorities: vec![Member::Ca.certificate_path(&pki)],
            client_crls: vec![Authority::Ca.crl_path(&pki)],
        },
        trust: Trust {
            directories: Vec::new(),
            anchors: vec![Member::Root.certificate_path(&pki).into()],
            intermediates: vec![Member::Ca.certificate_path(&pki)],
            list: None,
        },
        revocation: RevocationSettings {
            sources: Authority::ALL
                .iter()
                .map(|authority| CrlSource {
                    issuer_file: Some(authority.member().certificate_path(&pki)),
                    file: Some(authority.crl_path(&pki)),
                    ..CrlSource::default()
                })
                .collect(),
            marks_file: directory.join("revocation-marks.json"),
            ..RevocationSettings::default()
        },
        time_stamping: TimeStamping {
            authorities: vec![TimeStampAuthority {
                url: format!("http://{public}/tsa"),
                policy: Some(pki::tsa::POLICY.to_string()),
                allow_private: true,
            }],
            timeout_seconds: 10,
            total_seconds: 30,
            ..TimeStamping::default()
        },
        verify: Verify {
            document_kinds: Some(directory.join(DOCUMENT_KINDS)).filter(|path| path.is_file()),
            ..Verify::default()
        },
        registry: Registry { path: directory.join("registry.db"), ..Registry::default() },
        audit: Audit {
            folder: has_audit.then(|| directory.join(AUDIT)),
            key: has_audit.then(|| directory.join(AUDIT).with_extension("key")),
        },
        issuance_log: IssuanceLog {
            folder: has_log.then(|| directory.join(ISSUANCE_LOG)),
            key: has_log.then(|| directory.join(ISSUANCE_LOG).with_extension("key")),
            origin: has_log.then(|| LOG_ORIGIN.to_owned()),
            ..IssuanceLog::default()
        },
        keys: vec![key("judicial", Member::Judicial), key("health", Member::Health)]
            .into_iter()
            .chain(receipt.clone())
            .chain(status_lists.clone())
            .collect(),
        receipt: Receipt { key: named(&receipt), ..Receipt::default() },
        status_lists: StatusLists { key: named(&status_lists), ..StatusLists::default() },
        kinds,
        clients,
        ..Config::default()
    }
}

/// A certificate that cannot be read identifies nobody.
fn fingerprint(path: &Path) -> Option<String> {
    crate::service::held::first_certificate(path).ok().map(|certificate| hex::encode(certificate.fingerprint()))
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
