// SPDX-License-Identifier: MIT OR Apache-2.0
//! Searching the log and jumping in it.

use super::state::LogView;
use super::state::selected;
use crate::dashboard::core::Shared;
use crate::dashboard::data::log::Pattern;

pub(crate) fn search(view: &mut LogView, shared: &mut Shared, text: &str) {
    if text.is_empty() {
        shared.log.set_pattern(None);
        view.error = None;
        return;
    }
    match Pattern::new(text, view.regex) {
        Ok(pattern) => {
            shared.log.set_pattern(Some(pattern));
            view.error = None;
            view.seek = Some(selected(view, shared).map_or(shared.log_end(), |number| number + 1));
        }
        Err(error) => view.error = Some(error.to_string()),
    }
}

/// A slice of the search was done: has the match that is looked for been found?
pub(crate) fn worked(view: &mut LogView, shared: &mut Shared) {
    let Some(from) = view.seek else {
        return;
    };
    let found = shared.log.next_match(from, false);
    if found.is_some() {
        view.cursor = found;
        view.seek = None;
    } else if !shared.log.has_work() {
        let after = shared.log.next_match(from, true);
        if after.is_some() {
            view.cursor = after;
        }
        view.seek = None;
    }
}

pub(crate) fn step(view: &mut LogView, shared: &mut Shared, forward: bool) {
    let from = selected(view, shared).unwrap_or(0);
    match shared.log.next_match(from, forward) {
        Some(number) => view.cursor = Some(number),
        None if forward => shared.note("there is no match further down"),
        None => shared.note("there is no match further up"),
    }
}

pub(crate) fn warning(view: &mut LogView, shared: &mut Shared, forward: bool) {
    // While following, the newest warning is the one that matters.
    let (from, forward) = match view.cursor {
        Some(cursor) => (cursor, forward),
        None => (shared.log_end(), false),
    };
    let found = shared.log.next_warning(from, forward);
    let visible = found.map(|number| match shared.log.row(number).and_then(|row| row.block) {
        Some(first) if shared.log.is_folded(first) => first,
        _ => number,
    });
    match visible {
        // The lines of a folded oops count once.
        Some(number) if forward && number <= from && view.cursor.is_some() => {
            let last = shared
                .log
                .row(number)
                .and_then(|row| shared.log.trace(row))
                .map(|trace| trace.last);
            let beyond = shared.log.next_warning(last.unwrap_or(from), true);
            match beyond {
                Some(beyond) => view.cursor = Some(beyond),
                None => shared.note("there is no warning further down"),
            }
        }
        Some(number) => view.cursor = Some(number),
        None if forward => shared.note("there is no warning further down"),
        None => shared.note("there is no warning further up"),
    }
}
