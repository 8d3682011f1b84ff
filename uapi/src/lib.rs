// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! The binary contract of Ringside's kernel modules: device nodes, ioctl
//! numbers, struct layouts, limits, and the names and units of everything the
//! modules show in sysfs.
//!
//! `no_std`, no dependencies. User space uses this crate; the kernel modules
//! include its files one by one with `#[path]`, so that both sides compile the
//! very same text. Each file therefore stands on its own, but for
//! [`describe`] and [`ioctl`], which the includer mounts as siblings.
#![no_std]
#![warn(missing_docs)]

pub mod c_header;
pub mod describe;
pub mod ioctl;
pub mod kmod;
pub mod memalloc;
pub mod my_name;
pub mod my_syscall;
pub mod producer_consumer;

use describe::Module;

/// Every module of ours that can be loaded, in the order the dashboard lists them.
pub const MODULES: &[&Module] =
    &[&my_name::MODULE, &producer_consumer::MODULE, &memalloc::MODULE, &kmod::MODULE];

/// The description of the module called `name`, if it is one of ours.
pub fn module(name: &str) -> Option<&'static Module> {
    MODULES.iter().copied().find(|module| module.name == name)
}
