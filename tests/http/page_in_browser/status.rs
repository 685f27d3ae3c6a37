//! What the operator sees.

use std::{fs, path::Path};

use super::{super::Service, Scene, words};
use crate::browser::{Browser, ColourScheme, Options};

/// The operator at night: whether it is well is seen at once, and nothing of persons or documents.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_how_the_service_fares() {
    let service = Service::with(|config| {
        config.internal.enabled = true;
        config.internal.address = "127.0.0.1:0".parse().expect("an address");
    });
    let options = Options { colour_scheme: ColourScheme::Dark, ..Options::default() };
    let scene = Scene { service: service.await, browser: Browser::shared(options).await };
    let (signature, id) = scene.service.issue("one", "enveloping").await;
    let file = scene.file("a.p7m", &signature);
    scene.browser.open(&scene.url("/")).await;
    scene.check(&[&file]).await;
    let internal = scene.service.running.internal.expect("an internal listener");
    for language in ["vi", "en"] {
        scene.browser.requests().await;
        scene.browser.open(&format!("http://{internal}/status?lang={language}")).await;
        scene.is_accessible().await;
        let text = scene.browser.text("main").await;
        let wanted = [
            "RootCA thử nghiệm antin",
            "antin_verdicts_total",
            "ACCEPT",
            words(language, "Ký được", "It signs"),
            words(language, "Sẵn sàng", "Ready"),
        ];
        assert!(wanted.iter().all(|words| text.contains(words)), "{text}");
        assert!(!text.contains(&id) && !text.contains("a.p7m"), "{text}");
        scene.browser.screenshot(&format!("{language}-status")).await;
        for url in scene.browser.requests().await {
            assert!(url.starts_with(&format!("http://{internal}/")), "{url}");
        }
    }
    assert_eq!(scene.browser.console().await, [""; 0]);
    scene.browser.open(&scene.url("/status")).await;
    let page = scene.browser.text("body").await;
    assert!(page.contains("Kiểm tra tệp") && !page.contains("antin_"), "it is not for everybody: {page}");
}

/// Every figure that the dashboard asks for is one that the service counts.
#[test]
fn the_dashboard_asks_for_figures_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dashboard = fs::read_to_string(root.join("packaging/grafana/antin.json")).expect("a dashboard");
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    let mut sources = String::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources += &fs::read_to_string(path).expect("text");
            }
        }
    }
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut count = 0;
    for target in targets {
        let asked = target["expr"].as_str().expect("a question");
        for rest in asked.split("antin_").skip(1) {
            let name: String =
                rest.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
            let name = name.trim_end_matches("_bucket");
            assert!(sources.contains(&format!("\"antin_{name}\"")), "antin_{name}");
            count += 1;
        }
    }
    assert!(count > 25, "{count}");
}
