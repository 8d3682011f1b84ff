// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of the device, and how it is asked.

use super::state::Block;

use ringside_uapi::kmod::DEFAULT_BLOCK_DEVICE;

use super::state::{Call, MODULE};
use crate::dashboard::core::{Owner, Report, Shared};
use crate::kernel::api::{BlockAction, BlockDevice, BlockDeviceInfo, Request, STICK};

/// Asks for something without an entry in the command log.
pub(crate) fn quietly(shared: &mut Shared, call: Call, request: Request) {
    shared.start_unlogged(Owner::view(call), "read the device", request);
}

pub(crate) fn block(shared: &mut Shared, call: Call, title: &str, action: BlockAction) {
    let owner = Owner::view(call);
    shared.start(owner, title, report(call), Request::Block(action));
}

/// What a form waits for shows its errors there.
fn report(call: Call) -> Report {
    match call {
        Call::Read | Call::Write | Call::Ours | Call::Theirs => Report::Listed,
        _ => Report::Shown,
    }
}

/// The node to compare with.
pub(crate) fn node(view: &Block, shared: &Shared) -> String {
    let fallback = if shared.link.in_guest() { STICK } else { DEFAULT_BLOCK_DEVICE };
    view.device.clone().unwrap_or_else(|| fallback.to_owned())
}

/// The device's size in bytes, as far as it is known.
pub(crate) fn size(view: &Block, shared: &Shared) -> u64 {
    let counted = shared.counters.value(MODULE, "device_size").unwrap_or(0);
    let counted = u64::try_from(counted).unwrap_or(0);
    let size = view.info.map_or(counted, |info| info.size);
    // What the other end says is not trusted so far that sums could overflow.
    size.min(i64::MAX as u64)
}

/// Where BREAD and BWRITE go on.
pub(crate) fn position(view: &Block, shared: &Shared) -> u64 {
    let counted = shared.counters.value(MODULE, "position");
    let known = view.info.map(|info| info.position);
    known.or(counted.and_then(|value| u64::try_from(value).ok())).unwrap_or(0)
}

/// Asks what the module was loaded with, and which devices there are.
pub(crate) fn introduce(shared: &mut Shared) {
    let name = MODULE.to_owned();
    quietly(shared, Call::Module, Request::Module { name });
    quietly(shared, Call::Devices, Request::BlockDevices);
}

/// Asks the module what its device is; where it is not ours and has no INFO, the
/// kernel's list of devices has to do.
pub(crate) fn refresh_info(shared: &mut Shared) {
    match shared.foreign(MODULE) {
        true => quietly(shared, Call::Devices, Request::BlockDevices),
        false => quietly(shared, Call::Info, Request::Block(BlockAction::Info)),
    }
}

/// What the kernel's list says of the device of a module that is not ours. Where
/// it stands is what was moved from here.
pub(crate) fn guessed(view: &Block, shared: &Shared) -> Option<BlockDeviceInfo> {
    let node = node(view, shared);
    let stick = |device: &&BlockDevice| node == STICK && device.removable;
    let named = view.devices.iter().find(|device| device.path == node);
    let device = named.or_else(|| view.devices.iter().find(stick))?;
    let position = view.info.map_or(0, |info| info.position);
    Some(BlockDeviceInfo { size: device.size, position, ..BlockDeviceInfo::default() })
}
