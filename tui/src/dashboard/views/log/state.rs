// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 6 remembers, and what is selected.

use crate::dashboard::core::{Shared, TextField};
use crate::dashboard::data::log::{Filter, Row};
use crate::kernel::kmsg::level_name;

/// Columns before a record's text: time, mark, level.
pub(crate) const TEXT_AT: usize = 23;

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogView {
    /// The selected row; `None` follows the newest.
    pub cursor: Option<u64>,
    /// What is being typed as a search.
    pub typing: Option<TextField>,
    /// Is the search a regular expression?
    pub regex: bool,
    /// What is wrong with the expression.
    pub error: Option<String>,
    /// All fields of the selected record are shown.
    pub expanded: bool,
    /// Columns of the records' texts that are passed to the right.
    pub across: usize,
    /// A match is looked for, from this row upwards and then downwards.
    pub(crate) seek: Option<u64>,
}

/// The selected row, or the newest that is shown.
pub(crate) fn selected(view: &LogView, shared: &Shared) -> Option<u64> {
    let log = &shared.log;
    let cursor = view.cursor.filter(|cursor| *cursor >= log.start());
    cursor.or_else(|| log.shown_at(log.shown_count(shared.log_end()).checked_sub(1)?))
}

/// The whole text of a row, and of the oops if it stands for one.
pub(crate) fn text_of(shared: &Shared, row: &Row) -> String {
    match shared.log.trace(row) {
        Some(trace) if shared.log.is_folded(trace.first) => {
            let rows = (trace.first..=trace.last).filter_map(|number| shared.log.row(number));
            rows.map(Row::line).collect::<Vec<_>>().join("\n")
        }
        _ => row.line(),
    }
}

/// The filter in words; empty when everything is shown.
pub(crate) fn filter_text(filter: &Filter) -> Vec<String> {
    let mut words = Vec::new();
    if filter.level < 7 {
        words.push(format!("{} and worse", level_name(filter.level)));
    }
    if let Some(source) = &filter.source {
        words.push(format!("only {source}"));
    }
    if filter.only_matches {
        words.push("only matches".into());
    }
    words
}
