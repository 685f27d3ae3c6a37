//! How `testvectors/health-book/` and `testvectors/judicial-certificate/` came to be, to be made again when that is wanted:
//!
//! ```text
//! ANTIN_MAKE_TESTVECTORS=1 cargo test --test antin testvectors::make
//! ```
//!
//! Without the variable they are made in a scratch folder, and must get their verdicts just so.
//!
//! The keys live in memory and are gone when it ends, so every file changes each time it runs. Nothing reads the clock.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use antin::cli::demo::{HEALTH_BOOK, JUDICIAL_CERTIFICATE, judicial_pdf};
use antin::core::algorithm::DigestAlgorithm;
use antin::core::cms::document_reference::DocumentReference;
use antin::core::crypto;
use antin::core::time::Time;
use antin::core::x509;
use antin::pki::certificate::{Issuer, Profile, issue, self_sign};
use antin::pki::crl::RevocationList;
use antin::pki::key::PrivateKey;
use antin::pki::profile::{self, Publication, subject};
use antin::pki::{Algorithm, Reason};
use antin::signing::key::{RsaPadding, SoftwareKey};
use antin::signing::{CadesRequest, CadesSigner, IssuingKey as _};
use der::pem::{LineEnding, encode_string};
use der::{Encode, EncodePem};
use x509_cert::Certificate;

use super::root;

const ORGANISATION: &str = "Cơ quan Chứng thực thử nghiệm antin (TEST VECTORS ONLY)";
/// Certificates are valid from here: root 20 years, CA 10, signers 2.
const ISSUED: &str = "2026-01-01T00:00:00Z";
const SIGNED: &str = "2026-08-03T01:00:00Z";
const REVOKED: &str = "2026-08-03T12:00:00Z";
/// The CRLs' thisUpdate and nextUpdate.
const LISTED: &str = "2026-08-04T00:00:00Z";
const LISTED_UNTIL: &str = "2036-01-01T00:00:00Z";
const JUDGED: &str = "2026-08-04T02:00:00Z";
/// After the signers' notAfter, before the CA's.
const JUDGED_LATE: &str = "2028-08-05T02:00:00Z";

/// What is signed and by whom.
struct Family<'a> {
    /// The folder, and the kind of document that is signed with it.
    name: &'static str,
    document: &'static str,
    content: &'a [u8],
    id: &'static str,
    organization: &'static str,
    signer: &'static str,
    /// The cases whose signature contains its content; it is detached in the others.
    enveloping: &'static [&'static str],
    /// Text that stands in the document, and what the tampered case changes it into.
    edit: [&'static str; 2],
    edit_says: &'static str,
}

struct Authorities {
    root: Issuer,
    ca: Issuer,
    publication: Publication,
}

/// A case: its name, when it is judged, what must come out, by which clause, and in words.
const CASES: [(&str, &str, &str, &str, &str); 4] = [
    (
        "signed",
        JUDGED,
        "outcome = \"ACCEPT\"\nindication = \"TOTAL-PASSED\"\ncode = \"valid\"\nexit = 0\n",
        "EN 319 102-1, 5.3.4",
        "",
    ),
    (
        "tampered",
        JUDGED,
        "outcome = \"REJECT\"\nindication = \"TOTAL-FAILED\"\nsub-indication = \"HASH_FAILURE\"\n\
         code = \"document-changed\"\nexit = 1\n",
        "EN 319 102-1, 5.2.7.4",
        "; changed after signing",
    ),
    (
        "revoked",
        JUDGED,
        "outcome = \"UNDETERMINED\"\nindication = \"INDETERMINATE\"\nsub-indication = \"REVOKED_NO_POE\"\n\
         code = \"certificate-revoked\"\nexit = 2\n",
        "EN 319 102-1, 5.2.6.4; RFC 5280, 6.3.3",
        "; the signer's key was reported compromised eleven hours after signing, and nothing proves that the signature is older",
    ),
    (
        "expired",
        JUDGED_LATE,
        "outcome = \"UNDETERMINED\"\nindication = \"INDETERMINATE\"\nsub-indication = \"OUT_OF_BOUNDS_NO_POE\"\n\
         code = \"certificate-expired\"\nexit = 2\n",
        "EN 319 102-1, 5.2.6.4; RFC 5280, 6.1.3 (a)(2)",
        "; judged after the signer's certificate ended, and nothing proves that the signature is older",
    ),
];

fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("RFC 3339")
}

#[test]
fn cases_made_anew_get_their_verdicts() {
    if std::env::var_os("ANTIN_MAKE_TESTVECTORS").is_some_and(|value| value == "1") {
        make_all(&root());
        return;
    }
    let scratch = tempfile::tempdir().expect("a directory");
    fs::create_dir(scratch.path().join("documents")).expect("created");
    fs::write(scratch.path().join("documents/health-book.json"), HEALTH_BOOK).expect("written");
    make_all(scratch.path());
    assert_eq!(super::faults(scratch.path()), [""; 0]);
}

/// Makes both families, and the document that is rendered, below `target`.
fn make_all(target: &Path) {
    let data = serde_json::from_str(JUDICIAL_CERTIFICATE).expect("the data of the certificate");
    let pdf = judicial_pdf::render(&data).expect("rendered");
    fs::write(target.join("documents/judicial-certificate.pdf"), &pdf).expect("written");

    let publication = Publication::new("http://pki.example").expect("a base URL");
    let name = |common: &str| subject(ORGANISATION, common).expect("a name");
    let root_key = PrivateKey::generate(Algorithm::P256).expect("a key");
    let root = self_sign(root_key, &profile::root(name("Root"), time(ISSUED))).expect("a root");
    let ca = certify(&root, &profile::public_service_ca(name("CA"), time(ISSUED), &publication));
    let authorities = Authorities { root, ca, publication };
    make(
        target,
        &Family {
            name: "health-book",
            document: "health-book.json",
            content: HEALTH_BOOK.as_bytes(),
            id: "SK-999-2026-000001",
            organization: "Bệnh viện Thử Nghiệm (TEST VECTORS ONLY)",
            signer: "Ký hồ sơ sức khỏe",
            enveloping: &[],
            edit: ["\"criticality\": \"high\"", "\"criticality\": \"low\""],
            edit_says: "An allergy of high criticality becomes one of low.",
        },
        &authorities,
    );
    make(
        target,
        &Family {
            name: "judicial-certificate",
            document: "judicial-certificate.pdf",
            content: &pdf,
            id: "LLTP-999-2026-000001",
            organization: "Công an Thử Nghiệm (TEST VECTORS ONLY)",
            signer: "Ký phiếu lý lịch tư pháp",
            enveloping: &["signed", "tampered"],
            edit: ["000001/2026/PLLTP-TN</rdf:li>", "000002/2026/PLLTP-TN</rdf:li>"],
            edit_says: "Another number in the metadata of the PDF.",
        },
        &authorities,
    );
}

fn certify(issuer: &Issuer, profile: &Profile) -> Issuer {
    let key = PrivateKey::generate(Algorithm::P256).expect("a key");
    let certificate = issue(issuer, profile, &key.public_key().expect("a public key")).expect("a certificate");
    Issuer::new(certificate, key).expect("its key")
}

/// Writes the four cases of a family, each with all that it needs.
fn make(target: &Path, family: &Family<'_>, authorities: &Authorities) {
    let name = subject(family.organization, family.signer).expect("a name");
    let signer = certify(&authorities.ca, &profile::signer(name, time(ISSUED), &authorities.publication));
    for (case, at, expect, clause, words) in CASES {
        let folder = target.join(family.name).join(case);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("made before");
        }
        fs::create_dir_all(&folder).expect("created");
        let enveloping = family.enveloping.contains(&case);
        let message = sign(family, &signer, enveloping);
        fs::write(folder.join(if enveloping { "input.p7m" } else { "input.p7s" }), &message).expect("written");
        write_certificate(&folder.join("root.crt"), authorities.root.certificate());
        write_certificate(&folder.join("ca.crt"), authorities.ca.certificate());
        write_list(&folder.join("root.crl"), &authorities.root, None);
        write_list(&folder.join("ca.crl"), &authorities.ca, (case == "revoked").then_some(signer.certificate()));

        let packaging = if enveloping { "enveloping" } else { "detached" };
        let mut text = format!(
            "at = \"{at}\"\npolicy = \"circular-15-2025\"\nclause = \"{clause}\"\n\
             source = \"made by tests/testvectors/make.rs: {packaging} CAdES-B-B over documents/{}{words}\"\n\n",
            family.document
        );
        if !enveloping {
            text.push_str(&format!("content = \"../../documents/{}\"\n", family.document));
        }
        text.push_str(
            "trust-anchors = [\"root.crt\"]\nintermediates = [\"ca.crt\"]\ncrls = [\"root.crl\", \"ca.crl\"]\n\n",
        );
        if case == "tampered" {
            let (of, octets) = if enveloping { ("input", &message[..]) } else { ("content", family.content) };
            text.push_str(&edit(family, of, octets));
        }
        text.push_str(&format!("[expect]\n{expect}"));
        fs::write(folder.join("case.toml"), text).expect("written");
    }
}

fn sign(family: &Family<'_>, signer: &Issuer, enveloping: bool) -> Vec<u8> {
    let certificate = signer.certificate().to_der().expect("DER");
    let certificate = Arc::new(x509::Certificate::decode(&certificate).expect("a certificate"));
    let pem = signer.key().to_pkcs8_pem().expect("PEM");
    let key = SoftwareKey::from_pem(&pem, RsaPadding::Pss, &certificate).expect("its key");
    let digest = crypto::digest(DigestAlgorithm::Sha256, family.content);
    let request = CadesRequest {
        digest: (DigestAlgorithm::Sha256, &digest),
        content: enveloping.then_some(family.content),
        signing_time: time(SIGNED),
        document: Some(&DocumentReference::new(family.name, family.id, None).expect("short")),
    };
    CadesSigner::new("test vectors", key, certificate, &[]).sign_cades(&request).expect("signed")
}

/// The edit of the tampered case: where its text stands in `octets`.
fn edit(family: &Family<'_>, of: &str, octets: &[u8]) -> String {
    let [from, to] = family.edit;
    let offset = octets.windows(from.len()).position(|window| window == from.as_bytes()).expect("it stands there");
    let says = family.edit_says;
    format!(
        "# {says}\n[edit]\nof = \"{of}\"\noffset = {offset}\nfrom = \"{}\"\nto = \"{}\"\n\n",
        hex::encode(from),
        hex::encode(to)
    )
}

fn write_certificate(path: &Path, certificate: &Certificate) {
    fs::write(path, certificate.to_pem(LineEnding::LF).expect("PEM")).expect("written");
}

fn write_list(path: &Path, issuer: &Issuer, revoked: Option<&Certificate>) {
    let mut list = RevocationList { next_update: time(LISTED_UNTIL), ..RevocationList::first(time(LISTED)) };
    if let Some(certificate) = revoked {
        let serial_number = &certificate.tbs_certificate.serial_number;
        list.revoke(serial_number, Reason::KeyCompromise, time(REVOKED)).expect("entered");
    }
    let pem = encode_string("X509 CRL", LineEnding::LF, &list.sign(issuer).expect("signed"));
    fs::write(path, pem.expect("PEM")).expect("written");
}
