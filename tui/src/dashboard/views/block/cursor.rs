// SPDX-License-Identifier: MIT OR Apache-2.0
//! The byte under the cursor, and the rows that are shown around it.

use super::device::size;
use super::layout::Layout;
use super::window;
use crate::dashboard::core::event::Move;
use crate::dashboard::core::model::Model;

/// Puts the cursor on a byte and shows it.
pub(crate) fn go(model: &mut Model, offset: u64) {
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
    window::show(model);
}

/// The same with the byte in the first row.
pub(crate) fn go_to_top(model: &mut Model, offset: u64) {
    model.block.top = offset;
    go(model, offset);
}

pub(crate) fn navigate(model: &mut Model, to: Move) {
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
