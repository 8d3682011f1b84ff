// SPDX-License-Identifier: MIT OR Apache-2.0
//! The focus, and the thread or slot under the cursor.

use super::layout;
use super::layout::{Layout, RingShape, ThreadShape};
use super::picture::picture;
use super::ring::Kind;
use super::state::Pane;
use crate::dashboard::core::event::Move;
use crate::dashboard::core::model::Model;
use crate::dashboard::views::view::next;

/// The space of a pane, as it is drawn on this screen.
pub(crate) fn space(model: &Model, pane: Pane) -> (usize, usize) {
    let layout = Layout::of_screen(model.size);
    match pane {
        _ if model.zoom => layout::zoomed(model.size),
        Pane::Ring => layout.ring_space(),
        Pane::Producers | Pane::Consumers => layout.thread_space(),
    }
}

pub(crate) fn navigate(model: &mut Model, to: Move) {
    let Some(picture) = picture(model) else {
        return;
    };
    let focus = model.producer.focus;
    let space = space(model, focus);
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
        Pane::Producers => &mut model.producer.producer,
        Pane::Ring => &mut model.producer.slot,
        Pane::Consumers => &mut model.producer.consumer,
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
    model.changed();
}

pub(crate) fn focus(model: &mut Model, forward: bool) {
    model.producer.focus = next(&Pane::ALL, model.producer.focus, forward);
    model.changed();
}

/// The number of a pane in [`crate::dashboard::core::event::Hit::Row`].
pub fn pane_number(pane: Pane) -> u8 {
    pane as u8
}

pub(crate) fn click(model: &mut Model, pane: u8, index: usize) {
    let Some(pane) = Pane::ALL.into_iter().find(|known| pane_number(*known) == pane) else {
        return;
    };
    model.producer.focus = pane;
    match pane {
        Pane::Producers => model.producer.producer = index,
        Pane::Ring => model.producer.slot = index,
        Pane::Consumers => model.producer.consumer = index,
    }
    model.changed();
}
