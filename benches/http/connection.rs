//! One question, and the connections that ask it.

use std::{
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use antin::{
    clock,
    core::{algorithm::DigestAlgorithm, crypto, evidence_file},
    signing::{
        CadesRequest, CadesSigner,
        key::{RsaPadding, SoftwareKey},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Failure, PATIENCE};

/// A document and its signature by a signer of the PKI, which may hold the document.
pub fn signed(pki: &Path, is_enveloping: bool) -> Result<([u8; 1024], Vec<u8>), Failure> {
    let certificate = evidence_file::certificates(&fs::read(pki.join("signers/health.crt"))?)
        .map_err(|_| "the signer's certificate cannot be read")?
        .remove(0);
    let key = SoftwareKey::from_pem(&fs::read(pki.join("signers/health.key"))?, RsaPadding::Pss, &certificate)?;
    let signer = CadesSigner::new("bench", key, Arc::new(certificate), &[]);
    let document = [0x5A; 1024];
    let digest = crypto::sha256(&document);
    let signature = signer.sign_unchecked(&CadesRequest {
        digest: (DigestAlgorithm::Sha256, &digest),
        content: is_enveloping.then_some(&document[..]),
        signing_time: clock::now(),
        document: None,
    })?;
    Ok((document, signature))
}

/// The whole HTTP request: head and JSON body.
pub fn request(pki: &Path, address: SocketAddr) -> Result<Vec<u8>, Failure> {
    let (document, signature) = signed(pki, false)?;
    let body =
        format!(r#"{{"document":"{}","signature":"{}"}}"#, STANDARD.encode(document), STANDARD.encode(signature));
    let length = body.len();
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    Ok((head + &body).into_bytes())
}

/// One connection kept alive.
pub struct Connection {
    stream: TcpStream,
    /// Since when it waits for an answer.
    asked: Option<Instant>,
    received: Vec<u8>,
    filled: usize,
}

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, asked: None, received: vec![0; 64 * 1024], filled: 0 })
    }

    pub const fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// Sends a request, which fits the socket's buffer.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<()> {
        (self.asked, self.filled) = (Some(Instant::now()), 0);
        self.stream.write_all(request)
    }

    /// How long the answer took, if it is there.
    pub fn answer(&mut self) -> Result<Option<Duration>, Failure> {
        let Some(waited) = self.asked.map(|asked| asked.elapsed()) else { return Ok(None) };
        match self.stream.read(&mut self.received[self.filled..]) {
            Ok(0) => return Err("the service closed a connection, or its answer is too long".into()),
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && waited < PATIENCE => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let answer = &self.received[..self.filled];
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let (head, body) = (std::str::from_utf8(&answer[..head])?, &answer[head + 4..]);
        let field = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned);
        let length: usize = head.lines().find_map(field).ok_or("an answer without length")?.parse()?;
        if body.len() < length {
            return Ok(None);
        }
        if !head.starts_with("HTTP/1.1 200 ") || !body.starts_with(br#"{"reliance":{"outcome":"ACCEPT""#) {
            return Err(String::from_utf8_lossy(answer).into());
        }
        self.asked = None;
        Ok(Some(waited))
    }
}
