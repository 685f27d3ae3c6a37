//! A listener: accepts, shakes hands, serves, and ends politely. Every wait has a limit.

use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use axum::{
    body::Body,
    http::{Request, StatusCode},
    response::Response,
};
use futures_util::StreamExt;
use hyper::{
    body::Incoming,
    rt::{Read, Write, bounds::Http2ServerConnExec},
    server::conn::{http1, http2},
    service::{HttpService, service_fn},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{
    arriving::Arriving,
    auth::Caller,
    batch::Streamed,
    client_crls::{ClientCrls, is_listed, names_one_of},
    head::StrictFraming,
    origin::Peer,
    patience::Patient,
    places::{InWork, Place, Places},
    request::Door,
};
use crate::{
    clock,
    config::Limits,
    core::x509::Certificate,
    service::{SharedEvidence, permission::Clients},
};

/// Octets of a request's head.
const HEAD_LIMIT: usize = 32 * 1024;
const HEADER_FIELDS: usize = 64;
/// Streams of one HTTP/2 connection.
const STREAMS: u32 = 64;
/// Streams reset by the client before they were looked at (rapid reset, CVE-2023-44487).
const RESET_STREAMS: usize = 32;
/// Octets with which HTTP/2 begins (RFC 9113 §3.4).
const PREFACE: usize = 24;
/// How long an HTTP/1.1 connection whose place is wanted may take to end: long enough to write out what is ready.
const FLUSH: Duration = Duration::from_millis(10);
/// The same for HTTP/2, which says goodbye and hears of it.
const GIVE_WAY: Duration = Duration::from_millis(100);
/// How often the certificate of an open connection is looked at.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);
/// Pause after the system refused a connection (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// TLS with client certificates.
pub struct Tls {
    pub config: ArcSwap<ServerConfig>,
    /// A connection ends when what the settings say of its client changes.
    pub clients: watch::Receiver<Arc<Clients>>,
    /// What the revocation cache knows, beside the CRLs in `config`.
    pub evidence: SharedEvidence,
    /// Those in `config`: clients that a new one names are asked to close.
    pub client_crls: watch::Receiver<ClientCrls>,
}

/// SHA-256 of the certificate that the client of this connection showed, left in each of its requests.
#[derive(Clone, Copy)]
pub struct ClientCertificate(pub [u8; 32]);

/// What a client showed of itself, and what may come to shut it out.
struct Presented {
    /// Its own first.
    certificates: Vec<Certificate>,
    client_crls: watch::Receiver<ClientCrls>,
    clients: watch::Receiver<Arc<Clients>>,
    evidence: SharedEvidence,
    /// Who it was at the handshake.
    caller: Caller,
}

impl Presented {
    fn client_certificate(&self) -> Option<ClientCertificate> {
        self.certificates.first().map(|certificate| ClientCertificate(*certificate.fingerprint()))
    }

    /// Waits until a new list names the client, new settings say something else of it, or its certificate ends.
    async fn no_longer_holds(self) {
        let Self { certificates, mut client_crls, mut clients, evidence, caller } = self;
        let revoked = async {
            while client_crls.changed().await.is_ok() {
                if names_one_of(&client_crls.borrow_and_update(), &certificates) {
                    return;
                }
            }
            // Nobody reads lists any more: the service stops.
            std::future::pending().await
        };
        let changed = async {
            while clients.changed().await.is_ok() {
                if !Caller::of_certificate(&clients.borrow_and_update(), certificates.first()).is_same_as(&caller) {
                    return;
                }
            }
            std::future::pending().await
        };
        // By the wall clock, which may jump; and what the revocation cache knows tells nobody that it has changed.
        let over = async {
            loop {
                let now = clock::now();
                let is_over = certificates.iter().any(|certificate| certificate.not_after < now);
                if is_over || certificates.first().is_some_and(|own| is_listed(&evidence.load(), own)) {
                    return;
                }
                tokio::time::sleep(LOOKED_AT_EVERY).await;
            }
        };
        tokio::select! {
            () = revoked => {}
            () = changed => {}
            () = over => {}
        }
    }
}

/// What every connection of a listener shares.
pub struct Listener {
    pub door: Arc<Door>,
    pub limits: Limits,
    /// `None`: plain HTTP/1.1.
    pub tls: Option<Tls>,
}

impl Listener {
    /// Serves until `stop` says so; then waits for requests in work, as long as the settings allow.
    pub async fn serve(self: Arc<Self>, socket: TcpListener, mut stop: watch::Receiver<bool>) {
        let places = Places::new(self.limits.connections);
        let mut tasks = JoinSet::new();
        loop {
            let place = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                place = places.take() => place,
            };
            let accepted = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    let (listener, stop) = (Arc::clone(&self), stop.clone());
                    tasks.spawn(async move { listener.connection(stream, Peer(address.ip()), place, stop).await });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
            while tasks.try_join_next().is_some() {}
        }
        drop(socket);
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.limits.shutdown(), ended).await.is_err() {
            tracing::warn!("requests in work were cut off by the end of the service");
        }
    }

    async fn connection(&self, stream: TcpStream, peer: Peer, place: Place, stop: watch::Receiver<bool>) {
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else {
            return self.http1(stream, &place, (Caller::Anyone, peer), stop, None).await;
        };
        let mut client_crls = tls.client_crls.clone();
        client_crls.borrow_and_update();
        let mut clients = tls.clients.clone();
        let acceptor = TlsAcceptor::from(tls.config.load_full());
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(self.limits.handshake(), acceptor.accept(stream)) => accepted,
            () = place.wanted() => return,
        };
        let stream = match accepted {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                metrics::counter!("antin_tls_handshakes_failed_total").increment(1);
                return tracing::debug!(%error, "TLS handshake failed");
            }
            Err(_) => return tracing::debug!("TLS handshake took too long"),
        };
        let session = stream.get_ref().1;
        let chain = session.peer_certificates().unwrap_or_default();
        // One that cannot be read is nobody's, whatever those after it are.
        let certificates: Vec<_> = chain.iter().map_while(|der| Certificate::decode(der).ok()).collect();
        if certificates.first().is_some_and(|certificate| is_listed(&tls.evidence.load(), certificate)) {
            metrics::counter!("antin_tls_handshakes_failed_total").increment(1);
            return tracing::warn!("a client was not let in: the revocation cache knows its certificate as revoked");
        }
        let caller = Caller::of_certificate(&clients.borrow_and_update(), certificates.first());
        let evidence = Arc::clone(&tls.evidence);
        let presented = Some(Presented { certificates, client_crls, clients, evidence, caller: caller.clone() });
        if session.alpn_protocol() == Some(b"h2") {
            self.http2(stream, &place, (caller, peer), stop, presented).await;
        } else {
            self.http1(stream, &place, (caller, peer), stop, presented).await;
        }
    }

    async fn http1<T>(
        &self,
        stream: T,
        place: &Place,
        (caller, peer): (Caller, Peer),
        stop: watch::Receiver<bool>,
        presented: Option<Presented>,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header())
            .max_header_size(HEAD_LIMIT)
            .max_headers(HEADER_FIELDS);
        let (close, closing) = watch::channel(false);
        let shown = presented.as_ref().and_then(Presented::client_certificate);
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(Closing(closing.clone()));
            request.extensions_mut().insert(place.working());
            request.extensions_mut().insert(peer);
            if let Some(shown) = shown {
                request.extensions_mut().insert(shown);
            }
            let (in_work, request) = place.begin(request);
            respond(Arc::clone(&self.door), caller.clone(), in_work, request)
        });
        let stream = TokioIo::new(StrictFraming::new(Patient::new(stream, self.limits.body())));
        let connection = pin!(builder.serve_connection(stream, service));
        self.serve_to_its_end(connection, place, FLUSH, self.time_to_close(stop, presented), close).await;
    }

    async fn http2<T>(
        &self,
        stream: T,
        place: &Place,
        (caller, peer): (Caller, Peer),
        stop: watch::Receiver<bool>,
        presented: Option<Presented>,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_pending_accept_reset_streams(RESET_STREAMS)
            .max_local_error_reset_streams(RESET_STREAMS)
            .max_header_list_size(HEAD_LIMIT as u32)
            .keep_alive_interval(self.limits.header())
            .keep_alive_timeout(self.limits.header());
        let door = Arc::clone(&self.door);
        let (close, closing) = watch::channel(false);
        let shown = presented.as_ref().and_then(Presented::client_certificate);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Closing(closing.clone()));
            request.extensions_mut().insert(place.working());
            request.extensions_mut().insert(peer);
            if let Some(shown) = shown {
                request.extensions_mut().insert(shown);
            }
            let (in_work, request) = place.begin(request);
            respond(Arc::clone(&door), caller.clone(), in_work, request)
        });
        let stream = Patient::new(stream, self.limits.body()).opening_within(PREFACE, self.limits.header());
        let connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        self.serve_to_its_end(connection, place, GIVE_WAY, self.time_to_close(stop, presented), close).await;
    }

    /// Serves until the other side ends the connection, or it is time to close it, or its place is wanted and it has no whole
    /// request in work; then it has `goodbye` to end.
    async fn serve_to_its_end(
        &self,
        mut connection: Pin<&mut impl Graceful>,
        place: &Place,
        goodbye: Duration,
        time_to_close: impl Future<Output = ()>,
        close: watch::Sender<bool>,
    ) {
        tokio::select! {
            ended = connection.as_mut() => return note_end(ended),
            () = time_to_close => {
                connection.as_mut().take_no_more();
                close.send_replace(true);
            }
            () = place.wanted() => {
                connection.as_mut().take_no_more();
                close.send_replace(true);
                let ended = tokio::time::timeout(goodbye, connection.as_mut()).await;
                if ended.is_ok() || !place.is_working() {
                    return;
                }
            }
        }
        self.last_requests(connection).await;
    }

    /// Waits for a connection that takes no more requests, as long as those in work and their answers may take.
    async fn last_requests(&self, connection: impl Future<Output = hyper::Result<()>>) {
        match tokio::time::timeout(self.limits.request() + self.limits.body(), connection).await {
            Ok(ended) => note_end(ended),
            Err(_) => tracing::debug!("a connection did not end when asked to"),
        }
    }

    /// The service stops, the client was revoked or its permissions changed, its certificate has ended, or the connection is old.
    async fn time_to_close(&self, mut stop: watch::Receiver<bool>, presented: Option<Presented>) {
        let shut_out = async {
            match presented {
                Some(presented) => presented.no_longer_holds().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = shut_out => {}
            () = tokio::time::sleep(self.limits.connection()) => {}
        }
    }
}

/// Tells a request of many parts that its connection is to end: the service stops, the client was revoked or its permissions changed, its place is wanted. The parts
/// that were begun end, no more are.
#[derive(Clone)]
pub struct Closing(watch::Receiver<bool>);

impl Closing {
    /// Returns when it is time.
    pub async fn wait(&mut self) {
        if self.0.wait_for(|closing| *closing).await.is_err() {
            // Nobody is left who could say so.
            std::future::pending::<()>().await;
        }
    }
}

/// A connection that can be told to take no more requests.
trait Graceful: Future<Output = hyper::Result<()>> {
    fn take_no_more(self: Pin<&mut Self>);
}

impl<I, S> Graceful for http1::Connection<I, S>
where
    Self: Future<Output = hyper::Result<()>>,
    I: Read + Write + Unpin,
    S: HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn take_no_more(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, E> Graceful for http2::Connection<I, S, E>
where
    Self: Future<Output = hyper::Result<()>>,
    I: Read + Write + Unpin,
    S: HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: Http2ServerConnExec<S::Future, Body>,
{
    fn take_no_more(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

async fn respond(
    door: Arc<Door>,
    caller: Caller,
    in_work: InWork,
    request: Request<Arriving>,
) -> Result<Response, io::Error> {
    let response = door.respond(request.map(Body::new), caller).await;
    if response.extensions().get::<Streamed>().is_some() {
        // What answers it holds the request's body, and reads on.
        return Ok(response.map(|body| {
            Body::from_stream(body.into_data_stream().inspect(move |_| {
                let _held = &in_work;
            }))
        }));
    }
    // Who was too slow is waited for no longer.
    if response.status() != StatusCode::REQUEST_TIMEOUT {
        in_work.take_rest().await;
    }
    drop(in_work);
    Ok(response)
}

fn note_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
