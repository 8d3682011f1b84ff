// SPDX-License-Identifier: MIT OR Apache-2.0
//! A place in a recording, and everything that follows from what is before it.

use std::collections::VecDeque;

use super::fold::Fold;
use crate::tape::{Entry, Tape};

/// A place in a recording.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) fold: Fold,
    /// The segment after the one that is being taken.
    segment: usize,
    /// What is left of that one.
    rest: VecDeque<Entry<'static>>,
    /// How far the time of the recording has come.
    pub(super) now_ms: u64,
    /// How many entries were taken that a person would count.
    pub(super) items: u64,
    /// How many entries can't be read, and segments.
    pub(super) unknown: usize,
}

impl Head {
    /// The beginning.
    pub(super) fn new(tape: &Tape) -> Self {
        Self {
            fold: Fold::new(tape.start()),
            segment: 0,
            rest: VecDeque::new(),
            now_ms: 0,
            items: 0,
            unknown: 0,
        }
    }

    /// The segment that comes next, where this is the beginning of one.
    pub(super) fn at_segment(&self) -> Option<usize> {
        self.rest.is_empty().then_some(self.segment)
    }

    /// The next entry, without taking it; `None` at the end.
    pub(super) fn next(&mut self, tape: &Tape) -> Option<&Entry<'static>> {
        while self.rest.is_empty() {
            if self.segment >= tape.segments() {
                return None;
            }
            match tape.entries(self.segment) {
                Ok((entries, unknown)) => {
                    self.rest = entries.into();
                    self.unknown += unknown;
                }
                Err(_) => self.unknown += 1,
            }
            self.segment += 1;
        }
        self.rest.front()
    }

    /// When the next entry happens.
    pub(super) fn next_ms(&mut self, tape: &Tape) -> Option<u64> {
        let now_ms = self.now_ms;
        Some(match self.next(tape)? {
            Entry::Tick(ms) => *ms,
            _ => now_ms,
        })
    }

    /// Takes the next entry; `also` sees it first. `false` at the end.
    pub(super) fn step(&mut self, tape: &Tape, also: &mut dyn FnMut(u64, &Entry<'static>)) -> bool {
        if self.next(tape).is_none() {
            return false;
        }
        let Some(entry) = self.rest.pop_front() else {
            return false;
        };
        if let Entry::Tick(ms) = entry {
            self.now_ms = ms;
        }
        self.items += u64::from(counts(&entry));
        also(self.now_ms, &entry);
        self.fold.take(entry);
        true
    }

    /// Goes on to a time, with everything that happened then.
    pub(super) fn run_to(
        &mut self,
        tape: &Tape,
        ms: u64,
        also: &mut dyn FnMut(u64, &Entry<'static>),
    ) {
        while self.next_ms(tape).is_some_and(|next| next <= ms) {
            self.step(tape, also);
        }
    }
}

/// Is it what a person would call something that happened?
pub(super) fn counts(entry: &Entry<'_>) -> bool {
    !matches!(
        entry,
        Entry::Tick(_)
            | Entry::Work
            | Entry::Call { .. }
            | Entry::Cancel { .. }
            | Entry::Task { .. }
    )
}
