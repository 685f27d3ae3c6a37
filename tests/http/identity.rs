//! Who may call: the TLS client certificate decides, whatever the headers say.

use std::{io, path::Path, sync::Arc, time::Duration};

use antin::{
    clock,
    core::time::Time,
    pki::{
        self, Algorithm, Authority, InitOptions, Member, Reason,
        certificate::{Issuer, Profile, issue},
        key::PrivateKey,
        profile::{self, Publication, subject},
    },
};
use der::Encode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    Service,
    client::{self, Answer, Identity, Request},
    order,
};

fn issued(pki: &Path, change: impl FnOnce(&mut Profile), now: Time) -> Identity {
    let publication = Publication::new("http://127.0.0.1:8080").expect("a base URL");
    let issuer = Issuer::load(pki, Authority::Ca).expect("the CA");
    let key = PrivateKey::generate(Algorithm::P256).expect("a key");
    let mut profile = profile::client(subject("Khách", "khách").expect("a name"), now, &publication);
    change(&mut profile);
    let certificate = issue(&issuer, &profile, &key.public_key().expect("public")).expect("issued");
    Identity::new(certificate.to_der().expect("DER"), &key.to_pkcs8_pem().expect("PEM"))
}

async fn healthz(service: &Service, identity: Option<Identity>) -> io::Result<Answer> {
    let root = Member::Root.certificate_path(&service.pki());
    client::tls(service.mutual_tls(), &root, identity, Request::get("/healthz")).await
}

type Stream = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

/// A connection on which a question was answered.
async fn asking(service: &Service, identity: Identity) -> Stream {
    let root = Member::Root.certificate_path(&service.pki());
    let mut open = client::connect(service.mutual_tls(), &root, Some(identity)).await.expect("let in");
    assert!(goes_on(&mut open).await);
    open
}

async fn goes_on(open: &mut Stream) -> bool {
    let mut buffer = [0; 1024];
    open.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.is_ok()
        && open.read(&mut buffer).await.is_ok_and(|read| read > 0)
}

/// Waits for the service to close it.
async fn ends(open: &mut Stream) {
    let read =
        tokio::time::timeout(Duration::from_secs(20), open.read(&mut [0; 1024])).await.expect("it was left open");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn h05_who_expires_is_out_on_an_open_connection_too() {
    let service = Service::start().await;
    let (now, pki) = (clock::now(), service.pki());
    let short = issued(&pki, |profile| profile.not_after = now.plus_seconds(4), now.plus_seconds(-60));
    let mut open = asking(&service, short).await;
    let mut other = asking(&service, issued(&pki, |_| {}, now)).await;
    ends(&mut open).await;
    assert!(clock::now() > now.plus_seconds(4), "not before its time");
    assert!(goes_on(&mut other).await);
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h05_the_handshake_lets_in_certificates_of_the_client_authority_only() {
    let service = Service::start().await;
    let now = clock::now();
    let pki = service.pki();
    assert_eq!(healthz(&service, Some(service.identity(Member::Agency))).await.expect("let in").status, 200);
    assert!(healthz(&service, None).await.is_err(), "no certificate");
    let expired = issued(&pki, |profile| profile.not_after = now.plus_seconds(-60), now.plus_seconds(-3600));
    assert!(healthz(&service, Some(expired)).await.is_err(), "expired");
    let early = issued(&pki, |_| {}, now.plus_seconds(3600));
    assert!(healthz(&service, Some(early)).await.is_err(), "not yet valid");
    assert!(healthz(&service, Some(service.identity(Member::Server))).await.is_err(), "wrong extended key usage");
    let other = tempfile::tempdir().expect("a directory");
    pki::init(&other.path().join("pki"), &InitOptions::default(), now).expect("another PKI");
    let member = Member::Agency;
    let other = other.path().join("pki");
    let stranger = Identity::read(&member.certificate_path(&other), &member.key_path(&other));
    assert!(healthz(&service, Some(stranger)).await.is_err(), "another CA");

    // A good certificate that the settings do not name: past the handshake, and no further.
    let root = Member::Root.certificate_path(&pki);
    let unnamed = || Some(issued(&pki, |_| {}, now));
    for request in [
        Request::json("/v1/verify", &serde_json::json!({})),
        Request::json("/v1/sign", &order("detached")).header("Idempotency-Key", "a"),
        Request::get("/v1/trust"),
        Request::get("/readyz"),
        Request::get("/metrics"),
    ] {
        let answer = client::tls(service.mutual_tls(), &root, unnamed(), request).await.expect("an answer");
        assert_eq!((answer.status, answer.code().as_str()), (403, "client-unknown"));
    }
    // The agency verifies; it does not sign, and changes nothing.
    let request = Request::json("/v1/sign", &order("detached")).header("Idempotency-Key", "a");
    assert_eq!(service.as_member(Member::Agency, request).await.code(), "operation-not-permitted");
    let (_, id) = service.issue("key-1", "detached").await;
    let change =
        Request::json(&format!("/v1/documents/{id}/status"), &serde_json::json!({"state": "withdrawn", "reason": "x"}));
    assert_eq!(service.as_member(Member::Agency, change).await.status, 404);
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h05_a_revoked_client_is_out_within_a_second_even_on_an_open_connection() {
    let service = Service::start().await;
    let root = Member::Root.certificate_path(&service.pki());
    let identity = service.identity(Member::IssuingSystem);
    let mut open = client::connect(service.mutual_tls(), &root, Some(identity)).await.expect("let in");
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    open.write_all(request).await.expect("sent");
    let mut buffer = [0; 1024];
    assert!(open.read(&mut buffer).await.expect("an answer") > 0);
    let identity = service.identity(Member::Agency);
    let mut other = client::connect(service.mutual_tls(), &root, Some(identity)).await.expect("let in");

    // A new list that does not name it changes nothing.
    pki::refresh_crls(&service.pki(), clock::now()).expect("newer lists");
    tokio::time::sleep(Duration::from_secs(1)).await;
    open.write_all(request).await.expect("sent");
    assert!(open.read(&mut buffer).await.expect("an answer") > 0);
    let certificate = Member::IssuingSystem.certificate_path(&service.pki());
    pki::revoke(&service.pki(), &certificate, Reason::KeyCompromise, clock::now()).expect("revoked");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _ = open.write_all(request).await;
    let read = open.read(&mut buffer).await;
    assert!(matches!(read, Ok(0) | Err(_)), "the open connection was closed");
    other.write_all(request).await.expect("sent");
    assert!(other.read(&mut buffer).await.expect("an answer") > 0, "and no other");
    assert!(healthz(&service, Some(service.identity(Member::IssuingSystem))).await.is_err(), "no new one");
    assert!(healthz(&service, Some(service.identity(Member::Agency))).await.is_ok(), "others come in");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_crl_that_goes_back_or_is_not_genuine_does_not_count() {
    // Without the revocation cache, which would keep the client out as well.
    let service = Service::with(|config| config.revocation.sources.clear()).await;
    let (pki, root) = (service.pki(), Member::Root.certificate_path(&service.pki()));
    let crl = Authority::Ca.crl_path(&pki);
    let enters = async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let identity = Some(service.identity(Member::IssuingSystem));
        let revoked = client::tls(service.mutual_tls(), &root, identity, Request::get("/healthz")).await.is_ok();
        (revoked, healthz(&service, Some(service.identity(Member::Agency))).await.is_ok())
    };
    let old = std::fs::read(&crl).expect("a CRL");
    assert_eq!(enters().await, (true, true));
    let certificate = Member::IssuingSystem.certificate_path(&pki);
    pki::revoke(&pki, &certificate, Reason::KeyCompromise, clock::now()).expect("revoked");
    assert_eq!(enters().await, (false, true));
    let newest = std::fs::read(&crl).expect("a CRL");
    let mut forged = newest.clone();
    *forged.last_mut().expect("octets") ^= 1;
    for (bad, what) in [(&old, "older"), (&forged, "forged"), (&b"garbage".to_vec(), "garbage"), (&old, "older")] {
        std::fs::write(&crl, bad).expect("written");
        assert_eq!(enters().await, (false, true), "{what}");
    }
    std::fs::write(&crl, &newest).expect("written");
    pki::refresh_crls(&pki, clock::now()).expect("newer lists");
    assert_eq!(enters().await, (false, true), "newer lists count");
    let figures = service.as_member(Member::Agency, Request::get("/metrics")).await;
    assert!(String::from_utf8_lossy(&figures.body).contains("antin_client_crls_refused_total"));
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_revocation_cache_knows_as_revoked_is_not_let_in() {
    let service = Service::with(|config| {
        // A copy that nobody renews.
        let copied = config.mutual_tls.client_crls[0].with_file_name("copied.crl");
        std::fs::copy(&config.mutual_tls.client_crls[0], &copied).expect("copied");
        config.mutual_tls.client_crls = vec![copied];
    })
    .await;
    let member = Member::IssuingSystem;
    assert!(healthz(&service, Some(service.identity(member))).await.is_ok());
    let mut open = asking(&service, service.identity(member)).await;
    let mut other = asking(&service, service.identity(Member::Agency)).await;
    let certificate = member.certificate_path(&service.pki());
    pki::revoke(&service.pki(), &certificate, Reason::KeyCompromise, clock::now()).expect("revoked");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(healthz(&service, Some(service.identity(member))).await.is_err());
    assert!(healthz(&service, Some(service.identity(Member::Agency))).await.is_ok());
    ends(&mut open).await;
    assert!(goes_on(&mut other).await, "and no other");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h04_headers_make_nobody_a_client() {
    let service = Service::start().await;
    let certificate = std::fs::read_to_string(Member::IssuingSystem.certificate_path(&service.pki())).expect("PEM");
    let flat = certificate.replace('\n', " ");
    let names = [
        "X-Client-Cert",
        "x-client-cert",
        "X-SSL-Client-Cert",
        "X-SSL-Client-Verify",
        "X-Forwarded-Client-Cert",
        "X-Forwarded-For",
        "Forwarded",
        "X-SSL-Client-S-DN",
        "Authorization",
    ];
    let spoofed = |request: Request| {
        names.iter().fold(request, |request, name| request.header(name, &flat).header(name, "SUCCESS"))
    };
    let sign = spoofed(Request::json("/v1/sign", &order("detached")).header("Idempotency-Key", "a"));
    assert_eq!(service.public(sign).await.code(), "not-found");
    for path in ["/v1/documents/00000000000000000000000000000000", "/readyz", "/metrics"] {
        assert_eq!(service.public(spoofed(Request::get(path))).await.status, 404, "{path}");
    }
    // On the other listener they add nothing to what the certificate gives.
    let sign = spoofed(Request::json("/v1/sign", &order("detached")).header("Idempotency-Key", "a"));
    assert_eq!(service.as_member(Member::Agency, sign).await.code(), "operation-not-permitted");
    let root = Member::Root.certificate_path(&service.pki());
    let sign = spoofed(Request::json("/v1/sign", &order("detached")).header("Idempotency-Key", "a"));
    assert!(client::tls(service.mutual_tls(), &root, None, sign).await.is_err());
    service.running.shutdown().await;
}

/// Each store serves its own: who vouches for clients vouches for no document, and the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn document_anchors_let_no_client_in_and_client_authorities_carry_no_document() {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let now = clock::now();
    let [clients, documents] = ["pki", "documents"].map(|name| directory.path().join(name));
    for folder in [&clients, &documents] {
        pki::init(folder, &InitOptions::default(), now).expect("a PKI");
    }
    let service = Service::over(Arc::clone(&directory), |config| {
        config.trust.anchors = vec![Member::Root.certificate_path(&documents).into()];
        config.trust.intermediates = vec![Member::Ca.certificate_path(&documents)];
        for (source, authority) in config.revocation.sources.iter_mut().zip(Authority::ALL) {
            source.issuer_file = Some(authority.member().certificate_path(&documents));
            source.file = Some(authority.crl_path(&documents));
        }
    })
    .await;
    let read =
        |folder: &Path| Identity::read(&Member::Agency.certificate_path(folder), &Member::Agency.key_path(folder));
    assert_eq!(healthz(&service, Some(read(&clients))).await.expect("let in").status, 200);
    assert!(healthz(&service, Some(read(&documents))).await.is_err(), "below the anchor of documents");
    let judged = async |folder: &Path| {
        let document = signed(folder);
        service.verify(&serde_json::json!({ "document": super::base64(&document) })).await.reliance().1
    };
    assert_eq!(judged(&documents).await, "valid");
    // Both trees bear the same names: it is the key that makes the difference.
    assert_eq!(judged(&clients).await, "certificate-signature-invalid", "below the authority of clients");
    service.running.shutdown().await;
}

/// A document signed by the health office of a PKI, by the command line.
fn signed(pki: &Path) -> Vec<u8> {
    let out = pki.join("book.p7m");
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_antin"))
        .arg("sign")
        .arg("--key")
        .arg(Member::Health.key_path(pki))
        .arg("--cert")
        .arg(Member::Health.certificate_path(pki))
        .arg("--chain")
        .arg(Member::Ca.certificate_path(pki))
        .arg("--out")
        .args([&out, &Member::Root.certificate_path(pki)])
        .status();
    assert!(status.expect("the program runs").success());
    std::fs::read(out).expect("a signature")
}
