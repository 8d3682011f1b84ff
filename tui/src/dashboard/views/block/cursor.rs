// SPDX-License-Identifier: MIT OR Apache-2.0
//! The byte under the cursor, and the rows that are shown around it.

use super::device::size;
use super::layout::Layout;
use super::state::Block;
use super::window;
use crate::dashboard::core::{Move, Shared};

/// Puts the cursor on a byte and shows it.
pub(crate) fn go(view: &mut Block, shared: &mut Shared, offset: u64) {
    let size = size(view, shared);
    let layout = Layout::of_screen(shared.view_size(), shared.zoom);
    let (per_row, lines) = (layout.per_row(size), layout.lines());
    let cursor = offset.min(size.saturating_sub(1));
    let row = cursor / per_row;
    let top = view.top / per_row;
    let top = if row < top {
        row
    } else if row >= top + lines {
        row + 1 - lines
    } else {
        top
    };
    view.cursor = cursor;
    view.top = top * per_row;
    shared.changed();
    window::show(view, shared);
}

/// The same with the byte in the first row.
pub(crate) fn go_to_top(view: &mut Block, shared: &mut Shared, offset: u64) {
    view.top = offset;
    go(view, shared, offset);
}

pub(crate) fn navigate(view: &mut Block, shared: &mut Shared, to: Move) {
    let size = size(view, shared);
    let layout = Layout::of_screen(shared.view_size(), shared.zoom);
    let per_row = layout.per_row(size);
    let page = per_row * layout.lines();
    let now = view.cursor;
    let offset = match to {
        Move::Left => now.saturating_sub(1),
        Move::Right => now + 1,
        Move::Up if now < per_row => now,
        Move::Up => now - per_row,
        Move::Down if now + per_row >= size => now,
        Move::Down => now + per_row,
        Move::PageUp => {
            view.top = view.top.saturating_sub(page);
            now.saturating_sub(page)
        }
        Move::PageDown => {
            let last = size.saturating_sub(page).next_multiple_of(per_row);
            view.top = (view.top + page).min(last);
            now + page
        }
        Move::Home => 0,
        Move::End => size.saturating_sub(1),
    };
    go(view, shared, offset);
}
