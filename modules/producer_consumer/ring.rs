// SPDX-License-Identifier: GPL-2.0
//! The ring of slots: where items lie between producer and consumer.
//!
//! Pure bookkeeping, without locks or waiting. The semaphores see to it that
//! nobody puts into a full ring or takes from an empty one; here that is
//! refused all the same.

use crate::uapi::producer_consumer::SlotRecord;
use kernel::{
    alloc::{AllocError, Flags},
    prelude::*,
};

/// An item, and where it was put or taken.
#[derive(Clone, Copy)]
pub(crate) struct Item {
    /// From 1 in the order of production.
    pub(crate) number: u64,
    /// The index of the producer that made it.
    pub(crate) producer: u32,
    pub(crate) slot: usize,
}

/// A bounded queue of items.
pub(crate) struct Ring {
    slots: KVVec<SlotRecord>,
    /// Where the next item is put.
    head: usize,
    /// Where the next item is taken from.
    tail: usize,
    produced: u64,
    consumed: u64,
}

impl Ring {
    /// An empty ring of `capacity` slots.
    pub(crate) fn new(capacity: usize, flags: Flags) -> Result<Self, AllocError> {
        Ok(Self {
            slots: KVVec::from_elem(EMPTY, capacity, flags)?,
            head: 0,
            tail: 0,
            produced: 0,
            consumed: 0,
        })
    }

    /// Bytes that a ring of `capacity` slots takes.
    pub(crate) fn memory(capacity: usize) -> usize {
        capacity.saturating_mul(size_of::<SlotRecord>())
    }

    /// The number of slots.
    pub(crate) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The number of slots that hold an item.
    pub(crate) fn occupancy(&self) -> u64 {
        self.produced - self.consumed
    }

    /// How many items were ever put.
    pub(crate) fn produced(&self) -> u64 {
        self.produced
    }

    /// How many items were ever taken.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Puts a new item of `producer`. `None`: the ring is full.
    pub(crate) fn put(&mut self, producer: u32) -> Option<Item> {
        let slot = self.head;
        let record = self.slots.get_mut(slot)?;
        if record.item != 0 {
            return None;
        }
        self.produced += 1;
        record.item = self.produced;
        record.producer = producer;
        self.head = self.after(slot);
        Some(Item { number: self.produced, producer, slot })
    }

    /// Takes the oldest item. `None`: the ring is empty.
    pub(crate) fn take(&mut self) -> Option<Item> {
        let slot = self.tail;
        let record = self.slots.get_mut(slot)?;
        if record.item == 0 {
            return None;
        }
        let SlotRecord { item, producer, .. } = core::mem::replace(record, EMPTY);
        self.consumed += 1;
        self.tail = self.after(slot);
        Some(Item { number: item, producer, slot })
    }

    /// The slots from number `first` on.
    pub(crate) fn slots_from(&self, first: usize) -> &[SlotRecord] {
        self.slots.get(first..).unwrap_or_default()
    }

    fn after(&self, slot: usize) -> usize {
        if slot + 1 < self.slots.len() { slot + 1 } else { 0 }
    }
}

const EMPTY: SlotRecord = SlotRecord { item: 0, producer: 0, reserved: 0 };

#[kunit_tests(producer_consumer_ring)]
mod tests {
    use super::*;

    fn ring(capacity: usize) -> Result<Ring> {
        Ok(Ring::new(capacity, GFP_KERNEL)?)
    }

    fn number(item: Option<Item>) -> Option<u64> {
        item.map(|item| item.number)
    }

    #[test]
    fn items_come_out_in_the_order_they_were_put() -> Result {
        let mut ring = ring(3)?;
        for round in 0..5 {
            for i in 1..=3 {
                assert_eq!(number(ring.put(i)), Some(round * 3 + u64::from(i)));
            }
            for i in 1..=3 {
                let taken = ring.take().ok_or(EIO)?;
                assert_eq!(taken.number, round * 3 + u64::from(i));
                assert_eq!(taken.producer, i);
                assert_eq!(taken.slot, i as usize - 1);
            }
        }
        Ok(())
    }

    #[test]
    fn a_full_ring_refuses_and_stays_as_it_was() -> Result {
        let mut ring = ring(2)?;
        assert_eq!(number(ring.put(1)), Some(1));
        assert_eq!(number(ring.put(1)), Some(2));
        assert!(ring.put(1).is_none());
        assert_eq!(ring.occupancy(), 2);
        assert_eq!(ring.produced(), 2);
        assert_eq!(number(ring.take()), Some(1));
        assert_eq!(number(ring.put(1)), Some(3));
        Ok(())
    }

    #[test]
    fn an_empty_ring_has_nothing_to_take() -> Result {
        let mut ring = ring(2)?;
        assert!(ring.take().is_none());
        assert_eq!(ring.consumed(), 0);
        Ok(())
    }

    #[test]
    fn a_ring_without_slots_is_full_and_empty_at_once() -> Result {
        let mut ring = ring(0)?;
        assert!(ring.put(1).is_none());
        assert!(ring.take().is_none());
        assert_eq!(ring.occupancy(), 0);
        Ok(())
    }

    #[test]
    fn what_was_put_and_not_taken_is_what_the_slots_hold() -> Result {
        let mut ring = ring(7)?;
        for step in 0..100u32 {
            if step % 3 == 2 {
                ring.take();
            } else {
                ring.put(step);
            }
            let held = ring.slots_from(0).iter().filter(|slot| slot.item != 0);
            assert_eq!(held.count() as u64, ring.occupancy());
            assert_eq!(ring.produced() - ring.consumed(), ring.occupancy());
        }
        assert!(ring.slots_from(7).is_empty());
        assert!(ring.slots_from(usize::MAX).is_empty());
        Ok(())
    }
}
