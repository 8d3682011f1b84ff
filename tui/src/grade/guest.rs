// SPDX-License-Identifier: MIT OR Apache-2.0
//! Asking a guest that may hang, flood or die at any moment: nothing waits for it
//! beyond a deadline, and nothing that it sends is kept without bounds.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::kernel::api::{Item, OutputStream, ProgramEnd, Request, RunRequest};
use crate::kernel::call::Calls;
use crate::kernel::{Target, TargetError, TargetResult};

/// How often whoever wants to stop is asked.
const LOOK: Duration = Duration::from_millis(200);

/// How long something may take, and whether it is still wanted.
#[derive(Clone, Copy)]
pub(super) struct Clock<'a> {
    /// When it must be over.
    pub(super) until: Instant,
    /// Did the user interrupt?
    pub(super) stop: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Clock<'a> {
    pub(super) fn new(seconds: u32, stop: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { until: Instant::now() + Duration::from_secs(seconds.into()), stop }
    }

    /// The same, but ending `seconds` from now if that is sooner.
    pub(super) fn within(self, seconds: Option<u32>) -> Self {
        let Some(seconds) = seconds else { return self };
        let until = Instant::now() + Duration::from_secs(seconds.into());
        Self { until: self.until.min(until), ..self }
    }

    pub(super) fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Sleeps, unless it is over before.
    pub(super) fn pause(self, time: Duration) -> TargetResult<()> {
        let end = (Instant::now() + time).min(self.until);
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
            if (self.stop)() {
                return Err(TargetError::Cancelled);
            }
            thread::sleep(left.min(LOOK));
        }
        Ok(())
    }

    /// The next item of a call.
    fn next(self, calls: &Calls, began: Instant) -> TargetResult<Item> {
        loop {
            if let Some(item) = calls.next_before(self.until.min(Instant::now() + LOOK)) {
                return Ok(item);
            }
            if (self.stop)() {
                return Err(TargetError::Cancelled);
            }
            if Instant::now() >= self.until {
                let seconds = began.elapsed().as_secs();
                return Err(TargetError::Silent(format!("it had not ended after {seconds} s")));
            }
        }
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
    let began = Instant::now();
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
    loop {
        match clock.next(&calls, began)? {
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

/// Runs a program of the host in the guest; of each of its outputs `most` bytes
/// are kept.
///
/// # Errors
/// As [`ask`].
pub(super) fn program(
    target: &Arc<dyn Target>,
    command: &[String],
    directory: &[u8],
    input: Vec<u8>,
    most: usize,
    clock: Clock<'_>,
) -> TargetResult<Ran> {
    let text = |text: &str| text.as_bytes().to_vec();
    let environment = [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/root"),
        ("LC_ALL", "C.UTF-8"),
        ("PWD", &String::from_utf8_lossy(directory)),
    ]
    .map(|(name, value)| (text(name), text(value)))
    .to_vec();
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
