//! `antin demo`: `story` tells it, `standing` and `transparency` are chapters of it, `office` are the clients in it, `signed_paper` what
//! they exchange, `shown` what the visitor sees; the rest renders the papers of invented people.

pub mod judicial;
pub mod judicial_pdf;
mod office;
pub mod paper;
mod shadow;
pub mod sheet;
mod shown;
mod signed_paper;
mod standing;
pub mod story;
mod transparency;

/// An electronic health-book export: a FHIR R4 (4.0.1) document Bundle in JSON, of an invented person.
pub const HEALTH_BOOK: &str = include_str!("../../../testvectors/documents/health-book.json");

/// The data of a judicial record certificate, form No. 1, of an invented person; [`judicial_pdf::render`] makes the paper.
pub const JUDICIAL_CERTIFICATE: &str = include_str!("../../../testvectors/documents/judicial-certificate.json");

/// Papers of the other kinds, as data in JSON: kind, document.
pub const OTHERS: [(&str, &str); 6] = [
    ("judicial-certificate-1", JUDICIAL_CERTIFICATE),
    ("judicial-certificate-2", include_str!("../../../testvectors/documents/judicial-certificate-2.json")),
    ("referral", include_str!("../../../testvectors/documents/referral.json")),
    ("re-examination", include_str!("../../../testvectors/documents/re-examination.json")),
    ("health-check", include_str!("../../../testvectors/documents/health-check.json")),
    ("social-security-visit", include_str!("../../../testvectors/documents/social-security-visit.json")),
];
