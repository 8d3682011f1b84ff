// SPDX-License-Identifier: GPL-2.0
//! A block device, opened from inside the kernel and used through its page cache.
//!
//! That is what a process gets that opens the device's node: both see each
//! other's reads and writes at once. Data goes straight between the page cache
//! and the buffer of the process that asks, with no copy in between.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use core::ptr::NonNull;
use kernel::{
    bindings,
    error::{from_err_ptr, to_result},
    prelude::*,
    str::CStr,
    sync::atomic::Atomic,
};

use super::helpers;

/// Modes of `include/linux/blkdev.h`, whose macros are not among the bindings.
const BLK_OPEN_READ: bindings::blk_mode_t = 1 << 0;
const BLK_OPEN_WRITE: bindings::blk_mode_t = 1 << 1;

/// `FMODE_NOCMTIME` of `include/linux/fs.h`: writes leave the file's times alone.
const FMODE_NOCMTIME: bindings::fmode_t = 1 << 11;

/// Who has claimed the device, as far as the block layer is concerned: the address of this.
static HOLDER: u8 = 0;

/// A block device that is ours alone to mount or claim; its node can be opened all the same.
///
/// # Invariants
///
/// `file` was opened by `bdev_file_open_by_dev` and is ours to close; `device` is the device that
/// it stands for, which stays while the file is open, and so does its disk.
pub(crate) struct BlockDevice {
    file: NonNull<bindings::file>,
    device: NonNull<bindings::block_device>,
    /// Is the file open for writing?
    writable: bool,
    pub(crate) bytes_read: Atomic<u64>,
    pub(crate) bytes_written: Atomic<u64>,
    /// Reads and writes that were not refused.
    pub(crate) transfers: Atomic<u64>,
}

// SAFETY: An open file may be closed by any thread.
unsafe impl Send for BlockDevice {}
// SAFETY: A file may be read, written and synced by any number of threads at once, as long as
// they bring their own position, which they do.
unsafe impl Sync for BlockDevice {}

impl BlockDevice {
    /// Opens the device whose node is at `path`; for reading only, if its driver says that it can
    /// never be written.
    ///
    /// `ENOENT`: there is no such path; `ENOTBLK`: it is something else; `ENXIO`, `ENOMEDIUM`:
    /// nothing is behind it; `EBUSY`: it, a partition of it or the disk that it is a partition of
    /// is mounted or claimed otherwise. May sleep.
    pub(crate) fn open(path: &[u8]) -> Result<Self> {
        let mut name = KVec::with_capacity(path.len() + 1, GFP_KERNEL)?;
        name.extend_from_slice(path, GFP_KERNEL)?;
        name.push(0, GFP_KERNEL)?;
        let name = CStr::from_bytes_with_nul(&name).map_err(|_| EINVAL)?;

        let mut number = 0;
        // SAFETY: `name` is a string, and the number is written to a variable of ours.
        to_result(unsafe { bindings::lookup_bdev(name.as_char_ptr().cast(), &mut number) })?;

        match Self::open_for(number, BLK_OPEN_READ | BLK_OPEN_WRITE) {
            Err(error) if error == EACCES || error == EROFS => {
                Self::open_for(number, BLK_OPEN_READ)
            }
            other => other,
        }
    }

    /// By its number: by its path, the block layer refuses a device for writing that is read-only
    /// at the moment, and what is opened for reading stays so when that changes.
    fn open_for(number: bindings::dev_t, mode: bindings::blk_mode_t) -> Result<Self> {
        let holder = (&raw const HOLDER).cast_mut().cast();
        // SAFETY: The holder is only compared; no holder operations are given.
        let file = from_err_ptr(unsafe {
            bindings::bdev_file_open_by_dev(number, mode, holder, core::ptr::null())
        })?;
        let file = NonNull::new(file).ok_or(ENXIO)?;
        // Whoever opens a node has the first done for it; without it nothing is read ahead, and
        // what is not in the page cache comes page by page. The others are because this file has
        // no name, so nobody can ask when it was read or written: noting it at every turn would
        // cost a tenth of a read of one page.
        // SAFETY: The file is open and has a mapping, and nobody else has it yet.
        unsafe {
            bindings::file_ra_state_init(
                &raw mut (*file.as_ptr()).__bindgen_anon_3.f_ra,
                (*file.as_ptr()).f_mapping,
            );
            (*file.as_ptr()).f_flags |= bindings::O_NOATIME;
            (*file.as_ptr()).f_mode |= FMODE_NOCMTIME;
        }
        // SAFETY: The file is the open file of a block device.
        match NonNull::new(unsafe { bindings::file_bdev(file.as_ptr()) }) {
            Some(device) => Ok(Self {
                file,
                device,
                writable: mode & BLK_OPEN_WRITE != 0,
                bytes_read: Atomic::new(0),
                bytes_written: Atomic::new(0),
                transfers: Atomic::new(0),
            }),
            None => {
                // SAFETY: The file is ours to close, and nobody else has it.
                unsafe { bindings::bdev_fput(file.as_ptr()) };
                Err(ENXIO)
            }
        }
    }

    /// Reads up to `size` bytes at `offset` into the caller's memory at `address`.
    ///
    /// Returns how many there were, fewer than asked for only at the end of the device, where the
    /// buffer can't be written, or when the caller is killed; `EFAULT` if none of the buffer can be
    /// written, `ENODEV` if the device is gone, `EINVAL` if the range passes 2^63, or what the device
    /// says. Sleeps; only a fatal signal ends that.
    pub(crate) fn read(&self, address: usize, size: usize, offset: u64) -> Result<usize> {
        self.transfer(false, address, size, offset)
    }

    /// Writes up to `size` bytes at `offset` from the caller's memory at `address`.
    ///
    /// As [`Self::read`]; `ENOSPC` at the end of the device, `EROFS` if it can't be written.
    pub(crate) fn write(&self, address: usize, size: usize, offset: u64) -> Result<usize> {
        if !self.writable {
            return Err(EROFS);
        }
        match self.transfer(true, address, size, offset) {
            // The block layer's name for it.
            Err(error) if error == EPERM && self.read_only() => Err(EROFS),
            other => other,
        }
    }

    /// The file's own operations, and not `vfs_iter_read` and `vfs_iter_write`: those ask first
    /// what may be done with a file that others have, and tell who watches it. All that goes with
    /// a transfer is done in one call of C, because under emulation each call is felt: together
    /// they were a tenth of a read of one page.
    fn transfer(&self, write: bool, address: usize, size: usize, offset: u64) -> Result<usize> {
        let position = i64::try_from(offset).map_err(|_| EINVAL)?;
        position.checked_add(i64::try_from(size).map_err(|_| EINVAL)?).ok_or(EINVAL)?;
        let bytes = if write { &self.bytes_written } else { &self.bytes_read };
        // SAFETY: The file is open, for writing where it is written, by the type invariants and
        // `write`; the address may be any: it is checked there, and accessed as user memory only.
        // The counters are changed by atomic operations alone.
        let moved = unsafe {
            helpers::ringside_bdev_transfer(
                self.file.as_ptr(),
                write,
                address,
                size,
                position,
                bytes.as_ptr(),
                self.transfers.as_ptr(),
            )
        };
        usize::try_from(moved).map_err(|_| Error::from_errno(moved as c_int))
    }

    /// Makes all that was written durable; `EIO` or what the device says if some of it was lost,
    /// which is said once. Sleeps.
    pub(crate) fn sync(&self) -> Result {
        // SAFETY: The file is open, by the type invariants.
        to_result(unsafe { bindings::vfs_fsync(self.file.as_ptr(), 0) })
    }

    /// How many bytes it holds: 0 when it is gone.
    pub(crate) fn size(&self) -> u64 {
        // The block layer needs a while to say so itself.
        if self.is_gone() {
            return 0;
        }
        // SAFETY: The device stays while it is open.
        unsafe { helpers::ringside_bdev_size(self.device.as_ptr()) }
    }

    /// The size of its logical blocks in bytes.
    pub(crate) fn logical_block_size(&self) -> u32 {
        // SAFETY: The device stays while it is open.
        unsafe { helpers::ringside_bdev_logical_block_size(self.device.as_ptr()) }
    }

    /// Is it read-only? That may change at any time: the block layer is asked (`BLKROSET`).
    pub(crate) fn read_only(&self) -> bool {
        // SAFETY: The device stays while it is open, and so does its disk.
        !self.writable || unsafe { helpers::ringside_bdev_read_only(self.device.as_ptr()) }
    }

    /// Was it taken away? It does not come back: what is plugged in again is another device.
    pub(crate) fn is_gone(&self) -> bool {
        // SAFETY: The device and its disk stay while the file is open, by the type invariants; the
        // device points to the same disk all its life.
        !unsafe { bindings::disk_live((*self.device.as_ptr()).bd_disk) }
    }
}

impl Drop for BlockDevice {
    fn drop(&mut self) {
        // SAFETY: The file is ours to close, by the type invariants. `bdev_fput` gives up the
        // claim at once, though the file may be closed a little later.
        unsafe { bindings::bdev_fput(self.file.as_ptr()) };
    }
}
