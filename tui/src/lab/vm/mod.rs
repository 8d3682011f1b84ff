// SPDX-License-Identifier: MIT OR Apache-2.0
//! The virtual machine: one guest in one QEMU.
//!
//! [`start::start`] takes a [`start::Plan`] to a running [`start::Guest`], by
//! resuming a saved machine or by booting. It needs no lab process: `exec`
//! runs a guest of its own inside itself.

pub mod accel;
mod archive;
mod child;
pub mod command;
pub mod confine;
pub mod console;
mod elf;
pub mod error;
pub mod event;
pub mod halt;
mod handshake;
pub mod heartbeat;
pub mod hotplug;
pub mod initramfs;
mod line;
pub mod machine;
pub mod mark;
pub mod overlay;
mod plugging;
pub mod qmp;
pub mod room;
pub mod saved;
pub mod share;
mod sparse;
pub mod start;
pub mod stick;
mod watchdog;
