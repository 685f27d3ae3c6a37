//! PDF/A stays PDF/A when it is signed: PDFBox's preflight, which knows PDF/A-1b, judges papers before and after.

use std::path::Path;

use antin::cli::demo::judicial_pdf;
use antin::typesetting::draw::{black, draw};
use antin::typesetting::typeface::{Style, Typefaces};
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::{Document, SerializeSettings};

use super::{preflight, run};
use crate::signing::office::Office;
use crate::signing::seal::{ADDRESS, ORGANISATION, ring, written};

/// A page with one line, PDF/A-1b.
fn paper() -> Vec<u8> {
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A1_B).finish().unwrap();
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    document.set_metadata(Metadata::new().title("Giấy".to_owned()).creation_date(DateTime::new(2026).month(8).day(3)));
    let mut page = document.start_page_with(PageSettings::from_wh(595.0, 842.0).unwrap());
    let mut surface = page.surface();
    let faces = Typefaces::load().unwrap();
    let text = "Giấy thử nghiệm";
    let shaped = faces.shape(Style::Regular, text).unwrap();
    draw(&mut surface, &faces, (85.0, 85.0), 12.0, Style::Regular, text, &shaped, black());
    surface.finish();
    page.finish();
    document.finish().unwrap()
}

/// What preflight objects to; nothing: it is PDF/A-1b.
fn objections(class_path: &str, path: &Path) -> String {
    let validator = "org.apache.pdfbox.preflight.Validator_A1b";
    let output = run("java", &["-XX:TieredStopAtLevel=1", "-cp", class_path, validator, path.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if said.contains("is a valid PDF/A-1b file") {
        String::new()
    } else {
        format!("{said}{}", String::from_utf8_lossy(&output.stderr))
    }
}

#[test]
fn a_paper_of_pdf_a_1_stays_one_when_it_is_signed() {
    let Some(class_path) = preflight() else { return };
    let office = Office::open();
    let image = office.lay("seal.png", &ring());
    let paper = paper();
    let visible = ["--visible", "--seal-image", &image, "--organisation", ORGANISATION, "--qr", ADDRESS];
    let framed = ["--visible", "--certify", "2"];
    let mut papers = vec![("plain", paper.clone())];
    for (name, options) in [("invisible", &[][..]), ("visible", &visible), ("framed", &framed)] {
        papers.push((name, office.sign("judicial", &paper, options).unwrap()));
    }
    papers.push(("archived", office.sign("judicial", &paper, &["--level", "B-LTA"]).unwrap()));
    for (name, paper) in papers {
        let path = written(&paper, &format!("archival-{name}.pdf"));
        assert_eq!(objections(&class_path, &path), "", "{name}");
    }
    // It can object.
    let other = judicial_pdf::render(&serde_json::from_str(antin::cli::demo::JUDICIAL_CERTIFICATE).unwrap()).unwrap();
    assert_ne!(objections(&class_path, &written(&other, "archival-other.pdf")), "");
}
