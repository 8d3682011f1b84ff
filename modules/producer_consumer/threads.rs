// SPDX-License-Identifier: GPL-2.0
//! The threads: started together, stopped together.

use super::{buffer::Buffer, kind::ThreadCounts, state::Phase};
use crate::support::{memory::Budget, thread::Thread};
use kernel::{fmt, prelude::*, sync::Arc};

/// The threads of a buffer, in the order of its table. Dropping this stops them
/// all: each would end by itself too, but the others would work on meanwhile.
pub(crate) struct Threads {
    buffer: Arc<Buffer>,
    list: KVVec<Thread>,
}

impl Threads {
    /// No thread yet, and room for all.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(buffer: Arc<Buffer>) -> Result<Self> {
        let list = KVVec::with_capacity(buffer.counts.all(), GFP_KERNEL | __GFP_NOWARN)?;
        Ok(Self { buffer, list })
    }

    /// Bytes that the list of so many threads takes.
    pub(crate) fn memory(counts: ThreadCounts) -> usize {
        counts.all().saturating_mul(size_of::<Thread>())
    }

    /// Starts all threads, which park.
    ///
    /// # Errors
    ///
    /// `ENOMEM` when too little of the budget is left, else as for
    /// [`Thread::start_idle`]; the log says which thread it was. Those that did
    /// start are gone when this is dropped.
    pub(crate) fn start(&mut self, budget: &Budget) -> Result {
        let counts = self.buffer.counts;
        for place in 0..counts.all() {
            let (kind, before) = counts.at(place);
            self.add(place, fmt!("{}-{}", kind.name(), before + 1), budget).inspect_err(
                |error| {
                    let why = match *error {
                        ENOMEM => "there is too little memory left",
                        EAGAIN => "the kernel's limit of threads or of process numbers is reached",
                        EINTR => "loading was interrupted",
                        _ => "the kernel does not start it",
                    };
                    pr_err!(
                        "cannot start thread {} of {}: {why} ({error:?})\n",
                        place + 1,
                        counts.all()
                    );
                },
            )?;
        }
        Ok(())
    }

    fn add(&mut self, place: usize, name: fmt::Arguments<'_>, budget: &Budget) -> Result {
        if !budget.is_kept() {
            return Err(ENOMEM);
        }
        let buffer = self.buffer.clone();
        let thread = Thread::start_idle(name, move |current: &_| buffer.work(place, current))?;
        Ok(self.list.push(thread, GFP_KERNEL)?)
    }

    /// Lets every thread that sleeps or is parked look around.
    pub(crate) fn wake_all(&self) {
        for thread in self.list.iter() {
            thread.wake();
        }
    }

    /// The same for the thread at this place.
    pub(crate) fn wake(&self, place: usize) {
        if let Some(thread) = self.list.get(place) {
            thread.wake();
        }
    }

    /// Lets the threads end as soon as they can, and whoever waits for them. Not
    /// the end of those that wait for a semaphore: only dropping ends these.
    pub(crate) fn stop(&self) {
        self.buffer.state.lock().phase = Phase::Stopping;
        self.buffer.changed.notify_all();
        self.wake_all();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop();
    }
}
