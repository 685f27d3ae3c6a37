//! Who must have signed documents of which kind, as the settings say.

use antin::{
    cli::dev,
    clock,
    config::Config,
    core::{algorithm::DigestAlgorithm, cms::document_reference::DocumentReference, crypto},
    service::held,
    signing::CadesRequest,
};
use serde_json::json;

use super::{CONTENT, Service, base64};

const RULES: &str = r#"
[role.public-security]
proofs = [{ organization = ["Bộ Công an (thử nghiệm)"] }]
[role.justice-department]
proofs = [{ organization = ["Bệnh viện Đa khoa Sông Ngân (thử nghiệm)"] }]
[[kind]]
names = ["judicial-certificate"]
periods = [
    { until = "2025-02-28T23:59:59+07:00", signers = [["justice-department"]] },
    { from = "2025-03-01T00:00:00+07:00", signers = [["public-security"]] },
]
"#;

/// Rules lie where `antin dev` looks for them.
async fn with_rules(rules: &str) -> Service {
    Service::with(|config: &mut Config| {
        let folder = config.registry.path.parent().expect("a folder").to_owned();
        std::fs::write(folder.join("document-kinds.toml"), rules).expect("written");
        config.verify = dev::settings(&folder, config.public.address, config.public.address).verify;
        assert!(config.verify.document_kinds.is_some());
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_authority_over_a_kind_is_refused_and_the_signature_stays_valid() {
    let service = with_rules(RULES).await;
    let free = service.running.public;
    let keys = held::keys(&dev::settings(service.directory.path(), free, free).keys).expect("the keys");
    let ask = async |key: &str, kind: &str| {
        let key = keys.iter().find(|held| held.name() == key).expect("a key");
        let document = DocumentReference::new(kind, "1", None).expect("fits");
        let digest = crypto::sha256(CONTENT);
        let message = key.sign_cades(&CadesRequest {
            digest: (DigestAlgorithm::Sha256, &digest),
            content: Some(CONTENT),
            signing_time: clock::now(),
            document: Some(&document),
        });
        service.verify(&json!({"document": base64(&message.expect("signed")), "policy": "any-ades"})).await
    };
    let refused = ("REJECT".to_owned(), "issuer-not-authorised".to_owned());
    assert_eq!(ask("judicial", "judicial-certificate").await.reliance().1, "valid");
    // Its certificate is of today: it never signed while its holder had authority.
    let answer = ask("health", "judicial-certificate").await;
    assert_eq!(answer.reliance(), refused);
    assert_eq!(answer.json()["verdict"]["indication"], "TOTAL-PASSED");
    let message = answer.json()["reliance"]["message"]["vi"].as_str().expect("words").to_owned();
    assert_eq!(message, "Cơ quan ký không có thẩm quyền cấp loại giấy tờ này");
    assert_eq!(ask("health", "health-book").await.reliance().1, "valid", "a kind without rules");
    service.running.shutdown().await;
}
