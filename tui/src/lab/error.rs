// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a lab could not be started, found or talked to.

use std::fmt;
use std::io;

use super::proc;
use super::vm::error::VmError;
use crate::kernel::TargetError;
use crate::kernel::error::io_text;

/// What the lab's functions return.
pub type LabResult<T> = Result<T, LabError>;

/// Why something about a lab failed.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// No lab runs.
    #[error("no lab is running")]
    NoLab,
    /// No lab of this name runs.
    #[error("no lab {0} is running")]
    NoSuchLab(String),
    /// Its process is there and does not answer.
    #[error("{0}")]
    Unresponsive(Unresponsive),
    /// Several run, and none was named.
    #[error("{} labs are running ({}); name one with --lab ID", .0.len(), .0.join(", "))]
    WhichLab(Vec<String>),
    /// The folder for sockets can't be used.
    #[error("the folder for lab sockets, {folder}: {why}")]
    RuntimeFolder {
        folder: String,
        /// What is wrong with it.
        why: String,
    },
    /// An operation on a file, a socket or a process failed.
    #[error("{doing}: {}", io_text(source))]
    Io {
        /// What was being done, on what.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The lab process ended before it was of use.
    #[error("the lab process did not start: {0}")]
    NotStarted(String),
    /// The guest did not start.
    #[error("{0}")]
    Guest(String),
    /// The lab process, or its guest, refused.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The machine could not be started.
    #[error(transparent)]
    Vm(#[from] VmError),
}

/// A lab whose process does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresponsive {
    /// The lab's name.
    pub id: String,
    /// Its process, as far as that can be known.
    pub pid: Option<i32>,
}

impl fmt::Display for Unresponsive {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "lab {} does not answer", self.id)?;
        match self.pid {
            Some(pid) if proc::stopped(pid) => {
                write!(out, " (pid {pid}, which is stopped: `kill -CONT {pid}` lets it go on)")
            }
            Some(pid) => write!(out, " (pid {pid})"),
            None => Ok(()),
        }
    }
}

impl LabError {
    /// From an I/O error: what was being done, on what.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
