// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of the device, and what its answers change.

use std::sync::Arc;

use super::layout::Layout;
use super::{Call, Comparison, MODULE, Moved, Stretch, go, go_to_top, node, size};
use crate::app::calls::{Owner, Report};
use crate::app::effect::Effect;
use crate::app::hex::{Differences, size_text};
use crate::app::model::Model;
use crate::target::api::{BLOCK_MAX, BlockAction, BlockOutcome, Request};
use crate::target::{Item, TargetResult};

/// Bytes that are read around those on the screen, on either side.
const MARGIN: u64 = 4096;
/// Stretches begin at a multiple of this.
const ALIGNMENT: u64 = 512;
/// Bytes of a file that are written at most.
const FILE_MAX: usize = 256 << 20;

/// A write in pieces.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Everything to write.
    pub data: Arc<Vec<u8>>,
    /// How much of it is written.
    pub done: usize,
    /// Where it began.
    pub start: u64,
    /// By offset, or on from the position?
    pub at_offset: bool,
}

/// Asks for something without an entry in the command log.
fn quietly(model: &mut Model, call: Call, request: Request) {
    let tag = model.call(Owner::Block(call), "read the device", Report::Silent, None);
    model.effect(Effect::Start {
        tag,
        request,
        input: Arc::default(),
    });
}

fn block(model: &mut Model, call: Call, title: &str, action: BlockAction) {
    let owner = Owner::Block(call);
    model.start(owner, title, Report::Shown, Request::Block(action));
}

/// Asks what the module was loaded with, and which devices there are.
pub(super) fn introduce(model: &mut Model) {
    let name = MODULE.to_owned();
    quietly(model, Call::Module, Request::Module { name });
    quietly(model, Call::Devices, Request::BlockDevices);
}

/// Asks again what the device is and what it holds on the screen.
pub(super) fn refresh(model: &mut Model) {
    quietly(model, Call::Info, Request::Block(BlockAction::Info));
    model.block.error = None;
    // What is there stays on the screen until the new bytes arrive.
    fetch(model);
}

/// Reads what is on the screen unless it is known.
pub(super) fn show(model: &mut Model) {
    let (from, to) = visible(model);
    let known = |window: &Stretch| window.offset <= from && to <= window.end();
    if !model.block.window.as_ref().is_some_and(known) {
        fetch(model);
    }
}

/// The offsets that are on the screen.
fn visible(model: &Model) -> (u64, u64) {
    let total = size(model);
    let layout = Layout::of_screen(model.size, model.zoom);
    let visible = layout.per_row(total) * layout.lines();
    (model.block.top, (model.block.top + visible).min(total))
}

/// Reads what is on the screen.
fn fetch(model: &mut Model) {
    let total = size(model);
    if total == 0 {
        return;
    }
    let (from, to) = visible(model);
    if model.block.reading {
        model.block.read_again = true;
        return;
    }
    let start = from.saturating_sub(MARGIN) / ALIGNMENT * ALIGNMENT;
    let end = (to + MARGIN).min(total);
    model.block.reading = true;
    model.block.read_from = start;
    let action = BlockAction::ReadAt {
        offset: start,
        size: (end - start).min(u64::from(BLOCK_MAX)) as u32,
    };
    quietly(model, Call::Window, Request::Block(action));
}

/// Reads for the user, on from the position or at an offset.
pub(super) fn read(model: &mut Model, at: Option<u64>, bytes: u32) {
    let start = at.unwrap_or_else(|| position(model));
    model.block.moved = Some(Moved {
        range: start..start,
        written: false,
    });
    block(model, Call::Read, "read the device", read_action(at, bytes));
}

/// The operation that reads on from the position or at an offset.
pub(super) fn read_action(at: Option<u64>, size: u32) -> BlockAction {
    match at {
        None => BlockAction::Read { size },
        Some(offset) => match u32::try_from(offset) {
            Ok(offset) => BlockAction::SeekRead { offset, size },
            Err(_) => BlockAction::ReadAt { offset, size },
        },
    }
}

/// The operation that writes on from the position or at an offset.
pub(super) fn write_action(at: Option<u64>, data: Vec<u8>) -> BlockAction {
    match at {
        None => BlockAction::Write { data },
        Some(offset) => match u32::try_from(offset) {
            Ok(offset) => BlockAction::SeekWrite { offset, data },
            Err(_) => BlockAction::WriteAt { offset, data },
        },
    }
}

/// Where BREAD and BWRITE go on.
pub(super) fn position(model: &Model) -> u64 {
    let counted = model.counters.value(MODULE, "position");
    let known = model.block.info.map(|info| info.position);
    known
        .or(counted.and_then(|value| u64::try_from(value).ok()))
        .unwrap_or(0)
}

/// Starts to write.
pub(super) fn write(model: &mut Model, at: Option<u64>, data: Vec<u8>) {
    model.block.transfer = Some(Transfer {
        data: Arc::new(data),
        done: 0,
        start: at.unwrap_or_else(|| position(model)),
        at_offset: at.is_some(),
    });
    piece(model);
}

/// Reads a file of this machine, then writes it.
pub(super) fn write_file(model: &mut Model, at: Option<u64>, path: &str) {
    model.block.file_for = Some(at);
    let title = format!("read {path}");
    let tag = model.call(Owner::Block(Call::File), &title, Report::Shown, None);
    let path = path.to_owned();
    model.effect(Effect::ReadFile { tag, path });
}

/// A file was read, or not.
pub fn file(model: &mut Model, call: Call, result: Result<Vec<u8>, String>) {
    let at = model.block.file_for.take();
    let (Call::File, Some(at), Ok(bytes)) = (call, at, result) else {
        return;
    };
    let start = at.unwrap_or_else(|| position(model));
    let room = size(model).saturating_sub(start);
    if bytes.is_empty() {
        model.note("The file is empty: nothing was written");
    } else if bytes.len() > FILE_MAX || bytes.len() as u64 > room {
        let (file, room) = (size_text(bytes.len() as u64), size_text(room));
        model.note(format!(
            "The file has {file}, only {room} are left on the device"
        ));
    } else {
        write(model, at, bytes);
    }
}

/// Writes the next piece.
fn piece(model: &mut Model) {
    let Some(transfer) = &model.block.transfer else {
        return;
    };
    let done = transfer.done;
    let end = (done + BLOCK_MAX as usize).min(transfer.data.len());
    let data = transfer.data[done..end].to_vec();
    let offset = transfer.start + done as u64;
    let action = write_action(transfer.at_offset.then_some(offset), data);
    let total = transfer.data.len();
    let title = if total > BLOCK_MAX as usize {
        format!("write, {} % done", done * 100 / total)
    } else {
        "write to the device".to_owned()
    };
    block(model, Call::Write, &title, action);
}

/// Makes writes durable.
pub(super) fn sync(model: &mut Model) {
    block(model, Call::Sync, "sync the device", BlockAction::Sync);
}

/// Reads a range both ways.
pub(super) fn compare(model: &mut Model, path: &str, offset: u64, size: u32) {
    model.block.comparison = Some(Comparison {
        path: path.to_owned(),
        offset,
        size,
        ..Comparison::default()
    });
    block(
        model,
        Call::Ours,
        "compare: read by kmod",
        BlockAction::ReadAt { offset, size },
    );
    let peek = Request::Peek {
        path: path.to_owned(),
        offset,
        size,
    };
    let owner = Owner::Block(Call::Theirs);
    model.start(owner, "compare: read by pread", Report::Shown, peek);
    go(model, offset);
}

/// Takes an item of one of this view's calls.
pub(super) fn item(model: &mut Model, call: Call, item: Item) {
    match (call, item) {
        (Call::Info, Item::Block(BlockOutcome::Info(info))) => {
            let grown = size(model) != info.size;
            model.block.info = Some(info);
            if info.gone {
                model.block.window = None;
                model.block.moved = None;
                model.block.comparison = None;
                return;
            }
            if grown || model.block.window.is_none() && model.block.error.is_none() {
                go(model, model.block.cursor);
            }
        }
        (Call::Info, Item::Done(Err(error))) => model.block.error = Some(error),
        (Call::Module, Item::Module(detail)) => {
            let mut parameters = detail.parameters.into_iter();
            let device = parameters.find(|parameter| parameter.name == "device");
            let value = device.and_then(|parameter| parameter.value);
            model.block.device = value.filter(|value| value.starts_with('/'));
        }
        (Call::Devices, Item::BlockDevices(devices)) => model.block.devices = devices,
        (Call::Window, Item::Block(BlockOutcome::Bytes(bytes))) => {
            let offset = model.block.read_from;
            model.block.window = Some(Stretch { offset, bytes });
        }
        (Call::Window, Item::Done(result)) => window(model, result),
        (Call::Read, Item::Block(BlockOutcome::Bytes(bytes))) => was_read(model, &bytes),
        (Call::Read, Item::Done(_)) => refresh_info(model),
        (Call::Write, Item::Block(BlockOutcome::Written(count))) => {
            if let Some(transfer) = &mut model.block.transfer {
                transfer.done += count as usize;
                if count == 0 {
                    // The end of the device: what is left has no place.
                    let done = transfer.done;
                    Arc::make_mut(&mut transfer.data).truncate(done);
                }
            }
        }
        (Call::Write, Item::Done(result)) => wrote(model, &result),
        (Call::Sync, Item::Done(result)) => {
            if result.is_ok() {
                model.block.said = Some("synced: every write is on the device".into());
            }
            refresh_info(model);
        }
        (Call::Ours, Item::Block(BlockOutcome::Bytes(bytes))) => {
            compared(model, |comparison| comparison.ours = Some(bytes));
        }
        (Call::Theirs, Item::Bytes(bytes)) => {
            compared(model, |comparison| comparison.theirs = Some(bytes));
        }
        (Call::Ours | Call::Theirs, Item::Done(Err(_))) => model.block.comparison = None,
        (Call::Stick(plugged), Item::Done(result)) => stick(model, plugged, &result),
        _ => {}
    }
}

fn window(model: &mut Model, result: TargetResult<()>) {
    model.block.reading = false;
    let again = std::mem::take(&mut model.block.read_again);
    match result {
        Ok(()) => model.block.error = None,
        Err(error) => {
            model.block.error = Some(error);
            model.block.window = None;
            return;
        }
    }
    if again {
        fetch(model);
    }
}

fn refresh_info(model: &mut Model) {
    quietly(model, Call::Info, Request::Block(BlockAction::Info));
}

fn was_read(model: &mut Model, bytes: &[u8]) {
    let Some(moved) = &mut model.block.moved else {
        return;
    };
    let start = moved.range.start;
    moved.range.end = start + bytes.len() as u64;
    let count = bytes.len();
    model.block.said = Some(match count {
        0 => format!("read nothing: {start:#x} is the end of the device"),
        _ => format!("read {count} bytes at {start:#x}"),
    });
    go_to_top(model, start);
}

fn wrote(model: &mut Model, result: &TargetResult<()>) {
    let Some(transfer) = &model.block.transfer else {
        return;
    };
    let (start, done) = (transfer.start, transfer.done as u64);
    if result.is_ok() && transfer.done < transfer.data.len() {
        piece(model);
        return;
    }
    model.block.transfer = None;
    if done > 0 {
        model.block.moved = Some(Moved {
            range: start..start + done,
            written: true,
        });
        model.block.said = Some(format!(
            "wrote {done} bytes at {start:#x}; s makes them durable"
        ));
    }
    refresh(model);
    if done > 0 {
        go_to_top(model, start);
    }
}

fn compared(model: &mut Model, note: impl FnOnce(&mut Comparison)) {
    let Some(comparison) = &mut model.block.comparison else {
        return;
    };
    note(comparison);
    let (Some(ours), Some(theirs)) = (&comparison.ours, &comparison.theirs) else {
        return;
    };
    let differences = Differences::between(ours, theirs);
    let path = &comparison.path;
    let equal = ours.len() - differences.bytes.min(ours.len());
    model.block.said = Some(match differences.runs.first() {
        None => format!("the same: kmod and pread of {path} see {equal} equal bytes"),
        Some(first) => format!(
            "{} of {} bytes differ from what pread sees, the first at {:#x} (n: next)",
            differences.bytes,
            ours.len().max(theirs.len()),
            comparison.offset + first.start as u64
        ),
    });
    comparison.differences = Some(differences);
}

fn stick(model: &mut Model, plugged: bool, result: &TargetResult<()>) {
    quietly(model, Call::Devices, Request::BlockDevices);
    if result.is_err() {
        return;
    }
    let loaded = model.loaded(MODULE).is_some();
    if loaded {
        refresh(model);
    }
    let node = node(model);
    model.block.said = Some(match (plugged, loaded) {
        (true, true) => "the stick is in; R reloads kmod, which still holds the old one".into(),
        (true, false) => format!("the stick is in, as {node}; L loads kmod"),
        (false, true) => "the stick is out; s (sync) shows how the kernel reports it".into(),
        (false, false) => "the stick is out".into(),
    });
}
