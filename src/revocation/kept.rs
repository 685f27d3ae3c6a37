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

use super::candidate::{self, CrlScope, VerifiedCrl};
use super::durable::{replace_by, sweep};
use super::snapshot::HeldLists;
use crate::core::memory::Memory;
use crate::core::time::Time;
use crate::core::x509::{CertificateList, TrustStore};

/// Files read.
const FILES: usize = 4096;
/// Octets of all lists that are kept in memory and do not count, in longest lists.
const LONGEST_LISTS: usize = 4;

/// The lists of scopes that are not held.
pub(super) struct KeptLists {
    folder: PathBuf,
    maximum_bytes: usize,
    retired: BTreeMap<CrlScope, VerifiedCrl>,
    /// Those that had no room in memory; they are on the disk.
    left_out: BTreeSet<CrlScope>,
    failing: bool,
}

impl KeptLists {
    /// In the folder that belongs to a file of marks.
    pub fn beside(marks_file: &Path, maximum_bytes: usize) -> Self {
        let folder = marks_file.with_extension("lists");
        sweep(&folder, "");
        Self { folder, maximum_bytes, retired: BTreeMap::new(), left_out: BTreeSet::new(), failing: false }
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
        let Ok(files) = fs::read_dir(&self.folder) else { return false };
        let (before, had_room) = (self.retired.len(), self.left_out.is_empty());
        for path in files.filter_map(|file| file.ok().map(|file| file.path())).take(FILES) {
            let known = held.keys().chain(self.retired.keys()).any(|scope| self.path(*scope) == path);
            if known || path.extension().is_none_or(|extension| extension != "crl") {
                continue;
            }
            let Ok(der) = self.octets(&path) else { continue };
            if let Ok(list) = candidate::verify(&der, authorities, memory, now)
                && self.path(list.scope()) == path
            {
                self.put(list);
            }
        }
        self.tell_of_left_out(had_room);
        self.retired.len() != before
    }

    fn octets(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        File::open(path)?.take(self.maximum_bytes as u64 + 1).read_to_end(&mut octets)?;
        Ok(octets)
    }

    fn path(&self, scope: CrlScope) -> PathBuf {
        self.folder.join(format!("{}-{}.crl", hex::encode(scope.issuer_key), scope.partition()))
    }
}
