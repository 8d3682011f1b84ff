// SPDX-License-Identifier: MIT OR Apache-2.0
//! The dashboard at work: terminal, threads and the loop around [`super::shell`].
//!
//! The loop drains everything that has happened, updates the model, performs
//! the effects, and draws when something changed, at most thirty times a
//! second. It never waits for the kernel: requests, builds and files have
//! threads of their own, and what comes of them arrives as events.

mod beside;
mod calls;
mod environment;
mod files;
mod headless;
mod input;
mod message;
mod options;
mod replay;
mod runner;
mod screen;
mod signals;

use std::io::IsTerminal;
use std::sync::Arc;

pub use beside::Beside;
pub use environment::{config_path, look, state_path};
pub use files::{in_home, recall, remember};
pub use headless::{Recording, record};
pub use options::{DashboardError, Ended, Left, Options};
pub use replay::Playing;

use super::core::config::Config;
use super::shell::table;
use crate::kernel::Target;
use crate::tape::Tape;

/// Reads the user's config file; the defaults where there is none.
///
/// # Errors
/// When there is one that can't be read or is wrong.
pub fn read_config() -> Result<Config, DashboardError> {
    let Some(path) = config_path() else {
        return Ok(Config::default());
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    Config::parse(&text, table::exists)
        .map_err(|error| DashboardError::Config { path: path.display().to_string(), error })
}

/// Runs the dashboard until the user leaves it, a signal ends it or a thread
/// panics. The terminal is as it was before when this returns.
///
/// # Errors
/// When there is no terminal, or it fails.
pub fn run(target: Arc<dyn Target>, options: Options) -> Result<Left, DashboardError> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(DashboardError::NoTerminal);
    }
    runner::run(target, options)
}

/// Plays a recording until whoever watches leaves.
///
/// # Errors
/// When there is no terminal, or it fails.
pub fn play(tape: Tape, playing: &Playing) -> Result<Ended, DashboardError> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(DashboardError::NoTerminal);
    }
    replay::run(tape, playing)
}
