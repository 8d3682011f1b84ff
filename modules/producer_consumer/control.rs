// SPDX-License-Identifier: GPL-2.0
//! Pausing, resuming, stepping and slowing down the threads.
//!
//! Whoever does one of these waits for the threads, and until who came before is
//! done. Both waits end at a signal: what was begun then completes by itself.

use super::{
    buffer::Buffer,
    kind::Kind,
    round_robin::RoundRobin,
    state::{Grant, Phase, State},
    threads::Threads,
};
use crate::support::mutex::lock_interruptible;
use kernel::{
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};

/// The threads at work. Dropping it stops them.
#[pin_data(PinnedDrop)]
pub(crate) struct Control {
    pub(crate) buffer: Arc<Buffer>,
    threads: Threads,
    /// Who has it is the only one that pauses, resumes or steps.
    #[pin]
    turns: Mutex<RoundRobin>,
}

#[pinned_drop]
impl PinnedDrop for Control {
    fn drop(self: Pin<&mut Self>) {
        let state = self.buffer.state.lock();
        let (produced, consumed) = (state.ring.produced(), state.ring.consumed());
        drop(state);
        pr_info!("{produced} items produced, {consumed} consumed; stopping the threads\n");
    }
}

impl Control {
    /// Sets the threads to work.
    pub(crate) fn new(buffer: Arc<Buffer>, threads: Threads) -> Result<Arc<Self>> {
        let turns = RoundRobin::new(buffer.counts);
        let control = Arc::pin_init(
            pin_init!(Self {
                buffer,
                threads,
                turns <- new_mutex!(turns, "producer_consumer::turns"),
            }),
            GFP_KERNEL,
        )?;
        control.buffer.state.lock().phase = Phase::Running;
        control.threads.wake_all();
        Ok(control)
    }

    /// See [`Threads::stop`].
    pub(crate) fn stop(&self) {
        self.threads.stop();
    }

    /// Waits while this holds of the state.
    ///
    /// # Errors
    ///
    /// `ERESTARTSYS` when a signal comes first, `ENODEV` when the module is
    /// being unloaded.
    fn wait_while(&self, holds: impl Fn(&State) -> bool) -> Result {
        let mut state = self.buffer.state.lock();
        let mut signalled = false;
        while holds(&state) {
            if state.phase == Phase::Stopping {
                return Err(ENODEV);
            }
            if signalled {
                return Err(ERESTARTSYS);
            }
            signalled = self.buffer.changed.wait_interruptible(&mut state);
        }
        Ok(())
    }

    /// Parks all threads and returns when they are.
    ///
    /// A thread that waits for a semaphore gets one that stands for no slot and
    /// no item, sees that it is to park, and gives it back. The last one to park
    /// takes all of these off again, and the semaphores say what the ring holds.
    ///
    /// # Errors
    ///
    /// As for [`Self::wait_while`]; the threads park all the same after a signal.
    pub(crate) fn pause(&self) -> Result {
        let buffer = &*self.buffer;
        let _turns = lock_interruptible(&self.turns)?;
        let mut state = buffer.state.lock();
        if state.phase == Phase::Running {
            state.phase = Phase::Pausing;
            drop(state);
            self.threads.wake_all();
            for kind in [Kind::Producer, Kind::Consumer] {
                for _ in 0..*buffer.counts.of(kind) {
                    buffer.wanted(kind).up();
                }
            }
            let mut state = buffer.state.lock();
            state.set_nudged();
            let last = state.take_nudged();
            drop(state);
            if last {
                buffer.finish_pause();
            }
        } else {
            drop(state);
        }
        self.wait_while(|state| state.phase == Phase::Pausing)
    }

    /// Lets all threads go on.
    ///
    /// # Errors
    ///
    /// As for [`Self::wait_while`]; after a signal the threads stay as they are.
    pub(crate) fn resume(&self) -> Result {
        let _turns = lock_interruptible(&self.turns)?;
        // A pause whose writer was interrupted is completed first.
        self.wait_while(|state| state.phase == Phase::Pausing)?;
        let mut state = self.buffer.state.lock();
        if state.phase == Phase::Paused {
            state.phase = Phase::Running;
        }
        drop(state);
        self.threads.wake_all();
        Ok(())
    }

    /// Lets parked threads move `items` items, one after the other, or as many
    /// as the ring allows.
    ///
    /// # Errors
    ///
    /// `EINVAL` unless paused. `EINTR` when a signal came after some items had
    /// been moved, else as for [`Self::wait_while`].
    pub(crate) fn step(&self, items: u64) -> Result {
        let buffer = &*self.buffer;
        let mut turns = lock_interruptible(&self.turns)?;
        self.wait_while(|state| state.phase == Phase::Pausing)?;
        if buffer.state.lock().phase == Phase::Running {
            pr_warn!("step refused (EINVAL): pause the threads first\n");
            return Err(EINVAL);
        }
        for done in 0..items {
            let turn = {
                let state = buffer.state.lock();
                turns.next(buffer.counts, |kind| state.can_move(kind))
            };
            let Some(place) = turn else {
                pr_info!("step: {done} of {items} items moved, and no thread can move another\n");
                break;
            };
            if let Err(error) = self.grant(place) {
                pr_info!("step: interrupted after {done} of {items} items\n");
                // Who makes the call again would move what was moved once more.
                return Err(if done > 0 && error == ERESTARTSYS { EINTR } else { error });
            }
        }
        Ok(())
    }

    /// Lets one parked thread move one item and waits until it has.
    fn grant(&self, place: usize) -> Result {
        // Whoever was interrupted here may have left a thread that is about it.
        self.wait_while(|state| state.grant.is_some())?;
        self.buffer.state.lock().grant = Some(Grant::Given(place));
        self.threads.wake(place);
        self.wait_while(|state| state.grant.is_some()).inspect_err(|_| {
            let mut state = self.buffer.state.lock();
            if state.grant == Some(Grant::Given(place)) {
                state.grant = None;
            }
        })
    }

    /// Changes a delay, also for the threads that sleep just now.
    pub(crate) fn set_delay(&self, kind: Kind, microseconds: u64) {
        *self.buffer.state.lock().delays.of_mut(kind) = microseconds;
        self.threads.wake_all();
    }
}
