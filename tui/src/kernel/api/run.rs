// SPDX-License-Identifier: MIT OR Apache-2.0
//! Running a program in the target.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::kernel::error::{errno_name, errno_text};

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// The program and its arguments, as bytes.
    pub arguments: Vec<Vec<u8>>,
    /// The whole environment, as bytes.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// The working directory; must exist in the target.
    pub directory: Vec<u8>,
    /// Give it a terminal of this size as standard input, output and error.
    pub terminal: Option<TerminalSize>,
}

/// Rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Lines.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
}

/// Where a program wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputStream {
    /// Standard output, or the terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProgramEnd {
    /// It exited with this status.
    Exited(i32),
    /// This signal killed it.
    Signalled(i32),
    /// It could not be started: there is no such file.
    NotFound,
    /// It could not be started: the file can't be executed (this errno).
    NotExecutable(i32),
}

impl ProgramEnd {
    /// The exit status a shell would give: 126, 127, 128 + signal.
    pub fn status(self) -> u8 {
        match self {
            Self::Exited(status) => status as u8,
            Self::Signalled(signal) => 128u8.wrapping_add(signal as u8),
            Self::NotFound => 127,
            Self::NotExecutable(_) => 126,
        }
    }
}

impl fmt::Display for ProgramEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exit status {status}"),
            Self::Signalled(signal) => write!(f, "killed by signal {signal}"),
            Self::NotFound => write!(f, "there is no such program"),
            Self::NotExecutable(errno) => {
                write!(f, "can't be executed: {} ({})", errno_text(*errno), errno_name(*errno))
            }
        }
    }
}

/// A signal to a program, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal(pub i32);
