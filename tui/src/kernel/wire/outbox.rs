// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames on their way out, written by a thread of their own, so that whoever
//! sends one never waits for a line that is stuck.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Frame;

/// A queue of frames before a stream. Urgent ones overtake the others, each in
/// order among themselves. What is queued is bounded by the senders: data by
/// its credit, the rest by what is asked.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    urgent: VecDeque<Frame>,
    data: VecDeque<Frame>,
    closed: bool,
}

impl Outbox {
    /// Starts the thread that writes to `stream`. It ends after
    /// [`Outbox::close`], or when the stream fails; `failed` is then called.
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn new(
        mut stream: impl Write + Send + 'static,
        failed: impl FnOnce(std::io::Error) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let queue = Arc::clone(&shared);
        std::thread::Builder::new().name("wire-out".into()).spawn(move || {
            while let Some(frame) = queue.next() {
                let written = stream.write_all(frame.as_bytes());
                if let Err(error) = written.and_then(|()| stream.flush()) {
                    queue.close();
                    return failed(error);
                }
            }
        })?;
        Ok(Self { shared })
    }

    /// Queues frames before all that is not urgent; they are dropped when the
    /// outbox is closed.
    pub fn send_urgent(&self, frames: impl IntoIterator<Item = Frame>) {
        self.queue(|state| state.urgent.extend(frames));
    }

    /// Queues frames behind all others; they are dropped when the outbox is
    /// closed. `false`: it is.
    pub fn send(&self, frames: impl IntoIterator<Item = Frame>) -> bool {
        self.queue(|state| state.data.extend(frames))
    }

    fn queue(&self, put: impl FnOnce(&mut State)) -> bool {
        let mut state = self.shared.state();
        if !state.closed {
            put(&mut state);
            self.shared.changed.notify_all();
        }
        !state.closed
    }

    /// Drops what is queued and lets the thread end.
    pub fn close(&self) {
        self.shared.close();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Frame> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            let next = state.urgent.pop_front();
            if let Some(frame) = next.or_else(|| state.data.pop_front()) {
                return Some(frame);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        let mut state = self.state();
        *state = State { closed: true, ..State::default() };
        self.changed.notify_all();
    }
}
