// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames on their way out, written by a thread of their own, so that whoever
//! sends one never waits for a line that is stuck.

use std::collections::VecDeque;
use std::io::{Error, Write};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{Frame, QUEUED_MAX};

/// A queue of frames before a stream. Urgent ones overtake the others, each in
/// order among themselves. What is queued is bounded by the senders: data by
/// its credit, the rest by what is asked. Should the other end give credit
/// without reading what it is for, the queue ends at [`QUEUED_MAX`].
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// Told why nothing is written any more.
type Failed = Box<dyn FnOnce(Error) + Send>;

#[derive(Default)]
struct State {
    urgent: VecDeque<Frame>,
    data: VecDeque<Frame>,
    /// Bytes in both.
    bytes: usize,
    closed: bool,
    failed: Option<Failed>,
}

impl Outbox {
    /// Starts the thread that writes to `stream`. It ends after
    /// [`Outbox::close`], or when the stream fails; `failed` is then called, as it
    /// is when too much waits to be written.
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn new(
        mut stream: impl Write + Send + 'static,
        failed: impl FnOnce(Error) + Send + 'static,
    ) -> std::io::Result<Self> {
        let state = State { failed: Some(Box::new(failed)), ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let queue = Arc::clone(&shared);
        std::thread::Builder::new().name("wire-out".into()).spawn(move || {
            while let Some(frame) = queue.next() {
                let written = stream.write_all(frame.as_bytes());
                if let Err(error) = written.and_then(|()| stream.flush()) {
                    return queue.fail(error);
                }
            }
        })?;
        Ok(Self { shared })
    }

    /// Queues frames before all that is not urgent; they are dropped when the
    /// outbox is closed.
    pub fn send_urgent(&self, frames: impl IntoIterator<Item = Frame>) {
        self.queue(frames, |state| &mut state.urgent);
    }

    /// Queues frames behind all others; they are dropped when the outbox is
    /// closed. `false`: it is.
    pub fn send(&self, frames: impl IntoIterator<Item = Frame>) -> bool {
        self.queue(frames, |state| &mut state.data)
    }

    fn queue(
        &self,
        frames: impl IntoIterator<Item = Frame>,
        queue: fn(&mut State) -> &mut VecDeque<Frame>,
    ) -> bool {
        let mut state = self.shared.state();
        if state.closed {
            return false;
        }
        for frame in frames {
            state.bytes += frame.as_bytes().len();
            queue(&mut state).push_back(frame);
        }
        let too_much = state.bytes > QUEUED_MAX;
        drop(state);
        if too_much {
            self.shared.fail(Error::other(format!(
                "{} MiB wait for the other end, which does not read",
                QUEUED_MAX >> 20
            )));
        }
        self.shared.changed.notify_all();
        !too_much
    }

    /// Drops what is queued and lets the thread end.
    pub fn close(&self) {
        drop(self.shared.close());
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn next(&self) -> Option<Frame> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            let next = state.urgent.pop_front();
            if let Some(frame) = next.or_else(|| state.data.pop_front()) {
                state.bytes -= frame.as_bytes().len();
                return Some(frame);
            }
            self.changed.wait(&mut state);
        }
    }

    fn close(&self) -> Option<Failed> {
        let state = State { closed: true, ..State::default() };
        let before = std::mem::replace(&mut *self.state(), state);
        self.changed.notify_all();
        before.failed
    }

    fn fail(&self, error: Error) {
        if let Some(failed) = self.close() {
            failed(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::wire::{Kind, PAYLOAD_MAX};
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc::channel;

    #[test]
    fn a_queue_to_an_end_that_does_not_read_is_given_up() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let (send, failed) = channel();
        let outbox = Outbox::new(ours, move |error| send.send(error).unwrap()).unwrap();
        let frame = Frame::new(1, Kind::Input, false, &[0; PAYLOAD_MAX]);
        let sent = (0..).take_while(|_| outbox.send([frame.clone()])).count();
        assert!(sent * PAYLOAD_MAX <= QUEUED_MAX + (4 << 20), "{sent}");
        assert!(failed.recv().unwrap().to_string().contains("does not read"));
        assert!(!outbox.send([frame]));
    }
}
