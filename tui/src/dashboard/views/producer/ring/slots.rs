// SPDX-License-Identifier: MIT OR Apache-2.0
//! The slots of the ring, read from the records of the table `snapshot`.

use ringside_uapi::producer_consumer::SlotRecord;

use super::record::number;

/// Bytes of a slot's record.
pub(crate) const SLOT_SIZE: usize = size_of::<SlotRecord>();

/// A slot that holds an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    /// The item's number, from 1 in the order of production.
    pub item: u64,
    /// Which producer made it, from 1.
    pub producer: u32,
}

/// The first slots of the ring, read where they lie in a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots<'a>(&'a [[u8; SLOT_SIZE]]);

impl<'a> Slots<'a> {
    /// The slots whose records are `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.as_chunks::<SLOT_SIZE>().0)
    }

    /// Is this slot among those that were read?
    pub(crate) fn holds(&self, slot: usize) -> bool {
        slot < self.0.len()
    }

    /// What a slot holds; `None` when it is empty or was not read.
    pub(crate) fn get(&self, slot: usize) -> Option<Filled> {
        let record = self.0.get(slot)?;
        let item = number(record, 0, 8);
        (item != 0).then(|| Filled { item, producer: number(record, 8, 4) as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot_bytes(slots: &[(u64, u32)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (item, producer) in slots {
            bytes.extend(item.to_le_bytes());
            bytes.extend(producer.to_le_bytes());
            bytes.extend([0; 4]);
        }
        bytes
    }

    #[test]
    fn slots_tell_which_producers_item_they_hold() {
        let bytes = slot_bytes(&[(0, 0), (7, 2)]);
        let slots = Slots::new(&bytes);
        assert_eq!(slots.get(0), None);
        assert_eq!(slots.get(1), Some(Filled { item: 7, producer: 2 }));
        assert!(!slots.holds(2) && slots.get(2).is_none());
    }
}
