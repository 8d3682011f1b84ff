// SPDX-License-Identifier: MIT OR Apache-2.0
//! A test applied to all rows, a slice at a time.

use std::collections::VecDeque;

/// The rows that passed, among those tested so far: a stretch that grows
/// upwards with new rows first and then downwards into the past.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    low: u64,
    high: u64,
    passed: VecDeque<u64>,
}

impl Scan {
    /// Nothing was tested; the first rows to test are those before `end`.
    pub fn starting_at(end: u64) -> Self {
        Self { low: end, high: end, passed: VecDeque::new() }
    }

    /// Is every row from `start` to `end` tested?
    pub fn is_done(&self, (start, end): (u64, u64)) -> bool {
        self.high >= end && self.low <= start
    }

    /// Tests at most `budget` rows; returns what is left of the budget.
    pub fn go_on(
        &mut self,
        (start, end): (u64, u64),
        mut budget: usize,
        test: impl Fn(u64) -> bool,
    ) -> usize {
        self.low = self.low.max(start);
        self.high = self.high.max(self.low);
        while self.high < end && budget > 0 {
            if test(self.high) {
                self.passed.push_back(self.high);
            }
            self.high += 1;
            budget -= 1;
        }
        while self.low > start && budget > 0 {
            self.low -= 1;
            if test(self.low) {
                self.passed.push_front(self.low);
            }
            budget -= 1;
        }
        budget
    }

    /// Rows before `start` are gone.
    pub fn forget_before(&mut self, start: u64) {
        while self.passed.front().is_some_and(|number| *number < start) {
            self.passed.pop_front();
        }
    }

    /// How many rows passed.
    pub fn len(&self) -> usize {
        self.passed.len()
    }

    /// Did none pass?
    pub fn is_empty(&self) -> bool {
        self.passed.is_empty()
    }

    /// How many rows before `end` passed.
    pub fn count_before(&self, end: u64) -> usize {
        self.passed.partition_point(|number| *number < end)
    }

    /// The n-th row that passed.
    pub fn get(&self, index: usize) -> Option<u64> {
        self.passed.get(index).copied()
    }

    /// The nearest row that passed after or before `from`.
    pub fn next(&self, from: u64, forward: bool) -> Option<u64> {
        if forward {
            let index = self.passed.partition_point(|number| *number <= from);
            self.get(index)
        } else {
            let index = self.passed.partition_point(|number| *number < from);
            self.get(index.checked_sub(1)?)
        }
    }
}
