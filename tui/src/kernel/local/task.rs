// SPDX-License-Identifier: MIT OR Apache-2.0
//! A request under way: its sink, and what cancelling it does.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use nix::unistd::gettid;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::kernel::api::{Item, Signal, TerminalSize};
use crate::kernel::call::{CallControl, Sink};
use crate::kernel::error::{TargetError, TargetResult};

/// How often a thread that may meet an oops is looked after.
const OOPS_CHECK: Duration = Duration::from_millis(200);

/// Hands items to a sink, one at a time, and the last exactly once.
pub(super) struct Task {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    sink: Holder,
    cancelled: bool,
    on_cancel: Option<Box<dyn FnOnce() + Send>>,
    on_leave: Option<Box<dyn FnOnce() + Send>>,
}

/// Where the sink is. It is never called under the lock: it may cancel its own
/// call.
enum Holder {
    Here(Sink),
    /// A thread is in it.
    Lent,
    Gone,
}

impl Task {
    /// A task that answers to `sink`.
    pub(super) fn new(sink: Sink) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                sink: Holder::Here(sink),
                cancelled: false,
                on_cancel: None,
                on_leave: None,
            }),
            changed: Condvar::new(),
        })
    }

    /// Runs `work` on a thread of its own; what it returns ends the task.
    pub(super) fn spawn(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce(&Self) -> TargetResult<()> + Send + 'static,
    ) -> TargetResult<()> {
        let task = Arc::clone(self);
        std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let result = work(&task);
                task.finish(result);
            })
            .map_err(|error| TargetError::io(&error, "start a thread for the request"))?;
        Ok(())
    }

    /// As [`Task::spawn`], for what may run into a bug of a module's: an oops
    /// kills the thread in the middle of its system call, so that it can't end
    /// the task. Another thread sees to it; `doing` says what was being done.
    pub(super) fn spawn_watched(
        self: &Arc<Self>,
        name: &str,
        doing: String,
        work: impl FnOnce(&Self) -> TargetResult<()> + Send + 'static,
    ) -> TargetResult<()> {
        let (tell, told) = channel();
        self.spawn(name, move |task| {
            // Nobody listens when the other thread could not be made.
            let _ = tell.send(gettid());
            work(task)
        })?;
        let task = Arc::clone(self);
        std::thread::Builder::new()
            .name("watch".into())
            .spawn(move || {
                // A task that is over before it said which thread it had is over.
                let Ok(thread) = told.recv() else { return };
                let thread = format!("/proc/self/task/{thread}");
                while !task.over_within(OOPS_CHECK) {
                    if !Path::new(&thread).exists() {
                        task.finish(Err(TargetError::Oopsed(doing.clone())));
                    }
                }
            })
            .map_err(|error| TargetError::io(&error, "start a thread for the request"))?;
        Ok(())
    }

    /// Is it over, or will it be within this time?
    fn over_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.state();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if matches!(state.sink, Holder::Gone) || left.is_zero() {
                return matches!(state.sink, Holder::Gone);
            }
            self.changed.wait_for(&mut state, left);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Takes the sink once no other thread is in it; `None` when it is gone.
    fn borrow(&self) -> Option<Sink> {
        let mut state = self.state();
        while matches!(state.sink, Holder::Lent) {
            self.changed.wait(&mut state);
        }
        match std::mem::replace(&mut state.sink, Holder::Lent) {
            Holder::Here(sink) => Some(sink),
            other => {
                state.sink = other;
                None
            }
        }
    }

    /// Hands over an item; `false` when the task is over and nobody listens.
    pub(super) fn emit(&self, item: Item) -> bool {
        let Some(mut sink) = self.borrow() else {
            return false;
        };
        sink(item);
        let mut state = self.state();
        if state.cancelled {
            state.sink = Holder::Gone;
            drop(state);
            self.changed.notify_all();
            sink(Item::Done(Err(TargetError::Cancelled)));
            return false;
        }
        state.sink = Holder::Here(sink);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Ends the task, unless it is over.
    pub(super) fn finish(&self, result: TargetResult<()>) {
        if let Some(mut sink) = self.borrow() {
            self.state().sink = Holder::Gone;
            self.changed.notify_all();
            sink(Item::Done(result));
        }
    }

    /// What to do when it is cancelled, at once if it is already.
    pub(super) fn on_cancel(&self, action: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.cancelled {
            drop(state);
            action();
        } else {
            state.on_cancel = Some(Box::new(action));
        }
    }

    /// What to do in place of that when its client has gone and another may come for it.
    pub(super) fn on_leave(&self, action: impl FnOnce() + Send + 'static) {
        self.state().on_leave = Some(Box::new(action));
    }

    /// Ends the task with [`TargetError::Cancelled`], unless it is over.
    pub(super) fn cancel(&self) {
        self.end(|state| state.on_cancel.take());
    }

    /// The same for a client that is gone.
    fn leave(&self) {
        self.end(|state| state.on_leave.take().or_else(|| state.on_cancel.take()));
    }

    fn end(&self, action: impl FnOnce(&mut State) -> Option<Box<dyn FnOnce() + Send>>) {
        let mut state = self.state();
        if matches!(state.sink, Holder::Gone) || state.cancelled {
            return;
        }
        state.cancelled = true;
        let action = action(&mut state);
        let sink = match std::mem::replace(&mut state.sink, Holder::Gone) {
            Holder::Here(sink) => Some(sink),
            // The thread that is in it says the last word.
            other => {
                state.sink = other;
                None
            }
        };
        drop(state);
        self.changed.notify_all();
        if let Some(action) = action {
            action();
        }
        if let Some(mut sink) = sink {
            sink(Item::Done(Err(TargetError::Cancelled)));
        }
    }

    /// Has it been cancelled?
    pub(super) fn cancelled(&self) -> bool {
        self.state().cancelled
    }

    /// Sleeps this long or until cancelled; `true` when cancelled.
    pub(super) fn sleep(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.state();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if state.cancelled || left.is_zero() {
                return state.cancelled;
            }
            self.changed.wait_for(&mut state, left);
        }
    }
}

/// What takes a call's input and the rest that concerns a program.
pub(super) trait TakesInput: Send + Sync {
    fn send(&self, _bytes: &[u8]) -> TargetResult<()> {
        Err(TargetError::Invalid("this request takes no input".into()))
    }
    fn close_input(&self) {}
    fn resize(&self, _size: TerminalSize) -> TargetResult<()> {
        Ok(())
    }
    fn signal(&self, _signal: Signal) -> TargetResult<()> {
        Ok(())
    }
}

/// For requests without input.
pub(super) struct NoInput;

impl TakesInput for NoInput {}

impl<T: TakesInput> TakesInput for Arc<T> {
    fn send(&self, bytes: &[u8]) -> TargetResult<()> {
        T::send(self, bytes)
    }
    fn close_input(&self) {
        T::close_input(self);
    }
    fn resize(&self, size: TerminalSize) -> TargetResult<()> {
        T::resize(self, size)
    }
    fn signal(&self, signal: Signal) -> TargetResult<()> {
        T::signal(self, signal)
    }
}

/// What can be done to a task.
pub(super) struct LocalCall<I> {
    task: Arc<Task>,
    input: I,
}

impl<I: TakesInput> LocalCall<I> {
    pub(super) fn new(task: Arc<Task>, input: I) -> Self {
        Self { task, input }
    }
}

impl<I: TakesInput> CallControl for LocalCall<I> {
    fn send(&self, bytes: &[u8]) -> TargetResult<()> {
        self.input.send(bytes)
    }

    fn close_input(&self) -> TargetResult<()> {
        self.input.close_input();
        Ok(())
    }

    fn resize(&self, size: TerminalSize) -> TargetResult<()> {
        self.input.resize(size)
    }

    fn signal(&self, signal: Signal) -> TargetResult<()> {
        self.input.signal(signal)
    }

    fn cancel(&self) {
        self.task.cancel();
    }

    fn leave(&self) {
        self.task.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_cancelled_from_inside_its_sink_ends_once_and_without_deadlock() {
        let (send, items) = channel();
        let slot: Arc<Mutex<Option<Arc<Task>>>> = Arc::default();
        let inner = Arc::clone(&slot);
        let task = Task::new(Box::new(move |item| {
            if let Some(task) = inner.lock().as_ref() {
                task.cancel();
            }
            send.send(item).unwrap();
        }));
        *slot.lock() = Some(Arc::clone(&task));
        assert!(!task.emit(Item::Bytes(vec![1])));
        task.finish(Ok(()));
        task.cancel();
        let items: Vec<_> = items.try_iter().collect();
        assert_eq!(items, [Item::Bytes(vec![1]), Item::Done(Err(TargetError::Cancelled))]);
    }

    #[test]
    fn a_task_whose_thread_is_killed_in_a_system_call_ends_all_the_same() {
        let (send, items) = channel();
        let task = Task::new(Box::new(move |item| send.send(item).unwrap()));
        task.spawn_watched("victim", "load module x".into(), |_| {
            // SAFETY: ends this thread alone, as an oops does: nothing is
            // unwound, and nothing else of the process is touched.
            unsafe { nix::libc::syscall(nix::libc::SYS_exit, 0) };
            Ok(())
        })
        .unwrap();
        let oopsed = TargetError::Oopsed("load module x".into());
        assert_eq!(items.recv(), Ok(Item::Done(Err(oopsed))));
    }

    #[test]
    fn cancelling_wakes_a_task_that_sleeps() {
        let (send, items) = channel();
        let task = Task::new(Box::new(move |item| send.send(item).unwrap()));
        let started = Instant::now();
        task.spawn("sleeper", |task| {
            assert!(task.sleep(Duration::from_secs(600)));
            Ok(())
        })
        .unwrap();
        task.cancel();
        assert_eq!(items.recv(), Ok(Item::Done(Err(TargetError::Cancelled))));
        assert!(started.elapsed() < Duration::from_secs(60));
    }
}
