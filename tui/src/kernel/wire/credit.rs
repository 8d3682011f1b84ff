// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much a sender may still send before its receiver has kept up.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::WINDOW;

/// The credit of one direction of one call.
pub struct Credit {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    bytes: i64,
    closed: bool,
}

impl Default for Credit {
    fn default() -> Self {
        Self::new()
    }
}

impl Credit {
    /// A call's first credit: [`WINDOW`] bytes.
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State { bytes: i64::from(WINDOW), closed: false }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is any credit, then uses up `bytes` of it; a frame may
    /// overdraw, so that the largest always gets through. `false`: the call is
    /// over, and nothing is to be sent.
    pub fn take(&self, bytes: usize) -> bool {
        let mut state = self.state();
        while state.bytes <= 0 && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return false;
        }
        state.bytes -= bytes as i64;
        true
    }

    /// The receiver has consumed this many bytes.
    pub fn give(&self, bytes: u32) {
        let mut state = self.state();
        // No receiver ever owes more than it was sent; what goes beyond the
        // window comes from one that is out of step, and is not believed.
        state.bytes = (state.bytes + i64::from(bytes)).min(i64::from(WINDOW));
        self.changed.notify_all();
    }

    /// Is the call over?
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Ends the call: whoever waits stops waiting.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_sender_without_credit_waits_until_it_is_given_some() {
        let credit = Arc::new(Credit::new());
        assert!(credit.take(WINDOW as usize));
        let waiter = Arc::clone(&credit);
        let thread = std::thread::spawn(move || waiter.take(10));
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(!thread.is_finished());
        credit.give(1);
        assert!(thread.join().unwrap());
    }

    #[test]
    fn closing_frees_a_sender_that_waits() {
        let credit = Arc::new(Credit::new());
        assert!(credit.take(WINDOW as usize + 1));
        let waiter = Arc::clone(&credit);
        let thread = std::thread::spawn(move || waiter.take(10));
        credit.close();
        assert!(!thread.join().unwrap());
    }
}
