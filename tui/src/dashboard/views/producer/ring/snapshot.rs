// SPDX-License-Identifier: MIT OR Apache-2.0
//! The beginning of the table `snapshot`: numbers that are all of one moment.

use std::mem::offset_of;

use ringside_uapi::producer_consumer::{
    KIND_PRODUCER, PHASE_PAUSED, PHASE_PAUSING, Snapshot as Record,
};

use super::record::number;
use super::threads::Kind;

/// Bytes of the record.
pub(crate) const SNAPSHOT_SIZE: usize = size_of::<Record>();

/// Do the threads move items?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// They do.
    #[default]
    Running,
    /// Each parks as soon as it can.
    Pausing,
    /// All are parked.
    Paused,
}

/// Who moved the last item, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastMove {
    /// What the thread is for.
    pub kind: Kind,
    /// The number in the thread's name.
    pub thread: u32,
    /// The item's number.
    pub item: u64,
    /// Which producer made it.
    pub producer: u32,
    /// The slot it was put into or taken from.
    pub slot: u64,
}

/// What holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Do the threads move items?
    pub phase: Phase,
    /// Slots of the ring.
    pub capacity: usize,
    /// Slots that hold an item.
    pub occupancy: usize,
    /// What the semaphore `empty` holds.
    pub empty: u64,
    /// What the semaphore `full` holds.
    pub full: u64,
    /// Items ever produced.
    pub produced: u64,
    /// Items ever consumed.
    pub consumed: u64,
    /// How often a producer waited.
    pub producer_waits: u64,
    /// How often a consumer waited.
    pub consumer_waits: u64,
    /// Producer threads.
    pub producers: usize,
    /// Consumer threads.
    pub consumers: usize,
    /// Producers that wait on `empty`.
    pub producers_waiting: usize,
    /// Consumers that wait on `full`.
    pub consumers_waiting: usize,
    /// The last item moved, if any was.
    pub last: Option<LastMove>,
    /// Slot records behind the threads'.
    pub slots: usize,
}

/// A field of the record, as the number it is.
macro_rules! field {
    ($bytes:expr, $name:ident: $type:ty) => {
        number($bytes, offset_of!(Record, $name), size_of::<$type>())
    };
}

impl Snapshot {
    /// Reads the beginning of the table; `None` if it is cut short.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..SNAPSHOT_SIZE)?;
        let last_item = field!(head, last_item: u64);
        let last = LastMove {
            kind: match field!(head, last_kind: u32) == u64::from(KIND_PRODUCER) {
                true => Kind::Producer,
                false => Kind::Consumer,
            },
            thread: field!(head, last_thread: u32) as u32,
            item: last_item,
            producer: field!(head, last_producer: u32) as u32,
            slot: field!(head, last_slot: u64),
        };
        Some(Self {
            phase: match field!(head, phase: u32) as u32 {
                PHASE_PAUSED => Phase::Paused,
                PHASE_PAUSING => Phase::Pausing,
                _ => Phase::Running,
            },
            capacity: field!(head, capacity: u64) as usize,
            occupancy: field!(head, occupancy: u64) as usize,
            empty: field!(head, empty: u64),
            full: field!(head, full: u64),
            produced: field!(head, produced: u64),
            consumed: field!(head, consumed: u64),
            producer_waits: field!(head, producer_waits: u64),
            consumer_waits: field!(head, consumer_waits: u64),
            producers: field!(head, producers: u32) as usize,
            consumers: field!(head, consumers: u32) as usize,
            producers_waiting: field!(head, producers_waiting: u32) as usize,
            consumers_waiting: field!(head, consumers_waiting: u32) as usize,
            last: (last_item != 0).then_some(last),
            slots: field!(head, slots: u32) as usize,
        })
    }

    /// How many threads there are.
    pub(crate) fn threads(&self) -> usize {
        self.producers + self.consumers
    }

    /// How many threads of a kind there are.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Producer => self.producers,
            Kind::Consumer => self.consumers,
        }
    }

    /// How many threads of a kind wait for their semaphore.
    pub(crate) fn waiting(&self, kind: Kind) -> usize {
        match kind {
            Kind::Producer => self.producers_waiting,
            Kind::Consumer => self.consumers_waiting,
        }
    }

    /// Where the next item is put, if there is a slot.
    pub(crate) fn put(&self) -> Option<usize> {
        Some(self.produced.checked_rem(self.capacity as u64)? as usize)
    }

    /// Where the next item is taken from, if there is a slot.
    pub(crate) fn take(&self) -> Option<usize> {
        Some(self.consumed.checked_rem(self.capacity as u64)? as usize)
    }

    /// The number of the item in a slot, if it holds one: items are numbered, and
    /// fill the slots, in order.
    pub(crate) fn item(&self, slot: usize) -> Option<u64> {
        let behind = (slot + self.capacity).checked_sub(self.take()?)?;
        let behind = behind.checked_rem(self.capacity)?;
        (slot < self.capacity && behind < self.occupancy)
            .then_some(self.consumed + behind as u64 + 1)
    }

    /// How many of these slots hold an item.
    pub(crate) fn filled(&self, slots: std::ops::Range<usize>) -> usize {
        let Some(take) = self.take() else { return 0 };
        let end = take + self.occupancy;
        let overlap =
            |from: usize, to: usize| to.min(slots.end).saturating_sub(from.max(slots.start));
        let wrapped = end.saturating_sub(self.capacity);
        overlap(take, end.min(self.capacity)) + overlap(0, wrapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(capacity: usize, produced: u64, consumed: u64) -> Snapshot {
        let occupancy = (produced - consumed) as usize;
        Snapshot { capacity, occupancy, produced, consumed, ..Snapshot::default() }
    }

    #[test]
    fn fields_are_read_where_the_contract_has_them() {
        let mut bytes = vec![0; SNAPSHOT_SIZE];
        let mut put = |at: usize, number: u64, size: usize| {
            bytes[at..at + size].copy_from_slice(&number.to_le_bytes()[..size]);
        };
        put(offset_of!(Record, phase), 2, 4);
        put(offset_of!(Record, capacity), 1 << 33, 8);
        put(offset_of!(Record, consumers), 1500, 4);
        put(offset_of!(Record, last_item), 77, 8);
        put(offset_of!(Record, last_kind), 1, 4);
        put(offset_of!(Record, last_thread), 3, 4);
        put(offset_of!(Record, last_slot), 5, 8);
        put(offset_of!(Record, last_producer), 2, 4);
        let snapshot = Snapshot::read(&bytes).unwrap();
        assert_eq!((snapshot.phase, snapshot.capacity), (Phase::Paused, 1 << 33));
        assert_eq!(snapshot.count(Kind::Consumer), 1500);
        let last = LastMove { kind: Kind::Consumer, thread: 3, item: 77, producer: 2, slot: 5 };
        assert_eq!(snapshot.last, Some(last));
        assert_eq!(Snapshot::read(&bytes[1..]), None);
    }

    #[test]
    fn which_slots_hold_which_items_follows_from_the_two_totals() {
        // Items 8, 9, 10 lie in slots 3, 0, 1 of four.
        let ring = ring(4, 10, 7);
        assert_eq!((ring.put(), ring.take()), (Some(2), Some(3)));
        let items: Vec<_> = (0..5).map(|slot| ring.item(slot)).collect();
        assert_eq!(items, [Some(9), Some(10), None, Some(8), None]);
        assert_eq!((ring.filled(0..4), ring.filled(1..3), ring.filled(3..4)), (3, 1, 1));
    }

    #[test]
    fn a_full_ring_puts_where_it_takes_and_one_without_slots_nowhere() {
        let full = ring(3, 11, 8);
        assert_eq!((full.put(), full.take(), full.filled(0..3)), (Some(2), Some(2), 3));
        let none = ring(0, 0, 0);
        assert_eq!(
            (none.put(), none.take(), none.item(0), none.filled(0..1)),
            (None, None, None, 0)
        );
    }
}
