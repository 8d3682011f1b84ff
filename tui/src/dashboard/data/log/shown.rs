// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which rows of the log are shown, and which match the pattern: found out in
//! slices, so that no key ever waits for it.

use super::{Filter, Kind, Log, Pattern, Scan};

/// Rows looked at in one slice of work: about 2 ms.
const SLICE: usize = 8192;

impl Log {
    /// Which rows are shown.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Shows other rows from now on.
    pub fn set_filter(&mut self, filter: Filter) {
        if self.filter != filter {
            self.filter = filter;
            self.rescan();
        }
    }

    /// What is searched for.
    pub fn pattern(&self) -> Option<&Pattern> {
        self.pattern.as_ref()
    }

    /// Searches for something else from now on.
    pub fn set_pattern(&mut self, pattern: Option<Pattern>) {
        self.pattern = pattern;
        self.found = Scan::starting_at(self.end());
        if self.filter.only_matches {
            self.rescan();
        }
    }

    pub(super) fn rescan(&mut self) {
        self.shown = Scan::starting_at(self.end());
    }

    /// Are all rows shown, so that nothing needs to be counted?
    pub(super) fn shows_all(&self) -> bool {
        let matches = self.filter.only_matches && self.pattern.is_some();
        self.filter.level >= 7 && self.filter.source.is_none() && !matches && self.traces.is_empty()
    }

    /// Is there filtering or searching left to do?
    pub fn has_work(&self) -> bool {
        let all = (self.first, self.end());
        (!self.shows_all() && !self.shown.is_done(all))
            || (self.pattern.is_some() && !self.found.is_done(all))
    }

    /// Does a slice of the filtering and searching; newest rows first.
    pub fn work(&mut self) {
        let all = (self.first, self.end());
        let mut budget = SLICE;
        if self.pattern.is_some() {
            let mut found = std::mem::take(&mut self.found);
            budget = found.go_on(all, budget, |number| self.matches(number));
            self.found = found;
        }
        if !self.shows_all() {
            let wanted = self.filter.source.as_ref();
            let source =
                wanted.map(|name| self.source_index.get(name).copied().unwrap_or(u16::MAX));
            let mut shown = std::mem::take(&mut self.shown);
            shown.go_on(all, budget.max(SLICE / 4), |number| self.passes(number, source));
            self.shown = shown;
        }
    }

    fn matches(&self, number: u64) -> bool {
        match (self.row(number), &self.pattern) {
            (Some(row), Some(pattern)) => pattern.is_match(&row.text),
            _ => false,
        }
    }

    fn passes(&self, number: u64, source: Option<u16>) -> bool {
        let Some(row) = self.row(number) else {
            return false;
        };
        if row.kind != Kind::Record {
            return true;
        }
        if row.block.is_some_and(|first| first != number && self.is_folded(first)) {
            return false;
        }
        row.level <= self.filter.level
            && source.is_none_or(|source| row.source == source)
            && (!self.filter.only_matches
                || self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&row.text)))
    }

    /// How many rows before `end` are shown.
    pub fn shown_count(&self, end: u64) -> usize {
        let end = end.min(self.end());
        if self.shows_all() {
            return end.saturating_sub(self.first) as usize;
        }
        self.shown.count_before(end)
    }

    /// The number of the n-th row that is shown.
    pub fn shown_at(&self, index: usize) -> Option<u64> {
        if self.shows_all() {
            let number = self.first + index as u64;
            return (number < self.end()).then_some(number);
        }
        self.shown.get(index)
    }

    /// How many rows match the pattern so far.
    pub fn match_count(&self) -> usize {
        self.found.len()
    }

    /// The nearest match after (`forward`) or before a row.
    pub fn next_match(&self, from: u64, forward: bool) -> Option<u64> {
        self.found.next(from, forward)
    }
}
