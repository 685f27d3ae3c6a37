//! No target: writes the corpus that the others start from. `seeds CORPUS VECTORS...`: every certificate, CRL, message and PDF
//! in the folders VECTORS, taken apart; an OCSP response for some of the certificates; and chains put together by name.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use antin_fuzz::core::algorithm::DigestAlgorithm;
use antin_fuzz::core::cms::SignedData;
use antin_fuzz::core::cms::timestamp_exchange::{FailureInfo, TimeStampRequest, encode_granted, encode_refusal};
use antin_fuzz::core::crypto::sha256;
use antin_fuzz::core::der::{ber, tag, writer};
use antin_fuzz::core::x509::{Certificate, CertificateList};
use antin_fuzz::core::{evidence_file, oid, pdf};
use antin_fuzz::documents;
use antin_fuzz::items::{Kind, push};
// Its runtime keeps the counters of the instrumented core.
use libfuzzer_sys as _;

/// Octets of the longest seed: longer ones slow the search down and show it nothing new.
const LONGEST: usize = 64 * 1024;
/// Certificates an OCSP response is made for.
const RESPONSES: usize = 24;
const BODIES: [&str; 4] = [
    r#"{"document": "/w==", "filename": "a.pdf", "purpose": "archive", "metadata": {"a": [1, -2.5e3, "\u00e2\n"]}}"#,
    r#"{"digests": [{"algorithm": "sha-256", "value": "AA=="}, {"algorithm": null, "value": "\/\/8="}]}"#,
    r#"{"docum\u0065nt": null, "signature": "", "metadata": {"a": {"b": [[], {}, true, false]}}}"#,
    "[[[[{}]]]]",
];

const QUERY: TimeStampRequest<'_> = TimeStampRequest {
    algorithm: DigestAlgorithm::Sha256,
    digest: &[7; 32],
    policy: Some(oid::ANY_POLICY),
    nonce: Some(&[0x40; 16]),
    wants_certificate: true,
};

struct Corpus {
    root: PathBuf,
    certificates: Vec<Certificate>,
    lists: Vec<CertificateList>,
}

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let root = arguments.next().expect("the corpus folder is the first argument");
    let mut corpus = Corpus { root, certificates: Vec::new(), lists: Vec::new() };
    corpus.take(documents::DETACHED);
    corpus.take(documents::ENVELOPING);
    for folder in arguments {
        corpus.take_folder(&folder);
    }
    corpus.write_responses();
    corpus.write_paths();
    corpus.write("timestamp", &encode_refusal(FailureInfo::BadAlgorithm));
    corpus.write("timestamp", &QUERY.encode());
    for body in BODIES {
        corpus.write("json", body.as_bytes());
    }
    corpus.write("saved", &documents::saved());
}

impl Corpus {
    fn write(&self, target: &str, octets: &[u8]) {
        if octets.len() <= LONGEST {
            let folder = self.root.join(target);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(&hex::encode(sha256(octets))[..16]), octets).expect("written");
        }
    }

    fn take_folder(&mut self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self.take_folder(&path);
            } else if path.metadata().is_ok_and(|data| data.len() <= LONGEST as u64) {
                self.take(&fs::read(&path).expect("a file"));
            }
        }
    }

    fn take(&mut self, file: &[u8]) {
        if pdf::is_pdf(file) {
            self.write("pdf", file);
        }
        let message = evidence_file::cms(file).unwrap_or(file.into());
        if SignedData::decode(&message).is_ok() || ber::normalise_content_info(&message).is_ok() {
            self.write("cms", &message);
            self.take_message(&message);
            return;
        }
        for certificate in evidence_file::certificates(file).into_iter().flatten() {
            self.write("certificate", certificate.der());
            self.certificates.push(certificate);
        }
        for list in evidence_file::crls(file).into_iter().flatten() {
            self.write("crl", &list.der());
            self.lists.push(list);
        }
    }

    /// Certificates and CRLs that came with a message.
    fn take_message(&mut self, message: &[u8]) {
        let Ok(message) = SignedData::decode(message) else { return };
        for signer in &message.signer_infos {
            for token in signer.unsigned_values(oid::SIGNATURE_TIME_STAMP) {
                self.write("timestamp", &encode_granted(token));
            }
        }
        for der in &message.certificates {
            self.write("certificate", der);
            self.certificates.extend(Certificate::decode(der).ok());
        }
        for der in &message.crls {
            self.write("crl", der);
            self.lists.extend(CertificateList::decode(der).ok());
        }
    }

    /// Responses in form, signed by nobody.
    fn write_responses(&self) {
        let step = (self.certificates.len() / RESPONSES).max(1);
        for (index, certificate) in self.certificates.iter().step_by(step).enumerate() {
            self.write("ocsp", &response(certificate, index));
        }
    }

    /// For each certificate those above it by name, with their CRLs; what issued itself is the anchor.
    fn write_paths(&self) {
        let mut by_subject: HashMap<&[u8], Vec<&Certificate>> = HashMap::new();
        for certificate in &self.certificates {
            by_subject.entry(certificate.subject.comparable()).or_default().push(certificate);
        }
        for (index, target) in self.certificates.iter().enumerate() {
            let mut input = vec![index as u8];
            push(&mut input, Kind::Certificate, target.der());
            let mut below = target;
            for _ in 0..5 {
                for list in self.lists.iter().filter(|list| list.issuer == below.issuer).take(3) {
                    push(&mut input, Kind::Crl, &list.der());
                }
                let Some(issuers) = by_subject.get(below.issuer.comparable()) else { break };
                for issuer in issuers.iter().take(3) {
                    let kind = if issuer.is_self_issued() { Kind::Anchor } else { Kind::Certificate };
                    push(&mut input, kind, issuer.der());
                }
                if below.is_self_issued() {
                    break;
                }
                below = issuers[0];
            }
            if index % 8 == 0 {
                push(&mut input, Kind::Ocsp, &response(target, index));
            }
            self.write("path", &input);
        }
    }
}

/// A `BasicOCSPResponse` about a certificate; `index` varies its form.
fn response(certificate: &Certificate, index: usize) -> Vec<u8> {
    let time = |text: &[u8]| writer::element(tag::GENERALIZED_TIME, text);
    let algorithm = writer::sequence(&[&writer::object_identifier(oid::SHA_256)]);
    let digest = writer::octet_string(&sha256(certificate.issuer.der()));
    let serial_number = writer::element(tag::INTEGER, &certificate.serial_number);
    let name = writer::sequence(&[&algorithm, &digest, &digest, &serial_number]);
    let status = match index % 3 {
        0 => writer::element(0x80, &[]),
        1 => writer::element(0xA1, &time(b"20260101000000Z")),
        _ => writer::element(0x82, &[]),
    };
    let next_update = writer::element(tag::context(0), &time(b"20261231000000Z"));
    let single = writer::sequence(&[&name, &status, &time(b"20260701000000Z"), &next_update]);
    let responder = match index % 2 {
        0 => writer::element(0xA1, certificate.issuer.der()),
        _ => writer::element(0xA2, &writer::octet_string(&[7; 20])),
    };
    let data = writer::sequence(&[&responder, &time(b"20260701000000Z"), &writer::sequence(&[&single])]);
    let signed_by = writer::sequence(&[&writer::object_identifier(oid::ECDSA_WITH_SHA_256)]);
    let signature = writer::element(tag::BIT_STRING, &[0, 0x30, 6, 2, 1, 1, 2, 1, 1]);
    let certificates = writer::element(tag::context(0), &writer::sequence(&[certificate.der()]));
    let basic = writer::sequence(&[&data, &signed_by, &signature, &certificates]);
    let typed = writer::sequence(&[&writer::object_identifier(oid::OCSP_BASIC), &writer::octet_string(&basic)]);
    writer::sequence(&[&writer::element(tag::ENUMERATED, &[0]), &writer::element(tag::context(0), &typed)])
}
