//! The answer for people: one screen of text, Vietnamese or English.

use std::fmt::Write as _;

use super::{
    CertificateReport, CheckResult, CountersignatureReport, LogReport, Obstacle, Outcome, PdfReport, Report,
    SignatureReport, Text, message,
};
use crate::core::cms::document_reference::RECEIPT_KIND;
use crate::core::time::Time;

/// Language of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Vietnamese,
    English,
}

impl Language {
    /// From a POSIX locale name: Vietnamese for `vi`, `vi_VN.UTF-8`; English for everything else.
    pub fn from_locale(locale: &str) -> Self {
        let language = locale.split(['_', '.', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("vi") { Self::Vietnamese } else { Self::English }
    }

    const fn of(self, text: Text) -> &'static str {
        match self {
            Self::Vietnamese => text.vi,
            Self::English => text.en,
        }
    }

    /// The words in this language.
    pub const fn pick<'a>(self, vi: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Vietnamese => vi,
            Self::English => en,
        }
    }
}

/// Renders the answer. `colour`: escape sequences for a terminal.
pub fn render(report: &Report, language: Language, colour: bool) -> String {
    let mut text = String::new();
    let shade = match report.reliance.outcome {
        Outcome::Accept => "\x1b[1;32m",
        Outcome::Reject => "\x1b[1;31m",
        Outcome::Undetermined => "\x1b[1;33m",
    };
    let (start, end) = if colour { (shade, "\x1b[0m") } else { ("", "") };
    let sign = match report.reliance.outcome {
        Outcome::Accept => "✔",
        Outcome::Reject => "✘",
        Outcome::Undetermined => "?",
    };
    let outcome = report.reliance.outcome.name();
    let _ = writeln!(text, "{start}{sign} {outcome}: {}{end}", language.of(report.reliance.message));
    if report.reliance.outcome != Outcome::Accept {
        let _ = writeln!(text, "  → {}", language.of(report.reliance.remedy));
    }
    let verdict = &report.verdict;
    let sub_indication = verdict.sub_indication.map(|sub| format!(" / {sub}")).unwrap_or_default();
    line(
        &mut text,
        language.pick("kết luận", "verdict"),
        &format!("{}{sub_indication} ({})", verdict.indication, verdict.code),
    );
    line(&mut text, language.pick("thời điểm kiểm tra", "checked at"), &local(report.validation_time));
    let policy = &report.policy;
    let revocation = match policy.revocation {
        "required" => String::new(),
        mode => format!(", {} {mode}", language.pick("kiểm tra thu hồi:", "revocation:")),
    };
    line(&mut text, language.pick("chính sách", "policy"), &format!("{} {}{revocation}", policy.id, policy.version));
    if let Some(evidence) = &report.evidence {
        line(&mut text, language.pick("bằng chứng đã lưu", "saved evidence"), &format!("sha256 {}", evidence.sha256));
        for (index, anchor) in evidence.trust_anchors.iter().enumerate() {
            let label = if index == 0 { language.pick("chứng thư gốc trong đó", "trusting") } else { "" };
            line(&mut text, label, &format!("sha256 {anchor}"));
        }
    }
    if let (Some(kind), Some(id)) = (&report.document.kind, &report.document.id) {
        line(&mut text, language.pick("giấy tờ", "document"), &format!("{} {}", inert(kind), inert(id)));
    }
    if let Some(status) = &report.document.status {
        let known = format!("{} ({})", status.state, local(status.checked_at));
        line(&mut text, language.pick("tình trạng giấy tờ", "standing"), &known);
    }
    if let Some(LogReport { origin, index, tree_size }) = &report.document.log {
        let place = format!("{} {index}/{tree_size}", inert(origin));
        line(&mut text, language.pick("nhật ký phát hành", "issuance log"), &place);
    }
    if let Some(time) = report.document.valid_until {
        line(&mut text, language.pick("có giá trị đến", "good until"), &local(time));
    }
    if let Some(time) = report.reliance.retry_at {
        line(&mut text, language.pick("kiểm tra lại từ", "ask again from"), &local(time));
    }
    if report.document.kind.as_deref() == Some(RECEIPT_KIND) {
        let said = message::of(Obstacle::Receipt.code());
        let _ = writeln!(text, "  ! {}", language.of(said.message));
        let _ = writeln!(text, "  → {}", language.of(said.remedy));
    }
    for file in report.document.files.iter().flatten() {
        let size = file.size.map(|size| format!(", {size} B")).unwrap_or_default();
        let kind = file.media_type.as_ref().map(|kind| format!(" ({}{size})", inert(kind))).unwrap_or(size);
        let words = match file.code {
            "passed" => String::new(),
            code => format!(" – {}", language.of(message::of(code).message)),
        };
        line(&mut text, language.pick("tệp đính kèm", "embedded file"), &format!("{}{kind}{words}", inert(&file.name)));
    }
    for signature in &report.signatures {
        render_signature(&mut text, signature, language);
    }
    text
}

fn render_signature(text: &mut String, signature: &SignatureReport, language: Language) {
    let _ = writeln!(text, "\n{} ({}): {}", signature.id, signature.format, signature.indication);
    if let Some(signer) = &signature.signed_by {
        line(text, language.pick("người ký", "signed by"), &inert(signer));
    }
    if let Some(time) = signature.claimed_signing_time {
        line(text, language.pick("thời điểm ký (tự khai)", "signing time (claimed)"), &local(time));
    }
    if let Some(algorithm) = &signature.algorithm {
        line(text, language.pick("thuật toán", "algorithm"), algorithm);
    }
    if let Some(pdf) = &signature.pdf {
        render_pdf(text, pdf, language);
    }
    for timestamp in &signature.timestamps {
        let label = language.pick("dấu thời gian", "time-stamp");
        let time = timestamp.time.map(local).unwrap_or_default();
        let words = match timestamp.code {
            "passed" => String::new(),
            code => format!(" – {}", language.of(message::of(code).message)),
        };
        let authority = timestamp.signed_by.as_ref().map(|name| format!(" {}", inert(name))).unwrap_or_default();
        line(text, label, &format!("{time}{authority}{words}"));
    }
    render_countersignatures(text, &signature.countersignatures, language);
    for (index, CertificateReport(certificate)) in signature.certificates.iter().enumerate() {
        let label = if index == 0 { language.pick("chứng thư", "certificate") } else { "" };
        let validity = format!("{} – {}", local(certificate.not_before), local(certificate.not_after));
        line(text, label, &format!("{}\n{:26}{validity}", certificate.subject, ""));
    }
    for check in &signature.checks {
        let sign = match check.result {
            CheckResult::Passed => "✔",
            CheckResult::Failed => "✘",
            CheckResult::Indeterminate => "?",
            CheckResult::Warning => "!",
            CheckResult::Skipped => "-",
        };
        let words = match check.result {
            CheckResult::Passed | CheckResult::Skipped => String::new(),
            _ => format!(": {}", language.of(message::of(check.code).message)),
        };
        let detail = check.detail.as_ref().map(|detail| format!(" [{}]", inert(detail))).unwrap_or_default();
        let _ = writeln!(text, "  {sign} {} {}{words}{detail}", check.step.clause(), check.step.name());
    }
}

/// Where a signature stands, what it covers, and what came after it.
fn render_pdf(text: &mut String, pdf: &PdfReport, language: Language) {
    line(text, language.pick("ô chữ ký", "signature field"), &inert(&pdf.field));
    let covers = match pdf.covers {
        Some(covers) if covers == pdf.size => language.pick("toàn bộ tệp", "the whole file").to_owned(),
        Some(covers) => {
            let words = language.pick("byte đầu tiên trong tổng số", "first octets of");
            format!("{covers} {words} {}", pdf.size)
        }
        None => language.pick("không xác định", "not known").to_owned(),
    };
    line(text, language.pick("phạm vi ký", "covers"), &covers);
    if pdf.covers.is_some_and(|covers| covers != pdf.size) {
        let words = |addition: &&str| match *addition {
            "validation-data" => language.pick("dữ liệu xác thực", "validation data"),
            "time-stamp" => language.pick("dấu thời gian", "time-stamp"),
            "signature" => language.pick("chữ ký khác", "further signature"),
            _ => language.pick("điền biểu mẫu", "form filled"),
        };
        let added: Vec<&str> = pdf.additions.iter().map(words).collect();
        let added =
            if added.is_empty() { language.pick("xem bên dưới", "see below").to_owned() } else { added.join(", ") };
        line(text, language.pick("thêm vào sau khi ký", "added since"), &added);
    }
    for (label, value) in [
        (language.pick("lý do (tự khai)", "reason (claimed)"), &pdf.reason),
        (language.pick("nơi ký (tự khai)", "location (claimed)"), &pdf.location),
    ] {
        if let Some(value) = value {
            line(text, label, &inert(value));
        }
    }
}

fn render_countersignatures(text: &mut String, countersignatures: &[CountersignatureReport], language: Language) {
    for countersignature in countersignatures {
        let signer = countersignature.signed_by.as_ref().map(|name| inert(name)).unwrap_or_default();
        let words = match countersignature.code {
            "passed" => String::new(),
            code => format!(" – {}", language.of(message::of(code).message)),
        };
        line(text, language.pick("chữ ký xác nhận", "counter-signed by"), &format!("{signer}{words}"));
        render_countersignatures(text, &countersignature.countersignatures, language);
    }
}

fn line(text: &mut String, label: &str, value: &str) {
    let padding = 24_usize.saturating_sub(label.chars().count());
    let _ = writeln!(text, "  {label}{:padding$}{value}", "");
}

fn local(time: Time) -> String {
    time.in_vietnam()
}

/// Text by others on one line, without control characters.
fn inert(text: &str) -> String {
    crate::core::x509::name::inert(text)
}
