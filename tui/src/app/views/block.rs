// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 5: block. The bytes of a device, read and written through kmod.
//!
//! What is on the screen was read by READ64, which leaves the module's position
//! alone, in stretches somewhat larger than the screen; it is read anew after
//! each write, whoever wrote. The user's own reads and writes are BREAD, BWRITE
//! and their kin, which move the position as the original's did.

mod forms;
pub mod layout;
mod operations;

use std::ops::Range;

use ringside_uapi::kmod::DEFAULT_BLOCK_DEVICE;

use self::layout::Layout;
pub use self::operations::file;
use self::operations::{Transfer, refresh};
use super::View;
use super::ready::{Readiness, readiness, ready};
use crate::app::calls::{Owner, Report};
use crate::app::commands::Command;
use crate::app::event::Move;
use crate::app::hex::Differences;
use crate::app::layers::{Confirm, Layer};
use crate::app::model::Model;
use crate::target::api::{BlockDevice, BlockDeviceInfo, Capability, LabRequest, Request};
use crate::target::{Item, TargetError};

/// The module.
pub const MODULE: &str = "kmod";
/// Where the guest's stick always is.
const STICK: &str = "/dev/ringside-usb";

/// Which of this view's calls an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// What the device is.
    Info,
    /// What the module was loaded with.
    Module,
    /// The block devices there are.
    Devices,
    /// The bytes on the screen.
    Window,
    /// A read of the user's.
    Read,
    /// A piece of a write of the user's.
    Write,
    /// A sync.
    Sync,
    /// Our side of a comparison.
    Ours,
    /// The other side of it.
    Theirs,
    /// A file to write.
    File,
    /// The stick goes in (`true`) or out.
    Stick(bool),
}

/// Bytes of the device and where they begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Where.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Stretch {
    /// The byte at an offset of the device, if it is among them.
    pub fn at(&self, offset: u64) -> Option<u8> {
        let position = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        self.bytes.get(position).copied()
    }

    /// The offset after the last byte.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// A stretch as kmod and as `pread` see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The node that `pread` reads.
    pub path: String,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes were asked for.
    pub size: u32,
    /// What kmod sees.
    pub ours: Option<Vec<u8>>,
    /// What `pread` sees.
    pub theirs: Option<Vec<u8>>,
    /// Where they differ, once both are there.
    pub differences: Option<Differences>,
}

/// Bytes that were moved last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Which.
    pub range: Range<u64>,
    /// Were they written?
    pub written: bool,
}

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// What the device is.
    pub info: Option<BlockDeviceInfo>,
    /// The node that the module was loaded for.
    pub device: Option<String>,
    /// The block devices there are.
    pub devices: Vec<BlockDevice>,
    /// The offset of the first row on the screen.
    pub top: u64,
    /// The byte under the cursor.
    pub cursor: u64,
    /// The bytes that are known, around those on the screen.
    pub window: Option<Stretch>,
    /// Why nothing could be read.
    pub error: Option<TargetError>,
    /// The bytes moved last.
    pub moved: Option<Moved>,
    /// The last comparison.
    pub comparison: Option<Comparison>,
    /// What was done last, in a sentence.
    pub said: Option<String>,
    /// A write under way: what is left to do.
    pub transfer: Option<Transfer>,
    /// A write that waits for its file: at this offset, or at the position.
    file_for: Option<Option<u64>>,
    /// Where a read under way began.
    read_from: u64,
    reading: bool,
    read_again: bool,
    known: bool,
    seen_operations: i64,
    seen_written: i64,
    seen_plugged: Option<bool>,
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "block-read",
        keys: &["r"],
        title: "read",
        help: "read bytes, on from the position or at an offset, and go there",
        hint: true,
        enabled: usable,
        run: forms::read,
    },
    Command {
        name: "block-write",
        keys: &["w"],
        title: "write",
        help: "write text, hex, a pattern or a file, on from the position or at an offset",
        hint: true,
        enabled: writable,
        run: forms::write,
    },
    Command {
        name: "block-sync",
        keys: &["s"],
        title: "sync",
        help: "make every write durable; tells whether the device took them",
        hint: true,
        enabled,
        run: operations::sync,
    },
    Command {
        name: "block-go",
        keys: &["o"],
        title: "go to",
        help: "show the bytes at an offset: 4096, 0x1000, 4K, 8s (sectors)",
        hint: true,
        enabled,
        run: forms::go,
    },
    Command {
        name: "block-compare",
        keys: &["c"],
        title: "compare",
        help: "compare a range with what pread sees on the same device",
        hint: true,
        enabled: usable,
        run: forms::compare,
    },
    Command {
        name: "block-next-difference",
        keys: &["n"],
        title: "next difference",
        help: "go to the next byte on which kmod and pread differ",
        hint: false,
        enabled: |model| match differences(model) {
            Some(differences) if !differences.is_empty() => Ok(()),
            Some(_) => Err("the compared ranges are the same".into()),
            None => Err("nothing was compared yet (c compares)".into()),
        },
        run: next_difference,
    },
    Command {
        name: "block-refresh",
        keys: &["i"],
        title: "read again",
        help: "ask the device again what it is and what it holds",
        hint: false,
        enabled,
        run: refresh,
    },
    Command {
        name: "block-unplug",
        keys: &["u"],
        title: "unplug",
        help: "pull the USB stick out of the running guest",
        hint: true,
        enabled: |model| plugged(model, true),
        run: unplug,
    },
    Command {
        name: "block-plug",
        keys: &["p"],
        title: "plug in",
        help: "plug the USB stick into the guest again",
        hint: true,
        enabled: |model| plugged(model, false),
        run: |model| stick(model, true),
    },
];

/// What it provides.
pub const VIEW: View = View {
    module: |_| Some(MODULE.into()),
    enter: |model| {
        model.block.known = false;
        tick(model);
    },
    tick,
    navigate,
    escape,
    click: |model, _, index| go(model, index as u64),
    copy,
    new_guest: |model| model.block = State::default(),
    ..View::new(
        "Block",
        "Bytes of a USB stick, read and written from inside the kernel",
        COMMANDS,
    )
};

fn enabled(model: &Model) -> Result<(), String> {
    ready(model, MODULE, Capability::Block)
}

/// Can bytes be moved?
fn usable(model: &Model) -> Result<(), String> {
    enabled(model)?;
    match &model.block.info {
        Some(info) if info.gone => {
            Err("the device was taken away (p plugs it in, then R reloads kmod)".into())
        }
        Some(_) => Ok(()),
        None => Err("the device has not answered yet".into()),
    }
}

fn writable(model: &Model) -> Result<(), String> {
    usable(model)?;
    if model.block.info.is_some_and(|info| info.read_only) {
        return Err("the device can only be read".into());
    }
    match &model.block.transfer {
        Some(_) => Err("a write is still under way (X cancels it)".into()),
        None => Ok(()),
    }
}

/// Can the stick be pulled out (`true`) or plugged in?
fn plugged(model: &Model, wanted: bool) -> Result<(), String> {
    model.link.can(Capability::Lab)?;
    match model.link.lab.as_ref().map(|lab| lab.stick_plugged) {
        Some(plugged) if plugged == wanted => Ok(()),
        Some(true) => Err("the stick is plugged in (u pulls it out)".into()),
        Some(false) => Err("the stick is not plugged in (p plugs it in)".into()),
        None => Err("there is no lab".into()),
    }
}

/// Asks what is not known, and again when the module or the stick is another one.
fn tick(model: &mut Model) {
    let ready = readiness(model, MODULE, Capability::Block) == Readiness::Ready;
    let number = |name| model.counters.value(MODULE, name).unwrap_or(0);
    let (operations, written) = (number("operations"), number("bytes_written"));
    let plugged = model.link.lab.as_ref().map(|lab| lab.stick_plugged);
    let state = &mut model.block;
    let another = operations < state.seen_operations;
    let stale = written != state.seen_written && state.transfer.is_none();
    state.seen_operations = operations;
    if !ready {
        if state.known {
            forget(state);
            model.changed();
        }
        return;
    }
    if another {
        forget(state);
    }
    if !state.known || plugged != state.seen_plugged {
        state.known = true;
        state.seen_plugged = plugged;
        state.seen_written = written;
        operations::introduce(model);
        refresh(model);
    } else if stale && !state.reading {
        state.seen_written = written;
        refresh(model);
    }
}

/// What was known of the device does not hold any more; the place stays.
fn forget(state: &mut State) {
    *state = State {
        top: state.top,
        cursor: state.cursor,
        devices: std::mem::take(&mut state.devices),
        ..State::default()
    };
}

/// Takes an item of one of this view's calls.
pub fn item(model: &mut Model, call: Call, item: Item) {
    operations::item(model, call, item);
    model.changed();
}

/// The node to compare with.
fn node(model: &Model) -> String {
    let guest = model
        .link
        .kernel
        .as_ref()
        .is_some_and(|kernel| kernel.guest);
    let fallback = if guest { STICK } else { DEFAULT_BLOCK_DEVICE };
    model
        .block
        .device
        .clone()
        .unwrap_or_else(|| fallback.to_owned())
}

/// The device's size in bytes, as far as it is known.
pub fn size(model: &Model) -> u64 {
    let counted = model.counters.value(MODULE, "device_size").unwrap_or(0);
    let counted = u64::try_from(counted).unwrap_or(0);
    let size = model.block.info.map_or(counted, |info| info.size);
    // What the other end says is not trusted so far that sums could overflow.
    size.min(i64::MAX as u64)
}

/// Puts the cursor on a byte and shows it.
fn go(model: &mut Model, offset: u64) {
    let size = size(model);
    let layout = Layout::of_screen(model.size, model.zoom);
    let (per_row, lines) = (layout.per_row(size), layout.lines());
    let cursor = offset.min(size.saturating_sub(1));
    let row = cursor / per_row;
    let top = model.block.top / per_row;
    let top = if row < top {
        row
    } else if row >= top + lines {
        row + 1 - lines
    } else {
        top
    };
    model.block.cursor = cursor;
    model.block.top = top * per_row;
    model.changed();
    operations::show(model);
}

/// The same with the byte in the first row.
fn go_to_top(model: &mut Model, offset: u64) {
    model.block.top = offset;
    go(model, offset);
}

fn navigate(model: &mut Model, to: Move) {
    let size = size(model);
    let layout = Layout::of_screen(model.size, model.zoom);
    let per_row = layout.per_row(size);
    let page = per_row * layout.lines();
    let now = model.block.cursor;
    let offset = match to {
        Move::Left => now.saturating_sub(1),
        Move::Right => now + 1,
        Move::Up if now < per_row => now,
        Move::Up => now - per_row,
        Move::Down if now + per_row >= size => now,
        Move::Down => now + per_row,
        Move::PageUp => {
            model.block.top = model.block.top.saturating_sub(page);
            now.saturating_sub(page)
        }
        Move::PageDown => {
            let last = size.saturating_sub(page).next_multiple_of(per_row);
            model.block.top = (model.block.top + page).min(last);
            now + page
        }
        Move::Home => 0,
        Move::End => size.saturating_sub(1),
    };
    go(model, offset);
}

/// Marks of what was moved or compared go first.
fn escape(model: &mut Model) -> bool {
    let state = &mut model.block;
    let marked = state.moved.take().is_some() | state.comparison.take().is_some();
    if marked {
        state.said = None;
        model.changed();
    }
    marked
}

fn differences(model: &Model) -> Option<&Differences> {
    model.block.comparison.as_ref()?.differences.as_ref()
}

fn next_difference(model: &mut Model) {
    let Some(comparison) = &model.block.comparison else {
        return;
    };
    let Some(differences) = &comparison.differences else {
        return;
    };
    let starts = differences
        .runs
        .iter()
        .map(|run| comparison.offset + run.start as u64);
    let cursor = model.block.cursor;
    let next = starts.clone().find(|start| *start > cursor);
    if let Some(next) = next.or_else(|| starts.clone().next()) {
        go(model, next);
    }
}

fn unplug(model: &mut Model) {
    model.open(Layer::Confirm(Confirm {
        title: "Pull the stick out?".into(),
        text: "It goes without a warning, as when a hand pulls it. What was not synced is lost."
            .into(),
        command: "QMP: device_del usb-storage".into(),
        context: String::new(),
        yes: |model, _| stick(model, false),
    }));
}

/// Asks the lab to plug the stick in, or to pull it out.
fn stick(model: &mut Model, plug: bool) {
    let (title, request) = if plug {
        ("plug the stick in", LabRequest::Plug)
    } else {
        ("pull the stick out", LabRequest::Unplug)
    };
    let owner = Owner::Block(Call::Stick(plug));
    model.start(owner, title, Report::Shown, Request::Lab(request));
}

/// What was moved last, or the row under the cursor, as hex.
fn copy(model: &Model) -> Option<String> {
    let state = &model.block;
    let window = state.window.as_ref()?;
    let per_row = Layout::of_screen(model.size, model.zoom).per_row(size(model));
    let row = state.cursor / per_row * per_row;
    let range = match &state.moved {
        Some(moved) => moved.range.clone(),
        None => row..row + per_row,
    };
    let bytes = range.filter_map(|offset| window.at(offset));
    let words: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
