//! The issuing system: connections kept alive, each with one order under way at most.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use antin::pki::Member;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    net::TcpStream,
    sync::Mutex,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{Failure, service::Service};

const REFERRAL: &[u8] = include_bytes!("../../testvectors/documents/referral.json");
/// Connections that carry batches, and lines of one.
const BATCHES: usize = 4;
const LINES: usize = 4096;

pub struct Clients {
    connections: Vec<Arc<Mutex<Connection>>>,
    connector: Connector,
    next: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Connector {
    tls: TlsConnector,
    service: std::net::SocketAddr,
}

/// What a run saw.
pub struct Run {
    time: Duration,
    /// From when each order was to be sent to when it was answered, sorted.
    latencies: Vec<Duration>,
}

impl Run {
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }

    /// Milliseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let at = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }
}

impl Clients {
    pub async fn open(service: &Service, count: usize) -> Result<Self, Failure> {
        let connector = Connector::new(service)?;
        let mut connections = Vec::new();
        for _ in 0..count {
            connections.push(Arc::new(Mutex::new(Connection::open(&connector).await?)));
        }
        Ok(Self { connections, connector, next: Arc::default() })
    }

    /// Signs as fast as answers come, or at a rate for all together.
    pub async fn sign_for(&self, time: Duration, rate: Option<f64>) -> Result<Run, Failure> {
        let started = Instant::now();
        let document = STANDARD.encode(REFERRAL);
        let body = format!(
            r#"{{"kind":"referral","document":"{document}","mediaType":"application/json","format":"cades","packaging":"detached","level":"B-B"}}"#
        );
        let body = Arc::new(body);
        let count = self.connections.len();
        let mut lanes = tokio::task::JoinSet::new();
        for (lane, connection) in self.connections.iter().enumerate() {
            let (connection, next, body) = (Arc::clone(connection), Arc::clone(&self.next), Arc::clone(&body));
            let pace = rate.map(|rate| Duration::from_secs_f64(count as f64 / rate));
            lanes.spawn(async move {
                let mut connection = connection.lock().await;
                let mut latencies = Vec::new();
                // Each lane begins at its own part of the pace.
                let mut due = started + pace.map_or(Duration::ZERO, |pace| pace.mul_f64(lane as f64 / count as f64));
                while started.elapsed() < time {
                    match pace {
                        Some(pace) => {
                            tokio::time::sleep_until(due.into()).await;
                            let asked = due;
                            due += pace;
                            connection.sign(&body, next.fetch_add(1, Ordering::Relaxed)).await?;
                            latencies.push(asked.elapsed());
                        }
                        None => {
                            let asked = Instant::now();
                            connection.sign(&body, next.fetch_add(1, Ordering::Relaxed)).await?;
                            latencies.push(asked.elapsed());
                        }
                    }
                }
                Ok::<_, Failure>(latencies)
            });
        }
        let mut latencies = Vec::new();
        while let Some(lane) = lanes.join_next().await {
            latencies.extend(lane??);
        }
        latencies.sort_unstable();
        Ok(Run { time: started.elapsed(), latencies })
    }

    /// Documents a second that are verified in batches.
    pub async fn verify_batches(&self, time: Duration) -> Result<f64, Failure> {
        let signature = {
            let mut connection = self.connections[0].lock().await;
            let document = STANDARD.encode(REFERRAL);
            let body = format!(
                r#"{{"kind":"referral","document":"{document}","mediaType":"application/json","format":"cades","packaging":"detached","level":"B-B"}}"#
            );
            let answer = connection.sign(&body, self.next.fetch_add(1, Ordering::Relaxed)).await?;
            let answer: serde_json::Value = serde_json::from_slice(&answer)?;
            answer["signature"].as_str().ok_or("no signature")?.to_owned()
        };
        let line =
            format!("{{\"id\":1,\"document\":\"{}\",\"signature\":\"{signature}\"}}\n", STANDARD.encode(REFERRAL));
        let lines = Arc::new(line.repeat(LINES));
        let (started, mut lanes) = (Instant::now(), tokio::task::JoinSet::new());
        for _ in 0..BATCHES {
            let (connector, lines) = (self.connector.clone(), Arc::clone(&lines));
            lanes.spawn(async move {
                let mut verified = 0_usize;
                while started.elapsed() < time {
                    let (reading, writing) = tokio::io::split(connector.connect().await?);
                    let sending = tokio::spawn(send_batch(writing, lines.clone()));
                    verified += count_accepted(reading).await?;
                    sending.await??;
                }
                Ok::<_, Failure>(verified)
            });
        }
        let mut verified = 0;
        while let Some(lane) = lanes.join_next().await {
            verified += lane??;
        }
        Ok(verified as f64 / started.elapsed().as_secs_f64())
    }
}

async fn send_batch(mut writing: WriteHalf<TlsStream<TcpStream>>, lines: Arc<String>) -> io::Result<()> {
    let head = format!(
        "POST /v1/verify/batch HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\n\
         Content-Length: {}\r\n\r\n",
        lines.len()
    );
    writing.write_all(head.as_bytes()).await?;
    writing.write_all(lines.as_bytes()).await?;
    writing.flush().await
}

/// Answers that accept; every line must be one.
async fn count_accepted(mut reading: ReadHalf<TlsStream<TcpStream>>) -> Result<usize, Failure> {
    let mut all = Vec::with_capacity(16 << 20);
    // Who closes without a word of TLS has sent its last chunk.
    if let Err(error) = reading.read_to_end(&mut all).await
        && error.kind() != io::ErrorKind::UnexpectedEof
    {
        return Err(error.into());
    }
    let accepted = memchr::memmem::find_iter(&all, b"\"outcome\":\"ACCEPT\"").count();
    if accepted == LINES {
        return Ok(accepted);
    }
    let other = all.split(|octet| *octet == b'\n').find(|line| {
        memchr::memmem::find(line, b"httpStatus").is_some() && memchr::memmem::find(line, b"ACCEPT").is_none()
    });
    let other = String::from_utf8_lossy(other.unwrap_or_default()).into_owned();
    let end = String::from_utf8_lossy(&all[all.len().saturating_sub(40)..]).into_owned();
    Err(format!("{accepted} of {LINES} lines were accepted; another: {other}; the end: {end:?}").into())
}

impl Connector {
    fn new(service: &Service) -> Result<Self, Failure> {
        let pki = service.pki();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(Member::Root.certificate_path(&pki))?)?;
        let chain = CertificateDer::pem_file_iter(Member::IssuingSystem.certificate_path(&pki))?;
        let chain = chain.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(Member::IssuingSystem.key_path(&pki))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), service: service.mutual_tls })
    }

    async fn connect(&self) -> Result<TlsStream<TcpStream>, Failure> {
        let stream = TcpStream::connect(self.service).await?;
        stream.set_nodelay(true)?;
        Ok(self.tls.connect(ServerName::try_from("localhost")?, stream).await?)
    }
}

/// One connection kept alive.
struct Connection {
    stream: TlsStream<TcpStream>,
    received: Vec<u8>,
}

impl Connection {
    async fn open(connector: &Connector) -> Result<Self, Failure> {
        Ok(Self { stream: connector.connect().await?, received: Vec::new() })
    }

    /// The body of the answer to an order under a key of this number; anything but 201 ends the run.
    async fn sign(&mut self, body: &str, number: u64) -> Result<Vec<u8>, Failure> {
        let request = format!(
            "POST /v1/sign HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: bench-{number}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.received.clear();
        loop {
            if let Some(end) = memchr::memmem::find(&self.received, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.received[..end]).to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
                let length: usize = length.ok_or("an answer without length")?.trim().parse()?;
                if self.received.len() >= end + 4 + length {
                    if !head.starts_with("http/1.1 201") {
                        return Err(String::from_utf8_lossy(&self.received).into_owned().into());
                    }
                    return Ok(self.received[end + 4..end + 4 + length].to_vec());
                }
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the service closed the connection".into());
            }
        }
    }
}
