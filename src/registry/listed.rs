//! Places in the status lists: which bits of which list are a document's.

use super::DocumentState;
use crate::core::status_list::ListedState;

/// Places of one list.
pub const LIST_ENTRIES: u32 = 1 << 20;
/// Places that are leased together.
pub const BLOCK: u32 = 1 << 10;
/// How long after an attempt was begun it may still be marked as unknown, in seconds.
pub(super) const LATEST_UNKNOWN: i64 = 86_400;

/// Where a document's status is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusPlace {
    /// The number of the list, from 0.
    pub list: u32,
    /// Below [`LIST_ENTRIES`].
    pub index: u32,
}

impl StatusPlace {
    /// That of the block with this number at `offset`, which is below [`BLOCK`].
    pub const fn in_block(block: u32, offset: u32) -> Self {
        const BLOCKS: u32 = LIST_ENTRIES / BLOCK;
        Self { list: block / BLOCKS, index: block % BLOCKS * BLOCK + offset }
    }

    /// `None`: there is no such place.
    pub fn new(list: i64, index: i64) -> Option<Self> {
        let (list, index) = (u32::try_from(list).ok()?, u32::try_from(index).ok()?);
        let fits = index < LIST_ENTRIES && list <= u32::MAX / (LIST_ENTRIES / BLOCK);
        fits.then_some(Self { list, index })
    }

    /// The block that it is in; the list in an `i64`, for stores.
    pub(super) const fn block(self) -> i64 {
        self.list as i64 * (LIST_ENTRIES / BLOCK) as i64 + (self.index / BLOCK) as i64
    }
}

/// What is said about one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub place: StatusPlace,
    pub state: ListedState,
}

impl Listed {
    /// `state`: `None`, where the signing ended without a trace of its result. Its id is void, and so is a signature that turns up.
    pub(super) const fn new(place: StatusPlace, state: Option<DocumentState>) -> Self {
        let state = match state {
            Some(DocumentState::InForce) => ListedState::InForce,
            Some(DocumentState::Suspended) => ListedState::Suspended,
            Some(DocumentState::Used | DocumentState::Superseded) => ListedState::UsedOrSuperseded,
            Some(DocumentState::Withdrawn) | None => ListedState::Withdrawn,
        };
        Self { place, state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_fill_one_list_after_the_other() {
        assert_eq!(StatusPlace::in_block(0, 0), StatusPlace { list: 0, index: 0 });
        assert_eq!(StatusPlace::in_block(1023, 1023), StatusPlace { list: 0, index: LIST_ENTRIES - 1 });
        assert_eq!(StatusPlace::in_block(1024, 5), StatusPlace { list: 1, index: 5 });
        for block in [0, 1, 1023, 1024, u32::MAX] {
            let place = StatusPlace::in_block(block, BLOCK - 1);
            assert_eq!(place.block(), i64::from(block));
            assert_eq!(StatusPlace::new(place.list.into(), place.index.into()), Some(place));
        }
        assert_eq!(StatusPlace::new(0, LIST_ENTRIES.into()), None);
        assert_eq!(StatusPlace::new(-1, 0), None);
    }
}
