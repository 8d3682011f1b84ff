// SPDX-License-Identifier: MIT OR Apache-2.0
//! kmod as Rust programs meet it; `tests/c/kmod*.c` do the same from C, and go
//! through the errors one by one.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::process::Command;

use nix::errno::Errno;
use ringside_uapi::kmod::{self as km, BlockInfo, BlockIo, BlockRwOffsetOps, BlockRwOps};

use super::guest::{self, counter, insmod, rmmod};
use super::kernel_log;

const NAME: &str = "kmod";
const STICK: &str = "device=/dev/ringside-usb";

fn open() -> File {
    OpenOptions::new().read(true).write(true).open(km::DEVICE).expect("root may open the device")
}

fn ioctl<T>(file: &File, command: u32, argument: &mut T) -> Result<u32, Errno> {
    // SAFETY: `argument` lives across the call and is what `command` expects;
    // the buffer it points to does, too.
    let result = unsafe { nix::libc::ioctl(file.as_raw_fd(), command.into(), argument) };
    Errno::result(result).map(|moved| moved as u32)
}

fn sequential(file: &File, command: u32, buffer: &mut [u8]) -> Result<u32, Errno> {
    let size = buffer.len() as u32;
    let mut argument = BlockRwOps { data: buffer.as_mut_ptr() as u64, size, padding: 0 };
    ioctl(file, command, &mut argument)
}

fn at(file: &File, command: u32, offset: u64, buffer: &mut [u8]) -> Result<u32, Errno> {
    let size = buffer.len() as u32;
    let data = buffer.as_mut_ptr() as u64;
    ioctl(file, command, &mut BlockIo { data, offset, size, reserved: 0 })
}

fn info(file: &File) -> BlockInfo {
    let mut info = BlockInfo::default();
    ioctl(file, km::INFO, &mut info).expect("INFO always answers");
    info
}

#[test]
fn what_it_writes_is_what_dd_reads_and_the_other_way_round() {
    guest::run("kmod::what_it_writes_is_what_dd_reads_and_the_other_way_round", || {
        insmod(NAME, STICK).expect("it loads");
        let file = open();
        let mut out = vec![0x5a; 512 * 3];
        assert_eq!(sequential(&file, km::BWRITE, &mut out), Ok(1536));
        let dd = Command::new("dd")
            .args(["if=/dev/ringside-usb", "bs=512", "count=4", "status=none"])
            .output()
            .expect("dd is there");
        assert_eq!(&dd.stdout[..1536], &out[..]);
        assert!(dd.stdout[1536..].iter().all(|byte| *byte == 0));
        std::fs::write("/tmp/pattern", vec![0x77; 512]).expect("the guest's /tmp can be written");
        let dd = Command::new("dd")
            .args([
                "if=/tmp/pattern",
                "of=/dev/ringside-usb",
                "seek=9",
                "bs=512",
                "conv=notrunc",
                "status=none",
            ])
            .status()
            .expect("dd is there");
        assert!(dd.success());
        let mut back = vec![0; 512];
        assert_eq!(at(&file, km::READ64, 9 * 512, &mut back), Ok(512));
        assert_eq!(back, vec![0x77; 512]);
        assert_eq!(info(&file).position, 1536, "READ64 leaves the position alone");
        assert_eq!(counter(NAME, "bytes_written"), 1536);
        assert_eq!(counter(NAME, "bytes_read"), 512);
        drop(file);
        rmmod(NAME).expect("it unloads");
    });
}

#[test]
fn transfers_at_the_end_of_the_device_are_short() {
    guest::run("kmod::transfers_at_the_end_of_the_device_are_short", || {
        insmod(NAME, STICK).expect("it loads");
        let file = open();
        let size = info(&file).size;
        assert_eq!(size, counter(NAME, "device_size"));
        let mut buffer = vec![1; 1000];
        assert_eq!(at(&file, km::WRITE64, size - 300, &mut buffer), Ok(300));
        assert_eq!(at(&file, km::READ64, size - 300, &mut buffer), Ok(300));
        assert_eq!(at(&file, km::READ64, size, &mut buffer), Ok(0));
        assert_eq!(at(&file, km::WRITE64, size, &mut buffer), Err(Errno::ENOSPC));
        drop(file);
        rmmod(NAME).expect("it unloads");
    });
}

#[test]
fn a_device_that_cannot_be_used_is_refused_with_its_name_in_the_log() {
    guest::run("kmod::a_device_that_cannot_be_used_is_refused_with_its_name_in_the_log", || {
        let cases = [
            ("/dev/nothing-here", Errno::ENOENT),
            ("/dev/null", Errno::ENOTBLK),
            ("/tmp", Errno::ENOTBLK),
        ];
        for (device, errno) in cases {
            let before = kernel_log::lines().len();
            assert_eq!(insmod(NAME, &format!("device={device}")), Err(errno), "{device}");
            let said = kernel_log::lines().split_off(before).join("\n");
            assert!(said.contains(device), "{device} is not named in {said:?}");
        }
        assert!(!std::path::Path::new("/sys/module/kmod").exists());
        insmod(NAME, STICK).expect("a good device still loads");
        rmmod(NAME).expect("it unloads");
    });
}

#[test]
fn what_is_not_in_the_page_cache_is_read_ahead_as_it_is_for_dd() {
    guest::run("kmod::what_is_not_in_the_page_cache_is_read_ahead_as_it_is_for_dd", || {
        insmod(NAME, STICK).expect("it loads");
        let file = open();
        let node = std::fs::canonicalize("/dev/ringside-usb").expect("the stick is there");
        let disk = node.file_name().expect("a node has a name").to_string_lossy();
        let requests = || -> u64 {
            let text = guest::text(&format!("/sys/block/{disk}/stat"));
            let first = text.split_whitespace().next().expect("it has numbers");
            first.parse().expect("a number")
        };
        let mut buffer = vec![0; 8 << 20];
        let pages = buffer.len() as u64 / 4096;
        let before = requests();
        assert_eq!(at(&file, km::READ64, 64 << 20, &mut buffer), Ok(8 << 20));
        let asked = requests() - before;
        assert!(asked < pages / 8, "{asked} requests for {pages} pages");
        drop(file);
        rmmod(NAME).expect("it unloads");
    });
}

/// `size` bytes of address space that all lie in the same few pages.
fn wide_buffer(size: usize) -> *mut u8 {
    const PAGES: usize = 16 << 20;
    let file = nix::sys::memfd::memfd_create(c"pages", nix::sys::memfd::MFdFlags::empty())
        .expect("memory for the buffer");
    nix::unistd::ftruncate(&file, PAGES as i64).expect("it can be of that size");
    let map = |address: usize, length, flags, file: i32| {
        let access = nix::libc::PROT_READ | nix::libc::PROT_WRITE;
        // SAFETY: only what the first call reserved is replaced by the others.
        let at = unsafe { nix::libc::mmap(address as _, length, access, flags, file, 0) };
        assert_ne!(at, nix::libc::MAP_FAILED, "{}", Errno::last());
        at as usize
    };
    let reserve = nix::libc::MAP_PRIVATE | nix::libc::MAP_ANONYMOUS | nix::libc::MAP_NORESERVE;
    let start = map(0, size, reserve, -1);
    for offset in (0..size).step_by(PAGES) {
        let length = PAGES.min(size - offset);
        let flags = nix::libc::MAP_SHARED | nix::libc::MAP_FIXED;
        map(start + offset, length, flags, file.as_raw_fd());
    }
    start as *mut u8
}

#[test]
fn one_call_moves_no_more_than_the_contract_says_whatever_the_size_asked() {
    const TEST: &str =
        "kmod::one_call_moves_no_more_than_the_contract_says_whatever_the_size_asked";
    let disk = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("three_gigabytes");
    if !guest::is_inside() {
        let file = File::create(&disk).expect("the target folder can be written");
        file.set_len(3 << 30).expect("a file may have holes");
    }
    let options = ["--disk", disk.to_str().expect("UTF-8")];
    let modules = || vec![guest::built_modules()];
    guest::run_with(TEST, &options, modules, || {
        insmod(NAME, STICK).expect("it loads");
        let file = open();
        let mut argument = BlockRwOffsetOps {
            data: wide_buffer(u32::MAX as usize + 1) as u64,
            size: u32::MAX,
            offset: 0,
        };
        let moved = ioctl(&file, km::BREADOFFSET, &mut argument);
        assert_eq!(moved, Ok(km::MAX_TRANSFER));
        assert_eq!(km::MAX_TRANSFER, 0x7fff_f000);
        assert_eq!(info(&file).position, u64::from(km::MAX_TRANSFER));
        drop(file);
        rmmod(NAME).expect("it unloads");
        kernel_log::assert_clean();
    });
    if !guest::is_inside() {
        std::fs::remove_file(disk).expect("it is ours");
    }
}

#[test]
fn unload_is_refused_while_the_device_is_open() {
    guest::run("kmod::unload_is_refused_while_the_device_is_open", || {
        insmod(NAME, STICK).expect("it loads");
        let file = open();
        assert_eq!(rmmod(NAME), Err(Errno::EWOULDBLOCK));
        drop(file);
        rmmod(NAME).expect("it unloads");
    });
}
