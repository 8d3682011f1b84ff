// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the views share: commands, forms, keys, calls and effects, and what is
//! known of the kernel at the other end.

pub mod advice;
pub mod calls;
pub mod command;
pub mod config;
pub mod effect;
pub mod equivalent;
pub mod event;
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
pub mod message;
pub mod scroll;
pub mod shared;
pub mod symbols;
pub mod text_field;
pub mod toasts;
pub mod vm;
