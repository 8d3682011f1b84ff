// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of the device, and how it is asked.

use std::sync::Arc;

use ringside_uapi::kmod::DEFAULT_BLOCK_DEVICE;

use super::state::{Call, MODULE};
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::effect::Effect;
use crate::dashboard::core::model::Model;
use crate::kernel::api::{BlockAction, Request, STICK};

/// Asks for something without an entry in the command log.
pub(crate) fn quietly(model: &mut Model, call: Call, request: Request) {
    let tag = model.call(Owner::Block(call), "read the device", Report::Silent, None);
    model.effect(Effect::Start { tag, request, input: Arc::default() });
}

pub(crate) fn block(model: &mut Model, call: Call, title: &str, action: BlockAction) {
    let owner = Owner::Block(call);
    model.start(owner, title, report(call), Request::Block(action));
}

/// What a form waits for shows its errors there.
fn report(call: Call) -> Report {
    match call {
        Call::Read | Call::Write | Call::Ours | Call::Theirs => Report::Listed,
        _ => Report::Shown,
    }
}

/// The node to compare with.
pub(crate) fn node(model: &Model) -> String {
    let fallback = if model.link.in_guest() { STICK } else { DEFAULT_BLOCK_DEVICE };
    model.block.device.clone().unwrap_or_else(|| fallback.to_owned())
}

/// The device's size in bytes, as far as it is known.
pub fn size(model: &Model) -> u64 {
    let counted = model.counters.value(MODULE, "device_size").unwrap_or(0);
    let counted = u64::try_from(counted).unwrap_or(0);
    let size = model.block.info.map_or(counted, |info| info.size);
    // What the other end says is not trusted so far that sums could overflow.
    size.min(i64::MAX as u64)
}

/// Where BREAD and BWRITE go on.
pub(crate) fn position(model: &Model) -> u64 {
    let counted = model.counters.value(MODULE, "position");
    let known = model.block.info.map(|info| info.position);
    known.or(counted.and_then(|value| u64::try_from(value).ok())).unwrap_or(0)
}

/// Asks what the module was loaded with, and which devices there are.
pub(crate) fn introduce(model: &mut Model) {
    let name = MODULE.to_owned();
    quietly(model, Call::Module, Request::Module { name });
    quietly(model, Call::Devices, Request::BlockDevices);
}

pub(crate) fn refresh_info(model: &mut Model) {
    quietly(model, Call::Info, Request::Block(BlockAction::Info));
}
