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
//! each. When others wait it is handed on to the first of them, so that one who
//! asks again and again can't keep it from them.

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
/// Someone has it, or is about to be given it, and others may wait for it.
const AWAITED: u32 = 2;

/// Those who wait.
struct Queue {
    /// How many they are.
    waiting: u32,
    /// The position is one of theirs: the first to wake takes it.
    granted: bool,
}

/// A position in bytes.
#[pin_data]
pub(crate) struct Cursor {
    /// Changed only by who has it.
    at: Atomic<u64>,
    state: Atomic<u32>,
    #[pin]
    queue: Mutex<Queue>,
    #[pin]
    free: CondVar,
}

impl Cursor {
    /// At 0.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            at: Atomic::new(0),
            state: Atomic::new(FREE),
            queue <- new_mutex!(Queue { waiting: 0, granted: false }, "kmod_cursor_queue"),
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
        // From here on whoever has it looks at the queue before giving it back.
        if self.state.xchg(AWAITED, Acquire) == FREE {
            return Ok(());
        }
        queue.waiting += 1;
        // Waits at least once: what is granted now is meant for those who came before.
        loop {
            let signal = self.free.wait_interruptible(&mut queue);
            if queue.granted || signal {
                break;
            }
        }
        queue.waiting -= 1;
        // A signal may come together with the position: then it is ours all the same.
        if queue.granted {
            queue.granted = false;
            Ok(())
        } else {
            Err(ERESTARTSYS)
        }
    }

    fn give_back(&self) {
        if self.state.cmpxchg(TAKEN, FREE, Release).is_ok() {
            return;
        }
        let mut queue = self.queue.lock();
        if queue.waiting > 0 {
            queue.granted = true;
            self.free.notify_one();
        } else {
            self.state.store(FREE, Release);
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
        self.cursor.give_back();
    }
}
