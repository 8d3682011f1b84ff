// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two processes that give calls: this one, and a child that does what it is told.

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid};

use super::arena::ZONES;
use super::kcov::Kcov;

/// A system call's number and its arguments.
pub type Raw = [u64; 7];
/// No system call: a load, and a store.
pub const LOAD: u64 = 1 << 32;
pub const STORE: u64 = 2 << 32;

/// Makes it, in this process.
fn make(raw: &Raw) -> i64 {
    let [number, a, b, c, d, e, f] = *raw;
    match number {
        // SAFETY: Only what the model knows to be mapped is touched.
        LOAD => unsafe { (a as *const u64).read_volatile() as i64 },
        // SAFETY: As above, and it may be written.
        STORE => unsafe {
            (a as *mut u64).write_volatile(b);
            0
        },
        // SAFETY: Programs are tame: what is changed is memory of the arena, of requests, or
        // of nobody.
        _ => match unsafe { libc::syscall(number as c_long, a, b, c, d, e, f) } {
            -1 => -i64::from(Errno::last_raw()),
            result => result,
        },
    }
}

/// Maps what both share.
pub fn map_arena() {
    for zone in ZONES {
        let protection = libc::PROT_READ | if zone.writable { libc::PROT_WRITE } else { 0 };
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: It replaces nothing.
        let mapped = unsafe {
            libc::mmap(zone.start as *mut _, zone.size as usize, protection, flags, -1, 0)
        };
        assert_eq!(mapped as u64, zone.start, "{}", Errno::last());
    }
}

/// Bytes of a zone.
///
/// The other process changes them only while it is asked to.
pub fn bytes(address: u64, size: u64) -> &'static mut [u8] {
    let inside = |zone: &super::arena::Zone| zone.start <= address && address + size <= zone.end();
    assert!(ZONES.iter().any(inside), "{address:#x} is in no zone");
    // SAFETY: It is mapped, and nobody keeps what this returns for longer than a call.
    unsafe { std::slice::from_raw_parts_mut(address as *mut u8, size as usize) }
}

pub struct Actors {
    child: Pid,
    socket: UnixStream,
    kcov: Option<RawFd>,
}

impl Actors {
    /// Starts the second one; `kcov` is for it.
    pub fn start(kcov: Option<RawFd>) -> Self {
        let (child, socket) = Self::fork(kcov);
        Self { child, socket, kcov }
    }

    fn fork(kcov: Option<RawFd>) -> (Pid, UnixStream) {
        let (mut ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        // SAFETY: The child does nothing that allocates or locks.
        match unsafe { fork() }.expect("a child starts") {
            ForkResult::Parent { child } => {
                // Then it has nothing open that it should not have.
                ours.read_exact(&mut [0]).expect("the child is alive");
                (child, ours)
            }
            ForkResult::Child => {
                close_all_but([Some(theirs.as_raw_fd()), kcov]);
                if let Some(kcov) = kcov {
                    Kcov::enable(kcov);
                }
                let _ = (&theirs).write_all(&[0]);
                serve(theirs)
            }
        }
    }

    pub fn pid(&self, actor: u8) -> Pid {
        if actor == 0 { getpid() } else { self.child }
    }

    pub fn make(&mut self, actor: u8, raw: Raw) -> i64 {
        if actor == 0 {
            return make(&raw);
        }
        let mut order = [0; size_of::<Raw>()];
        for (bytes, word) in order.chunks_exact_mut(8).zip(raw) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        self.socket.write_all(&order).expect("the second process is alive");
        let mut answer = [0; 8];
        self.socket.read_exact(&mut answer).expect("the second process is alive");
        i64::from_le_bytes(answer)
    }

    /// Kills the second one and starts another.
    pub fn restart(&mut self) {
        self.end();
        (self.child, self.socket) = Self::fork(self.kcov);
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = kill(self.child, Signal::SIGKILL);
        let _ = waitpid(self.child, None);
    }
}

impl Drop for Actors {
    fn drop(&mut self) {
        self.end();
    }
}

/// Closes what was inherited: a device that stays open keeps its module in use.
fn close_all_but(kept: [Option<RawFd>; 2]) {
    let mut kept: [RawFd; 2] = kept.map(|fd| fd.unwrap_or(libc::STDERR_FILENO));
    kept.sort_unstable();
    let mut from = libc::STDERR_FILENO + 1;
    for fd in kept.into_iter().map(Some).chain([None]) {
        let to = fd.map_or(u32::MAX, |fd| (fd - 1) as u32);
        if from as u32 <= to {
            // SAFETY: They are this process's copies, which nobody uses.
            unsafe { libc::close_range(from as u32, to, 0) };
        }
        from = fd.map_or(from, |fd| from.max(fd + 1));
    }
}

fn serve(mut socket: UnixStream) -> ! {
    let mut order = [0; size_of::<Raw>()];
    while socket.read_exact(&mut order).is_ok() {
        let mut raw: Raw = [0; 7];
        for (word, bytes) in raw.iter_mut().zip(order.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
        if socket.write_all(&make(&raw).to_le_bytes()).is_err() {
            break;
        }
    }
    // SAFETY: Ends this process and nothing else.
    unsafe { libc::_exit(0) }
}
