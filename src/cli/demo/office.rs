//! The two offices of the story: an issuing system that asks for signatures over mutual TLS, and an agency that verifies.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use crate::pki::Member;

/// HTTP clients of both offices.
pub struct Office {
    client: reqwest::Client,
    public: String,
    mutual_tls: String,
}

impl Office {
    /// With the issuing system's certificate of the development PKI in `pki`.
    pub fn new(pki: &Path, public: u16, mutual_tls: u16) -> Result<Self, Box<dyn Error>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(Member::Root.certificate_path(pki))?)?;
        let certificates = [Member::IssuingSystem, Member::Ca].map(|member| member.certificate_path(pki));
        let chain = certificates.iter().map(CertificateDer::from_pem_file).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(Member::IssuingSystem.key_path(pki))?;
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
    pub async fn sign(&self, request: &Value) -> Result<Value, Box<dyn Error>> {
        let mut random = [0; 16];
        openssl::rand::rand_bytes(&mut random)?;
        let url = format!("{}/v1/sign", self.mutual_tls);
        let post = self.client.post(url).header("Idempotency-Key", hex::encode(random));
        answer(post, "POST /v1/sign", request, 201).await
    }

    /// The answer of `POST /v1/verify`.
    pub async fn verify(&self, request: &Value) -> Result<Value, Box<dyn Error>> {
        let url = format!("{}/v1/verify", self.public);
        answer(self.client.post(url), "POST /v1/verify", request, 200).await
    }
}

async fn answer(
    request: reqwest::RequestBuilder,
    what: &str,
    body: &Value,
    expected: u16,
) -> Result<Value, Box<dyn Error>> {
    let request = request.header("Content-Type", "application/json").body(body.to_string());
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await?;
    if status != expected {
        return Err(format!("{what}: {status} {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(serde_json::from_slice(&body)?)
}
