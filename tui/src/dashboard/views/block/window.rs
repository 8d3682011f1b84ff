// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bytes on the screen: read in stretches somewhat larger than it, and read
//! anew when they may have changed.

use super::device::{quietly, refresh_info, size};
use super::layout::Layout;
use super::state::{Call, Stretch};
use crate::dashboard::core::model::Model;
use crate::kernel::TargetResult;
use crate::kernel::api::{BLOCK_MAX, BlockAction, Request};

/// Bytes that are read around those on the screen, on either side.
const MARGIN: u64 = 4096;
/// Stretches begin at a multiple of this.
const ALIGNMENT: u64 = 512;

/// Asks again what the device is and what it holds on the screen.
pub(crate) fn refresh(model: &mut Model) {
    refresh_info(model);
    model.block.error = None;
    // What is there stays on the screen until the new bytes arrive.
    fetch(model);
}

/// Reads what is on the screen unless it is known.
pub(crate) fn show(model: &mut Model) {
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
    let action =
        BlockAction::ReadAt { offset: start, size: (end - start).min(u64::from(BLOCK_MAX)) as u32 };
    quietly(model, Call::Window, Request::Block(action));
}

/// The bytes have arrived, or will not.
pub(crate) fn arrived(model: &mut Model, result: TargetResult<()>) {
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
