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
pub(super) mod layout;
mod past;
mod picture;
mod queue;
pub(super) mod ring;
pub(super) mod state;
mod story;
#[cfg(test)]
mod tests;

use self::controls::{change_pace, paced, pause, value, write, written};
use self::cursor::{click, navigate};
use self::layout::RingShape;
use self::past::Past;
use self::picture::TABLE;
pub(super) use self::picture::picture;
pub(super) use self::queue::Knob;
use self::ring::{Kind, SLOT_SIZE, SNAPSHOT_SIZE, THREAD_SIZE};
pub(super) use self::state::{Call, MODULE, Pane, Producer};
use super::ready::ready;
use super::view::{View, next};
use crate::dashboard::core::{About, Command, Move, Owner, Shared, command};
use crate::dashboard::paint::Canvas;
use crate::kernel::Item;
use crate::kernel::api::{Capability, Request, TableRange};
use ratatui::layout::Rect;

/// The most bytes of a table that one sample carries.
const TABLE_MAX: usize = 1 << 20;
/// How often the threads of a module that is not ours are asked for.
const FOREIGN_MS: u64 = 1000;
/// Bytes that are read before it is known how many threads there are.
const FIRST_LOOK: usize = 4096;

const COMMANDS: &[Command<Producer>] = &[
    command("ring-pause", &["p"], "pause", "Pause all threads, or let them go on", pause)
        .when(enabled),
    command(
        "ring-step",
        &["s"],
        "step",
        "While paused, let one item be produced or consumed",
        |view, shared| write(view, shared, Knob::Step, 1),
    )
    .when(paused_only),
    command(
        "ring-steps",
        &["S"],
        "steps",
        "While paused, let a number of items through",
        forms::steps,
    )
    .when(paused_only)
    .quiet(),
    command(
        "ring-faster",
        &["+", "="],
        "faster",
        "Shorten the delay of the side that has the focus, or of both",
        |view, shared| change_pace(view, shared, true),
    )
    .when(enabled),
    command(
        "ring-slower",
        &["-"],
        "slower",
        "Lengthen the delay of the side that has the focus, or of both",
        |view, shared| change_pace(view, shared, false),
    )
    .when(enabled),
    command(
        "ring-full-speed",
        &["0"],
        "full speed",
        "No delay at all: as fast as the machine can",
        |view: &mut Producer, shared| {
            for knob in paced(view.focus) {
                write(view, shared, *knob, 0);
            }
        },
    )
    .when(enabled),
    command(
        "ring-delays",
        &["d"],
        "delays",
        "Type the delays of producers and consumers",
        forms::delays,
    )
    .when(enabled),
    command(
        "ring-parameters",
        &["e"],
        "threads, size",
        "Load the module again with other numbers of threads and slots",
        forms::parameters,
    )
    .when(|_, shared| shared.can(Capability::Modules)),
];

const ABOUT: About = About {
    id: "producer-consumer",
    title: "Producer–consumer",
    short: "Threads",
    about: "Threads pass items through a ring of slots; two semaphores keep them in step",
    shows: "threads, ring and semaphores",
    module: Some(MODULE),
    zooms: true,
    panels: true,
    charts: true,
};

impl View for Producer {
    type Call = Call;

    fn commands() -> &'static [Command<Self>] {
        COMMANDS
    }

    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, shared: &Shared) {
        draw::draw(canvas, area, self, shared);
    }

    fn on_reply(&mut self, shared: &mut Shared, call: Call, item: Item) {
        match (call, item) {
            (Call::Set(knob), Item::Done(result)) => written(self, shared, knob, &result),
            (Call::Foreign, Item::Module(detail)) => {
                self.foreign = Some(detail);
                shared.changed();
            }
            _ => {}
        }
    }

    fn tick(&mut self, shared: &mut Shared) {
        ask_foreign(self, shared);
    }

    fn navigate(&mut self, shared: &mut Shared, to: Move) {
        navigate(self, shared, to);
    }

    fn focus(&mut self, shared: &mut Shared, forward: bool) {
        self.focus = next(&Pane::ALL, self.focus, forward);
        shared.changed();
    }

    fn click(&mut self, shared: &mut Shared, pane: u8, index: usize) {
        click(self, shared, pane, index);
    }

    fn copy(&self, shared: &Shared) -> Option<String> {
        picture(self, shared).map(|picture| picture.text(self.focus))
    }

    fn sampled(&mut self, shared: &mut Shared) {
        picture::sampled(self, shared);
    }

    fn new_guest(&mut self, _: &mut Shared) {
        // Where it is the old one, wound back, its numbers go on from others.
        self.past = Past::default();
    }

    fn tables(&self, shared: &Shared) -> Vec<TableRange> {
        tables(shared)
    }
}

fn enabled(_: &Producer, shared: &Shared) -> Result<(), String> {
    ready(shared, MODULE, Capability::Modules)?;
    match shared.foreign(MODULE) {
        true => Err(format!("this {MODULE} is not Ringside's: it has no controls")),
        false => Ok(()),
    }
}

/// Asks again and again what a module that only bears the name of ours does.
fn ask_foreign(view: &mut Producer, shared: &mut Shared) {
    if !shared.foreign(MODULE) {
        view.foreign = None;
        view.asked_ms = None;
    } else if view.asked_ms.is_none_or(|asked| shared.now_ms >= asked + FOREIGN_MS) {
        view.asked_ms = Some(shared.now_ms);
        let owner = Owner::view(Call::Foreign);
        if !shared.calls.has(&owner) {
            let request = Request::Module { name: MODULE.into() };
            shared.start_unlogged(owner, "list its threads", request);
        }
    }
}

fn paused_only(view: &Producer, shared: &Shared) -> Result<(), String> {
    enabled(view, shared)?;
    match value(view, shared, Knob::Paused) {
        Some(1) => Ok(()),
        _ => Err(shared.fill("only while paused ({ring-pause} pauses)")),
    }
}

/// As much of the snapshot as the picture shows.
fn tables(shared: &Shared) -> Vec<TableRange> {
    let size = match picture::now(shared) {
        None => FIRST_LOOK,
        Some(now) => {
            let space = cursor::space(shared, Pane::Ring);
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
