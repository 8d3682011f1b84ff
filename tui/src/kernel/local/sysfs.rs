// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a module lies in sysfs, and what is said when it does not.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files;
use crate::kernel::error::TargetError;

/// Why there is nothing to list, load or unload.
pub(super) const NO_MODULES: &str = "this kernel was built without loadable modules";

/// The folder of a module in sysfs.
pub(super) fn folder(module: &str) -> PathBuf {
    Path::new(files::SYS_MODULE).join(module)
}

/// What tells a loaded module from another that had the same name: the inode of
/// its folder, which the kernel never gives twice.
pub(super) fn instance(module: &str) -> Option<u64> {
    Some(folder(module).metadata().ok()?.ino())
}

/// The error for a module that is not there.
pub(super) fn not_loaded(name: &str, doing: &str) -> TargetError {
    TargetError::errno(nix::libc::ENOENT, format!("{doing} module {name}"))
        .with_hint("it is not loaded; `ringside modules` lists the modules that are")
}
