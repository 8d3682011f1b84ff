// SPDX-License-Identifier: MIT OR Apache-2.0
//! The dashboard at work: terminal, threads and the loop around [`super::shell`].
//!
//! The loop drains everything that has happened, updates the model, performs
//! the effects, and draws when something changed, at most thirty times a
//! second. It never waits for the kernel: requests, builds and files have
//! threads of their own, and what comes of them arrives as events.

mod calls;
mod environment;
mod files;
mod input;
mod message;
mod runner;
mod screen;
mod signals;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

pub use environment::{config_path, look, state_path};
pub use files::in_home;

use super::core::config::Config;
use super::core::config::file::ConfigError;
use super::core::host::Host;
use super::shell::table;
use crate::kernel::Target;

/// What the dashboard is started with.
pub struct Options {
    /// The settings.
    pub config: Config,
    /// The machine that it runs on.
    pub host: Arc<dyn Host>,
    /// Was the lab started for the dashboard, so that it ends with it?
    pub own_lab: bool,
    /// The file in which typed inputs are kept between runs; `None`: nowhere.
    pub state: Option<PathBuf>,
}

/// How the dashboard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The user left it.
    Quit,
    /// This signal asked for its end; the terminal is restored.
    Signal(i32),
    /// A thread panicked; the message has been printed and the terminal is restored.
    Panicked,
}

impl Ended {
    /// The exit status that says so: 0, 128 + signal, or 101.
    pub fn status(self) -> u8 {
        match self {
            Self::Quit => 0,
            Self::Signal(signal) => 128u8.wrapping_add(signal as u8),
            Self::Panicked => 101,
        }
    }
}

/// Why the dashboard could not run.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// Standard input or output is no terminal.
    #[error(
        "the dashboard needs a terminal, and standard input or output is none; \
         `ringside demo` shows what it does in plain lines, and `ringside --help` lists \
         the commands that work without one"
    )]
    NoTerminal,
    /// The terminal failed.
    #[error("the terminal failed: {0}")]
    Terminal(#[from] std::io::Error),
    /// The config file is wrong.
    #[error("{path}: {error}; correct it or move it away")]
    Config {
        /// The file.
        path: String,
        /// What is wrong.
        error: ConfigError,
    },
}

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
pub fn run(target: Arc<dyn Target>, options: Options) -> Result<Ended, DashboardError> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(DashboardError::NoTerminal);
    }
    runner::run(target, options)
}
