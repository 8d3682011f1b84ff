// SPDX-License-Identifier: GPL-2.0
//! Whose turn it is when items are moved one by one.
//!
//! Each thread of a kind moves one item, then each of the other kind does; a
//! kind that cannot move leaves its turn to the other.

use super::kind::{Kind, ThreadCounts};
use kernel::prelude::*;

/// Remembers whose turn it is.
pub(crate) struct RoundRobin {
    kind: Kind,
    /// How many threads of this kind have not had their turn.
    left: usize,
    next_producer: usize,
    next_consumer: usize,
}

impl RoundRobin {
    /// The first producer begins.
    pub(crate) fn new(counts: ThreadCounts) -> Self {
        Self { kind: Kind::Producer, left: counts.producer, next_producer: 0, next_consumer: 0 }
    }

    /// The place in the table of the thread that moves next, or `None` if no
    /// thread can: `can_move` says it for each kind.
    pub(crate) fn next(
        &mut self,
        counts: ThreadCounts,
        can_move: impl Fn(Kind) -> bool,
    ) -> Option<usize> {
        // This kind, the other one, and this kind again if only it can.
        for _ in 0..3 {
            if self.left > 0 && can_move(self.kind) {
                self.left -= 1;
                let (next, before) = match self.kind {
                    Kind::Producer => (&mut self.next_producer, 0),
                    Kind::Consumer => (&mut self.next_consumer, counts.producer),
                };
                let place = before + *next;
                *next += 1;
                if *next >= *counts.of(self.kind) {
                    *next = 0;
                }
                return Some(place);
            }
            self.kind = self.kind.other();
            self.left = *counts.of(self.kind);
        }
        None
    }
}

#[kunit_tests(producer_consumer_round_robin)]
mod tests {
    use super::*;

    const COUNTS: ThreadCounts = ThreadCounts { producer: 2, consumer: 3 };

    #[test]
    fn every_thread_of_a_kind_moves_before_the_other_kind_does() {
        let mut turns = RoundRobin::new(COUNTS);
        for place in [0, 1, 2, 3, 4, 0, 1, 2] {
            assert_eq!(turns.next(COUNTS, |_| true), Some(place));
        }
    }

    #[test]
    fn a_kind_that_cannot_move_is_passed_over_and_goes_on_where_it_was() {
        let mut turns = RoundRobin::new(COUNTS);
        assert_eq!(turns.next(COUNTS, |_| true), Some(0));
        for place in [2, 3, 4, 2] {
            assert_eq!(turns.next(COUNTS, |k| k == Kind::Consumer), Some(place));
        }
        assert_eq!(turns.next(COUNTS, |k| k == Kind::Producer), Some(1));
    }

    #[test]
    fn nobody_moves_when_nobody_can() {
        let mut turns = RoundRobin::new(COUNTS);
        assert_eq!(turns.next(COUNTS, |_| false), None);
        let nobody = ThreadCounts { producer: 0, consumer: 0 };
        assert_eq!(RoundRobin::new(nobody).next(nobody, |_| true), None);
    }
}
