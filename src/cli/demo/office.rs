//! The offices of the story: an issuing system that asks for signatures, and an agency to which papers are presented. Both speak mutual TLS.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use crate::pki::Member;

pub type Failure = Box<dyn Error>;

/// The HTTP client of an office, which shows its certificate where it is asked for one.
pub struct Office {
    client: reqwest::Client,
    public: String,
    mutual_tls: String,
}

impl Office {
    /// With a client's certificate of the development PKI in `pki`.
    pub fn new(pki: &Path, member: Member, public: u16, mutual_tls: u16) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(Member::Root.certificate_path(pki))?)?;
        let certificates = [member, Member::Ca].map(|member| member.certificate_path(pki));
        let chain = certificates.iter().map(CertificateDer::from_pem_file).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(member.key_path(pki))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(Self {
            client: reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?,
            public: format!("http://127.0.0.1:{public}"),
            mutual_tls: format!("https://127.0.0.1:{mutual_tls}"),
        })
    }

    /// The answer of `POST /v1/sign`.
    pub async fn sign(&self, request: &Value) -> Result<Value, Failure> {
        let mut random = [0; 16];
        openssl::rand::rand_bytes(&mut random)?;
        let url = format!("{}/v1/sign", self.mutual_tls);
        let post = self.client.post(url).header("Idempotency-Key", hex::encode(random));
        answer(with_body(post, request), "POST /v1/sign", 201).await
    }

    /// The answer of `POST /v1/verify`.
    pub async fn verify(&self, request: &Value) -> Result<Value, Failure> {
        let url = format!("{}/v1/verify", self.public);
        answer(with_body(self.client.post(url), request), "POST /v1/verify", 200).await
    }

    /// The status and the answer of `POST /v1/documents/{id}/status`.
    pub async fn set_status(&self, id: &str, change: &Value) -> Result<(u16, Value), Failure> {
        let url = format!("{}/v1/documents/{id}/status", self.mutual_tls);
        let (status, body) = send(with_body(self.client.post(url), change)).await?;
        Ok((status, serde_json::from_slice(&body)?))
    }

    /// The status and the answer of `GET /v1/documents/{id}/proof`.
    pub async fn proof(&self, id: &str) -> Result<(u16, Value), Failure> {
        let url = format!("{}/v1/documents/{id}/proof", self.mutual_tls);
        let (status, body) = send(self.client.get(url)).await?;
        Ok((status, serde_json::from_slice(&body)?))
    }

    /// A file of the issuance log, as everybody may have it.
    pub async fn log_file(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let (status, body) = send(self.client.get(format!("{}/log/{name}", self.public))).await?;
        if status == 200 { Ok(body) } else { Err(format!("GET /log/{name}: {status}").into()) }
    }
}

fn with_body(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request.header("Content-Type", "application/json").body(body.to_string())
}

async fn send(request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), Failure> {
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.bytes().await?.to_vec()))
}

async fn answer(request: reqwest::RequestBuilder, what: &str, expected: u16) -> Result<Value, Failure> {
    let (status, body) = send(request).await?;
    if status != expected {
        return Err(format!("{what}: {status} {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(serde_json::from_slice(&body)?)
}
