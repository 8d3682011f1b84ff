// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every module loaded and unloaded over and over while it is in use.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;

use super::guest::{insmod, rmmod, thread_names, wait_for};
use super::plan::stress;

const MODULES: [(&str, &str); 4] = [
    ("my_name", ""),
    ("producer_consumer", "prod=4 cons=4 size=16"),
    ("memalloc", ""),
    ("kmod", "device=/dev/ringside-usb"),
];

/// Uses whatever there is of a module: opens its device, asks it for what it does
/// not know, reads all it shows and writes its controls.
fn use_it(module: &str) {
    if let Ok(device) = File::options().read(true).write(true).open(format!("/dev/{module}")) {
        // SAFETY: No module takes this number, so nothing is read or written.
        let result = unsafe { libc::ioctl(device.as_raw_fd(), 0x4008_61ff, 0) };
        assert_eq!((result, Errno::last()), (-1, Errno::ENOTTY), "{module}");
    }
    for folder in ["counters", "controls", "parameters"] {
        let files = fs::read_dir(format!("/sys/module/{module}/{folder}"));
        for file in files.into_iter().flatten().flatten() {
            drop(fs::read(file.path()));
        }
    }
    for (control, value) in [("paused", "1"), ("step", "3"), ("paused", "0")] {
        drop(fs::write(format!("/sys/module/{module}/controls/{control}"), value));
    }
}

#[test]
fn modules_come_and_go_while_they_are_in_use() {
    stress("comings::modules_come_and_go_while_they_are_in_use", |_, end| {
        let over = AtomicBool::new(false);
        let mut rounds = 0;
        std::thread::scope(|scope| {
            for (module, _) in MODULES {
                let over = &over;
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        use_it(module);
                        // Now and then nobody does, and it can go.
                        std::thread::sleep(Duration::from_millis(1));
                    }
                });
            }
            while rounds < MODULES.len() || Instant::now() < end {
                let (module, parameters) = MODULES[rounds % MODULES.len()];
                insmod(module, parameters).unwrap_or_else(|errno| panic!("{module}: {errno}"));
                std::thread::sleep(Duration::from_millis(rounds as u64 % 7));
                wait_for("nobody holds it", || match rmmod(module) {
                    Ok(()) => true,
                    Err(errno) => {
                        // What a user has open, or reads just now.
                        assert!(matches!(errno, Errno::EAGAIN | Errno::EBUSY), "{module}: {errno}");
                        false
                    }
                });
                rounds += 1;
            }
            over.store(true, Ordering::Relaxed);
        });
        println!("figure: stress-comings {rounds}");
        let left = |name: &String| name.starts_with("Producer-") || name.starts_with("Consumer-");
        assert!(!thread_names().iter().any(left), "threads are left");
    });
}
