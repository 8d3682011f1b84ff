// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 3: producer–consumer. Threads on both sides, the ring between them,
//! and the keys that change its pace.
//!
//! The picture is what the last sample says; a key only writes a control of
//! the module, and the picture follows when the kernel does.

mod controls;
mod cursor;
mod edge;
mod forms;
pub mod layout;
mod picture;
mod queue;
pub mod state;

pub use self::controls::item;
use self::controls::{change_pace, paced, pause, value, write};
pub use self::cursor::pane_number;
use self::cursor::{click, focus, navigate};
pub use self::picture::{Picture, picture};
pub use self::queue::Knob;
pub use self::state::{Call, MODULE, Pane, State};
use super::ready::ready;
use super::view::View;
use crate::app::command::Command;
use crate::app::model::Model;
use crate::app::ring::{SLOT_SIZE, THREAD_SIZE};
use crate::kernel::api::{Capability, TableRange};

/// The most bytes of a table that one sample carries.
const TABLE_MAX: usize = 1 << 20;
/// Slots that are read at most; of a larger ring, the part around the cursor.
const SLOTS_READ: usize = TABLE_MAX / SLOT_SIZE;
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
    vec![range("threads", 0, threads), range("slots", first * SLOT_SIZE, count.max(1) * SLOT_SIZE)]
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

fn copy(model: &Model) -> Option<String> {
    picture(model).map(|picture| picture.text(model.producer.focus))
}
