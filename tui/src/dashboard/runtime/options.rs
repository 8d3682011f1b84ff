// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the dashboard is started with, and how it ends.

use std::path::PathBuf;
use std::sync::Arc;

use crate::dashboard::core::config::Config;
use crate::dashboard::core::config::file::ConfigError;
use crate::dashboard::core::host::Host;
use crate::dashboard::core::workbench::Bench;
use crate::experiment::Script;
use crate::kernel::error::io_text;
use crate::tape::{Recorded, TapeError};

/// What the dashboard is started with.
pub struct Options {
    /// The settings.
    pub config: Config,
    /// The machine that it runs on.
    pub host: Arc<dyn Host>,
    /// Was the lab started for the dashboard, so that it ends with it?
    pub own_lab: bool,
    /// The file that everything is recorded in, if it is.
    pub record: Option<PathBuf>,
    /// The file in which typed inputs are kept between runs; `None`: nowhere.
    pub state: Option<PathBuf>,
    /// The folder to watch from the start.
    pub workbench: Option<Bench>,
    /// The experiment to begin with.
    pub experiment: Option<Script>,
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

/// How the dashboard ended, and what was recorded of it.
#[derive(Debug)]
pub struct Left {
    /// How it ended.
    pub ended: Ended,
    /// What was recorded, where that was asked for; nothing where it failed before,
    /// which the dashboard has said.
    pub recorded: Option<Recorded>,
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
    /// It could not be recorded.
    #[error("{0}")]
    Recording(#[from] TapeError),
    /// The config file is there and can't be read.
    #[error("{path} can't be read: {}; make it readable or move it away", io_text(.error))]
    Unread {
        /// The file.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The config file is wrong.
    #[error("{path}: {error}; correct it or move it away")]
    Config {
        /// The file.
        path: String,
        /// What is wrong.
        error: ConfigError,
    },
}
