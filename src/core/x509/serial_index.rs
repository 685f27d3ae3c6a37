//! The entries of a CRL by serial number: 7 bytes an entry beside the encoding, and a look-up that reads the one entry it finds,
//! however long the list is.

/// Entries in a group, on average.
const GROUP: usize = 4;

/// Where entries start, grouped by a mix of their serial numbers and in ascending order of tag and serial number within a group.
/// Whoever chooses serial numbers can put all into one group: that is then a sorted list like any other.
pub struct SerialIndex {
    /// Where each group begins in `tags` and `starts`; the last one is their end.
    groups: Vec<u32>,
    /// Another part of the mix: who has another tag need not be looked at.
    tags: Vec<u16>,
    starts: Vec<u32>,
}

impl SerialIndex {
    /// Of entries that start at `starts`, fewer than 2^32; `serial_number` reads the octets of one.
    pub fn new<'a>(starts: &[u32], serial_number: impl Fn(u32) -> &'a [u8]) -> Self {
        let count = starts.len().div_ceil(GROUP);
        let mut groups = vec![0_u32; count + 1];
        let mixes: Vec<u64> = starts.iter().map(|start| mix(serial_number(*start))).collect();
        for mixed in &mixes {
            groups[group(*mixed, count) + 1] += 1;
        }
        for index in 0..count {
            groups[index + 1] += groups[index];
        }
        let mut grouped = vec![(0, 0); starts.len()];
        let mut free = groups.clone();
        for (start, mixed) in starts.iter().zip(mixes) {
            let place = &mut free[group(mixed, count)];
            grouped[*place as usize] = (tag(mixed), *start);
            *place += 1;
        }
        for bounds in groups.windows(2) {
            let group = &mut grouped[bounds[0] as usize..bounds[1] as usize];
            group.sort_unstable_by(|(left_tag, left), (right_tag, right)| {
                left_tag.cmp(right_tag).then_with(|| serial_number(*left).cmp(serial_number(*right)))
            });
        }
        let (tags, starts) = grouped.into_iter().unzip();
        Self { groups, tags, starts }
    }

    /// Entries in it.
    pub const fn len(&self) -> usize {
        self.starts.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Octets of memory.
    pub fn size(&self) -> usize {
        size_of_val(&*self.groups) + size_of_val(&*self.tags) + size_of_val(&*self.starts)
    }

    /// Where the entries with the serial number `wanted` start.
    pub fn find<'a>(&self, wanted: &[u8], serial_number: impl Fn(u32) -> &'a [u8]) -> &[u32] {
        let count = self.groups.len() - 1;
        if count == 0 {
            return &[];
        }
        let mixed = mix(wanted);
        let group = group(mixed, count);
        let (first, end) = (self.groups[group] as usize, self.groups[group + 1] as usize);
        let tags = &self.tags[first..end];
        let tagged = tags.partition_point(|tag_here| *tag_here < tag(mixed));
        let same = tags[tagged..].partition_point(|tag_here| *tag_here == tag(mixed));
        let alike = &self.starts[first + tagged..first + tagged + same];
        let rest = &alike[alike.partition_point(|start| serial_number(*start) < wanted)..];
        let same = rest.iter().take_while(|start| serial_number(**start) == wanted).count();
        &rest[..same]
    }
}

fn mix(serial_number: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut mixed = serial_number.len() as u64;
    for chunk in serial_number.chunks(8) {
        let word = chunk.iter().fold(0_u64, |word, octet| word << 8 | u64::from(*octet));
        mixed = (mixed ^ word).wrapping_mul(FACTOR);
        mixed ^= mixed >> 32;
    }
    mixed
}

/// The group of a mix, of `count`: by its lower half.
const fn group(mixed: u64, count: usize) -> usize {
    (((mixed & u32::MAX as u64) * count as u64) >> 32) as usize
}

/// By its highest bits.
const fn tag(mixed: u64) -> u16 {
    (mixed >> 48) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each start is the index of its serial number.
    fn index(serials: &[Vec<u8>]) -> SerialIndex {
        let starts: Vec<u32> = (0..serials.len() as u32).collect();
        SerialIndex::new(&starts, |start| &serials[start as usize])
    }

    fn found(index: &SerialIndex, serials: &[Vec<u8>], wanted: &[u8]) -> Vec<u32> {
        let mut found = index.find(wanted, |start| &serials[start as usize]).to_vec();
        found.sort_unstable();
        found
    }

    #[test]
    fn every_entry_is_found_and_nothing_else() {
        let serials: Vec<Vec<u8>> = (0..5000_u32).map(|number| (number * 2).to_be_bytes().to_vec()).collect();
        let index = index(&serials);
        assert_eq!(index.len(), 5000);
        for (at, serial) in serials.iter().enumerate() {
            assert_eq!(found(&index, &serials, serial), [at as u32]);
            let mut absent = serial.clone();
            absent[3] |= 1;
            assert!(found(&index, &serials, &absent).is_empty());
            assert!(found(&index, &serials, &serial[1..]).is_empty());
        }
        let longest = index.groups.windows(2).map(|bounds| bounds[1] - bounds[0]).max();
        assert!(longest < Some(4 * GROUP as u32), "{longest:?}: numbers in a row are spread");
        assert!(found(&index, &serials, &[]).is_empty());
    }

    #[test]
    fn one_serial_number_several_times_and_an_empty_list() {
        let serials = vec![vec![7], vec![8], vec![7], vec![7; 40], vec![7]];
        let index = index(&serials);
        assert_eq!(found(&index, &serials, &[7]), [0, 2, 4]);
        assert_eq!(found(&index, &serials, &[7; 40]), [3]);
        let empty = SerialIndex::new(&[], |_| &[]);
        assert!(empty.is_empty() && empty.find(&[7], |_| &[]).is_empty());
    }

    #[test]
    fn serial_numbers_chosen_for_one_group_are_found_too() {
        let all = (0..400_000_u32).map(|number| number.to_be_bytes().to_vec());
        let count = 1000_usize.div_ceil(GROUP);
        let serials: Vec<Vec<u8>> = all.filter(|serial| group(mix(serial), count) == 3).take(1000).collect();
        assert_eq!(serials.len(), 1000);
        let index = index(&serials);
        for (at, serial) in serials.iter().enumerate() {
            assert_eq!(found(&index, &serials, serial), [at as u32]);
        }
    }
}
