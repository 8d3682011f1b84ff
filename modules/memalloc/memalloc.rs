// SPDX-License-Identifier: GPL-2.0
//! memalloc: maps pages into the process that asks for them.
//!
//! What `mmap` does for every program, made visible: a program says at which
//! address it wants how many pages, and the module tells which page tables the
//! kernel had to make for them, level by level. Two processes can share a page.
//!
//! Each request is an area of the process that maps `/dev/memalloc`; see
//! `support/mapping.rs` for what can and what can't be done to it. The module is
//! in use (`rmmod` says so) while such an area exists or the device is open.
//!
//! Try it, as root:
//!
//! ```text
//! # insmod memalloc.ko
//! # exec 3<>/dev/memalloc
//! # python3 -c 'import fcntl, struct
//! fcntl.ioctl(3, 0x40086161, struct.pack("Qi?3x", 1 << 46, 2, True))
//! print(*[l for l in open("/proc/self/maps") if "memalloc" in l])'
//! 400000000000-400000002000 rw-s 00000000 00:06 123    /dev/memalloc
//! # dmesg | tail -n 1
//! memalloc: 2 pages at 0x400000000000 for process 71, read-write; new tables: 0 P4D, 1 PUD, 1 PMD, 1 PTE
//! # cat /sys/module/memalloc/counters/tables_pte
//! 1
//! # exec 3<&-
//! # rmmod memalloc
//! ```

use kernel::{prelude::*, sync::Arc};

use device::Device;
use requests::Requests;
use support::{device::Registration, sysfs::Folders};

mod counters;
mod device;
mod range;
mod requests;

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
    pub(crate) mod memalloc;
}

module! {
    type: Memalloc,
    name: "memalloc",
    authors: ["The Ringside authors"],
    description: "Maps pages into the process that asks, over five-level page tables",
    license: "GPL",
}

/// The module while it is loaded.
struct Memalloc {
    // Goes first, so that nobody gets in any more while the rest goes.
    _device: Pin<KBox<Registration<Device>>>,
    _folders: Folders<Requests>,
}

impl kernel::Module for Memalloc {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let requests = Arc::pin_init(Requests::new(), GFP_KERNEL)?;
        let folders = Folders::new(module, &requests)?;
        // Last: from here on there are callers.
        let device = Arc::pin_init(Device::new(requests), GFP_KERNEL)?;
        let device = KBox::pin_init(Registration::new(device), GFP_KERNEL)?;
        Ok(Self { _device: device, _folders: folders })
    }
}
