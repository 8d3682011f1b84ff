// SPDX-License-Identifier: MIT OR Apache-2.0
//! A module's functions under trace: events of the kernel's where each begins and
//! returns.
//!
//! Nothing stays behind in the kernel, however a trace ends: a process of its own
//! takes the probes away as soon as whoever traces lets go of it or dies
//! ([`keep`]), and the next trace takes away what is left where both were killed.

mod choose;
mod kallsyms;
mod ring;
mod session;
mod tally;
mod tracefs;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::time::ClockId;

use self::session::Session;
use super::sysfs::{folder, instance, not_loaded};
use super::task::{LocalCall, TakesInput, Task};
use super::{files, kernel};
use crate::kernel::api::{Item, Signal, TraceCalls, TraceEvent};
use crate::kernel::call::{Call, Sink};
use crate::kernel::error::{TargetError, TargetResult};

pub(crate) use self::tracefs::keep;

/// How often what was recorded is taken out of the kernel.
const DRAIN_EVERY: Duration = Duration::from_millis(50);

/// Any signal ends a trace, in good order: once nothing is left of it.
struct Ending(Arc<AtomicBool>);

impl TakesInput for Ending {
    fn signal(&self, _: Signal) -> TargetResult<()> {
        self.0.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Starts a trace.
pub(super) fn start(
    module: String,
    functions: Vec<String>,
    interval_ms: Option<u32>,
    sink: Sink,
) -> TargetResult<Call> {
    let task = Task::new(sink);
    let ending = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ending);
    task.spawn("trace", move |task| {
        let trace = Trace { module: &module, functions: &functions, end: &end, task };
        trace.run(interval_ms)
    })?;
    Ok(Call::new(Arc::new(LocalCall::new(task, Ending(ending)))))
}

struct Trace<'a> {
    module: &'a str,
    functions: &'a [String],
    end: &'a AtomicBool,
    task: &'a Task,
}

/// Why it does not go on.
enum Over {
    /// It was ended in good order.
    Ended,
    /// The module went.
    Unloaded,
    Cancelled,
}

impl Trace<'_> {
    fn run(&self, interval_ms: Option<u32>) -> TargetResult<()> {
        if let Some(interval_ms) = interval_ms
            && !(20..=60_000).contains(&interval_ms)
        {
            return Err(TargetError::Invalid(format!(
                "an interval of {interval_ms} ms between two looks; 20 to 60000 are possible"
            )));
        }
        let name = files::name("module", self.module)?;
        if !is_live(&folder(name)) {
            return Err(not_loaded(name, "trace"));
        }
        let interval = interval_ms.map(|ms| Duration::from_millis(ms.into()));
        loop {
            // Dropped before anything is said of its end.
            let over = {
                let loaded = instance(name);
                match Session::start(name, self.functions, interval.is_some()) {
                    // It was unloaded meanwhile.
                    Err(_) if instance(name) != loaded => Over::Unloaded,
                    Err(error) => return Err(error),
                    Ok((session, listed)) => {
                        let heard = self.emit(TraceEvent::Functions(listed));
                        match (session, interval) {
                            _ if !heard => Over::Cancelled,
                            (_, None) => Over::Ended,
                            (Some(mut session), Some(every)) => {
                                self.watch(&mut session, loaded, every)
                            }
                            (None, _) => return Err(nothing(name)),
                        }
                    }
                }
            };
            match over {
                Over::Ended => return Ok(()),
                Over::Cancelled => return Err(TargetError::Cancelled),
                Over::Unloaded => {}
            }
            if !self.emit(TraceEvent::Unloaded) {
                return Err(TargetError::Cancelled);
            }
            while !is_live(&folder(name)) {
                match self.pause() {
                    Some(Over::Ended) => return Ok(()),
                    Some(_) => return Err(TargetError::Cancelled),
                    None => {}
                }
            }
        }
    }

    /// Tells what is called, until that ends.
    fn watch(&self, session: &mut Session, loaded: Option<u64>, interval: Duration) -> Over {
        let mut next = Instant::now() + interval;
        let mut looked_ms = now_ms();
        loop {
            let over = self.pause();
            let over = over.or((instance(self.module) != loaded).then_some(Over::Unloaded));
            session.drain();
            if over.is_some() || Instant::now() >= next {
                next = Instant::now() + interval;
                let at_ms = now_ms();
                let over_ms = at_ms - std::mem::replace(&mut looked_ms, at_ms);
                let calls = TraceCalls { at_ms, over_ms, functions: session.changes() };
                if !calls.functions.is_empty() && !self.emit(TraceEvent::Calls(calls)) {
                    return Over::Cancelled;
                }
            }
            if let Some(over) = over {
                return over;
            }
        }
    }

    fn emit(&self, event: TraceEvent) -> bool {
        self.task.emit(Item::Trace(event))
    }

    /// Waits a moment; something, when the trace is to end.
    fn pause(&self) -> Option<Over> {
        if self.task.sleep(DRAIN_EVERY) {
            return Some(Over::Cancelled);
        }
        self.end.load(Ordering::Relaxed).then_some(Over::Ended)
    }
}

fn nothing(module: &str) -> TargetError {
    TargetError::Unsupported(format!(
        "no function of module {module} can be traced; `ringside trace {module} --list` says why"
    ))
}

/// Is the module loaded, and past its init function?
fn is_live(folder: &Path) -> bool {
    files::text(folder.join("initstate")).is_ok_and(|state| state == "live")
}

fn now_ms() -> u64 {
    kernel::clock_ms(ClockId::CLOCK_MONOTONIC)
}
