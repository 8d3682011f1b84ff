// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the dashboard knows and what it does with it, free of I/O and clocks.
//!
//! [`update`] takes the [`Model`] and an [`Event`] and answers with
//! [`Effect`]s, plain data that the runtime ([`crate::dashboard`]) performs:
//! requests to the kernel, a file to write, text to copy. Time arrives with
//! [`Event::Tick`]. So the same keys and the same answers always make the same
//! screen, and tests drive the very loop that people use.
//!
//! Each number key's view is a folder in [`views`]; whatever can be done stands
//! once in the command table ([`commands`]), which feeds keys, hints, help, the
//! palette and the documentation.
//!
//! From the bottom up: values that know nothing of a model ([`keys`], [`hex`],
//! [`page_table`], [`ring`], [`series`], [`log`], …); what is remembered
//! ([`model`], of which every `state.rs` is a part); what changes it (the views,
//! [`loader`], `streams`, [`layers`]); and [`update`], which tells them. Forms
//! and questions ([`form`], [`layer`]) lie in the model and hold what is done
//! with their answer, a function over the model: these three know each other.

mod actions;
pub mod advice;
pub mod calls;
pub mod command;
pub mod command_log;
pub mod commands;
pub mod config;
pub mod console;
pub mod counters;
pub mod duration;
pub mod effect;
pub mod equivalent;
pub mod escape;
pub mod event;
pub mod form;
pub mod global;
mod held;
pub mod help;
pub mod hex;
pub mod keys;
pub mod layer;
pub mod layers;
mod leave;
pub mod lines;
pub mod link;
pub mod loadable;
pub mod loader;
pub mod log;
pub mod model;
pub mod page_table;
pub mod palette;
pub mod ring;
pub mod scroll;
pub mod series;
mod streams;
pub mod symbols;
pub mod text_field;
pub mod toasts;
pub mod update;
pub mod views;
mod vm;
pub mod wrap;

pub use calls::{Owner, Report};
pub use effect::{CallTag, Effect};
pub use event::{Event, Hit, Move};
pub use keys::Key;
pub use loadable::Loadable;
pub use model::Model;
pub use update::update;
pub use views::ViewId;
