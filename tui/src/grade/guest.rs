// SPDX-License-Identifier: MIT OR Apache-2.0
//! Asking a guest that may hang, flood or die at any moment: nothing waits for it
//! beyond a deadline, and nothing that it sends is kept without bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::judge::ENVIRONMENT;
use crate::kernel::api::{Item, OutputStream, ProgramEnd, Request, RunRequest};
use crate::kernel::call::Calls;
use crate::kernel::{Target, TargetError, TargetResult};
use crate::lab::error::{LabError, LabResult};
use crate::lab::options::LabOptions;
use crate::lab::private::PrivateLab;
use crate::lab::proc::Waited;
use crate::lab::vm::error::VmError;
use crate::lab::vm::start::Abort;

/// How often whoever wants to stop is asked.
const LOOK: Duration = Duration::from_millis(200);

/// The time of a guest: none of it goes by while its QEMU waits for a processor of
/// a busy host, so that no verdict depends on what else runs there.
pub(super) struct Pace {
    pid: i32,
    began: Instant,
    before: Waited,
    /// The most that was seen: a QEMU that has ended has no threads to ask any more.
    lost: AtomicU64,
}

impl Pace {
    /// Of the guest of this QEMU, from now on.
    pub(super) fn new(pid: i32) -> Self {
        Self { pid, began: Instant::now(), before: Waited::now(pid), lost: AtomicU64::new(0) }
    }

    /// How much of it has gone by.
    pub(super) fn now(&self) -> Duration {
        let lost = Waited::now(self.pid).since(&self.before).as_nanos();
        let lost = u64::try_from(lost).unwrap_or(u64::MAX);
        let most = self.lost.fetch_max(lost, Ordering::Relaxed).max(lost);
        self.began.elapsed().saturating_sub(Duration::from_nanos(most))
    }
}

/// How long something may take, and whether it is still wanted.
#[derive(Clone, Copy)]
pub(super) struct Clock<'a> {
    pace: &'a Pace,
    /// When it must be over, by the guest's time.
    until: Duration,
    /// The limit that this is, in seconds: what is said of it is the same each time.
    limit: u32,
    /// Did the user interrupt?
    stop: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Clock<'a> {
    pub(super) fn new(pace: &'a Pace, seconds: u32, stop: &'a (dyn Fn() -> bool + Sync)) -> Self {
        let until = pace.now() + Duration::from_secs(seconds.into());
        Self { pace, until, limit: seconds, stop }
    }

    /// The same, but ending `seconds` from now if that is sooner.
    pub(super) fn within(self, seconds: Option<u32>) -> Self {
        let Some(seconds) = seconds else { return self };
        let until = self.pace.now() + Duration::from_secs(seconds.into());
        if until < self.until { Self { until, limit: seconds, ..self } } else { self }
    }

    /// The same, but with so much time from now on.
    pub(super) fn restarted(self, time: Duration) -> Self {
        Self { until: self.pace.now() + time, ..self }
    }

    pub(super) fn left(self) -> Duration {
        self.until.saturating_sub(self.pace.now())
    }

    /// Waits in short turns until `poll` has something; `None`: the time is over.
    ///
    /// # Errors
    /// Nobody wants it any more.
    pub(super) fn wait<T>(
        self,
        mut poll: impl FnMut(Instant) -> Option<T>,
    ) -> TargetResult<Option<T>> {
        let mut turn = Duration::ZERO;
        loop {
            if let Some(found) = poll(Instant::now() + turn) {
                return Ok(Some(found));
            }
            turn = self.left().min(LOOK);
            if (self.stop)() {
                return Err(TargetError::Cancelled);
            }
            if turn.is_zero() {
                return Ok(None);
            }
        }
    }

    /// Sleeps, unless it is over before.
    pub(super) fn pause(self, time: Duration) -> TargetResult<()> {
        let clock = Self { until: self.until.min(self.pace.now() + time), ..self };
        let slept = clock.wait(|until| {
            thread::sleep(until.saturating_duration_since(Instant::now()));
            None::<()>
        });
        slept.map(drop)
    }

    /// The next item of a call.
    fn next(self, calls: &Calls) -> TargetResult<Item> {
        self.wait(|until| calls.next_before(until))?.ok_or_else(|| self.over())
    }

    /// What came of a call whose time is over.
    fn over(self) -> TargetError {
        let limit = self.limit;
        TargetError::Silent(format!("it had not ended when the limit of {limit} s was over"))
    }
}

/// Starts a guest, unless it is no longer wanted before it is there.
///
/// # Errors
/// It does not start, or nobody wants it any more.
pub(super) fn start(
    options: &LabOptions,
    stop: &(dyn Fn() -> bool + Sync),
) -> LabResult<PrivateLab> {
    let abort = Abort::default();
    let over = AtomicBool::new(false);
    let started = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if stop() {
                    return abort.now();
                }
                thread::park_timeout(LOOK);
            }
        });
        let started = PrivateLab::start_unless(options, &|_| (), &abort);
        over.store(true, Ordering::Relaxed);
        watch.thread().unpark();
        started
    });
    match started {
        Err(LabError::Vm(VmError::Aborted)) => Err(TargetError::Cancelled.into()),
        Err(_) if stop() => Err(TargetError::Cancelled.into()),
        started => started,
    }
}

/// Sends a request with its input, and returns the items of its answer.
///
/// # Errors
/// The request's; [`TargetError::Silent`] when its time is over,
/// [`TargetError::Cancelled`] when nobody wants it any more.
pub(super) fn ask(
    target: &dyn Target,
    request: Request,
    input: Vec<u8>,
    clock: Clock<'_>,
) -> TargetResult<Vec<Item>> {
    let mut items = Vec::new();
    each(target, request, input, clock, &mut |item| items.push(item))?;
    Ok(items)
}

fn each(
    target: &dyn Target,
    request: Request,
    input: Vec<u8>,
    clock: Clock<'_>,
    take: &mut dyn FnMut(Item),
) -> TargetResult<()> {
    let calls = Calls::start(target, request)?;
    let control = calls.control();
    // A guest that hangs has no room for it, ever.
    thread::Builder::new()
        .name("input".into())
        .spawn(move || {
            // The call itself says better why it takes no more.
            if input.is_empty() || control.send(&input).is_ok() {
                drop(control.close_input());
            }
        })
        .map_err(|error| TargetError::io(&error, "start a thread"))?;
    let mut looked = Instant::now();
    loop {
        // One that never stops talking is not waited for, either.
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if (clock.stop)() {
                return Err(TargetError::Cancelled);
            }
            if clock.left().is_zero() {
                return Err(clock.over());
            }
        }
        match clock.next(&calls)? {
            Item::Done(result) => return result,
            item => take(item),
        }
    }
}

/// What a program did.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) end: ProgramEnd,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    /// Did it print more than was kept?
    pub(super) cut: bool,
}

/// Runs a program of the host in a folder of the guest, with `more` in its environment;
/// of each of its outputs `most` bytes are kept.
///
/// # Errors
/// As [`ask`].
pub(super) fn program(
    target: &Arc<dyn Target>,
    command: &[String],
    (directory, more): (&[u8], &[(String, String)]),
    input: Vec<u8>,
    most: usize,
    clock: Clock<'_>,
) -> TargetResult<Ran> {
    let text = |text: &str| text.as_bytes().to_vec();
    let folder = String::from_utf8_lossy(directory);
    let more = more.iter().map(|(name, value)| (&**name, &**value));
    let environment = ENVIRONMENT.into_iter().chain([("PWD", &*folder)]).chain(more);
    let environment = environment.map(|(name, value)| (text(name), text(value))).collect();
    let request = Request::Run(RunRequest {
        arguments: command.iter().map(|word| text(word)).collect(),
        environment,
        directory: directory.to_vec(),
        terminal: None,
    });
    let (mut out, mut err, mut end, mut cut) = (Vec::new(), Vec::new(), None, false);
    each(&**target, request, input, clock, &mut |item| match item {
        Item::Output { stream, bytes } => {
            let kept = if stream == OutputStream::Stdout { &mut out } else { &mut err };
            let room = most.saturating_sub(Vec::len(kept)).min(bytes.len());
            cut |= room < bytes.len();
            kept.extend_from_slice(&bytes[..room]);
        }
        Item::Exited(how) => end = Some(how),
        _ => {}
    })?;
    let end = end.ok_or_else(|| TargetError::Protocol("how it ended is not known".into()))?;
    Ok(Ran { end, out, err, cut })
}
