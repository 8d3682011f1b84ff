// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each allocation that a load, a call or a write to sysfs makes fails once, in turn:
//! whoever asked gets ENOMEM or all that was asked for, the same works right afterwards,
//! nothing is reported and nothing is lost. Of the loads, whose allocations are the module
//! loader's for the most part, some are tried, chosen by the seed; all with
//! `RINGSIDE_STRESS`. memalloc's calls have a program of their own
//! (`tests/c/memalloc_faults.c`).

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use nix::libc;
use ringside_uapi::kmod::{self as abi, BlockIo, BlockRwOffsetOps};

use super::guest::{self, counter, debug_kernel, insmod, module_file, rmmod, text};
use super::kernel_log;
use super::kmemleak::{OPTIONS, leaks, mount_debugfs, tell};
use super::random::Random;

const DEBUGFS: &str = "/sys/kernel/debug";
const STICK: &str = "/dev/ringside-usb";
/// More than anything here allocates.
const FAR: u32 = 1_000_000;
/// How many of a load's are tried when there is little time.
const FEW: usize = 12;

/// Which allocation of this thread fails.
struct Nth(File);

impl Nth {
    fn new() -> Self {
        for (file, value) in [
            ("failslab/ignore-gfp-wait", "N"),
            ("failslab/verbose", "0"),
            ("fail_page_alloc/ignore-gfp-wait", "N"),
            ("fail_page_alloc/min-order", "0"),
            ("fail_page_alloc/verbose", "0"),
        ] {
            let path = format!("{DEBUGFS}/{file}");
            fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
        let file = File::options().read(true).write(true).open("/proc/thread-self/fail-nth");
        Self(file.expect("the kernel can inject faults"))
    }

    fn set(&self, nth: u32) {
        let bytes = format!("{nth}");
        self.0.write_all_at(bytes.as_bytes(), 0).expect("it can be set");
    }

    /// How many more there could have been.
    fn left(&self) -> u32 {
        let mut bytes = [0; 16];
        let size = self.0.read_at(&mut bytes, 0).expect("it can be read");
        let text = std::str::from_utf8(&bytes[..size]).expect("a number");
        text.trim().parse().expect("a number")
    }

    /// With the nth allocation failing; whether it came to that.
    fn with<T>(&self, nth: u32, call: impl FnOnce() -> T) -> (T, bool) {
        self.set(nth);
        let result = call();
        let failed = self.left() == 0;
        self.set(0);
        (result, failed)
    }

    /// How many allocations a call makes.
    fn count<T>(&self, call: impl FnOnce() -> T) -> u32 {
        self.set(FAR);
        drop(call());
        let made = FAR - self.left();
        self.set(0);
        made
    }
}

/// Something that can be tried again and again.
struct Tried<'a> {
    name: &'a str,
    before: &'a dyn Fn(),
    call: &'a dyn Fn() -> io::Result<()>,
    after: &'a dyn Fn(),
}

impl Tried<'_> {
    /// Tries it with these allocations failing; how many did.
    fn each(&self, nth: &Nth, which: impl IntoIterator<Item = u32>) -> u32 {
        let mut failed = 0;
        for number in which {
            (self.before)();
            let (result, came) = nth.with(number, self.call);
            if let Err(error) = result {
                let errno = error.raw_os_error();
                let name = self.name;
                let known = errno == Some(libc::ENOMEM)
                    // mm/shmem.c calls it so when there is no memory for the inode of the
                    // file that the pool's pages belong to.
                    || name == "memalloc" && errno == Some(libc::ENOSPC);
                assert!(known, "{name}, failure {number}: {error}");
                assert!(came, "{name}: {error}, and nothing had failed");
                let again = (self.call)();
                again.unwrap_or_else(|error| panic!("{name} after failure {number}: {error}"));
            }
            failed += u32::from(came);
            (self.after)();
        }
        failed
    }

    /// With each failing, until there are no more.
    fn all(&self, nth: &Nth) -> u32 {
        let mut failed = 0;
        for number in 1.. {
            let came = self.each(nth, [number]);
            failed += came;
            if came == 0 {
                break;
            }
        }
        println!("{}: {failed} failures", self.name);
        failed
    }
}

/// A load without reading a file meanwhile, which would allocate as well.
fn load(image: &[u8], parameters: &std::ffi::CStr) -> io::Result<()> {
    // The message is the kernel's own; only the errno counts here.
    nix::kmod::init_module(image, parameters).map_err(io::Error::from)
}

fn loads(nth: &Nth, random: &mut Random) -> u32 {
    let all = std::env::var_os("RINGSIDE_STRESS").is_some();
    let mut failed = 0;
    for (module, parameters) in [
        ("my_name", c"charParameter=Summer intParameter=2026"),
        ("producer_consumer", c"prod=2 cons=2 size=100"),
        ("memalloc", c""),
        ("kmod", c"device=/dev/ringside-usb"),
    ] {
        let image = fs::read(module_file(module)).expect("it was built");
        let call = || load(&image, parameters);
        let unload = || rmmod(module).expect("it unloads");
        let tried = Tried { name: module, before: &|| (), call: &call, after: &unload };
        let count = nth.count(|| call().expect("it loads"));
        unload();
        assert!(count > 20, "a load of {module} makes {count} allocations");
        // The module's own come last.
        let chosen: Vec<u32> = match all {
            true => (1..=count).collect(),
            false => (0..FEW)
                .map(|at| match at % 2 {
                    0 => count - random.below(count.min(60) as usize) as u32,
                    _ => 1 + random.below(count as usize) as u32,
                })
                .collect(),
        };
        let came = tried.each(nth, chosen.iter().copied());
        println!("load of {module}: {came} failures of {count} allocations");
        failed += came;
    }
    failed
}

/// One of kmod's commands; it must move all, or nothing.
fn transfer<T>(device: &File, command: u32, argument: &T, size: usize) -> io::Result<()> {
    // SAFETY: The argument is of the command's type, and what it points to is that long.
    let moved = unsafe { libc::ioctl(device.as_raw_fd(), command.into(), argument) };
    match moved {
        -1 => Err(io::Error::last_os_error()),
        moved if moved as usize == size => Ok(()),
        // A part is what there was memory for.
        _ => Err(io::Error::from_raw_os_error(libc::ENOMEM)),
    }
}

fn drop_caches() {
    fs::write("/proc/sys/vm/drop_caches", "1").expect("root drops caches");
}

fn blocks(nth: &Nth) -> u32 {
    insmod("kmod", &format!("device={STICK}")).expect("it loads");
    let device = File::options().read(true).write(true).open(abi::DEVICE).expect("it is there");
    let mut buffer = vec![0x5a_u8; 20_000];
    let (data, size) = (buffer.as_mut_ptr() as u64, buffer.len() as u32);
    let io = BlockIo { data, offset: 70_000, size, reserved: 0 };
    let ops = BlockRwOffsetOps { data, size, offset: 70_000 };
    let mut failed = 0;
    let length = buffer.len();
    let none = || ();
    for (name, command, reads) in [
        ("READ64", abi::READ64, true),
        ("WRITE64", abi::WRITE64, false),
        ("BREADOFFSET", abi::BREADOFFSET, true),
        ("BWRITEOFFSET", abi::BWRITEOFFSET, false),
    ] {
        let call = || match command {
            abi::READ64 | abi::WRITE64 => transfer(&device, command, &io, length),
            _ => transfer(&device, command, &ops, length),
        };
        let before: &dyn Fn() = if reads { &drop_caches } else { &none };
        failed += Tried { name, before, call: &call, after: &none }.all(nth);
    }
    assert!(failed > 0, "nothing that was read or written needed memory");
    for (name, command) in [("INFO", abi::INFO), ("SYNC", abi::SYNC)] {
        let mut info = abi::BlockInfo::default();
        let at = &raw mut info as usize;
        let call = || {
            // SAFETY: INFO writes a `BlockInfo`, and SYNC takes nothing.
            match unsafe { libc::ioctl(device.as_raw_fd(), command.into(), at) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        };
        let write = || transfer(&device, abi::WRITE64, &io, length).expect("it is written");
        failed += Tried { name, before: &write, call: &call, after: &none }.all(nth);
    }
    drop(device);
    rmmod("kmod").expect("it unloads");
    failed
}

/// Opening, reading and writing every file.
fn files(nth: &Nth) -> u32 {
    insmod("producer_consumer", "prod=2 cons=2 size=8").expect("it loads");
    let folder = "/sys/module/producer_consumer";
    let none = || ();
    let mut failed = 0;
    for (file, value) in [
        ("controls/producer_delay", "10"),
        ("controls/consumer_delay", "10"),
        ("controls/paused", "1"),
        ("controls/step", "3"),
        ("controls/paused", "0"),
        ("/sys/kernel/my_syscall/message", "said with little memory"),
    ] {
        let path = if file.starts_with('/') { file.into() } else { format!("{folder}/{file}") };
        let call = || File::options().write(true).open(&path)?.write_all(value.as_bytes());
        failed += Tried { name: file, before: &none, call: &call, after: &none }.all(nth);
    }
    for file in ["counters/snapshot", "counters/produced", "parameters/prod", "controls/paused"] {
        let path = format!("{folder}/{file}");
        let call = || fs::read(&path).map(drop);
        failed += Tried { name: file, before: &none, call: &call, after: &none }.all(nth);
    }
    assert!(failed > 10, "{failed} allocations failed");
    assert!(counter("producer_consumer", "produced") > 0);
    rmmod("producer_consumer").expect("it unloads");
    failed
}

#[test]
fn every_allocation_may_fail_once_and_the_caller_hears_of_it() {
    let name = "failing::every_allocation_may_fail_once_and_the_caller_hears_of_it";
    if !debug_kernel() {
        println!("only the debug kernel can let allocations fail: nothing was tried");
        return;
    }
    let options = OPTIONS;
    guest::run_with(
        name,
        &options,
        || vec![guest::built_modules()],
        || {
            mount_debugfs();
            let mut random = Random::new();
            println!("RINGSIDE_SEED={}", random.seed());
            // What a first round keeps for later is no leak.
            for (module, parameters) in [("my_name", ""), ("producer_consumer", "")] {
                insmod(module, parameters).expect("it loads");
                rmmod(module).expect("it unloads");
            }
            drop(leaks());
            tell("clear");
            let nth = Nth::new();
            let failed = [loads(&nth, &mut random), blocks(&nth), files(&nth)];
            let [loads, calls, files] = failed;
            let all = loads + calls + files;
            println!("figure: failing {all} {loads} in loads, {calls} in calls, {files} in sysfs");
            assert_eq!(text("/proc/thread-self/fail-nth"), "0");
            let report = leaks();
            assert!(report.is_empty(), "{report}");
            kernel_log::assert_clean();
        },
    );
}
