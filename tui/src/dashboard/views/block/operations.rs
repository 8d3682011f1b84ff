// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of the device, and what its answers change.

use super::state::Block;
use crate::dashboard::core::message::TaskOutcome;
use crate::dashboard::core::{HostRequest, Owner, Report, Shared};
use std::sync::Arc;

use super::comparison::{compared, not_compared};
use super::cursor::{go, go_to_top};
use super::device::{block, guessed, node, position, quietly, refresh_info, size};
use super::state::{Call, FileFor, MODULE, Moved, Stretch, Transfer};
use super::window;
use super::window::refresh;
use crate::dashboard::core::host::Limit;
use crate::kernel::api::{BLOCK_MAX, BlockAction, BlockDeviceInfo, BlockOutcome, Request};
use crate::kernel::{Item, TargetError, TargetResult};

/// Bytes of a file that are written at most.
pub(crate) const FILE_MAX: u64 = 256 << 20;

/// Reads for the user, on from the position or at an offset.
pub(crate) fn read(view: &mut Block, shared: &mut Shared, at: Option<u64>, bytes: u32) {
    let start = at.unwrap_or_else(|| position(view, shared));
    view.moved = Some(Moved { range: start..start, written: false });
    block(shared, Call::Read, "read the device", read_action(at, bytes));
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
pub(crate) fn write(view: &mut Block, shared: &mut Shared, at: Option<u64>, data: Vec<u8>) {
    view.transfer = Some(Transfer {
        data: Arc::new(data),
        done: 0,
        start: at.unwrap_or_else(|| position(view, shared)),
        at_offset: at.is_some(),
    });
    piece(view, shared);
}

/// Reads a file of this machine, then writes it; with a size, so many bytes of
/// it, zeros after its end.
pub(crate) fn write_file(
    view: &mut Block,
    shared: &mut Shared,
    at: Option<u64>,
    path: &str,
    size: Option<u64>,
) {
    let start = at.unwrap_or_else(|| position(view, shared));
    let limit = match size {
        Some(size) => Limit { bytes: size, reason: None },
        None => file_limit(view, shared, start),
    };
    view.file_for = Some(FileFor { at, size });
    let request = HostRequest::ReadFile { path: path.to_owned(), limit };
    shared.ask_host(Owner::view(Call::File), &format!("read {path}"), Report::Listed, request);
}

/// How many bytes a file may have that is written from `start` on, and why.
fn file_limit(view: &Block, shared: &Shared, start: u64) -> Limit {
    let room = size(view, shared).saturating_sub(start);
    let reason = match room < FILE_MAX {
        true => format!("which is all that is left on the device from {start:#x}"),
        false => "the most that is written from one file".into(),
    };
    Limit { bytes: room.min(FILE_MAX), reason: Some(reason) }
}

/// A file was read, or not.
pub(crate) fn on_file(
    view: &mut Block,
    shared: &mut Shared,
    call: Call,
    result: Result<Vec<u8>, String>,
) {
    let (Call::File, Some(FileFor { at, size })) = (call, view.file_for.take()) else {
        return;
    };
    let owner = Owner::view(Call::File);
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
            shared.hold_on(&owner, Owner::view(Call::Write));
            write(view, shared, at, bytes);
        }
        Err(why) => {
            let why = match shared.link.in_guest() {
                true => format!("data: on the host, {why}"),
                false => format!("data: {why}"),
            };
            shared.answered(&owner, "write a file", &Err(TargetError::Invalid(why)));
        }
    }
}

/// Writes the next piece.
fn piece(view: &mut Block, shared: &mut Shared) {
    let Some(transfer) = &view.transfer else {
        return;
    };
    let done = transfer.done;
    let end = (done + BLOCK_MAX as usize).min(transfer.data.len());
    let data = transfer.data[done..end].to_vec();
    let offset = transfer.start.saturating_add(done as u64);
    let action = write_action(transfer.at_offset.then_some(offset), data);
    let total = transfer.data.len();
    let title = if total > BLOCK_MAX as usize {
        format!("write, {} % done", done * 100 / total)
    } else {
        "write to the device".to_owned()
    };
    block(shared, Call::Write, &title, action);
}

/// Makes writes durable.
pub(crate) fn sync(_: &mut Block, shared: &mut Shared) {
    block(shared, Call::Sync, "sync the device", BlockAction::Sync);
}

/// Takes an item of one of this view's calls.
pub(crate) fn on_reply(view: &mut Block, shared: &mut Shared, call: Call, item: Item) {
    match (call, item) {
        (Call::Info, Item::Block(BlockOutcome::Info(info))) => {
            on_info(view, shared, info);
        }
        (Call::Info, Item::Done(Err(error))) => view.error = Some(error),
        (Call::Module, Item::Module(detail)) => {
            let mut parameters = detail.parameters.into_iter();
            let device = parameters.find(|parameter| parameter.name == "device");
            let value = device.and_then(|parameter| parameter.value);
            view.device = value.filter(|value| value.starts_with('/'));
        }
        (Call::Devices, Item::BlockDevices(devices)) => {
            view.devices = devices;
            if shared.foreign(MODULE)
                && let Some(info) = guessed(view, shared)
            {
                on_info(view, shared, info);
            }
        }
        (Call::Window, Item::Bytes(bytes)) => {
            let offset = view.read_from;
            view.window = Some(Stretch { offset, bytes });
        }
        (Call::Window, Item::Block(BlockOutcome::Bytes(bytes))) => {
            let offset = view.read_from;
            view.window = Some(Stretch { offset, bytes });
        }
        (Call::Window, Item::Done(result)) => window::arrived(view, shared, result),
        (Call::Read, Item::Block(BlockOutcome::Bytes(bytes))) => {
            was_read(view, shared, &bytes);
            shared.end_task(&Owner::view(Call::Read), TaskOutcome::Read(bytes));
        }
        (Call::Read, Item::Done(result)) => {
            shared.answered(&Owner::view(Call::Read), "read the device", &result);
            refresh_info(shared);
        }
        (Call::Write, Item::Block(BlockOutcome::Written(count))) => {
            if let Some(transfer) = &mut view.transfer {
                transfer.done =
                    transfer.done.saturating_add(count as usize).min(transfer.data.len());
                if count == 0 {
                    // The end of the device: what is left has no place.
                    let done = transfer.done;
                    Arc::make_mut(&mut transfer.data).truncate(done);
                }
            }
        }
        (Call::Write, Item::Done(result)) => wrote(view, shared, &result),
        (Call::Sync, Item::Done(result)) => {
            if result.is_ok() {
                view.said = Some("synced: every write is on the device".into());
            }
            refresh_info(shared);
        }
        (Call::Ours, Item::Block(BlockOutcome::Bytes(bytes))) => {
            compared(view, shared, |comparison| comparison.ours = Some(bytes));
        }
        (Call::Theirs, Item::Bytes(bytes)) => {
            compared(view, shared, |comparison| comparison.theirs = Some(bytes));
        }
        (Call::Ours | Call::Theirs, Item::Done(Err(error))) => not_compared(view, shared, error),
        (Call::Stick(plugged), Item::Done(result)) => stick(view, shared, plugged, &result),
        _ => {}
    }
}

/// What the device is, is known.
fn on_info(view: &mut Block, shared: &mut Shared, info: BlockDeviceInfo) {
    let grown = size(view, shared) != info.size;
    view.info = Some(info);
    if info.gone {
        view.window = None;
        view.moved = None;
        view.comparison = None;
        return;
    }
    if grown || view.window.is_none() && view.error.is_none() {
        go(view, shared, view.cursor);
    }
}

/// A module that is not ours does not say where it stands: behind what was moved.
fn stands_at(view: &mut Block, shared: &Shared, position: u64) {
    if let (true, Some(info)) = (shared.foreign(MODULE), &mut view.info) {
        info.position = position;
    }
}

fn was_read(view: &mut Block, shared: &mut Shared, bytes: &[u8]) {
    let Some(moved) = &mut view.moved else {
        return;
    };
    let start = moved.range.start;
    moved.range.end = start.saturating_add(bytes.len() as u64);
    let count = bytes.len();
    let end = moved.range.end;
    stands_at(view, shared, end);
    view.said = Some(match count {
        0 => format!("read nothing: {start:#x} is the end of the device"),
        _ => format!("read {count} bytes at {start:#x}"),
    });
    go_to_top(view, shared, start);
}

fn wrote(view: &mut Block, shared: &mut Shared, result: &TargetResult<()>) {
    let Some(transfer) = &view.transfer else {
        return;
    };
    let (start, done) = (transfer.start, transfer.done as u64);
    // The rest of a long write goes on without its form.
    shared.answered(&Owner::view(Call::Write), "write to the device", result);
    let Some(transfer) = &view.transfer else {
        return;
    };
    if result.is_ok() && transfer.done < transfer.data.len() {
        piece(view, shared);
        return;
    }
    view.transfer = None;
    shared.end_task(&Owner::view(Call::Write), TaskOutcome::Written(done as usize));
    if done > 0 {
        let end = start.saturating_add(done);
        view.moved = Some(Moved { range: start..end, written: true });
        stands_at(view, shared, end);
        view.said = Some(match shared.foreign(MODULE) {
            true => format!("wrote {done} bytes at {start:#x}"),
            false => format!(
                "wrote {done} bytes at {start:#x}; {} makes them durable",
                shared.keymap.press("block-sync")
            ),
        });
    }
    refresh(view, shared);
    if done > 0 {
        go_to_top(view, shared, start);
    }
}

fn stick(view: &mut Block, shared: &mut Shared, plugged: bool, result: &TargetResult<()>) {
    quietly(shared, Call::Devices, Request::BlockDevices);
    if result.is_err() {
        return;
    }
    let loaded = shared.loaded(MODULE).is_some();
    if loaded {
        refresh(view, shared);
    }
    let node = node(view, shared);
    view.said = Some(match (plugged, loaded) {
        (true, true) => {
            shared.fill("the stick is in; {reload} reloads kmod, which still holds the old one")
        }
        (true, false) => {
            format!("the stick is in, as {node}; {} loads kmod", shared.keymap.press("load"))
        }
        (false, true) => {
            shared.fill("the stick is out; {block-sync} (sync) shows how the kernel reports it")
        }
        (false, false) => "the stick is out".into(),
    });
}
