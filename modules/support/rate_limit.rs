// SPDX-License-Identifier: GPL-2.0
//! Log lines that a caller could ask for without end.

use kernel::{
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        Instant,
        Monotonic, //
    }, //
};

/// Lets a number of events through in each second, and counts the others.
///
/// Under contention a few more may pass; the count of the others stays exact.
pub(crate) struct RateLimit {
    start: Instant<Monotonic>,
    per_second: u32,
    second: Atomic<i64>,
    passed: Atomic<u32>,
    held_back: Atomic<u64>,
}

impl RateLimit {
    /// At most `per_second` events in each second from now on.
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            start: Instant::now(),
            per_second,
            second: Atomic::new(0),
            passed: Atomic::new(0),
            held_back: Atomic::new(0),
        }
    }

    /// May this event through? Then: how many were held back since the last that might.
    pub(crate) fn pass(&self) -> Option<u64> {
        let second = self.start.elapsed().as_millis() / 1000;
        if self.second.xchg(second, Relaxed) != second {
            self.passed.store(0, Relaxed);
        }
        if self.passed.fetch_add(1, Relaxed) < self.per_second {
            Some(self.held_back.xchg(0, Relaxed))
        } else {
            self.held_back.add(1, Relaxed);
            None
        }
    }
}

/// Writes a log line if a [`RateLimit`] lets it through, and before it how many it held back.
///
/// ```ignore
/// limited!(limit, pr_info, "{} pages at {:#x}\n", pages, address);
/// ```
macro_rules! limited {
    ($limit:expr, $print:ident, $($line:tt)+) => {
        if let Some(held_back) = $limit.pass() {
            if held_back > 0 {
                $print!("{held_back} lines like the next were left out\n");
            }
            $print!($($line)+);
        }
    };
}
pub(crate) use limited;
