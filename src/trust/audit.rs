//! A folder held against its manifest: everything that an operator should look at.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Manifest, Pinned, Role, TrustError, certificate_files, read_certificates};
use crate::core::time::Time;
use crate::core::x509::Certificate;

/// Seconds before `notAfter` from which a certificate is said to expire soon: 180 days, in which a new root can be had.
const SOON: i64 = 180 * 24 * 60 * 60;

/// Something to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// A file holds it and the manifest does not pin it: nothing of the folder is held.
    NotPinned,
    /// Pinned as what it is not: another subject or validity than the certificate has.
    Differs,
    /// No CA certificate: the service does not take it.
    NotACa,
    /// Pinned, and no file holds it.
    Missing,
    /// Past its validity, and kept for what it signed within.
    Expired,
    ExpiresSoon,
    /// The time in which signatures under it count is over.
    WindowOver,
}

impl Finding {
    pub const ALL: [Self; 7] = [
        Self::NotPinned,
        Self::Differs,
        Self::NotACa,
        Self::Missing,
        Self::Expired,
        Self::ExpiresSoon,
        Self::WindowOver,
    ];

    /// The folder or its manifest is wrong; the other findings are for planning.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::NotPinned | Self::Differs | Self::NotACa)
    }
}

/// One certificate that is pinned, or in a file, or both.
#[derive(Debug)]
pub struct Entry {
    pub pinned: Option<Pinned>,
    pub held: Option<(PathBuf, Certificate)>,
    pub findings: Vec<Finding>,
}

/// Every certificate of the manifest in its order, then those of files that are not pinned; without a folder no file is there. A
/// file that cannot be read is an error.
pub fn audit(manifest: &Manifest, directory: Option<&Path>, now: Time) -> Result<Vec<Entry>, TrustError> {
    let mut held = Vec::new();
    for path in directory.map(certificate_files).transpose()?.unwrap_or_default() {
        for certificate in read_certificates(&path)? {
            if !held.iter().any(|(_, other)| *other == certificate) {
                held.push((path.clone(), certificate));
            }
        }
    }
    let mut entries = Vec::new();
    for pinned in &manifest.certificates {
        let at = held.iter().position(|(_, certificate)| certificate.fingerprint_text() == pinned.sha256);
        let held = at.map(|at| held.remove(at));
        let findings = findings(pinned, held.as_ref().map(|(_, certificate)| certificate), now);
        entries.push(Entry { pinned: Some(pinned.clone()), held, findings });
    }
    let unpinned = held.into_iter();
    entries.extend(unpinned.map(|held| Entry { pinned: None, held: Some(held), findings: vec![Finding::NotPinned] }));
    Ok(entries)
}

fn findings(pinned: &Pinned, held: Option<&Certificate>, now: Time) -> Vec<Finding> {
    let mut findings = Vec::new();
    match held {
        None => findings.push(Finding::Missing),
        Some(certificate) => {
            let stated = (pinned.subject.as_str(), pinned.not_before, pinned.not_after);
            if stated != (certificate.subject.text(), certificate.not_before, certificate.not_after) {
                findings.push(Finding::Differs);
            }
            if !is_authority(certificate) {
                findings.push(Finding::NotACa);
            }
        }
    }
    let not_after = held.map_or(pinned.not_after, |certificate| certificate.not_after);
    if not_after < now {
        findings.push(Finding::Expired);
    } else if not_after < now.plus_seconds(SOON) {
        findings.push(Finding::ExpiresSoon);
    }
    if pinned.role == Role::Anchor && pinned.limits.until().is_some_and(|until| until < now) {
        findings.push(Finding::WindowOver);
    }
    findings
}

/// May the service hold it? A signer's own certificate as anchor would make its signatures valid for everybody. Roots of
/// version 1, which have no extensions, count if they are self-issued.
pub fn is_authority(certificate: &Certificate) -> bool {
    certificate.is_ca() || certificate.version < 3 && certificate.is_self_issued()
}
