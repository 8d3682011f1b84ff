// SPDX-License-Identifier: GPL-2.0
//! The bounded buffer, and what each thread does with it.
//!
//! A producer takes one from `empty`, puts an item into the ring, and adds one
//! to `full`; a consumer the other way round. The semaphores keep the threads
//! off a ring that is full or empty, the spinlock keeps the ring consistent.
//!
//! Nothing sleeps with the spinlock held. It is taken inside the locks of
//! `control.rs` and `snapshot.rs`; inside it the semaphores' own lock may be.

use super::{
    kind::{Kind, PerKind, ThreadCounts},
    state::{Grant, Moved, Phase, State},
};
use crate::support::{
    semaphore::Semaphore,
    spinlock::SpinLock,
    thread::{Current, Stopped, Wait},
};
use core::convert::Infallible;
use kernel::{
    new_condvar, pr_warn_once,
    prelude::*,
    static_lock_class,
    sync::CondVar,
    time::{Delta, Instant, Monotonic},
};

/// See the module's description.
#[pin_data]
pub(crate) struct Buffer {
    pub(crate) counts: ThreadCounts,
    #[pin]
    pub(crate) state: SpinLock<State>,
    /// Counts the slots that may be filled.
    #[pin]
    pub(crate) empty: Semaphore,
    /// Counts the items that may be taken.
    #[pin]
    pub(crate) full: Semaphore,
    /// All threads are parked, or one has moved the item it was granted, or all
    /// must stop: whoever writes a control waits for that.
    #[pin]
    pub(crate) changed: CondVar,
}

impl Buffer {
    /// A buffer of `slots`, empty and paused.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(
        counts: ThreadCounts,
        slots: usize,
        delays: PerKind<u64>,
    ) -> Result<impl PinInit<Self>> {
        let state = State::new(counts, slots, delays)?;
        Ok(pin_init!(Self {
            counts,
            state <- SpinLock::new(state, c"producer_consumer::state", static_lock_class!()),
            empty <- Semaphore::new(slots),
            full <- Semaphore::new(0),
            changed <- new_condvar!(),
        }))
    }

    /// What a thread of this kind waits for.
    pub(crate) fn wanted(&self, kind: Kind) -> &Semaphore {
        match kind {
            Kind::Producer => &self.empty,
            Kind::Consumer => &self.full,
        }
    }

    /// What the thread at this place does until it is stopped.
    pub(crate) fn work(&self, place: usize, current: &Current) {
        let (kind, _) = self.counts.at(place);
        let Err(Stopped) = self.keep_working(place, kind, current);
    }

    fn keep_working(
        &self,
        place: usize,
        kind: Kind,
        current: &Current,
    ) -> Result<Infallible, Stopped> {
        let wanted = self.wanted(kind);
        let offered = self.wanted(kind.other());
        loop {
            if !self.acquire(place, wanted, current)? {
                self.park(place, kind, current)?;
                continue;
            }
            let mut state = self.state.lock();
            if state.phase != Phase::Running {
                drop(state);
                // Waiting may have taken long, and a pause also ends it by a count
                // that stands for no slot. Give it back: it is taken off again.
                wanted.up();
                self.park(place, kind, current)?;
                continue;
            }
            let moved = state.move_item(place);
            drop(state);
            let Some(moved) = moved else {
                disagreement();
                continue;
            };
            offered.up();
            if moved.logged {
                log(kind, &moved);
            }
            if moved.delay > 0 {
                self.sleep(place, kind, current)?;
            }
        }
    }

    /// Takes one from the semaphore. `false`: it got none, and is to park.
    fn acquire(
        &self,
        place: usize,
        wanted: &Semaphore,
        current: &Current,
    ) -> Result<bool, Stopped> {
        if wanted.try_down() {
            return Ok(true);
        }
        if !self.state.lock().begin_wait(place) {
            return Ok(false);
        }
        if wanted.down().is_ok() {
            return Ok(true);
        }
        self.state.lock().end_wait(place);
        match current.should_stop() {
            true => Err(Stopped),
            false => Ok(false),
        }
    }

    /// Sleeps as long as the delay says, even if that is changed meanwhile.
    fn sleep(&self, place: usize, kind: Kind, current: &Current) -> Result<(), Stopped> {
        let since = Instant::<Monotonic>::now();
        self.state.lock().begin_sleep(place);
        let slept = current.wait(|| {
            let state = self.state.lock();
            let passed = since.elapsed().as_nanos() / 1000;
            let left = *state.delays.of(kind) as i64 - passed;
            (left > 0 && state.phase == Phase::Running)
                .then(|| Wait::AtMost(Delta::from_micros(left)))
        });
        self.state.lock().end_sleep(place);
        slept
    }

    /// Parks until the threads may go on; moves an item whenever it is granted one.
    fn park(&self, place: usize, kind: Kind, current: &Current) -> Result<(), Stopped> {
        let mut state = self.state.lock();
        match state.phase {
            Phase::Running => return Ok(()),
            Phase::Stopping => return Err(Stopped),
            Phase::Pausing | Phase::Paused => state.park(place),
        }
        let last = state.take_nudged();
        drop(state);
        if last {
            self.finish_pause();
        }
        loop {
            current.wait(|| {
                let state = self.state.lock();
                let granted = state.grant == Some(Grant::Given(place));
                (state.is_paused() && !granted).then_some(Wait::Woken)
            })?;
            let mut state = self.state.lock();
            if state.grant == Some(Grant::Given(place)) {
                state.grant = Some(Grant::Taken);
                drop(state);
                self.move_granted(place, kind);
                continue;
            }
            match state.phase {
                Phase::Running => {
                    state.unpark(place);
                    return Ok(());
                }
                Phase::Stopping => return Err(Stopped),
                // Paused again before this thread came to run.
                Phase::Pausing | Phase::Paused => {}
            }
        }
    }

    /// Moves the item that a parked thread was granted.
    fn move_granted(&self, place: usize, kind: Kind) {
        if self.wanted(kind).try_down() {
            let moved = self.state.lock().move_item(place);
            match moved {
                Some(moved) => {
                    self.wanted(kind.other()).up();
                    if moved.logged {
                        log(kind, &moved);
                    }
                }
                None => disagreement(),
            }
        }
        self.state.lock().grant = None;
        self.changed.notify_all();
    }

    /// All threads are parked: takes the counts off that a pause has added to
    /// the semaphores, which then say again what the ring holds.
    pub(crate) fn finish_pause(&self) {
        let mut missing = 0;
        for kind in [Kind::Producer, Kind::Consumer] {
            for _ in 0..*self.counts.of(kind) {
                missing += u32::from(!self.wanted(kind).try_down());
            }
        }
        if missing > 0 {
            pr_warn!("{missing} counts of the semaphores are lost: this is a bug\n");
        }
        let mut state = self.state.lock();
        if state.phase == Phase::Pausing {
            state.phase = Phase::Paused;
        }
        drop(state);
        self.changed.notify_all();
    }
}

#[cold]
fn disagreement() {
    pr_warn_once!("the semaphores and the ring disagree: this is a bug\n");
}

/// Writes a line about an item that was moved.
#[cold]
fn log(kind: Kind, moved: &Moved) {
    let Moved { item, index, .. } = moved;
    match kind {
        Kind::Producer => pr_info!("Producer-{index} puts item {}\n", item.number),
        Kind::Consumer => {
            pr_info!("Consumer-{index} takes item {} of Producer-{}\n", item.number, item.producer)
        }
    }
}
