// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lab: what it takes to have a real kernel to look at.

pub mod build_error;
pub mod built_module;
pub mod cache;
pub mod client;
pub mod dump;
mod durable;
pub mod error;
pub mod flavour;
pub mod gdb;
mod inherit;
pub mod kept_marks;
pub mod kunit;
pub mod linux;
mod lock;
pub mod modules;
pub mod new;
pub(crate) mod oops;
pub mod options;
pub(crate) mod paths;
pub mod private;
pub(crate) mod proc;
pub mod process;
mod program;
pub mod progress;
pub mod ready;
pub mod runtime;
mod seen;
pub mod setup;
pub mod signatures;
mod sum;
mod supervisor;
pub mod symbols;
pub mod vm;
pub mod watch;
