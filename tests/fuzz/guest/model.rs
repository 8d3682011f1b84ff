// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must come of each call: of those before it, the model knows all that matters.

mod disk;
mod memory;

use nix::errno::Errno;
use nix::libc;
use ringside_uapi::my_syscall;

pub use self::disk::{Disk, WINDOW};
pub use self::memory::Memory;
use super::arena::{self, PAGE};
use super::call::{Call, Op};
use super::expect::Expect;
use super::files::{self, Kind};

/// What the open modes are for; the number is `open`'s.
pub fn is_open_for(mode: u64, write: bool) -> bool {
    mode == 2 || mode == u64::from(write)
}

pub struct Model {
    pub memory: Memory,
    pub disk: Disk,
    pub paused: bool,
    /// The threads' delays are not what they were.
    pub delayed: bool,
}

impl Model {
    pub fn new(device_size: u64, address_limit: u64) -> Self {
        Self {
            memory: Memory::new(address_limit),
            disk: Disk::new(device_size),
            paused: false,
            delayed: false,
        }
    }

    /// What the call may return.
    pub fn expect(&self, call: &Call) -> Expect {
        match call.op {
            Op::Memalloc => self.memory.expect(call),
            Op::Kmod => self.disk.expect(call),
            Op::Touch => Expect::Anything,
            Op::Unmap => self.memory.expect_unmap(call),
            Op::Protect => self.memory.expect_protect(call),
            Op::Advise => self.memory.expect_advise(call),
            // The device can't be mapped.
            Op::Map => Expect::Failure(Vec::new()),
            Op::Remap => {
                let [address, length, new, flags] = call.number();
                let same = length.div_ceil(PAGE) == new.div_ceil(PAGE);
                if let Some(cut) = cut_off(call) {
                    // What is cut off may be a hole, or whole requests behind this one.
                    return match self.memory.expect_unmap(&cut) {
                        Expect::Success(_) => {
                            Expect::Either(address as i64..=address as i64, Vec::new())
                        }
                        _ => Expect::Failure(Vec::new()),
                    };
                }
                // A request stays where it is; nothing is moved where nothing is to change.
                match same && flags & 6 == 0 {
                    true => Expect::Either(address as i64..=address as i64, Vec::new()),
                    false => Expect::Failure(Vec::new()),
                }
            }
            Op::Read => {
                let [_, _, size] = call.number();
                Expect::Success(0..=size as i64)
            }
            Op::Write => self.expect_write(call),
            Op::Node => {
                let [_, _, size, _] = call.number();
                Expect::exactly(size as i64)
            }
            Op::Reload => self.expect_load(call),
            Op::Syscall => Expect::exactly(0),
            Op::Restart => Expect::exactly(0),
        }
    }

    fn expect_write(&self, call: &Call) -> Expect {
        let [file, _] = call.number();
        let file = &files::all()[file as usize];
        // More than a page is not taken at once.
        let given = &call.bytes[..call.bytes.len().min(PAGE as usize)];
        let taken = Expect::exactly(given.len() as i64);
        if given.is_empty() && file.kind.can_be_written() {
            return taken;
        }
        match file.kind {
            Kind::Control(control) => match files::number(given) {
                Some(value) if !(control.min..=control.max).contains(&value) => {
                    Expect::Failure(vec![Errno::EINVAL])
                }
                Some(_) if control.name == "step" && !self.paused => {
                    Expect::Failure(vec![Errno::EINVAL])
                }
                Some(_) => taken,
                None => Expect::Failure(vec![Errno::EINVAL]),
            },
            Kind::Message => {
                let text = given.strip_suffix(b"\n").unwrap_or(given);
                let fits = text.len() <= my_syscall::MESSAGE_MAX && !text.contains(&0);
                if fits { taken } else { Expect::Failure(vec![Errno::EINVAL]) }
            }
            // Root may open what nobody may write.
            _ => Expect::Failure(vec![Errno::EIO, Errno::EACCES, Errno::EBADF]),
        }
    }

    /// Only what is plain can be told; the rest must merely do no harm.
    fn expect_load(&self, call: &Call) -> Expect {
        match (call.bytes.trim_ascii(), call.numbers[0]) {
            (b"", 0..3) => Expect::exactly(0),
            _ => Expect::Either(
                0..=0,
                vec![
                    Errno::EINVAL,
                    Errno::ENOENT,
                    Errno::ENOTBLK,
                    Errno::ENOTDIR,
                    Errno::ENAMETOOLONG,
                    Errno::ENOMEM,
                    Errno::EAGAIN,
                    Errno::ENXIO,
                    Errno::ENOSPC,
                ],
            ),
        }
    }

    /// What the call has changed, where it returned this.
    pub fn note(&mut self, call: &Call, result: i64) {
        match call.op {
            Op::Memalloc if result == 0 => self.memory.note(call),
            Op::Unmap if result == 0 => self.memory.unmapped(call),
            Op::Protect => self.memory.protected(call, result == 0),
            Op::Remap if result >= 0 => {
                if let Some(cut) = cut_off(call) {
                    self.memory.unmapped(&cut);
                }
            }
            Op::Restart => self.memory.died(1),
            Op::Write if result > 0 => {
                let [file, _] = call.number();
                let file = &files::all()[file as usize];
                self.delayed |= file.path.ends_with("_delay");
                if file.path.ends_with("/paused")
                    && let Some(value) = files::number(&call.bytes)
                {
                    self.paused = value == 1;
                }
            }
            // It is loaded as usual afterwards.
            Op::Reload if call.numbers[0] == 1 => self.paused = false,
            Op::Reload if call.numbers[0] == 3 => self.disk.position = 0,
            _ => {}
        }
    }
}

/// What a `mremap` that makes an area smaller unmaps (`shrink_vma` in mm/mremap.c).
fn cut_off(call: &Call) -> Option<Call> {
    let [address, length, new, flags] = call.number();
    let pages = |bytes: u64| bytes.div_ceil(PAGE) * PAGE;
    let (length, new) = (pages(length), pages(new));
    let in_place = flags & (libc::MREMAP_FIXED | libc::MREMAP_DONTUNMAP) as u64 == 0;
    (in_place && 0 < new && new < length).then(|| Call {
        op: Op::Unmap,
        actor: call.actor,
        numbers: vec![address.wrapping_add(new), length - new],
        bytes: Vec::new(),
    })
}

/// The argument of a command: its words, as far as they can be read there.
pub fn readable(at: u64, size: u64) -> bool {
    arena::accessible(at, size, false) == Some(size)
}

pub fn writable(at: u64, size: u64) -> bool {
    arena::accessible(at, size, true) == Some(size)
}
