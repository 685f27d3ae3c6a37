//! Where an issuer publishes the standing of its papers, one without a standing is not relied on, however good its signature.

use antin::{
    cli::dev,
    clock,
    config::RequiredStatus,
    core::{algorithm::DigestAlgorithm, cms::document_reference::DocumentReference, crypto, time::Time},
    pki::Member,
    service::keys,
    signing::CadesRequest,
};
use openssl::x509::X509;
use serde_json::json;

use super::{CONTENT, Service, base64};

const UNKNOWN: &str = "status-unknown";

fn accepted() -> (String, String) {
    ("ACCEPT".to_owned(), "valid".to_owned())
}

/// A service that demands a standing of whoever holds this certificate or has it above him.
async fn demanding(member: Member, kinds: &[&str], from: Option<Time>) -> Service {
    Service::with(|config| {
        let Some(tls) = config.mutual_tls.certificate.parent() else { panic!("a folder") };
        let pem = std::fs::read(member.certificate_path(tls)).expect("a certificate");
        let der = X509::from_pem(&pem).and_then(|certificate| certificate.to_der()).expect("PEM");
        let certificates = vec![hex::encode_upper(crypto::sha256(&der))];
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        config.required_status = vec![RequiredStatus { certificates, kinds, from }];
    })
    .await
}

impl Service {
    /// What becomes of a paper that was signed with the office's key, and not by the service that records what is issued.
    pub(super) async fn stolen(&self, kind: Option<&str>) -> (String, String) {
        self.verify(&json!({"document": base64(&self.stolen_paper(kind))})).await.reliance()
    }

    /// Such a paper, enveloping.
    pub(super) fn stolen_paper(&self, kind: Option<&str>) -> Vec<u8> {
        let free = self.running.public;
        let settings = dev::settings(self.directory.path(), free, free);
        let keys = keys::keys(&settings.keys, &[]).expect("the keys");
        let key = keys.iter().find(|key| key.name() == "health").expect("a key");
        let document = kind.map(|kind| DocumentReference::new(kind, "1", None).expect("a reference"));
        let digest = (DigestAlgorithm::Sha256, &crypto::sha256(CONTENT)[..]);
        let signing_time = clock::now();
        let request = CadesRequest { digest, content: Some(CONTENT), signing_time, document: document.as_ref() };
        key.sign_cades(&request).expect("signed")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_with_the_key_makes_no_paper_that_counts() {
    let unknown = ("UNDETERMINED".to_owned(), UNKNOWN.to_owned());
    for member in [Member::Health, Member::Ca] {
        let service = demanding(member, &["health-book"], None).await;
        let (issued, _) = service.issue("one", "enveloping").await;
        assert_eq!(service.verify(&json!({"document": base64(&issued)})).await.reliance(), accepted());
        assert_eq!(service.stolen(Some("health-book")).await, unknown);
        assert_eq!(service.stolen(None).await, unknown, "it may be one of these kinds");
        assert_eq!(service.stolen(Some("unheard-of")).await, accepted(), "of this kind nothing is published");
        service.running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_and_papers_of_before_are_judged_by_their_signatures() {
    let others = demanding(Member::Judicial, &[], None).await;
    assert_eq!(others.stolen(Some("health-book")).await, accepted());
    let later = demanding(Member::Health, &[], Some(clock::now().plus_seconds(3600))).await;
    assert_eq!(later.stolen(Some("health-book")).await, accepted());
    let already = demanding(Member::Health, &[], Some(clock::now().plus_seconds(-3600))).await;
    assert_eq!(already.stolen(Some("health-book")).await.1, UNKNOWN);
}
