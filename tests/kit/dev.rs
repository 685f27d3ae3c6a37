//! `antin dev` as a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// A service on ports of this machine that are free, and a folder to work in; killed in the end.
pub struct DevService {
    pub process: Child,
    pub port: u16,
    pub folder: tempfile::TempDir,
}

impl DevService {
    pub fn start() -> Self {
        for _ in 0..5 {
            let folder = tempfile::tempdir().expect("a folder");
            let port = free_port();
            let mut process = Command::new(env!("CARGO_BIN_EXE_antin"))
                .args(["dev", "--port", &port.to_string(), "--dir"])
                .arg(folder.path().join("dev"))
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts");
            let mut said = String::new();
            let _ = BufReader::new(process.stdout.take().expect("piped")).read_line(&mut said);
            let service = Self { process, port, folder };
            if said.starts_with("ready") {
                return service;
            }
        }
        panic!("no port is free for long enough");
    }

    /// The folder of its PKI.
    pub fn pki(&self) -> PathBuf {
        self.folder.path().join("dev/pki")
    }

    pub fn public(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub fn mutual_tls(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port + 1))
    }

    /// The most memory that it ever had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kilobytes * 1024
    }
}

impl Drop for DevService {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One whose next is free too.
fn free_port() -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr());
    loop {
        let port = free(0).expect("a port").port();
        if port < u16::MAX && free(port + 1).is_ok() {
            return port;
        }
    }
}
