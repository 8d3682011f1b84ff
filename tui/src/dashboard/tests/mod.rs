// SPDX-License-Identifier: MIT OR Apache-2.0
//! Drives the loop that people use with keys and a scripted kernel.

mod contrast;
mod death;
mod experiments;
pub(crate) mod harness;
mod hostile;
mod leaving;
mod log;
mod loops;
mod lost;
mod marks;
mod name;
mod preview;
mod recording;
mod room;
pub(crate) mod scripted_kernel;
mod snapshots;
mod tiny;
mod whatever;
