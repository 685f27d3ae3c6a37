//! `POST /v1/verify` over HTTP beside the bare P-256 verification of the same OpenSSL in the same run on the same core
//! (`docs/performance.md`): JSON, a detached CAdES-B-B signature over 1 KiB, keep-alive, chain and CRL known.
//!
//! Three processes: `antin dev` and the yardstick on the first core, in turns; the connections on the others, all in one thread
//! that never sleeps, so that the service does not pay for waking its clients up. No pipelining. Everything is bounded in time,
//! and the service ends with the run.

use std::{
    error::Error,
    fs,
    hint::black_box,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use antin::{
    clock,
    core::{algorithm::DigestAlgorithm, crypto, evidence_file},
    signing::{
        CadesRequest, CadesSigner,
        key::{RsaPadding, SoftwareKey},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::{ec::EcKey, ecdsa::EcdsaSig, nid::Nid};

/// Rounds of yardstick and service in turns; the median ratio is printed.
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(400);
/// Connections kept alive; as many requests are under way at most.
const CONNECTIONS: usize = 6;
/// Waiting for the service to start, or for one answer.
const PATIENCE: Duration = Duration::from_secs(20);
const SERVER_CORE: &str = "0";
const WANTED: f64 = 0.55;
/// The argument that makes this program the yardstick.
const YARDSTICK: &str = "yardstick";

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let ended = if std::env::args().any(|argument| argument == YARDSTICK) { measure_when_asked() } else { compare() };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench http: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One round of one side: operations a second by the clock, and microseconds of the core's time for each, which other
/// processes on this machine do not change.
#[derive(Clone, Copy)]
struct Round {
    rate: f64,
    core_time: f64,
}

fn compare() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let cores = thread::available_parallelism()?.get();
    if cores > 1 {
        // The connections keep off the server's core.
        let own = std::process::id().to_string();
        run(Command::new("taskset").args(["-a", "-c", "-p", &format!("1-{}", cores - 1), &own]))?;
    } else {
        println!("this machine has one core: the connections share it with the service");
    }
    let mut yardstick = Yardstick::start()?;
    let server = Server::start(directory.path())?;
    let request = Arc::new(request(&directory.path().join("pki"), server.address)?);
    let mut connections = (0..CONNECTIONS).map(|_| Connection::open(server.address)).collect::<Result<Vec<_>, _>>()?;
    server.load(&mut connections, &request)?; // the chain and its CRLs become known

    let mut latencies = Vec::new();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let bare = yardstick.measure()?;
        let (served, seen) = server.load(&mut connections, &request)?;
        latencies.extend(seen);
        rounds.push((bare, served));
    }
    latencies.sort_unstable();
    let percentile = |share: usize| latencies[(latencies.len() - 1) * share / 100].as_micros();
    let median = |of: &dyn Fn(&(Round, Round)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!("{} (POST /v1/verify, JSON, 1 KiB document, detached CAdES-B-B, P-256)", openssl::version::version());
    println!("{CONNECTIONS} connections, {} documents, one server core, {ROUNDS} rounds in turns", latencies.len());
    println!(
        "documents {:.0}/s of {:.0}/s bare verifications, latency p50 {} µs, p99 {} µs",
        median(&|(_, served)| served.rate),
        median(&|(bare, _)| bare.rate),
        percentile(50),
        percentile(99)
    );
    println!(
        "core time {:.1} µs a document, {:.1} µs a bare verification: ratio {:.2}",
        median(&|(_, served)| served.core_time),
        median(&|(bare, _)| bare.core_time),
        median(&|(bare, served)| bare.core_time / served.core_time)
    );
    println!("ratio {:.2}  (wanted {WANTED:.2})", median(&|(bare, served)| served.rate / bare.rate));
    Ok(())
}

/// Runs a program to its end.
fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// A child process that does not outlive its owner.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Kept {
    /// On the server's core, standard input and output connected.
    fn start(program: &Path, arguments: &[&str]) -> Result<Self, Failure> {
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg(program).args(arguments).env("TOKIO_WORKER_THREADS", "1");
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        Ok(Self(started.map_err(|error| format!("{command:?}: {error}"))?))
    }

    /// Time its threads had a core for.
    fn core_time(&self) -> io::Result<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let figures = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            nanoseconds += figures.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }
}

/// The bare verification, on the server's core.
struct Yardstick {
    process: Kept,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Yardstick {
    fn start() -> Result<Self, Failure> {
        let mut process = Kept::start(&std::env::current_exe()?, &[YARDSTICK])?;
        let ask = process.0.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(process.0.stdout.take().ok_or("no standard output")?);
        Ok(Self { process, ask, answers })
    }

    fn measure(&mut self) -> Result<Round, Failure> {
        let core_time = self.process.core_time()?;
        self.ask.write_all(b"measure\n")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let used = self.process.core_time()? - core_time;
        let (count, seconds) = line.trim().split_once(' ').ok_or("the yardstick ended")?;
        let (count, seconds): (f64, f64) = (count.parse()?, seconds.parse()?);
        Ok(Round { rate: count / seconds, core_time: used.as_secs_f64() * 1e6 / count })
    }
}

/// The yardstick's side: one round for each line on standard input, answered by count and seconds.
fn measure_when_asked() -> Result<(), Failure> {
    let group = openssl::ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let private = EcKey::generate(&group)?;
    let public = EcKey::from_public_key(&group, private.public_key())?;
    let digest = crypto::sha256(&[0x5A; 1024]);
    let signature = EcdsaSig::sign(&digest, &private)?;
    for line in io::stdin().lines() {
        line?;
        let start = Instant::now();
        let mut count = 0;
        while start.elapsed() < ROUND {
            for _ in 0..8 {
                assert!(signature.verify(black_box(&digest), &public)?);
            }
            count += 8;
        }
        println!("{count} {}", start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// `antin dev` in a folder of its own.
struct Server {
    process: Kept,
    address: SocketAddr,
}

impl Server {
    fn start(directory: &Path) -> Result<Self, Failure> {
        let port = free_ports()?.to_string();
        let directory = directory.to_str().ok_or("the temporary folder has no plain name")?;
        let program = Path::new(env!("CARGO_BIN_EXE_antin"));
        let mut process = Kept::start(program, &["dev", "--dir", directory, "--port", &port])?;
        let mut ready = String::new();
        BufReader::new(process.0.stdout.take().ok_or("no standard output")?).read_line(&mut ready)?;
        let address =
            ready.split(' ').find_map(|word| word.strip_prefix("http://")).ok_or("the service did not start")?;
        Ok(Self { address: address.parse()?, process })
    }

    /// One round over all connections; the latencies of its requests.
    fn load(&self, connections: &mut [Connection], request: &[u8]) -> Result<(Round, Vec<Duration>), Failure> {
        let (core_time, start) = (self.process.core_time()?, Instant::now());
        let mut latencies = Vec::with_capacity(8192);
        for connection in connections.iter_mut() {
            connection.ask(request)?;
        }
        let mut waiting = connections.len();
        while waiting > 0 {
            for connection in connections.iter_mut().filter(|connection| connection.is_waiting()) {
                if let Some(latency) = connection.answer()? {
                    latencies.push(latency);
                    if start.elapsed() < ROUND {
                        connection.ask(request)?;
                    } else {
                        waiting -= 1;
                    }
                }
            }
        }
        let (elapsed, used) = (start.elapsed(), self.process.core_time()? - core_time);
        let count = latencies.len() as f64;
        Ok((Round { rate: count / elapsed.as_secs_f64(), core_time: used.as_secs_f64() * 1e6 / count }, latencies))
    }
}

/// The first of two neighbouring ports that nobody has now.
fn free_ports() -> Result<u16, Failure> {
    for _ in 0..64 {
        let first = TcpListener::bind(("127.0.0.1", 0))?;
        let port = first.local_addr()?.port();
        if port < u16::MAX - 1 && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    Err("no two neighbouring ports are free".into())
}

/// The whole HTTP request: head and JSON body, with a document signed by a signer of the PKI.
fn request(pki: &Path, address: SocketAddr) -> Result<Vec<u8>, Failure> {
    let certificate = evidence_file::certificates(&fs::read(pki.join("signers/health.crt"))?)
        .map_err(|_| "the signer's certificate cannot be read")?
        .remove(0);
    let key = SoftwareKey::from_pem(&fs::read(pki.join("signers/health.key"))?, RsaPadding::Pss, &certificate)?;
    let signer = CadesSigner::new("bench", key, Arc::new(certificate), &[]);
    let document = [0x5A; 1024];
    let digest = crypto::sha256(&document);
    let signature = signer.sign_unchecked(&CadesRequest {
        digest: (DigestAlgorithm::Sha256, &digest),
        content: None,
        signing_time: clock::now(),
        document: None,
    })?;
    let body =
        format!(r#"{{"document":"{}","signature":"{}"}}"#, STANDARD.encode(document), STANDARD.encode(signature));
    let length = body.len();
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    Ok((head + &body).into_bytes())
}

/// One connection kept alive.
struct Connection {
    stream: TcpStream,
    /// Since when it waits for an answer.
    asked: Option<Instant>,
    received: Vec<u8>,
    filled: usize,
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, asked: None, received: vec![0; 64 * 1024], filled: 0 })
    }

    const fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// Sends a request, which fits the socket's buffer.
    fn ask(&mut self, request: &[u8]) -> io::Result<()> {
        (self.asked, self.filled) = (Some(Instant::now()), 0);
        self.stream.write_all(request)
    }

    /// How long the answer took, if it is there.
    fn answer(&mut self) -> Result<Option<Duration>, Failure> {
        let Some(waited) = self.asked.map(|asked| asked.elapsed()) else { return Ok(None) };
        match self.stream.read(&mut self.received[self.filled..]) {
            Ok(0) => return Err("the service closed a connection, or its answer is too long".into()),
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && waited < PATIENCE => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let answer = &self.received[..self.filled];
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let (head, body) = (std::str::from_utf8(&answer[..head])?, &answer[head + 4..]);
        let field = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned);
        let length: usize = head.lines().find_map(field).ok_or("an answer without length")?.parse()?;
        if body.len() < length {
            return Ok(None);
        }
        if !head.starts_with("HTTP/1.1 200 ") || !body.starts_with(br#"{"reliance":{"outcome":"ACCEPT""#) {
            return Err(String::from_utf8_lossy(answer).into());
        }
        self.asked = None;
        Ok(Some(waited))
    }
}
