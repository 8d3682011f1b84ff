// SPDX-License-Identifier: GPL-2.0
//! The two ways to wait for a mutex that upstream's `Mutex::lock` lacks: it waits until it gets the
//! lock, come what may, which is too long where the lock is held as long as a transfer or a thread
//! lasts.

use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::{
        Mutex,
        lock::Guard,
        lock::mutex::{MutexBackend, MutexGuard},
    },
};

use super::helpers;

/// Locks the mutex; `EINTR` if the caller is killed while another has it. Sleeps.
pub(crate) fn lock_killable<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    // SAFETY: `locked` gives a mutex that is initialised.
    locked(mutex, |mutex| unsafe { helpers::ringside_mutex_lock_killable(mutex) })
}

/// Locks the mutex; `ERESTARTSYS` if a signal comes while another has it: nothing was done yet, so
/// the call may be made again. Sleeps.
pub(crate) fn lock_interruptible<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    // SAFETY: As in `lock_killable`.
    locked(mutex, |mutex| unsafe { helpers::ringside_mutex_lock_interruptible(mutex) })
        .map_err(|_| ERESTARTSYS)
}

fn locked<T>(
    mutex: &Mutex<T>,
    lock: impl FnOnce(*mut bindings::mutex) -> c_int,
) -> Result<MutexGuard<'_, T>> {
    // `Lock` is `repr(C)`, and the kernel's mutex is its first field.
    to_result(lock(core::ptr::from_ref(mutex).cast_mut().cast()))?;
    // SAFETY: It was just locked.
    Ok(unsafe { Guard::<_, MutexBackend>::new(mutex, ()) })
}
