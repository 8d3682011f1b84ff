// SPDX-License-Identifier: GPL-2.0
//! Words that are read and written whole, as with `READ_ONCE` and `WRITE_ONCE`.
//!
//! The kernel's own `Atomic` calls a C function for each access where its
//! helpers are not inlined (in every kernel built with gcc), which is felt on a
//! path that does little else. A relaxed load or store of an aligned word is one
//! instruction here and in C, and means the same in both memory models.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// A number of 32 bits that threads share.
pub(crate) struct Once32(AtomicU32);

impl Once32 {
    /// Holds `value`.
    pub(crate) const fn new(value: u32) -> Self {
        Self(AtomicU32::new(value))
    }

    /// `READ_ONCE`.
    pub(crate) fn read(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// `WRITE_ONCE`.
    pub(crate) fn write(&self, value: u32) {
        self.0.store(value, Relaxed);
    }
}

/// A number of 64 bits that threads share.
pub(crate) struct Once64(AtomicU64);

impl Once64 {
    /// Holds `value`.
    pub(crate) const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    /// `READ_ONCE`.
    pub(crate) fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// `WRITE_ONCE`.
    pub(crate) fn write(&self, value: u64) {
        self.0.store(value, Relaxed);
    }
}
