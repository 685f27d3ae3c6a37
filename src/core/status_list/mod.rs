//! Token Status List (draft-ietf-oauth-status-list): the standing of many documents in one signed list, a few bits each, so that
//! whoever checks one tells nobody which.
//!
//! [`StatusList`]: the bits (§4); [`token`]: the signed token around them (§5), as CWT ([`cwt`], over the CBOR in [`cbor`]) and as JWT
//! ([`jwt`]); [`mod@reference`]: where a document's bits are; [`standing`]: what they say.
//!
//! Stricter than the text: a token must end (`exp`) and be signed by ES256, its CBOR is deterministic (RFC 8949 §4.2.1: definite and
//! shortest lengths, no key twice, but any order of keys), times are whole seconds.

pub mod cbor;
pub mod cwt;
pub mod jwt;
pub mod reference;
pub mod standing;
pub mod token;

use std::io::{Read as _, Write as _};

use flate2::{Compression, bufread::ZlibDecoder, write::ZlibEncoder};

pub use reference::StatusListReference;
pub use standing::ListedState;
pub use token::{Claims, SignedForm, StatusListToken, TokenFault, UnverifiedToken};

/// Octets of the longest list, decompressed: 16 million documents of two bits.
pub const LONGEST_LIST: usize = 4 << 20;

/// Statuses of so many bits each, the first in the lowest bits of the first octet (§4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusList {
    bits: u8,
    octets: Vec<u8>,
}

/// Why octets are no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusListFault {
    /// Statuses have 1, 2, 4 or 8 bits.
    Bits,
    /// No DEFLATE in ZLIB, or something behind it.
    Compression,
    /// Longer than [`LONGEST_LIST`].
    TooLong,
}

impl StatusList {
    /// `entries` statuses 0 (VALID) of two bits.
    pub fn new(entries: usize) -> Self {
        Self { bits: 2, octets: vec![0; entries.div_ceil(4)] }
    }

    /// What [`compress`](Self::compress) made. Costs at most [`LONGEST_LIST`], whatever the octets say.
    pub fn decompress(bits: u64, compressed: &[u8]) -> Result<Self, StatusListFault> {
        let bits = u8::try_from(bits).ok().filter(|bits| matches!(bits, 1 | 2 | 4 | 8)).ok_or(StatusListFault::Bits)?;
        let mut decoder = ZlibDecoder::new(compressed).take(LONGEST_LIST as u64 + 1);
        let mut octets = Vec::new();
        decoder.read_to_end(&mut octets).map_err(|_| StatusListFault::Compression)?;
        if octets.len() > LONGEST_LIST {
            return Err(StatusListFault::TooLong);
        }
        if decoder.into_inner().total_in() != compressed.len() as u64 {
            return Err(StatusListFault::Compression);
        }
        Ok(Self { bits, octets })
    }

    /// DEFLATE in ZLIB at the highest level, as §4.1 recommends.
    pub fn compress(&self) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.octets).and_then(|()| encoder.finish()).expect("memory takes every octet")
    }

    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// How many statuses there is room for.
    pub const fn entries(&self) -> usize {
        self.octets.len() * (8 / self.bits as usize)
    }

    /// Octets in memory.
    pub const fn size(&self) -> usize {
        self.octets.len()
    }

    /// The status at `index`; `None`: the list is shorter.
    pub fn get(&self, index: usize) -> Option<u8> {
        let (octet, shift) = self.place(index);
        let mask = u8::MAX >> (8 - self.bits);
        self.octets.get(octet).map(|octet| octet >> shift & mask)
    }

    /// Sets the status at `index`; whether it was another. What the list has no room for is left out.
    pub fn set(&mut self, index: usize, status: u8) -> bool {
        let (octet, shift) = self.place(index);
        let mask = u8::MAX >> (8 - self.bits);
        let Some(octet) = self.octets.get_mut(octet) else { return false };
        let changed = *octet & !(mask << shift) | (status & mask) << shift;
        std::mem::replace(octet, changed) != changed
    }

    const fn place(&self, index: usize) -> (usize, u32) {
        let in_octet = 8 / self.bits as usize;
        (index / in_octet, (index % in_octet) as u32 * self.bits as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(bits: u8, statuses: &[u8]) -> StatusList {
        let mut list = StatusList { bits, octets: vec![0; (statuses.len() * bits as usize).div_ceil(8)] };
        for (index, status) in statuses.iter().enumerate() {
            list.set(index, *status);
        }
        list
    }

    /// §4.1
    #[test]
    fn the_two_examples_are_packed_and_compressed_so() {
        let one = list(1, &[1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]);
        assert_eq!(one.octets, [0xb9, 0xa3]);
        assert_eq!(hex::encode(one.compress()), "78dadbb918000217015d");
        let two = list(2, &[1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]);
        assert_eq!(two.octets, [0xc9, 0x44, 0xf9]);
        assert_eq!(hex::encode(two.compress()), "78da3be9f2130003df0207");
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let mut list = StatusList::new(1 << 20);
        for index in (0..1 << 20).step_by(97) {
            list.set(index, (index % 4) as u8);
        }
        assert_eq!(StatusList::decompress(2, &list.compress()), Ok(list.clone()));
        assert_eq!((list.get(97), list.get(98), list.get((1 << 20) - 1)), (Some(1), Some(0), Some(0)));
        assert_eq!(list.get(1 << 20), None);
        assert!(!list.set(1 << 20, 1));
    }

    #[test]
    fn a_bomb_and_what_is_behind_are_refused() {
        let bomb = StatusList { bits: 8, octets: vec![0; LONGEST_LIST + 1] }.compress();
        assert!(bomb.len() < 10_000);
        assert_eq!(StatusList::decompress(2, &bomb), Err(StatusListFault::TooLong));
        let mut good = StatusList::new(64).compress();
        assert_eq!(StatusList::decompress(3, &good), Err(StatusListFault::Bits));
        for length in 0..good.len() {
            assert_eq!(StatusList::decompress(2, &good[..length]), Err(StatusListFault::Compression), "{length}");
        }
        good.push(0);
        assert_eq!(StatusList::decompress(2, &good), Err(StatusListFault::Compression));
    }
}
