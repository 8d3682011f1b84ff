// SPDX-License-Identifier: MIT OR Apache-2.0
//! Running a program: with pipes, or on a terminal of its own.

mod output;
mod spawn;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::sync::Arc;

use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::Signal as NixSignal;
use parking_lot::Mutex;

use self::spawn::{Started, spawn};
use super::process::Process;
use super::task::{LocalCall, TakesInput, Task};
use super::wake::Guest;
use crate::kernel::api::{Item, RunRequest, Signal, TerminalSize};
use crate::kernel::call::{Call, Sink};
use crate::kernel::error::{TargetError, TargetResult};

/// A program that runs, as its call sees it.
struct Program {
    process: Arc<Process>,
    /// Its standard input, or the terminal's end that we hold; `None` once
    /// closed.
    input: Mutex<Option<File>>,
    terminal: Option<File>,
}

/// Starts a program; its output and end go to `sink`.
pub(super) fn start(request: RunRequest, guest: Arc<Guest>, sink: Sink) -> TargetResult<Call> {
    let task = Task::new(sink);
    // The program is started on the call's own thread: in a guest, that may
    // mount the host first. Input that comes before waits.
    let waiting = Arc::new(Waiting::default());
    let for_task = Arc::clone(&waiting);
    let cancelled = Arc::clone(&waiting);
    task.on_cancel(move || cancelled.cancel());
    task.spawn("run", move |task| {
        let ran = run(&request, &guest, &for_task, task);
        for_task.set(None);
        ran
    })?;
    Ok(Call::new(Arc::new(LocalCall::new(task, waiting))))
}

fn run(
    request: &RunRequest,
    guest: &Arc<Guest>,
    waiting: &Waiting,
    task: &Task,
) -> TargetResult<()> {
    let root = guest.program_root()?;
    let started = match spawn(request, root.as_ref().map(|root| root.path.as_path()))? {
        Ok(started) => started,
        Err(end) => {
            task.emit(Item::Exited(end));
            return Ok(());
        }
    };
    let Started { process, input, outputs, terminal } = started;
    let process = Arc::new(process);
    waiting.set(Some(Arc::new(Program {
        process: Arc::clone(&process),
        input: Mutex::new(Some(input)),
        terminal,
    })));
    let doing = "read a program's output";
    let ended = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
        .map_err(|errno| TargetError::errno(errno as i32, doing))?;
    let end = std::thread::scope(|scope| {
        for (stream, file) in outputs {
            let ended = &ended;
            // Without a thread, this stream's output is lost and the program
            // gets EPIPE, which is the next best thing.
            drop(
                std::thread::Builder::new()
                    .name(format!("{stream:?}"))
                    .spawn_scoped(scope, move || output::pass_on(&file, stream, ended, task)),
            );
        }
        let end = process.wait();
        // Whoever reads what is left learns that no more is to be waited for.
        let _ = ended.write(1);
        end
    });
    task.emit(Item::Exited(end));
    Ok(())
}

/// A program that may not have started yet.
#[derive(Default)]
struct Waiting {
    state: Mutex<WaitingState>,
    changed: parking_lot::Condvar,
}

#[derive(Default)]
enum WaitingState {
    #[default]
    Starting,
    /// Cancelled before it started.
    Cancelled,
    Running(Arc<Program>),
    Over,
}

impl Waiting {
    fn set(&self, program: Option<Arc<Program>>) {
        let mut state = self.state.lock();
        if matches!(*state, WaitingState::Cancelled)
            && let Some(program) = &program
        {
            program.process.signal(NixSignal::SIGKILL, true);
        }
        *state = program.map_or(WaitingState::Over, WaitingState::Running);
        self.changed.notify_all();
    }

    fn cancel(&self) {
        let mut state = self.state.lock();
        match &*state {
            WaitingState::Running(program) => program.process.signal(NixSignal::SIGKILL, true),
            WaitingState::Starting => *state = WaitingState::Cancelled,
            WaitingState::Cancelled | WaitingState::Over => {}
        }
        self.changed.notify_all();
    }

    /// The program, once it runs; `None` when it has ended or never will run.
    fn program(&self) -> Option<Arc<Program>> {
        let mut state = self.state.lock();
        loop {
            match &*state {
                WaitingState::Starting => {}
                WaitingState::Running(program) => return Some(Arc::clone(program)),
                WaitingState::Cancelled | WaitingState::Over => return None,
            }
            self.changed.wait(&mut state);
        }
    }

    /// The same without waiting for its start.
    fn running(&self) -> Option<Arc<Program>> {
        match &*self.state.lock() {
            WaitingState::Running(program) => Some(Arc::clone(program)),
            _ => None,
        }
    }
}

impl TakesInput for Waiting {
    fn send(&self, bytes: &[u8]) -> TargetResult<()> {
        let program = self.program();
        let program = program.ok_or_else(|| TargetError::Gone("the program has ended".into()))?;
        let mut input = program.input.lock();
        let Some(file) = input.as_mut() else {
            return Err(TargetError::Gone("the program reads no more".into()));
        };
        file.write_all(bytes).map_err(|error| {
            if error.kind() == ErrorKind::BrokenPipe {
                *input = None;
            }
            TargetError::io(&error, "write to the program's standard input")
        })
    }

    fn close_input(&self) {
        if let Some(program) = self.program() {
            let mut input = program.input.lock();
            match (input.as_mut(), &program.terminal) {
                // A terminal has no end; its end-of-file character stands for it.
                (Some(file), Some(_)) => drop(file.write_all(&[0x04])),
                _ => *input = None,
            }
        }
    }

    fn resize(&self, size: TerminalSize) -> TargetResult<()> {
        let program = self.running();
        match program.as_ref().and_then(|program| program.terminal.as_ref()) {
            Some(terminal) => spawn::set_size(terminal, size),
            None => Ok(()),
        }
    }

    fn signal(&self, signal: Signal) -> TargetResult<()> {
        let known = NixSignal::try_from(signal.0)
            .map_err(|_| TargetError::Invalid(format!("there is no signal {}", signal.0)))?;
        if let Some(program) = self.running() {
            program.process.signal(known, true);
        }
        Ok(())
    }
}
