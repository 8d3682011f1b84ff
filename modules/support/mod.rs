// SPDX-License-Identifier: GPL-2.0
//! What the modules share: safe wrappers of what the kernel offers to C only, and nothing that
//! belongs to one module's subject.
#![allow(dead_code, unused_imports, unused_macros, reason = "no module uses all of it")]

pub(crate) mod argument;
pub(crate) mod block_device;
pub(crate) mod device;
mod helpers;
mod layout;
pub(crate) mod mapping;
pub(crate) mod memory;
pub(crate) mod mutex;
pub(crate) mod pace;
pub(crate) mod page_table;
pub(crate) mod pages;
pub(crate) mod params;
pub(crate) mod plain;
pub(crate) mod process;
pub(crate) mod rate_limit;
pub(crate) mod semaphore;
pub(crate) mod spinlock;
pub(crate) mod sysfs;
pub(crate) mod text;
pub(crate) mod thread;
