// SPDX-License-Identifier: GPL-2.0
//! What the threads share, and what each of them does.
//!
//! A producer takes one from `empty`, puts an item into the ring, and adds one
//! to `full`; a consumer the other way round. The semaphores keep the threads
//! off a ring that is full or empty, the spinlock keeps the ring consistent.

use super::{
    gate::Gate,
    ring::Ring,
    turn::Staff,
    worker::{Kind, State, Worker},
};
use crate::{
    support::{
        once::Once64,
        pace::Pace,
        semaphore::Semaphore,
        spinlock::SpinLock,
        thread::{Current, Stopped, Wait},
    },
    uapi::producer_consumer::SlotRecord,
};
use core::convert::Infallible;
use kernel::{
    pr_warn_once,
    prelude::*,
    static_lock_class,
    time::{Delta, Instant, Monotonic},
};

/// Each kind writes at most one line about an item in so many milliseconds.
const LINE_INTERVAL: u32 = 200;

/// See the module's description.
#[pin_data]
pub(crate) struct Workshop {
    #[pin]
    pub(crate) ring: SpinLock<Ring>,
    /// Counts the slots that may be filled.
    #[pin]
    pub(crate) empty: Semaphore,
    /// Counts the items that may be taken.
    #[pin]
    pub(crate) full: Semaphore,
    #[pin]
    pub(crate) gate: Gate,
    pub(crate) staff: Staff,
    /// Producers first, then consumers.
    pub(crate) workers: KVVec<Worker>,
    /// Microseconds.
    pub(crate) producer_delay: Once64,
    /// Microseconds.
    pub(crate) consumer_delay: Once64,
    producer_lines: Pace,
    consumer_lines: Pace,
}

impl Workshop {
    /// A workshop with an empty ring of `slots`, for so many threads.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(staff: Staff, slots: usize) -> Result<impl PinInit<Self>> {
        let ring = Ring::new(slots, GFP_KERNEL)?;
        let mut workers = KVVec::with_capacity(staff.all(), GFP_KERNEL)?;
        for place in 0..staff.all() {
            let (kind, before) = staff.at(place);
            let index = u32::try_from(before + 1)?;
            workers.push(Worker::new(kind, index), GFP_KERNEL)?;
        }
        Ok(pin_init!(Self {
            ring <- SpinLock::new(ring, c"producer_consumer::ring", static_lock_class!()),
            empty <- Semaphore::new(slots),
            full <- Semaphore::new(0),
            gate <- Gate::new(),
            staff,
            workers,
            producer_delay: Once64::new(0),
            consumer_delay: Once64::new(0),
            producer_lines: Pace::new(LINE_INTERVAL),
            consumer_lines: Pace::new(LINE_INTERVAL),
        }))
    }

    /// What a thread of this kind waits for.
    fn wanted(&self, kind: Kind) -> &Semaphore {
        match kind {
            Kind::Producer => &self.empty,
            Kind::Consumer => &self.full,
        }
    }

    /// How long a thread of this kind rests after each item, in microseconds.
    pub(crate) fn delay(&self, kind: Kind) -> &Once64 {
        match kind {
            Kind::Producer => &self.producer_delay,
            Kind::Consumer => &self.consumer_delay,
        }
    }

    /// What the thread at this place does until it is stopped.
    pub(crate) fn work(&self, place: usize, current: &Current) {
        if let Some(me) = self.workers.get(place) {
            let Err(Stopped) = self.keep_working(me, current);
        }
    }

    fn keep_working(&self, me: &Worker, current: &Current) -> Result<Infallible, Stopped> {
        let wanted = self.wanted(me.kind);
        let offered = self.wanted(me.kind.other());
        loop {
            if !self.gate.is_open() {
                self.park(me, current)?;
            }
            if !self.acquire(wanted, me, current)? {
                continue;
            }
            // Waiting may have taken long, and `pause` also ends it by a count
            // that stands for no slot. Give it back: it takes that off again.
            if !self.gate.is_open() {
                wanted.up();
                continue;
            }
            self.move_item(me);
            offered.up();
            self.rest(me, current)?;
        }
    }

    /// Takes one from the semaphore. `false`: the waiting was interrupted.
    fn acquire(&self, wanted: &Semaphore, me: &Worker, current: &Current) -> Result<bool, Stopped> {
        if wanted.try_down() {
            return Ok(true);
        }
        me.is(State::Waits);
        let got = wanted.down();
        me.is(State::Running);
        match got {
            Ok(()) => Ok(true),
            Err(_) if current.should_stop() => Err(Stopped),
            Err(_) => Ok(false),
        }
    }

    /// Puts or takes an item. The caller has taken one from the semaphore.
    // Inlined: it is most of what the loop does.
    #[inline(always)]
    fn move_item(&self, me: &Worker) {
        let moved = {
            let mut ring = self.ring.lock();
            match me.kind {
                Kind::Producer => ring.put(me.index).map(|item| SlotRecord {
                    item,
                    producer: me.index,
                    reserved: 0,
                }),
                Kind::Consumer => ring.take(),
            }
        };
        let Some(SlotRecord { item, producer, .. }) = moved else {
            pr_warn_once!("the semaphores and the ring disagree: this is a bug\n");
            return;
        };
        me.count_item();
        let lines = match me.kind {
            Kind::Producer => &self.producer_lines,
            Kind::Consumer => &self.consumer_lines,
        };
        if lines.passes() {
            tell(me, item, producer);
        }
    }

    /// Rests as long as the delay says, even if that is changed meanwhile.
    fn rest(&self, me: &Worker, current: &Current) -> Result<(), Stopped> {
        let delay = self.delay(me.kind);
        if delay.read() == 0 {
            return Ok(());
        }
        let since = Instant::<Monotonic>::now();
        me.is(State::Rests);
        let rested = current.wait(|| {
            let passed = since.elapsed().as_nanos() / 1000;
            let left = delay.read() as i64 - passed;
            (left > 0 && self.gate.is_open()).then(|| Wait::AtMost(Delta::from_micros(left)))
        });
        me.is(State::Running);
        rested
    }

    /// Parks at the closed gate until it opens; moves an item whenever it is
    /// granted one.
    fn park(&self, me: &Worker, current: &Current) -> Result<(), Stopped> {
        if !self.gate.arrive(|| me.is(State::Parked)) {
            return match self.gate.is_stopping() {
                true => Err(Stopped),
                false => Ok(()),
            };
        }
        loop {
            current.wait(|| (self.gate.is_closed() && !me.is_granted()).then_some(Wait::Woken))?;
            if me.is_granted() {
                me.use_grant();
                if self.wanted(me.kind).try_down() {
                    self.move_item(me);
                    self.wanted(me.kind.other()).up();
                }
                self.gate.moved();
            } else if self.gate.leave()? {
                me.is(State::Running);
                return Ok(());
            }
        }
    }
}

/// Writes a line about an item that was moved.
#[cold]
fn tell(me: &Worker, item: u64, producer: u32) {
    match me.kind {
        Kind::Producer => pr_info!("Producer-{producer} puts item {item}\n"),
        Kind::Consumer => pr_info!(
            "Consumer-{} takes item {item} of Producer-{producer}\n",
            me.index
        ),
    }
}
