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

use kernel::{fs::File, prelude::*, sync::Arc};

use disk::{Direction, Disk, Failure};
use support::{
    block_device::BlockDevice,
    device::{Operations, Registration},
    params::params,
    sysfs::Folders,
    text::Excerpt,
};
use uapi::kmod as abi;

mod disk;
mod position;

#[path = "../support/mod.rs"]
mod support;

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
    static DEVICE: Text = "device";
}

/// One of the three ways to say where data lies.
type Transfer = fn(&Disk, Direction, usize) -> Result<usize, Failure>;

impl Operations for Disk {
    const NAME: &'static CStr = c"kmod";

    fn ioctl(&self, file: &File, command: u32, argument: usize) -> Result<usize> {
        let read = |how: Transfer| how(self, Direction::Read.of(file)?, argument);
        let write = |how: Transfer| how(self, Direction::Write.of(file)?, argument);
        let (name, result) = match command {
            abi::BREAD => ("BREAD", read(Disk::at_position)),
            abi::BWRITE => ("BWRITE", write(Disk::at_position)),
            abi::BREADOFFSET => ("BREADOFFSET", read(Disk::seek)),
            abi::BWRITEOFFSET => ("BWRITEOFFSET", write(Disk::seek)),
            abi::READ64 => ("READ64", read(Disk::at_offset)),
            abi::WRITE64 => ("WRITE64", write(Disk::at_offset)),
            abi::INFO => ("INFO", self.info(argument)),
            abi::SYNC => ("SYNC", self.sync()),
            _ => return Err(ENOTTY),
        };
        result.map_err(|failure| self.account(name, failure))
    }
}

/// Opens the device that the parameter names, or says in the log why not.
fn open() -> Result<BlockDevice> {
    let path = DEVICE.value();
    let refuse = |error: Error, why: &str| {
        pr_err!("device={} refused ({error:?}): {why}\n", Excerpt(path));
        error
    };
    let device = BlockDevice::open(path).map_err(|error| refuse(error, reason(error)))?;
    if device.size() < u64::from(device.logical_block_size()) {
        return Err(refuse(EINVAL, "it holds less than one block"));
    }
    pr_info!(
        "{}: {} bytes in blocks of {}, {}\n",
        Excerpt(path),
        device.size(),
        device.logical_block_size(),
        if device.read_only() { "read-only" } else { "read-write" }
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
    _device: Pin<KBox<Registration<Disk>>>,
    _folders: Folders<Disk>,
}

impl kernel::Module for Kmod {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let disk = Arc::pin_init(Disk::new(open()?, DEVICE.value()), GFP_KERNEL)?;
        let folders = Folders::new(module, &disk)?;
        // Last: from here on there are callers.
        let device = KBox::pin_init(Registration::new(disk), GFP_KERNEL)?;
        Ok(Self { _device: device, _folders: folders })
    }
}
