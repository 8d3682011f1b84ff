// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one view wants of another, without knowing which one it is.

use super::workbench::Bench;
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
