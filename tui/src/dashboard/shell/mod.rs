// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is around the views: the update loop, header, hints, help, the palette
//! and the commands that mean the same everywhere.
//!
//! [`update::update`] takes the model and an event and returns effects, plain
//! data that the runtime performs. Time arrives with an event. So the same keys
//! and the same replies always make the same screen, and tests drive the very
//! loop that people use.

pub mod actions;
mod asked;
pub mod commands;
pub mod experiment;
pub mod frame;
pub mod global;
pub mod header;
pub mod help;
pub mod hints;
pub mod layers;
pub mod leave;
pub mod marks;
pub mod model;
pub mod palette;
pub mod post_mortem;
pub mod recordings;
pub mod reference;
pub mod repeat;
pub mod streams;
pub mod symbols;
pub mod table;
pub mod update;
