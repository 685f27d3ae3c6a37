//! Document time-stamps (EN 319 142-1 §5.4.3): each is over the file up to its revision, so that all that is there existed at its time.

use std::ops::Range;
use std::sync::Arc;

use super::digests::RangeDigests;
use super::profile;
use crate::core::algorithm::DigestAlgorithm;
use crate::core::crypto;
use crate::core::path::{Pool, Proofs, Work};
use crate::core::pdf::security_store::{Item, ItemKind};
use crate::core::pdf::signature::ByteRange;
use crate::core::policy::Purpose;
use crate::core::validation::ValidationRequest;
use crate::core::validation::basic::Material;
use crate::core::validation::embedded::{Encodings, Together};
use crate::core::validation::long_term::{self, Outer};
use crate::core::validation::stamps::{self, Stamp, Stamps};
use crate::core::validation::timestamp::{TimestampFault, TimestampValidation};

/// A document time-stamp with what it covers.
pub struct DocumentStamp<'a> {
    pub stamp: Stamp<'a>,
    pub range: ByteRange,
    /// Its place among the ranges that are digested.
    pub index: usize,
}

impl DocumentStamp<'_> {
    fn covers(&self, span: &Range<usize>) -> bool {
        covers(self.range, span)
    }

    fn check_imprint(&self, digests: &RangeDigests<'_>) -> Result<DigestAlgorithm, TimestampFault> {
        // A token that cannot be read is reported as that.
        let Ok((_, info)) = &self.stamp.read else { return Err(TimestampFault::Imprint) };
        let imprint = &info.message_imprint;
        let algorithm = *imprint.algorithm.as_ref().map_err(|_| TimestampFault::ImprintAlgorithm)?;
        let is_over_it = digests.of_range(self.index, algorithm) == imprint.digest;
        if is_over_it { Ok(algorithm) } else { Err(TimestampFault::Imprint) }
    }
}

fn covers(range: ByteRange, span: &Range<usize>) -> bool {
    span.end <= range.first || range.second <= span.start && span.end <= range.end
}

/// The document time-stamps of a file, judged.
#[derive(Default)]
pub struct Judged {
    stamps: Vec<(Range<usize>, ByteRange, TimestampValidation)>,
    proofs: Proofs,
    /// Ends of those whose tokens could have other octets.
    inexact: Vec<usize>,
}

impl Judged {
    /// Where those end that are not over what they cover, or not made by whom they name.
    pub fn broken(&self) -> Vec<usize> {
        let broken = self
            .stamps
            .iter()
            .filter(|(_, range, validation)| !validation.is_genuine() || self.inexact.contains(&range.end));
        broken.map(|(_, range, _)| range.end).collect()
    }

    /// What they prove of the signature that stands there and covers that.
    pub fn around(&self, contents: &Range<usize>, range: ByteRange) -> Outer {
        let over = self.stamps.iter().filter(|(_, own, _)| covers(*own, contents));
        let earlier = self.stamps.iter().filter(|(own, _, _)| covers(range, own));
        let validation = |(_, _, validation): &(Range<usize>, ByteRange, TimestampValidation)| validation.clone();
        Outer {
            proofs: self.proofs.clone(),
            stamps: over.map(validation).collect(),
            earlier_stamps: earlier.map(validation).collect(),
        }
    }
}

/// What a file has that a document time-stamp proves to be old.
pub struct Provable<'a> {
    /// Each signature's message: where it stands, and what is on it.
    pub messages: Vec<(Range<usize>, &'a Stamps<'a>)>,
    pub items: &'a [Item],
}

/// Judges them, the newest first: one that passes proves that all before it existed, older time-stamps among it.
pub fn judge(
    request: &ValidationRequest<'_>,
    mut stamps: Vec<DocumentStamp<'_>>,
    digests: &RangeDigests<'_>,
    provable: &Provable<'_>,
    together: &Together,
) -> Judged {
    stamps.sort_by_key(|stamp| std::cmp::Reverse(stamp.range.end));
    let (none, pool) = (Work::default(), Pool::new());
    let material = Material::new(request, together, Purpose::DocumentSigning, &none);
    let mut judged = Judged::default();
    for (place, stamp) in stamps.iter().enumerate() {
        let imprint = stamp.check_imprint(digests);
        let proved = judged.proofs.of(&stamp.stamp.fingerprint);
        let works = [(); 2].map(|()| Work::share(stamps.len(), &pool));
        let mut validation =
            long_term::judge_stamp(request, &stamp.stamp, imprint, proved, &judged.proofs, (material, &works));
        // What a newer one says of it that passed.
        if validation.outcome.is_ok() && long_term::is_older_than_it_says(&stamp.stamp, &judged.proofs) {
            validation.outcome = Err(TimestampFault::Order);
        }
        if let (Ok((token, _)), Some(signature)) = (&stamp.stamp.read, &validation.signature)
            && profile::check(token, signature.signer.as_ref().ok().map(Arc::as_ref)).is_err()
        {
            judged.inexact.push(stamp.range.end);
        }
        let covered = provable.items.iter().filter(|item| stamp.covers(&item.span));
        validation.covers_evidence = covered.clone().any(|item| item.kind != ItemKind::Certificate);
        if let Ok(proof) = &validation.outcome {
            let (time, proofs) = (proof.time(), &mut judged.proofs);
            let encodings = encodings(covered);
            stamps::prove(&encodings, time, proofs, &crypto::sha256);
            for (_, message) in provable.messages.iter().filter(|(span, _)| stamp.covers(span)) {
                message.prove_all(time, proofs);
            }
            for older in stamps[place + 1..].iter().filter(|older| stamp.covers(&older.contents())) {
                proofs.add(older.stamp.fingerprint, time);
                stamps::prove(&older.stamp.encodings(), time, proofs, &crypto::sha256);
            }
        }
        judged.stamps.push((stamp.contents(), stamp.range, validation));
    }
    judged.stamps.reverse();
    judged
}

impl DocumentStamp<'_> {
    fn contents(&self) -> Range<usize> {
        self.range.first..self.range.second
    }
}

/// The items of a security store, as what they are said to be.
pub fn encodings<'a>(items: impl Iterator<Item = &'a Item>) -> Encodings<'a> {
    let mut encodings = Encodings::default();
    for item in items {
        let list = match item.kind {
            ItemKind::Certificate => &mut encodings.certificates,
            ItemKind::Crl => &mut encodings.crls,
            ItemKind::OcspResponse => &mut encodings.ocsp_responses,
        };
        list.push(&item.octets);
    }
    encodings
}
