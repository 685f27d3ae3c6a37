//! The answer in the form that the caller takes.

use serde_json::json;

use super::{
    CONTENT, Service, base64,
    client::{Answer, Request},
};

/// The answer about a health book issued here, asked for in this form.
async fn asked(service: &Service, signature: &[u8], headers: &[(&str, &str)]) -> Answer {
    let question = json!({"document": base64(CONTENT), "signature": base64(signature)});
    let request = Request::json("/v1/verify", &question);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    service.public(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_comes_in_the_form_that_the_caller_takes() {
    let service = Service::start().await;
    let (signature, id) = service.issue("forms", "detached").await;
    for (headers, media_type, holds) in [
        (&[][..], "application/json", "{\"reliance\":{\"outcome\":\"ACCEPT\""),
        (&[("Accept", "*/*")], "application/json", "{\"reliance\":{\"outcome\":\"ACCEPT\""),
        (&[("Accept", "text/plain")], "text/plain; charset=utf-8", "✔ ACCEPT: Chữ ký số hợp lệ"),
        (&[("Accept", "text/plain")], "text/plain; charset=utf-8", "tình trạng giấy tờ      in-force ("),
        (
            &[("Accept", "text/*"), ("Accept-Language", "en")],
            "text/plain; charset=utf-8",
            "✔ ACCEPT: Digital signature valid",
        ),
        (&[("Accept", "application/xml, */*;q=0.1")], "application/xml", "mainindication:total-passed<"),
    ] {
        let answer = asked(&service, &signature, headers).await;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{headers:?} {body}");
        assert!(answer.head.contains(&format!("content-type: {media_type}\r\n")), "{headers:?} {}", answer.head);
        assert!(body.contains(holds) && body.contains(&id), "{headers:?} {body}");
        assert!(!body.contains('\u{1b}'), "no colours: {body}");
    }
    for accept in ["text/html", "application/pkcs7-mime", "application/json;q=0", "nonsense"] {
        let answer = asked(&service, &signature, &[("Accept", accept)]).await;
        assert_eq!((answer.status, answer.code().as_str()), (406, "not-acceptable"), "{accept}");
        let detail = answer.json()["detail"].as_str().expect("text").to_owned();
        assert!(detail.ends_with("application/json, text/plain, application/xml"), "{detail}");
    }
    // What is wrong is said as ever.
    let request = Request::json("/v1/verify", &json!({})).header("Accept", "application/xml");
    assert_eq!(service.public(request).await.code(), "document-missing");
    service.running.shutdown().await;
}
