//! Outbound HTTP: fetching public files such as CRLs from hosts that the operator allowed, and from nothing else.
//!
//! A request goes to the very address that was checked (no second resolution), follows no redirect, uses no proxy, accepts no
//! compressed body, and is bounded in size and time. [`shared`] is the door through which the whole process asks.

pub mod address;
pub mod breaker;
pub mod flights;
pub mod shared;

use std::future::ready;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::timeout;

use self::address::{Reach, reach};

/// Octets of the longest URL.
const URL_LIMIT: usize = 2048;

/// A host and port that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    /// A DNS name or an IP address, as it stands in a URL; an IPv6 address with or without brackets.
    pub host: String,
    pub port: u16,
    /// It may have a private or loopback address.
    pub allow_private: bool,
}

impl AllowedHost {
    /// That of a URL that an operator named; `None`: not a URL that may be asked for.
    pub fn of_url(url: &str, allow_private: bool) -> Option<Self> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        Some(Self { host: url.host_str()?.to_owned(), port: url.port_or_known_default()?, allow_private })
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    pub url: String,
    /// Sent by POST, with its media type; none: GET.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// Octets of the longest answer, within those of the fetcher.
    pub maximum_bytes: usize,
    /// Somebody trusted named the URL. Else a stranger may have: what comes of it says nothing about the host.
    pub vouched: bool,
}

impl FetchRequest {
    /// By GET.
    pub fn get(url: &str, maximum_bytes: usize) -> Self {
        Self { url: url.to_owned(), body: None, maximum_bytes, vouched: true }
    }

    /// The same, of a URL that nobody vouches for.
    pub fn unvouched(self) -> Self {
        Self { vouched: false, ..self }
    }

    /// Two requests with one identity get one answer.
    fn identity(&self) -> String {
        let body = self.body.as_ref().map(|(_, octets)| hex::encode(octets)).unwrap_or_default();
        format!("{} {} {body}", self.vouched, self.url)
    }
}

/// Bounds of one request.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// Octets of the body.
    pub maximum_bytes: usize,
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the last octet of the body is there, name resolution included.
    pub total: Duration,
}

/// A fetcher that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum FetcherError {
    #[error("TLS cannot be set up for fetching: see the cause")]
    Tls(#[from] rustls::Error),
    #[error("the TLS authorities for fetching are no PEM certificates: give a file of CERTIFICATE blocks")]
    Authorities,
}

/// Why nothing was fetched. The texts hold nothing that a server sent.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the URL is not an absolute http or https URL without user, password and fragment, of at most 2048 octets")]
    Url,
    #[error("{host} port {port} is not on the list of allowed hosts: add it there if it should be asked")]
    NotAllowed { host: String, port: u16 },
    #[error("{host} cannot be resolved: check the name and the resolver")]
    Unresolved { host: String },
    #[error("{host} has address {address}, which may not be asked; private ones need allow-private")]
    AddressRefused { host: String, address: IpAddr },
    #[error("no connection to the host could be made")]
    Connection(#[source] reqwest::Error),
    #[error("no whole answer came in time")]
    TimedOut,
    #[error("the answer breaks off or is no HTTP")]
    Transfer(#[source] reqwest::Error),
    #[error("the answer redirects (status {0}), which is not followed: give the final URL")]
    Redirect(u16),
    #[error("the answer has status {0} instead of 200")]
    Status(u16),
    /// Of a witness of logs, which C2SP tlog-witness lets say so.
    #[error("the witness cosigned a tree of {0} entries last")]
    TreeSize(u64),
    #[error("the answer is compressed, which was not asked for")]
    Compressed,
    #[error("the answer is longer than {0} octets")]
    TooLong(usize),
    #[error("{host} did not answer several times and is left alone for {} s", wait.as_secs_f32().ceil())]
    Resting { host: String, wait: Duration },
    #[error("too much is being fetched already")]
    Busy,
}

impl FetchError {
    /// The kind of failure, for metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::NotAllowed { .. } => "not-allowed",
            Self::Unresolved { .. } => "unresolved",
            Self::AddressRefused { .. } => "address-refused",
            Self::Connection(_) => "connection",
            Self::TimedOut => "timed-out",
            Self::Transfer(_) => "transfer",
            Self::Redirect(_) => "redirect",
            Self::Status(_) => "status",
            Self::TreeSize(_) => "tree-size",
            Self::Compressed => "compressed",
            Self::TooLong(_) => "too-long",
            Self::Resting { .. } => "resting",
            Self::Busy => "busy",
        }
    }
}

/// Fetches from the allowed hosts.
pub struct Fetcher {
    allowed: Vec<AllowedHost>,
    limits: FetchLimits,
    tls: ClientConfig,
}

/// A URL that may be asked for, and where it leads.
struct Target {
    url: Url,
    host: String,
    port: u16,
    allow_private: bool,
}

impl Fetcher {
    /// `authorities`: PEM certificates that may vouch for `https` hosts; none: those of the machine.
    pub fn new(
        allowed: Vec<AllowedHost>,
        limits: FetchLimits,
        authorities: Option<&[u8]>,
    ) -> Result<Self, FetcherError> {
        let allowed = allowed.into_iter().map(|entry| AllowedHost { host: comparable(&entry.host), ..entry }).collect();
        Ok(Self { allowed, limits, tls: tls(authorities)? })
    }

    /// The hosts that may be asked, each in the form in which they are compared.
    fn allowed(&self) -> impl Iterator<Item = &AllowedHost> {
        self.allowed.iter()
    }

    /// The body of a 200 answer to a GET. Costs at most the limits.
    pub async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        self.fetch(&FetchRequest::get(url, self.limits.maximum_bytes)).await
    }

    /// The body of a 200 answer. Costs at most the limits.
    pub async fn fetch(&self, request: &FetchRequest) -> Result<Vec<u8>, FetchError> {
        timeout(self.limits.total, self.fetch_unhurried(request)).await.unwrap_or(Err(FetchError::TimedOut))
    }

    async fn fetch_unhurried(&self, request: &FetchRequest) -> Result<Vec<u8>, FetchError> {
        let target = self.target(&request.url)?;
        let addresses = resolve(&target).await?;
        let client = Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .dns_resolver(Pinned(addresses))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .http1_only()
            .pool_max_idle_per_host(0)
            .connect_timeout(self.limits.connect)
            .timeout(self.limits.total)
            .build()
            .map_err(FetchError::Connection)?;
        let asked = match &request.body {
            None => client.get(target.url),
            Some((media_type, octets)) => {
                client.post(target.url).header(header::CONTENT_TYPE, *media_type).body(octets.clone())
            }
        };
        let response = asked.header(header::ACCEPT_ENCODING, "identity").send().await.map_err(failure)?;
        body(response, request.maximum_bytes.min(self.limits.maximum_bytes)).await
    }

    /// Finds the URL's host on the list.
    fn target(&self, url: &str) -> Result<Target, FetchError> {
        if url.len() > URL_LIMIT {
            return Err(FetchError::Url);
        }
        let url = Url::parse(url).map_err(|_| FetchError::Url)?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        let (Some(host), Some(port), true) = (url.host_str(), url.port_or_known_default(), plain) else {
            return Err(FetchError::Url);
        };
        let host = comparable(host);
        match self.allowed.iter().find(|entry| entry.host == host && entry.port == port) {
            Some(entry) => Ok(Target { allow_private: entry.allow_private, url, host, port }),
            None => Err(FetchError::NotAllowed { host, port }),
        }
    }
}

async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, FetchError> {
    let status = response.status();
    if status.is_redirection() {
        return Err(FetchError::Redirect(status.as_u16()));
    }
    if status != StatusCode::OK {
        let is_size = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == "text/x.tlog.size");
        if status == StatusCode::CONFLICT && is_size {
            let text = response.chunk().await.map_err(failure)?.unwrap_or_default();
            let size = std::str::from_utf8(&text).ok().and_then(|text| text.strip_suffix('\n')?.parse().ok());
            return Err(size.map_or(FetchError::Status(status.as_u16()), FetchError::TreeSize));
        }
        return Err(FetchError::Status(status.as_u16()));
    }
    let encodings = response.headers().get_all(header::CONTENT_ENCODING).iter();
    if encodings.into_iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(FetchError::Compressed);
    }
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(FetchError::TooLong(limit));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > limit {
            return Err(FetchError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The addresses of the host that may be asked; one that may not is passed over unless it is the only one.
async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, FetchError> {
    let unresolved = || FetchError::Unresolved { host: target.host.clone() };
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await.map_err(|_| unresolved())?;
    let mut permitted = Vec::new();
    let mut refused = None;
    for address in found {
        match reach(address.ip()) {
            Reach::Global => permitted.push(address),
            Reach::Private if target.allow_private => permitted.push(address),
            _ => refused = Some(address.ip()),
        }
    }
    match (permitted.is_empty(), refused) {
        (false, _) => Ok(permitted),
        (true, Some(address)) => Err(FetchError::AddressRefused { host: target.host.clone(), address }),
        (true, None) => Err(unresolved()),
    }
}

/// Resolves every name to the addresses that were checked, so that what was checked is what is connected to.
struct Pinned(Vec<SocketAddr>);

impl Resolve for Pinned {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(ready(Ok(addresses)))
    }
}

/// Lower case, without the brackets of an IPv6 address and the final dot of a name.
fn comparable(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn failure(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    if error.is_timeout() {
        FetchError::TimedOut
    } else if error.is_connect() {
        FetchError::Connection(error)
    } else {
        FetchError::Transfer(error)
    }
}

/// TLS by the provider named here, whatever the default of the process is.
pub fn tls(authorities: Option<&[u8]>) -> Result<ClientConfig, FetcherError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let Some(authorities) = authorities else {
        // A machine without authorities can still fetch by http, as nearly every CRL is.
        let without = builder.clone().with_root_certificates(RootCertStore::empty());
        let builder = builder.with_platform_verifier();
        return Ok(builder.map_or(without, |builder| builder).with_no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities) {
        roots.add(certificate.map_err(|_| FetcherError::Authorities)?)?;
    }
    if roots.is_empty() {
        return Err(FetcherError::Authorities);
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetcher(allow_private: bool) -> Fetcher {
        let allowed = ["crl.example.vn", "localhost", "127.0.0.1", "[::1]", "169.254.169.254", "0.0.0.0"];
        let allowed = allowed.map(|host| AllowedHost { host: host.to_owned(), port: 80, allow_private }).to_vec();
        let second = Duration::from_secs(1);
        let limits = FetchLimits { maximum_bytes: 100, connect: second, total: second };
        Fetcher::new(allowed, limits, None).expect("a fetcher")
    }

    #[test]
    fn only_plain_urls_of_allowed_hosts_are_asked_for() {
        let fetcher = fetcher(false);
        for url in ["http://crl.example.vn/a.crl", "HTTP://CRL.example.vn.:80/", "http://127.1/", "http://[0::1]/"] {
            assert!(fetcher.target(url).is_ok(), "{url}");
        }
        let too_long = format!("http://crl.example.vn/{}", "a".repeat(URL_LIMIT));
        for url in [
            "",
            "/a.crl",
            "file:///etc/passwd",
            "ftp://crl.example.vn/",
            "http://u@crl.example.vn/",
            "http://:p@crl.example.vn/",
            &too_long,
        ] {
            assert!(matches!(fetcher.target(url), Err(FetchError::Url)), "{url}");
        }
        for url in
            ["https://crl.example.vn/", "http://crl.example.vn:8080/", "http://example.vn/", "http://x.crl.example.vn/"]
        {
            assert!(matches!(fetcher.target(url), Err(FetchError::NotAllowed { .. })), "{url}");
        }
    }

    #[tokio::test]
    async fn an_address_of_the_site_needs_leave_and_one_of_a_cloud_has_none() {
        for url in ["http://localhost/", "http://127.0.0.1/", "http://2130706433/", "http://[::1]/"] {
            let refused = fetcher(false).get(url).await;
            assert!(matches!(refused, Err(FetchError::AddressRefused { .. })), "{url}: {refused:?}");
        }
        for url in ["http://169.254.169.254/latest/", "http://0.0.0.0/"] {
            let refused = fetcher(true).get(url).await;
            assert!(matches!(refused, Err(FetchError::AddressRefused { .. })), "{url}: {refused:?}");
        }
    }

    #[test]
    fn authorities_must_be_certificates() {
        assert!(matches!(tls(Some(b"")), Err(FetcherError::Authorities)));
        assert!(matches!(tls(Some(b"text")), Err(FetcherError::Authorities)));
    }
}
