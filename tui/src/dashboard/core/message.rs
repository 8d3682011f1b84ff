// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one view wants of another, without knowing which one it is.

use super::calls::Owner;
use super::workbench::Bench;
use crate::kernel::TargetError;
use crate::kernel::api::SubjectAction;

/// A message; the view that takes it comes onto the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Show the view that drives this module.
    Module(&'static str),
    /// Show the record of the kernel log with this number.
    Record(u64),
    /// Watch this folder.
    Workbench(Bench),
    /// Have a process use /dev/memalloc.
    Subject(SubjectTask),
    /// Move bytes of the block device.
    Block(Transfer),
}

/// What a process is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectTask {
    /// Which, by a name of the asker's; it is started when it is first named.
    pub process: String,
    /// What; `None`: end.
    pub action: Option<SubjectAction>,
    /// The process that a page is offered to.
    pub with: Option<String>,
}

/// Bytes to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Read so many, at an offset or on from the position.
    Read { at: Option<u64>, size: u32 },
    /// Write these.
    Write { at: Option<u64>, data: Vec<u8> },
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskOutcome {
    /// It was done.
    Done,
    /// These bytes were read.
    Read(Vec<u8>),
    /// So many bytes were written.
    Written(usize),
    /// The process that was to do it died.
    Died,
    /// It was refused, or could not be begun.
    Failed(TargetError),
}

/// A task, from its beginning until the next one begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Whose call carries it out, once that is known.
    pub(super) owner: Option<Owner>,
    /// `None`: it is under way.
    pub(super) outcome: Option<TaskOutcome>,
}
