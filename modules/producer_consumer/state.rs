// SPDX-License-Identifier: GPL-2.0
//! What the threads share but for the semaphores: everything that one lock
//! guards, so that whoever holds it sees one moment.
//!
//! Pure bookkeeping; waiting and waking are done in `buffer.rs` and `control.rs`.

use super::{
    kind::{Kind, PerKind, ThreadCounts},
    ring::{Item, Ring},
};
use crate::{support::pace::Pace, uapi::producer_consumer as abi};
use kernel::prelude::*;

/// Each kind writes at most one line about an item in so many milliseconds.
const LINE_INTERVAL: u32 = 200;

/// Whether the threads move items.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// Each parks as soon as it can.
    Pausing,
    /// All are parked, or park as soon as they have started.
    Paused,
    /// The module is being unloaded: nobody waits for anybody any more.
    Stopping,
}

/// What a thread is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Activity {
    Running,
    /// For its semaphore.
    Waiting,
    /// Its delay.
    Sleeping,
    Parked,
}

/// One thread as others see it. Only the thread itself changes this, so it has
/// cache lines of its own.
#[repr(align(64))]
struct ThreadState {
    kind: Kind,
    /// The number in the thread's name.
    index: u32,
    activity: Activity,
    items: u64,
    waits: u64,
    /// While it waits: those that came before it have smaller ones.
    ticket: u64,
}

impl ThreadState {
    fn record(&self) -> abi::ThreadRecord {
        let state = match (self.activity, self.kind) {
            (Activity::Running, _) => abi::STATE_RUNNING,
            (Activity::Waiting, Kind::Producer) => abi::STATE_WAITS_EMPTY,
            (Activity::Waiting, Kind::Consumer) => abi::STATE_WAITS_FULL,
            (Activity::Sleeping, _) => abi::STATE_DELAY,
            (Activity::Parked, _) => abi::STATE_PARKED,
        };
        abi::ThreadRecord {
            kind: self.kind.code(),
            state,
            reserved: 0,
            index: self.index,
            items: self.items,
            waits: self.waits,
        }
    }
}

/// A parked thread that is to move one item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The thread at this place may, and has not begun.
    Given(usize),
    /// A thread is about it.
    Taken,
}

/// An item that was moved, and what its thread does next.
pub(crate) struct Moved {
    pub(crate) item: Item,
    /// Of the thread that moved it.
    pub(crate) index: u32,
    /// How long the thread sleeps now, in microseconds.
    pub(crate) delay: u64,
    /// Whether the log tells of it.
    pub(crate) logged: bool,
}

/// Who moved the last item.
#[derive(Clone, Copy)]
struct Mover {
    kind: Kind,
    index: u32,
    item: Item,
}

/// See the module's description.
pub(crate) struct State {
    pub(crate) ring: Ring,
    counts: ThreadCounts,
    /// Producers first, then consumers.
    threads: KVVec<ThreadState>,
    pub(crate) phase: Phase,
    parked: usize,
    /// While pausing: whether the semaphores have got a count for each thread.
    nudged: bool,
    pub(crate) grant: Option<Grant>,
    /// Microseconds that a thread sleeps after each item.
    pub(crate) delays: PerKind<u64>,
    waits: PerKind<u64>,
    last: Option<Mover>,
    lines: PerKind<Pace>,
}

impl State {
    /// Paused, with an empty ring of `slots`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(counts: ThreadCounts, slots: usize, delays: PerKind<u64>) -> Result<Self> {
        // Who asks for too much gets an error and needs no report of it.
        let flags = GFP_KERNEL | __GFP_NOWARN;
        let ring = Ring::new(slots, flags)?;
        let mut threads = KVVec::with_capacity(counts.all(), flags)?;
        for place in 0..counts.all() {
            let (kind, before) = counts.at(place);
            let thread = ThreadState {
                kind,
                index: u32::try_from(before + 1)?,
                activity: Activity::Running,
                items: 0,
                waits: 0,
                ticket: 0,
            };
            threads.push(thread, flags)?;
        }
        Ok(Self {
            ring,
            counts,
            threads,
            phase: Phase::Paused,
            parked: 0,
            nudged: false,
            grant: None,
            delays,
            waits: PerKind { producer: 0, consumer: 0 },
            last: None,
            lines: PerKind {
                producer: Pace::new(LINE_INTERVAL),
                consumer: Pace::new(LINE_INTERVAL),
            },
        })
    }

    /// Bytes that the tables take.
    pub(crate) fn memory(counts: ThreadCounts, slots: usize) -> usize {
        let threads = counts.all().saturating_mul(size_of::<ThreadState>());
        Ring::memory(slots).saturating_add(threads)
    }

    fn activity(&mut self, place: usize, activity: Activity) {
        if let Some(thread) = self.threads.get_mut(place) {
            thread.activity = activity;
        }
    }

    /// The thread is about to wait for its semaphore. `false`: it is to park.
    pub(crate) fn begin_wait(&mut self, place: usize) -> bool {
        let (Phase::Running, Some(thread)) = (self.phase, self.threads.get_mut(place)) else {
            return false;
        };
        let waits = self.waits.of_mut(thread.kind);
        *waits += 1;
        thread.activity = Activity::Waiting;
        thread.ticket = *waits;
        thread.waits += 1;
        true
    }

    /// The thread waits no longer, and has got nothing.
    pub(crate) fn end_wait(&mut self, place: usize) {
        self.activity(place, Activity::Running);
    }

    /// The thread sleeps its delay.
    pub(crate) fn begin_sleep(&mut self, place: usize) {
        self.activity(place, Activity::Sleeping);
    }

    /// The delay is over.
    pub(crate) fn end_sleep(&mut self, place: usize) {
        self.activity(place, Activity::Running);
    }

    /// The thread parks.
    pub(crate) fn park(&mut self, place: usize) {
        self.activity(place, Activity::Parked);
        self.parked += 1;
    }

    /// The thread goes on.
    pub(crate) fn unpark(&mut self, place: usize) {
        self.activity(place, Activity::Running);
        self.parked -= 1;
    }

    /// While pausing: the semaphores have got a count for each thread.
    pub(crate) fn set_nudged(&mut self) {
        self.nudged = true;
    }

    /// Whether all are parked and the semaphores hold a count for each. Who is
    /// told so takes these off again: it is said once.
    pub(crate) fn take_nudged(&mut self) -> bool {
        let all = self.phase == Phase::Pausing && self.nudged && self.parked == self.counts.all();
        if all {
            self.nudged = false;
        }
        all
    }

    /// Puts or takes an item for the thread at this place, which has one of its
    /// semaphore. `None`: the ring is full or empty, which must not be then.
    // Inlined: it is most of what a thread does.
    #[inline(always)]
    pub(crate) fn move_item(&mut self, place: usize) -> Option<Moved> {
        let thread = self.threads.get_mut(place)?;
        let (kind, index) = (thread.kind, thread.index);
        let item = match kind {
            Kind::Producer => self.ring.put(index),
            Kind::Consumer => self.ring.take(),
        }?;
        thread.items += 1;
        if thread.activity == Activity::Waiting {
            thread.activity = Activity::Running;
        }
        self.last = Some(Mover { kind, index, item });
        Some(Moved {
            item,
            index,
            delay: *self.delays.of(kind),
            logged: self.lines.of_mut(kind).passes(),
        })
    }

    /// Whether a thread of this kind could move an item.
    pub(crate) fn can_move(&self, kind: Kind) -> bool {
        match kind {
            Kind::Producer => self.ring.occupancy() < self.ring.capacity() as u64,
            Kind::Consumer => self.ring.occupancy() > 0,
        }
    }

    /// How often threads of this kind waited.
    pub(crate) fn waits(&self, kind: Kind) -> u64 {
        *self.waits.of(kind)
    }

    /// Whether the threads are parked or are to park.
    pub(crate) fn is_paused(&self) -> bool {
        matches!(self.phase, Phase::Pausing | Phase::Paused)
    }

    /// The records of the threads from this place on, and while one waits, its ticket.
    pub(crate) fn records(
        &self,
        first: usize,
    ) -> impl Iterator<Item = (abi::ThreadRecord, u64)> + use<'_> {
        self.threads.iter().skip(first).map(|thread| {
            let waits = thread.activity == Activity::Waiting;
            (thread.record(), if waits { thread.ticket } else { 0 })
        })
    }

    /// What a snapshot says of all but threads, slots and semaphores.
    pub(crate) fn fill(&self, head: &mut abi::Snapshot) {
        head.phase = match self.phase {
            Phase::Running => abi::PHASE_RUNNING,
            Phase::Pausing => abi::PHASE_PAUSING,
            Phase::Paused => abi::PHASE_PAUSED,
            Phase::Stopping => abi::PHASE_STOPPING,
        };
        head.capacity = self.ring.capacity() as u64;
        head.occupancy = self.ring.occupancy();
        head.produced = self.ring.produced();
        head.consumed = self.ring.consumed();
        head.producer_waits = self.waits.producer;
        head.consumer_waits = self.waits.consumer;
        head.producer_delay = self.delays.producer;
        head.consumer_delay = self.delays.consumer;
        head.paused = u64::from(self.is_paused());
        if let Some(Mover { kind, index, item }) = self.last {
            head.last_item = item.number;
            head.last_slot = item.slot as u64;
            head.last_producer = item.producer;
            head.last_kind = u32::from(kind.code());
            head.last_thread = index;
        }
    }
}
