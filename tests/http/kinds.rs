//! Who must have signed documents of which kind, as the settings say.

use antin::{
    cli::dev,
    clock,
    config::Config,
    core::{
        algorithm::DigestAlgorithm, cms::document_reference::DocumentReference, crypto, document_kind::DocumentKinds,
    },
    service::{held, keys},
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
    let keys = keys::keys(&dev::settings(service.directory.path(), free, free).keys, &[]).expect("the keys");
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

#[tokio::test(flavor = "multi_thread")]
async fn policies_of_the_operator_are_named_by_callers_and_bring_their_own_rules() {
    let text = include_str!("../../config/policies/any-ades.toml").replace("\"any-ades\"", "\"own\"");
    let service = Service::with(|config: &mut Config| {
        let folder = config.registry.path.parent().expect("a folder").to_owned();
        let [asking, ruling] = ["asking.toml", "ruling.toml"].map(|name| folder.join(name));
        std::fs::write(&asking, format!("required-level = \"B-T\"\n{text}")).expect("written");
        let rules = "[document-kinds.role.office]\nproofs = [{ organization = [\"Nobody\"] }]\n[[document-kinds.kind]]\n\
                     names = [\"judicial-certificate\"]\nperiods = [{ signers = [[\"office\"]] }]\n";
        std::fs::write(&ruling, format!("{}\n{rules}", text.replace("\"own\"", "\"ruling\""))).expect("written");
        config.verify.policies = vec![asking, ruling];
    })
    .await;
    let free = service.running.public;
    let keys = keys::keys(&dev::settings(service.directory.path(), free, free).keys, &[]).expect("the keys");
    let key = keys.iter().find(|held| held.name() == "judicial").expect("a key");
    let document = DocumentReference::new("judicial-certificate", "1", None).expect("fits");
    let message = key.sign_cades(&CadesRequest {
        digest: (DigestAlgorithm::Sha256, &crypto::sha256(CONTENT)),
        content: Some(CONTENT),
        signing_time: clock::now(),
        document: Some(&document),
    });
    let document = base64(&message.expect("signed"));
    let ask = async |policy: &str| service.verify(&json!({"document": document, "policy": policy})).await;
    for (policy, code) in
        [("any-ades", "valid"), ("own", "level-too-low"), ("ruling", "issuer-not-authorised"), ("strict", "valid")]
    {
        let answer = ask(policy).await;
        assert_eq!(
            (answer.reliance().1.as_str(), answer.json()["policy"]["id"].as_str()),
            (code, Some(policy)),
            "{policy}"
        );
    }
    let unknown = ask("none").await;
    assert_eq!(unknown.status, 400);
    assert!(
        unknown.json()["detail"].as_str().is_some_and(|detail| detail.contains("own, ruling, strict")),
        "{:?}",
        unknown.json()
    );
}

#[test]
fn a_policy_file_that_cannot_be_one_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("a folder");
    let path = directory.path().join("own.toml");
    let text = include_str!("../../config/policies/any-ades.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).expect("written");
        held::policies(std::slice::from_ref(&path), &DocumentKinds::default()).map_err(|error| error.to_string())
    };
    assert!(read(&text.replace("\"any-ades\"", "\"own\"")).is_ok_and(|policies| policies.len() == 4));
    for (wrong, said) in [
        (text.to_owned(), "is that of another policy"),
        (text.replace("\"any-ades\"", "\"\""), "is that of another policy"),
        (text.replace("\"any-ades\"", "\"a b\""), "or has more than 64 bytes or a space"),
        ("id = 'x'".to_owned(), "missing field"),
        (text.replace("2030-12-31", "2040-12-31"), "a policy only shortens"),
    ] {
        let error = read(&wrong).expect_err("refused");
        assert!(error.contains(said) && error.contains("own.toml"), "{error}");
    }
    let missing = held::policies(&[directory.path().join("none.toml")], &DocumentKinds::default());
    assert!(missing.is_err_and(|error| error.to_string().contains("none.toml")));
}
