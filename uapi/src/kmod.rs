// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! `/dev/kmod`: reads and writes of the block device that the module was
//! loaded for, by its page cache.

use super::describe::{Counter, LOG_LINE, Module, Parameter, ParameterKind, Unit};
use super::ioctl::{io, ior, iow};

/// The device node.
pub const DEVICE: &str = "/dev/kmod";
/// The block device used when the parameter `device` is not given.
pub const DEFAULT_BLOCK_DEVICE: &str = "/dev/sdb";
/// The most bytes one call moves (`MAX_RW_COUNT` of the kernel, rounded as in abi.md).
pub const MAX_TRANSFER: u32 = 0x7fff_f000;

/// Read on from the current position; argument [`BlockRwOps`].
///
/// Reads need a descriptor that is open for reading, writes one that is open for writing.
///
/// Both return how many bytes were moved: fewer than asked for at the end of the device or where
/// the caller's buffer ends; at most [`MAX_TRANSFER`]; 0 for a read at or behind the end. As with
/// `pread` and `pwrite`, no signal that the caller survives ends them early. All callers share one
/// position; who goes on from it has it alone until the call is over.
///
/// Errors, none of which moves the position: `EBADF`: the descriptor is not open for this;
/// `EFAULT`: argument or buffer are not memory of the caller's; `ENOSPC`: a write at or behind the
/// end; `EROFS`: the device is read-only now; `EINVAL`: a range that passes 2^63; `ENODEV`: the
/// device was taken away; `EIO`: it can't be read.
pub const BREAD: u32 = iow(b'a', b'a', 16);
/// Write on from the current position; argument [`BlockRwOps`].
pub const BWRITE: u32 = iow(b'a', b'b', 16);
/// Go to an offset, then read; argument [`BlockRwOffsetOps`].
pub const BREADOFFSET: u32 = iow(b'a', b'c', 16);
/// Go to an offset, then write; argument [`BlockRwOffsetOps`].
pub const BWRITEOFFSET: u32 = iow(b'a', b'd', 16);
/// Describe the device as it is now; argument [`BlockInfo`]. Any open descriptor will do.
/// `EFAULT`: the argument can't be written.
pub const INFO: u32 = ior(b'a', b'e', 24);
/// Make every write durable; no argument. Any open descriptor will do, as with `fsync`.
///
/// `EIO`, `ENOSPC`: something that was written before could not be; `ENODEV`: the device was
/// taken away, and what was written since the last SYNC may be lost.
pub const SYNC: u32 = io(b'a', b'f');
/// Read at a 64-bit offset, leaving the position alone; argument [`BlockIo`]. `EINVAL` too if
/// `reserved` is not 0.
pub const READ64: u32 = iow(b'a', b'g', 24);
/// Write at a 64-bit offset, leaving the position alone; argument [`BlockIo`].
pub const WRITE64: u32 = iow(b'a', b'h', 24);

/// Argument of [`BREAD`] and [`BWRITE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockRwOps {
    /// The address of the caller's buffer.
    pub data: u64,
    /// Bytes to move.
    pub size: u32,
    /// The rest of the C struct; ignored.
    pub padding: u32,
}

/// Argument of [`BREADOFFSET`] and [`BWRITEOFFSET`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockRwOffsetOps {
    /// The address of the caller's buffer.
    pub data: u64,
    /// Bytes to move.
    pub size: u32,
    /// Where on the device, in bytes.
    pub offset: u32,
}

/// Argument of [`READ64`] and [`WRITE64`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockIo {
    /// The address of the caller's buffer.
    pub data: u64,
    /// Where on the device, in bytes.
    pub offset: u64,
    /// Bytes to move.
    pub size: u32,
    /// Must be 0.
    pub reserved: u32,
}

/// Result of [`INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockInfo {
    /// The device's size in bytes.
    pub size: u64,
    /// The current position in bytes.
    pub position: u64,
    /// The size of its logical block in bytes.
    pub logical_block_size: u32,
    /// [`FLAG_READ_ONLY`] and [`FLAG_GONE`].
    pub flags: u32,
}

/// The device can't be written at the moment; `BLKROSET` may change that.
pub const FLAG_READ_ONLY: u32 = 1;
/// The device was taken away.
pub const FLAG_GONE: u32 = 2;

const _: () = assert!(core::mem::size_of::<BlockRwOps>() == 16);
const _: () = assert!(core::mem::size_of::<BlockRwOffsetOps>() == 16);
const _: () = assert!(core::mem::size_of::<BlockIo>() == 24);
const _: () = assert!(core::mem::size_of::<BlockInfo>() == 24);
const _: () = assert!(core::mem::offset_of!(BlockRwOffsetOps, offset) == 12);
const _: () = assert!(core::mem::offset_of!(BlockIo, size) == 16);
const _: () = assert!(core::mem::offset_of!(BlockInfo, flags) == 20);

const fn bytes(name: &'static str, monotonic: bool, help: &'static str) -> Counter {
    Counter { name, unit: Unit::Bytes, monotonic, help }
}

const fn total(name: &'static str, help: &'static str) -> Counter {
    Counter { name, unit: Unit::Count, monotonic: true, help }
}

/// What the module shows.
pub const MODULE: Module = Module {
    name: "kmod",
    summary: "Reads and writes a USB stick from inside the kernel",
    device: Some(DEVICE),
    parameters: &[Parameter {
        name: "device",
        kind: ParameterKind::Text { max: LOG_LINE },
        default: DEFAULT_BLOCK_DEVICE,
        help: "the block device to work on",
    }],
    counters: &[
        bytes("bytes_read", true, "bytes read from the device"),
        bytes("bytes_written", true, "bytes written to the device"),
        total("operations", "reads, writes and syncs that succeeded"),
        total("errors", "calls that failed"),
        bytes("position", false, "where BREAD and BWRITE go on"),
        bytes("device_size", false, "the size of the device"),
    ],
    controls: &[],
    tables: &[],
};
