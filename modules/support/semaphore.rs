// SPDX-License-Identifier: GPL-2.0
//! The kernel's counting semaphore.

use super::helpers::ringside_sema_init;
use kernel::{
    bindings,
    error::{Result, code::EINTR},
    prelude::*,
    types::Opaque,
};

/// A counting semaphore: a number that [`Semaphore::down`] takes one from,
/// waiting while it is 0, and [`Semaphore::up`] adds one to.
#[pin_data]
pub(crate) struct Semaphore {
    #[pin]
    inner: Opaque<bindings::semaphore>,
}

// SAFETY: A `struct semaphore` belongs to no thread.
unsafe impl Send for Semaphore {}
// SAFETY: It has its own lock; every method is one of the C functions that are
// meant to be called by many threads at once.
unsafe impl Sync for Semaphore {}

impl Semaphore {
    /// A semaphore that starts with `value`; at most `i32::MAX` is used.
    pub(crate) fn new(value: usize) -> impl PinInit<Self> {
        let value = c_int::try_from(value).unwrap_or(c_int::MAX);
        pin_init!(Self {
            // SAFETY: `slot` is memory for a semaphore, which does not move.
            inner <- Opaque::ffi_init(|slot| unsafe { ringside_sema_init(slot, value) }),
        })
    }

    /// Takes one if that needs no waiting; says whether it did.
    pub(crate) fn try_down(&self) -> bool {
        // SAFETY: The semaphore is initialised and pinned.
        unsafe { bindings::down_trylock(self.inner.get()) == 0 }
    }

    /// Takes one, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// `EINTR` when a signal ends the waiting, or the stopping of the kernel
    /// thread that waits; then nothing was taken.
    pub(crate) fn down(&self) -> Result {
        // SAFETY: The semaphore is initialised and pinned.
        match unsafe { bindings::down_interruptible(self.inner.get()) } {
            0 => Ok(()),
            // It has no other error.
            _ => Err(EINTR),
        }
    }

    /// What it holds now: by the time the caller knows, that may be another number.
    pub(crate) fn value(&self) -> u32 {
        // SAFETY: The semaphore is initialised and pinned. Others change the count meanwhile,
        // hence the volatile read, which is what `READ_ONCE` is.
        unsafe { core::ptr::read_volatile(&raw const (*self.inner.get()).count) }
    }

    /// Gives one back, to the thread that has waited longest if there is one.
    pub(crate) fn up(&self) {
        // SAFETY: The semaphore is initialised and pinned.
        unsafe { bindings::up(self.inner.get()) };
    }
}
