// SPDX-License-Identifier: GPL-2.0
//! The one position that reads and writes share, and who may move it.
//!
//! Whoever goes on from the position has it alone until it has moved what it
//! wanted to move. So two callers never get the same bytes, and each gets a
//! piece that is whole. Others wait, and can be interrupted while they do.

//!
//! It is a lock of its own making because it lasts for as long as a transfer,
//! and a mutex of the kernel's can't be waited for with an ear for signals from
//! Rust. Who finds it free takes it and gives it back with one atomic operation
//! each.

use kernel::{
    new_condvar,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        CondVar,
        Mutex, //
    }, //
};

/// Nobody has the position.
const FREE: u32 = 0;
/// Someone has it.
const TAKEN: u32 = 1;
/// Someone has it, and others may wait for it.
const AWAITED: u32 = 2;

/// A position in bytes.
#[pin_data]
pub(crate) struct Cursor {
    /// Changed only by who has it.
    at: Atomic<u64>,
    state: Atomic<u32>,
    /// Held by those who begin to wait and by those who wake them, so that no waking is missed.
    #[pin]
    queue: Mutex<()>,
    #[pin]
    free: CondVar,
}

impl Cursor {
    /// At 0.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            at: Atomic::new(0),
            state: Atomic::new(FREE),
            queue <- new_mutex!((), "kmod_cursor_queue"),
            free <- new_condvar!("kmod_cursor_free"),
        })
    }

    /// Where it is; while someone is moving it, where that began.
    pub(crate) fn at(&self) -> u64 {
        self.at.load(Relaxed)
    }

    /// Has it until the result is dropped. `ERESTARTSYS` if a signal comes while others have it.
    pub(crate) fn take(&self) -> Result<Taken<'_>> {
        if self.state.cmpxchg(FREE, TAKEN, Acquire).is_err() {
            self.wait()?;
        }
        Ok(Taken {
            at: self.at(),
            cursor: self,
        })
    }

    fn wait(&self) -> Result {
        let mut queue = self.queue.lock();
        loop {
            // From here on whoever has it will wake one of us.
            if self.state.xchg(AWAITED, Acquire) == FREE {
                return Ok(());
            }
            if self.free.wait_interruptible(&mut queue) {
                // A signal, but it may be that we were woken for good as well: then it is ours.
                return match self.state.xchg(AWAITED, Acquire) {
                    FREE => Ok(()),
                    _ => Err(ERESTARTSYS),
                };
            }
        }
    }
}

/// The position, for one caller.
pub(crate) struct Taken<'a> {
    cursor: &'a Cursor,
    /// Where it will be when this is dropped.
    pub(crate) at: u64,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.cursor.at.store(self.at, Relaxed);
        if self.cursor.state.xchg(FREE, Release) == AWAITED {
            let _queue = self.cursor.queue.lock();
            self.cursor.free.notify_one();
        }
    }
}
