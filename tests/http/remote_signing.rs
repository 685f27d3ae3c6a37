//! The API of the Cloud Signature Consortium: each endpoint for each role, and what is signed by it.

use antin::{
    config::{Config, Operation, RemoteSigning},
    pki::Member,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    CONTENT, Service, base64,
    client::{Answer, Request},
    issuance_log,
};

/// Endpoints that take an access token, each with a body that is good.
const ENDPOINTS: [&str; 5] = [
    "/csc/v1/credentials/list",
    "/csc/v2/credentials/list",
    "/csc/v1/credentials/info",
    "/csc/v2/credentials/info",
    "/csc/v2/signatures/signDoc",
];

pub(super) fn offered(config: &mut Config) {
    config.remote_signing = RemoteSigning {
        name: Some("Sở Y tế".to_owned()),
        base_url: Some("https://localhost:8443".to_owned()),
        region: Some("VN".to_owned()),
        ..RemoteSigning::default()
    };
}

fn document() -> Value {
    json!({
        "document": base64(CONTENT), "signature_format": "C", "conformance_level": "AdES-B-B",
        "signed_envelope_property": "Detached", "signAlgo": "1.2.840.10045.4.3.2",
        "signed_props": [
            {"attribute_name": "document-kind", "attribute_value": "health-book"},
            {"attribute_name": "mime-type", "attribute_value": "application/fhir+json"},
        ],
    })
}

fn body(endpoint: &str) -> Value {
    match endpoint.rsplit_once('/').expect("a path").1 {
        "list" => json!({}),
        "info" => json!({"credentialID": "health", "certificates": "chain", "certInfo": true, "authInfo": true}),
        _ => json!({"credentialID": "health", "documents": [document()]}),
    }
}

impl Service {
    async fn ask_token(&self, member: Member, form: &str) -> Answer {
        let request = Request::post("/oauth2/token", "application/x-www-form-urlencoded", form);
        self.as_member(member, request).await
    }

    pub(super) async fn token(&self, member: Member, client: &str) -> String {
        let answer = self.ask_token(member, &format!("grant_type=client_credentials&client_id={client}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &300.into()));
        body["access_token"].as_str().expect("a token").to_owned()
    }

    pub(super) async fn csc(&self, member: Member, token: Option<&str>, endpoint: &str, body: &Value) -> Answer {
        let mut request = Request::json(endpoint, body);
        if let Some(token) = token {
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        self.as_member(member, request).await
    }
}

pub(super) fn error(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert!(body["error_description"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    (answer.status, body["error"].as_str().expect("an error").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_settings_there_is_no_such_api() {
    let service = Service::start().await;
    for endpoint in ENDPOINTS.into_iter().chain(["/csc/v1/info", "/csc/v2/info", "/oauth2/token"]) {
        let answer = service.csc(Member::IssuingSystem, None, endpoint, &json!({})).await;
        assert_eq!((answer.status, &*answer.code()), (404, "not-found"), "{endpoint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_wants_a_token_of_the_very_client() {
    let service = Service::with(offered).await;
    let (issuer, agency) = (Member::IssuingSystem, Member::Agency);
    let own = service.token(issuer, "issuing-system").await;
    let other = service.token(agency, "agency").await;
    for endpoint in ENDPOINTS {
        let body = body(endpoint);
        let ask = async |member, token: Option<&str>| service.csc(member, token, endpoint, &body).await;
        let answer = ask(issuer, Some(&own)).await;
        assert_eq!(answer.status, 200, "{endpoint} {}", String::from_utf8_lossy(&answer.body));
        let answer = ask(issuer, None).await;
        assert_eq!(error(&answer), (401, "invalid_request".to_owned()), "{endpoint}");
        assert!(answer.head.to_ascii_lowercase().contains("www-authenticate: bearer"), "{answer:?}");
        for (member, token) in [(agency, &*own), (issuer, &*other), (issuer, "nobody's"), (agency, &own[1..])] {
            let answer = ask(member, Some(token)).await;
            assert_eq!(error(&answer), (401, "invalid_token".to_owned()), "{endpoint} {token}");
        }
        assert_eq!(error(&ask(issuer, Some("a b")).await), (400, "invalid_request".to_owned()), "{endpoint}");
        // Nothing of the API is on the public listener.
        let request = Request::json(endpoint, &body).header("Authorization", &format!("Bearer {own}"));
        assert_eq!(service.public(request).await.status, 404, "{endpoint}");
        // The agency has no key: credentials of others are as unknown to it as those that do not exist.
        let answer = ask(agency, Some(&other)).await;
        if endpoint.ends_with("list") {
            assert_eq!(answer.json(), json!({"credentialIDs": []}));
        } else {
            assert_eq!(error(&answer), (400, "invalid_request".to_owned()), "{endpoint}");
            let mut none = body.clone();
            none["credentialID"] = "nobody's".into();
            let unknown = service.csc(agency, Some(&other), endpoint, &none).await;
            assert_eq!(unknown.json(), answer.json(), "{endpoint}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_given_to_whom_the_certificate_names() {
    let service = Service::with(offered).await;
    let good = "grant_type=client_credentials&client_id=issuing-system";
    for (form, expected) in [
        (good.to_owned(), (200, "")),
        (format!("{good}&scope=service&unknown=1"), (200, "")),
        (format!("{good}&scope=credential"), (400, "invalid_scope")),
        (format!("{good}&client_secret=1"), (400, "invalid_request")),
        (format!("{good}&client_id=issuing-system"), (400, "invalid_request")),
        ("client_id=issuing-system".to_owned(), (400, "invalid_request")),
        ("grant_type=client_credentials".to_owned(), (400, "invalid_request")),
        ("grant_type=password&client_id=issuing-system".to_owned(), (400, "unsupported_grant_type")),
        ("grant_type=client_credentials&client_id=agency".to_owned(), (401, "invalid_client")),
        ("%".to_owned(), (400, "invalid_request")),
        ("a=".repeat(10_000), (413, "invalid_request")),
    ] {
        let answer = service.ask_token(Member::IssuingSystem, &form).await;
        let found = if answer.status == 200 { (200, String::new()) } else { error(&answer) };
        assert_eq!((found.0, &*found.1), expected, "{form}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_permission_is_gone_has_no_credentials() {
    let service = Service::with(|config| {
        offered(config);
        for client in config.clients.iter_mut().filter(|client| client.name == "issuing-system") {
            client.operations = vec![Operation::Verify];
            (client.kinds, client.keys, client.permissions) = (Vec::new(), Vec::new(), Vec::new());
        }
    })
    .await;
    let token = service.token(Member::IssuingSystem, "issuing-system").await;
    let ask = async |endpoint| service.csc(Member::IssuingSystem, Some(&token), endpoint, &body(endpoint)).await;
    assert_eq!(ask("/csc/v2/credentials/list").await.json(), json!({"credentialIDs": []}));
    for endpoint in &ENDPOINTS[2..] {
        assert_eq!(error(&ask(endpoint).await), (400, "invalid_request".to_owned()), "{endpoint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn info_tells_the_methods_there_are() {
    let service = Service::with(offered).await;
    for (version, specs) in [("v1", "1.0.4.0"), ("v2", "2.0.0.2")] {
        let info = service.csc(Member::Agency, None, &format!("/csc/{version}/info"), &json!({})).await.json();
        assert_eq!((&info["specs"], &info["name"]), (&specs.into(), &"Sở Y tế".into()), "{info}");
        assert_eq!(info["authType"], json!(["oauth2client"]));
        for method in info["methods"].as_array().expect("methods") {
            let method = method.as_str().expect("a name");
            let path =
                if method.starts_with("oauth2") { format!("/{method}") } else { format!("/csc/{version}/{method}") };
            let answer = service.csc(Member::Agency, None, &path, &json!({})).await;
            assert!([400, 401].contains(&answer.status), "{path} {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_described_as_its_certificate_is() {
    let service = Service::with(offered).await;
    let token = service.token(Member::IssuingSystem, "issuing-system").await;
    let ask =
        async |endpoint, body: Value| service.csc(Member::IssuingSystem, Some(&token), endpoint, &body).await.json();
    let list = ask("/csc/v2/credentials/list", json!({})).await;
    assert!(list["credentialIDs"].as_array().expect("a list").contains(&"health".into()), "{list}");
    let first = ask("/csc/v2/credentials/list", json!({"maxResults": 1, "credentialInfo": true})).await;
    assert_eq!(first["credentialInfos"][0]["credentialID"], first["credentialIDs"][0], "{first}");
    let info = ask("/csc/v2/credentials/info", body("/info")).await;
    assert_eq!(
        info["key"],
        json!({"algo": ["1.2.840.10045.4.3.2"], "status": "enabled", "len": 256, "curve": "1.2.840.10045.3.1.7"})
    );
    assert_eq!((&info["cert"]["status"], &info["auth"]["mode"]), (&"valid".into(), &"implicit".into()), "{info}");
    let chain = info["cert"]["certificates"].as_array().expect("a chain");
    assert!(chain.len() > 1, "{info}");
    let pem = std::fs::read(Member::Health.certificate_path(&service.pki())).expect("a certificate");
    let der = openssl::x509::X509::from_pem(&pem).expect("PEM").to_der().expect("DER");
    assert_eq!(STANDARD.decode(chain[0].as_str().expect("text")).expect("base64"), der);
    let valid_from = info["cert"]["validFrom"].as_str().expect("a time");
    assert!(valid_from.len() == 15 && valid_from.ends_with('Z'), "{valid_from}");
    let bare = ask("/csc/v1/credentials/info", json!({"credentialID": "health", "certificates": "none"})).await;
    assert_eq!((&bare["authMode"], &bare["SCAL"], &bare["cert"]), (&"implicit".into(), &"1".into(), &json!({})));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_is_recorded_and_verifies() {
    let service = Service::over(issuance_log::place().0, offered).await;
    let token = service.token(Member::IssuingSystem, "issuing-system").await;
    let endpoint = "/csc/v2/signatures/signDoc";
    let order = body(endpoint);
    let mut signatures = Vec::new();
    for key in ["one", "one", "two"] {
        let request = Request::json(endpoint, &order).header("Authorization", &format!("Bearer {token}"));
        let answer = service.as_member(Member::IssuingSystem, request.header("Idempotency-Key", key)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        signatures.push(answer.json()["SignatureObject"][0].as_str().expect("a signature").to_owned());
    }
    assert!(signatures[0] == signatures[1] && signatures[1] != signatures[2], "the same order again");
    // Beside what the specification has: the id on record, and the word of the log.
    let request = Request::json(endpoint, &order).header("Authorization", &format!("Bearer {token}"));
    let answer = service.as_member(Member::IssuingSystem, request.header("Idempotency-Key", "two")).await;
    let header = |name: &str| {
        let line = answer.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("{name} in {}", answer.head)).trim().to_owned()
    };
    let promise = STANDARD.decode(header("antin-log-promise")).expect("base64");
    let promise: Value = serde_json::from_slice(&promise).expect("JSON");
    let (proof, _) = service.proof_soon(&header("antin-document-id")).await;
    assert_eq!(proof["entry"], promise["entry"]);
    let question = json!({"document": base64(CONTENT), "signature": signatures[0]});
    let answer = service.verify(&question).await;
    assert_eq!(answer.reliance().0, "ACCEPT", "{answer:?}");
    let mut attached = order.clone();
    attached["documents"][0]["signed_envelope_property"] = "Attached".into();
    let answer = service.csc(Member::IssuingSystem, Some(&token), endpoint, &attached).await.json();
    let answer = service.verify(&json!({"document": answer["DocumentWithSignature"][0]})).await;
    assert_eq!(answer.reliance().0, "ACCEPT", "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_refused_by_name() {
    let service = Service::with(offered).await;
    let token = service.token(Member::IssuingSystem, "issuing-system").await;
    let endpoint = "/csc/v2/signatures/signDoc";
    let whole: [(&str, Value); 8] = [
        ("SAD", "x".into()),
        ("documentDigests", json!([])),
        ("operationMode", "A".into()),
        ("response_uri", "https://example.vn".into()),
        ("returnValidationInfo", true.into()),
        ("signatureQualifier", "eu_eidas_qes".into()),
        ("documents", json!([document(), document()])),
        ("unknown", 1.into()),
    ];
    let of_document: [(&str, Value); 9] = [
        ("document", "".into()),
        ("signature_format", "X".into()),
        ("conformance_level", "AdES-B-X".into()),
        ("signed_envelope_property", "Parallel".into()),
        ("signed_envelope_property", "Revision".into()),
        ("signAlgo", "1.2.840.113549.1.1.11".into()),
        ("signAlgoParams", "BQA=".into()),
        ("signed_props", json!([{"attribute_name": "mime-type", "attribute_value": "application/fhir+json"}])),
        ("signed_props", json!([{"attribute_name": "signing-time", "attribute_value": "now"}])),
    ];
    let good = body(endpoint);
    let orders = whole.into_iter().map(|(name, value)| {
        let mut order = good.clone();
        order[name] = value;
        (name, order)
    });
    let of_document = of_document.into_iter().map(|(name, value)| {
        let mut order = good.clone();
        order["documents"][0][name] = value;
        (name, order)
    });
    for (name, order) in orders.chain(of_document) {
        let answer = service.csc(Member::IssuingSystem, Some(&token), endpoint, &order).await;
        assert_eq!(error(&answer), (400, "invalid_request".to_owned()), "{name}");
        let description = answer.json()["error_description"].as_str().expect("text").to_owned();
        assert!(description.contains(name), "{name}: {description}");
    }
    let plain = Request::post(endpoint, "text/plain", good.to_string());
    let query = Request::json("/csc/v2/signatures/signDoc?a=b", &good);
    for request in [plain, query] {
        let request = request.header("Authorization", &format!("Bearer {token}"));
        let answer = service.as_member(Member::IssuingSystem, request).await;
        assert_eq!(error(&answer), (400, "invalid_request".to_owned()));
    }
    // Of a kind that it is not.
    let mut order = good.clone();
    order["documents"][0]["document"] = base64(b"{}").into();
    let answer = service.csc(Member::IssuingSystem, Some(&token), endpoint, &order).await;
    assert_eq!(error(&answer), (400, "invalid_request".to_owned()));
}
