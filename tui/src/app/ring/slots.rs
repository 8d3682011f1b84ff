// SPDX-License-Identifier: MIT OR Apache-2.0
//! The slots of the ring, read from the records of its table, and where the
//! next item goes and comes from.

use ringside_uapi::producer_consumer::SlotRecord;

use super::record::number;

/// Bytes of a record of the table `slots`.
pub const SLOT_SIZE: usize = size_of::<SlotRecord>();

/// A slot that holds an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The item's number, from 1 in the order of production.
    pub item: u64,
    /// Which producer made it, from 1.
    pub producer: u32,
}

/// A stretch of the table `slots`, read where it lies in a sample.
#[derive(Clone, Copy, Debug)]
pub struct Slots<'a> {
    first: usize,
    records: &'a [[u8; SLOT_SIZE]],
}

impl<'a> Slots<'a> {
    /// The slots from `first` on, whose records are `bytes`.
    pub fn new(first: usize, bytes: &'a [u8]) -> Self {
        let (records, _) = bytes.as_chunks::<SLOT_SIZE>();
        Self { first, records }
    }

    /// The position in the ring of the first one read.
    pub fn first(&self) -> usize {
        self.first
    }

    /// How many were read.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Was none read?
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Is this slot among those that were read?
    pub fn holds(&self, slot: usize) -> bool {
        (self.first..self.first + self.len()).contains(&slot)
    }

    /// What a slot holds; `None` when it is empty or was not read.
    pub fn get(&self, slot: usize) -> Option<Filled> {
        let record = self.records.get(slot.checked_sub(self.first)?)?;
        let item = number(record, 0, 8);
        (item != 0).then(|| Filled { item, producer: number(record, 8, 4) as u32 })
    }

    /// How many of these slots hold an item.
    pub fn filled(&self, slots: std::ops::Range<usize>) -> usize {
        slots.filter(|slot| self.get(*slot).is_some()).count()
    }
}

/// Where the next item goes and where the next one is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The slot that the next item is put into.
    pub put: usize,
    /// The slot that the next item is taken from.
    pub take: usize,
}

/// The ends of a ring of `capacity` slots: from the slots themselves when all
/// were read (one consistent picture), else from the two totals.
pub fn ends(capacity: usize, slots: &Slots<'_>, produced: u64, consumed: u64) -> Option<Ends> {
    if capacity == 0 {
        return None;
    }
    let whole = slots.first() == 0 && slots.len() >= capacity;
    let (mut oldest, mut newest) = (None, None);
    if whole {
        for slot in 0..capacity {
            let Some(filled) = slots.get(slot) else {
                continue;
            };
            if oldest.is_none_or(|(item, _)| filled.item < item) {
                oldest = Some((filled.item, slot));
            }
            if newest.is_none_or(|(item, _)| filled.item > item) {
                newest = Some((filled.item, slot));
            }
        }
    }
    match (oldest, newest) {
        (Some((_, take)), Some((_, newest))) => Some(Ends { put: (newest + 1) % capacity, take }),
        _ => Some(Ends {
            put: (produced % capacity as u64) as usize,
            take: (consumed % capacity as u64) as usize,
        }),
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
        let slots = Slots::new(10, &bytes);
        assert_eq!(slots.get(10), None);
        assert_eq!(slots.get(11), Some(Filled { item: 7, producer: 2 }));
        assert!(!slots.holds(12) && slots.get(12).is_none() && slots.get(3).is_none());
        assert_eq!(slots.filled(0..100), 1);
    }

    #[test]
    fn the_ends_come_from_the_slots_when_all_are_known() {
        // Items 5, 6, 7 lie in slots 3, 0, 1 of four.
        let bytes = slot_bytes(&[(6, 1), (7, 1), (0, 0), (5, 1)]);
        let slots = Slots::new(0, &bytes);
        let ends_of = |slots| ends(4, slots, 1000, 1000);
        assert_eq!(ends_of(&slots), Some(Ends { put: 2, take: 3 }));
        assert_eq!(ends_of(&Slots::new(0, &[])), Some(Ends { put: 0, take: 0 }));
        assert_eq!(ends(0, &slots, 0, 0), None);
    }

    #[test]
    fn a_full_ring_puts_where_it_takes() {
        let bytes = slot_bytes(&[(3, 1), (4, 1), (2, 1)]);
        assert_eq!(ends(3, &Slots::new(0, &bytes), 0, 0), Some(Ends { put: 2, take: 2 }));
    }
}
