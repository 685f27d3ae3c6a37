//! `POST /v1/verify` over HTTP beside the bare P-256 verification of the same OpenSSL in the same run on the same core
//! (`docs/performance.md`): JSON, a detached CAdES-B-B signature over 1 KiB, keep-alive, chain and CRL known. Then the same
//! beside ten thousand idle TLS connections ([`idle`]), and beside people who use the page ([`page`]).
//!
//! Three processes: the service and the yardstick on the first core, in turns; the connections on the others, all in one thread
//! that never sleeps, so that the service does not pay for waking its clients up. No pipelining. Everything is bounded in time,
//! and the service ends with the run.

mod connection;
mod idle;
mod page;
mod process;
mod yardstick;

use std::{
    error::Error,
    path::Path,
    process::{Command, ExitCode},
    sync::Arc,
    thread,
    time::Duration,
};

use connection::Connection;
use process::Server;
use yardstick::{YARDSTICK, Yardstick};

/// Rounds of yardstick and service in turns; the median ratio is printed.
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(400);
/// Connections kept alive; as many requests are under way at most.
const CONNECTIONS: usize = 6;
/// Waiting for the service to start, or for one answer.
const PATIENCE: Duration = Duration::from_secs(20);
const WANTED: f64 = 0.55;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let is = |mode: &str| arguments.get(1).is_some_and(|argument| argument == mode);
    let ended = if is(YARDSTICK) {
        yardstick::measure_when_asked()
    } else if is(idle::SERVER) {
        idle::serve(&arguments[2..])
    } else {
        keep_off_the_servers_core()
            .and_then(|()| compare_all())
            .and_then(|()| page::compare())
            .and_then(|()| idle::compare())
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench http: {error}");
            ExitCode::FAILURE
        }
    }
}

fn keep_off_the_servers_core() -> Result<(), Failure> {
    let cores = thread::available_parallelism()?.get();
    if cores == 1 {
        println!("this machine has one core: the connections share it with the service");
        return Ok(());
    }
    let own = std::process::id().to_string();
    process::run(Command::new("taskset").args(["-a", "-c", "-p", &format!("1-{}", cores - 1), &own]))
}

/// One round of one side: operations a second by the clock, and microseconds of the core's time for each, which other
/// processes on this machine do not change.
#[derive(Clone, Copy)]
struct Round {
    rate: f64,
    core_time: f64,
}

/// As the settings have it by default, and with an audit log, as `antin dev` has one.
fn compare_all() -> Result<(), Failure> {
    println!("{} (POST /v1/verify, JSON, 1 KiB document, detached CAdES-B-B, P-256)", openssl::version::version());
    let (alone, audited) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let ratio = compare(&Server::own(alone.path())?, alone.path())?;
    println!("ratio {ratio:.2}  (wanted {WANTED:.2})");
    println!("the same with an audit log:");
    let ratio = compare(&Server::dev(audited.path())?, audited.path())?;
    println!("ratio {ratio:.2}");
    Ok(())
}

fn compare(server: &Server, directory: &Path) -> Result<f64, Failure> {
    let mut yardstick = Yardstick::start()?;
    let request = Arc::new(connection::request(&directory.join("pki"), server.address)?);
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
    Ok(median(&|(bare, served)| served.rate / bare.rate))
}
