// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the views share: commands, forms, keys, calls and effects, and what is
//! known of the kernel at the other end.

pub mod advice;
pub mod calls;
pub mod command;
pub mod config;
pub mod deeds;
pub mod effect;
pub mod equivalent;
pub mod event;
pub mod experiment;
pub mod field;
pub mod form;
pub mod handler;
pub mod held;
pub mod host;
pub mod info;
pub mod keymap;
pub mod keys;
pub mod layer;
pub mod link;
pub mod loadable;
pub mod loader;
pub mod marks;
pub mod message;
pub mod scroll;
pub mod shared;
pub mod symbols;
pub mod task;
pub mod text_field;
pub mod toasts;
pub mod trace;
pub mod traced;
pub mod vm;
pub mod workbench;

pub use self::calls::{Owner, Report, ViewCall};
pub use self::command::{Command, Info, command};
pub use self::effect::{CallTag, Effect};
pub use self::event::{Event, Move};
pub use self::field::{Field, Kind, Paths};
pub use self::host::{HostReply, HostRequest, HostResult};
pub use self::keys::{Key, KeyCode};
pub use self::link::{Connection, is_lost};
pub use self::loadable::Loadable;
pub use self::message::Message;
pub use self::shared::{About, Form, Layer, Shared};
pub use self::text_field::TextField;
pub use super::data::hit::Hit;
