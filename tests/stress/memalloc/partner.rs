// SPDX-License-Identifier: MIT OR Apache-2.0
//! The device's commands, and a second process that gives them when it is told to.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};
use ringside_uapi::memalloc as abi;

pub const PAGE: usize = 4096;

/// `/dev/memalloc`, open.
pub struct Device(File);

impl Device {
    pub fn open() -> Self {
        let device = File::options().read(true).write(true).open(abi::DEVICE);
        Self(device.expect("the device can be opened"))
    }

    fn call<T>(&self, command: u32, argument: &mut T) -> nix::Result<()> {
        // SAFETY: The argument is of the command's type.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), command.into(), argument) };
        Errno::result(result).map(drop)
    }

    pub fn allocate(&self, vaddr: usize, num_pages: i32, write: bool) -> nix::Result<()> {
        let (vaddr, write) = (vaddr as u64, write.into());
        self.call(
            abi::ALLOCATE,
            &mut abi::AllocInfo { vaddr, num_pages, write, ..Default::default() },
        )
    }

    pub fn free(&self, vaddr: usize) -> nix::Result<()> {
        self.call(abi::FREE, &mut abi::FreeInfo { vaddr: vaddr as u64 })
    }

    pub fn share(&self, vaddr: usize, client: Pid, write: bool) -> nix::Result<()> {
        let (vaddr, client_pid, write) = (vaddr as u64, client.as_raw(), write.into());
        self.call(
            abi::SHAREPAGE,
            &mut abi::SharepageInfo { vaddr, client_pid, write, ..Default::default() },
        )
    }

    pub fn access(&self, vaddr: usize) -> nix::Result<()> {
        self.call(abi::ACCESSPAGE, &mut abi::AccesspageInfo { vaddr: vaddr as u64 })
    }

    pub fn walk(&self, vaddr: usize) -> abi::WalkInfo {
        let mut info = abi::WalkInfo { vaddr: vaddr as u64, ..Default::default() };
        self.call(abi::WALK, &mut info).expect("WALK never fails here");
        info
    }
}

/// What the other process is told to do, with an address.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Order {
    Access,
    Free,
    /// Sends the page's bytes back.
    Read,
    /// Writes a byte.
    Write,
}

const ORDER: usize = 10;

/// A process that shares pages with its parent. It ends with this value.
pub struct Partner {
    pub pid: Pid,
    socket: UnixStream,
}

impl Partner {
    pub fn start(device: &Device) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        // SAFETY: The child does nothing that allocates or locks.
        match unsafe { fork() }.expect("a child starts") {
            ForkResult::Parent { child } => Self { pid: child, socket: ours },
            ForkResult::Child => {
                drop(ours);
                serve(theirs, device)
            }
        }
    }

    /// What it answers: an errno, or nothing.
    pub fn order(&mut self, order: Order, address: usize, byte: u8) -> nix::Result<()> {
        self.send(order, address, byte);
        let mut answer = [0; 4];
        self.socket.read_exact(&mut answer).expect("the partner is alive");
        match i32::from_le_bytes(answer) {
            0 => Ok(()),
            errno => Err(Errno::from_raw(errno)),
        }
    }

    /// The bytes of a page as it sees them.
    pub fn read(&mut self, address: usize) -> Vec<u8> {
        self.send(Order::Read, address, 0);
        let mut page = vec![0; PAGE];
        self.socket.read_exact(&mut page).expect("the partner is alive");
        page
    }

    fn send(&mut self, order: Order, address: usize, byte: u8) {
        let mut bytes = [0; ORDER];
        bytes[0] = order as u8;
        bytes[1] = byte;
        bytes[2..].copy_from_slice(&address.to_le_bytes());
        self.socket.write_all(&bytes).expect("the partner is alive");
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = kill(self.pid, Signal::SIGKILL);
        let _ = waitpid(self.pid, None);
    }
}

/// The other process.
fn serve(mut socket: UnixStream, device: &Device) -> ! {
    let mut order = [0; ORDER];
    while socket.read_exact(&mut order).is_ok() {
        let address = usize::from_le_bytes(order[2..].try_into().unwrap_or_default());
        let result = match order[0] {
            0 => device.access(address),
            1 => device.free(address),
            2 => {
                // SAFETY: The parent asks only for what it knows to be mapped.
                let page = unsafe { std::slice::from_raw_parts(address as *const u8, PAGE) };
                if socket.write_all(page).is_err() {
                    break;
                }
                continue;
            }
            _ => {
                // SAFETY: As above, and it may be written.
                unsafe { (address as *mut u8).write_volatile(order[1]) };
                Ok(())
            }
        };
        let errno = result.err().map_or(0, |errno| errno as i32);
        if socket.write_all(&errno.to_le_bytes()).is_err() {
            break;
        }
    }
    // SAFETY: Ends this process and nothing else.
    unsafe { libc::_exit(0) }
}
