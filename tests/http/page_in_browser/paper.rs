//! What somebody with a telephone learns of a printed paper.

use antin::pki::Member;
use serde_json::json;

use super::{
    super::{
        client::Request,
        lookup::{REFERRAL, fields, order},
    },
    NARROW, Scene,
};
use crate::browser::Options;

/// A citizen with a telephone follows the QR code of a paper.
#[tokio::test(flavor = "multi_thread")]
async fn a_paper_is_looked_up_by_its_code() {
    let scene = Scene::new(Options { size: NARROW, ..Options::default() }).await;
    let signed = scene.service.sign("one", &order("referral", REFERRAL)).await;
    let id = signed.json()["id"].as_str().expect("an id").to_owned();
    let given = fields(REFERRAL);
    let ask = async |name: Option<&str>| {
        scene.browser.open(&scene.url(&format!("/d/{id}"))).await;
        for field in ["fileCode", "fullName", "birthDate", "identityNumber"] {
            let right = given[field].as_str().expect("text");
            scene
                .browser
                .fill(&format!("#{field}"), if field == "fullName" { name.unwrap_or(right) } else { right })
                .await;
        }
        let gender = if given["gender"]
            .as_str()
            .is_some_and(|gender| gender.to_lowercase().starts_with("nam") || gender == "male")
        {
            "male"
        } else {
            "female"
        };
        scene.browser.click(&format!("#gender option[value={gender}]")).await;
        scene.browser.click("#lookup button").await;
        scene.browser.wait_for("article.answer").await;
        scene.is_accessible().await;
        scene.browser.text("article.answer").await
    };
    let found = ask(None).await;
    assert!(found.contains("Còn hiệu lực") && found.contains("Sông Ngân"), "{found}");
    scene.browser.screenshot("vi-narrow-looked-up").await;
    let wrong = ask(Some("Nguyễn Văn Không")).await;
    assert!(!wrong.contains("Còn hiệu lực") && !wrong.contains("Sông Ngân"), "{wrong}");
    let path = format!("/v1/documents/{id}/status");
    let withdrawn = Request::json(&path, &json!({"state": "withdrawn", "reason": "a mistake"}));
    assert_eq!(scene.service.as_member(Member::IssuingSystem, withdrawn).await.status, 200);
    assert!(ask(None).await.contains("Đã thu hồi"));
    scene.is_quiet("").await;
}
