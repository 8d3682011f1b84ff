// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recordings of a dashboard, written and played.
//!
//! [`super::shell::update::update`] has no clock and asks nobody: what is on the
//! screen follows from the events before. So a recording ([`crate::tape`]) is the
//! sequence of these events and of the requests that they led to, and playing it is
//! taking the same events to a new model ([`fold`]) whose effects are not carried out.
//! A reply finds its call by what was asked, not by a number that another version of
//! this program might give to something else.
//!
//! Whoever watches may look around: his keys go to a copy of the model, which gets
//! everything that the kernel said, and not the keys that were recorded ([`player`]).

pub mod bar;
pub mod cast;
pub mod convert;
pub mod fold;
mod head;
pub mod moments;
pub mod player;
mod programs;
mod scout;

pub use player::{Act, Player};
