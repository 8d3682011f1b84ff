// SPDX-License-Identifier: GPL-2.0
//! How much memory there is for what a user asks for.
//!
//! An allocation that waits for memory which is not there has processes killed
//! before it fails. Who takes as much as a parameter says asks here first.

use kernel::bindings;

/// What may be used of the memory that was available when it was made: all but
/// an eighth, which is left to the others.
pub(crate) struct Budget {
    available: usize,
}

impl Budget {
    /// For what is about to be allocated.
    pub(crate) fn new() -> Self {
        Self { available: available() }
    }

    /// The most bytes that may be used.
    pub(crate) fn bytes(&self) -> usize {
        self.available - self.reserve()
    }

    /// Whether what others are left is still available.
    pub(crate) fn is_kept(&self) -> bool {
        available() > self.reserve()
    }

    fn reserve(&self) -> usize {
        self.available / 8
    }
}

/// Bytes that can be had without anybody being short of memory.
fn available() -> usize {
    // SAFETY: It only adds up counters.
    let pages = unsafe { bindings::si_mem_available() };
    usize::try_from(pages).unwrap_or(0).saturating_mul(kernel::page::PAGE_SIZE)
}
