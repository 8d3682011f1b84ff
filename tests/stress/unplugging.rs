// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stick is taken away in the middle of writes, and comes back: what was
//! written before the last SYNC that succeeded is there, whatever came after.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use ringside_uapi::kmod::{self as abi, BlockIo};

use super::guest::{insmod, rmmod, wait_for};
use super::plan::{Random, stress_but_for};

/// The kernel warns that a page is past the end when the disk goes while it is
/// written back. It does so for `pwrite` on the node, too, with no module loaded.
const KNOWN: [&str; 2] = ["iomap_add_to_ioend", "blkdev_writeback_range"];

/// The disk in pieces that are written as a whole.
const SECTOR: usize = 512;
const SECTORS: usize = 256;

/// Two numbers whose product is 1.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const GATHER: u64 = 0xf1de_83e1_9937_733d;

/// A sector of which each word says which it is and how often it was written.
fn sector(number: usize, generation: u64) -> [u8; SECTOR] {
    let mut bytes = [0; SECTOR];
    for (index, word) in bytes.chunks_exact_mut(8).enumerate() {
        let value = (generation ^ place(number, index)).wrapping_mul(SPREAD);
        word.copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// The generation that each word of a sector is of.
fn generations(number: usize, bytes: &[u8; SECTOR]) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(8).enumerate().map(move |(index, word)| {
        let value = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        value.wrapping_mul(GATHER) ^ place(number, index)
    })
}

fn place(number: usize, index: usize) -> u64 {
    ((number * SECTOR + index) as u64) << 32
}

fn put(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The SCSI disk that is there.
fn disk() -> Option<PathBuf> {
    let disks = fs::read_dir("/sys/block").expect("sysfs is there").flatten();
    let mut disks = disks.map(|entry| entry.path()).filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sd"))
            && path.join("device").exists()
    });
    disks.next()
}

/// Has the kernel look for disks until there is one; its node.
fn plug_in() -> PathBuf {
    let mut node = PathBuf::new();
    wait_for("the stick comes back", || {
        for host in fs::read_dir("/sys/class/scsi_host").expect("there is one").flatten() {
            put(&host.path().join("scan"), "- - -");
        }
        let Some(disk) = disk() else { return false };
        node = Path::new("/dev").join(disk.file_name().expect("a disk has a name"));
        // There is a node before there is a disk behind it.
        File::open(&node).is_ok()
    });
    node
}

/// Writes and syncs until the stick is gone; the generation of each sector that
/// was last known to be on it.
fn write_until_gone(
    device: &File,
    random: &mut Random,
    generation: &mut u64,
    has_synced: &AtomicBool,
) -> Vec<u64> {
    let (mut written, mut synced) = (vec![0; SECTORS], vec![0; SECTORS]);
    loop {
        let number = random.below(SECTORS);
        *generation += 1;
        let bytes = sector(number, *generation);
        let io = BlockIo {
            data: bytes.as_ptr() as u64,
            offset: (number * SECTOR) as u64,
            size: SECTOR as u32,
            reserved: 0,
        };
        // SAFETY: The argument is of the command's type, and points to a sector.
        let moved = unsafe { libc::ioctl(device.as_raw_fd(), abi::WRITE64.into(), &io) };
        if moved != SECTOR as i32 {
            assert_eq!(Errno::last(), Errno::ENODEV);
            return synced;
        }
        written[number] = *generation;
        if random.once_in(20) {
            // SAFETY: SYNC takes no argument.
            match unsafe { libc::ioctl(device.as_raw_fd(), abi::SYNC.into(), 0) } {
                0 => {
                    synced.clone_from(&written);
                    has_synced.store(true, Ordering::Relaxed);
                }
                _ => assert!(matches!(Errno::last(), Errno::ENODEV | Errno::EIO)),
            }
        }
    }
}

#[test]
fn what_was_synced_survives_the_stick_being_taken_away() {
    let name = "unplugging::what_was_synced_survives_the_stick_being_taken_away";
    stress_but_for(name, &KNOWN, |random, end| {
        let mut node = Path::new("/dev/ringside-usb").to_owned();
        let (mut generation, mut rounds, mut kept) = (0, 0, 0);
        while rounds < 2 || Instant::now() < end {
            insmod("kmod", &format!("device={}", node.display())).expect("it loads");
            let device = File::options().read(true).write(true).open(abi::DEVICE);
            let device = device.expect("the device can be opened");
            let after = Duration::from_millis(100 + random.below(400) as u64);
            let path = disk().expect("the stick is there").join("device/delete");
            let mut branch = random.branch();
            let has_synced = AtomicBool::new(false);
            let synced = std::thread::scope(|scope| {
                scope.spawn(|| {
                    // The writer goes on until the stick is gone.
                    while !has_synced.load(Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    std::thread::sleep(after);
                    put(&path, "1");
                });
                write_until_gone(&device, &mut branch, &mut generation, &has_synced)
            });
            drop(device);
            rmmod("kmod").expect("nobody has it open");
            node = plug_in();
            let stick = File::open(&node).expect("it can be read again");
            for (number, synced) in synced.iter().enumerate().filter(|(_, synced)| **synced > 0) {
                let mut bytes = [0; SECTOR];
                stick.read_exact_at(&mut bytes, (number * SECTOR) as u64).expect("it is read");
                // What was written since may have arrived as well, in part or whole.
                for found in generations(number, &bytes) {
                    assert!(
                        (*synced..=generation).contains(&found),
                        "sector {number}: {found:#x} of {generation:#x}, {synced:#x} was synced"
                    );
                }
                kept += 1;
            }
            rounds += 1;
        }
        println!(
            "figure: stress-unplugging {rounds} {kept} sectors, each written up to {generation} times"
        );
        assert!(kept > 0, "nothing was ever synced");
    });
}
