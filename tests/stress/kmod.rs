// SPDX-License-Identifier: MIT OR Apache-2.0
//! kmod against a model of the disk: several read and write it by the module, by
//! the device's own node, past the page cache and with `dd`, and each finds what
//! the last one left.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::process::Command;
use std::time::Instant;

use nix::errno::Errno;
use nix::libc;
use ringside_uapi::kmod::{self as abi, BlockIo, BlockRwOffsetOps};

use super::guest::{counter, insmod, rmmod};
use super::plan::{Random, stress};

const STICK: &str = "/dev/ringside-usb";
/// What one thread has of the disk.
const REGION: usize = 1 << 20;
const THREADS: usize = 4;
/// O_DIRECT wants memory and offsets in whole blocks.
const BLOCK: usize = 4096;

#[repr(align(4096))]
struct Aligned([u8; 64 << 10]);

/// A thread with its region, and what must be in it.
struct User {
    random: Random,
    device: File,
    node: File,
    direct: File,
    begin: usize,
    model: Vec<u8>,
    read: u64,
    written: u64,
}

fn open(path: &str, flags: i32) -> File {
    let mut options = File::options();
    options.read(true).write(true).custom_flags(flags);
    options.open(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// One of the module's calls; all of it must be moved.
fn call<T>(device: &File, command: u32, argument: &T, size: usize) {
    // SAFETY: The argument is of the command's type, and what it points to is as long as it says.
    let moved = unsafe { libc::ioctl(device.as_raw_fd(), command.into(), argument) };
    assert_eq!(moved, size as i32, "{command:#x}: {}", Errno::last());
}

impl User {
    fn new(number: usize, random: Random) -> Self {
        let (device, node) = (open(abi::DEVICE, 0), open(STICK, 0));
        let begin = number * REGION;
        let mut model = vec![0; REGION];
        node.read_exact_at(&mut model, begin as u64).expect("the stick is that long");
        let direct = open(STICK, libc::O_DIRECT);
        Self { random, device, node, direct, begin, model, read: 0, written: 0 }
    }

    fn step(&mut self, buffer: &mut Aligned) {
        let size = 1 + self.random.below(buffer.0.len());
        let at = self.random.below(REGION - size);
        // Past the page cache, a whole block at a time.
        let (block, blocks) = (at / BLOCK * BLOCK, BLOCK);
        let offset = |at: usize| (self.begin + at) as u64;
        let data = buffer.0.as_mut_ptr() as u64;
        match self.random.below(12) {
            0..3 => {
                let io = BlockIo { data, offset: offset(at), size: size as u32, reserved: 0 };
                call(&self.device, abi::READ64, &io, size);
                self.read += size as u64;
                assert!(buffer.0[..size] == self.model[at..at + size], "READ64 at {at}");
            }
            3..6 => {
                self.random.fill(&mut buffer.0[..size]);
                let io = BlockIo { data, offset: offset(at), size: size as u32, reserved: 0 };
                call(&self.device, abi::WRITE64, &io, size);
                self.written += size as u64;
                self.model[at..at + size].copy_from_slice(&buffer.0[..size]);
            }
            6 => {
                let offset = offset(at) as u32;
                let ops = BlockRwOffsetOps { data, size: size as u32, offset };
                call(&self.device, abi::BREADOFFSET, &ops, size);
                self.read += size as u64;
                assert!(buffer.0[..size] == self.model[at..at + size], "BREADOFFSET at {at}");
            }
            7 => {
                self.node.read_exact_at(&mut buffer.0[..size], offset(at)).expect("it is read");
                assert!(buffer.0[..size] == self.model[at..at + size], "read at {at}");
            }
            8 => {
                self.random.fill(&mut buffer.0[..size]);
                self.node.write_all_at(&buffer.0[..size], offset(at)).expect("it is written");
                self.model[at..at + size].copy_from_slice(&buffer.0[..size]);
            }
            9 => {
                let buffer = &mut buffer.0[..blocks];
                self.direct.read_exact_at(buffer, offset(block)).expect("it is read directly");
                assert!(*buffer == self.model[block..block + blocks], "O_DIRECT at {block}");
            }
            10 => {
                let buffer = &mut buffer.0[..blocks];
                self.random.fill(buffer);
                self.direct.write_all_at(buffer, offset(block)).expect("it is written directly");
                self.model[block..block + blocks].copy_from_slice(buffer);
            }
            _ if self.random.once_in(8) => {
                // SAFETY: SYNC takes no argument.
                let synced = unsafe { libc::ioctl(self.device.as_raw_fd(), abi::SYNC.into(), 0) };
                assert_eq!(synced, 0, "SYNC: {}", Errno::last());
            }
            _ => {}
        }
    }
}

/// What `dd` reads of a region.
fn dd(begin: usize) -> Vec<u8> {
    let skip = format!("skip={}", begin / REGION);
    let output = Command::new("dd")
        .args([&format!("if={STICK}"), &format!("bs={REGION}"), "count=1", "status=none", &skip])
        .output()
        .expect("dd starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn whoever_reads_the_disk_finds_what_was_written_last() {
    stress("kmod::whoever_reads_the_disk_finds_what_was_written_last", |random, end| {
        insmod("kmod", &format!("device={STICK}")).expect("it loads");
        let users: Vec<User> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|number| {
                    let random = random.branch();
                    scope.spawn(move || {
                        let mut user = User::new(number, random);
                        let mut buffer = Box::new(Aligned([0; 64 << 10]));
                        while Instant::now() < end {
                            user.step(&mut buffer);
                        }
                        user
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no mismatch")).collect()
        });
        let sum = |of: fn(&User) -> u64| users.iter().map(of).sum::<u64>();
        assert_eq!(counter("kmod", "bytes_read"), sum(|user| user.read));
        assert_eq!(counter("kmod", "bytes_written"), sum(|user| user.written));
        assert_eq!(counter("kmod", "errors"), 0);
        for user in &users {
            assert!(dd(user.begin) == user.model, "what dd reads at {}", user.begin);
        }
        println!("figure: stress-kmod {}", sum(|user| user.read + user.written));
        drop(users);
        rmmod("kmod").expect("nobody has it open");
        std::fs::write("/proc/sys/vm/drop_caches", "3").expect("root drops caches");
    });
}
