//! Status lists beside python-cwt and PyJWT: each reads what the other signs.

use std::path::Path;

use antin::clock;
use antin::core::evidence_file;
use antin::core::status_list::UnverifiedToken;
use serde_json::{Value, json};

use super::{python_with_pyhanko, run};
use crate::status_list::{INDEX, Publisher, URI};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/status_list_oracle.py");

fn ask(python: &Path, arguments: &[&str]) -> String {
    let output = run(python, &[&[SCRIPT], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn they_read_what_we_sign() {
    let Some(python) = python_with_pyhanko() else { return };
    let publisher = Publisher::new();
    let now = clock::now();
    publisher.publish(URI, 3, now);
    let text = |name: &str| publisher.path(name).to_str().expect("text").to_owned();
    let index = INDEX.to_string();
    for form in ["cwt", "jwt"] {
        let arguments = ["read", form, &text(&format!("list.{form}")), &text("lists.crt"), "0", &index, "999"];
        let said: Value = serde_json::from_str(&ask(&python, &arguments)).expect("JSON");
        let expected = json!({
            "sub": URI, "iat": now.unix(), "exp": now.unix() + 600, "ttl": 20,
            "bits": 2, "octets": 250, "statuses": [0, 3, 0],
        });
        assert_eq!(said, expected, "{form}");
    }
}

#[test]
fn we_read_what_they_sign() {
    let Some(python) = python_with_pyhanko() else { return };
    let publisher = Publisher::new();
    let text = |name: &str| publisher.path(name).to_str().expect("text").to_owned();
    let signers: Vec<_> = evidence_file::certificates(&std::fs::read(text("lists.crt")).expect("read")).expect("one");
    let signers: Vec<_> = signers.into_iter().map(std::sync::Arc::new).collect();
    let now = clock::now();
    let issued = now.unix().to_string();
    for (bits, statuses) in [("1", ["1", "0", "1", "1"]), ("2", ["3", "1", "0", "2"]), ("8", ["255", "0", "9", "1"])] {
        for form in ["cwt", "jwt"] {
            let arguments = ["write", form, &text("theirs"), &text("lists.key"), URI, &issued, bits];
            ask(&python, &[&arguments[..], &statuses].concat());
            let token = std::fs::read(text("theirs")).expect("read");
            let token = UnverifiedToken::decode(&token).and_then(|token| token.verify(&signers, now)).expect(form);
            assert_eq!((token.subject.as_str(), token.issued_at, token.time_to_live), (URI, now, Some(20)));
            let found: Vec<u8> = (0..4).filter_map(|index| token.list.get(index)).collect();
            let expected: Vec<u8> = statuses.iter().map(|status| status.parse().expect("a status")).collect();
            assert_eq!(found, expected, "{form}, {bits} bits");
        }
    }
}
