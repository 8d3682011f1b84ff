// SPDX-License-Identifier: GPL-2.0
//! The kernel's mutex, waited for with an ear for signals.
//!
//! Upstream's `kernel::sync::Mutex` waits until it gets the lock, come what may.
//! That is too long where the lock is held as long as a transfer lasts.
//!
//! C header: [`include/linux/mutex.h`](srctree/include/linux/mutex.h)

use core::{
    cell::UnsafeCell,
    ops::{
        Deref,
        DerefMut, //
    },
};
use kernel::{
    bindings,
    prelude::*,
    sync::LockClassKey,
    types::{
        NotThreadSafe,
        Opaque, //
    }, //
};

use super::helpers;

/// A value that one thread at a time has.
///
/// # Invariants
///
/// `data` is accessed by the holder of `mutex` only.
#[pin_data]
pub(crate) struct InterruptibleMutex<T> {
    #[pin]
    mutex: Opaque<bindings::mutex>,
    data: UnsafeCell<T>,
}

// SAFETY: A mutex that nobody holds belongs to no thread.
unsafe impl<T: Send> Send for InterruptibleMutex<T> {}
// SAFETY: The mutex gives the value to one thread at a time.
unsafe impl<T: Send> Sync for InterruptibleMutex<T> {}

impl<T> InterruptibleMutex<T> {
    /// With this value; `name` and `key` are for lockdep.
    pub(crate) fn new(
        data: T,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: `slot` is memory for a mutex, which does not move; name and key stay.
            mutex <- Opaque::ffi_init(|slot| unsafe {
                bindings::__mutex_init(slot, name.as_char_ptr(), key.as_ptr())
            }),
            data: UnsafeCell::new(data),
        })
    }

    /// Has the value until the result is dropped; `ERESTARTSYS` if a signal comes while another
    /// has it. Those who wait get it in the order in which they came, or nearly so: the mutex is
    /// handed to one who has waited in vain before. Sleeps.
    pub(crate) fn lock(&self) -> Result<Guard<'_, T>> {
        // SAFETY: The mutex is initialised and pinned.
        match unsafe { helpers::ringside_mutex_lock_interruptible(self.mutex.get()) } {
            0 => Ok(Guard {
                mutex: self,
                _not_send: NotThreadSafe,
            }),
            // Its only error is EINTR. Nothing was done yet, so the call may be made again.
            _ => Err(ERESTARTSYS),
        }
    }
}

/// The value, for its holder.
///
/// # Invariants
///
/// The thread that has this holds the mutex.
pub(crate) struct Guard<'a, T> {
    mutex: &'a InterruptibleMutex<T>,
    // A mutex is unlocked by who locked it.
    _not_send: NotThreadSafe,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: We hold the mutex, by the type invariants.
        unsafe { &*self.mutex.data.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: As in `deref`; and the guard itself is borrowed for writing.
        unsafe { &mut *self.mutex.data.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: We hold the mutex, by the type invariants.
        unsafe { bindings::mutex_unlock(self.mutex.mutex.get()) };
    }
}
