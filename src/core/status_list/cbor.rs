//! The part of CBOR (RFC 8949) that tokens need: integers, octets, text, arrays, maps and tags, in the deterministic form of §4.2.1
//! but for the order of keys. Other values are passed over where they may stand, within a depth.

/// Depth of what is passed over.
const DEPTH: u32 = 8;

mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const OCTETS: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const SIMPLE: u8 = 7;
}

/// Octets that are not what was expected, or not in the one form allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CborFault;

/// A key of a map: a number, or a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    Number(i64),
    Text(&'a str),
}

/// Reads one item after the other.
#[derive(Clone)]
pub struct CborReader<'a> {
    rest: &'a [u8],
}

impl<'a> CborReader<'a> {
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    /// Nothing is left.
    pub const fn finish(&self) -> Result<(), CborFault> {
        if self.rest.is_empty() { Ok(()) } else { Err(CborFault) }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], CborFault> {
        let length = usize::try_from(length).map_err(|_| CborFault)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CborFault)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Major type and argument (§3), which has the shortest form; of floats and simple values, which are only passed over, any.
    fn head(&mut self) -> Result<(u8, u64), CborFault> {
        let [first] = *self.take(1)? else { return Err(CborFault) };
        let (major, short) = (first >> 5, first & 0x1f);
        let following = match short {
            0..=23 => return Ok((major, u64::from(short))),
            24..=27 => 1 << (short - 24),
            _ => return Err(CborFault),
        };
        let octets = self.take(following)?;
        let value = octets.iter().fold(0, |value: u64, octet| value << 8 | u64::from(*octet));
        let least = match following {
            1 => 24,
            2 => 1 << 8,
            4 => 1 << 16,
            _ => 1 << 32,
        };
        if major != major::SIMPLE && value < least {
            return Err(CborFault);
        }
        Ok((major, value))
    }

    fn expect(&mut self, expected: u8) -> Result<u64, CborFault> {
        let (major, value) = self.head()?;
        if major == expected { Ok(value) } else { Err(CborFault) }
    }

    pub fn unsigned(&mut self) -> Result<u64, CborFault> {
        self.expect(major::UNSIGNED)
    }

    pub fn octets(&mut self) -> Result<&'a [u8], CborFault> {
        let length = self.expect(major::OCTETS)?;
        self.take(length)
    }

    pub fn text(&mut self) -> Result<&'a str, CborFault> {
        let length = self.expect(major::TEXT)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| CborFault)
    }

    /// How many items follow that belong to the array.
    pub fn array(&mut self) -> Result<u64, CborFault> {
        self.expect(major::ARRAY)
    }

    pub fn tag(&mut self) -> Result<u64, CborFault> {
        self.expect(major::TAG)
    }

    /// The next item is an array.
    pub fn is_array(&self) -> bool {
        self.rest.first().is_some_and(|first| first >> 5 == major::ARRAY)
    }

    pub fn number(&mut self) -> Result<i64, CborFault> {
        let (major, value) = self.head()?;
        let value = i64::try_from(value).map_err(|_| CborFault)?;
        match major {
            major::UNSIGNED => Ok(value),
            major::NEGATIVE => Ok(-1 - value),
            _ => Err(CborFault),
        }
    }

    /// A map: `each` reads the value of each key, or passes over it. No key stands twice.
    pub fn map(&mut self, mut each: impl FnMut(Key<'a>, &mut Self) -> Result<(), CborFault>) -> Result<(), CborFault> {
        let mut seen: Vec<Key<'a>> = Vec::new();
        for _ in 0..self.expect(major::MAP)? {
            // Nobody needs as many; each is compared with all before it.
            if seen.len() >= 32 {
                return Err(CborFault);
            }
            let is_text = self.rest.first().is_some_and(|first| first >> 5 == major::TEXT);
            let key = if is_text { Key::Text(self.text()?) } else { Key::Number(self.number()?) };
            if seen.contains(&key) {
                return Err(CborFault);
            }
            seen.push(key);
            each(key, self)?;
        }
        Ok(())
    }

    /// Passes over one item of any type, and all in it.
    pub fn skip(&mut self) -> Result<(), CborFault> {
        self.skip_within(DEPTH)
    }

    fn skip_within(&mut self, depth: u32) -> Result<(), CborFault> {
        let depth = depth.checked_sub(1).ok_or(CborFault)?;
        let (major, value) = self.head()?;
        let items = match major {
            major::OCTETS | major::TEXT => return self.take(value).map(|_| ()),
            major::ARRAY => value,
            major::MAP => value.checked_mul(2).ok_or(CborFault)?,
            major::TAG => 1,
            _ => 0,
        };
        // Each takes an octet at least, so that a number that lies ends soon.
        (0..items).try_for_each(|_| self.skip_within(depth))
    }
}

/// Writes one item after the other.
#[derive(Default)]
pub struct CborWriter {
    octets: Vec<u8>,
}

impl CborWriter {
    pub fn finish(self) -> Vec<u8> {
        self.octets
    }

    fn head(&mut self, major: u8, value: u64) -> &mut Self {
        let first = major << 5;
        let octets = value.to_be_bytes();
        match value {
            0..=23 => self.octets.push(first | octets[7]),
            24..=0xff => self.octets.extend_from_slice(&[first | 24, octets[7]]),
            0x100..=0xffff => self.octets.extend_from_slice(&[first | 25, octets[6], octets[7]]),
            0x1_0000..=0xffff_ffff => {
                self.octets.push(first | 26);
                self.octets.extend_from_slice(&octets[4..]);
            }
            _ => {
                self.octets.push(first | 27);
                self.octets.extend_from_slice(&octets);
            }
        }
        self
    }

    pub fn number(&mut self, value: i64) -> &mut Self {
        match u64::try_from(value) {
            Ok(value) => self.head(major::UNSIGNED, value),
            Err(_) => self.head(major::NEGATIVE, value.unsigned_abs() - 1),
        }
    }

    pub fn octets(&mut self, octets: &[u8]) -> &mut Self {
        self.head(major::OCTETS, octets.len() as u64);
        self.octets.extend_from_slice(octets);
        self
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.head(major::TEXT, text.len() as u64);
        self.octets.extend_from_slice(text.as_bytes());
        self
    }

    pub fn array(&mut self, items: usize) -> &mut Self {
        self.head(major::ARRAY, items as u64)
    }

    pub fn map(&mut self, pairs: usize) -> &mut Self {
        self.head(major::MAP, pairs as u64)
    }

    pub fn tag(&mut self, tag: u64) -> &mut Self {
        self.head(major::TAG, tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_the_examples_of_the_standard() {
        // RFC 8949, appendix A.
        for (value, octets) in [
            (0, "00"),
            (23, "17"),
            (24, "1818"),
            (255, "18ff"),
            (256, "190100"),
            (65_535, "19ffff"),
            (65_536, "1a00010000"),
            (1_000_000_000_000, "1b000000e8d4a51000"),
            (-1, "20"),
            (-1000, "3903e7"),
        ] {
            let mut writer = CborWriter::default();
            writer.number(value);
            let written = writer.finish();
            assert_eq!(hex::encode(&written), octets);
            assert_eq!(CborReader::new(&written).number(), Ok(value));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        // A longer form, an indefinite length, more than there is, a reserved argument.
        for octets in ["1817", "190017", "1a0000ffff", "1b00000000ffffffff", "5f41ff", "4201", "1c"] {
            let octets = hex::decode(octets).unwrap();
            let mut reader = CborReader::new(&octets);
            assert_eq!(reader.skip(), Err(CborFault), "{octets:02x?}");
        }
        let twice = hex::decode("a201000101").unwrap();
        assert_eq!(CborReader::new(&twice).map(|_, reader| reader.skip()), Err(CborFault));
    }

    #[test]
    fn depth_and_lengths_that_lie_cost_nothing() {
        let deep = vec![0x81; 1 << 20];
        assert_eq!(CborReader::new(&deep).skip(), Err(CborFault));
        let long = hex::decode("9bffffffffffffffff").unwrap();
        assert_eq!(CborReader::new(&long).skip(), Err(CborFault));
        let long = hex::decode("bbffffffffffffffff").unwrap();
        assert_eq!(CborReader::new(&long).skip(), Err(CborFault));
    }
}
