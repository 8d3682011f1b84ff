// SPDX-License-Identifier: MIT OR Apache-2.0
//! The first set-up of a dashboard: while the kernel is built, which takes minutes, the
//! tour is played with the build's progress in its header.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use super::interrupt::Interrupt;
use super::progress::{Line, Show};
use super::tour;
use crate::dashboard::{self, Beside, Ended, Playing};
use crate::lab::build_error::{BuildError, BuildResult};
use crate::lab::flavour::Flavour;
use crate::lab::linux::{self, Kernel};
use crate::lab::progress::{Event, Progress, Stop};

/// How often it is looked whether the build has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Progress in a line of a screen that is somebody else's.
struct LineProgress {
    line: Line,
    beside: Arc<Beside>,
    stop: Arc<AtomicU8>,
}

impl Progress for LineProgress {
    fn report(&mut self, event: Event) {
        if let Some(line) = self.line.take(event) {
            self.beside.say(line);
        }
    }

    fn stop(&self) -> Stop {
        match self.stop.load(Ordering::Relaxed) {
            0 => Stop::No,
            1 => Stop::Gently,
            _ => Stop::AtOnce,
        }
    }
}

/// Builds the kernel of this flavour, and plays the tour meanwhile.
///
/// # Errors
/// As [`linux::ensure`]; whoever leaves the tour stops the build.
pub(super) fn build(flavour: Flavour) -> BuildResult<Kernel> {
    let (tape, config) = match (tour::recording(), dashboard::read_config()) {
        (Ok(tape), Ok(config)) => (tape, config),
        // Neither is worth a kernel.
        _ => return linux::ensure(flavour, &mut Show::new()),
    };
    let beside = Arc::<Beside>::default();
    beside.say(format!("Building the {flavour} kernel"));
    let stop = Arc::<AtomicU8>::default();
    let mut told = LineProgress {
        line: Line::default(),
        beside: Arc::clone(&beside),
        stop: Arc::clone(&stop),
    };
    let ends = Arc::clone(&beside);
    let build = move || {
        let built = linux::ensure(flavour, &mut told);
        ends.end();
        built
    };
    let thread = thread::Builder::new().name("build".into()).spawn(build).map_err(|source| {
        BuildError::Io { doing: "start a thread for the build".into(), source }
    })?;
    let playing = Playing { config, from_ms: 0, paused: false, beside: Some(Arc::clone(&beside)) };
    let left = dashboard::play(tape, &playing);
    // The second Ctrl-C does not wait for the end of a step.
    let interrupt = Interrupt::catch().ok();
    let over = beside.is_over();
    if !over {
        match left {
            Ok(Ended::Quit) => {
                eprintln!("stopping where the next run can go on; Ctrl-C ends it at once");
                stop.store(1, Ordering::Relaxed);
            }
            // Without a picture the build goes on.
            Err(error) => eprintln!("note: {error}; the build goes on without the tour"),
            Ok(Ended::Signal(_) | Ended::Panicked) => stop.store(2, Ordering::Relaxed),
        }
    }
    while !thread.is_finished() {
        if interrupt.as_ref().is_some_and(|interrupt| interrupt.stop() > Stop::No) {
            stop.store(2, Ordering::Relaxed);
        }
        thread::sleep(LOOK);
    }
    drop(interrupt);
    let built = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    if over && built.is_ok() {
        again();
    }
    built
}

/// Begins again, now that there is a kernel: what read keys and signals for the tour
/// would go on doing so. Returns only where that can't be.
fn again() {
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let error = Command::new(program).arg0(name).args(words).exec();
    tracing::warn!("begin again after the build: {error}");
}
