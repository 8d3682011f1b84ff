// SPDX-License-Identifier: MIT OR Apache-2.0
//! A call that came while the guest starts: it begins as soon as the guest runs.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::status::Status;
use crate::kernel::api::{Item, ProgramEnd, Request, Signal, TerminalSize};
use crate::kernel::{Call, CallControl, Sink, Target, TargetError, TargetResult};

/// How long a guest may take to start: longer than the start itself gives it.
const STARTS_WITHIN: Duration = Duration::from_secs(600);

/// A call that waits.
struct Waiting {
    state: Mutex<State>,
    changed: Condvar,
}

enum State {
    /// For the guest.
    Waiting(Request, Sink),
    /// The guest has just come, and is being asked.
    Begins,
    /// The guest has it.
    Begun(Call),
    /// It has ended without the guest.
    Over,
}

/// Passes `request` on to the guest once `status` says that it runs. Its end, should it never come to
/// that, goes to `sink` as well.
///
/// # Errors
/// No thread can be made.
pub(super) fn start(
    status: Arc<Status>,
    pass: impl FnOnce(&dyn Target, Request, Sink) -> TargetResult<Call> + Send + 'static,
    request: Request,
    sink: Sink,
) -> TargetResult<Call> {
    let first = request.clone();
    let waiting = Arc::new(Waiting {
        state: Mutex::new(State::Waiting(request, sink)),
        changed: Condvar::new(),
    });
    let this = Arc::clone(&waiting);
    thread::Builder::new()
        .name("waiting".into())
        .spawn(move || {
            let guest = status.wait_for_guest(&first, Instant::now() + STARTS_WITHIN);
            let Some((request, sink)) = this.take(State::Begins) else {
                return;
            };
            // A call that can't be started has not used up its sink.
            let sink = Arc::new(Mutex::new(sink));
            let last = Arc::clone(&sink);
            let passing: Sink = Box::new(move |item| sink.lock()(item));
            let begun = guest.and_then(|guest| pass(&*guest, request, passing));
            match begun {
                Ok(call) => this.set(State::Begun(call)),
                Err(error) => {
                    this.set(State::Over);
                    last.lock()(Item::Done(Err(error)));
                }
            }
        })
        .map_err(|error| TargetError::io(&error, "start a thread"))?;
    Ok(Call::new(waiting))
}

impl Waiting {
    /// Takes the request for `next`, unless that has been done before.
    fn take(&self, next: State) -> Option<(Request, Sink)> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, next) {
            State::Waiting(request, sink) => Some((request, sink)),
            other => {
                *state = other;
                None
            }
        }
    }

    fn set(&self, next: State) {
        *self.state.lock() = next;
        self.changed.notify_all();
    }

    /// The call, once it has begun; `None`: it never did.
    fn begun(&self) -> Option<Arc<dyn CallControl>> {
        let mut state = self.state.lock();
        loop {
            match &*state {
                State::Begun(call) => return Some(call.control()),
                State::Over => return None,
                State::Waiting(..) | State::Begins => {}
            }
            self.changed.wait(&mut state);
        }
    }

    /// Ends the call before it has begun; `false`: too late.
    fn end(&self, items: impl IntoIterator<Item = Item>) -> bool {
        let Some((_, mut sink)) = self.take(State::Over) else {
            return false;
        };
        self.changed.notify_all();
        items.into_iter().for_each(&mut sink);
        true
    }
}

impl CallControl for Waiting {
    fn send(&self, bytes: &[u8]) -> TargetResult<()> {
        match self.begun() {
            Some(call) => call.send(bytes),
            None => Err(TargetError::Gone("the call is over and takes no more input".into())),
        }
    }

    fn close_input(&self) -> TargetResult<()> {
        self.begun().map_or(Ok(()), |call| call.close_input())
    }

    fn resize(&self, size: TerminalSize) -> TargetResult<()> {
        if let State::Waiting(Request::Run(run), _) = &mut *self.state.lock() {
            if run.terminal.is_some() {
                run.terminal = Some(size);
            }
            return Ok(());
        }
        self.begun().map_or(Ok(()), |call| call.resize(size))
    }

    /// A program that has not begun yet ends of it.
    fn signal(&self, signal: Signal) -> TargetResult<()> {
        let ended = Item::Exited(ProgramEnd::Signalled(signal.0));
        let program = matches!(&*self.state.lock(), State::Waiting(Request::Run(_), _));
        if self.end(program.then_some(ended).into_iter().chain([Item::Done(Ok(()))])) {
            return Ok(());
        }
        self.begun().map_or(Ok(()), |call| call.signal(signal))
    }

    fn cancel(&self) {
        if !self.end([Item::Done(Err(TargetError::Cancelled))])
            && let Some(call) = self.begun()
        {
            call.cancel();
        }
    }
}
