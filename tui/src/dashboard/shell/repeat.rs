// SPDX-License-Identifier: MIT OR Apache-2.0
//! After a crash: wound back to the newest mark, what was done since is done again, or
//! the ring is paused to be gone through step by step.

use super::marks::rewind_to;
use crate::dashboard::core::deeds::{Deed, Then};
use crate::dashboard::core::{Connection, Owner, Report, Shared};
use crate::kernel::api::{GuestState, MarkInfo, Request};

/// The module that has single steps.
const RING: &str = ringside_uapi::producer_consumer::MODULE.name;

/// Its control that parks all its threads.
const PAUSED: &str = "paused";

/// The newest mark, where the ring was loaded then.
pub(crate) fn ring_mark(shared: &Shared) -> Option<&MarkInfo> {
    shared.marks.newest().filter(|mark| mark.modules.iter().any(|name| name == RING))
}

/// When the newest mark was made, in the shared's time.
fn moment(shared: &Shared) -> Option<u64> {
    let mark = shared.marks.newest()?;
    Some(shared.marks.at_ms.saturating_sub(mark.age_ms))
}

/// What was done from here since the newest mark.
pub(crate) fn done_since(shared: &Shared) -> Vec<&Deed> {
    moment(shared).map(|moment| shared.deeds.since(moment).collect()).unwrap_or_default()
}

/// Winds back, and pauses the ring there.
pub(crate) fn step(shared: &mut Shared) {
    if let Some(mark) = ring_mark(shared).cloned() {
        back(shared, &mark, Then::Step);
    }
}

/// Winds back, and does again what was done since.
pub(crate) fn again(shared: &mut Shared) {
    if let (Some(mark), Some(moment)) = (shared.marks.newest().cloned(), moment(shared)) {
        let then = shared.deeds.again(moment);
        back(shared, &mark, then);
    }
}

fn back(shared: &mut Shared, mark: &MarkInfo, then: Then) {
    let Some(dead) = shared.link.dead().map(|lab| lab.generation) else {
        return;
    };
    rewind_to(shared, mark);
    shared.deeds.plan = Some((dead, then));
}

/// Does what is planned as soon as it can be. Runs after every event.
pub(crate) fn keep_up(shared: &mut Shared) {
    let Some((dead, _)) = &shared.deeds.plan else {
        return;
    };
    let Some(lab) = &shared.link.lab else {
        return;
    };
    if lab.generation == *dead || lab.guest == GuestState::Starting {
        return;
    }
    let back = lab.generation == dead + 1 && lab.rewound_ms.is_some();
    if !back || lab.guest != GuestState::Running {
        // Another guest than was meant, or it died of what was done again.
        shared.deeds.plan = None;
        return;
    }
    if shared.link.connection != Connection::Up {
        return;
    }
    let Some((dead, then)) = shared.deeds.plan.take() else {
        return;
    };
    if let Some(then) = go_on(shared, then) {
        shared.deeds.plan = Some((dead, then));
    }
}

/// Takes a step of what is planned; returns what is left of it.
fn go_on(shared: &mut Shared, then: Then) -> Option<Then> {
    let Then::Again { mut deeds, many, since_ms, mut running } = then else {
        pause(shared);
        return None;
    };
    let now_ms = shared.now_ms;
    let since = since_ms.unwrap_or(now_ms);
    if running.is_some_and(|tag| shared.calls.get(tag).is_none()) {
        running = None;
    }
    if running.is_none()
        && let Some((due, _)) = deeds.front()
        && now_ms >= since + due
        && let Some((_, deed)) = deeds.pop_front()
    {
        let number = many - deeds.len();
        shared.note(format!("again: {} ({number} of {many})", deed.line()));
        let Deed { title, request, input, .. } = deed;
        running = Some(shared.start_with(Owner::Nobody, &title, Report::Shown, request, input));
        shared.modules_stale = true;
    }
    if deeds.is_empty() && running.is_none() {
        shared.modules_stale = true;
        shared.done("what you did since the mark was done again");
        return None;
    }
    Some(Then::Again { deeds, many, since_ms: Some(since), running })
}

/// Pauses the ring and shows it.
fn pause(shared: &mut Shared) {
    let request = Request::Set { module: RING.into(), control: PAUSED.into(), value: "1".into() };
    shared.start(Owner::Nobody, "pause the ring", Report::Shown, request);
    let view = shared.tabs.iter().find(|about| about.module == Some(RING)).map(|about| about.id);
    if let Some(view) = view {
        shared.show(view);
    }
    let text = shared.fill("the ring is paused: {ring-step} lets one item through");
    shared.done(text);
}
