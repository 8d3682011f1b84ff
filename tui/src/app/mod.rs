// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the dashboard knows and what it does with it, free of I/O and clocks.
//!
//! [`update`] takes the [`Model`] and an [`Event`] and answers with
//! [`Effect`]s, plain data that the runtime ([`crate::dashboard`]) performs:
//! requests to the kernel, a file to write, text to copy. Time arrives with
//! [`Event::Tick`]. So the same keys and the same answers always make the same
//! screen, and tests drive the very loop that people use.
//!
//! Each number key's view is one file in [`views`]; whatever can be done stands
//! once in the command table ([`commands`]), which feeds keys, hints, help, the
//! palette and the documentation.

mod actions;
pub mod advice;
pub mod calls;
pub mod command;
pub mod command_log;
pub mod commands;
pub mod config;
pub mod console;
pub mod counters;
pub mod effect;
pub mod equivalent;
pub mod event;
pub mod form;
pub mod global;
pub mod hex;
pub mod keys;
pub mod layer;
pub mod layers;
pub mod link;
pub mod loadable;
pub mod loader;
pub mod log;
pub mod model;
pub mod page_table;
pub mod ring;
pub mod series;
mod streams;
pub mod symbols;
pub mod text_field;
pub mod toasts;
pub mod update;
pub mod views;
mod vm;

pub use calls::{Owner, Report};
pub use effect::{CallTag, Effect};
pub use event::{Event, Hit, Move};
pub use keys::Key;
pub use loadable::Loadable;
pub use model::Model;
pub use update::update;
pub use views::ViewId;
