// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 3: producer–consumer. Threads on both sides, the ring between them,
//! and the keys that change its pace.
//!
//! The picture is what the last sample says; a key only writes a control of
//! the module, and the picture follows when the kernel does.

mod controls;
mod cursor;
pub(crate) mod draw;
mod edge;
mod forms;
#[cfg(test)]
mod keys;
pub mod layout;
mod past;
mod picture;
mod queue;
pub mod ring;
pub mod state;
mod story;
#[cfg(test)]
mod tests;

pub use self::controls::item;
use self::controls::{change_pace, paced, pause, value, write};
pub use self::cursor::pane_number;
use self::cursor::{click, focus, navigate};
use self::layout::RingShape;
pub use self::past::Second;
use self::picture::TABLE;
pub use self::picture::{Picture, picture};
pub use self::queue::Knob;
use self::ring::{Kind, SLOT_SIZE, SNAPSHOT_SIZE, THREAD_SIZE};
pub use self::state::{Call, MODULE, Pane, State};
use super::ready::ready;
use super::view::View;
use crate::dashboard::core::command::Command;
use crate::dashboard::core::model::Model;
use crate::kernel::api::{Capability, TableRange};

/// The most bytes of a table that one sample carries.
const TABLE_MAX: usize = 1 << 20;
/// Bytes that are read before it is known how many threads there are.
const FIRST_LOOK: usize = 4096;

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
    zooms: true,
    panels: true,
    charts: true,
    module: |_| Some(MODULE.into()),
    navigate,
    focus,
    click,
    copy,
    sampled: picture::sampled,
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

/// As much of the snapshot as the picture shows.
fn tables(model: &Model) -> Vec<TableRange> {
    let size = match picture::now(model) {
        None => FIRST_LOOK,
        Some(now) => {
            let space = cursor::space(model, Pane::Ring);
            let shape = RingShape::new(now.capacity, now.count(Kind::Producer), space);
            // Where a cell stands for many slots, it is told by the two ends.
            let slots = if shape.slots_per_cell() == 1 { now.slots } else { 0 };
            SNAPSHOT_SIZE + now.threads() * THREAD_SIZE + slots * SLOT_SIZE
        }
    };
    vec![TableRange {
        module: MODULE.into(),
        table: TABLE.into(),
        offset: 0,
        size: size.min(TABLE_MAX) as u32,
    }]
}

fn copy(model: &Model) -> Option<String> {
    picture(model).map(|picture| picture.text(model.producer.focus))
}
