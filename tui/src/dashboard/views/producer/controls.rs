// SPDX-License-Identifier: MIT OR Apache-2.0
//! The controls' values, and the keys that change them.

use ringside_uapi::producer_consumer::DELAY_MAX;

use super::queue::{Knob, Write};
use super::state::{Call, MODULE, Pane};
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::model::Model;
use crate::kernel::api::Request;
use crate::kernel::{Item, TargetResult};

/// The delays that the keys choose from, in microseconds.
const DELAYS: [u64; 13] = [
    0, 100, 1_000, 5_000, 10_000, 50_000, 100_000, 300_000, 500_000, 1_000_000, 2_000_000,
    5_000_000, 10_000_000,
];

/// A control's value: what was asked for last, until the kernel says what it is.
pub(crate) fn value(model: &Model, knob: Knob) -> Option<u64> {
    let asked = model.producer.controls.value(knob, model.counters.samples());
    asked.or_else(|| {
        let value = model.counters.control_value(MODULE, knob.file())?;
        u64::try_from(value).ok()
    })
}

pub(crate) fn pause(model: &mut Model) {
    let paused = value(model, Knob::Paused) == Some(1);
    write(model, Knob::Paused, u64::from(!paused));
}

/// The delays that the pace keys change.
pub(crate) fn paced(focus: Pane) -> &'static [Knob] {
    match focus {
        Pane::Producers => &[Knob::ProducerDelay],
        Pane::Consumers => &[Knob::ConsumerDelay],
        Pane::Ring => &[Knob::ProducerDelay, Knob::ConsumerDelay],
    }
}

pub(crate) fn change_pace(model: &mut Model, faster: bool) {
    for knob in paced(model.producer.focus) {
        let Some(now) = value(model, *knob) else {
            continue;
        };
        let next = if faster {
            DELAYS.into_iter().rev().find(|delay| *delay < now)
        } else {
            DELAYS.into_iter().find(|delay| *delay > now)
        };
        match next {
            Some(next) => write(model, *knob, next.min(DELAY_MAX)),
            None if faster => model.note("There is no delay left to shorten"),
            None => model.note("Longer delays can be typed: d"),
        }
    }
}

/// Writes a control, after everything that was asked for before and matters to it.
pub(crate) fn write(model: &mut Model, knob: Knob, value: u64) {
    if let Some(write) = model.producer.controls.ask(knob, value) {
        start(model, write);
    }
    model.changed();
}

fn start(model: &mut Model, Write { knob, value }: Write) {
    model.start(
        Owner::Producer(Call::Set(knob)),
        &format!("set {MODULE} {}", knob.file()),
        Report::Shown,
        Request::Set {
            module: MODULE.into(),
            control: knob.file().into(),
            value: value.to_string(),
        },
    );
}

/// Takes an item of one of this view's calls.
pub fn item(model: &mut Model, call: Call, item: Item) {
    let Call::Set(knob) = call;
    if let Item::Done(result) = item {
        over(model, knob, &result);
    }
}

fn over(model: &mut Model, knob: Knob, result: &TargetResult<()>) {
    let samples = model.counters.samples();
    let next = model.producer.controls.over(knob, result.is_ok(), samples);
    if let Some(next) = next {
        start(model, next);
    }
    model.changed();
}
