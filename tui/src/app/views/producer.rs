// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 3: producer–consumer. Threads on both sides, the ring between them,
//! and the keys that change its pace.
//!
//! The picture is what the last sample says; a key only writes a control of
//! the module, and the picture follows when the kernel does.

mod controls;
mod forms;
pub mod layout;
mod picture;

use ringside_uapi::producer_consumer::DELAY_MAX;

use self::controls::{Controls, value, write};
pub use self::controls::{Knob, item};
use self::layout::{Layout, RingShape, ThreadShape};
pub use self::picture::{Picture, picture};
use super::View;
use super::ready::ready;
use crate::app::commands::Command;
use crate::app::event::Move;
use crate::app::model::Model;
use crate::app::ring::{Kind, SLOT_SIZE, THREAD_SIZE};
use crate::target::api::{Capability, TableRange};

/// The module.
pub const MODULE: &str = "producer_consumer";

/// The most bytes of a table that one sample carries.
const TABLE_MAX: usize = 1 << 20;
/// Slots that are read at most; of a larger ring, the part around the cursor.
const SLOTS_READ: usize = TABLE_MAX / SLOT_SIZE;

/// The delays that the keys choose from, in microseconds.
const DELAYS: [u64; 13] = [
    0, 100, 1_000, 5_000, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_000_000,
    5_000_000, 10_000_000,
];

/// Which of this view's calls an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A control is being written.
    Set(Knob),
}

/// A part of the picture that can have the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The producers, left.
    Producers,
    /// The ring, in the middle.
    #[default]
    Ring,
    /// The consumers, right.
    Consumers,
}

impl Pane {
    const ALL: [Self; 3] = [Self::Producers, Self::Ring, Self::Consumers];
}

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Which pane has the focus.
    pub focus: Pane,
    /// The producer under the cursor, from 0.
    pub producer: usize,
    /// The consumer under the cursor, from 0.
    pub consumer: usize,
    /// The slot under the cursor.
    pub slot: usize,
    controls: Controls,
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "ring-pause",
        keys: &["p"],
        title: "pause",
        help: "Pause all threads, or let them go on",
        hint: true,
        enabled,
        run: pause,
    },
    Command {
        name: "ring-step",
        keys: &["s"],
        title: "step",
        help: "While paused, let one item be produced or consumed",
        hint: true,
        enabled: paused_only,
        run: |model| write(model, Knob::Step, 1),
    },
    Command {
        name: "ring-steps",
        keys: &["S"],
        title: "steps",
        help: "While paused, let a number of items through",
        hint: false,
        enabled: paused_only,
        run: forms::steps,
    },
    Command {
        name: "ring-faster",
        keys: &["+", "="],
        title: "faster",
        help: "Shorten the delay of the side that has the focus, or of both",
        hint: true,
        enabled,
        run: |model| change_pace(model, true),
    },
    Command {
        name: "ring-slower",
        keys: &["-"],
        title: "slower",
        help: "Lengthen the delay of the side that has the focus, or of both",
        hint: true,
        enabled,
        run: |model| change_pace(model, false),
    },
    Command {
        name: "ring-full-speed",
        keys: &["0"],
        title: "full speed",
        help: "No delay at all: as fast as the machine can",
        hint: false,
        enabled,
        run: |model| {
            for knob in paced(model.producer.focus) {
                write(model, *knob, 0);
            }
        },
    },
    Command {
        name: "ring-delays",
        keys: &["d"],
        title: "delays",
        help: "Type the delays of producers and consumers",
        hint: false,
        enabled,
        run: forms::delays,
    },
    Command {
        name: "ring-parameters",
        keys: &["e"],
        title: "threads, size",
        help: "Load the module anew with other numbers of threads and slots",
        hint: true,
        enabled: |model| model.link.can(Capability::Modules),
        run: forms::parameters,
    },
];

/// What it provides.
pub const VIEW: View = View {
    module: |_| Some(MODULE.into()),
    navigate,
    focus,
    click,
    copy,
    tables,
    ..View::new(
        "Producer–consumer",
        "Threads pass items through a ring of slots; two semaphores keep them in step",
        COMMANDS,
    )
};

fn enabled(model: &Model) -> Result<(), String> {
    ready(model, MODULE, Capability::Modules)
}

fn paused_only(model: &Model) -> Result<(), String> {
    enabled(model)?;
    match value(model, Knob::Paused) {
        Some(1) => Ok(()),
        _ => Err("only while paused (p pauses)".into()),
    }
}

fn pause(model: &mut Model) {
    let paused = value(model, Knob::Paused) == Some(1);
    write(model, Knob::Paused, u64::from(!paused));
}

/// The delays that the pace keys change.
fn paced(focus: Pane) -> &'static [Knob] {
    match focus {
        Pane::Producers => &[Knob::ProducerDelay],
        Pane::Consumers => &[Knob::ConsumerDelay],
        Pane::Ring => &[Knob::ProducerDelay, Knob::ConsumerDelay],
    }
}

fn change_pace(model: &mut Model, faster: bool) {
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

fn tables(model: &Model) -> Vec<TableRange> {
    let capacity = model.counters.value(MODULE, "capacity").unwrap_or(0);
    let capacity = usize::try_from(capacity).unwrap_or(0);
    let (first, count) = slots_read(capacity, model.producer.slot);
    let range = |table: &str, offset: usize, size: usize| TableRange {
        module: MODULE.into(),
        table: table.into(),
        offset: offset as u64,
        size: size as u32,
    };
    let threads = 2 * ringside_uapi::producer_consumer::THREADS_MAX as usize * THREAD_SIZE;
    vec![
        range("threads", 0, threads),
        range("slots", first * SLOT_SIZE, count.max(1) * SLOT_SIZE),
    ]
}

/// The part of a ring that is read: all of it, or the part around the cursor.
fn slots_read(capacity: usize, cursor: usize) -> (usize, usize) {
    if capacity <= SLOTS_READ {
        return (0, capacity);
    }
    // In coarse steps, so that moving the cursor seldom asks for another part.
    let step = SLOTS_READ / 2;
    let first = (cursor / step * step).min(capacity - SLOTS_READ);
    (first, SLOTS_READ)
}

/// The space of a pane, as it is drawn on this screen.
fn space(model: &Model, pane: Pane) -> (usize, usize) {
    let layout = Layout::of_screen(model.size);
    match pane {
        _ if model.zoom => layout::zoomed(model.size),
        Pane::Ring => layout.ring_space(),
        Pane::Producers | Pane::Consumers => layout.thread_space(),
    }
}

fn navigate(model: &mut Model, to: Move) {
    let Some(picture) = picture(model) else {
        return;
    };
    let focus = model.producer.focus;
    let space = space(model, focus);
    let (count, cell, row) = match focus {
        Pane::Ring => {
            let shape = RingShape::new(picture.capacity, picture.count(Kind::Producer), space);
            (
                picture.capacity,
                shape.slots_per_cell(),
                shape.slots_per_row(),
            )
        }
        Pane::Producers | Pane::Consumers => {
            let kind = if focus == Pane::Producers {
                Kind::Producer
            } else {
                Kind::Consumer
            };
            let count = picture.count(kind);
            let shape = ThreadShape::new(count, space);
            (count, 1, shape.per_row())
        }
    };
    let last = count.saturating_sub(1);
    let page = row * space.1.max(1);
    let position = match focus {
        Pane::Producers => &mut model.producer.producer,
        Pane::Ring => &mut model.producer.slot,
        Pane::Consumers => &mut model.producer.consumer,
    };
    let now = *position;
    *position = match to {
        Move::Left => now.saturating_sub(cell),
        Move::Right => now + cell,
        Move::Up => now.saturating_sub(row),
        Move::Down => now + row,
        Move::PageUp => now.saturating_sub(page),
        Move::PageDown => now + page,
        Move::Home => 0,
        Move::End => last,
    }
    .min(last);
    model.changed();
}

fn focus(model: &mut Model, forward: bool) {
    let panes = Pane::ALL;
    let now = panes.iter().position(|pane| *pane == model.producer.focus);
    let step = if forward { 1 } else { panes.len() - 1 };
    model.producer.focus = panes[(now.unwrap_or(0) + step) % panes.len()];
    model.changed();
}

/// The number of a pane in [`crate::app::Hit::Row`].
pub fn pane_number(pane: Pane) -> u8 {
    pane as u8
}

fn click(model: &mut Model, pane: u8, index: usize) {
    let Some(pane) = Pane::ALL
        .into_iter()
        .find(|known| pane_number(*known) == pane)
    else {
        return;
    };
    model.producer.focus = pane;
    match pane {
        Pane::Producers => model.producer.producer = index,
        Pane::Ring => model.producer.slot = index,
        Pane::Consumers => model.producer.consumer = index,
    }
    model.changed();
}

fn copy(model: &Model) -> Option<String> {
    picture(model).map(|picture| picture.text(model.producer.focus))
}
