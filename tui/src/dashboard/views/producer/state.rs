// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 3 remembers.

use super::past::Past;
use super::queue::{Controls, Knob};
use crate::kernel::api::ModuleDetail;

pub(crate) const MODULE: &str = "producer_consumer";

/// Which of this view's calls an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// A control is being written.
    Set(Knob),
    /// What is known of a module that only bears the name of ours.
    Foreign,
}

/// A part of the picture that can have the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    /// The producers, left.
    Producers,
    /// The ring, in the middle.
    #[default]
    Ring,
    /// The consumers, right.
    Consumers,
}

impl Pane {
    pub(crate) const ALL: [Self; 3] = [Self::Producers, Self::Ring, Self::Consumers];
}

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Producer {
    /// Which pane has the focus.
    pub focus: Pane,
    /// The producer under the cursor, from 0.
    pub producer: usize,
    /// The consumer under the cursor, from 0.
    pub consumer: usize,
    /// The slot under the cursor.
    pub slot: usize,
    pub(crate) controls: Controls,
    pub(crate) past: Past,
    /// What is known of a module that only bears the name of ours.
    pub(crate) foreign: Option<ModuleDetail>,
    pub(crate) asked_ms: Option<u64>,
}
