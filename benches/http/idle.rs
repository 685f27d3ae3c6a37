//! Ten thousand TLS connections that say nothing, beside the connections that ask: what the idle cost the others.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use antin::{
    cli::{dev, serve},
    pki::Member,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{net::TcpStream, runtime};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{CONNECTIONS, Failure, connection, connection::Connection, process::Server};

/// The argument that makes this program the service.
pub const SERVER: &str = "service";
const IDLE: usize = 10_000;
/// Handshakes under way at once.
const HANDSHAKES: usize = 32;
const ROUNDS: usize = 8;
/// p99 with the idle there, of p99 without them.
const WANTED: f64 = 2.0;

/// The service over the development PKI in a folder, with more room for idle connections than it has by default.
pub fn serve(arguments: &[String]) -> Result<(), Failure> {
    let [directory, port] = arguments else { return Err("a folder and a port are expected".into()) };
    let public: SocketAddr = format!("127.0.0.1:{port}").parse()?;
    let mutual_tls = SocketAddr::new(public.ip(), public.port() + 1);
    let directory = Path::new(directory);
    antin::pki::init(&directory.join("pki"), &antin::pki::InitOptions::default(), antin::clock::now())?;
    let mut config = dev::settings(directory, public, mutual_tls);
    config.limits.connections = 2 * IDLE;
    config.limits.header_seconds = 600;
    config.page.checks_a_minute = u32::MAX;
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let _running = serve::start(config, None).await?;
        println!("ready http://{public} ");
        std::future::pending().await
    })
}

pub fn compare() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let server = Server::own(directory.path())?;
    let pki = directory.path().join("pki");
    let request = connection::request(&pki, server.address)?;
    let mut connections = (0..CONNECTIONS).map(|_| Connection::open(server.address)).collect::<Result<Vec<_>, _>>()?;
    server.load(&mut connections, &request)?;
    let without = p99(&server, &mut connections, &request)?;

    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let idle = runtime.block_on(open(&pki, SocketAddr::new(server.address.ip(), server.address.port() + 1)))?;
    server.load(&mut connections, &request)?;
    let with = p99(&server, &mut connections, &request)?;
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    println!(
        "beside {} idle TLS connections: p99 {} µs, without them {} µs",
        idle.len(),
        with.as_micros(),
        without.as_micros()
    );
    println!("ratio {ratio:.2}  (wanted at most {WANTED:.2})");
    // Dropping ten thousand connections needs the runtime.
    let _guard = runtime.enter();
    drop(idle);
    Ok(())
}

fn p99(server: &Server, connections: &mut [Connection], request: &[u8]) -> Result<Duration, Failure> {
    let mut latencies = Vec::new();
    for _ in 0..ROUNDS {
        latencies.extend(server.load(connections, request)?.1);
    }
    latencies.sort_unstable();
    Ok(latencies[(latencies.len() - 1) * 99 / 100])
}

/// Handshakes as the agency, and nothing after them.
async fn open(pki: &Path, address: SocketAddr) -> Result<Vec<TlsStream<TcpStream>>, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(Member::Root.certificate_path(pki))?)?;
    let chain = CertificateDer::pem_file_iter(Member::Agency.certificate_path(pki))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(Member::Agency.key_path(pki))?;
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots);
    let connector = TlsConnector::from(Arc::new(builder.with_client_auth_cert(chain, key)?));
    let mut open = Vec::with_capacity(IDLE);
    while open.len() < IDLE {
        let begun = (0..HANDSHAKES.min(IDLE - open.len())).map(|_| {
            let connector = connector.clone();
            async move {
                connector
                    .connect(ServerName::try_from("localhost")?, TcpStream::connect(address).await?)
                    .await
                    .map_err(Failure::from)
            }
        });
        open.extend(futures_util::future::try_join_all(begun).await?);
    }
    Ok(open)
}
