//! Lists that no longer count and must not be forgotten: what they revoke stays revoked, after a restart, when nobody refreshes them
//! any more, and when their authority comes back. They reveal revocations and show nothing good.
//!
//! On the disk beside the marks, one file a scope in DER, written when a list begins to count. Verified again when it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{error, warn};

use super::candidate::{self, CrlScope, Refusal, VerifiedCrl};
use super::durable::{replace_by, sweep};
use super::snapshot::HeldLists;
use crate::core::memory::Memory;
use crate::core::time::Time;
use crate::core::x509::{CertificateList, TrustStore};

/// Files read.
const FILES: usize = 4096;
/// Names of the folder that are looked at.
const NAMES: usize = 65_536;
/// Octets of all lists that are kept in memory and do not count, in longest lists.
const LONGEST_LISTS: usize = 4;

/// The lists of scopes that are not held.
pub(super) struct KeptLists {
    folder: PathBuf,
    maximum_bytes: usize,
    retired: BTreeMap<CrlScope, VerifiedCrl>,
    /// Those that had no room in memory; they are on the disk.
    left_out: BTreeSet<CrlScope>,
    /// Files that were passed over at the last reading.
    passed_over: usize,
    failing: bool,
}

impl KeptLists {
    /// In the folder that belongs to a file of marks.
    pub fn beside(marks_file: &Path, maximum_bytes: usize) -> Self {
        let folder = marks_file.with_extension("lists");
        sweep(&folder, "");
        let (retired, left_out) = (BTreeMap::new(), BTreeSet::new());
        Self { folder, maximum_bytes, retired, left_out, passed_over: 0, failing: false }
    }

    pub fn lists(&self) -> impl Iterator<Item = &Arc<CertificateList>> {
        self.retired.values().map(VerifiedCrl::crl)
    }

    /// A list counts now: it replaces what was kept of its scope.
    pub fn replaced_by(&mut self, list: &VerifiedCrl) {
        self.retired.remove(&list.scope());
        self.left_out.remove(&list.scope());
        self.tell_of_left_out(false);
        let path = self.path(list.scope());
        let written = fs::create_dir_all(&self.folder).map_err(|error| error.kind()).and_then(|()| {
            replace_by(&path, |file| list.crl().write_der(|piece| file.write_all(piece)))
                .map_err(|_| io::ErrorKind::Other)
        });
        if let Err(cause) = written
            && !self.failing
        {
            error!(
                target: "antin::revocation", %cause, folder = %self.folder.display(),
                "a list cannot be kept: after a restart what it revokes is not known until its source answers"
            );
        }
        self.failing = written.is_err();
        metrics::gauge!("antin_revocation_lists_unwritten").set(if self.failing { 1.0 } else { 0.0 });
    }

    /// A list of the scope reveals already.
    pub fn has(&self, scope: CrlScope) -> bool {
        self.retired.contains_key(&scope)
    }

    /// A list is no longer held.
    pub fn retire(&mut self, list: VerifiedCrl) {
        let had_room = self.left_out.is_empty();
        self.put(list);
        self.tell_of_left_out(had_room);
    }

    fn put(&mut self, list: VerifiedCrl) {
        self.left_out.remove(&list.scope());
        self.retired.insert(list.scope(), list);
        let octets = |lists: &BTreeMap<_, VerifiedCrl>| -> usize { lists.values().map(|list| list.crl().size()).sum() };
        while octets(&self.retired) > self.room() {
            // The oldest: it is on the disk still.
            let oldest = self.retired.iter().min_by_key(|(_, list)| list.crl().this_update).map(|(scope, _)| *scope);
            let Some(oldest) = oldest else { return };
            self.retired.remove(&oldest);
            self.left_out.insert(oldest);
        }
    }

    const fn room(&self) -> usize {
        self.maximum_bytes.saturating_mul(LONGEST_LISTS)
    }

    /// One line when there is no more room.
    fn tell_of_left_out(&self, had_room: bool) {
        metrics::gauge!("antin_revocation_lists_left_out").set(self.left_out.len() as f64);
        if had_room && !self.left_out.is_empty() {
            warn!(
                target: "antin::revocation", octets = self.room(),
                "the lists that no longer count have no room: what the oldest of them revoke is not known"
            );
        }
    }

    /// Reads what lies on the disk of authorities that are held; whether anything was found.
    pub fn read(&mut self, held: &HeldLists, authorities: &TrustStore, memory: &Memory, now: Time) -> bool {
        let Ok(entries) = fs::read_dir(&self.folder) else { return false };
        let (before, had_room) = (self.retired.len(), self.left_out.is_empty());
        let known: BTreeSet<PathBuf> = held.keys().chain(self.retired.keys()).map(|scope| self.path(*scope)).collect();
        let mut wrong: Option<(usize, PathBuf)> = None;
        let mut pass_over = |path| {
            wrong = Some(wrong.take().map_or((1, path), |(files, first)| (files + 1, first)));
        };
        let mut left = FILES;
        for path in entries.flatten().map(|entry| entry.path()).take(NAMES) {
            if path.extension().is_none_or(|extension| extension != "crl") || known.contains(&path) {
                continue;
            }
            let der = if left == 0 { None } else { self.octets(&path) };
            let Some(der) = der else {
                pass_over(path);
                continue;
            };
            left -= 1;
            match candidate::verify(&der, authorities, memory, now) {
                Ok(list) if self.path(list.scope()) == path => self.put(list),
                // It may be held again.
                Err(Refusal::UnknownIssuer) => {}
                Ok(_) | Err(_) => pass_over(path),
            }
        }
        self.tell_of_passed_over(wrong);
        self.tell_of_left_out(had_room);
        self.retired.len() != before
    }

    /// One line when there are more than before.
    fn tell_of_passed_over(&mut self, wrong: Option<(usize, PathBuf)>) {
        let before = std::mem::replace(&mut self.passed_over, wrong.as_ref().map_or(0, |(files, _)| *files));
        if let Some((files, first)) = wrong.filter(|(files, _)| *files > before) {
            warn!(
                target: "antin::revocation", files, first = %first.display(),
                "files beside the marks are no lists that count, and are passed over"
            );
        }
    }

    /// Of a regular file that is not too long.
    fn octets(&self, path: &Path) -> Option<Vec<u8>> {
        // Asked before it is opened: opening a pipe waits for its other end.
        if !fs::symlink_metadata(path).ok()?.is_file() {
            return None;
        }
        let mut octets = Vec::new();
        File::open(path).ok()?.take(self.maximum_bytes as u64 + 1).read_to_end(&mut octets).ok()?;
        Some(octets).filter(|octets| octets.len() <= self.maximum_bytes)
    }

    fn path(&self, scope: CrlScope) -> PathBuf {
        self.folder.join(format!("{}-{}.crl", hex::encode(scope.issuer_key), scope.partition()))
    }
}
