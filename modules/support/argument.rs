// SPDX-License-Identifier: GPL-2.0
//! What a command of a device takes from its caller, and what is said when it
//! can't be right.

use core::mem::MaybeUninit;

use super::{
    helpers,
    rate_limit::{RateLimit, limited},
};
use kernel::{
    prelude::*,
    transmute::{AsBytes, FromBytes},
    uaccess::{UserPtr, UserSlice},
};

/// An argument that can't be right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wrong {
    /// What the caller gets for it.
    pub(crate) error: Error,
    /// What is wrong with it.
    pub(crate) why: &'static str,
    /// The argument.
    pub(crate) value: u64,
}

impl Wrong {
    /// Writes to the log, where `limit` allows it, that `command` was refused.
    pub(crate) fn report(&self, command: &str, limit: &RateLimit) {
        limited!(
            limit,
            pr_warn,
            "{command} by process {} refused ({:?}): {} ({:#x})\n",
            caller(),
            self.error,
            self.why,
            self.value
        );
    }
}

/// The structure that a command's argument points to, or `EFAULT` where it can't be read.
///
/// May sleep, and may take the mmap lock: call it with no lock held.
///
/// `UserSlice` does the same by a call that is made for copies of any size: with it a BREAD of 512
/// bytes has 0.845 of the speed of `pread` and not 0.88, one of 4096 bytes 0.957 and not 0.965.
pub(crate) fn read<T: FromBytes>(address: usize) -> Result<T, Wrong> {
    const { assert!(size_of::<T>() % size_of::<u64>() == 0) };
    const { assert!(align_of::<T>() == align_of::<u64>()) };
    let mut structure = MaybeUninit::<T>::uninit();
    let to = structure.as_mut_ptr().cast();
    // SAFETY: `structure` holds as many words as are asked for, at the right alignment. The address
    // may be any: it is checked there, and accessed as user memory only.
    let read = unsafe {
        helpers::ringside_get_words(to, address as *const u64, size_of::<T>() / size_of::<u64>())
    };
    if read {
        // SAFETY: Each of its bytes was written, and any bit pattern is good.
        Ok(unsafe { structure.assume_init() })
    } else {
        Err(elsewhere(EFAULT, address))
    }
}

/// Writes the structure back that a command's argument points to, or `EFAULT` where it can't be
/// written.
///
/// May sleep, and may take the mmap lock: call it with no lock held.
pub(crate) fn write<T: AsBytes>(address: usize, structure: &T) -> Result<(), Wrong> {
    UserSlice::new(UserPtr::from_addr(address), size_of::<T>())
        .writer()
        .write(structure)
        .map_err(|error| elsewhere(error, address))
}

fn elsewhere(error: Error, address: usize) -> Wrong {
    Wrong {
        error,
        why: "the argument does not point to memory of the caller's",
        value: address as u64,
    }
}

/// The number of the calling process.
pub(crate) fn caller() -> i32 {
    kernel::current!().tgid()
}
