//! The way to Redis: one server, the one that Sentinel names, or a cluster. Every step is bounded in time.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue, IntoConnectionInfo, RedisError,
    RedisResult, TlsCertificates, cmd,
};
use tokio::time::timeout;

use super::StoreFault;
use crate::config::revocation::{RedisSettings, RedisUrl};
use crate::revocation::StartError;

/// Where Redis is.
#[derive(Clone)]
enum Place {
    One(Client),
    /// How to speak to the master, its name, and those who know where it is.
    Sentinel {
        master: ConnectionInfo,
        name: String,
        sentinels: Vec<Client>,
    },
    /// The cluster, and its nodes known from the settings.
    Cluster {
        cluster: ClusterClient,
        nodes: Vec<Client>,
    },
}

/// Opens connections.
#[derive(Clone)]
pub(super) struct Door {
    place: Place,
    /// Until a connection stands, and until one command is answered.
    limit: Duration,
}

impl Door {
    pub fn new(settings: &RedisSettings) -> Result<Self, StartError> {
        let tls = Tls::of(settings)?;
        let limit = Duration::from_millis(settings.timeout_milliseconds);
        let place = if let Some(sentinel) = &settings.sentinel {
            let master = tls.client(&sentinel.master)?.get_connection_info().clone();
            let (ConnectionAddr::Tcp(name, _) | ConnectionAddr::TcpTls { host: name, .. }) = master.addr() else {
                return Err(StartError::RedisUrl);
            };
            Place::Sentinel { name: name.clone(), master, sentinels: tls.clients(&sentinel.urls)? }
        } else if let Some(url) = &settings.url {
            Place::One(tls.client(url)?)
        } else {
            Place::Cluster { cluster: tls.cluster(&settings.cluster, limit)?, nodes: tls.clients(&settings.cluster)? }
        };
        Ok(Self { place, limit })
    }

    pub async fn connect(&self) -> Result<Connection, StoreFault> {
        let opened = match &self.place {
            Place::One(client) => self.open(client).await.map(Link::One),
            Place::Sentinel { .. } => self.open(&self.master().await?).await.map(Link::One),
            Place::Cluster { cluster, .. } => self.bounded(cluster.get_async_connection()).await.map(Link::Cluster),
        };
        Ok(Connection { link: opened.map_err(|error| StoreFault::of(&error))?, limit: self.limit })
    }

    /// A connection that hears the channel. A cluster carries plain messages to all its nodes, so that any one does.
    pub async fn subscribe(&self, channel: &str) -> Result<PubSub, StoreFault> {
        let clients = match &self.place {
            Place::One(client) => vec![client.clone()],
            Place::Sentinel { .. } => vec![self.master().await?],
            Place::Cluster { nodes, .. } => nodes.clone(),
        };
        let mut fault = StoreFault::Connection;
        for client in clients {
            let subscribing = async {
                let mut connection = client.get_async_pubsub().await?;
                connection.subscribe(channel).await?;
                Ok(connection)
            };
            match self.bounded(subscribing).await {
                Ok(connection) => return Ok(connection),
                Err(error) => fault = StoreFault::of(&error),
            }
        }
        Err(fault)
    }

    /// Asks the Sentinels in turn for the master. The client's own way has no time limit: a Sentinel that hangs would hold it
    /// for ever.
    async fn master(&self) -> Result<Client, StoreFault> {
        let Place::Sentinel { master, name, sentinels } = &self.place else { return Err(StoreFault::Connection) };
        let mut fault = StoreFault::Connection;
        for sentinel in sentinels {
            let asking = async {
                let mut connection = self.open(sentinel).await?;
                cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).query_async(&mut connection).await
            };
            match self.bounded(asking).await {
                Ok(Some((host, port))) => return client_at(master, host, port).map_err(|error| StoreFault::of(&error)),
                // It does not know this master.
                Ok(None) => {}
                Err(error) => fault = StoreFault::of(&error),
            }
        }
        Err(fault)
    }

    async fn open(&self, client: &Client) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.limit))
            .set_response_timeout(Some(self.limit));
        self.bounded(client.get_multiplexed_async_connection_with_config(&config)).await
    }

    /// The client's own limit covers the TCP connection; this one the greeting too.
    async fn bounded<T>(&self, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        within(self.limit * 2, work).await
    }
}

enum Link {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

pub(super) struct Connection {
    link: Link,
    limit: Duration,
}

impl Connection {
    pub async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        match &mut self.link {
            Link::One(connection) => within(self.limit * 2, command.query_async(connection)).await,
            // Time for one more try elsewhere.
            Link::Cluster(connection) => within(self.limit * 4, command.query_async(connection)).await,
        }
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    timeout(limit, work).await.map_err(late)?
}

/// The same server elsewhere.
fn client_at(like: &ConnectionInfo, host: String, port: u16) -> RedisResult<Client> {
    let address = match like.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    Client::open(like.clone().set_addr(address))
}

/// The authorities that vouch for `rediss` servers.
struct Tls {
    authorities: Option<Vec<u8>>,
}

impl Tls {
    fn of(settings: &RedisSettings) -> Result<Self, StartError> {
        if settings.urls().any(RedisUrl::is_tls) {
            // The client takes the process's TLS provider; where one is chosen already, that one stays.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let read = |path: &PathBuf| fs::read(path).map_err(|source| StartError::File { path: path.clone(), source });
        Ok(Self { authorities: settings.tls_authorities.as_ref().map(read).transpose()? })
    }

    fn certificates(&self) -> TlsCertificates {
        TlsCertificates { client_tls: None, root_cert: self.authorities.clone() }
    }

    fn client(&self, url: &RedisUrl) -> Result<Client, StartError> {
        let client = if url.is_tls() {
            Client::build_with_tls(url.expose(), self.certificates())
        } else {
            Client::open(url.expose())
        };
        client.map_err(|_| StartError::RedisUrl)
    }

    fn clients(&self, urls: &[RedisUrl]) -> Result<Vec<Client>, StartError> {
        urls.iter().map(|url| self.client(url)).collect()
    }

    fn cluster(&self, urls: &[RedisUrl], limit: Duration) -> Result<ClusterClient, StartError> {
        let nodes = urls.iter().map(|url| url.expose().into_connection_info()).collect::<RedisResult<Vec<_>>>();
        let builder = ClusterClient::builder(nodes.map_err(|_| StartError::RedisUrl)?)
            .connection_timeout(limit)
            .response_timeout(limit)
            .overall_response_timeout(Some(limit * 4))
            .retries(2);
        let builder = if urls.iter().any(RedisUrl::is_tls) { builder.certs(self.certificates()) } else { builder };
        builder.build().map_err(|_| StartError::RedisUrl)
    }
}
