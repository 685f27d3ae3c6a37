//! Cases that antin judges otherwise than the set, each with the reason. A case that is listed and judged alike fails the test,
//! as does a name without a case.

const DSA: &str = "DSA is no accepted algorithm (Circular 15/2025)";

pub const DIVERGENCES: &[(&str, &str)] = &[
    ("valid_dsa_signatures_test4", DSA),
    ("valid_dsa_parameter_inheritance_test5", DSA),
    (
        "invalid_negative_serial_number_test15",
        "refused before its CRL is asked: a serial number is positive (RFC 5280 §4.1.2.2)",
    ),
];
