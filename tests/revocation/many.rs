//! Several Redis servers that belong together: a master with its replica and a Sentinel, or a cluster; in plain, or over TLS. Each
//! has a plain port too, for the test's own questions.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use antin::config::revocation::{RedisSettings, RedisUrl, SentinelSettings};
use tempfile::TempDir;

use super::redis::{RedisServer, free_port};

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A certificate for this machine that servers show to clients and to each other, and who issued it.
pub struct Tls {
    directory: TempDir,
}

impl Tls {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let extensions = "subjectAltName = IP:127.0.0.1\nextendedKeyUsage = serverAuth, clientAuth\n";
        std::fs::write(directory.path().join("extensions"), extensions).expect("written");
        let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        for command in [
            format!("req -x509 {new_key} -keyout ca.key -out ca.crt -subj /CN=Redis-CA -days 2"),
            format!("req {new_key} -keyout node.key -out node.csr -subj /CN=redis"),
            "x509 -req -in node.csr -CA ca.crt -CAkey ca.key -set_serial 2 -days 2 -extfile extensions -out node.crt"
                .to_owned(),
        ] {
            let output = Command::new("openssl").args(words(&command)).current_dir(directory.path()).output();
            let output = output.expect("openssl is installed");
            assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Self { directory }
    }

    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.crt")
    }

    /// Settings of a server that listens at `port`, one a line.
    fn lines(&self, port: u16) -> String {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        format!(
            "tls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ntls-auth-clients no\n\
             tls-replication yes\n",
            path("node.crt"),
            path("node.key"),
            path("ca.crt")
        )
    }
}

/// A server on two ports, with these arguments.
struct Node {
    server: RedisServer,
    /// Where it is spoken to.
    port: u16,
}

impl Node {
    fn start(tls: Option<&Tls>, arguments: impl Fn(u16) -> String) -> Self {
        let mut at = 0;
        let server = RedisServer::start_with(|plain| {
            at = if tls.is_some() { free_port() } else { plain };
            let tls = tls.map(|tls| tls.lines(at)).unwrap_or_default();
            let tls: Vec<String> = tls.lines().map(|line| format!("--{line}")).collect();
            words(&format!("--port {plain} {} {}", arguments(at), tls.join(" ")))
        });
        Self { server, port: at }
    }
}

/// Quick settings without a place.
fn quick(tls: Option<&Tls>) -> RedisSettings {
    let tls_authorities = tls.map(Tls::authority);
    RedisSettings { poll_seconds: 1, timeout_milliseconds: 500, tls_authorities, ..RedisSettings::default() }
}

const fn scheme(tls: Option<&Tls>) -> &'static str {
    if tls.is_some() { "rediss" } else { "redis" }
}

pub struct Sentinelled {
    pub master: RedisServer,
    pub replica: RedisServer,
    _sentinel: RedisServer,
    sentinel_port: u16,
    tls: Option<Tls>,
    _directory: TempDir,
}

impl Sentinelled {
    /// Every server knows the user `antin` with the password `known` and these rights.
    pub fn start(rights: &str, tls: Option<Tls>) -> Self {
        let user = format!("--user antin on >known {rights}");
        let master = Node::start(tls.as_ref(), |_| user.clone());
        let of = master.port;
        let replica = Node::start(tls.as_ref(), |_| format!("--replicaof 127.0.0.1 {of} {user}"));
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("sentinel.conf");
        let tls_port = free_port();
        let text = format!(
            "sentinel monitor the-master 127.0.0.1 {of} 1\nsentinel down-after-milliseconds the-master 1000\n\
             sentinel failover-timeout the-master 3000\n{}",
            tls.as_ref().map(|tls| tls.lines(tls_port)).unwrap_or_default()
        );
        std::fs::write(&file, text).expect("written");
        let path = file.to_string_lossy();
        let sentinel = RedisServer::start_with(|port| words(&format!("{path} --sentinel --port {port}")));
        let sentinel_port = if tls.is_some() { tls_port } else { sentinel.port };
        let (master, replica) = (master.server, replica.server);
        Self { master, replica, _sentinel: sentinel, sentinel_port, tls, _directory: directory }
    }

    /// The first Sentinel named is not there.
    pub fn settings(&self) -> RedisSettings {
        let scheme = scheme(self.tls.as_ref());
        let url = |port: u16| RedisUrl::new(&format!("{scheme}://127.0.0.1:{port}"));
        let urls = [free_port(), self.sentinel_port].map(url).to_vec();
        let master = RedisUrl::new(&format!("{scheme}://antin:known@the-master/0"));
        RedisSettings { sentinel: Some(SentinelSettings { master, urls }), ..quick(self.tls.as_ref()) }
    }
}

pub struct Cluster {
    /// Three masters, then their replicas.
    pub nodes: Vec<RedisServer>,
    /// Where each is spoken to.
    ports: Vec<u16>,
    tls: Option<Tls>,
    _directory: TempDir,
}

impl Cluster {
    /// Every node knows the user `antin` with the password `known` and these rights.
    pub fn start(rights: &str, tls: Option<Tls>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = directory.path().to_string_lossy().into_owned();
        let bus = if tls.is_some() { "--tls-cluster yes" } else { "" };
        let node = |_| {
            Node::start(tls.as_ref(), |port| {
                format!(
                    "--cluster-enabled yes --cluster-config-file {folder}/{port}.conf --cluster-node-timeout 1000 {bus} \
                     --user antin on >known {rights}"
                )
            })
        };
        let (nodes, ports): (Vec<RedisServer>, Vec<u16>) =
            (0..6).map(node).map(|node| (node.server, node.port)).unzip();
        let addresses = ports.iter().map(|port| format!("127.0.0.1:{port}"));
        let mut create = Command::new("redis-cli");
        if let Some(tls) = &tls {
            create.arg("--tls").arg("--cacert").arg(tls.authority());
        }
        create.args(["--cluster", "create"]).args(addresses).args(["--cluster-replicas", "1", "--cluster-yes"]);
        let created = create.output().expect("redis-cli is installed");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        let cluster = Self { nodes, ports, tls, _directory: directory };
        let started = std::time::Instant::now();
        while !cluster.nodes.iter().all(cluster_is_whole) {
            assert!(started.elapsed() < Duration::from_secs(20), "no cluster came up");
            std::thread::sleep(Duration::from_millis(100));
        }
        cluster
    }

    pub fn settings(&self) -> RedisSettings {
        let scheme = scheme(self.tls.as_ref());
        let url = |port: &u16| RedisUrl::new(&format!("{scheme}://antin:known@127.0.0.1:{port}"));
        RedisSettings { cluster: self.ports.iter().map(url).collect(), ..quick(self.tls.as_ref()) }
    }

    /// The node that holds the key as a master, if there is one now.
    pub fn master_of(&self, key: &str) -> Option<usize> {
        let ask = |node: &RedisServer, words: &[&str]| {
            let output = Command::new("redis-cli").args(["-p", &node.port.to_string()]).args(words).output();
            String::from_utf8_lossy(&output.expect("redis-cli is installed").stdout).trim().to_owned()
        };
        // It answers for the slot itself: neither with an error nor with another's address.
        let is_master = |node: &RedisServer| {
            node.is_running()
                && ask(node, &["ROLE"]).starts_with("master")
                && ask(node, &["STRLEN", key]).bytes().all(|octet| octet.is_ascii_digit())
        };
        self.nodes.iter().position(is_master)
    }
}

/// All nodes are known, and a replica has what its master has: without that it never takes its place.
fn cluster_is_whole(node: &RedisServer) -> bool {
    let info: String = node.command("CLUSTER", &["INFO"]);
    let replication: String = node.command("INFO", &["replication"]);
    info.contains("cluster_state:ok")
        && info.contains("cluster_known_nodes:6")
        && (replication.contains("role:master") || replication.contains("master_link_status:up"))
}
