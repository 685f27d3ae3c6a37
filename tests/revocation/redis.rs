//! A Redis of a test's own: Debian's server on a free loopback port, nothing on disk.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use antin::config::revocation::RedisSettings;
use redis::{Connection, FromRedisValue, ToRedisArgs};
use tempfile::TempDir;

/// A port that nobody listens on, nor 10,000 above, where a cluster node talks to the others. Both are below those that the
/// system gives away by itself.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let start = std::process::id() as u16 % 8000;
    let ports = std::iter::repeat_with(|| 12_000 + start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000);
    ports.into_iter().find(|port| free(*port) && free(*port + 10_000)).expect("an endless search")
}

pub struct RedisServer {
    pub port: u16,
    /// Beside those every server gets.
    arguments: Vec<String>,
    process: Option<Child>,
    directory: Option<TempDir>,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::start_with(|port| vec!["--port".to_owned(), port.to_string()])
    }

    /// A server that gets these arguments for its free port.
    pub fn start_with(arguments: impl FnOnce(u16) -> Vec<String>) -> Self {
        let port = free_port();
        let mut server = Self { port, arguments: arguments(port), process: None, directory: None };
        server.run();
        server
    }

    /// Starts the server, empty, on its port.
    pub fn run(&mut self) {
        // A folder of its own, for a replica keeps there what its master sent.
        let directory = tempfile::tempdir().expect("a directory");
        let folder = directory.path().to_string_lossy();
        let arguments = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", &folder];
        let mut command = Command::new("redis-server");
        let process = command.args(&self.arguments).args(arguments).stdout(Stdio::null()).spawn();
        self.process = Some(process.expect("redis-server is installed"));
        self.directory = Some(directory);
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "redis-server does not listen");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("killed");
            process.wait().expect("waited for");
        }
    }

    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Sends `STOP` or `CONT` to the server.
    pub fn signal(&self, name: &str) {
        let process = self.process.as_ref().expect("a running server").id().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().expect("kill").success());
    }

    pub fn settings(&self) -> RedisSettings {
        let url = format!("redis://127.0.0.1:{}/0", self.port);
        RedisSettings { poll_seconds: 1, timeout_milliseconds: 500, ..RedisSettings::new(&url) }
    }

    /// Runs one command.
    pub fn command<T: FromRedisValue>(&self, name: &str, arguments: &[impl ToRedisArgs]) -> T {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/0", self.port)).expect("a client");
        let mut connection: Connection = client.get_connection().expect("a connection");
        redis::cmd(name).arg(arguments).query(&mut connection).expect("an answer")
    }

    pub fn get(&self, key: &str) -> Vec<u8> {
        self.command("GETRANGE", &[key, "0", "-1"])
    }

    pub fn set(&self, key: &str, value: &[u8]) {
        self.command("SET", &[key.as_bytes(), value])
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
