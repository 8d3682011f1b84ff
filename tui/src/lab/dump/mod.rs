// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a dump of a guest needs to be read: QEMU writes memory and registers,
//! and drgn and crash want the kernel's own note (VMCOREINFO) beside them. A
//! kernel leaves it with QEMU only where it is configured for dumps of its own,
//! so it is made here from what is known of the kernel.

mod elf;
mod flat;
mod note;
mod vmcoreinfo;

use std::fs::File;
use std::io;
use std::path::Path;

use super::linux::Kernel;

/// Adds the kernel's note to a dump that QEMU has written to `file`, at `path`.
///
/// # Errors
/// The file can't be read or written, or is no dump.
pub fn complete(file: &mut File, path: &Path, kernel: &Kernel, compressed: bool) -> io::Result<()> {
    if compressed { flat::complete(file, path, kernel) } else { elf::complete(file, kernel) }
}
