// SPDX-License-Identifier: GPL-2.0
//! Whose turn it is when items are moved one by one.
//!
//! Each thread of a kind moves one item, then each of the other kind does; a
//! kind that cannot move leaves its turn to the other.

use super::worker::Kind;
use kernel::prelude::*;

/// How many threads there are of each kind.
#[derive(Clone, Copy)]
pub(crate) struct Staff {
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
}

impl Staff {
    /// The number of threads of a kind.
    pub(crate) fn of(&self, kind: Kind) -> usize {
        match kind {
            Kind::Producer => self.producers,
            Kind::Consumer => self.consumers,
        }
    }

    /// The number of all threads.
    pub(crate) fn all(&self) -> usize {
        self.producers + self.consumers
    }

    /// What the thread at this place of the table is; producers come first.
    pub(crate) fn at(&self, place: usize) -> (Kind, usize) {
        match place.checked_sub(self.producers) {
            None => (Kind::Producer, place),
            Some(place) => (Kind::Consumer, place),
        }
    }
}

/// Remembers whose turn it is.
pub(crate) struct Turn {
    kind: Kind,
    /// How many threads of this kind have not had their turn.
    left: usize,
    next_producer: usize,
    next_consumer: usize,
}

impl Turn {
    /// The first producer begins.
    pub(crate) fn new(staff: Staff) -> Self {
        Self {
            kind: Kind::Producer,
            left: staff.producers,
            next_producer: 0,
            next_consumer: 0,
        }
    }

    /// The place in the table of the thread that moves next, or `None` if no
    /// thread can: `can_move` says it for each kind.
    pub(crate) fn next(&mut self, staff: Staff, can_move: impl Fn(Kind) -> bool) -> Option<usize> {
        // This kind, the other one, and this kind anew if only it can.
        for _ in 0..3 {
            if self.left > 0 && can_move(self.kind) {
                self.left -= 1;
                let (next, before) = match self.kind {
                    Kind::Producer => (&mut self.next_producer, 0),
                    Kind::Consumer => (&mut self.next_consumer, staff.producers),
                };
                let place = before + *next;
                *next += 1;
                if *next >= staff.of(self.kind) {
                    *next = 0;
                }
                return Some(place);
            }
            self.kind = self.kind.other();
            self.left = staff.of(self.kind);
        }
        None
    }
}

#[kunit_tests(producer_consumer_turn)]
mod tests {
    use super::*;

    const STAFF: Staff = Staff {
        producers: 2,
        consumers: 3,
    };

    #[test]
    fn every_thread_of_a_kind_moves_before_the_other_kind_does() {
        let mut turn = Turn::new(STAFF);
        for place in [0, 1, 2, 3, 4, 0, 1, 2] {
            assert_eq!(turn.next(STAFF, |_| true), Some(place));
        }
    }

    #[test]
    fn a_kind_that_cannot_move_is_passed_over_and_goes_on_where_it_was() {
        let mut turn = Turn::new(STAFF);
        assert_eq!(turn.next(STAFF, |_| true), Some(0));
        for place in [2, 3, 4, 2] {
            assert_eq!(turn.next(STAFF, |k| k == Kind::Consumer), Some(place));
        }
        assert_eq!(turn.next(STAFF, |k| k == Kind::Producer), Some(1));
    }

    #[test]
    fn nobody_moves_when_nobody_can() {
        let mut turn = Turn::new(STAFF);
        assert_eq!(turn.next(STAFF, |_| false), None);
        let nobody = Staff {
            producers: 0,
            consumers: 0,
        };
        assert_eq!(Turn::new(nobody).next(nobody, |_| true), None);
    }
}
