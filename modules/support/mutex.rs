// SPDX-License-Identifier: GPL-2.0
//! A mutex that is waited for with an ear for signals.
//!
//! `kernel::sync::Mutex` waits until it gets the lock, come what may. That is too
//! long where the lock is held as long as a transfer or a thread lasts. So here
//! that mutex only guards, for a moment, whether somebody has the value; who has
//! to wait does it at a condition variable, which a signal ends.

use core::ops::{
    Deref,
    DerefMut, //
};
use kernel::{
    new_condvar,
    new_mutex,
    prelude::*,
    sync::{
        lock::mutex::MutexGuard,
        CondVar,
        LockClassKey,
        Mutex, //
    }, //
};

/// A value that one thread at a time has.
#[pin_data]
pub(crate) struct InterruptibleMutex<T> {
    /// Whether somebody has it.
    #[pin]
    taken: Mutex<bool>,
    /// Nobody has it any more.
    #[pin]
    freed: CondVar,
    /// Locked by who has it, so never waited for.
    #[pin]
    data: Mutex<T>,
}

impl<T> InterruptibleMutex<T> {
    /// With this value; `name` and `key` are for lockdep.
    pub(crate) fn new(
        data: T,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            taken <- new_mutex!(false),
            freed <- new_condvar!(),
            data <- Mutex::new(data, name, key),
        })
    }

    /// Has the value until the result is dropped; `ERESTARTSYS` if a signal comes while another
    /// has it. Sleeps.
    pub(crate) fn lock(&self) -> Result<Guard<'_, T>> {
        let mut taken = self.taken.lock();
        while *taken {
            // Nothing was done yet, so the call may be made again. Who is told that it is free
            // takes it, signal or not: nobody else is told.
            if self.freed.wait_interruptible(&mut taken) && *taken {
                return Err(ERESTARTSYS);
            }
        }
        *taken = true;
        drop(taken);
        Ok(Guard {
            data: self.data.lock(),
            _turn: Turn {
                taken: &self.taken,
                freed: &self.freed,
            },
        })
    }
}

/// The value, for its holder.
pub(crate) struct Guard<'a, T> {
    // Dropped first.
    data: MutexGuard<'a, T>,
    _turn: Turn<'a>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T: Unpin> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.data
    }
}

/// Lets the next one have the value when it is dropped.
struct Turn<'a> {
    taken: &'a Mutex<bool>,
    freed: &'a CondVar,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.taken.lock() = false;
        self.freed.notify_one();
    }
}
