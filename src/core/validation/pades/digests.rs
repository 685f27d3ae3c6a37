//! Digests of what the signatures of a PDF cover, and of the file: each octet is hashed about once, however many signatures there are.

use std::cell::RefCell;

use crate::core::algorithm::DigestAlgorithm;
use crate::core::crypto::Hasher;
use crate::core::pdf::signature::ByteRange;

/// A file, and what its signatures cover: each all that is before its `Contents`, and what is behind it to the end of its revision.
#[derive(Debug)]
pub struct RangeDigests<'a> {
    octets: &'a [u8],
    ranges: Vec<ByteRange>,
    known: RefCell<Vec<(DigestAlgorithm, Digests)>>,
}

#[derive(Debug)]
struct Digests {
    of_ranges: Vec<Vec<u8>>,
    whole: Vec<u8>,
}

impl<'a> RangeDigests<'a> {
    /// The ranges must lie in the file; what is behind the gaps of any two should not overlap, or it is hashed for each.
    pub const fn new(octets: &'a [u8], ranges: Vec<ByteRange>) -> Self {
        Self { octets, ranges, known: RefCell::new(Vec::new()) }
    }

    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Of the range at this place among those given.
    pub fn of_range(&self, index: usize, algorithm: DigestAlgorithm) -> Vec<u8> {
        self.with(algorithm, |digests| digests.of_ranges[index].clone())
    }

    /// Of the whole file.
    pub fn whole(&self, algorithm: DigestAlgorithm) -> Vec<u8> {
        self.with(algorithm, |digests| digests.whole.clone())
    }

    fn with<T>(&self, algorithm: DigestAlgorithm, ask: impl FnOnce(&Digests) -> T) -> T {
        let mut known = self.known.borrow_mut();
        if let Some((_, digests)) = known.iter().find(|(known, _)| *known == algorithm) {
            return ask(digests);
        }
        let digests = self.compute(algorithm);
        let result = ask(&digests);
        known.push((algorithm, digests));
        result
    }

    /// Goes through the file once; at each gap a copy of the state goes on behind it.
    fn compute(&self, algorithm: DigestAlgorithm) -> Digests {
        let mut order: Vec<usize> = (0..self.ranges.len()).collect();
        order.sort_by_key(|index| self.ranges[*index].first);
        let mut of_ranges = vec![Vec::new(); self.ranges.len()];
        let (mut running, mut at) = (Hasher::new(algorithm), 0);
        for index in order {
            let range = self.ranges[index];
            running.update(&self.octets[at..range.first]);
            at = range.first;
            let mut own = running.clone();
            own.update(&self.octets[range.second..range.end]);
            of_ranges[index] = own.finish();
        }
        running.update(&self.octets[at..]);
        Digests { of_ranges, whole: running.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::crypto;

    #[test]
    fn digests_what_is_around_each_gap() {
        let octets: Vec<u8> = (0..200).collect();
        let ranges =
            vec![ByteRange { first: 120, second: 130, end: 200 }, ByteRange { first: 30, second: 40, end: 100 }];
        let digests = RangeDigests::new(&octets, ranges.clone());
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha3_512, DigestAlgorithm::Sha256] {
            for (index, range) in ranges.iter().enumerate() {
                let parts = [&octets[..range.first], &octets[range.second..range.end]].concat();
                assert_eq!(digests.of_range(index, algorithm), crypto::digest(algorithm, &parts));
            }
            assert_eq!(digests.whole(algorithm), crypto::digest(algorithm, &octets));
        }
    }
}
