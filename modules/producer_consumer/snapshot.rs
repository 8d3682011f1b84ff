// SPDX-License-Identifier: GPL-2.0
//! Everything at one moment, for pictures whose numbers agree with each other.
//!
//! Under the spinlock nothing moves in the ring and no thread begins or ends to
//! wait, but the semaphores go on: threads that have taken from one have not come
//! to the ring yet, and threads that were given one have not run since. The latter
//! still count as waiting, and which they are is not known; but a semaphore serves
//! in order, so it is those that have waited longest.

use super::{
    buffer::Buffer,
    kind::{Kind, ThreadCounts},
};
use crate::{
    support::sysfs::Rows,
    uapi::producer_consumer::{self as abi, SlotRecord, Snapshot, ThreadRecord},
};
use kernel::{prelude::*, transmute::AsBytes};

/// A snapshot, and the room for the next. Its size is that of the table.
pub(crate) struct Picture {
    head: Snapshot,
    threads: KVVec<ThreadRecord>,
    slots: KVVec<SlotRecord>,
    /// While a thread waits its ticket, else 0; as many as threads.
    tickets: KVVec<u64>,
    /// The tickets of one kind; room for as many as threads.
    sorted: KVVec<u64>,
}

impl Picture {
    /// Room for a snapshot of so many threads and slots.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(counts: ThreadCounts, slots: usize) -> Result<Self> {
        let flags = GFP_KERNEL | __GFP_NOWARN;
        let all = counts.all();
        let slots = Self::slots(slots);
        let head = Snapshot {
            size: size_of::<Snapshot>() as u32,
            producers: u32::try_from(counts.producer)?,
            consumers: u32::try_from(counts.consumer)?,
            slots: u32::try_from(slots)?,
            ..Snapshot::default()
        };
        Ok(Self {
            head,
            threads: KVVec::from_elem(ThreadRecord::default(), all, flags)?,
            slots: KVVec::from_elem(SlotRecord::default(), slots, flags)?,
            tickets: KVVec::from_elem(0, all, flags)?,
            sorted: KVVec::with_capacity(all, flags)?,
        })
    }

    /// How many slots of a ring a snapshot holds.
    fn slots(capacity: usize) -> usize {
        if capacity <= abi::SNAPSHOT_SLOTS_MAX { capacity } else { 0 }
    }

    /// The bytes of a snapshot of so many threads and slots.
    pub(crate) fn size(counts: ThreadCounts, capacity: usize) -> usize {
        size_of::<Snapshot>()
            + counts.all() * size_of::<ThreadRecord>()
            + Self::slots(capacity) * size_of::<SlotRecord>()
    }

    /// Bytes that a picture takes.
    pub(crate) fn memory(counts: ThreadCounts, capacity: usize) -> usize {
        let tickets = counts.all().saturating_mul(2 * size_of::<u64>());
        let threads = counts.all().saturating_mul(size_of::<ThreadRecord>());
        let slots = Self::slots(capacity) * size_of::<SlotRecord>();
        threads.saturating_add(tickets).saturating_add(slots)
    }

    /// Takes another.
    pub(crate) fn take(&mut self, buffer: &Buffer) {
        let state = buffer.state.lock();
        state.fill(&mut self.head);
        // The semaphores hold no more than the ring has, but while a pause has
        // added to them.
        let (empty, full) = (buffer.empty.value(), buffer.full.value());
        let free = self.head.capacity - self.head.occupancy;
        self.head.empty = u64::from(empty).min(free);
        self.head.full = u64::from(full).min(self.head.occupancy);
        let records = self.threads.iter_mut().zip(self.tickets.iter_mut());
        for ((to, ticket), from) in records.zip(state.records(0)) {
            (*to, *ticket) = from;
        }
        for (to, from) in self.slots.iter_mut().zip(state.ring.slots_from(0)) {
            *to = *from;
        }
        drop(state);

        self.head.sequence += 1;
        let claimed = free - self.head.empty;
        self.head.producers_waiting = self.serve(Kind::Producer, self.head.empty, claimed);
        let claimed = self.head.occupancy - self.head.full;
        self.head.consumers_waiting = self.serve(Kind::Consumer, self.head.full, claimed);
    }

    /// Lets the threads of a kind wait no longer that their semaphore has served;
    /// how many do wait. The semaphore holds `value`, and `claimed` more were
    /// taken from it without having come to the ring.
    fn serve(&mut self, kind: Kind, value: u64, claimed: u64) -> u32 {
        let producers = self.head.producers as usize;
        let (first, count) = match kind {
            Kind::Producer => (0, producers),
            Kind::Consumer => (producers, self.head.consumers as usize),
        };
        self.sorted.clear();
        let tickets = self.tickets.iter().skip(first).take(count);
        for ticket in tickets.filter(|ticket| **ticket != 0) {
            // As many fit as there are threads.
            if self.sorted.push_within_capacity(*ticket).is_err() {
                break;
            }
        }
        let waiting = self.sorted.len();
        // Nobody waits for a semaphore that holds something.
        let served = if value > 0 {
            waiting
        } else {
            waiting.min(usize::try_from(claimed).unwrap_or(usize::MAX))
        };
        if let Some(last) = served.checked_sub(1) {
            let (_, last, _) = self.sorted.select_nth_unstable(last);
            let last = *last;
            let threads = self.threads.iter_mut().zip(self.tickets.iter());
            for (thread, ticket) in threads.skip(first).take(count) {
                if (1..=last).contains(ticket) {
                    thread.state = abi::STATE_RUNNING;
                }
            }
        }
        // No more than there are threads, whose number fits.
        (waiting - served) as u32
    }

    /// Writes the bytes of this snapshot from `first` on, as many as there is room for.
    pub(crate) fn read(&self, first: usize, rows: &mut Rows<'_>) {
        let mut before = first;
        let parts = [self.head.as_bytes(), self.threads[..].as_bytes(), self.slots[..].as_bytes()];
        for part in parts {
            rows.extend(part.get(before..).unwrap_or_default());
            before = before.saturating_sub(part.len());
        }
    }
}
