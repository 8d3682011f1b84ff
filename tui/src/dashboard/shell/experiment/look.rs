// SPDX-License-Identifier: MIT OR Apache-2.0
//! Steps that look at the guest or run a program in it, and hold what they see
//! against what must be.

use std::sync::Arc;

use crate::dashboard::core::experiment::{Doing, Look, Running};
use crate::dashboard::core::{CallTag, Owner, Report, Shared};
use crate::dashboard::shell::model::Model;
use crate::experiment::in_words;
use crate::grade::spec::{Act, Mismatch, NothingLeft};
use crate::grade::{judge, left};
use crate::kernel::api::{Inventory, Item, OutputStream, Request, RunRequest};
use crate::kernel::{TargetError, TargetResult};

/// How long after a look the next one begins.
const AGAIN_MS: u64 = 250;
/// Seconds that a program may take which says nothing else.
const WITHIN: u32 = 60;
/// Where programs run: the dashboard's own folder is nobody's business.
const FOLDER: &str = "/";
/// Characters of what a program printed that texts may hold.
const TOLD: usize = 200;

/// Looks at what there is in the guest before the first step, for a later one to hold
/// against what there is then.
pub(super) fn before(shared: &mut Shared, settled: bool) -> Doing {
    let memory_kib = settled.then_some(0);
    let act = Act::NothingLeft(NothingLeft { memory_kib });
    let mut look = Box::new(Look::new(act, shared.now_ms));
    // What fails is tried again.
    drop(begin(shared, &mut look));
    Doing::Look(look)
}

/// Asks the guest.
///
/// # Errors
/// It can't be asked that.
pub(super) fn begin(shared: &mut Shared, look: &mut Look) -> Result<(), String> {
    let (title, request, input) = match &look.act {
        Act::Run(run) => {
            let title = run.command.join(" ");
            (title, program(&judge::command(run)?), run.input.clone().into_bytes())
        }
        Act::NothingLeft(wanted) => {
            let settled = wanted.memory_kib.is_some();
            ("look at what there is".into(), Request::Inventory { settled }, Vec::new())
        }
        Act::Processes(wanted) => {
            let title = format!("look for processes called {}", wanted.name);
            (title, Request::Inventory { settled: false }, Vec::new())
        }
        Act::Peek(peek) => {
            let (path, offset, size) = (peek.path.clone(), peek.offset, peek.is.len() as u32);
            (format!("read {path}"), Request::Peek { path, offset, size }, Vec::new())
        }
        Act::File(file) => {
            let (path, size) = (file.path.clone(), judge::FILE_MAX);
            (format!("read {path}"), Request::Peek { path, offset: 0, size }, Vec::new())
        }
        _ => return Ok(()),
    };
    look.seen = Default::default();
    look.inventory = None;
    look.end = None;
    // A look that the student did not ask for is not theirs to type again.
    look.tag = Some(match &look.act {
        Act::Run(_) => {
            let input = Arc::new(input);
            shared.start_with(Owner::Experiment, &title, Report::Listed, request, input)
        }
        _ => shared.start_unlogged(Owner::Experiment, &title, request),
    });
    Ok(())
}

fn program<S: AsRef<str>>(command: &[S]) -> Request {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let environment = judge::ENVIRONMENT.into_iter().chain([("PWD", FOLDER)]);
    Request::Run(RunRequest {
        arguments: command.iter().map(|word| bytes(word.as_ref())).collect(),
        environment: environment.map(|(name, value)| (bytes(name), bytes(value))).collect(),
        directory: bytes(FOLDER),
        terminal: None,
    })
}

/// Looks again where it is time, and ends a program whose time is over.
pub(super) fn tick(model: &mut Model, look: &mut Look) {
    let now = model.now_ms;
    match look.tag {
        // What could be asked once can be asked again.
        None if now >= look.due_ms => drop(begin(model, look)),
        Some(tag) if !look.late && now >= look.since_ms + limit_ms(&look.act) => {
            look.late = true;
            model.cancel(tag);
        }
        _ => {}
    }
}

fn limit_ms(act: &Act) -> u64 {
    let seconds = match act {
        Act::Run(run) => run.within.unwrap_or(WITHIN),
        Act::File(file) => file.within.max(WITHIN),
        Act::Processes(wanted) => wanted.within.max(WITHIN),
        _ => WITHIN,
    };
    u64::from(seconds) * 1000
}

/// Takes an item of a look; another's is left alone.
pub(super) fn item(running: &mut Running, tag: CallTag, item: Item, now_ms: u64) {
    let Some(Doing::Look(look)) = &mut running.doing else { return };
    if look.tag != Some(tag) {
        return;
    }
    let mut keep = |place: usize, bytes: &[u8]| {
        let kept = &mut look.seen[place];
        let room = judge::PRINTED_MAX.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
    };
    match item {
        Item::Bytes(bytes) => keep(0, &bytes),
        Item::Output { stream, bytes } => {
            keep(usize::from(stream != OutputStream::Stdout), &bytes);
        }
        Item::Inventory(inventory) => look.inventory = Some(inventory),
        Item::Exited(end) => look.end = Some(end),
        Item::Done(result) => over(running, result, now_ms),
        _ => {}
    }
}

fn over(running: &mut Running, result: TargetResult<()>, now_ms: u64) {
    let Some(Doing::Look(look)) = &mut running.doing else { return };
    look.tag = None;
    let within = match &look.act {
        Act::File(file) => file.within,
        Act::Processes(wanted) => wanted.within,
        Act::NothingLeft(_) => left::GONE_WITHIN,
        _ => 0,
    };
    if running.run.wants_before().is_some() && running.before.is_none() {
        match look.inventory.take() {
            Some(inventory) => {
                running.before = Some(inventory);
                running.doing = None;
            }
            None => look.due_ms = now_ms + AGAIN_MS,
        }
        return;
    }
    let before = running.before.clone().unwrap_or_default();
    let (last, late) = (now_ms >= look.since_ms + u64::from(within) * 1000, look.late);
    let why = match (result, judged(look, &before)) {
        (Ok(()), Ok(())) => {
            if let (Act::Run(_), Some(end)) = (&look.act, look.end) {
                let printed = String::from_utf8_lossy(&look.seen[0]);
                let printed = printed.trim().chars().take(TOLD).collect();
                running.run.keep("run.printed", printed);
                running.run.keep("run.status", end.status().to_string());
            }
            running.doing = None;
            return running.run.done(Ok(()));
        }
        (Err(TargetError::Cancelled), _) if late => {
            format!("it had not ended when the limit of {} s was over", limit_ms(&look.act) / 1000)
        }
        (Err(error), _) => error.to_string(),
        (Ok(()), Err(wrong)) => in_words(&wrong),
    };
    if last {
        running.doing = None;
        running.run.done(Err(why));
    } else {
        look.due_ms = now_ms + AGAIN_MS;
    }
}

fn judged(look: &Look, before: &Inventory) -> Result<(), Mismatch> {
    let [seen, error] = &look.seen;
    let there = || look.inventory.clone().unwrap_or_default();
    match &look.act {
        Act::Run(run) => match look.end {
            Some(end) => judge::program(run, end, [seen, error]),
            None => {
                Err(Mismatch { reason: "how it ended is not known".into(), ..Mismatch::default() })
            }
        },
        Act::Peek(peek) => {
            judge::bytes(&format!("{} at offset {}", peek.path, peek.offset), &peek.is, seen)
        }
        Act::File(file) => judge::file(file, seen),
        Act::Processes(wanted) => judge::processes(wanted, &there().processes),
        Act::NothingLeft(wanted) => left::nothing_left(before, &there(), wanted),
        _ => Ok(()),
    }
}
