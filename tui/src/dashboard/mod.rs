// SPDX-License-Identifier: MIT OR Apache-2.0
//! The dashboard.
//!
//! Imports run one way: `runtime` (terminal, threads, loop) →
//! `replay` (recordings, written and played) → `shell` (model,
//! update, layers, header, global commands) → `views` → {`paint` (canvas, chart,
//! theme, glyphs), `core` (what views share)} → `data` (log, series, counters,
//! console).

pub mod core;
pub mod data;
pub mod paint;
pub mod replay;
mod runtime;
pub mod shell;
#[cfg(test)]
mod tests;
pub mod views;

pub use core::host;
pub use runtime::{
    Beside, DashboardError, Ended, Left, Options, Playing, Recording, config_path, in_home, look,
    play, read_config, read_config_for, recall, record, remember, run, state_path,
};
