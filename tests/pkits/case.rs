//! The cases of the set, read from `testvectors/pkits/cases.tsv`, whose columns `testvectors/README.md` describes.

use std::fs;

use crate::testvectors;

const COLUMNS: &str = "case\ttarget\tcertificates\tcrls\tpath\trevocation\tpolicies\tswitches\texpect";
/// NIST's test policies are numbered below this arc.
const TEST_POLICIES: &str = "2.16.840.1.101.3.2.1.48.";

/// One case; names of files are without their extension, and without the anchor's own files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// The number of the test in the set's document; `-1`, `-2` behind it where it is made with several inputs.
    pub number: String,
    pub target: String,
    /// In the order in which they are given, the path's and those of CRL issuers.
    pub certificates: Vec<String>,
    pub crls: Vec<String>,
    /// Certificates of the path, the anchor too.
    pub path_length: usize,
    pub revocation: bool,
    pub policies: Policies,
    pub expected: Expected,
}

/// The inputs about policies (RFC 5280 §6.1.1); OIDs in dotted form.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Policies {
    pub acceptable: Vec<String>,
    pub require_explicit: bool,
    pub inhibit_mapping: bool,
    pub inhibit_any: bool,
}

/// What the set demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    Valid,
    /// The certificates themselves do not make a valid path.
    #[default]
    PathInvalid,
    Revoked,
    /// No revocation data, none that are fresh, or none that are understood.
    RevocationUnknown,
}

/// Every case, in the table's order. A row with a word that is not known fails the reading.
pub fn table() -> Vec<Case> {
    let text = fs::read_to_string(testvectors::root().join("pkits/cases.tsv")).expect("the table of cases");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(COLUMNS));
    lines.map(|line| read(line).unwrap_or_else(|| panic!("not a case: {line}"))).collect()
}

fn read(line: &str) -> Option<Case> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [number, target, certificates, crls, path, revocation, policies, switches, expected] = fields[..] else {
        return None;
    };
    let mut inputs = Policies {
        acceptable: words(policies).iter().map(|number| format!("{TEST_POLICIES}{number}")).collect(),
        ..Policies::default()
    };
    for switch in words(switches) {
        match switch.as_str() {
            "explicit" => inputs.require_explicit = true,
            "no-mapping" => inputs.inhibit_mapping = true,
            "no-any" => inputs.inhibit_any = true,
            _ => return None,
        }
    }
    Some(Case {
        number: number.to_owned(),
        target: target.to_owned(),
        certificates: words(certificates),
        crls: words(crls),
        path_length: path.parse().ok()?,
        revocation: match revocation {
            "on" => true,
            "off" => false,
            _ => return None,
        },
        policies: inputs,
        expected: match expected {
            "valid" => Expected::Valid,
            "invalid" => Expected::PathInvalid,
            "revoked" => Expected::Revoked,
            "unknown" => Expected::RevocationUnknown,
            _ => return None,
        },
    })
}

/// The words of a field; `-` stands for none.
fn words(field: &str) -> Vec<String> {
    field.split(' ').filter(|word| *word != "-").map(str::to_owned).collect()
}
