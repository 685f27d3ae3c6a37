//! Cases that antin judges otherwise than the set, each with the reason. A case that is listed and judged alike fails the test,
//! as does an id without a case. All are accepted here and refused there.

const ISSUER: &str =
    "a rule for who issues (RFC 5280 §4.2); nothing in the validation of §6.1 asks for it or depends on it";
const NAME: &str = "the name of a server is no question here: a document names its signer by the certificate itself";

pub const DIVERGENCES: &[(&str, &str)] = &[
    ("crl::crlnumber-missing", ISSUER),
    ("crl::crlnumber-critical", "the extension is understood, and critical or not it is kept (RFC 5280 §5.2)"),
    ("rfc5280::aki::critical-aki", ISSUER),
    ("rfc5280::aki::leaf-missing-aki", ISSUER),
    ("rfc5280::aki::intermediate-missing-aki", ISSUER),
    ("rfc5280::aki::cross-signed-root-missing-aki", ISSUER),
    ("rfc5280::ski::critical-ski", ISSUER),
    ("rfc5280::ski::root-missing-ski", ISSUER),
    ("rfc5280::ski::intermediate-missing-ski", ISSUER),
    ("rfc5280::eku::ee-wrong-eku", "the purpose any asks for no extended key usage"),
    (
        "rfc5280::nc::permitted-dns-match-noncritical",
        "constraints restrict also where they are not critical; the names are within them",
    ),
    ("rfc5280::pc::ica-noncritical-pc", "policy constraints restrict also where they are not critical; they are met"),
    ("rfc5280::san::noncritical-with-empty-subject", ISSUER),
    ("rfc5280::san::underscore-dns", NAME),
    ("rfc5280::san::ip-in-dns", NAME),
    ("rfc5280::ca-as-leaf-wrong-san", NAME),
    (
        "rfc5280::serial::too-long",
        "older authorities wrote more than 20 octets, which identify as well; the length is bounded",
    ),
    (
        "rfc5280::validity::expired-root",
        "an anchor is a name and a key, without validity (RFC 5280 §6.1.1 (d)): what an old root issued lives on",
    ),
    ("rfc5280::root-non-critical-basic-constraints", ISSUER),
    ("rfc5280::leaf-ku-keycertsign", "the certificate is no CA and issues nothing, whatever its key usage says"),
];
