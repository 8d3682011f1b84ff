// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bytes on the screen: read in stretches somewhat larger than it, and read
//! again when they may have changed.

use super::device::{node, quietly, refresh_info, size};
use super::layout::Layout;
use super::state::Block;
use super::state::{Call, MODULE, Stretch};
use crate::dashboard::core::Shared;
use crate::kernel::TargetResult;
use crate::kernel::api::{BLOCK_MAX, BlockAction, Request};

/// Bytes that are read around those on the screen, on either side.
const MARGIN: u64 = 4096;
/// Stretches begin at a multiple of this.
const ALIGNMENT: u64 = 512;

/// Asks again what the device is and what it holds on the screen.
pub(crate) fn refresh(view: &mut Block, shared: &mut Shared) {
    refresh_info(shared);
    view.error = None;
    // What is there stays on the screen until the new bytes arrive.
    fetch(view, shared);
}

/// Reads what is on the screen unless it is known.
pub(crate) fn show(view: &mut Block, shared: &mut Shared) {
    let (from, to) = visible(view, shared);
    let known = |window: &Stretch| window.offset <= from && to <= window.end();
    if !view.window.as_ref().is_some_and(known) {
        fetch(view, shared);
    }
}

/// The offsets that are on the screen.
fn visible(view: &Block, shared: &Shared) -> (u64, u64) {
    let total = size(view, shared);
    let layout = Layout::of_screen(shared.view_size(), shared.zoom);
    let visible = layout.per_row(total) * layout.lines();
    (view.top, (view.top + visible).min(total))
}

/// Reads what is on the screen.
fn fetch(view: &mut Block, shared: &mut Shared) {
    let total = size(view, shared);
    if total == 0 {
        return;
    }
    let (from, to) = visible(view, shared);
    if view.reading {
        view.read_again = true;
        return;
    }
    let start = from.saturating_sub(MARGIN) / ALIGNMENT * ALIGNMENT;
    let end = (to + MARGIN).min(total);
    view.reading = true;
    view.read_from = start;
    let size = (end - start).min(u64::from(BLOCK_MAX)) as u32;
    let request = match shared.foreign(MODULE) {
        // Whatever a module that is not ours reads moves its position; these are
        // the same bytes of the page cache.
        true => Request::Peek { path: node(view, shared), offset: start, size },
        false => Request::Block(BlockAction::ReadAt { offset: start, size }),
    };
    quietly(shared, Call::Window, request);
}

/// The bytes have arrived, or will not.
pub(crate) fn arrived(view: &mut Block, shared: &mut Shared, result: TargetResult<()>) {
    view.reading = false;
    let again = std::mem::take(&mut view.read_again);
    match result {
        Ok(()) => view.error = None,
        Err(error) => {
            view.error = Some(error);
            view.window = None;
            return;
        }
    }
    if again {
        fetch(view, shared);
    }
}
