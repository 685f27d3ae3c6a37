//! Signatures that can be seen: a seal on the page, and another one beside it.

use std::{fs, sync::Arc};

use antin::clock;
use antin::core::evidence_file;
use antin::core::pdf::document::Document;
use antin::core::validation::level::Level;
use antin::core::x509::Certificate;
use antin::signing::key::{RsaPadding, SoftwareKey};
use antin::signing::pades::check::{self, Before};
use antin::signing::pades::{PadesOrder, Prepared, room_for};
use antin::signing::seal::{Ink, Position, Seal, SealImage, draw, place};
use antin::signing::{CadesRequest, CadesSigner, IssuingKey as _};

use super::office::{Office, foreign_programs_accept};
use super::seal::{ADDRESS, ORGANISATION, SIGNER, ring};

fn signer(office: &Office, name: &str) -> CadesSigner {
    let read = |file: &str| fs::read(office.path(&format!("pki/{file}"))).expect("laid");
    let certificate =
        |file: &str| -> Arc<Certificate> { Arc::new(evidence_file::certificates(&read(file)).expect("PEM").remove(0)) };
    let own = certificate(&format!("signers/{name}.crt"));
    let key = SoftwareKey::from_pem(&read(&format!("signers/{name}.key")), RsaPadding::Pss, &own).expect("a key");
    CadesSigner::new(name, key, own, &[certificate("ca.crt")])
}

/// One empty page of A4.
fn empty() -> Vec<u8> {
    let mut octets = b"%PDF-1.7\n".to_vec();
    let mut table = "xref\n0 4\n0000000000 65535 f\r\n".to_owned();
    for object in [
        "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n",
        "2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n",
        "3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>\nendobj\n",
    ] {
        table.push_str(&format!("{:010} 00000 n\r\n", octets.len()));
        octets.extend(object.bytes());
    }
    let start = octets.len();
    octets.extend(format!("{table}trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n").bytes());
    octets
}

/// The document with a signature whose seal stands in a free area of its first page.
fn sealed(office: &Office, name: &str, document: &[u8]) -> Vec<u8> {
    let (signer, now) = (signer(office, name), clock::now());
    let image = SealImage::read(&ring()).expect("an image");
    let seal = draw(&Seal {
        signer: SIGNER,
        organisation: Some(ORGANISATION),
        signing_time: now,
        image: Some(&image),
        address: Some(ADDRESS),
        ink: Ink::Black,
    });
    let read = Document::read(document).expect("readable");
    let placed = place(&read, 1, &seal.expect("drawn"), Position::Free).expect("room on the page");
    let order = PadesOrder { look: Some(placed.into()), ..PadesOrder::default() };
    let before = Before::read(document, now).expect("sound");
    let prepared = Prepared::signature(document, &order, now, room_for(&signer, None, false)).expect("prepared");
    let algorithm = signer.digest_algorithm();
    let digest = prepared.digest(document, algorithm);
    let request = CadesRequest { digest: (algorithm, &digest), content: None, signing_time: now, document: None };
    let message = signer.sign_in_pdf(&request).expect("signed");
    let signed = prepared.complete(document.to_vec(), &message).expect("room");
    check::check(&signed, &before, signer.certificate(), None, Level::Basic, now).expect("it passes");
    signed
}

#[test]
fn seals_stand_beside_each_other_and_every_signature_passes() {
    let office = Office::open();
    let first = sealed(&office, "judicial", &empty());
    office.accepts(&first, &["PAdES-BASELINE-B"]);
    foreign_programs_accept(&office, &first, 1);
    let second = sealed(&office, "health", &first);
    let report = office.accepts(&second, &["PAdES-BASELINE-B"; 2]);
    assert_eq!(report["signatures"][0]["pdf"]["additions"][0], "signature");
    foreign_programs_accept(&office, &second, 2);
    let raised = office.extend(&second, "B-LTA").expect("raised");
    office.accepts(&raised, &["PAdES-BASELINE-LTA"; 2]);
}
