//! A client of few words: what it sends is exactly what is written here.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Longer than any answer here takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, path: &str) -> Self {
        Self { head: format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"), body: Vec::new() }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let request = Self { body: body.into(), ..Self::new("POST", path) };
        request.header("Content-Type", content_type)
    }

    pub fn json(path: &str, body: &Value) -> Self {
        Self::post(path, "application/json", body.to_string())
    }

    /// Parts with a name and bytes, in this order.
    pub fn multipart(path: &str, parts: &[(&str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (name, bytes) in parts {
            body.extend(
                format!("--b0und\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n").bytes(),
            );
            body.extend_from_slice(bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--b0und--\r\n");
        Self::post(path, "multipart/form-data; boundary=b0und", body)
    }

    /// Parts as a form of a browser has them: name, name of the file (none: a text), bytes.
    pub fn files(path: &str, parts: &[(&str, &str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (name, file, bytes) in parts {
            let is_file = ["document", "documents", "signature"].contains(name);
            let file = if is_file { format!("; filename=\"{file}\"") } else { String::new() };
            body.extend(format!("--b0und\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes());
            body.extend_from_slice(bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--b0und--\r\n");
        Self::post(path, "multipart/form-data; boundary=b0und", body)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub fn bytes(self) -> Vec<u8> {
        let length =
            if self.body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", self.body.len()) };
        let mut bytes = format!("{}{length}\r\n", self.head).into_bytes();
        bytes.extend(self.body);
        bytes
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
        let status = head[9..12].parse().expect("a status");
        let rest = &bytes[end + 4..];
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Self { status, head, body: if chunked { joined(rest) } else { rest.to_vec() } }
    }

    /// Of NDJSON.
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("a line of JSON")).collect()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Of a problem; it is said to be one.
    pub fn code(&self) -> String {
        assert!(self.head.contains("content-type: application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status);
        body["code"].as_str().expect("a code").to_owned()
    }

    pub fn reliance(&self) -> (String, String) {
        assert_eq!(self.status, 200, "{self:?} {}", String::from_utf8_lossy(&self.body));
        let reliance = &self.json()["reliance"];
        let text = |name: &str| reliance[name].as_str().expect("text").to_owned();
        (text("outcome"), text("code"))
    }
}

/// The chunks of a body (RFC 9112 §7.1) that ended as it should, or was cut off.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = chunks.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let size = size.expect("the size of a chunk");
        let data = &chunks[end + 2..];
        if size == 0 || data.len() < size + 2 {
            break;
        }
        whole.extend_from_slice(&data[..size]);
        chunks = &data[size + 2..];
    }
    whole
}

pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    pub fn read(certificate: &Path, key: &Path) -> Self {
        let chain =
            CertificateDer::pem_file_iter(certificate).expect("a file").map(|found| found.expect("PEM")).collect();
        Self { chain, key: PrivateKeyDer::from_pem_file(key).expect("a key") }
    }

    pub fn new(certificate: Vec<u8>, key_pem: &[u8]) -> Self {
        let key = PrivateKeyDer::from_pem_slice(key_pem).expect("a key");
        Self { chain: vec![CertificateDer::from(certificate)], key }
    }
}

pub async fn plain(address: SocketAddr, request: Request) -> Answer {
    Answer::read(&raw(address, &request.bytes()).await)
}

/// Sends these bytes and reads until the other side closes.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    exchange(stream, bytes).await.expect("an answer")
}

pub async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> io::Result<Vec<u8>> {
    // The other side may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an answer in time");
    match read {
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(answer),
    }
}

pub async fn tls(address: SocketAddr, root: &Path, identity: Option<Identity>, request: Request) -> io::Result<Answer> {
    let stream = connect(address, root, identity).await?;
    let answer = exchange(stream, &request.bytes()).await?;
    if answer.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Answer::read(&answer)) }
}

pub async fn connect(address: SocketAddr, root: &Path, identity: Option<Identity>) -> io::Result<TlsStream<TcpStream>> {
    connect_offering(address, root, identity, &[]).await
}

/// Offers these application protocols (ALPN), in this order.
pub async fn connect_offering(
    address: SocketAddr,
    root: &Path,
    identity: Option<Identity>,
    protocols: &[&str],
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).expect("a root")).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots);
    let mut config = match identity {
        Some(Identity { chain, key }) => builder.with_client_auth_cert(chain, key).expect("an identity"),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await?).await
}
