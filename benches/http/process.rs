//! The processes on the server's core, each ended with its owner.

use std::{
    fs, io,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Failure, ROUND, Round, connection::Connection, idle};

const SERVER_CORE: &str = "0";

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// A child process that does not outlive its owner.
pub struct Kept(pub Child);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Kept {
    /// On the server's core, standard input and output connected.
    pub fn start(program: &Path, arguments: &[&str]) -> Result<Self, Failure> {
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg(program).args(arguments).env("TOKIO_WORKER_THREADS", "1");
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        Ok(Self(started.map_err(|error| format!("{command:?}: {error}"))?))
    }

    /// Time its threads had a core for.
    pub fn core_time(&self) -> io::Result<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let figures = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            nanoseconds += figures.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }
}

/// The service.
pub struct Server {
    process: Kept,
    pub address: SocketAddr,
}

impl Server {
    /// `antin dev` in a folder of its own.
    pub fn dev(directory: &Path) -> Result<Self, Failure> {
        let port = free_ports()?.to_string();
        let program = Path::new(env!("CARGO_BIN_EXE_antin"));
        Self::start(program, &["dev", "--dir", plain(directory)?, "--port", &port])
    }

    /// This program as the service, with room for idle connections and busy people.
    pub fn own(directory: &Path) -> Result<Self, Failure> {
        let port = free_ports()?.to_string();
        Self::start(&std::env::current_exe()?, &[idle::SERVER, plain(directory)?, &port])
    }

    fn start(program: &Path, arguments: &[&str]) -> Result<Self, Failure> {
        let mut process = Kept::start(program, arguments)?;
        let mut ready = String::new();
        BufReader::new(process.0.stdout.take().ok_or("no standard output")?).read_line(&mut ready)?;
        let address =
            ready.split(' ').find_map(|word| word.strip_prefix("http://")).ok_or("the service did not start")?;
        Ok(Self { address: address.trim().parse()?, process })
    }

    /// One round over all connections; the latencies of its requests.
    pub fn load(&self, connections: &mut [Connection], request: &[u8]) -> Result<(Round, Vec<Duration>), Failure> {
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

fn plain(directory: &Path) -> Result<&str, Failure> {
    Ok(directory.to_str().ok_or("the temporary folder has no plain name")?)
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
