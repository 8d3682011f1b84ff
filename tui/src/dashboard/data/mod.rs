// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values that know nothing of a dashboard: the log, series, counters, the
//! console, and how they are written and read.

pub mod appearance;
mod chunks;
pub mod command_log;
pub mod console;
pub mod counters;
pub mod duration;
pub mod hex;
pub mod hit;
pub mod lines;
pub mod log;
pub mod series;
pub mod wrap;

pub use crate::text::escape;
