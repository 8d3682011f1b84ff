// SPDX-License-Identifier: GPL-2.0
//! The device that is read and written, the position, and what is counted of both.

use kernel::{
    fs::File,
    prelude::*,
    sync::atomic::{Atomic, AtomicFlag, Relaxed},
};

use crate::{
    position::Position,
    support::{
        argument::{self, Wrong},
        block_device::BlockDevice,
        device::{is_readable, is_writable},
        plain::plain,
        rate_limit::{RateLimit, limited},
        sysfs::Shows,
        text::Excerpt,
    },
    uapi::{describe::Module, kmod as abi},
};

plain!(abi::BlockRwOps, abi::BlockRwOffsetOps, abi::BlockIo, abi::BlockInfo);

/// Log lines in a second about what was refused.
const LINES_PER_SECOND: c_int = 20;

/// Which way data goes.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Direction {
    /// This one, for a caller who has `file` open for it.
    pub(crate) fn of(self, file: &File) -> Result<Self, Failure> {
        let is_open_for_it = match self {
            Self::Read => is_readable(file),
            Self::Write => is_writable(file),
        };
        is_open_for_it.then_some(self).ok_or(Failure::NotOpenFor(self))
    }
}

/// Why a command fails.
pub(crate) enum Failure {
    /// An argument can't be right.
    Argument(Wrong),
    /// The caller's descriptor is not open for this.
    NotOpenFor(Direction),
    /// It could not be done.
    Other(Error),
}

impl Failure {
    fn argument(error: Error, why: &'static str, value: u64) -> Self {
        Self::Argument(Wrong { error, why, value })
    }

    /// What the caller gets for it.
    pub(crate) fn error(&self) -> Error {
        match self {
            Self::Argument(wrong) => wrong.error,
            Self::NotOpenFor(_) => EBADF,
            Self::Other(error) => *error,
        }
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Self::Argument(wrong)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// The device and all that is known about it.
#[pin_data]
pub(crate) struct Disk {
    device: BlockDevice,
    /// The path of its node.
    path: &'static [u8],
    #[pin]
    position: Position,
    syncs: Atomic<u64>,
    errors: Atomic<u64>,
    /// It was said in the log that the device is gone.
    reported_gone: AtomicFlag,
    #[pin]
    refused: RateLimit,
}

impl Disk {
    pub(crate) fn new(device: BlockDevice, path: &'static [u8]) -> impl PinInit<Self> {
        pin_init!(Self {
            device,
            path,
            position <- Position::new(),
            syncs: Atomic::new(0),
            errors: Atomic::new(0),
            reported_gone: AtomicFlag::new(false),
            refused <- RateLimit::new(LINES_PER_SECOND),
        })
    }

    /// BREAD and BWRITE: on from the position.
    pub(crate) fn at_position(
        &self,
        direction: Direction,
        address: usize,
    ) -> Result<usize, Failure> {
        let ops: abi::BlockRwOps = argument::read(address)?;
        let turn = self.position.go_on()?;
        let moved = self.transfer(direction, ops.data, ops.size, turn.from())?;
        turn.moved(moved);
        Ok(moved)
    }

    /// BREADOFFSET and BWRITEOFFSET: goes to an offset first.
    pub(crate) fn seek(&self, direction: Direction, address: usize) -> Result<usize, Failure> {
        let ops: abi::BlockRwOffsetOps = argument::read(address)?;
        let offset = u64::from(ops.offset);
        let moved = self.transfer(direction, ops.data, ops.size, offset)?;
        self.position.go(offset + moved as u64);
        Ok(moved)
    }

    /// READ64 and WRITE64: anywhere, and the position stays.
    pub(crate) fn at_offset(&self, direction: Direction, address: usize) -> Result<usize, Failure> {
        let io: abi::BlockIo = argument::read(address)?;
        if io.reserved != 0 {
            return Err(Failure::argument(EINVAL, "reserved is not 0", io.reserved.into()));
        }
        if i64::try_from(io.offset).is_err() {
            return Err(Failure::argument(EINVAL, "offset is 2^63 or more", io.offset));
        }
        self.transfer(direction, io.data, io.size, io.offset)
    }

    /// Moves `size` bytes between the caller's memory at `data` and the device.
    fn transfer(
        &self,
        direction: Direction,
        data: u64,
        size: u32,
        offset: u64,
    ) -> Result<usize, Failure> {
        let length = size.min(abi::MAX_TRANSFER) as usize;
        // While the block layer lets go of a device the page cache still holds some of it; but
        // what was said to be gone is not read or written any more.
        let ended = match direction {
            Direction::Read => self.device.read(data as usize, length, offset),
            Direction::Write => self.device.write(data as usize, length, offset),
        };
        match ended {
            // A device that goes away looks like one that ends here.
            Ok(0) | Err(_) if length > 0 && self.is_gone() => Err(ENODEV.into()),
            Err(error) if error == EFAULT => {
                Err(Failure::argument(error, "data is not memory of the caller's", data))
            }
            Err(error) if error == EROFS => {
                Err(Failure::argument(error, "the device can't be written at offset", offset))
            }
            other => other.map_err(Failure::from),
        }
    }

    /// SYNC: makes every write durable, or says that some were lost.
    pub(crate) fn sync(&self) -> Result<usize, Failure> {
        let synced = self.device.sync();
        // The block layer tells a lost device only once, and not always by this name.
        let error = if self.is_gone() { Some(ENODEV) } else { synced.err() };
        match error {
            Some(error) => {
                limited!(
                    self.refused,
                    pr_err,
                    "SYNC failed ({error:?}): what was written since the last may be lost\n"
                );
                Err(error.into())
            }
            None => {
                self.syncs.add(1, Relaxed);
                Ok(0)
            }
        }
    }

    /// INFO: describes the device.
    pub(crate) fn info(&self, address: usize) -> Result<usize, Failure> {
        let mut flags = 0;
        if self.device.read_only() {
            flags |= abi::FLAG_READ_ONLY;
        }
        if self.is_gone() {
            flags |= abi::FLAG_GONE;
        }
        let info = abi::BlockInfo {
            size: self.device.size(),
            position: self.position.get(),
            logical_block_size: self.device.logical_block_size(),
            flags,
        };
        argument::write(address, &info)?;
        Ok(0)
    }

    /// Counts a failure, writes it to the log where the caller is to blame, and says which errno
    /// it is.
    pub(crate) fn account(&self, command: &str, failure: Failure) -> Error {
        self.errors.add(1, Relaxed);
        match &failure {
            Failure::Argument(wrong) => wrong.report(command, &self.refused),
            Failure::NotOpenFor(direction) => limited!(
                self.refused,
                pr_warn,
                "{command} by process {} refused (EBADF): {} is not open for {}\n",
                argument::caller(),
                abi::DEVICE,
                match direction {
                    Direction::Read => "reading",
                    Direction::Write => "writing",
                }
            ),
            Failure::Other(_) => {}
        }
        failure.error()
    }

    /// Was the device taken away? The log says so, once.
    fn is_gone(&self) -> bool {
        let gone = self.device.is_gone();
        if gone && !self.reported_gone.xchg(true, Relaxed) {
            pr_err!("{} was taken away\n", Excerpt(self.path));
        }
        gone
    }
}

impl Shows for Disk {
    const MODULE: &'static Module = &abi::MODULE;

    fn counter(&self, name: &str) -> Option<u64> {
        Some(match name {
            "bytes_read" => self.device.bytes_read.load(Relaxed),
            "bytes_written" => self.device.bytes_written.load(Relaxed),
            "operations" => self.device.transfers.load(Relaxed) + self.syncs.load(Relaxed),
            "errors" => self.errors.load(Relaxed),
            "position" => self.position.get(),
            "device_size" => self.device.size(),
            _ => return None,
        })
    }
}
