// SPDX-License-Identifier: MIT OR Apache-2.0
//! A place in a recording, and everything that follows from what is before it.

use super::fold::Fold;
use crate::tape::{Entry, Segment, Tape};

/// A place in a recording.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) fold: Fold,
    /// The segment after the one that is being taken.
    segment: usize,
    /// What is left of that one, and the entry that comes next.
    rest: Segment,
    front: Option<Entry<'static>>,
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
            rest: Segment::default(),
            front: None,
            now_ms: 0,
            items: 0,
            unknown: 0,
        }
    }

    /// Is this the beginning of a segment?
    pub(super) fn at_segment(&mut self) -> bool {
        self.look();
        self.front.is_none()
    }

    /// Makes the next entry of the segment, and counts those that can't be read.
    fn look(&mut self) {
        if self.front.is_none() {
            self.front = self.rest.next();
            self.unknown += self.rest.take_unknown();
        }
    }

    /// The next entry, without taking it; `None` at the end.
    pub(super) fn next(&mut self, tape: &Tape) -> Option<&Entry<'static>> {
        self.look();
        while self.front.is_none() {
            if self.segment >= tape.segments() {
                return None;
            }
            match tape.segment(self.segment) {
                Ok(segment) => self.rest = segment,
                Err(_) => self.unknown += 1,
            }
            self.segment += 1;
            self.look();
        }
        self.front.as_ref()
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
        let Some(entry) = self.front.take() else {
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
