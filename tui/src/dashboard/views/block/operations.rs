// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of the device, and what its answers change.

use std::sync::Arc;

use super::comparison::{compared, not_compared};
use super::cursor::{go, go_to_top};
use super::device::{block, node, position, quietly, refresh_info, size};
use super::state::{Call, FileFor, MODULE, Moved, Stretch, Transfer};
use super::window;
use super::window::refresh;
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::effect::{Effect, Limit};
use crate::dashboard::core::model::Model;
use crate::kernel::api::{BLOCK_MAX, BlockAction, BlockOutcome, Request};
use crate::kernel::{Item, TargetError, TargetResult};

/// Bytes of a file that are written at most.
pub(crate) const FILE_MAX: u64 = 256 << 20;

/// Reads for the user, on from the position or at an offset.
pub(crate) fn read(model: &mut Model, at: Option<u64>, bytes: u32) {
    let start = at.unwrap_or_else(|| position(model));
    model.block.moved = Some(Moved { range: start..start, written: false });
    block(model, Call::Read, "read the device", read_action(at, bytes));
}

/// The operation that reads on from the position or at an offset.
pub(crate) fn read_action(at: Option<u64>, size: u32) -> BlockAction {
    match at {
        None => BlockAction::Read { size },
        Some(offset) => match u32::try_from(offset) {
            Ok(offset) => BlockAction::SeekRead { offset, size },
            Err(_) => BlockAction::ReadAt { offset, size },
        },
    }
}

/// The operation that writes on from the position or at an offset.
pub(crate) fn write_action(at: Option<u64>, data: Vec<u8>) -> BlockAction {
    match at {
        None => BlockAction::Write { data },
        Some(offset) => match u32::try_from(offset) {
            Ok(offset) => BlockAction::SeekWrite { offset, data },
            Err(_) => BlockAction::WriteAt { offset, data },
        },
    }
}

/// Starts to write.
pub(crate) fn write(model: &mut Model, at: Option<u64>, data: Vec<u8>) {
    model.block.transfer = Some(Transfer {
        data: Arc::new(data),
        done: 0,
        start: at.unwrap_or_else(|| position(model)),
        at_offset: at.is_some(),
    });
    piece(model);
}

/// Reads a file of this machine, then writes it; with a size, so many bytes of
/// it, zeros after its end.
pub(crate) fn write_file(model: &mut Model, at: Option<u64>, path: &str, size: Option<u64>) {
    let start = at.unwrap_or_else(|| position(model));
    let limit = match size {
        Some(size) => Limit { bytes: size, reason: None },
        None => file_limit(model, start),
    };
    model.block.file_for = Some(FileFor { at, size });
    let title = format!("read {path}");
    let tag = model.call(Owner::Block(Call::File), &title, Report::Listed, None);
    let path = path.to_owned();
    model.effect(Effect::ReadFile { tag, path, limit });
}

/// How many bytes a file may have that is written from `start` on, and why.
fn file_limit(model: &Model, start: u64) -> Limit {
    let room = size(model).saturating_sub(start);
    let reason = match room < FILE_MAX {
        true => format!("which is all that is left on the device from {start:#x}"),
        false => "the most that is written from one file".into(),
    };
    Limit { bytes: room.min(FILE_MAX), reason: Some(reason) }
}

/// A file was read, or not.
pub fn file(model: &mut Model, call: Call, result: Result<Vec<u8>, String>) {
    let (Call::File, Some(FileFor { at, size })) = (call, model.block.file_for.take()) else {
        return;
    };
    let owner = Owner::Block(Call::File);
    let bytes = result.and_then(|bytes| match (bytes.is_empty(), size) {
        (true, _) => Err("the file is empty: nothing was written".to_owned()),
        (false, None) => Ok(bytes),
        (false, Some(size)) => {
            let mut bytes = bytes;
            bytes.resize(size as usize, 0);
            Ok(bytes)
        }
    });
    match bytes {
        Ok(bytes) => {
            model.hold_on(&owner, Owner::Block(Call::Write));
            write(model, at, bytes);
        }
        Err(why) => {
            let why = match model.link.in_guest() {
                true => format!("data: on the host, {why}"),
                false => format!("data: {why}"),
            };
            model.answered(&owner, "write a file", &Err(TargetError::Invalid(why)));
        }
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
pub(crate) fn sync(model: &mut Model) {
    block(model, Call::Sync, "sync the device", BlockAction::Sync);
}

/// Takes an item of one of this view's calls.
pub fn item(model: &mut Model, call: Call, item: Item) {
    answered(model, call, item);
    model.changed();
}

fn answered(model: &mut Model, call: Call, item: Item) {
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
        (Call::Window, Item::Done(result)) => window::arrived(model, result),
        (Call::Read, Item::Block(BlockOutcome::Bytes(bytes))) => was_read(model, &bytes),
        (Call::Read, Item::Done(result)) => {
            model.answered(&Owner::Block(Call::Read), "read the device", &result);
            refresh_info(model);
        }
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
        (Call::Ours | Call::Theirs, Item::Done(Err(error))) => not_compared(model, error),
        (Call::Stick(plugged), Item::Done(result)) => stick(model, plugged, &result),
        _ => {}
    }
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
    // The rest of a long write goes on without its form.
    model.answered(&Owner::Block(Call::Write), "write to the device", result);
    let Some(transfer) = &model.block.transfer else {
        return;
    };
    if result.is_ok() && transfer.done < transfer.data.len() {
        piece(model);
        return;
    }
    model.block.transfer = None;
    if done > 0 {
        model.block.moved = Some(Moved { range: start..start + done, written: true });
        model.block.said = Some(format!("wrote {done} bytes at {start:#x}; s makes them durable"));
    }
    refresh(model);
    if done > 0 {
        go_to_top(model, start);
    }
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
