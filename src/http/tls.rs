//! TLS for the listener of identified clients: TLS 1.2 and 1.3, a client certificate required, its revocation checked.
//!
//! Sessions are not resumed: a resumed session would skip the check of the certificate, and so outlive its revocation.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier},
};

use super::client_crls::{ClientCrlError, ClientCrlMarks, ClientCrls};
use crate::{
    config::MutualTls,
    core::x509::Certificate,
    service::held::{self, HeldError},
};

/// Why the listener cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{}: not {expected} in PEM", path.display())]
    Pem { path: PathBuf, expected: &'static str, source: rustls::pki_types::pem::Error },
    #[error("{}: a certificate that cannot be a client authority", path.display())]
    Authority { path: PathBuf, source: rustls::Error },
    #[error("mutual-tls.client-authorities names no certificate: name the CA of the client certificates")]
    NoAuthority,
    #[error("mutual-tls.client-crls gives no CRL: without one, revoked clients would be let in")]
    NoCrl,
    #[error("mutual-tls.client-crls: {0}")]
    Crl(#[from] ClientCrlError),
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error("the client authorities and their CRLs do not make a verifier")]
    Verifier(#[from] VerifierBuilderError),
    #[error("the server's certificate and key cannot be used together")]
    Server(#[source] rustls::Error),
}

/// The TLS settings, with the CRLs as their files are now, and these. The marks rise if these settings can be used.
pub fn server_config(settings: &MutualTls, marks: &mut ClientCrlMarks) -> Result<(ServerConfig, ClientCrls), TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut authorities = RootCertStore::empty();
    let mut crl_issuers = Vec::new();
    for path in &settings.client_authorities {
        for certificate in certificates(path)? {
            crl_issuers.extend(Certificate::decode(&certificate));
            let added = authorities.add(certificate);
            added.map_err(|source| TlsError::Authority { path: path.clone(), source })?;
        }
    }
    if authorities.is_empty() {
        return Err(TlsError::NoAuthority);
    }
    let mut raised = marks.clone();
    let lists = raised.admit(held::crls(&settings.client_crls)?, &crl_issuers)?;
    let crls: Vec<_> = lists.iter().map(|crl| CertificateRevocationListDer::from(crl.der())).collect();
    if crls.is_empty() {
        return Err(TlsError::NoCrl);
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider))
        .with_crls(crls)
        .enforce_revocation_expiration()
        .build()?;
    let mut chain = certificates(&settings.certificate)?;
    for path in &settings.chain {
        chain.extend(certificates(path)?);
    }
    let key = PrivateKeyDer::from_pem_slice(&held::read(&settings.key)?).map_err(|source| TlsError::Pem {
        path: settings.key.clone(),
        expected: "a private key",
        source,
    })?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Server)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(TlsError::Server)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    *marks = raised;
    Ok((config, Arc::new(lists)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = held::read(path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file).collect();
    read.map_err(|source| TlsError::Pem { path: path.to_owned(), expected: "certificates", source })
}
