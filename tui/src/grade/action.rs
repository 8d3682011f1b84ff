// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a step asks of /dev/memalloc and /dev/kmod, and what reasons call it.

use super::spec::{BlockDo, BlockStep, Memory, MemoryDo};
use crate::kernel::api::{BLOCK_MAX, SUBJECT_IO_MAX, SubjectAction};

impl Memory {
    /// `process a: free 0x400000000000`.
    pub fn doing(&self) -> String {
        let what = match &self.action {
            MemoryDo::Allocate { at, pages, write } => {
                let mode = if *write { "writable" } else { "read-only" };
                format!("allocate {pages} {mode} pages at {at:#x}")
            }
            MemoryDo::Free { at } => format!("free {at:#x}"),
            MemoryDo::Read { at, size } => format!("read {size} bytes at {at:#x}"),
            MemoryDo::Write { at, .. } => format!("write to {at:#x}"),
            MemoryDo::Share { at, with, .. } => format!("share the page at {at:#x} with {with}"),
            MemoryDo::Access { at } => format!("access a shared page at {at:#x}"),
            MemoryDo::End => "end".into(),
        };
        format!("process {}: {what}", self.process)
    }
}

impl MemoryDo {
    /// What the process is to do; `client` is the process that a page is shared with.
    /// `None`: it ends.
    pub fn action(&self, client: i32) -> Option<SubjectAction> {
        Some(match self {
            Self::Allocate { at, pages, write } => {
                SubjectAction::Allocate { vaddr: *at, pages: *pages, write: *write }
            }
            Self::Free { at } => SubjectAction::Free { vaddr: *at },
            Self::Read { at, size } => {
                SubjectAction::Read { vaddr: *at, size: (*size).min(SUBJECT_IO_MAX) }
            }
            Self::Write { at, text } => {
                SubjectAction::Write { vaddr: *at, bytes: text.clone().into_bytes() }
            }
            Self::Share { at, write, .. } => {
                SubjectAction::Share { vaddr: *at, client, write: *write }
            }
            Self::Access { at } => SubjectAction::Access { vaddr: *at },
            Self::End => return None,
        })
    }

    /// The process that a page is shared with.
    pub fn with(&self) -> Option<&str> {
        match self {
            Self::Share { with, .. } => Some(with),
            _ => None,
        }
    }
}

impl BlockStep {
    /// `/dev/kmod: read 512 bytes at offset 0`.
    pub fn doing(&self) -> String {
        let (verb, size) = match &self.action {
            BlockDo::Read { size } | BlockDo::ReadOffset { size, .. } => ("read", *size as usize),
            BlockDo::Write { .. } | BlockDo::WriteOffset { .. } => {
                ("write", self.action.data().len())
            }
        };
        let at = self.action.at().map(|at| format!(" at offset {at}")).unwrap_or_default();
        format!("/dev/kmod: {verb} {size} bytes{at}")
    }
}

impl BlockDo {
    /// The bytes that are written: the text as often as it is wanted, and as fits into
    /// one operation.
    pub fn data(&self) -> Vec<u8> {
        match self {
            Self::Write { text, times } | Self::WriteOffset { text, times, .. } => {
                let most = BLOCK_MAX as usize / text.len().max(1);
                text.repeat((*times as usize).min(most)).into_bytes()
            }
            Self::Read { .. } | Self::ReadOffset { .. } => Vec::new(),
        }
    }

    /// The offset; `None`: on from the position.
    pub fn at(&self) -> Option<u32> {
        match self {
            Self::ReadOffset { offset, .. } | Self::WriteOffset { offset, .. } => Some(*offset),
            Self::Read { .. } | Self::Write { .. } => None,
        }
    }
}
