// SPDX-License-Identifier: GPL-2.0
//! The one position that reads and writes share, and who may move it.
//!
//! Whoever goes on from the position has it alone until it has moved what it
//! wanted to move. So two callers never get the same bytes, and each gets a
//! piece that is whole. Others wait, and can be interrupted while they do.

use kernel::{
    new_condvar,
    new_mutex,
    prelude::*,
    sync::{
        CondVar,
        Mutex, //
    }, //
};

struct State {
    at: u64,
    taken: bool,
    /// How many wait until it is not: nobody need be woken for nothing.
    waiting: u32,
}

/// A position in bytes.
#[pin_data]
pub(crate) struct Cursor {
    /// Held for a moment only, never while data is moved.
    #[pin]
    state: Mutex<State>,
    #[pin]
    free: CondVar,
}

impl Cursor {
    /// At 0.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            state <- new_mutex!(State { at: 0, taken: false, waiting: 0 }, "kmod_cursor"),
            free <- new_condvar!("kmod_cursor_free"),
        })
    }

    /// Where it is; while someone is moving it, where that began.
    pub(crate) fn at(&self) -> u64 {
        self.state.lock().at
    }

    /// Has it until the result is dropped. `ERESTARTSYS` if a signal comes while others have it.
    pub(crate) fn take(&self) -> Result<Taken<'_>> {
        let mut state = self.state.lock();
        while state.taken {
            state.waiting += 1;
            let signal = self.free.wait_interruptible(&mut state);
            state.waiting -= 1;
            // A signal and the wake-up that was meant for us may come together: then it is ours.
            if signal && state.taken {
                return Err(ERESTARTSYS);
            }
        }
        state.taken = true;
        Ok(Taken {
            at: state.at,
            cursor: self,
        })
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
        let mut state = self.cursor.state.lock();
        state.at = self.at;
        state.taken = false;
        let waiting = state.waiting > 0;
        drop(state);
        if waiting {
            self.cursor.free.notify_one();
        }
    }
}
