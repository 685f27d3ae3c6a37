//! What a receipt says, for who reads one at the terminal: that it is genuine is no word about the document it is about.

use serde::Deserialize;

use crate::core::cms::SignedData;
use crate::core::cms::document_reference::RECEIPT_KIND;
use crate::core::der::ber;
use crate::core::report::text::Language;
use crate::core::report::{Outcome, Report};
use crate::core::x509::name::inert;

/// Of the signed JSON what a person has to know; the rest is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    reliance: Reliance,
    validation_time: String,
    document: Document,
    receipt: Receipt,
}

#[derive(Deserialize)]
struct Reliance {
    outcome: String,
    code: String,
    message: Words,
}

#[derive(Deserialize)]
struct Words {
    vi: String,
    en: String,
}

#[derive(Deserialize)]
struct Document {
    sha256: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    file_sha256: String,
}

/// Lines about what the receipt says; none if the message is no receipt, or no genuine one.
pub fn render(message: &[u8], report: &Report, language: Language) -> Option<String> {
    let is_receipt = report.document.kind.as_deref() == Some(RECEIPT_KIND);
    if !is_receipt || report.reliance.outcome != Outcome::Accept {
        return None;
    }
    let normalised;
    let message = match SignedData::decode(message) {
        Ok(message) => message,
        Err(_) => {
            normalised = ber::normalise_content_info(message).ok()?;
            SignedData::decode(&normalised).ok()?
        }
    };
    let said: Said = serde_json::from_slice(message.content?).ok()?;
    let words = language.pick(&said.reliance.message.vi, &said.reliance.message.en);
    let Reliance { outcome, code, .. } = &said.reliance;
    let none = language.pick("không rõ", "unknown");
    let title = language.pick("Biên nhận này ghi", "The receipt says");
    let content = language.pick("nội dung giấy tờ, sha256", "content of the document, sha256");
    let file = language.pick("tệp đã gửi kiểm tra, sha256", "file that was sent, sha256");
    Some(format!(
        "\n{title}: {} ({}) – {}\n  {}\n  {content} {}\n  {file} {}\n",
        inert(outcome),
        inert(code),
        inert(words),
        inert(&said.validation_time),
        inert(said.document.sha256.as_deref().unwrap_or(none)),
        inert(&said.receipt.file_sha256),
    ))
}
