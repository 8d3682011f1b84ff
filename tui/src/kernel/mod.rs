// SPDX-License-Identifier: MIT OR Apache-2.0
//! One interface to a kernel, wherever it runs.
//!
//! A [`Target`] starts [`Request`]s; what comes back arrives as [`Item`]s, the
//! last of which says how it ended. [`local`] acts on the kernel this process
//! runs on; [`remote`] is the client of an agent at the other end of a byte
//! stream. Nothing above this module can tell which one it has.
#![warn(missing_docs)]

pub mod api;
pub mod call;
pub mod error;
pub mod kmsg;
pub mod local;
pub mod modinfo;
pub mod parameters;
pub mod question;
pub mod remote;
pub mod signature;
pub mod taint;
pub mod wire;

pub use api::{Item, Request};
pub use call::{Call, CallControl, Calls, Sink, Target};
pub use error::{TargetError, TargetResult};
pub use question::{Question, Replies, put};
