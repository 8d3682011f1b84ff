// SPDX-License-Identifier: GPL-2.0
//! A bound on how often something is done on a path that is hot.

use kernel::{
    bindings,
    sync::atomic::{Atomic, Relaxed},
    time::{Msecs, msecs_to_jiffies},
};

/// Lets one event through in each interval and drops the others. Asking costs
/// two loads: it looks at the tick counter, not at the clock.
pub(crate) struct Pace {
    interval: usize,
    next: Atomic<usize>,
}

impl Pace {
    /// One event in every `interval` milliseconds, the first at once.
    pub(crate) fn new(interval: Msecs) -> Self {
        Self {
            interval: msecs_to_jiffies(interval) as usize,
            next: Atomic::new(jiffies()),
        }
    }

    /// Whether this event is let through.
    pub(crate) fn passes(&self) -> bool {
        let now = jiffies();
        let next = self.next.load(Relaxed);
        // The counter wraps, so the difference tells which of the two is later.
        (now.wrapping_sub(next) as isize) >= 0
            && self
                .next
                .cmpxchg(next, now.wrapping_add(self.interval), Relaxed)
                .is_ok()
    }
}

/// The tick counter.
fn jiffies() -> usize {
    // SAFETY: The counter is valid for ever; the timer interrupt changes it,
    // hence the volatile read.
    unsafe { core::ptr::read_volatile(&raw const bindings::jiffies) as usize }
}
