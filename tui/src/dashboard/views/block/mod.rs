// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 5: block. The bytes of a device, read and written through kmod.
//!
//! What is on the screen was read by READ64, which leaves the module's position
//! alone, in stretches somewhat larger than the screen; it is read again after
//! each write, whoever wrote. The user's own reads and writes are BREAD, BWRITE
//! and their kin, which move the position as the original's did.

mod comparison;
mod cursor;
mod device;
pub(crate) mod draw;
mod facts;
mod forms;
#[cfg(test)]
mod keys;
pub(super) mod layout;
mod operations;
pub(super) mod state;
#[cfg(test)]
mod tests;
mod window;

use self::comparison::{differences, next_difference};
use self::cursor::{go, navigate};
pub(super) use self::device::size;
use self::layout::Layout;
use self::state::Call;
pub(super) use self::state::{Block, MODULE};
use self::window::refresh;
use super::ready::{Readiness, readiness, ready};
use super::view::View;
use crate::dashboard::core::message::Transfer;
use crate::dashboard::core::{
    About, Command, HostReply, HostResult, Message, Move, Owner, Report, Shared, command, vm,
};
use crate::dashboard::paint::Canvas;
use crate::kernel::Item;
use crate::kernel::api::{Capability, LabRequest, Request};
use ratatui::layout::Rect;

const COMMANDS: &[Command<Block>] = &[
    command(
        "block-read",
        &["r"],
        "read",
        "read bytes, on from the position or at an offset, and go there",
        forms::read,
    )
    .when(usable),
    command(
        "block-write",
        &["w"],
        "write",
        "write text, hex, a pattern or a file, on from the position or at an offset",
        forms::write,
    )
    .when(writable),
    command(
        "block-sync",
        &["s"],
        "sync",
        "make every write durable; tells whether the device took them",
        operations::sync,
    )
    .when(|view, shared| {
        enabled(view, shared)?;
        match shared.foreign(MODULE) {
            true => Err("this kmod is not Ringside's: it has no SYNC".into()),
            false => Ok(()),
        }
    }),
    command(
        "block-go",
        &["o"],
        "go to",
        "show the bytes at an offset: 4096, 0x1000, 4K, 8s (sectors)",
        forms::go,
    )
    .when(enabled),
    command(
        "block-compare",
        &["c"],
        "compare",
        "compare a range with what pread sees on the same device",
        forms::compare,
    )
    .when(usable),
    command(
        "block-next-difference",
        &["n"],
        "next difference",
        "go to the next byte on which kmod and pread differ",
        next_difference,
    )
    .when(|view, shared| match differences(view) {
        Some(differences) if !differences.is_empty() => Ok(()),
        Some(_) => Err("the compared ranges are the same".into()),
        None => Err(shared.fill("nothing was compared yet ({block-compare} compares)")),
    })
    .quiet(),
    command(
        "block-refresh",
        &["i"],
        "read again",
        "ask the device again what it is and what it holds",
        refresh,
    )
    .when(enabled),
    command(
        "block-unplug",
        &["u"],
        "unplug",
        "pull the USB stick out of the running guest",
        unplug,
    )
    .when(|_, shared| plugged(shared, true)),
    command(
        "block-plug",
        &["p"],
        "plug in",
        "plug the USB stick into the guest again",
        |_, shared| stick(shared, true),
    )
    .when(|_, shared| plugged(shared, false)),
];

const ABOUT: About = About {
    id: "block",
    title: "Block",
    short: "Block",
    about: "Bytes of a USB stick, read and written from inside the kernel",
    shows: "the bytes of the USB stick",
    module: Some(MODULE),
    zooms: true,
    charts: true,
    ..About::BARE
};

impl View for Block {
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
        operations::on_reply(self, shared, call, item);
        shared.changed();
    }

    fn on_host(&mut self, shared: &mut Shared, call: Call, result: HostResult) {
        operations::on_file(self, shared, call, result.map(HostReply::into_bytes));
    }

    fn enter(&mut self, shared: &mut Shared) {
        self.known = false;
        self.tick(shared);
    }

    /// Asks what is not known, and again when the module or the stick is another one.
    fn tick(&mut self, shared: &mut Shared) {
        let readiness = readiness(shared, MODULE, Capability::Block);
        let ready = readiness == Readiness::Ready;
        let number = |name| shared.counters.value(MODULE, name).unwrap_or(0);
        let (operations, written) = (number("operations"), number("bytes_written"));
        let plugged = shared.link.lab.as_ref().map(|lab| lab.stick_plugged);
        let another = operations < self.seen_operations;
        let stale = written != self.seen_written && self.transfer.is_none();
        self.seen_operations = operations;
        if !ready {
            // Without an answer from the kernel, what was known of the device stays.
            let unknown = matches!(
                readiness,
                Readiness::Dead | Readiness::Lost { .. } | Readiness::Waiting(_)
            );
            if self.known && !unknown {
                forget(self);
                shared.changed();
            }
            return;
        }
        if another {
            forget(self);
        }
        if !self.known || plugged != self.seen_plugged {
            self.known = true;
            self.seen_plugged = plugged;
            self.seen_written = written;
            device::introduce(shared);
            refresh(self, shared);
        } else if stale && !self.reading {
            self.seen_written = written;
            refresh(self, shared);
        }
    }

    fn navigate(&mut self, shared: &mut Shared, to: Move) {
        navigate(self, shared, to);
    }

    /// Marks of what was moved or compared go first.
    fn escape(&mut self, shared: &mut Shared) -> bool {
        let state = self;
        let marked = state.moved.take().is_some() | state.comparison.take().is_some();
        if marked {
            state.said = None;
            shared.changed();
        }
        marked
    }

    fn click(&mut self, shared: &mut Shared, _: u8, index: usize) {
        go(self, shared, index as u64);
    }

    /// What was moved last, or the row under the cursor, as hex.
    fn copy(&self, shared: &Shared) -> Option<String> {
        let state = self;
        let window = state.window.as_ref()?;
        let per_row =
            Layout::of_screen(shared.view_size(), shared.zoom).per_row(size(self, shared));
        let row = state.cursor / per_row * per_row;
        let range = match &state.moved {
            Some(moved) => moved.range.clone(),
            None => row..row + per_row,
        };
        let bytes = range.filter_map(|offset| window.at(offset));
        let words: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    fn fact(&self, shared: &Shared, name: &str) -> Option<String> {
        facts::fact(self, shared, name)
    }

    fn take(&mut self, shared: &mut Shared, message: &Message) -> bool {
        match message {
            Message::Module(name) => *name == MODULE,
            Message::Block(Transfer::Read { at, size }) => {
                shared.take_task(Owner::view(Call::Read));
                operations::read(self, shared, *at, *size);
                true
            }
            Message::Block(Transfer::Write { at, data }) => {
                shared.take_task(Owner::view(Call::Write));
                operations::write(self, shared, *at, data.clone());
                true
            }
            _ => false,
        }
    }

    fn new_guest(&mut self, _: &mut Shared) {
        *self = Self::default();
    }
}

fn enabled(_: &Block, shared: &Shared) -> Result<(), String> {
    ready(shared, MODULE, Capability::Block)
}

/// Can bytes be moved?
fn usable(view: &Block, shared: &Shared) -> Result<(), String> {
    enabled(view, shared)?;
    match &view.info {
        Some(info) if info.gone => Err(shared.fill(
            "the device was taken away ({block-plug} plugs it in, then {reload} reloads kmod)",
        )),
        Some(_) => Ok(()),
        None => Err("the device has not answered yet".into()),
    }
}

fn writable(view: &Block, shared: &Shared) -> Result<(), String> {
    usable(view, shared)?;
    if view.info.is_some_and(|info| info.read_only) {
        return Err("the device can only be read".into());
    }
    match &view.transfer {
        Some(_) => Err(shared.fill("a write is still under way ({cancel} cancels it)")),
        None => Ok(()),
    }
}

/// Can the stick be pulled out (`true`) or plugged in?
fn plugged(shared: &Shared, wanted: bool) -> Result<(), String> {
    vm::running(shared)?;
    match shared.link.lab.as_ref().map(|lab| lab.stick_plugged) {
        Some(plugged) if plugged == wanted => Ok(()),
        Some(true) => Err(shared.fill("the stick is plugged in ({block-unplug} pulls it out)")),
        Some(false) => Err(shared.fill("the stick is not plugged in ({block-plug} plugs it in)")),
        None => Err("there is no lab".into()),
    }
}

/// What was known of the device does not hold any more; the place stays.
fn forget(state: &mut Block) {
    *state = Block {
        top: state.top,
        cursor: state.cursor,
        devices: std::mem::take(&mut state.devices),
        ..Block::default()
    };
}

fn unplug(_: &mut Block, shared: &mut Shared) {
    let text = "It goes without a warning, as when a hand pulls it. What was not synced is lost.";
    let command = "QMP: device_del usb-storage";
    shared.confirm("Pull the stick out?", text, command, |(): &mut (), shared| {
        stick(shared, false);
    });
}

/// Asks the lab to plug the stick in, or to pull it out.
fn stick(shared: &mut Shared, plug: bool) {
    let (title, request) = if plug {
        ("plug the stick in", LabRequest::Plug)
    } else {
        ("pull the stick out", LabRequest::Unplug)
    };
    let owner = Owner::view(Call::Stick(plug));
    shared.start(owner, title, Report::Shown, Request::Lab(request));
}
