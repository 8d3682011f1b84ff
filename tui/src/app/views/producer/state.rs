// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 3 remembers.

/// The module.
pub const MODULE: &str = "producer_consumer";

/// A control of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knob {
    /// Producers' delay in microseconds.
    ProducerDelay,
    /// Consumers' delay in microseconds.
    ConsumerDelay,
    /// 1: paused.
    Paused,
    /// Items to let through while paused.
    Step,
}

impl Knob {
    /// Its file in `controls`.
    pub fn file(self) -> &'static str {
        match self {
            Self::ProducerDelay => "producer_delay",
            Self::ConsumerDelay => "consumer_delay",
            Self::Paused => "paused",
            Self::Step => "step",
        }
    }
}

/// Which of this view's calls an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A control is being written.
    Set(Knob),
}

/// A part of the picture that can have the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The producers, left.
    Producers,
    /// The ring, in the middle.
    #[default]
    Ring,
    /// The consumers, right.
    Consumers,
}

impl Pane {
    pub(super) const ALL: [Self; 3] = [Self::Producers, Self::Ring, Self::Consumers];
}

/// A control that is being written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Writing {
    /// What is on its way.
    pub(super) value: u64,
    /// What follows it: written when the first one is done.
    pub(super) next: Option<u64>,
}

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Which pane has the focus.
    pub focus: Pane,
    /// The producer under the cursor, from 0.
    pub producer: usize,
    /// The consumer under the cursor, from 0.
    pub consumer: usize,
    /// The slot under the cursor.
    pub slot: usize,
    pub(super) writing: [Option<Writing>; 4],
}
