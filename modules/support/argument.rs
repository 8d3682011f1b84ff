// SPDX-License-Identifier: GPL-2.0
//! What a command of a device takes from its caller, and what is said when it
//! can't be right.

use super::{
    rate_limit::{
        limited,
        RateLimit, //
    },
    user, //
};
use kernel::prelude::*;

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
    pub(crate) fn tell(&self, command: &str, limit: &RateLimit) {
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

/// The structure of `N` bytes that a command's argument points to.
///
/// May sleep, and may take the mmap lock: call it with no lock held.
pub(crate) fn read<const N: usize>(address: usize) -> Result<[u8; N], Wrong> {
    user::read(address).map_err(|error| elsewhere(error, address))
}

/// Writes the structure back that a command's argument points to.
///
/// May sleep, and may take the mmap lock: call it with no lock held.
pub(crate) fn write(address: usize, bytes: &[u8]) -> Result<(), Wrong> {
    user::write(address, bytes).map_err(|error| elsewhere(error, address))
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
