// SPDX-License-Identifier: GPL-2.0
//! The one position that reads and writes share, and who may move it.
//!
//! Whoever goes on from the position has it alone until it has moved what it
//! wanted to move. So two callers never get the same bytes, and each gets a
//! piece that is whole. Others wait, and can be killed while they do.
//!
//! The position is held while the caller's memory is accessed: so its mutex
//! comes before the mmap lock, the locks of the page cache and those of the
//! device, and whoever holds one of these never asks for the position.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Mutex, MutexGuard,
        atomic::{Atomic, Relaxed},
    },
};

use crate::support::mutex::lock_killable;

/// A position in bytes.
#[pin_data]
pub(crate) struct Position {
    #[pin]
    at: Mutex<u64>,
    /// The same, for those who only want to know it.
    shown: Atomic<u64>,
}

impl Position {
    /// At 0.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            at <- new_mutex!(0, "kmod_position"),
            shown: Atomic::new(0),
        })
    }

    /// Where it is; while someone is moving it, where that began.
    pub(crate) fn get(&self) -> u64 {
        self.shown.load(Relaxed)
    }

    /// Has it until the result is dropped. `EINTR` if the caller is killed while others have it.
    pub(crate) fn lock(&self) -> Result<Locked<'_>> {
        Ok(Locked { at: lock_killable(&self.at)?, shown: &self.shown })
    }
}

/// The position, for one caller.
pub(crate) struct Locked<'a> {
    at: MutexGuard<'a, u64>,
    shown: &'a Atomic<u64>,
}

impl Locked<'_> {
    /// Where it is.
    pub(crate) fn get(&self) -> u64 {
        *self.at
    }

    /// Moves it, and lets others have it.
    pub(crate) fn set(mut self, at: u64) {
        *self.at = at;
        self.shown.store(at, Relaxed);
    }
}
