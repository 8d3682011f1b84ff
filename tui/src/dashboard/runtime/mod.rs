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

use std::io::{ErrorKind, IsTerminal};
use std::path::Path;
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
    config_path().map_or_else(|| Ok(Config::default()), |path| read_config_at(&path))
}

/// The same for whoever needs these entries only. What is wrong with the rest is
/// returned beside them, to be told of.
///
/// # Errors
/// As [`read_config`], of these entries.
pub fn read_config_for(
    entries: &[&str],
) -> Result<(Config, Option<DashboardError>), DashboardError> {
    let Some(path) = config_path() else { return Ok((Config::default(), None)) };
    let wrong = |error| DashboardError::Config { path: path.display().to_string(), error };
    let text = match config_text(&path) {
        Ok(text) => text,
        Err(unread) => return Ok((Config::default(), Some(unread))),
    };
    let (config, rest) = Config::parse_only(&text, entries, table::exists).map_err(wrong)?;
    Ok((config, rest.map(wrong)))
}

fn read_config_at(path: &Path) -> Result<Config, DashboardError> {
    Config::parse(&config_text(path)?, table::exists)
        .map_err(|error| DashboardError::Config { path: path.display().to_string(), error })
}

fn config_text(path: &Path) -> Result<String, DashboardError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        // In the home folder of another, who has lent the environment (`setpriv`, `sudo -E`).
        Err(_) if is_out_of_reach(path) => Ok(String::new()),
        Err(error) => Err(DashboardError::Unread { path: path.display().to_string(), error }),
    }
}

/// Can this user not even see whether the file is there?
fn is_out_of_reach(path: &Path) -> bool {
    path.metadata().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_file_that_is_there_and_can_not_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("config.toml");
        assert!(read_config_at(&missing).is_ok());
        let error = read_config_at(folder.path()).unwrap_err().to_string();
        let path = folder.path().display();
        assert!(
            error.starts_with(&format!("{path} can't be read: Is a directory (EISDIR)")),
            "{error}"
        );
    }
}
