// SPDX-License-Identifier: MIT OR Apache-2.0
//! The controls' values, and the keys that change them.

use super::state::Producer;
use ringside_uapi::producer_consumer::DELAY_MAX;

use super::queue::{Knob, Write};
use super::state::{Call, MODULE, Pane};
use crate::dashboard::core::{Owner, Report, Shared};
use crate::kernel::TargetResult;
use crate::kernel::api::Request;

/// The delays that the keys choose from, in microseconds.
const DELAYS: [u64; 13] = [
    0, 100, 1_000, 5_000, 10_000, 50_000, 100_000, 300_000, 500_000, 1_000_000, 2_000_000,
    5_000_000, 10_000_000,
];

/// A control's value: what was asked for last, until the kernel says what it is.
pub(crate) fn value(view: &Producer, shared: &Shared, knob: Knob) -> Option<u64> {
    let asked = view.controls.value(knob, shared.counters.samples());
    asked.or_else(|| {
        let value = shared.counters.control_value(MODULE, knob.file())?;
        u64::try_from(value).ok()
    })
}

pub(crate) fn pause(view: &mut Producer, shared: &mut Shared) {
    let paused = value(view, shared, Knob::Paused) == Some(1);
    write(view, shared, Knob::Paused, u64::from(!paused));
}

/// The delays that the pace keys change.
pub(crate) fn paced(focus: Pane) -> &'static [Knob] {
    match focus {
        Pane::Producers => &[Knob::ProducerDelay],
        Pane::Consumers => &[Knob::ConsumerDelay],
        Pane::Ring => &[Knob::ProducerDelay, Knob::ConsumerDelay],
    }
}

pub(crate) fn change_pace(view: &mut Producer, shared: &mut Shared, faster: bool) {
    for knob in paced(view.focus) {
        let Some(now) = value(view, shared, *knob) else {
            continue;
        };
        let next = if faster {
            DELAYS.into_iter().rev().find(|delay| *delay < now)
        } else {
            DELAYS.into_iter().find(|delay| *delay > now)
        };
        match next {
            Some(next) => write(view, shared, *knob, next.min(DELAY_MAX)),
            None if faster => shared.note("There is no delay left to shorten"),
            None => shared.note(shared.fill("Longer delays can be typed: {ring-delays}")),
        }
    }
}

/// Writes a control, after everything that was asked for before and matters to it.
pub(crate) fn write(view: &mut Producer, shared: &mut Shared, knob: Knob, value: u64) {
    if let Some(write) = view.controls.ask(knob, value) {
        start(shared, write);
    }
    shared.changed();
}

fn start(shared: &mut Shared, Write { knob, value }: Write) {
    shared.start(
        Owner::view(Call::Set(knob)),
        &format!("set {MODULE} {}", knob.file()),
        Report::Shown,
        Request::Set {
            module: MODULE.into(),
            control: knob.file().into(),
            value: value.to_string(),
        },
    );
}

/// A control was written, or not.
pub(crate) fn written(
    view: &mut Producer,
    shared: &mut Shared,
    knob: Knob,
    result: &TargetResult<()>,
) {
    let samples = shared.counters.samples();
    let next = view.controls.over(knob, result.is_ok(), samples);
    if let Some(next) = next {
        start(shared, next);
    }
    shared.changed();
}
