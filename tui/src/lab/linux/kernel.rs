// SPDX-License-Identifier: MIT OR Apache-2.0
//! A kernel in the cache.

use std::path::PathBuf;

use crate::lab::flavour::Flavour;

/// A kernel that is built and whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Which one.
    pub flavour: Flavour,
    /// What to boot: the bzImage, since only its decompressor switches the
    /// processor to five page-table levels.
    pub image: PathBuf,
    /// The ELF file with all symbols, for addresses and debug information.
    pub vmlinux: PathBuf,
    /// `uname -r` in the guest: `7.3.4-ringside-lab-1a2b3c4d`.
    pub release: String,
    /// The folder it was built in (make's `O=`).
    pub build_dir: PathBuf,
    /// Its sources, patched.
    pub source_dir: PathBuf,
    /// What make must be told beside `O=` to build with the same tools:
    /// `RUSTC=…`, `BINDGEN=…`, `LIBCLANG_PATH=…`, `LLVM=…`.
    pub make_arguments: Vec<String>,
    /// Identifies everything that it was made from.
    pub hash: String,
}
