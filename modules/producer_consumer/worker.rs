// SPDX-License-Identifier: GPL-2.0
//! What is known of one thread: its part in the table `threads`.

use crate::{
    support::once::{Once32, Once64},
    uapi::producer_consumer as abi,
};

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
}

/// What a thread is doing.
#[derive(Clone, Copy)]
pub(crate) enum State {
    Running,
    Waits,
    Rests,
    Parked,
}

/// One thread as others see it. Only the thread itself writes here, so a value
/// may be old by a moment, but is never lost. Each has cache lines of its own.
#[repr(align(64))]
pub(crate) struct Worker {
    pub(crate) kind: Kind,
    /// The number in the thread's name.
    pub(crate) index: u32,
    state: Once32,
    items: Once64,
    waits: Once64,
    /// Whether it may move one item although it is parked.
    granted: Once32,
}

impl Worker {
    /// A thread that has not begun.
    pub(crate) fn new(kind: Kind, index: u32) -> Self {
        Self {
            kind,
            index,
            state: Once32::new(u32::from(abi::STATE_RUNNING)),
            items: Once64::new(0),
            waits: Once64::new(0),
            granted: Once32::new(0),
        }
    }

    /// Tells what the thread does from now on.
    pub(crate) fn is(&self, state: State) {
        if matches!(state, State::Waits) {
            self.waits.write(self.waits() + 1);
        }
        let state = match (state, self.kind) {
            (State::Running, _) => abi::STATE_RUNNING,
            (State::Waits, Kind::Producer) => abi::STATE_WAITS_EMPTY,
            (State::Waits, Kind::Consumer) => abi::STATE_WAITS_FULL,
            (State::Rests, _) => abi::STATE_DELAY,
            (State::Parked, _) => abi::STATE_PARKED,
        };
        self.state.write(u32::from(state));
    }

    /// Counts an item that the thread has moved.
    pub(crate) fn count_item(&self) {
        self.items.write(self.items.read() + 1);
    }

    /// How often the thread had to wait for its semaphore.
    pub(crate) fn waits(&self) -> u64 {
        self.waits.read()
    }

    /// Allows the parked thread to move one item.
    pub(crate) fn grant(&self) {
        self.granted.write(1);
    }

    /// Whether it was allowed to.
    pub(crate) fn is_granted(&self) -> bool {
        self.granted.read() != 0
    }

    /// Uses up the allowance.
    pub(crate) fn use_grant(&self) {
        self.granted.write(0);
    }

    /// The record in the table.
    pub(crate) fn record(&self) -> abi::ThreadRecord {
        abi::ThreadRecord {
            kind: match self.kind {
                Kind::Producer => abi::KIND_PRODUCER,
                Kind::Consumer => abi::KIND_CONSUMER,
            },
            state: self.state.read() as u8,
            reserved: 0,
            index: self.index,
            items: self.items.read(),
            waits: self.waits(),
        }
    }
}
