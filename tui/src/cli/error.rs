// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a command failed with, and the one place that prints it.

use std::fmt;
use std::io::{ErrorKind, Write};

use super::interrupt;
use crate::kernel::TargetError;
use crate::kernel::error::io_text;
use crate::lab::build_error::BuildError;
use crate::lab::built_module::ModuleFileError;
use crate::plain_file::FileError;
use crate::text::escape::visible;

/// Exit status of a command that failed.
pub const FAILED: u8 = 1;
/// Exit status of a command line that makes no sense.
pub const USAGE: u8 = 2;

/// What a command ends with: its exit status, or why it failed.
pub type Outcome = Result<u8, Failure>;

/// Why a command failed: a sentence, what to do next, and the exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    text: String,
    help: Option<String>,
    status: u8,
    silent: bool,
    of_output: bool,
}

impl Failure {
    /// What failed, on what, and why: one sentence without a full stop.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), help: None, status: FAILED, silent: false, of_output: false }
    }

    /// From an I/O error: what was being done, on what.
    pub fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(format!("{doing}: {}", io_text(error)))
    }

    /// A command line that makes no sense.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(text).with_status(USAGE)
    }

    /// The same with what to do next.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into()).filter(|help| !help.is_empty());
        self
    }

    /// The same with another exit status.
    #[must_use]
    pub fn with_status(mut self, status: u8) -> Self {
        self.status = status;
        self
    }

    /// What failed, on what, and why.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What to do next, if anything is known.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The exit status.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Is it that standard output can't be written?
    pub fn is_of_output(&self) -> bool {
        self.of_output
    }

    /// Prints it on standard error as `error:` and `help:` and returns the exit
    /// status.
    pub fn report(&self) -> u8 {
        if !self.silent {
            let mut out = std::io::stderr().lock();
            // Nobody is left to tell when standard error is closed.
            drop(writeln!(out, "error: {}", visible(&self.text)));
            if let Some(help) = &self.help {
                drop(writeln!(out, "help: {}", visible(help)));
            }
        }
        self.status
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)?;
        match &self.help {
            Some(help) => write!(formatter, "\n{help}"),
            None => Ok(()),
        }
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        let help = error.hint().unwrap_or_default().to_owned();
        Self::new(error.to_string()).with_help(help)
    }
}

/// Errors of setting up and building; an interruption ends like its signal does.
impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let status = if error.stopped() { interrupt::status() } else { FAILED };
        Self::new(error.to_string())
            .with_help(error.remedy().unwrap_or_default())
            .with_status(status)
    }
}

/// Errors of printing: a reader that has seen enough (`| head`) is no failure
/// to speak of.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self {
            silent: error.kind() == ErrorKind::BrokenPipe,
            of_output: true,
            ..Self::io("write to standard output", &error)
        }
    }
}

/// Errors of reading a file that the command line names.
impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ModuleFileError> for Failure {
    fn from(error: ModuleFileError) -> Self {
        let help = match &error {
            ModuleFileError::File(_) => "a module is a .ko file; it may be packed (.gz, .xz, .zst)",
            ModuleFileError::NoModule { .. } => "",
        };
        Self::new(error.to_string()).with_help(help)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        match error.is_io() {
            true => Self::from(std::io::Error::from(error)),
            false => Self::new(format!("make JSON of the answer: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_kernel_keeps_its_hint_as_help() {
        let error = TargetError::errno(16, "unload module kmod").with_hint("close /dev/kmod");
        let failure = Failure::from(error);
        assert!(failure.text.contains("unload module kmod") && failure.text.contains("EBUSY"));
        assert_eq!(failure.help.as_deref(), Some("close /dev/kmod"));
        assert_eq!(failure.status(), FAILED);
    }
}
