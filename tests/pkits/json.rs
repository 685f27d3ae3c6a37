//! The table of the project and the `pkits.json` of the foreign vectors, written apart, say the same of every case.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;

use serde::Deserialize;

use super::case::{self, Case, Expected, Policies};
use crate::kit::vectors;

/// A case as the JSON has it; a field that is not known here fails the reading.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// `40801` is test 4.8.1; the cases of one test stand in the order of the table.
    id: String,
    #[serde(rename = "name")]
    _name: String,
    cert: String,
    #[serde(default)]
    other_certs: Vec<String>,
    #[serde(default)]
    crls: Vec<String>,
    path_len: usize,
    #[serde(rename = "path_intermediates")]
    _path_intermediates: Option<Vec<String>>,
    #[serde(default = "yes")]
    revocation: bool,
    error: Option<Error>,
    #[serde(default)]
    params: Parameters,
}

const fn yes() -> bool {
    true
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    user_initial_policy_set: Vec<String>,
    initial_explicit_policy: bool,
    initial_policy_mapping_inhibit: bool,
    initial_any_policy_inhibit: bool,
}

#[derive(Deserialize)]
struct Error {
    class: String,
}

impl Written {
    /// `4.8.1` for `40801`.
    fn test(&self) -> String {
        let part = |range: Range<usize>| self.id[range].parse::<u32>().expect("digits");
        format!("{}.{}.{}", &self.id[..1], part(1..3), part(3..5))
    }

    fn expected(&self) -> Expected {
        match self.error.as_ref().map(|error| error.class.as_str()) {
            None => Expected::Valid,
            Some("PathValidationError") => Expected::PathInvalid,
            Some("RevokedError") => Expected::Revoked,
            Some("InsufficientRevinfoError" | "StaleRevinfoError") => Expected::RevocationUnknown,
            Some(other) => panic!("{}: no kind of failure {other}", self.id),
        }
    }

    fn into_case(self, number: String) -> Case {
        let expected = self.expected();
        Case {
            number,
            target: stem(&self.cert, ".crt"),
            certificates: self.other_certs.iter().map(|name| stem(name, ".crt")).collect(),
            crls: self.crls.iter().map(|name| stem(name, ".crl")).collect(),
            path_length: self.path_len,
            revocation: self.revocation,
            policies: Policies {
                acceptable: self.params.user_initial_policy_set,
                require_explicit: self.params.initial_explicit_policy,
                inhibit_mapping: self.params.initial_policy_mapping_inhibit,
                inhibit_any: self.params.initial_any_policy_inhibit,
            },
            expected,
        }
    }
}

fn stem(name: &str, extension: &str) -> String {
    name.strip_suffix(extension).unwrap_or_else(|| panic!("{name}: not a {extension}")).to_owned()
}

#[test]
fn the_table_is_the_json() {
    let Some(folder) = vectors::find("pkits") else { return };
    let text = fs::read(folder.join("pkits.json")).expect("the cases");
    let written: Vec<Written> = serde_json::from_slice(&text).expect("cases");
    let mut inputs: HashMap<String, usize> = HashMap::new();
    for case in &written {
        *inputs.entry(case.test()).or_default() += 1;
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    let cases: Vec<Case> = written
        .into_iter()
        .map(|case| {
            let test = case.test();
            let nth = seen.entry(test.clone()).or_default();
            *nth += 1;
            let number = if inputs[&test] > 1 { format!("{test}-{nth}") } else { test };
            case.into_case(number)
        })
        .collect();
    let table = case::table();
    assert_eq!(table.len(), cases.len());
    for (ours, theirs) in table.iter().zip(&cases) {
        assert_eq!(ours, theirs);
    }
}
