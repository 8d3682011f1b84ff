// SPDX-License-Identifier: MIT OR Apache-2.0
//! The module's controls: their values, and writing them one at a time.

use ringside_uapi::producer_consumer::DELAY_MAX;

use super::state::{Call, Knob, MODULE, Pane, Writing};
use crate::app::calls::{Owner, Report};
use crate::app::model::Model;
use crate::target::api::Request;
use crate::target::{Item, TargetResult};

/// The delays that the keys choose from, in microseconds.
const DELAYS: [u64; 13] = [
    0, 100, 1_000, 5_000, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_000_000,
    5_000_000, 10_000_000,
];

/// A control's value: what was asked for last, until the kernel has it.
pub fn value(model: &Model, knob: Knob) -> Option<u64> {
    if let Some(writing) = model.producer.writing[knob as usize] {
        return Some(writing.next.unwrap_or(writing.value));
    }
    let value = model.counters.control_value(MODULE, knob.file())?;
    u64::try_from(value).ok()
}

pub(super) fn pause(model: &mut Model) {
    let paused = value(model, Knob::Paused) == Some(1);
    write(model, Knob::Paused, u64::from(!paused));
}

/// The delays that the pace keys change.
pub(super) fn paced(focus: Pane) -> &'static [Knob] {
    match focus {
        Pane::Producers => &[Knob::ProducerDelay],
        Pane::Consumers => &[Knob::ConsumerDelay],
        Pane::Ring => &[Knob::ProducerDelay, Knob::ConsumerDelay],
    }
}

pub(super) fn change_pace(model: &mut Model, faster: bool) {
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

/// Writes a control, one write at a time: what is asked for meanwhile follows.
pub(super) fn write(model: &mut Model, knob: Knob, value: u64) {
    let writing = &mut model.producer.writing[knob as usize];
    match writing {
        Some(writing) if knob == Knob::Step => {
            writing.next = Some(writing.next.unwrap_or(0) + value);
        }
        Some(writing) => writing.next = Some(value),
        None => {
            *writing = Some(Writing { value, next: None });
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
    }
    model.changed();
}

/// Takes an item of one of this view's calls.
pub fn item(model: &mut Model, call: Call, item: Item) {
    let Call::Set(knob) = call;
    if let Item::Done(result) = item {
        written(model, knob, result);
    }
}

fn written(model: &mut Model, knob: Knob, result: TargetResult<()>) {
    let next = model.producer.writing[knob as usize]
        .take()
        .and_then(|writing| writing.next);
    if let (Ok(()), Some(next)) = (result, next) {
        write(model, knob, next);
    }
    model.changed();
}
