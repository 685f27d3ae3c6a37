//! Attacked PDF files by the thousand: from our own of every kind and from those of other products, by each family of attacks that
//! is known and by chance. Each is judged under an anchor and at a time at which the file that it was made from passes.
//!
//! None may pass, but one that is the same document: the octets of the file, or of the file up to the end of a revision from
//! its first signature on, in which at most the case of digits of a message differs; in files of others, what their messages have that
//! is not signed. No family writes an object again as it was, or changes what no signature
//! covers and no page shows: the validation data behind the last signature.
//!
//! Seeds are fixed. The usual run judges some of each family; with `ANTIN_SOAK=1` (as in `make soak`) it is all of them, more by chance,
//! and every bit of the small files. What passes, panics or takes
//! long is left in `target/tmp/pdf-mutations`.

mod chance;
mod dictionaries;
mod flips;
mod revisions;
mod structure;
mod subject;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use antin::core::verdict::Indication;

use crate::kit::cost::Cost;
use crate::kit::random::Random;
use crate::kit::vectors::say;
use subject::Subject;

/// Threads: as many cores as CI has.
const THREADS: usize = 2;

/// Takes what a family makes, with its name.
type Take<'a> = dyn FnMut(&str, Vec<u8>) + 'a;
type Family = fn(&Subject, &mut Take<'_>);

const FAMILIES: [(&str, Family); 14] = [
    ("dictionary values", dictionaries::values),
    ("wrapping", dictionaries::wrapping),
    ("copied signatures", dictionaries::copies),
    ("incremental saving", revisions::saving),
    ("objects written again", revisions::rewriting),
    ("objects named otherwise", revisions::naming),
    ("certification", revisions::certification),
    ("revisions swapped", revisions::swapping),
    ("shadow", structure::shadow),
    ("cross-references", structure::cross_references),
    ("ends", structure::ends),
    ("splices", chance::splices),
    ("deleted and doubled", chance::ranges),
    ("together", chance::together),
];

/// In `make soak`.
fn is_soak() -> bool {
    std::env::var_os("ANTIN_SOAK").is_some_and(|value| value == "1")
}

/// What became of the files of one family.
#[derive(Default)]
struct Count {
    files: usize,
    failed: usize,
    same: usize,
    longest: Duration,
}

#[derive(Default)]
struct Tally {
    counts: Mutex<BTreeMap<String, Count>>,
    wrong: Mutex<Vec<String>>,
}

impl Tally {
    fn judge(&self, subject: &Subject, family: &str, name: &str, octets: &[u8]) {
        let cost = Cost::begin();
        let found = catch_unwind(AssertUnwindSafe(|| subject.judge(octets)));
        let elapsed = cost.elapsed();
        let is_same = subject.is_same(octets);
        let mut counts = self.counts.lock().expect("no panic here");
        let count = counts.entry(family.to_owned()).or_default();
        count.files += 1;
        count.longest = count.longest.max(elapsed);
        let fault = match found {
            Err(_) => Some("panics"),
            Ok(Some(Indication::TotalPassed)) if is_same => {
                count.same += 1;
                None
            }
            Ok(Some(Indication::TotalPassed)) => Some("passes"),
            Ok(found) => {
                count.failed += usize::from(found == Some(Indication::TotalFailed));
                None
            }
        };
        drop(counts);
        if let Some(fault) = fault.or_else(|| (elapsed >= Duration::from_secs(1)).then_some("takes long")) {
            let mut wrong = self.wrong.lock().expect("no panic here");
            let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pdf-mutations");
            let file: String = format!("{:03}-{}-{family}-{name}", wrong.len(), subject.name)
                .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
            if wrong.len() < 200 {
                let _ = std::fs::create_dir_all(&place);
                let _ = std::fs::write(place.join(format!("{file:.120}.pdf")), octets);
            }
            wrong.push(format!("{fault} ({elapsed:?}): {}, {family}: {name}", subject.name));
        }
    }

    /// Says what became of them, and demands what must.
    fn conclude(self, least: usize) {
        let counts = self.counts.into_inner().expect("no panic here");
        let mut all = Count::default();
        for (family, count) in &counts {
            let Count { files, failed, same, longest } = count;
            say(&format!(
                "{family:24} {files:7} files, {failed:7} TOTAL-FAILED, {same:3} the same, longest {longest:?}"
            ));
            all.files += files;
            all.same += same;
            all.longest = all.longest.max(*longest);
        }
        say(&format!("{} files, {} the same document, longest {:?}", all.files, all.same, all.longest));
        let wrong = self.wrong.into_inner().expect("no panic here");
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(60)].join("\n"));
        assert!(all.files >= least, "{} files", all.files);
    }
}

/// Does the pieces of work on [`THREADS`] threads.
fn share<T: Sync>(pieces: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(piece);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("what panics is caught"));
    });
}

#[test]
fn no_attacked_file_passes() {
    let subjects = subject::all();
    for subject in &subjects {
        assert_eq!(subject.judge(&subject.octets), Some(Indication::TotalPassed), "{}", subject.name);
    }
    let tally = Tally::default();
    let pieces: Vec<(&Subject, &(&str, Family))> =
        FAMILIES.iter().flat_map(|family| subjects.iter().map(move |subject| (subject, family))).collect();
    share(&pieces, |(subject, (family, make))| {
        // In the usual run some of them; which, is always the same.
        let stride = if is_soak() { 1 } else { subject.stride };
        let mut random = Random::of(&format!("{} {family}", subject.name));
        make(subject, &mut |name, octets| {
            if random.below(stride) == 0 {
                tally.judge(subject, family, name, &octets);
            }
        });
    });
    tally.conclude(5_000);
}
