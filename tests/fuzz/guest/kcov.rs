// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which instructions of the modules a call has come by, where the kernel can tell.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};

const DEBUGFS: &str = "/sys/kernel/debug";
const PATH: &str = "/sys/kernel/debug/kcov";
const INIT_TRACE: u64 = 0x8008_6301;
const ENABLE: u64 = 0x6364;
const TRACE_PC: u64 = 0;
/// How many places are remembered at once.
const PLACES: usize = 1 << 14;

/// What one thread comes by.
pub struct Kcov {
    file: File,
    /// How many there are, and then each.
    area: &'static [AtomicU64],
}

impl Kcov {
    /// One, unless this kernel has no KCOV.
    pub fn open() -> Option<Self> {
        if !fs::exists(PATH).unwrap_or(false) {
            let none = None::<&str>;
            // It may be mounted, or not be there at all.
            let _ = mount(none, DEBUGFS, Some("debugfs"), MsFlags::empty(), none);
        }
        let file = File::options().read(true).write(true).open(PATH).ok()?;
        // SAFETY: The number is the one of `kcov.h`, which takes a count of words.
        let made = unsafe { libc::ioctl(file.as_raw_fd(), INIT_TRACE, PLACES) };
        Errno::result(made).expect("KCOV can be set up");
        let (size, protection) = (PLACES * 8, libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: A new mapping, which replaces none and is never given back.
        let area = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size,
                protection,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        assert_ne!(area, libc::MAP_FAILED, "KCOV's area: {}", Errno::last());
        // SAFETY: It is so long, aligned to a page, and changed by the kernel a word at a time.
        let area = unsafe { std::slice::from_raw_parts(area.cast(), PLACES) };
        Some(Self { file, area })
    }

    pub fn fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Of the calling thread, from here on.
    pub fn enable(fd: RawFd) -> bool {
        // SAFETY: The number is the one of `kcov.h`.
        unsafe { libc::ioctl(fd, ENABLE, TRACE_PC) == 0 }
    }

    pub fn clear(&self) {
        self.area[0].store(0, Ordering::Relaxed);
    }

    /// Each pair of places that followed each other, as one number.
    pub fn steps(&self) -> impl Iterator<Item = u64> {
        let count = self.area[0].load(Ordering::Relaxed) as usize;
        let places = self.area[1..].iter().take(count).map(|it| it.load(Ordering::Relaxed));
        let mut before = 0_u64;
        places.map(move |place| {
            let step = before.rotate_left(17) ^ place;
            before = place;
            step
        })
    }
}
