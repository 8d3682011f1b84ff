// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file of a module.

use std::path::PathBuf;

use super::Failure;
use crate::kernel::api::IMAGE_MAX;
use crate::kernel::modinfo::{ModInfo, module_name};
use crate::lab::modules::packed;
use crate::plain_file;

/// A module's file.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// The module's name.
    pub(super) name: String,
    /// The file it was read from.
    pub(super) path: PathBuf,
    /// What the kernel is given.
    pub(super) bytes: Vec<u8>,
    /// The modules that it needs.
    pub(super) needs: Vec<String>,
}

impl Image {
    /// Reads a file that is to be a module, packed or not; also what it says of
    /// itself.
    ///
    /// # Errors
    /// It can't be read, or is no module.
    pub(super) fn read(path: PathBuf) -> Result<(Self, ModInfo), Failure> {
        let bytes = plain_file::read(&path, IMAGE_MAX as u64).map_err(|error| {
            Failure::from(error)
                .with_help("a module is a .ko file; it may be packed (.gz, .xz, .zst)")
        })?;
        let wrong =
            |why: String| Failure::new(format!("{} is no kernel module: {why}", path.display()));
        let bytes = packed::unpacked(bytes, IMAGE_MAX).map_err(wrong)?;
        let info = ModInfo::parse(&bytes).map_err(wrong)?;
        let name = module_name(info.name().unwrap_or(&path.to_string_lossy()));
        let needs = info.get("depends").unwrap_or_default();
        let needs = needs.split(',').filter(|name| !name.is_empty()).map(module_name).collect();
        Ok((Self { name, path, bytes, needs }, info))
    }
}
