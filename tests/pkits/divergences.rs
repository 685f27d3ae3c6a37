//! Cases that antin judges otherwise than the set, each with the reason. A case that is listed and judged alike fails the test,
//! as does a number without a case.

const DSA: &str = "DSA is no accepted algorithm (Circular 15/2025)";

pub const DIVERGENCES: &[(&str, &str)] = &[
    ("4.1.4", DSA),
    ("4.1.5", DSA),
    ("4.4.15", "refused before its CRL is asked: a serial number is positive (RFC 5280 §4.1.2.2)"),
];
