// SPDX-License-Identifier: GPL-2.0
//! The gate that all threads pass before they move an item, and behind which
//! they park while it is closed.
//!
//! While it is open, passing costs one load. Who closes it can wait until every
//! thread is parked; from then on nothing moves.

use crate::support::{once::Once32, thread::Stopped};
use kernel::{
    new_condvar, new_mutex,
    prelude::*,
    sync::{CondVar, Mutex},
};

const OPEN: u32 = 0;
const CLOSED: u32 = 1;
/// The module is being unloaded: nobody waits for anybody any more.
const STOPPING: u32 = 2;

/// See the module's description.
#[pin_data]
pub(crate) struct Gate {
    /// Changed only with `inner` locked.
    state: Once32,
    #[pin]
    inner: Mutex<Inner>,
    /// A thread parked, or has moved the item it was granted, or all must stop.
    #[pin]
    news: CondVar,
}

struct Inner {
    parked: usize,
    moved: bool,
}

impl Gate {
    /// A closed gate: the threads begin when all are there.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            state: Once32::new(CLOSED),
            inner <- new_mutex!(Inner { parked: 0, moved: false }),
            news <- new_condvar!(),
        })
    }

    /// Whether threads may move items.
    pub(crate) fn is_open(&self) -> bool {
        self.state.read() == OPEN
    }

    /// Whether threads are to park, or stay parked.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.read() == CLOSED
    }

    /// Whether the module is being unloaded.
    pub(crate) fn is_stopping(&self) -> bool {
        self.state.read() == STOPPING
    }

    /// Closes the gate. The caller then wakes all threads.
    pub(crate) fn close(&self) {
        self.change(CLOSED);
    }

    /// Opens the gate. The caller then wakes all threads.
    pub(crate) fn open(&self) {
        self.change(OPEN);
    }

    /// Ends all waiting here, for good. The caller then stops all threads.
    pub(crate) fn stop(&self) {
        self.change(STOPPING);
        self.news.notify_all();
    }

    fn change(&self, state: u32) {
        let _inner = self.inner.lock();
        if !self.is_stopping() {
            self.state.write(state);
        }
    }

    /// Waits until so many threads are parked, or all must stop.
    ///
    /// It ends soon and cannot be interrupted: a half-closed gate could not be
    /// opened again without confusing the semaphores.
    pub(crate) fn wait_until_parked(&self, threads: usize) {
        let mut inner = self.inner.lock();
        while inner.parked < threads && !self.is_stopping() {
            self.news.wait(&mut inner);
        }
    }

    /// Makes ready for [`Self::wait_until_moved`].
    pub(crate) fn expect_move(&self) {
        self.inner.lock().moved = false;
    }

    /// Waits until a thread has used its grant, or all must stop.
    pub(crate) fn wait_until_moved(&self) {
        let mut inner = self.inner.lock();
        while !inner.moved && !self.is_stopping() {
            self.news.wait(&mut inner);
        }
    }

    /// A thread tells that it has used its grant.
    pub(crate) fn moved(&self) {
        self.inner.lock().moved = true;
        self.news.notify_all();
    }

    /// A thread comes to the closed gate. `false`: it has opened meanwhile.
    /// `parked` runs before anybody can learn of it.
    pub(crate) fn arrive(&self, parked: impl FnOnce()) -> bool {
        let mut inner = self.inner.lock();
        if !self.is_closed() {
            return false;
        }
        parked();
        inner.parked += 1;
        self.news.notify_all();
        true
    }

    /// A parked thread wants to go on. `false`: the gate was closed again.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if it is to end instead.
    pub(crate) fn leave(&self) -> Result<bool, Stopped> {
        let mut inner = self.inner.lock();
        if self.is_stopping() {
            return Err(Stopped);
        }
        let open = self.is_open();
        if open {
            inner.parked -= 1;
        }
        Ok(open)
    }
}
