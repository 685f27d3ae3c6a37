//! `antin serve` over a development PKI.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use antin::{
    clock,
    core::log::KeyKind,
    issuance_log,
    pki::{
        self, InitOptions, Member,
        key::{Algorithm, PrivateKey},
    },
};

use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::Failure;

/// Where the registry is.
pub enum Store {
    Sqlite { audit: bool, log: bool },
    Postgres(String),
}

/// Ended with its owner.
pub struct Service {
    process: Child,
    folder: tempfile::TempDir,
    pub mutual_tls: SocketAddr,
}

impl Service {
    pub fn start(store: &Store) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let pki = folder.path().join("pki");
        pki::init(&pki, &InitOptions::default(), clock::now())?;
        let certificate = CertificateDer::from_pem_file(Member::IssuingSystem.certificate_path(&pki))?;
        let client = hex::encode(antin::core::crypto::sha256(&certificate));
        let registry = match store {
            Store::Sqlite { audit, log: issuance_log } => {
                let key = PrivateKey::generate(Algorithm::P256)?.to_pkcs8_pem()?;
                fs::write(folder.path().join("audit.key"), key)?;
                let log = if *audit { "[audit]\nfolder = \"audit\"\nkey = \"audit.key\"\n" } else { "" };
                let origin = "localhost/bench";
                let (key, _) = issuance_log::generate(origin, KeyKind::Note)?;
                fs::write(folder.path().join("issuance-log.key"), key)?;
                let issuance_log = if *issuance_log {
                    format!(
                        "[issuance-log]\nfolder = \"issuance-log\"\nkey = \"issuance-log.key\"\norigin = \"{origin}\"\n"
                    )
                } else {
                    String::new()
                };
                format!("[registry]\npath = \"registry.db\"\n{log}{issuance_log}")
            }
            Store::Postgres(url) => format!("[registry.postgres]\nurl = \"{url}\"\n"),
        };
        let settings = format!(
            r#"
[public]
address = "127.0.0.1:0"
[mutual-tls]
address = "127.0.0.1:0"
certificate = "pki/server.crt"
chain = ["pki/ca.crt"]
key = "pki/server.key"
client-authorities = ["pki/ca.crt"]
client-crls = ["pki/crl/ca.crl"]
[trust]
anchors = ["pki/root.crt"]
intermediates = ["pki/ca.crt"]
[revocation]
sources = [{{ file = "pki/crl/root.crl" }}, {{ file = "pki/crl/ca.crl" }}]
[log]
requests = false
{registry}
[[key]]
name = "health"
file = "pki/signers/health.key"
certificate = "pki/signers/health.crt"
chain = ["pki/ca.crt"]
[[kind]]
name = "referral"
keys = ["health"]
[[client]]
name = "issuing-system"
sha256 = "{client}"
operations = ["sign", "verify"]
kinds = ["referral"]
keys = ["health"]
concurrency = 256
"#
        );
        fs::write(folder.path().join("antin.toml"), settings)?;
        let mut process = Command::new(env!("CARGO_BIN_EXE_antin"))
            .args(["serve", "--config"])
            .arg(folder.path().join("antin.toml"))
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        BufReader::new(process.stdout.take().ok_or("no pipe")?).read_line(&mut said)?;
        let address = said.split("https://").nth(1).ok_or_else(|| format!("it did not start: {said}"))?;
        let mutual_tls = address.trim().parse()?;
        Ok(Self { process, folder, mutual_tls })
    }

    pub fn pki(&self) -> PathBuf {
        self.folder.path().join("pki")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
