//! Evidence that is fetched because a document lacks it: from real HTTP servers that are right, slow, down or lying, and from
//! nowhere that the operator did not allow.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::clock;
use antin::config::Config;
use antin::config::revocation::{AllowedHost, CrlSource};
use antin::core::algorithm::DigestAlgorithm;
use antin::core::crypto::sha256;
use antin::core::der::{tag, writer};
use antin::core::x509::Certificate;
use antin::net::breaker::BreakerLimits;
use antin::net::shared::SharedFetcher;
use antin::net::{self, FetchError, FetchLimits, FetchRequest, Fetcher};
use antin::pki::certificate::{Issuer, Profile, issue};
use antin::pki::{self, Authority, InitOptions, Member, Reason, file, profile};
use antin::service::held;
use antin::signing::key::{RsaPadding, SoftwareKey};
use antin::signing::{CadesRequest, CadesSigner};
use const_oid::db::rfc5280::{ID_AD_CA_ISSUERS, ID_AD_OCSP, ID_CE_FRESHEST_CRL};
use der::Encode;
use der::asn1::Ia5String;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use x509_cert::ext::Extension;

use super::{CONTENT, Service, base64};
use crate::kit::key::{Kind, public_key};
use crate::kit::revocation::{List, distribution_points, point_name};
use crate::revocation::redis::RedisServer;
use crate::revocation::responder::{Answer, Responder};

const RECOVERY: Duration = Duration::from_secs(10);
const CA: &str = "/crt/ca.crt";
pub const LISTS: [&str; 2] = ["/crl/root.crl", "/crl/ca.crl"];

/// A PKI whose certificates name one site, and a service that holds the root alone and may ask that site.
pub struct Scene {
    pub site: Responder,
    pub directory: Arc<TempDir>,
}

impl Scene {
    /// Everything is published but OCSP.
    pub fn new() -> Self {
        let site = Responder::start(Answer::Status(404));
        let directory = Arc::new(tempfile::tempdir().expect("a directory"));
        let options = InitOptions { base_url: site.base_url(), ..InitOptions::default() };
        pki::init(&directory.path().join("pki"), &options, clock::now()).expect("a PKI");
        let scene = Self { site, directory };
        scene.site.tell_at(CA, Answer::Body(scene.der(Member::Ca)));
        scene.publish_lists();
        scene
    }

    pub fn publish_lists(&self) {
        for (path, authority) in LISTS.into_iter().zip([Authority::Root, Authority::Ca]) {
            self.site.tell_at(path, Answer::Body(self.list(authority)));
        }
    }

    pub fn pki(&self) -> PathBuf {
        self.directory.path().join("pki")
    }

    fn der(&self, member: Member) -> Vec<u8> {
        file::read_certificate(&member.certificate_path(&self.pki())).expect("a certificate").der
    }

    fn list(&self, authority: Authority) -> Vec<u8> {
        file::read_crl(&authority.crl_path(&self.pki())).expect("a list")
    }

    pub async fn service(&self, change: impl FnOnce(&mut Config)) -> Service {
        let allowed = self.site.allowed();
        Service::over(Arc::clone(&self.directory), |config| {
            config.trust.intermediates.clear();
            let revocation = &mut config.revocation;
            revocation.sources.clear();
            revocation.allowed_hosts = vec![allowed];
            revocation.collect_seconds = 2;
            revocation.timeout_seconds = 2;
            revocation.refresh_seconds = 1;
            change(config);
        })
        .await
    }

    /// A signature with the signer's certificate and no other.
    pub fn leaf_only(&self) -> Value {
        let certificate =
            held::first_certificate(&Member::Health.certificate_path(&self.pki())).expect("a certificate");
        let key = std::fs::read(Member::Health.key_path(&self.pki())).expect("a key");
        question(&key, certificate)
    }
}

pub fn question(key: &[u8], certificate: Arc<Certificate>) -> Value {
    let key = SoftwareKey::from_pem(key, RsaPadding::Pss, &certificate).expect("a key");
    let request = CadesRequest {
        digest: (DigestAlgorithm::Sha256, &sha256(CONTENT)),
        content: Some(CONTENT),
        signing_time: clock::now(),
        document: None,
    };
    let signed = CadesSigner::new("leaf", key, certificate, &[]).sign_unchecked(&request).expect("a signature");
    json!({ "document": base64(&signed) })
}

pub fn code(answer: &super::Answer) -> String {
    answer.reliance().1
}

fn retry_at(answer: &super::Answer) -> Value {
    answer.json()["reliance"]["retryAt"].clone()
}

/// Asks until the code is the one wanted.
pub async fn until(service: &Service, question: &Value, wanted: &str) {
    let started = Instant::now();
    loop {
        let answer = service.verify(question).await;
        if code(&answer) == wanted {
            return;
        }
        assert!(started.elapsed() < RECOVERY, "not {wanted}: {:?}", answer.reliance());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_alone_passes_once_its_authority_and_the_lists_were_fetched() {
    let scene = Scene::new();
    let pem = Member::Ca.certificate_path(&scene.pki());
    let bundle = Command::new("openssl")
        .args(["crl2pkcs7", "-nocrl", "-outform", "DER", "-certfile"])
        .arg(&pem)
        .output()
        .expect("openssl is installed");
    let forms = [scene.der(Member::Ca), std::fs::read(&pem).expect("read"), bundle.stdout];
    for (index, form) in forms.into_iter().enumerate() {
        scene.site.tell_at(CA, Answer::Body(form));
        let marks = scene.directory.path().join(format!("{index}.json"));
        let service = scene.service(|config| config.revocation.marks_file = marks).await;
        let question = scene.leaf_only();
        for _ in 0..3 {
            let answer = service.verify(&question).await;
            assert_eq!(answer.reliance(), ("ACCEPT".to_owned(), "valid".to_owned()), "form {index}");
            assert_eq!(retry_at(&answer), Value::Null);
            assert_eq!(answer.json()["signatures"][0]["certificates"].as_array().map(Vec::len), Some(3));
        }
        assert_eq!(scene.site.asked_for(CA), index + 1);
        service.running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_from_a_host_that_is_not_allowed() {
    let scene = Scene::new();
    let changes: [fn(&mut Config); 3] = [
        |config| config.revocation.allowed_hosts.clear(),
        |config| config.revocation.allowed_hosts[0].port += 1,
        |config| config.revocation.collect_seconds = 0,
    ];
    for change in changes {
        let service = scene.service(change).await;
        let answer = service.verify(&scene.leaf_only()).await;
        assert_eq!(answer.reliance(), ("UNDETERMINED".to_owned(), "no-trusted-path".to_owned()));
        assert_eq!(retry_at(&answer), Value::Null);
        service.running.shutdown().await;
    }
    assert_eq!(scene.site.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_questions_make_one_fetch_of_each() {
    let scene = Scene::new();
    let late = Duration::from_millis(300);
    scene.site.tell_at(CA, Answer::Late(scene.der(Member::Ca), late));
    scene.site.tell_at(LISTS[1], Answer::Late(scene.list(Authority::Ca), late));
    let service = scene.service(|config| config.revocation.refresh_seconds = 300).await;
    let question = scene.leaf_only();
    let answers = join_all((0..30).map(|_| service.verify(&question))).await;
    assert!(answers.iter().all(|answer| code(answer) == "valid"));
    for path in [CA, LISTS[0], LISTS[1]] {
        assert_eq!(scene.site.asked_for(path), 1, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_found_is_kept_fresh_while_it_is_used() {
    let scene = Scene::new();
    let service = scene.service(|config| config.revocation.discovered_idle_seconds = 3).await;
    let question = scene.leaf_only();
    assert_eq!(code(&service.verify(&question).await), "valid");
    pki::revoke(&scene.pki(), &Member::Health.certificate_path(&scene.pki()), Reason::KeyCompromise, clock::now())
        .expect("revoked");
    scene.publish_lists();
    until(&service, &question, "certificate-revoked").await;
    // Forgotten when nobody asks any more: it is no longer fetched.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let asked = scene.site.asked_for(LISTS[1]);
    // Longer than what was asked for is not asked for anew: the root's list alone would let what is kept of the CA's decide.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(scene.site.asked_for(LISTS[1]), asked);
    // Fetched anew, and never the list from before.
    until(&service, &question, "certificate-revoked").await;
    assert!(scene.site.asked_for(LISTS[1]) > asked);
}

/// Signed by a certificate of the CA that says this about its lists.
fn question_saying(scene: &Scene, extensions: &[Extension]) -> Value {
    let issuer = Issuer::load(&scene.pki(), Authority::Ca).expect("the CA");
    let publication = profile::Publication::new(&scene.site.base_url()).expect("a base URL");
    let name = profile::subject("antin", "Signer at a point").expect("a name");
    let mut profile = profile::signer(name, clock::now().plus_seconds(-60), &publication);
    profile.crl_urls.clear();
    profile.extensions.extend_from_slice(extensions);
    let key = Kind::P256.key();
    let der = issue(&issuer, &profile, &public_key(key)).expect("a certificate").to_der().expect("DER");
    let pem = key.private_key_to_pem_pkcs8().expect("PEM");
    question(&pem, Arc::new(Certificate::decode(&der).expect("a certificate")))
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_points_that_name_an_issuer_or_reasons_are_fetched_and_so_are_deltas() {
    let scene = Scene::new();
    let ca = Issuer::load(&scene.pki(), Authority::Ca).expect("the CA");
    let point = point_name(&format!("{}{}", scene.site.base_url(), LISTS[1]));
    let issuer = |name: &[u8]| writer::element(tag::context(2), &writer::element(tag::context(4), name));
    let misspelt = profile::subject("antin", "Misspelt").expect("a name");
    let fields = [
        issuer(&ca.name().to_der().expect("DER")),
        issuer(&misspelt.to_der().expect("DER")),
        writer::element(0x81, &[5, 0x60]),
    ];
    let service = async |name: &str| {
        let marks = scene.directory.path().join(format!("{name}.json"));
        scene.service(|config| config.revocation.marks_file = marks).await
    };
    for (index, field) in fields.iter().enumerate() {
        let points = distribution_points(&[writer::sequence(&[&point, field])]);
        let service = service(&index.to_string()).await;
        assert_eq!(code(&service.verify(&question_saying(&scene, &[points])).await), "valid", "{index}");
        service.running.shutdown().await;
    }
    // The complete list has ended, and the delta has not.
    let now = clock::now();
    let (before, end) = (now.plus_seconds(-600), Some(now.plus_seconds(-10)));
    let complete = List { this_update: before, next_update: end, ..List::default() };
    let later = Some(now.plus_seconds(600));
    let delta = List {
        number: Some(2),
        base: Some(1),
        this_update: before.plus_seconds(60),
        next_update: later,
        ..List::default()
    };
    scene.site.tell_at(LISTS[1], Answer::Body(complete.der(&ca)));
    let points = distribution_points(&[writer::sequence(&[&point])]);
    let at = point_name(&format!("{}/crl/delta.crl", scene.site.base_url()));
    let freshest = Extension { extn_id: ID_CE_FRESHEST_CRL, ..distribution_points(&[writer::sequence(&[&at])]) };
    let question = question_saying(&scene, &[points, freshest]);
    let service = service("delta").await;
    assert_eq!(code(&service.verify(&question).await), "revocation-data-stale");
    scene.site.tell_at("/crl/delta.crl", Answer::Body(delta.der(&ca)));
    until(&service, &question, "valid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_try_later_and_never_a_pass() {
    let scene = Scene::new();
    let (authority, list) = (scene.der(Member::Ca), scene.list(Authority::Ca));
    let trap = Responder::start(Answer::Body(authority.clone()));
    let foreign = Scene::new();
    let wrong = |right: &[u8], foreign: Vec<u8>| {
        vec![
            Answer::Status(404),
            Answer::Status(503),
            Answer::Redirect(trap.url()),
            Answer::Redirect("http://169.254.169.254/latest/meta-data".to_owned()),
            Answer::Silence,
            Answer::Trickle,
            Answer::Truncated(right.to_vec()),
            Answer::Endless,
            Answer::Compressed(right.to_vec()),
            Answer::Garbage,
            Answer::Body(vec![0x30; 3 << 20]),
            Answer::Body(b"<!DOCTYPE html>".to_vec()),
            Answer::Body(Vec::new()),
            Answer::Body(right[..right.len() - 1].to_vec()),
            Answer::Body(foreign),
        ]
    };
    let question = scene.leaf_only();
    let cases = [
        (CA, "issuer-certificate-unavailable", wrong(&authority, foreign.der(Member::Ca)), &authority),
        (LISTS[1], "revocation-status-unknown", wrong(&list, foreign.list(Authority::Ca)), &list),
    ];
    for (path, expected, answers, right) in cases {
        for (index, wrong) in answers.into_iter().enumerate() {
            scene.site.tell_at(path, wrong);
            let marks = scene.directory.path().join(format!("{expected}-{index}.json"));
            let service = scene.service(|config| config.revocation.marks_file = marks).await;
            let started = Instant::now();
            let answer = service.verify(&question).await;
            assert!(started.elapsed() < Duration::from_secs(10), "{expected} {index}: {:?}", started.elapsed());
            assert_eq!(answer.reliance(), ("UNDETERMINED".to_owned(), expected.to_owned()), "{index}");
            assert_eq!(answer.json()["verdict"]["subIndication"], "TRY_LATER");
            let retry = retry_at(&answer);
            assert!(retry.as_str().is_some_and(|retry| *retry >= *clock::now().to_string()), "{retry}");
            // Asked again at once: no wait for what just failed, and nothing better.
            assert_eq!(code(&service.verify(&question).await), expected);
            scene.site.tell_at(path, Answer::Body(right.clone()));
            until(&service, &question, "valid").await;
            service.running.shutdown().await;
        }
    }
    assert_eq!(trap.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn r02_without_crl_and_ocsp_nothing_passes() {
    let scene = Scene::new();
    let ca = Member::Ca.certificate_path(&scene.pki());
    let service = scene.service(|config| config.trust.intermediates.push(ca)).await;
    let question = scene.leaf_only();
    // The site is gone: no connection for lists and responder.
    drop(scene.site);
    for _ in 0..3 {
        let answer = service.verify(&question).await;
        assert_eq!(answer.reliance(), ("UNDETERMINED".to_owned(), "revocation-status-unknown".to_owned()));
        assert_eq!(answer.json()["verdict"]["subIndication"], "TRY_LATER");
        assert_ne!(retry_at(&answer), Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_copy_that_is_used_is_kept_fresh_from_where_it_is_published() {
    let server = RedisServer::start();
    let scene = Scene::new();
    let node = async |name: &str, sources: Vec<CrlSource>| {
        let (marks, registry) =
            (scene.directory.path().join(format!("{name}.json")), scene.directory.path().join(name));
        let redis = Some(server.settings());
        let ca = Member::Ca.certificate_path(&scene.pki());
        scene
            .service(|config| {
                config.revocation.marks_file = marks;
                config.revocation.redis = redis;
                config.revocation.sources = sources;
                config.registry.path = registry;
                config.trust.intermediates.push(ca);
            })
            .await
    };
    let files = Authority::ALL
        .map(|authority| CrlSource { file: Some(authority.crl_path(&scene.pki())), ..CrlSource::default() });
    let publisher = node("publisher", files.to_vec()).await;
    let question = scene.leaf_only();
    assert_eq!(code(&publisher.verify(&question).await), "valid");
    tokio::time::sleep(Duration::from_secs(3)).await;
    publisher.running.shutdown().await;
    assert_eq!(scene.site.asked(), 0, "sources keep their lists fresh");
    std::fs::copy(scene.directory.path().join("publisher.json"), scene.directory.path().join("follower.json"))
        .expect("copied");
    let follower = node("follower", Vec::new()).await;
    until(&follower, &question, "valid").await;
    pki::revoke(&scene.pki(), &Member::Health.certificate_path(&scene.pki()), Reason::KeyCompromise, clock::now())
        .expect("revoked");
    scene.publish_lists();
    until(&follower, &question, "certificate-revoked").await;
}

/// The responder of the PKI, as `openssl ocsp` is one; `state` is `V`, or `R` with a date and a reason.
pub fn openssl_responder(pki: &Path, state: &'static str) -> Answer {
    let pki = pki.to_owned();
    let output = Command::new("openssl")
        .args(["x509", "-noout", "-serial", "-in"])
        .arg(Member::Health.certificate_path(&pki))
        .output()
        .expect("openssl is installed");
    let serial = String::from_utf8(output.stdout).expect("text").trim().replace("serial=", "");
    let (flag, revoked) = state.split_at(1);
    let index = format!("{flag}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN=x\n");
    Answer::Made(Arc::new(move |request| {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("index"), &index).expect("written");
        std::fs::write(path("request"), request).expect("written");
        let output = Command::new("openssl")
            .args(["ocsp", "-nmin", "60", "-index"])
            .arg(path("index"))
            .arg("-CA")
            .arg(Member::Ca.certificate_path(&pki))
            .arg("-rsigner")
            .arg(Member::Ocsp.certificate_path(&pki))
            .arg("-rkey")
            .arg(Member::Ocsp.key_path(&pki))
            .arg("-reqin")
            .arg(path("request"))
            .arg("-respout")
            .arg(path("response"))
            .output()
            .expect("openssl is installed");
        std::fs::read(path("response")).unwrap_or_else(|_| panic!("{output:?}"))
    }))
}

/// `id-pkix-ocsp-nonce`, encoded.
const NONCE: &[u8] = &[0x06, 0x09, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02];

fn has_nonce(octets: &[u8]) -> bool {
    octets.windows(NONCE.len()).any(|window| window == NONCE)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_that_the_certificate_names_is_asked() {
    let scene = Scene::new();
    // The list of the CA is nowhere; the root's speaks for the CA.
    scene.site.tell_at(LISTS[1], Answer::Status(404));
    let good = openssl_responder(&scene.pki(), "V");
    let Answer::Made(make) = good.clone() else { unreachable!("as made above") };
    // Answers the first request with a nonce to everybody: a replay.
    let recorded = Arc::new(std::sync::OnceLock::new());
    let replay = {
        let make = Arc::clone(&make);
        Answer::Made(Arc::new(move |request| recorded.get_or_init(|| make(request)).clone()))
    };
    let without_nonce = {
        let make = Arc::clone(&make);
        Answer::Made(Arc::new(move |request| {
            // malformedRequest
            if has_nonce(request) { vec![0x30, 3, 0x0A, 1, 1] } else { make(request) }
        }))
    };
    let question = scene.leaf_only();
    let ask = async |index: usize, answer: Answer| {
        scene.site.tell_at("/ocsp", answer);
        let marks = scene.directory.path().join(format!("ocsp-{index}.json"));
        let change = |config: &mut Config| {
            config.revocation.marks_file = marks;
            config.revocation.refresh_seconds = 45;
        };
        let service = scene.service(change).await;
        let asked = scene.site.asked_for("/ocsp");
        let answers = [service.verify(&question).await, service.verify(&question).await];
        service.running.shutdown().await;
        let [first, second] = answers;
        assert_eq!(code(&first), code(&second));
        (code(&first), first.json()["signatures"][0]["revocation"].clone(), scene.site.asked_for("/ocsp") - asked)
    };
    let (code, revocation, asked) = ask(0, good).await;
    assert_eq!((code.as_str(), &revocation[0]["source"], asked), ("valid", &"ocsp".into(), 1), "kept for the second");
    assert_eq!(revocation[1]["source"], "crl");
    let (code, _, asked) = ask(1, without_nonce).await;
    assert_eq!((code.as_str(), asked), ("valid", 2), "once more, without");
    let revoked = openssl_responder(&scene.pki(), "R260101000000Z,keyCompromise");
    assert_eq!(ask(2, revoked).await.0, "certificate-revoked");
    assert_eq!(ask(3, replay.clone()).await.0, "valid", "the one that it was made for");
    assert_eq!(ask(4, replay).await.0, "revocation-status-unknown", "another's nonce");
    for (index, wrong) in
        [Answer::Status(500), Answer::Body(vec![0x30, 3, 0x0A, 1, 3]), Answer::Body(b"<html>".to_vec())]
            .into_iter()
            .enumerate()
    {
        assert_eq!(ask(5 + index, wrong).await.0, "revocation-status-unknown");
    }
    let other = Scene::new();
    assert_eq!(ask(9, openssl_responder(&other.pki(), "V")).await.0, "revocation-status-unknown", "another CA's");
}

#[tokio::test(flavor = "multi_thread")]
async fn h01_a_certificate_that_names_this_machine_opens_no_connection() {
    let scene = Scene::new();
    let trap = Responder::start(Answer::Body(scene.der(Member::Ca)));
    let port = trap.port;
    let hosts = [
        "127.0.0.1",
        "127.0.0.2",
        "localhost",
        "[::1]",
        "[::ffff:7f00:1]",
        "[::ffff:a9fe:a9fe]",
        "0.0.0.0",
        "[::]",
        "169.254.169.254",
    ];
    let allowed: Vec<AllowedHost> = hosts
        .iter()
        .flat_map(|host| [port, 80, 443, 389].map(|port| (host, port)))
        .map(|(host, port)| AllowedHost { host: (*host).to_owned(), port, allow_private: false })
        .collect();
    let mut urls: Vec<String> = hosts.iter().map(|host| format!("http://{host}:{port}/x")).collect();
    for form in ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "LOCALHOST."] {
        urls.push(format!("http://{form}:{port}/x"));
    }
    urls.extend([
        format!("https://127.0.0.1:{port}/x"),
        format!("http://user:word@127.0.0.1:{port}/x"),
        format!("http://crl.example.vn@127.0.0.1:{port}/x"),
        format!("ldap://127.0.0.1:{port}/cn=x?certificateRevocationList"),
        format!("ftp://127.0.0.1:{port}/x"),
        format!("gopher://127.0.0.1:{port}/x"),
        "file:///etc/passwd".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("//127.0.0.1:{port}/x"),
    ]);
    // Once nobody vouches for the leaf; once its CA does, and its status is wanted.
    let unvouched = scene.service(|config| config.revocation.allowed_hosts.clone_from(&allowed)).await;
    let root_list = Authority::Root.crl_path(&scene.pki());
    let ca = Member::Ca.certificate_path(&scene.pki());
    let vouched = scene
        .service(|config| {
            config.revocation.allowed_hosts = allowed;
            config.registry.path.set_extension("second");
            config.revocation.marks_file.set_extension("second");
            config.trust.intermediates.push(ca);
            config.revocation.sources.push(CrlSource { file: Some(root_list), ..CrlSource::default() });
        })
        .await;
    let issuer = Issuer::load(&scene.pki(), Authority::Ca).expect("the CA");
    let key = Kind::P256.key();
    let pem = key.private_key_to_pem_pkcs8().expect("PEM");
    for url in urls {
        let place = Ia5String::new(&url).expect("ASCII");
        let publication = profile::Publication::new(&scene.site.base_url()).expect("a base URL");
        let name = profile::subject("antin", "Hostile").expect("a name");
        let profile = Profile {
            crl_urls: vec![place.clone()],
            authority_access: vec![(ID_AD_CA_ISSUERS, place.clone()), (ID_AD_OCSP, place)],
            ..profile::signer(name, clock::now().plus_seconds(-60), &publication)
        };
        let der = issue(&issuer, &profile, &public_key(key)).expect("a certificate").to_der().expect("DER");
        let question = question(&pem, Arc::new(Certificate::decode(&der).expect("a certificate")));
        let answers = [unvouched.verify(&question).await, vouched.verify(&question).await];
        let outcomes = answers.map(|answer| answer.reliance());
        assert!(outcomes.iter().all(|(outcome, _)| outcome == "UNDETERMINED"), "{url}: {outcomes:?}");
        assert_eq!(outcomes[1].1, "revocation-status-unknown", "{url}");
        assert_eq!(trap.asked(), 0, "{url}");
    }
    assert_eq!(scene.site.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_answer_is_left_alone_and_then_tried_once() {
    let site = Responder::start(Answer::Status(503));
    // Far more than an answer takes, also where everything else is at work.
    let (enough, rest) = (Duration::from_secs(30), Duration::from_secs(4));
    let limits = FetchLimits { maximum_bytes: 1000, connect: enough, total: enough };
    let allowed = net::AllowedHost { host: "127.0.0.1".to_owned(), port: site.port, allow_private: true };
    let fetcher = Fetcher::new(vec![allowed], limits, None).expect("a fetcher");
    let fetcher = Arc::new(SharedFetcher::new(fetcher, BreakerLimits { failures: 3, rest }));
    let fetch = async |path: &str| {
        let fetched = fetcher.fetch(FetchRequest::get(&format!("{}/{path}", site.base_url()), 1000)).await;
        fetched.map_err(|error| error.code())
    };
    // What strangers ask for says nothing about the host.
    for index in 0..5 {
        let request = FetchRequest::get(&format!("{}/{index}", site.base_url()), 1000).unvouched();
        assert!(fetcher.fetch(request).await.is_err_and(|error| matches!(*error, FetchError::Status(503))));
    }
    for path in ["a", "b", "c"] {
        assert_eq!(fetch(path).await, Err("status"));
    }
    for path in ["a", "b", "d", "e"] {
        assert_eq!(fetch(path).await, Err("resting"));
    }
    assert_eq!(site.asked(), 8);
    tokio::time::sleep(rest).await;
    let stranger = FetchRequest::get(&format!("{}/x", site.base_url()), 1000).unvouched();
    assert!(fetcher.fetch(stranger).await.is_err_and(|error| error.code() == "resting"), "no trial for strangers");
    // One trial fails, the next opens the host for all.
    assert_eq!((fetch("a").await, fetch("b").await, site.asked()), (Err("status"), Err("resting"), 9));
    site.tell(Answer::Late(b"x".to_vec(), Duration::from_secs(2)));
    tokio::time::sleep(rest).await;
    // Whichever comes first is the trial.
    let trial = tokio::join!(fetch("a"), fetch("b"));
    let outcomes = [trial.0.as_deref(), trial.1.as_deref()];
    assert!(outcomes.contains(&Ok(b"x")) && outcomes.contains(&Err(&"resting")), "{outcomes:?}");
    assert_eq!(fetch("b").await.as_deref(), Ok(&b"x"[..]));
    // What a host says wrongly, it says: it is there.
    site.tell(Answer::Status(404));
    for _ in 0..5 {
        assert_eq!(fetch("a").await, Err("status"));
    }
    let refused = fetcher.fetch(FetchRequest::get("http://other.example/", 1000)).await;
    assert!(refused.is_err_and(|error| matches!(*error, FetchError::NotAllowed { .. })));
}
