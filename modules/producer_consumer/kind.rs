// SPDX-License-Identifier: GPL-2.0
//! The two kinds of threads, and how many there are of each.

use crate::uapi::producer_consumer as abi;

/// What a thread does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Producer,
    Consumer,
}

impl Kind {
    /// The kind that this one works with.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Producer => Self::Consumer,
            Self::Consumer => Self::Producer,
        }
    }

    /// The name of its threads, before the number.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Producer => "Producer",
            Self::Consumer => "Consumer",
        }
    }

    /// `KIND_…`
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Producer => abi::KIND_PRODUCER,
            Self::Consumer => abi::KIND_CONSUMER,
        }
    }
}

/// Something that there is for each kind.
#[derive(Clone, Copy)]
pub(crate) struct PerKind<T> {
    pub(crate) producer: T,
    pub(crate) consumer: T,
}

impl<T> PerKind<T> {
    /// That of this kind.
    pub(crate) fn of(&self, kind: Kind) -> &T {
        match kind {
            Kind::Producer => &self.producer,
            Kind::Consumer => &self.consumer,
        }
    }

    /// That of this kind, to change it.
    pub(crate) fn of_mut(&mut self, kind: Kind) -> &mut T {
        match kind {
            Kind::Producer => &mut self.producer,
            Kind::Consumer => &mut self.consumer,
        }
    }
}

/// How many threads there are of each kind.
pub(crate) type ThreadCounts = PerKind<usize>;

impl ThreadCounts {
    /// The number of all threads.
    pub(crate) fn all(&self) -> usize {
        self.producer + self.consumer
    }

    /// What the thread at this place of the table is, and how many of its kind
    /// stand before it; producers come first.
    pub(crate) fn at(&self, place: usize) -> (Kind, usize) {
        match place.checked_sub(self.producer) {
            None => (Kind::Producer, place),
            Some(before) => (Kind::Consumer, before),
        }
    }
}
