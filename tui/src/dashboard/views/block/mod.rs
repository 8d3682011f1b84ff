// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 5: block. The bytes of a device, read and written through kmod.
//!
//! What is on the screen was read by READ64, which leaves the module's position
//! alone, in stretches somewhat larger than the screen; it is read anew after
//! each write, whoever wrote. The user's own reads and writes are BREAD, BWRITE
//! and their kin, which move the position as the original's did.

mod comparison;
mod cursor;
mod device;
pub(crate) mod draw;
mod forms;
#[cfg(test)]
mod keys;
pub mod layout;
mod operations;
pub mod state;
#[cfg(test)]
mod tests;
mod window;

use self::comparison::{differences, next_difference};
use self::cursor::{go, navigate};
pub use self::device::size;
use self::layout::Layout;
pub use self::operations::{file, item};
use self::state::Call;
pub use self::state::{MODULE, State};
use self::window::refresh;
use super::ready::{Readiness, readiness, ready};
use super::view::View;
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::command::Command;
use crate::dashboard::core::layer::{Confirm, Layer};
use crate::dashboard::core::model::Model;
use crate::kernel::api::{Capability, LabRequest, Request};

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
    zooms: true,
    charts: true,
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
    ..View::new("Block", "Bytes of a USB stick, read and written from inside the kernel", COMMANDS)
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
    let readiness = readiness(model, MODULE, Capability::Block);
    let ready = readiness == Readiness::Ready;
    let number = |name| model.counters.value(MODULE, name).unwrap_or(0);
    let (operations, written) = (number("operations"), number("bytes_written"));
    let plugged = model.link.lab.as_ref().map(|lab| lab.stick_plugged);
    let state = &mut model.block;
    let another = operations < state.seen_operations;
    let stale = written != state.seen_written && state.transfer.is_none();
    state.seen_operations = operations;
    if !ready {
        // Without an answer from the kernel, what was known of the device stays.
        let unknown =
            matches!(readiness, Readiness::Dead | Readiness::Lost { .. } | Readiness::Waiting(_));
        if state.known && !unknown {
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
        device::introduce(model);
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
