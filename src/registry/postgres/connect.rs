//! The way to the server: whose word is taken for whom it is, which host of several, and how a session is set up.

use std::{
    fs,
    future::poll_fn,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{
    ClientWrapper, Connect, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime,
};
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    AsyncMessage, Client, Config, Error, Socket,
    config::{Host, SslMode, TargetSessionAttrs},
    error::SqlState,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::{NOT_DURABLE, OTHER_ENCODING, OpenError};
use crate::{config::PostgresSettings, net};

/// What opens connections, and what was heard on them.
pub(super) struct Door {
    hosts: Vec<Config>,
    tls: MakeRustlsConnect,
    limits: Limits,
    pub(super) warnings: Warnings,
}

/// How often a server warned of what it had just confirmed.
pub(super) type Warnings = Arc<AtomicU64>;

#[derive(Clone, Copy)]
struct Limits {
    connect: Duration,
    statement: Duration,
}

impl Door {
    /// # Errors
    /// [`OpenError`] about the settings; nothing is asked of the server yet.
    pub(super) fn new(settings: &PostgresSettings) -> Result<Self, OpenError> {
        // The client knows `require` alone; every certificate is verified here anyway.
        let url = settings.url.expose().replace("sslmode=verify-full", "sslmode=require");
        let mut config: Config = url.parse().map_err(|_| OpenError::Url)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(OpenError::Url);
        }
        if let Some(password) = password(settings)? {
            config.password(password);
        }
        let authorities = settings
            .tls_authorities
            .as_ref()
            .map(|path| fs::read(path).map_err(|source| OpenError::Authorities { path: path.clone(), source }));
        let tls = MakeRustlsConnect::new(net::tls(authorities.transpose()?.as_deref())?);
        let limits = Limits { connect: settings.connect_timeout(), statement: settings.timeout() };
        let hosts = each_host(&config, limits).ok_or(OpenError::Url)?;
        Ok(Self { hosts, tls, limits, warnings: Warnings::default() })
    }

    /// A pool of at most so many connections, none of them made yet.
    pub(super) fn pool(&self, connections: usize) -> Pool {
        let connect = EachHost {
            hosts: self.hosts.clone(),
            good: AtomicUsize::new(0),
            tls: self.tls.clone(),
            limit: self.limits.connect,
            warnings: Arc::clone(&self.warnings),
        };
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(Config::new(), connect, config);
        let statement = self.limits.statement;
        let hosts = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX);
        Pool::builder(manager)
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(self.limits.statement))
            // Each host has its own limit; this one is for what comes after.
            .create_timeout(Some(self.limits.connect.saturating_mul(hosts).saturating_add(self.limits.statement)))
            .recycle_timeout(Some(self.limits.statement))
            .post_create(Hook::async_fn(move |client, _| Box::pin(prepare(client, statement))))
            .build()
            .expect("a runtime is named")
    }
}

fn password(settings: &PostgresSettings) -> Result<Option<String>, OpenError> {
    if let Some(path) = &settings.password_file {
        let failed = |source| OpenError::PasswordFile { path: path.clone(), source };
        let text = fs::read_to_string(path).map_err(failed)?;
        return Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()));
    }
    let Some(name) = &settings.password_env else { return Ok(None) };
    match std::env::var(name) {
        Ok(password) if !password.is_empty() => Ok(Some(password)),
        _ => Err(OpenError::PasswordEnv { name: name.clone() }),
    }
}

/// One configuration for each host, so that each has its own time limit: one that hangs must not keep from the next.
fn each_host(config: &Config, limits: Limits) -> Option<Vec<Config>> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let count = hosts.len().max(addresses.len());
    let fits = |length: usize| length <= 1 || length == count;
    if !(fits(ports.len()) && (hosts.is_empty() || addresses.is_empty() || hosts.len() == addresses.len())) {
        return None;
    }
    let of = |index: usize| {
        let mut one = Config::new();
        one.ssl_mode(config.get_ssl_mode()).channel_binding(config.get_channel_binding());
        one.application_name(config.get_application_name().unwrap_or("antin"));
        // What is written must be written there; and what is read must be the newest.
        one.target_session_attrs(TargetSessionAttrs::ReadWrite);
        one.connect_timeout(limits.connect).tcp_user_timeout(limits.statement);
        one.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(5)).keepalives_retries(3);
        config.get_user().map(|user| one.user(user));
        config.get_password().map(|password| one.password(password));
        config.get_dbname().map(|name| one.dbname(name));
        config.get_options().map(|options| one.options(options));
        ports.get(index).or_else(|| ports.first()).map(|port| one.port(*port));
        addresses.get(index).map(|address| one.hostaddr(*address));
        match hosts.get(index) {
            Some(Host::Tcp(name)) => drop(one.host(name.as_str())),
            Some(Host::Unix(path)) => drop(one.host_path(path)),
            None => {}
        }
        // By default the client would do without TLS where the server says it has none, which anybody between could say.
        if config.get_ssl_mode() == SslMode::Prefer && !is_here(hosts.get(index), addresses.get(index)) {
            one.ssl_mode(SslMode::Require);
        }
        one
    };
    Some((0..count).map(of).collect())
}

/// Nothing goes over a network.
fn is_here(host: Option<&Host>, address: Option<&IpAddr>) -> bool {
    match (host, address) {
        (_, Some(address)) => address.is_loopback(),
        (Some(Host::Unix(_)), None) => true,
        (Some(Host::Tcp(name)), None) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        (None, None) => false,
    }
}

/// Asks one host after the other, the one that was good last first.
struct EachHost {
    hosts: Vec<Config>,
    good: AtomicUsize,
    tls: MakeRustlsConnect,
    limit: Duration,
    warnings: Warnings,
}

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for EachHost {
    fn connect(&self, _: &Config) -> Connecting<'_> {
        Box::pin(async move {
            let (first, count) = (self.good.load(Ordering::Relaxed), self.hosts.len());
            let mut fault = None;
            for index in (0..count).map(|step| (first + step) % count) {
                match timeout(self.limit, self.hosts[index].connect(self.tls.clone())).await {
                    Ok(Ok((client, connection))) => {
                        self.good.store(index, Ordering::Relaxed);
                        return Ok((client, tokio::spawn(carry(connection, Arc::clone(&self.warnings)))));
                    }
                    Ok(Err(error)) => fault = Some(error),
                    Err(_) => fault = fault.or_else(|| Some(Error::__private_api_timeout())),
                }
            }
            Err(fault.unwrap_or_else(Error::__private_api_timeout))
        })
    }
}

/// Carries the connection's octets to its end. A server whose standby is gone may be told to confirm a commit all the same; it
/// warns before it does, in the same stream, so that the warning is counted before the answer is read.
async fn carry<T>(mut connection: tokio_postgres::Connection<Socket, T>, warnings: Warnings)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => {
                if *notice.code() == SqlState::WARNING {
                    warnings.fetch_add(1, Ordering::SeqCst);
                    tracing::error!(notice = notice.message(), "the registry's database warns");
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(error = ?error, "a connection to the registry's database ended");
                return;
            }
        }
    }
}

/// Refuses a server that does not keep what it confirms and a database that cannot hold every letter, and has this session confirm only what is kept. Engines that do not know
/// a setting have nothing to be asked about it.
async fn prepare(client: &mut ClientWrapper, limit: Duration) -> Result<(), HookError> {
    let known = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', \
                 'server_encoding', 'statement_timeout', 'idle_in_transaction_session_timeout')";
    let mut orders = String::new();
    let milliseconds = limit.as_millis();
    for row in client.query(known, &[]).await.map_err(HookError::Backend)? {
        let (name, setting): (String, String) = (
            row.try_get(0).map_err(HookError::Backend)?,
            row.try_get::<_, Option<String>>(1).map_err(HookError::Backend)?.unwrap_or_default(),
        );
        match (&*name, &*setting) {
            ("fsync" | "full_page_writes", "off") => return Err(HookError::message(format!("{NOT_DURABLE}{name}"))),
            ("server_encoding", encoding) if !matches!(encoding, "UTF8" | "SQL_ASCII") => {
                return Err(HookError::message(format!("{OTHER_ENCODING}{encoding}")));
            }
            // Stronger than on: the standby has it for its readers too.
            ("synchronous_commit", "remote_apply") => {}
            ("synchronous_commit", _) => orders.push_str("SET synchronous_commit = 'on';"),
            // The server ends them as well. A commit that waits for a standby is not a statement to it, and goes on.
            ("statement_timeout" | "idle_in_transaction_session_timeout", _) => {
                orders.push_str(&format!("SET {name} = {milliseconds};"));
            }
            _ => {}
        }
    }
    client.batch_execute(&orders).await.map_err(HookError::Backend)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(url: &str) -> Option<Vec<Config>> {
        let limits = Limits { connect: Duration::from_secs(3), statement: Duration::from_secs(10) };
        each_host(&url.parse().expect(url), limits)
    }

    #[test]
    fn each_host_has_its_own_limit_and_port_and_must_be_one_that_is_written_to() {
        let found = hosts("postgres://antin:p@a.example,b.example:5433/antin?application_name=x").expect("hosts");
        let told: Vec<_> = found.iter().map(|one| (one.get_hosts().to_vec(), one.get_ports().to_vec())).collect();
        let host = |name: &str| vec![Host::Tcp(name.to_owned())];
        assert_eq!(told, [(host("a.example"), vec![5432]), (host("b.example"), vec![5433])]);
        for one in &found {
            assert_eq!(one.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
            assert_eq!(one.get_connect_timeout(), Some(&Duration::from_secs(3)));
            assert_eq!((one.get_user(), one.get_dbname()), (Some("antin"), Some("antin")));
            assert_eq!((one.get_password(), one.get_application_name()), (Some(&b"p"[..]), Some("x")));
        }
        assert!(hosts("host=a,b,c port=1,2 user=antin").is_none());
        assert!(hosts("host=a,b hostaddr=127.0.0.1 user=antin").is_none());
    }

    #[test]
    fn nothing_goes_over_a_network_in_the_clear_unless_it_is_said() {
        let mode = |url: &str| hosts(url).expect("hosts").iter().map(Config::get_ssl_mode).collect::<Vec<_>>();
        assert_eq!(
            mode("postgres://a@db.example,127.0.0.1,localhost/x"),
            [SslMode::Require, SslMode::Prefer, SslMode::Prefer]
        );
        assert_eq!(mode("postgres://a@db.example/x?sslmode=prefer"), [SslMode::Require]);
        assert_eq!(mode("postgres://a@db.example/x?sslmode=disable"), [SslMode::Disable]);
        assert_eq!(mode("host=localhost hostaddr=192.0.2.1 user=a"), [SslMode::Require], "a name alone says nothing");
        let settings = PostgresSettings::new("postgres://a@db.example/x?sslmode=verify-full");
        assert_eq!(Door::new(&settings).expect("a door").hosts[0].get_ssl_mode(), SslMode::Require);
    }
}
