// SPDX-License-Identifier: MIT OR Apache-2.0
//! The dashboard at work: terminal, threads and the loop around [`crate::app`].

use std::sync::Arc;

use crate::target::Target;

/// Builds a module of ours by name and answers its .ko file.
pub type Builder = Arc<dyn Fn(&str) -> Result<Vec<u8>, String> + Send + Sync>;

/// What the dashboard is started with.
pub struct Options {
    /// Builds modules.
    pub builder: Builder,
}

/// Why the dashboard could not run.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// Standard input or output is no terminal.
    #[error("the dashboard needs a terminal")]
    NoTerminal,
    /// The terminal failed.
    #[error("the terminal failed: {0}")]
    Terminal(#[from] std::io::Error),
}

/// Runs the dashboard until the user leaves it.
///
/// # Errors
/// When there is no terminal, or it fails.
pub fn run(_target: Arc<dyn Target>, _options: Options) -> Result<(), DashboardError> {
    Ok(())
}
