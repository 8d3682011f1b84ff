// SPDX-License-Identifier: MIT OR Apache-2.0
//! The focus, the subject that is shown, and the page under the cursor.

use super::page::{PAGE, page_of};
use super::state::Pane;
use super::{space, subjects};
use crate::dashboard::core::event::Move;
use crate::dashboard::core::model::Model;
use crate::dashboard::views::view::next;

/// Shows another subject, with the cursor on its first page of ours.
pub(crate) fn select(model: &mut Model, index: usize) {
    model.memory.selected = index.min(model.memory.subjects.len().saturating_sub(1));
    let first = model.memory.subject().and_then(|subject| {
        let ours = subject.areas().next();
        ours.or(subject.maps.first()).map(|mapping| mapping.start)
    });
    if let Some(first) = first {
        model.memory.cursor = first;
    }
    cursor_moved(model);
}

/// Asks for the walk of the page under the cursor.
pub(crate) fn cursor_moved(model: &mut Model) {
    model.changed();
    let page = page_of(model.memory.cursor);
    if let Some(subject) = model.memory.subject() {
        subjects::look(model, subject.number, page);
    }
}

pub(crate) fn focus(model: &mut Model, forward: bool) {
    model.memory.focus = next(&Pane::ALL, model.memory.focus, forward);
    model.changed();
}

pub(crate) fn navigate(model: &mut Model, to: Move) {
    match model.memory.focus {
        Pane::Subjects => {
            let count = model.memory.subjects.len();
            let page = model.page();
            let selected = to.apply(model.memory.selected, count, page);
            if selected != model.memory.selected {
                select(model, selected);
            }
        }
        Pane::Content => {
            let rows = model.memory.subject().map_or(0, |subject| {
                let bytes = subject.content.as_ref().map_or(0, |content| content.bytes.len());
                bytes.div_ceil(16)
            });
            model.memory.content_row = to.apply(model.memory.content_row, rows, 8);
            model.changed();
        }
        Pane::Space | Pane::Walk => {
            let per_row = space::per_row(model.size.0, model.zoom);
            let cursor = model.memory.cursor;
            let moved = model
                .memory
                .subject()
                .and_then(|subject| space::moved(subject, per_row, cursor, to));
            if let Some(cursor) = moved {
                model.memory.cursor = cursor;
                cursor_moved(model);
            }
        }
    }
}

/// The number of a pane in [`crate::dashboard::core::event::Hit::Row`].
pub fn pane_number(pane: Pane) -> u8 {
    pane as u8
}

/// In the list of subjects `index` is the subject; in the address space it is
/// the number of the page.
pub(crate) fn click(model: &mut Model, pane: u8, index: usize) {
    if pane == pane_number(Pane::Subjects) {
        model.memory.focus = Pane::Subjects;
        select(model, index);
    } else if pane == pane_number(Pane::Space) {
        model.memory.focus = Pane::Space;
        model.memory.cursor = index as u64 * PAGE;
        cursor_moved(model);
    }
}

pub(crate) fn copy(model: &Model) -> Option<String> {
    let subject = model.memory.subject()?;
    match model.memory.focus {
        Pane::Subjects => subject.pid.map(|pid| pid.to_string()),
        Pane::Space => Some(subject.maps_text()),
        Pane::Walk => {
            let walk = subject.walks.get(&page_of(model.memory.cursor))?;
            let entries = walk.entry.iter().take(walk.depth as usize);
            let words = entries.map(|entry| format!("{entry:#018x}"));
            Some(format!("{:#x}: {}", walk.vaddr, words.collect::<Vec<_>>().join(" ")))
        }
        Pane::Content => {
            let content = subject.content.as_ref()?;
            let words = content.bytes.iter().map(|byte| format!("{byte:02x}"));
            Some(words.collect::<Vec<_>>().join(" "))
        }
    }
}
