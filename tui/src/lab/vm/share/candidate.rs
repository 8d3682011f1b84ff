// SPDX-License-Identifier: MIT OR Apache-2.0
//! What may be shared, and where it is looked for.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::kernel::api::ShareKind;
use crate::lab::vm::error::{VmError, VmResult};

/// A folder that may be shared.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The folder on the host.
    pub(super) source: PathBuf,
    /// Its place in the guest.
    pub(super) place: PathBuf,
    pub(super) kind: ShareKind,
    /// Was it asked for by name?
    pub(super) named: bool,
}

impl Candidate {
    pub(super) fn new(path: &Path, kind: ShareKind, named: bool) -> Self {
        Self { source: path.into(), place: path.into(), kind, named }
    }
}

/// What lies in `/`.
pub(super) fn top() -> VmResult<Vec<fs::DirEntry>> {
    let entries = fs::read_dir("/").map_err(VmError::io("look into /"))?;
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

/// A symbolic link, and where it leads.
pub(super) fn link(path: &Path) -> Option<(Vec<u8>, Vec<u8>)> {
    let target = fs::read_link(path).ok()?;
    Some((path.as_os_str().as_bytes().to_vec(), target.as_os_str().as_bytes().to_vec()))
}
