// SPDX-License-Identifier: MIT OR Apache-2.0
//! The focus, the subject that is shown, and the page under the cursor.

use super::page::{PAGE, page_of};
use super::state::Memory;
use super::state::Pane;
use super::{space, subjects};
use crate::dashboard::core::{Move, Shared};

/// Shows another subject, with the cursor on its first page of ours.
pub(crate) fn select(view: &mut Memory, shared: &mut Shared, index: usize) {
    view.selected = index.min(view.subjects.len().saturating_sub(1));
    let first = view.subject().and_then(|subject| {
        let ours = subject.areas().next();
        ours.or(subject.maps.first()).map(|mapping| mapping.start)
    });
    if let Some(first) = first {
        view.cursor = first;
    }
    cursor_moved(view, shared);
}

/// Asks for the walk of the page under the cursor.
pub(crate) fn cursor_moved(view: &mut Memory, shared: &mut Shared) {
    shared.changed();
    let page = page_of(view.cursor);
    if let Some(subject) = view.subject() {
        subjects::look(view, shared, subject.number, page);
    }
}

pub(crate) fn navigate(view: &mut Memory, shared: &mut Shared, to: Move) {
    match view.focus {
        Pane::Subjects => {
            let count = view.subjects.len();
            let page = shared.page();
            let selected = to.apply(view.selected, count, page);
            if selected != view.selected {
                select(view, shared, selected);
            }
        }
        Pane::Content => {
            let rows = view.subject().map_or(0, |subject| {
                let bytes = subject.content.as_ref().map_or(0, |content| content.bytes.len());
                bytes.div_ceil(16)
            });
            view.content_row = to.apply(view.content_row, rows, 8);
            shared.changed();
        }
        Pane::Space | Pane::Walk => {
            let per_row = space::per_row(shared.view_size().0, shared.zoom);
            let cursor = view.cursor;
            let moved =
                view.subject().and_then(|subject| space::moved(subject, per_row, cursor, to));
            if let Some(cursor) = moved {
                view.cursor = cursor;
                cursor_moved(view, shared);
            }
        }
    }
}

/// The number of a pane in [`crate::dashboard::data::hit::Hit::Row`].
pub fn pane_number(pane: Pane) -> u8 {
    pane as u8
}

/// In the list of subjects `index` is the subject; in the address space it is
/// the number of the page.
pub(crate) fn click(view: &mut Memory, shared: &mut Shared, pane: u8, index: usize) {
    if pane == pane_number(Pane::Subjects) {
        view.focus = Pane::Subjects;
        select(view, shared, index);
    } else if pane == pane_number(Pane::Space) {
        view.focus = Pane::Space;
        view.cursor = index as u64 * PAGE;
        cursor_moved(view, shared);
    }
}

pub(crate) fn copy(view: &Memory) -> Option<String> {
    let subject = view.subject()?;
    match view.focus {
        Pane::Subjects => subject.pid.map(|pid| pid.to_string()),
        Pane::Space => Some(subject.maps_text()),
        Pane::Walk => {
            let walk = subject.walks.get(&page_of(view.cursor))?;
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
