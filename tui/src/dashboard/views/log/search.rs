// SPDX-License-Identifier: MIT OR Apache-2.0
//! Searching the log and jumping in it.

use super::{end, selected};
use crate::dashboard::core::model::Model;
use crate::dashboard::data::log::Pattern;

pub(crate) fn search(model: &mut Model, text: &str) {
    if text.is_empty() {
        model.log.set_pattern(None);
        model.log_view.error = None;
        return;
    }
    match Pattern::new(text, model.log_view.regex) {
        Ok(pattern) => {
            model.log.set_pattern(Some(pattern));
            model.log_view.error = None;
            model.log_view.seek = Some(selected(model).map_or(end(model), |number| number + 1));
        }
        Err(error) => model.log_view.error = Some(error.to_string()),
    }
}

/// A slice of the search was done: has the match that is looked for been found?
pub(crate) fn worked(model: &mut Model) {
    let Some(from) = model.log_view.seek else {
        return;
    };
    let found = model.log.next_match(from, false);
    if found.is_some() {
        model.log_view.cursor = found;
        model.log_view.seek = None;
    } else if !model.log.has_work() {
        let after = model.log.next_match(from, true);
        if after.is_some() {
            model.log_view.cursor = after;
        }
        model.log_view.seek = None;
    }
}

pub(crate) fn step(model: &mut Model, forward: bool) {
    let from = selected(model).unwrap_or(0);
    match model.log.next_match(from, forward) {
        Some(number) => model.log_view.cursor = Some(number),
        None if forward => model.note("there is no match further down"),
        None => model.note("there is no match further up"),
    }
}

pub(crate) fn warning(model: &mut Model, forward: bool) {
    // While following, the newest warning is the one that matters.
    let (from, forward) = match model.log_view.cursor {
        Some(cursor) => (cursor, forward),
        None => (end(model), false),
    };
    let found = model.log.next_warning(from, forward);
    let visible = found.map(|number| match model.log.row(number).and_then(|row| row.block) {
        Some(first) if model.log.is_folded(first) => first,
        _ => number,
    });
    match visible {
        // The lines of a folded oops count once.
        Some(number) if forward && number <= from && model.log_view.cursor.is_some() => {
            let last =
                model.log.row(number).and_then(|row| model.log.trace(row)).map(|trace| trace.last);
            let beyond = model.log.next_warning(last.unwrap_or(from), true);
            match beyond {
                Some(beyond) => model.log_view.cursor = Some(beyond),
                None => model.note("there is no warning further down"),
            }
        }
        Some(number) => model.log_view.cursor = Some(number),
        None if forward => model.note("there is no warning further down"),
        None => model.note("there is no warning further up"),
    }
}
