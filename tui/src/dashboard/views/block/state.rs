// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 5 remembers: the device, the bytes on the screen, and what was
//! done last.

use std::ops::Range;
use std::sync::Arc;

use crate::dashboard::data::hex::Differences;
use crate::kernel::TargetError;
use crate::kernel::api::{BlockDevice, BlockDeviceInfo};

pub(crate) const MODULE: &str = "kmod";

/// Which of this view's calls an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// What the device is.
    Info,
    /// What the module was loaded with.
    Module,
    /// The block devices there are.
    Devices,
    /// The bytes on the screen.
    Window,
    /// A read of the user's.
    Read,
    /// A piece of a write of the user's.
    Write,
    Sync,
    /// Our side of a comparison.
    Ours,
    /// The other side of it.
    Theirs,
    /// A file to write.
    File,
    /// The stick goes in (`true`) or out.
    Stick(bool),
}

/// Bytes of the device and where they begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Where.
    pub offset: u64,
    pub bytes: Vec<u8>,
}

impl Stretch {
    /// The byte at an offset of the device, if it is among them.
    pub(crate) fn at(&self, offset: u64) -> Option<u8> {
        let position = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        self.bytes.get(position).copied()
    }

    /// The offset after the last byte.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes.len() as u64)
    }
}

/// A stretch as kmod and as `pread` see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// The node that `pread` reads.
    pub path: String,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes were asked for.
    pub size: u32,
    /// What kmod sees.
    pub ours: Option<Vec<u8>>,
    /// What `pread` sees.
    pub theirs: Option<Vec<u8>>,
    /// Where they differ, once both are there.
    pub differences: Option<Differences>,
}

/// Bytes that were moved last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub range: Range<u64>,
    /// Were they written?
    pub written: bool,
}

/// A write in pieces.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// Everything to write.
    pub data: Arc<Vec<u8>>,
    /// How much of it is written.
    pub done: usize,
    /// Where it began.
    pub start: u64,
    /// By offset, or on from the position?
    pub at_offset: bool,
}

/// A write that waits for its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileFor {
    /// At which offset; `None`: at the position.
    pub(crate) at: Option<u64>,
    /// How many bytes; `None`: as many as the file has.
    pub(crate) size: Option<u64>,
}

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub info: Option<BlockDeviceInfo>,
    /// The node that the module was loaded for.
    pub device: Option<String>,
    /// The block devices there are.
    pub devices: Vec<BlockDevice>,
    /// The offset of the first row on the screen.
    pub top: u64,
    /// The byte under the cursor.
    pub cursor: u64,
    /// The bytes that are known, around those on the screen.
    pub window: Option<Stretch>,
    /// Why nothing could be read.
    pub error: Option<TargetError>,
    /// The bytes moved last.
    pub moved: Option<Moved>,
    /// The last comparison.
    pub comparison: Option<Comparison>,
    /// What was done last, in a sentence.
    pub said: Option<String>,
    /// A write under way: what is left to do.
    pub transfer: Option<Transfer>,
    /// A write that waits for its file.
    pub(crate) file_for: Option<FileFor>,
    /// Where a read under way began.
    pub(crate) read_from: u64,
    pub(crate) reading: bool,
    pub(crate) read_again: bool,
    pub(crate) known: bool,
    pub(crate) seen_operations: i64,
    pub(crate) seen_written: i64,
    pub(crate) seen_plugged: Option<bool>,
}
