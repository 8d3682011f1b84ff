// SPDX-License-Identifier: MIT OR Apache-2.0
//! kmod as it must be: the position, how far each transfer gets, and what lies at the
//! beginning of the disk.

use nix::errno::Errno;
use ringside_uapi::kmod as abi;

use super::super::arena;
use super::super::call::Call;
use super::super::expect::Expect;
use super::{is_open_for, readable, writable};

/// How much of the disk the model knows.
pub const WINDOW: usize = 256 << 10;

pub struct Disk {
    size: u64,
    pub position: u64,
    /// What lies at its beginning.
    pub window: Vec<u8>,
}

/// What a command moves.
pub struct Transfer {
    pub write: bool,
    pub data: u64,
    pub size: u64,
    pub offset: u64,
    /// It has moved the position when it is done.
    pub moves: bool,
}

impl Disk {
    pub fn new(size: u64) -> Self {
        Self { size, position: 0, window: vec![0; WINDOW] }
    }

    /// What the call asks to move; nothing if it is another, or its argument can't be read.
    pub fn transfer(&self, call: &Call) -> Option<Transfer> {
        let [_, command, at, data, second, third] = call.number();
        let (write, length) = match command as u32 {
            abi::BREAD | abi::BREADOFFSET => (false, 16),
            abi::BWRITE | abi::BWRITEOFFSET => (true, 16),
            abi::READ64 => (false, 24),
            abi::WRITE64 => (true, 24),
            _ => return None,
        };
        if !readable(at, length) {
            return None;
        }
        let (data, second, third) =
            if writable(at, length) { (data, second, third) } else { (0, 0, 0) };
        let (size, offset, moves) = match command as u32 {
            abi::BREAD | abi::BWRITE => (second as u32, self.position, true),
            abi::READ64 | abi::WRITE64 => (third as u32, second, false),
            _ => (second as u32, second >> 32, true),
        };
        let size = size.min(abi::MAX_TRANSFER).into();
        Some(Transfer { write, data, size, offset, moves })
    }

    pub fn expect(&self, call: &Call) -> Expect {
        let [mode, command, at, _, _, third] = call.number();
        let mut wrong = Vec::new();
        match command as u32 {
            abi::INFO => {
                let good = writable(at, size_of::<abi::BlockInfo>() as u64);
                return Expect::unless(if good { vec![] } else { vec![Errno::EFAULT] }, 0..=0);
            }
            abi::SYNC => return Expect::exactly(0),
            abi::READ64 | abi::WRITE64 if third >> 32 != 0 && writable(at, 24) => {
                wrong.push(Errno::EINVAL);
            }
            abi::BREAD | abi::BWRITE | abi::BREADOFFSET | abi::BWRITEOFFSET => {}
            abi::READ64 | abi::WRITE64 => {}
            _ => return Expect::Failure(vec![Errno::ENOTTY]),
        }
        let write = matches!(command as u32, abi::BWRITE | abi::BWRITEOFFSET | abi::WRITE64);
        if !is_open_for(mode, write) {
            wrong.push(Errno::EBADF);
        }
        let Some(transfer) = self.transfer(call) else {
            wrong.push(Errno::EFAULT);
            return Expect::Failure(wrong);
        };
        let Transfer { data, size, offset, .. } = transfer;
        if offset >> 63 == 1 || (offset + size) >> 63 == 1 {
            wrong.push(Errno::EINVAL);
        }
        let there = size.min(self.size.saturating_sub(offset));
        let behind_the_end = size > 0 && there == 0;
        if behind_the_end && write {
            wrong.push(Errno::ENOSPC);
        }
        // A read is into memory that is written.
        let fits = arena::accessible(data, size, !write);
        match fits {
            None if wrong.is_empty() => {
                return Expect::Either(0..=there as i64, vec![Errno::EFAULT]);
            }
            Some(0) if size > 0 && behind_the_end && wrong.is_empty() => {
                return Expect::Either(0..=0, vec![Errno::EFAULT]);
            }
            None => wrong.push(Errno::EFAULT),
            Some(0) if size > 0 => wrong.push(Errno::EFAULT),
            _ => {}
        }
        if size == 0 && wrong.is_empty() {
            // Whether nothing fits nowhere is a matter of taste.
            return Expect::Either(0..=0, vec![Errno::EFAULT, Errno::ENOSPC]);
        }
        let fits = fits.unwrap_or_default();
        match there <= fits {
            true => Expect::unless(wrong, there as i64..=there as i64),
            // Where the buffer ends in the middle of a page, some of it may be left out.
            false => Expect::unless(wrong, 1..=fits as i64),
        }
    }

    /// This was written, from there.
    pub fn written(&mut self, offset: u64, bytes: &[u8]) {
        let places = self.window.get_mut(offset as usize..).unwrap_or_default();
        let count = places.len().min(bytes.len());
        places[..count].copy_from_slice(&bytes[..count]);
    }

    /// Is that what was read from there?
    pub fn agrees(&self, offset: u64, bytes: &[u8]) -> Result<(), String> {
        let known = self.window.get(offset as usize..).unwrap_or_default();
        let count = known.len().min(bytes.len());
        if known[..count] == bytes[..count] {
            return Ok(());
        }
        let at = (0..count).find(|at| known[*at] != bytes[*at]).unwrap_or_default();
        let place = offset as usize + at;
        Err(format!(
            "the byte at {place:#x} of the disk is {:#x} and not {:#x}",
            bytes[at], known[at]
        ))
    }
}
