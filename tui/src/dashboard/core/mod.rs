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
pub mod held;
pub mod keys;
pub mod layer;
pub mod link;
pub mod loadable;
pub mod model;
pub mod scroll;
pub mod text_field;
pub mod toasts;
