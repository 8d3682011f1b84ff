// SPDX-License-Identifier: MIT OR Apache-2.0
//! Block I/O through `/dev/kmod`.

use serde::{Deserialize, Serialize};

/// The most bytes one [`BlockAction`] or peek moves: 1 MiB.
pub const BLOCK_MAX: u32 = 1 << 20;

/// An operation of `/dev/kmod`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockAction {
    /// INFO.
    Info,
    /// BREAD: on from the position.
    Read {
        /// Bytes.
        size: u32,
    },
    /// BWRITE: on from the position.
    Write {
        /// The bytes.
        data: Vec<u8>,
    },
    /// READ64: anywhere, the position stays.
    ReadAt {
        /// Where.
        offset: u64,
        /// Bytes.
        size: u32,
    },
    /// WRITE64: anywhere, the position stays.
    WriteAt {
        /// Where.
        offset: u64,
        /// The bytes.
        data: Vec<u8>,
    },
    /// BREADOFFSET: go there, read, stay behind what was read.
    SeekRead {
        /// Where.
        offset: u32,
        /// Bytes.
        size: u32,
    },
    /// BWRITEOFFSET: go there, write, stay behind what was written.
    SeekWrite {
        /// Where.
        offset: u32,
        /// The bytes.
        data: Vec<u8>,
    },
    /// SYNC.
    Sync,
}

/// What an operation did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockOutcome {
    /// To INFO.
    Info(BlockDeviceInfo),
    /// Bytes read: fewer at the end of the device.
    Bytes(Vec<u8>),
    /// How many bytes were written.
    Written(u32),
    /// Synced.
    Synced,
}

/// What INFO says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockDeviceInfo {
    /// Bytes.
    pub size: u64,
    /// Where BREAD and BWRITE go on, in bytes.
    pub position: u64,
    /// Bytes.
    pub logical_block_size: u32,
    /// It can't be written.
    pub read_only: bool,
    /// It was taken away.
    pub gone: bool,
}

/// A block device of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockDevice {
    /// Its node: `/dev/sda`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Vendor and model, may be empty.
    pub model: String,
    /// Can it be unplugged?
    pub removable: bool,
}
