// SPDX-License-Identifier: GPL-2.0
//! kmod: reads and writes a block device, a USB stick say, from inside the kernel.
//!
//! Programs ask `/dev/kmod` for it with `ioctl`: from the current position on, at
//! an offset, or anywhere with 64 bits. Everything goes through the device's page
//! cache, so that `dd` and all others that use the device's own node see the same
//! bytes at the same time. The device is claimed while the module is loaded: it
//! can't be mounted meanwhile, and the module can't be loaded while it is mounted.
//!
//! A device that is taken away stays away: reads and writes say `ENODEV` from
//! then on, and so does SYNC, which is also where writes that were taken and
//! could not be finished are reported. The module can be unloaded all the same.
//!
//! Try it, as root:
//!
//! ```text
//! # insmod kmod.ko device=/dev/sda
//! # dmesg | tail -n 1
//! kmod: /dev/sda: 1073741824 bytes in blocks of 512, read-write
//! # exec 3<>/dev/kmod
//! # python3 -c 'import array, fcntl, struct
//! text = array.array("B", b"hello")
//! call = bytearray(struct.pack("QII", text.buffer_info()[0], 5, 0))
//! print(fcntl.ioctl(3, 0x40106162, call))'
//! 5
//! # dd if=/dev/sda bs=5 count=1 status=none
//! hello
//! # cat /sys/module/kmod/counters/position
//! 5
//! # exec 3<&-
//! # rmmod kmod
//! ```

use kernel::{
    fs::File,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            AtomicFlag,
            Relaxed, //
        },
        Arc, //
    }, //
};

use cursor::Cursor;
use support::{
    argument::{
        self,
        Wrong, //
    },
    block_device::BlockDevice,
    device::{
        Operations,
        Registration, //
    },
    errno,
    params::params,
    rate_limit::{
        limited,
        RateLimit, //
    },
    sysfs::{
        Folders,
        Shows, //
    },
    text::Escaped,
    user::{
        Fields,
        Structure, //
    }, //
};
use uapi::kmod as abi;

mod cursor;
mod transfer;

#[path = "../support"]
mod support {
    #[allow(dead_code, reason = "some of it is for other modules")]
    pub(crate) mod argument;
    pub(crate) mod block_device;
    pub(crate) mod device;
    pub(crate) mod errno;
    #[allow(dead_code, reason = "some of it is for other modules")]
    mod helpers;
    mod layout;
    pub(crate) mod mutex;
    #[allow(dead_code, reason = "this module has no numbers as parameters")]
    pub(crate) mod params;
    pub(crate) mod rate_limit;
    #[allow(dead_code, unused_imports, reason = "this module has no tables")]
    pub(crate) mod sysfs;
    pub(crate) mod text;
    #[allow(dead_code, reason = "some of it is for other modules")]
    pub(crate) mod user;
}

#[path = "../../uapi/src"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "a crate elsewhere, whole; not all of it is used here"
)]
mod uapi {
    pub(crate) mod describe;
    pub(crate) mod ioctl;
    pub(crate) mod kmod;
}

module! {
    type: Kmod,
    name: "kmod",
    authors: ["The Ringside authors"],
    description: "Reads and writes a USB stick from inside the kernel",
    license: "GPL",
}

params! { uapi::kmod::MODULE:
    static DEVICE: Text<255> = "device";
}

/// Log lines in a second about what was refused.
const LINES_PER_SECOND: u32 = 20;

/// Which way data goes.
#[derive(Clone, Copy)]
enum Direction {
    Read,
    Write,
}

/// Why a command fails.
struct Failure {
    error: Error,
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
struct Stick {
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
    fn new(device: BlockDevice) -> impl PinInit<Self> {
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
    fn go_on(&self, direction: Direction, address: usize) -> Result<usize, Failure> {
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
    fn go_to(&self, direction: Direction, address: usize) -> Result<usize, Failure> {
        let bytes = argument::read::<{ size_of::<abi::BlockRwOffsetOps>() }>(address)?;
        let mut fields = Fields::new(&bytes);
        let (data, size, offset) = (fields.u64(), fields.u32(), u64::from(fields.u32()));
        let position = self.cursor.take()?;
        let moved = self.transfer(direction, data, size, offset)?;
        position.leave_at(offset + moved as u64);
        Ok(moved)
    }

    /// READ64 and WRITE64: anywhere, and the position stays.
    fn anywhere(&self, direction: Direction, address: usize) -> Result<usize, Failure> {
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
    fn sync(&self) -> Result<usize, Failure> {
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
    fn info(&self, address: usize) -> Result<usize, Failure> {
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
    fn complain(&self, command: &str, failure: &Failure) {
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

/// The device's side of the module.
struct Device(Arc<Stick>);

#[vtable]
impl Operations for Device {
    const NAME: &'static CStr = c"kmod";

    fn ioctl(&self, _file: &File, command: u32, argument: usize) -> Result<usize> {
        let stick = &self.0;
        let (name, result) = match command {
            abi::BREAD => ("BREAD", stick.go_on(Direction::Read, argument)),
            abi::BWRITE => ("BWRITE", stick.go_on(Direction::Write, argument)),
            abi::BREADOFFSET => ("BREADOFFSET", stick.go_to(Direction::Read, argument)),
            abi::BWRITEOFFSET => ("BWRITEOFFSET", stick.go_to(Direction::Write, argument)),
            abi::READ64 => ("READ64", stick.anywhere(Direction::Read, argument)),
            abi::WRITE64 => ("WRITE64", stick.anywhere(Direction::Write, argument)),
            abi::INFO => ("INFO", stick.info(argument)),
            abi::SYNC => ("SYNC", stick.sync()),
            _ => return Err(ENOTTY),
        };
        result.map_err(|failure| {
            stick.complain(name, &failure);
            failure.error
        })
    }
}

impl Shows for Stick {
    const MODULE: &'static uapi::describe::Module = &abi::MODULE;

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

/// Opens the device that the parameter names, or says in the log why not.
fn open() -> Result<BlockDevice> {
    let path = DEVICE.value();
    let refuse = |error: Error, why: &str| {
        pr_err!(
            "device={} refused ({}): {why}\n",
            Escaped(path),
            errno::name(error)
        );
        error
    };
    let device = BlockDevice::open(path).map_err(|error| refuse(error, reason(error)))?;
    if device.size() < u64::from(device.logical_block_size()) {
        return Err(refuse(EINVAL, "it holds less than one block"));
    }
    pr_info!(
        "{}: {} bytes in blocks of {}, {}\n",
        Escaped(path),
        device.size(),
        device.logical_block_size(),
        if device.read_only() {
            "read-only"
        } else {
            "read-write"
        }
    );
    Ok(device)
}

/// Why a device can't be opened, for one who has to give another.
fn reason(error: Error) -> &'static str {
    const REASONS: [(Error, &str); 10] = [
        (EINVAL, "the path is empty"),
        (ENOENT, "there is no such file"),
        (ENOTDIR, "a part of the path is no directory"),
        (ENAMETOOLONG, "the path is too long"),
        (ENOTBLK, "it is no block device"),
        (EBUSY, "it, or a part of it, is mounted or in use otherwise"),
        (ENXIO, "no device is behind this node"),
        (ENODEV, "no device is behind this node"),
        (ENOMEDIUM, "there is no medium in it"),
        (EACCES, "its node may not be opened"),
    ];
    REASONS
        .iter()
        .find(|(known, _)| *known == error)
        .map_or("it can't be opened", |(_, reason)| reason)
}

/// The module while it is loaded.
struct Kmod {
    // Goes first, so that nobody gets in any more while the rest goes.
    _device: Pin<KBox<Registration<Device>>>,
    _folders: Folders<Stick>,
}

impl kernel::Module for Kmod {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let stick = Arc::pin_init(Stick::new(open()?), GFP_KERNEL)?;
        let folders = Folders::new(module, &stick)?;
        // Last: from here on there are callers.
        let device = KBox::pin_init(Registration::new(Device(stick)), GFP_KERNEL)?;
        Ok(Self {
            _device: device,
            _folders: folders,
        })
    }
}
