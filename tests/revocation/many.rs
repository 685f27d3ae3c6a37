//! Several Redis servers that belong together: a master with its replica and a Sentinel, or a cluster.

use std::process::Command;
use std::time::Duration;

use antin::config::revocation::{RedisSettings, RedisUrl, SentinelSettings};
use tempfile::TempDir;

use super::redis::{RedisServer, free_port};

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Quick settings without a place.
fn quick() -> RedisSettings {
    RedisSettings { poll_seconds: 1, timeout_milliseconds: 500, ..RedisSettings::default() }
}

pub struct Sentinelled {
    pub master: RedisServer,
    pub replica: RedisServer,
    sentinel: RedisServer,
    _directory: TempDir,
}

impl Sentinelled {
    /// Every server knows the user `antin` with the password `known` and these rights.
    pub fn start(rights: &str) -> Self {
        let user = format!("--user antin on >known {rights}");
        let master = RedisServer::start_with(|port| words(&format!("--port {port} {user}")));
        let of = master.port;
        let replica =
            RedisServer::start_with(|port| words(&format!("--port {port} --replicaof 127.0.0.1 {of} {user}")));
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("sentinel.conf");
        let text = format!(
            "sentinel monitor the-master 127.0.0.1 {of} 1\nsentinel down-after-milliseconds the-master 1000\n\
             sentinel failover-timeout the-master 3000\n"
        );
        std::fs::write(&file, text).expect("written");
        let path = file.to_string_lossy();
        let sentinel = RedisServer::start_with(|port| words(&format!("{path} --sentinel --port {port}")));
        Self { master, replica, sentinel, _directory: directory }
    }

    /// The first Sentinel named is not there.
    pub fn settings(&self) -> RedisSettings {
        let urls = [free_port(), self.sentinel.port].map(|port| RedisUrl::new(&format!("redis://127.0.0.1:{port}")));
        let master = RedisUrl::new("redis://antin:known@the-master/0");
        RedisSettings { sentinel: Some(SentinelSettings { master, urls: urls.to_vec() }), ..quick() }
    }
}

pub struct Cluster {
    /// Three masters, then their replicas.
    pub nodes: Vec<RedisServer>,
    _directory: TempDir,
}

impl Cluster {
    /// Every node knows the user `antin` with the password `known` and these rights.
    pub fn start(rights: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = directory.path().to_string_lossy().into_owned();
        let node = |_| {
            RedisServer::start_with(|port| {
                words(&format!(
                    "--port {port} --cluster-enabled yes --cluster-config-file {folder}/{port}.conf \
                     --cluster-node-timeout 1000 --user antin on >known {rights}"
                ))
            })
        };
        let nodes: Vec<RedisServer> = (0..6).map(node).collect();
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(addresses).args(["--cluster-replicas", "1", "--cluster-yes"]);
        let created = create.output().expect("redis-cli is installed");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        let cluster = Self { nodes, _directory: directory };
        let started = std::time::Instant::now();
        while !cluster.nodes.iter().all(cluster_is_whole) {
            assert!(started.elapsed() < Duration::from_secs(20), "no cluster came up");
            std::thread::sleep(Duration::from_millis(100));
        }
        cluster
    }

    pub fn settings(&self) -> RedisSettings {
        let url = |node: &RedisServer| RedisUrl::new(&format!("redis://antin:known@127.0.0.1:{}", node.port));
        RedisSettings { cluster: self.nodes.iter().map(url).collect(), ..quick() }
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
