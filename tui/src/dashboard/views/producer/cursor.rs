// SPDX-License-Identifier: MIT OR Apache-2.0
//! The focus, and the thread or slot under the cursor.

use super::layout;
use super::layout::{Layout, RingShape, ThreadShape};
use super::picture::picture;
use super::ring::Kind;
use super::state::Pane;
use super::state::Producer;
use crate::dashboard::core::{Move, Shared};

/// The space of a pane, as it is drawn on this screen.
pub(crate) fn space(shared: &Shared, pane: Pane) -> (usize, usize) {
    let layout = Layout::of_screen(shared.view_size());
    match pane {
        _ if shared.zoom => layout::zoomed(shared.view_size()),
        Pane::Ring => layout.ring_space(),
        Pane::Producers | Pane::Consumers => layout.thread_space(),
    }
}

pub(crate) fn navigate(view: &mut Producer, shared: &mut Shared, to: Move) {
    let Some(picture) = picture(view, shared) else {
        return;
    };
    let focus = view.focus;
    let space = space(shared, focus);
    let (count, cell, row) = match focus {
        Pane::Ring => {
            let now = &picture.now;
            let shape = RingShape::new(now.capacity, now.count(Kind::Producer), space);
            (now.capacity, shape.slots_per_cell(), shape.slots_per_row())
        }
        Pane::Producers | Pane::Consumers => {
            let kind = if focus == Pane::Producers { Kind::Producer } else { Kind::Consumer };
            let count = picture.now.count(kind);
            let shape = ThreadShape::new(count, space);
            (count, 1, shape.per_row())
        }
    };
    let last = count.saturating_sub(1);
    let page = row * space.1.max(1);
    let position = match focus {
        Pane::Producers => &mut view.producer,
        Pane::Ring => &mut view.slot,
        Pane::Consumers => &mut view.consumer,
    };
    let now = *position;
    *position = match to {
        Move::Left => now.saturating_sub(cell),
        Move::Right => now + cell,
        Move::Up => now.saturating_sub(row),
        Move::Down => now + row,
        Move::PageUp => now.saturating_sub(page),
        Move::PageDown => now + page,
        Move::Home => 0,
        Move::End => last,
    }
    .min(last);
    shared.changed();
}

/// The number of a pane in [`crate::dashboard::data::hit::Hit::Row`].
pub(crate) fn pane_number(pane: Pane) -> u8 {
    pane as u8
}

pub(crate) fn click(view: &mut Producer, shared: &mut Shared, pane: u8, index: usize) {
    let Some(pane) = Pane::ALL.into_iter().find(|known| pane_number(*known) == pane) else {
        return;
    };
    view.focus = pane;
    match pane {
        Pane::Producers => view.producer = index,
        Pane::Ring => view.slot = index,
        Pane::Consumers => view.consumer = index,
    }
    shared.changed();
}
