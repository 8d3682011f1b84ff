// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel log as it was received: a bounded number of rows, filtered and
//! searched in slices, so that no key ever waits for it.

mod filter;
mod pattern;
mod row;
mod scan;
mod shown;
mod trace;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

pub use filter::{Filter, Totals};
pub use pattern::{Pattern, PatternError};
pub use row::{Kind, Row, rewound, stamp};
pub use scan::Scan;
pub use trace::{Trace, readable};

use crate::dashboard::data::chunks::Chunks;
use crate::kernel::TargetError;
use crate::kernel::api::{KmsgBatch, KmsgRecord};

/// The most bytes that the texts of all rows have: a million rows have no more.
const BYTES: usize = 512 << 20;
/// The most different sources that are told apart.
const SOURCES: usize = 4096;

/// The kernel log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    rows: Chunks<Row>,
    first: u64,
    limit: usize,
    /// What the texts of the rows take.
    bytes: usize,
    sources: Vec<String>,
    source_index: HashMap<String, u16>,
    traces: VecDeque<Trace>,
    open_trace: bool,
    unfolded: BTreeSet<u64>,
    filter: Filter,
    pattern: Option<Pattern>,
    shown: Scan,
    found: Scan,
    next_sequence: Option<u64>,
    /// What was received already of a guest that was wound back.
    again: Option<Again>,
    totals: Totals,
    /// Why the log can't be read, when it can't.
    pub failed: Option<TargetError>,
}

/// What was received of a guest before it was wound back.
#[derive(Clone, Debug)]
struct Again {
    /// Sequence numbers and times.
    known: HashSet<(u64, u64)>,
    /// Of the oldest that is kept, where older ones are not.
    oldest_us: Option<u64>,
}

impl Log {
    /// A log that keeps so many rows.
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), ..Self::default() }
    }

    /// Takes records as they arrive. One that was seen already is left out.
    pub fn push(&mut self, batch: KmsgBatch) {
        for record in batch.records {
            let expected = self.next_sequence;
            if expected.is_some_and(|next| record.sequence < next) {
                continue;
            }
            if self.came_before(&record) {
                self.next_sequence = Some(record.next());
                continue;
            }
            self.next_sequence = Some(record.next());
            self.totals.received += 1;
            if record.lost_before > 0 {
                self.totals.lost = self.totals.lost.saturating_add(record.lost_before);
                self.add(Row::gap(record.lost_before, record.at_us));
            }
            // A jump that the kernel did not account for happened on the way.
            let jump = expected.map_or(0, |next| record.sequence - next);
            let missing = jump.saturating_sub(record.lost_before);
            if missing > 0 {
                self.totals.missing = self.totals.missing.saturating_add(missing);
                self.add(Row::missing(missing, record.at_us));
            }
            let source = self.source_of(&record.text);
            let number = self.end();
            let mut row = Row::record(record, source);
            self.fold(number, &mut row);
            self.add(row);
        }
    }

    /// Another guest starts: its log counts from the beginning.
    pub fn new_guest(&mut self, generation: u32) {
        self.next_sequence = None;
        self.again = None;
        self.open_trace = false;
        if !self.rows.is_empty() {
            self.add(Row::guest(generation));
        }
    }

    /// The guest was wound back by so much: its log begins again, and what was received
    /// of it is not repeated.
    pub fn wound_back(&mut self, by_ms: u64) {
        self.next_sequence = None;
        self.open_trace = false;
        if self.rows.is_empty() {
            return;
        }
        let rows = || self.rows.range(0..self.rows.len());
        let records = rows().filter(|row| row.kind == Kind::Record);
        let known = records.map(|row| (row.sequence, row.at_us)).collect();
        let oldest_us = rows().find(|row| row.kind == Kind::Record).map(|row| row.at_us);
        self.again = Some(Again { known, oldest_us: oldest_us.filter(|_| self.first > 0) });
        self.add(Row::rewound(by_ms));
    }

    /// Is it one that stands above the cut already?
    fn came_before(&mut self, record: &KmsgRecord) -> bool {
        let Some(again) = &self.again else { return false };
        let older = again.oldest_us.is_some_and(|oldest| record.at_us < oldest);
        if !older && !again.known.contains(&(record.sequence, record.at_us)) {
            self.again = None;
            return false;
        }
        // Nothing has come since, so that the cut is the newest row.
        if let Some(row) = self.rows.back_mut().filter(|row| matches!(row.kind, Kind::Rewound(_))) {
            row.sequence = record.sequence;
        }
        true
    }

    fn add(&mut self, row: Row) {
        self.bytes += row.size();
        while self.rows.len() >= self.limit.max(1) || (self.bytes > BYTES && !self.rows.is_empty())
        {
            self.bytes -= self.rows.front().map_or(0, Row::size);
            self.rows.pop_front();
            self.first += 1;
        }
        self.rows.push_back(row);
        self.shown.forget_before(self.first);
        self.found.forget_before(self.first);
        while self.traces.front().is_some_and(|trace| trace.first < self.first) {
            self.traces.pop_front();
        }
    }

    fn source_of(&mut self, text: &str) -> u16 {
        let name = row::source(text);
        if name.is_empty() {
            return 0;
        }
        if let Some(index) = self.source_index.get(name) {
            return *index;
        }
        if self.sources.len() >= SOURCES {
            return 0;
        }
        self.sources.push(name.to_owned());
        let index = self.sources.len() as u16;
        self.source_index.insert(name.to_owned(), index);
        index
    }

    /// Sees to it that the lines of an oops become one block.
    fn fold(&mut self, number: u64, row: &mut Row) {
        if self.open_trace
            && let Some(trace) = self.traces.back_mut()
        {
            if trace.take(number, row) {
                row.block = Some(trace.first);
                self.open_trace = !trace.ended;
                return;
            }
            self.open_trace = false;
        }
        if let Some(trace) = Trace::start(number, row) {
            row.block = Some(number);
            self.traces.push_back(trace);
            self.open_trace = true;
            if self.traces.len() == 1 {
                // From now on rows may be hidden, so that they must be counted.
                self.rescan();
            }
        }
    }

    /// Forgets all rows; numbers go on.
    pub fn clear(&mut self) {
        self.first = self.end();
        self.rows.clear();
        self.bytes = 0;
        self.traces.clear();
        self.open_trace = false;
        self.shown = Scan::starting_at(self.first);
        self.found = Scan::starting_at(self.first);
    }

    /// The number of the oldest row.
    pub fn start(&self) -> u64 {
        self.first
    }

    /// The number after the newest row; numbers are never used twice.
    pub fn end(&self) -> u64 {
        self.first + self.rows.len() as u64
    }

    /// Rows kept.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Is nothing kept?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The most rows kept.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// What became of the records of every guest so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Where to go on reading after an interruption.
    pub fn next_sequence(&self) -> Option<u64> {
        self.next_sequence
    }

    pub fn row(&self, number: u64) -> Option<&Row> {
        let index = number.checked_sub(self.first)?;
        self.rows.get(usize::try_from(index).ok()?)
    }

    /// The source of a row: `memalloc`, `usb 1-1`; empty if it has none.
    pub fn source(&self, row: &Row) -> &str {
        let index = usize::from(row.source).checked_sub(1);
        index.and_then(|index| self.sources.get(index)).map_or("", String::as_str)
    }

    /// Every source seen, in the order of appearance.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The oops that a row belongs to.
    pub fn trace(&self, row: &Row) -> Option<&Trace> {
        let first = row.block?;
        let index = self.traces.binary_search_by_key(&first, |trace| trace.first);
        self.traces.get(index.ok()?)
    }

    /// Every oops that is kept, oldest first.
    pub fn traces(&self) -> impl DoubleEndedIterator<Item = &Trace> {
        self.traces.iter()
    }

    /// Is the block that starts at this row folded into one line?
    pub fn is_folded(&self, first: u64) -> bool {
        !self.unfolded.contains(&first)
    }

    /// Folds or unfolds the block that starts at this row.
    pub fn toggle_fold(&mut self, first: u64) {
        if !self.unfolded.remove(&first) {
            self.unfolded.insert(first);
        }
        self.rescan();
    }

    /// The nearest row at warning level or worse after (`forward`) or before a row.
    pub fn next_warning(&self, from: u64, forward: bool) -> Option<u64> {
        let urgent = |number: &u64| {
            self.row(*number).is_some_and(|row| row.kind == Kind::Record && row.level <= 4)
        };
        if forward {
            (from + 1..self.end()).find(urgent)
        } else {
            (self.first..from.min(self.end())).rev().find(urgent)
        }
    }

    /// The newest rows of this guest that satisfy a test, newest first; looks
    /// at most `depth` rows back.
    pub fn newest<'a>(
        &'a self,
        end: u64,
        depth: usize,
        test: impl Fn(&Row) -> bool + 'a,
    ) -> impl Iterator<Item = (u64, &'a Row)> + 'a {
        let end = end.min(self.end());
        let start = end.saturating_sub(depth as u64).max(self.first);
        let rows = (start..end)
            .rev()
            .filter_map(|number| Some((number, self.row(number)?)))
            .take_while(|(_, row)| !matches!(row.kind, Kind::Guest(_)));
        // Behind a cut, what came after the mark has not happened to this guest.
        let mut last = u64::MAX;
        rows.filter(move |(_, row)| {
            if let Kind::Rewound(_) = row.kind {
                last = last.min(row.sequence);
            }
            row.kind == Kind::Record && row.sequence <= last && test(row)
        })
    }
}

#[cfg(test)]
mod tests;
