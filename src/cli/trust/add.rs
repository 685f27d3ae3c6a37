//! `antin trust add`: one more certificate into a folder, pinned by a fingerprint that somebody had from elsewhere.

use std::fs::File;
use std::io::{BufRead as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Directory, unreadable};
use crate::cli::evidence::parse_time;
use crate::cli::exit::{self, Code, CommandError};
use crate::cli::verify::language;
use crate::core::time::Time;
use crate::core::x509::{AnchorLimits, AnchorUse, Certificate};
use crate::trust::{self, Manifest, Pinned, Role, audit, manifest};

/// What a new manifest begins with.
const HEADING: &str =
    "# The certificates that may be held. A file in this folder counts only if its SHA-256 is pinned here.\n";

#[derive(Args, Clone, Debug)]
pub struct AddArguments {
    #[command(flatten)]
    directory: Directory,
    /// The certificate's SHA-256 fingerprint as its authority published it; asked for if left out
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// An anchor if it is self-issued, else an intermediate
    #[arg(long, value_enum)]
    role: Option<RoleArgument>,
    /// The PKI tree it belongs to
    #[arg(long, value_name = "NAME", default_value = "other")]
    tree: String,
    /// Where it is published; the file's name by default
    #[arg(long, value_name = "URL")]
    source: Option<String>,
    /// Trust the anchor for this use only
    #[arg(long = "use", value_name = "USE", value_parser = parse_use)]
    uses: Vec<AnchorUse>,
    /// Trust the anchor for this kind of documents only
    #[arg(long = "kind", value_name = "K")]
    kinds: Vec<String>,
    /// From when signatures under the anchor count
    #[arg(long, value_name = "RFC3339", value_parser = parse_time)]
    from: Option<Time>,
    /// Until when signatures under the anchor count
    #[arg(long, value_name = "RFC3339", value_parser = parse_time)]
    until: Option<Time>,
    /// Another spelling of its subject, as `antin trust list` prints names
    #[arg(long = "alias", value_name = "NAME")]
    aliases: Vec<String>,
    /// The certificate
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArgument {
    Anchor,
    Intermediate,
}

fn parse_use(text: &str) -> Result<AnchorUse, String> {
    let known = AnchorUse::ALL.map(AnchorUse::name).join(", ");
    AnchorUse::ALL.into_iter().find(|named| named.name() == text).ok_or_else(|| format!("use one of {known}"))
}

/// Exit 0: added; 1: refused, and nothing is changed.
pub fn add(arguments: &AddArguments) -> Result<Code, CommandError> {
    let directory = arguments.directory.required()?;
    let mut certificates = trust::read_certificates(&arguments.file).map_err(unreadable)?;
    let certificate = certificates.remove(0);
    if !certificates.is_empty() {
        return Err(refused("the file holds several certificates: give them one by one"));
    }
    if !audit::is_authority(&certificate) {
        return Err(refused(format!("{} is not a CA: it cannot be an anchor or intermediate", certificate.subject)));
    }
    confirm(arguments.sha256.as_deref(), &certificate)?;
    let pinned = pinned(arguments, &certificate)?;

    let failed = |error: std::io::Error| CommandError::about(exit::UNREADABLE, &directory, &error);
    // One at a time: two that append to the same manifest would lose an entry.
    let lock = File::open(&directory).map_err(failed)?;
    lock.lock().map_err(failed)?;
    put(&directory, &certificate, &pinned)?;
    exit::print(&format!(
        "{}: {}\n{}",
        language().pick("đã thêm", "added"),
        file_of(&directory, &certificate).display(),
        pinned.to_toml()
    ));
    Ok(exit::ACCEPT)
}

/// Writes the manifest first: an entry without a file is harmless, a file without an entry is not.
fn put(directory: &Path, certificate: &Certificate, pinned: &Pinned) -> Result<(), CommandError> {
    let path = directory.join(manifest::FILE_NAME);
    let text = match path.is_file() {
        true => String::from_utf8(trust::read(&path).map_err(unreadable)?)
            .map_err(|error| CommandError::about(exit::UNREADABLE, &path, &error))?,
        false => HEADING.to_owned(),
    };
    let present = Manifest::parse(&text, &path).map_err(unreadable)?;
    let held = present.load(directory).map_err(unreadable)?;
    if held.certificates().any(|other| **other == *certificate) {
        return Err(refused(format!("{} is pinned and held already", certificate.fingerprint_text())));
    }
    let written = |path: &Path, result: std::io::Result<()>| {
        result.map_err(|error| CommandError::about(exit::INTERNAL, path, &error))
    };
    match present.pinned(certificate) {
        // Its file was missing: only that is put there, and only if it is to be held as pinned.
        Some(entry) if (entry.role, &entry.limits) == (pinned.role, &pinned.limits) => {}
        Some(_) => return Err(refused("it is pinned with another role or other limits: change the manifest instead")),
        None => {
            let separator = if text.is_empty() || text.ends_with('\n') { "\n" } else { "\n\n" };
            let text = format!("{text}{separator}{}", pinned.to_toml());
            Manifest::parse(&text, &path).map_err(unreadable)?;
            written(&path, trust::replace(&path, text.as_bytes()))?;
        }
    }
    let file = file_of(directory, certificate);
    written(&file, trust::replace(&file, certificate.der()))
}

/// Named by its fingerprint, so that it replaces no other.
fn file_of(directory: &Path, certificate: &Certificate) -> PathBuf {
    directory.join(format!("{}.crt", &certificate.fingerprint_text()[..32]))
}

/// The fingerprint must come from somebody who did not have it from the file.
fn confirm(given: Option<&str>, certificate: &Certificate) -> Result<(), CommandError> {
    let typed = match given {
        Some(given) => given.to_owned(),
        None => {
            let question = language().pick(
                "Nhập dấu vân tay SHA-256 mà tổ chức cấp đã công bố",
                "Type the SHA-256 fingerprint that its authority published",
            );
            let _ = write!(
                std::io::stderr(),
                "{}\n{} – {}\n{question}: ",
                certificate.subject,
                certificate.not_before,
                certificate.not_after
            );
            let mut line = String::new();
            let _ = std::io::stdin().lock().take(1024).read_line(&mut line);
            line
        }
    };
    let digits = typed.chars().filter(|letter| !letter.is_whitespace() && *letter != ':').collect::<String>();
    if digits.to_lowercase() == certificate.fingerprint_text() {
        return Ok(());
    }
    let (subject, fingerprint) = (&certificate.subject, certificate.fingerprint_text());
    Err(refused(format!("the fingerprint is another one; the file holds {subject} with sha256 {fingerprint}")))
}

fn pinned(arguments: &AddArguments, certificate: &Certificate) -> Result<Pinned, CommandError> {
    let role = match arguments.role {
        Some(RoleArgument::Anchor) => Role::Anchor,
        Some(RoleArgument::Intermediate) => Role::Intermediate,
        None if certificate.is_self_issued() => Role::Anchor,
        None => Role::Intermediate,
    };
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let uses = (!arguments.uses.is_empty()).then(|| arguments.uses.clone());
    let limits = AnchorLimits::new(uses, some(&arguments.kinds), arguments.from, arguments.until);
    let name = || arguments.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Pinned {
        subject: certificate.subject.to_string(),
        sha256: certificate.fingerprint_text().to_owned(),
        role,
        tree: arguments.tree.clone(),
        source: arguments.source.clone().unwrap_or_else(name),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        limits: limits.map_err(|fault| CommandError::new(exit::USAGE, fault))?,
        aliases: arguments.aliases.clone(),
    })
}

fn refused(message: impl std::fmt::Display) -> CommandError {
    CommandError::new(exit::REJECT, message)
}
