// SPDX-License-Identifier: GPL-2.0
//! What is known of one thread: its part in the table `threads`.

use crate::uapi::producer_consumer as abi;
use kernel::sync::atomic::{Atomic, Relaxed};

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
    state: Atomic<u32>,
    items: Atomic<u64>,
    waits: Atomic<u64>,
    /// Whether it may move one item although it is parked.
    granted: Atomic<u32>,
}

impl Worker {
    /// A thread that has not begun.
    pub(crate) fn new(kind: Kind, index: u32) -> Self {
        Self {
            kind,
            index,
            state: Atomic::new(u32::from(abi::STATE_RUNNING)),
            items: Atomic::new(0),
            waits: Atomic::new(0),
            granted: Atomic::new(0),
        }
    }

    /// Tells what the thread does from now on.
    pub(crate) fn is(&self, state: State) {
        if matches!(state, State::Waits) {
            self.waits.store(self.waits() + 1, Relaxed);
        }
        let state = match (state, self.kind) {
            (State::Running, _) => abi::STATE_RUNNING,
            (State::Waits, Kind::Producer) => abi::STATE_WAITS_EMPTY,
            (State::Waits, Kind::Consumer) => abi::STATE_WAITS_FULL,
            (State::Rests, _) => abi::STATE_DELAY,
            (State::Parked, _) => abi::STATE_PARKED,
        };
        self.state.store(u32::from(state), Relaxed);
    }

    /// Counts an item that the thread has moved.
    pub(crate) fn count_item(&self) {
        self.items.store(self.items.load(Relaxed) + 1, Relaxed);
    }

    /// How often the thread had to wait for its semaphore.
    pub(crate) fn waits(&self) -> u64 {
        self.waits.load(Relaxed)
    }

    /// Allows the parked thread to move one item.
    pub(crate) fn grant(&self) {
        self.granted.store(1, Relaxed);
    }

    /// Whether it was allowed to.
    pub(crate) fn is_granted(&self) -> bool {
        self.granted.load(Relaxed) != 0
    }

    /// Uses up the allowance.
    pub(crate) fn use_grant(&self) {
        self.granted.store(0, Relaxed);
    }

    /// The record in the table.
    pub(crate) fn record(&self) -> abi::ThreadRecord {
        abi::ThreadRecord {
            kind: match self.kind {
                Kind::Producer => abi::KIND_PRODUCER,
                Kind::Consumer => abi::KIND_CONSUMER,
            },
            state: self.state.load(Relaxed) as u8,
            reserved: 0,
            index: self.index,
            items: self.items.load(Relaxed),
            waits: self.waits(),
        }
    }
}
