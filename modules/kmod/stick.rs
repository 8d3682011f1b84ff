// SPDX-License-Identifier: GPL-2.0
//! The device that is read and written, the position, and what is counted of both.

use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        AtomicFlag,
        Relaxed, //
    }, //
};

use crate::{
    cursor::Cursor,
    support::{
        argument::{
            self,
            Wrong, //
        },
        block_device::BlockDevice,
        errno,
        rate_limit::{
            limited,
            RateLimit, //
        },
        sysfs::Shows,
        text::Escaped,
        user::{
            Fields,
            Structure, //
        }, //
    },
    transfer,
    uapi::{
        describe::Module,
        kmod as abi, //
    },
    DEVICE, //
};

/// Log lines in a second about what was refused.
const LINES_PER_SECOND: u32 = 20;

/// Which way data goes.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// Why a command fails.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// What is wrong with which argument, if it is an argument's fault.
    wrong: Option<Wrong>,
}

impl Failure {
    fn argument(error: Error, why: &'static str, value: u64) -> Self {
        Wrong { error, why, value }.into()
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Self {
            error: wrong.error,
            wrong: Some(wrong),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, wrong: None }
    }
}

/// The device and all that is known about it.
#[pin_data]
pub(crate) struct Stick {
    device: BlockDevice,
    #[pin]
    cursor: Cursor,
    bytes_read: Atomic<u64>,
    bytes_written: Atomic<u64>,
    operations: Atomic<u64>,
    errors: Atomic<u64>,
    /// It was said in the log that the device is gone.
    told_gone: AtomicFlag,
    refused: RateLimit,
}

impl Stick {
    pub(crate) fn new(device: BlockDevice) -> impl PinInit<Self> {
        pin_init!(Self {
            device,
            cursor <- Cursor::new(),
            bytes_read: Atomic::new(0),
            bytes_written: Atomic::new(0),
            operations: Atomic::new(0),
            errors: Atomic::new(0),
            told_gone: AtomicFlag::new(false),
            refused: RateLimit::new(LINES_PER_SECOND),
        })
    }

    /// BREAD and BWRITE: on from the position.
    pub(crate) fn go_on(&self, direction: Direction, address: usize) -> Result<usize, Failure> {
        let bytes = argument::read::<{ size_of::<abi::BlockRwOps>() }>(address)?;
        let mut fields = Fields::new(&bytes);
        let (data, size) = (fields.u64(), fields.u32());
        let position = self.cursor.take()?;
        let at = position.at();
        let moved = self.transfer(direction, data, size, at)?;
        position.leave_at(at + moved as u64);
        Ok(moved)
    }

    /// BREADOFFSET and BWRITEOFFSET: goes to an offset first.
    pub(crate) fn go_to(&self, direction: Direction, address: usize) -> Result<usize, Failure> {
        let bytes = argument::read::<{ size_of::<abi::BlockRwOffsetOps>() }>(address)?;
        let mut fields = Fields::new(&bytes);
        let (data, size, offset) = (fields.u64(), fields.u32(), u64::from(fields.u32()));
        let position = self.cursor.take()?;
        let moved = self.transfer(direction, data, size, offset)?;
        position.leave_at(offset + moved as u64);
        Ok(moved)
    }

    /// READ64 and WRITE64: anywhere, and the position stays.
    pub(crate) fn anywhere(&self, direction: Direction, address: usize) -> Result<usize, Failure> {
        let bytes = argument::read::<{ size_of::<abi::BlockIo>() }>(address)?;
        let mut fields = Fields::new(&bytes);
        let (data, offset) = (fields.u64(), fields.u64());
        let (size, reserved) = (fields.u32(), fields.u32());
        if reserved != 0 {
            return Err(Failure::argument(
                EINVAL,
                "reserved is not 0",
                reserved.into(),
            ));
        }
        if i64::try_from(offset).is_err() {
            return Err(Failure::argument(EINVAL, "offset is 2^63 or more", offset));
        }
        self.transfer(direction, data, size, offset)
    }

    /// Moves `size` bytes between the caller's memory at `data` and the device.
    fn transfer(
        &self,
        direction: Direction,
        data: u64,
        size: u32,
        offset: u64,
    ) -> Result<usize, Failure> {
        let data = data as usize;
        let ended = transfer::run(
            size,
            |done, length| {
                // While the block layer lets go of a device the page cache still holds some of
                // it; but what was said to be gone must not answer.
                if self.is_gone() {
                    return Err(ENODEV);
                }
                // Addresses and offsets that wrap are refused by whoever gets them.
                let (data, offset) = (data.wrapping_add(done), offset + done as u64);
                match direction {
                    Direction::Read => self.device.read(data, length, offset),
                    Direction::Write => self.device.write(data, length, offset),
                }
            },
            || kernel::current!().signal_pending(),
        );
        let bytes = match direction {
            Direction::Read => &self.bytes_read,
            Direction::Write => &self.bytes_written,
        };
        bytes.add(ended.moved as u64, Relaxed);

        let failure = ended.error.map(|error| match error {
            error if error == EFAULT => {
                Failure::argument(error, "data is not memory of the caller's", data as u64)
            }
            error if error == EROFS => {
                Failure::argument(error, "the device can't be written at offset", offset)
            }
            error => Failure::from(error),
        });
        // A device that goes away looks like one that ends here. But an argument that is wrong is
        // so in any case.
        let short = ended.moved < size as usize;
        let failure = match failure {
            Some(failure) if failure.wrong.is_some() => Some(failure),
            _ if short && self.is_gone() => Some(Failure::from(ENODEV)),
            other => other,
        };
        self.count(failure.as_ref().map(|failure| failure.error));
        match failure {
            Some(failure) if ended.moved == 0 => Err(failure),
            _ => Ok(ended.moved),
        }
    }

    /// SYNC: makes every write durable, or says that some were lost.
    pub(crate) fn sync(&self) -> Result<usize, Failure> {
        let synced = self.device.sync();
        // The block layer tells a lost device only once, and not always by this name.
        let error = if self.is_gone() {
            Some(ENODEV)
        } else {
            synced.err()
        };
        self.count(error);
        match error {
            Some(error) => {
                limited!(
                    self.refused,
                    pr_err,
                    "SYNC failed ({}): what was written since the last may be lost\n",
                    errno::name(error)
                );
                Err(error.into())
            }
            None => Ok(0),
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
        let result = Structure::<{ size_of::<abi::BlockInfo>() }>::new()
            .u64(self.device.size())
            .u64(self.cursor.at())
            .u32(self.device.logical_block_size())
            .u32(flags);
        argument::write(address, result.bytes())?;
        Ok(0)
    }

    /// Writes to the log what is wrong with a call.
    pub(crate) fn complain(&self, command: &str, failure: &Failure) {
        if let Some(wrong) = failure.wrong {
            wrong.tell(command, &self.refused);
        }
    }

    fn count(&self, error: Option<Error>) {
        match error {
            None => self.operations.add(1, Relaxed),
            // It will be restarted, or the caller wanted it to end.
            Some(error) if error == ERESTARTSYS || error == EINTR => {}
            Some(_) => self.errors.add(1, Relaxed),
        }
    }

    /// Was the device taken away? The log says so, once.
    fn is_gone(&self) -> bool {
        let gone = self.device.is_gone();
        if gone && !self.told_gone.xchg(true, Relaxed) {
            pr_err!("{} was taken away\n", Escaped(DEVICE.value()));
        }
        gone
    }
}

impl Shows for Stick {
    const MODULE: &'static Module = &abi::MODULE;

    fn counter(&self, name: &str) -> Option<u64> {
        Some(match name {
            "bytes_read" => self.bytes_read.load(Relaxed),
            "bytes_written" => self.bytes_written.load(Relaxed),
            "operations" => self.operations.load(Relaxed),
            "errors" => self.errors.load(Relaxed),
            "position" => self.cursor.at(),
            "device_size" => self.device.size(),
            _ => return None,
        })
    }
}
