//! `antin trust list` and `antin trust check`.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Directory, unreadable};
use crate::cli::evidence;
use crate::cli::exit::{self, Code, CommandError};
use crate::cli::verify::language;
use crate::clock;
use crate::core::report::text::Language;
use crate::core::time::Time;
use crate::core::x509::{AnchorLimits, AnchorUse};
use crate::trust::audit::{self, Entry, Finding};
use crate::trust::{Manifest, Role};

#[derive(Args, Clone, Debug)]
pub struct ListArguments {
    #[command(flatten)]
    directory: Directory,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// One certificate of the answer. A file that is not pinned has no role and tree.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    role: Option<Role>,
    tree: Option<String>,
    subject: String,
    sha256: String,
    not_before: Time,
    not_after: Time,
    limits: AnchorLimits,
    aliases: Vec<String>,
    /// The file that holds it; null: missing.
    file: Option<String>,
    findings: Vec<Finding>,
}

impl Row {
    /// What the certificate itself says, where it is held.
    fn new(entry: &Entry) -> Option<Self> {
        let (pinned, held) = (entry.pinned.as_ref(), entry.held.as_ref());
        let (subject, sha256, not_before, not_after) = match (held, pinned) {
            (Some((_, held)), _) => (held.subject.text(), held.fingerprint_text(), held.not_before, held.not_after),
            (None, Some(pinned)) => (&*pinned.subject, &*pinned.sha256, pinned.not_before, pinned.not_after),
            (None, None) => return None,
        };
        Some(Self {
            role: pinned.map(|pinned| pinned.role),
            tree: pinned.map(|pinned| pinned.tree.clone()),
            subject: subject.to_owned(),
            sha256: sha256.to_owned(),
            not_before,
            not_after,
            limits: pinned.map(|pinned| pinned.limits.clone()).unwrap_or_default(),
            aliases: pinned.map(|pinned| pinned.aliases.clone()).unwrap_or_default(),
            file: held.map(|(path, _)| path.display().to_string()),
            findings: entry.findings.clone(),
        })
    }
}

fn rows(arguments: &ListArguments) -> Result<Vec<Row>, CommandError> {
    let directory = arguments.directory.named();
    let manifest = directory.as_deref().map_or_else(|| Ok(Manifest::vietnam()), evidence::manifest)?;
    let entries = audit::audit(&manifest, directory.as_deref(), clock::now()).map_err(unreadable)?;
    Ok(entries.iter().filter_map(Row::new).collect())
}

/// Exit 0, whatever is found.
pub fn list(arguments: &ListArguments) -> Result<Code, CommandError> {
    let rows = rows(arguments)?;
    exit::print(&match arguments.format {
        Format::Json => exit::json(&serde_json::json!({ "certificates": rows })),
        Format::Text => rows.iter().map(|row| describe(row, language())).collect(),
    });
    Ok(exit::ACCEPT)
}

/// Exit 0: nothing found; 1: the folder or the manifest is wrong; 2: something to plan for.
pub fn check(arguments: &ListArguments) -> Result<Code, CommandError> {
    let rows = rows(arguments)?;
    let language = language();
    exit::print(&match arguments.format {
        Format::Json => exit::json(&serde_json::json!({ "certificates": rows })),
        Format::Text => summary(&rows, language),
    });
    let findings: Vec<Finding> = rows.iter().flat_map(|row| &row.findings).copied().collect();
    Ok(match findings.as_slice() {
        [] => exit::ACCEPT,
        some if some.iter().any(|finding| finding.is_error()) => exit::REJECT,
        _ => exit::UNDETERMINED,
    })
}

fn summary(rows: &[Row], language: Language) -> String {
    let mut text = String::new();
    for row in rows {
        for finding in &row.findings {
            let words = words(*finding, language);
            let _ = writeln!(text, "{words}: {}\n    {}", row.subject, row.sha256);
        }
    }
    let held = |role| rows.iter().filter(|row| row.role == Some(role) && row.file.is_some()).count();
    let (anchors, intermediates) = (held(Role::Anchor), held(Role::Intermediate));
    let _ = match language {
        Language::Vietnamese => {
            writeln!(text, "có {anchors} chứng thư gốc và {intermediates} chứng thư trung gian được ghim")
        }
        Language::English => writeln!(text, "{anchors} anchors and {intermediates} intermediates held and pinned"),
    };
    text
}

fn words(finding: Finding, language: Language) -> &'static str {
    let (vi, en) = match finding {
        Finding::NotPinned => (
            "không được ghim trong manifest, nên cả thư mục không được dùng",
            "not pinned in the manifest, so that nothing of the folder is held",
        ),
        Finding::Differs => {
            ("manifest ghi chủ thể hoặc thời hạn khác với chứng thư", "the manifest states another subject or validity")
        }
        Finding::NotACa => ("không phải chứng thư của tổ chức cấp (CA)", "not a CA certificate"),
        Finding::Missing => ("được ghim nhưng chưa có tệp", "pinned, without a file"),
        Finding::Expired => ("đã hết hạn; vẫn giữ để kiểm tra chữ ký cũ", "expired; kept for what was signed before"),
        Finding::ExpiresSoon => ("sắp hết hạn", "expires soon"),
        Finding::WindowOver => ("đã qua thời gian chấp nhận chữ ký", "signatures under it no longer count"),
    };
    language.pick(vi, en)
}

/// Two or more lines about one certificate.
fn describe(row: &Row, language: Language) -> String {
    let role = match row.role {
        Some(Role::Anchor) => language.pick("gốc", "anchor"),
        Some(Role::Intermediate) => language.pick("trung gian", "intermediate"),
        None => language.pick("không ghim", "not pinned"),
    };
    let held =
        if row.file.is_some() { language.pick("có tệp", "held") } else { language.pick("thiếu tệp", "missing") };
    let tree = row.tree.as_deref().unwrap_or("-");
    let mut text = format!(
        "{}\n    {role}, {tree}, {held}, {} – {}\n    sha256 {}\n",
        row.subject, row.not_before, row.not_after, row.sha256
    );
    let limits = limits(&row.limits, language);
    if !limits.is_empty() {
        let _ = writeln!(text, "    {} {limits}", language.pick("chỉ dùng cho:", "only for:"));
    }
    for alias in &row.aliases {
        let _ = writeln!(text, "    {} {alias}", language.pick("còn viết là:", "also written:"));
    }
    text
}

fn limits(limits: &AnchorLimits, language: Language) -> String {
    let mut parts = Vec::new();
    parts.extend(
        limits.uses().map(|uses| uses.iter().map(|named| AnchorUse::name(*named)).collect::<Vec<_>>().join(", ")),
    );
    parts.extend(limits.kinds().map(|kinds| kinds.join(", ")));
    parts.extend(limits.from().map(|from| format!("{} {from}", language.pick("từ", "from"))));
    parts.extend(limits.until().map(|until| format!("{} {until}", language.pick("đến", "until"))));
    parts.join("; ")
}
