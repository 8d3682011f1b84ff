// SPDX-License-Identifier: MIT OR Apache-2.0
//! Goes through a recording ahead of whoever watches: finds the moments that stand
//! out, and keeps the state at many places, so that a jump has little to go through.

use std::time::{Duration, Instant};

use super::head::Head;
use super::moments::Moments;
use crate::tape::Tape;

/// A state is kept after so many entries.
const ENTRIES: usize = 1500;
/// The most states that are kept; beyond, every second is dropped.
const MOST: usize = 512;

/// What is known of a recording.
pub(super) struct Scout {
    ahead: Head,
    pub(super) moments: Moments,
    kept: Vec<Head>,
    /// Entries between two kept states.
    apart: usize,
    since: usize,
    pub(super) over: bool,
}

impl Scout {
    pub(super) fn new(tape: &Tape) -> Self {
        let ahead = Head::new(tape);
        Self {
            kept: vec![ahead.clone()],
            ahead,
            moments: Moments::default(),
            apart: ENTRIES,
            since: 0,
            over: false,
        }
    }

    /// How far it came.
    pub(super) fn now_ms(&self) -> u64 {
        self.ahead.now_ms
    }

    /// Entries and segments that can't be read, as far as it came.
    pub(super) fn unknown(&self) -> usize {
        self.ahead.unknown
    }

    /// Goes on for a slice of time.
    pub(super) fn work(&mut self, tape: &Tape, slice: Duration) {
        let until = Instant::now() + slice;
        while !self.over && Instant::now() < until {
            for _ in 0..32 {
                self.step(tape);
            }
        }
    }

    /// Goes on to a time.
    fn reach(&mut self, tape: &Tape, ms: u64) {
        while !self.over && self.ahead.now_ms <= ms {
            self.step(tape);
        }
    }

    fn step(&mut self, tape: &Tape) {
        let moments = &mut self.moments;
        self.over = !self.ahead.step(tape, &mut |ms, entry| moments.take(ms, entry));
        self.since += 1;
        if self.since >= self.apart && self.ahead.at_segment() {
            self.since = 0;
            self.kept.push(self.ahead.clone());
            if self.kept.len() > MOST {
                let mut index = 0;
                self.kept.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.apart *= 2;
            }
        }
    }

    /// The last kept state in which nothing after this time has happened.
    pub(super) fn before(&mut self, tape: &Tape, ms: u64) -> Head {
        self.reach(tape, ms);
        let after = self.kept.partition_point(|head| head.now_ms <= ms);
        self.kept[after.saturating_sub(1)].clone()
    }

    /// The last kept state in which fewer than so many items were taken.
    pub(super) fn before_item(&self, items: u64) -> Head {
        let after = self.kept.partition_point(|head| head.items < items);
        self.kept[after.saturating_sub(1)].clone()
    }
}
