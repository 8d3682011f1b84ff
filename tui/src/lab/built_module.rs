// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules that a folder was built into, as a kernel is given them.

use std::path::{Path, PathBuf};

use object::read::elf::ElfFile64;
use object::{Endianness, Object};

use crate::kernel::api::IMAGE_MAX;
use crate::kernel::modinfo::ModInfo;
use crate::plain_file;

/// A module's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltModule {
    /// The name that the kernel knows it by.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// What the kernel is given.
    pub bytes: Vec<u8>,
    /// Tells it from another build, if it has such a note.
    pub build_id: Option<String>,
    /// The modules that it needs.
    needs: Vec<String>,
}

/// Why a file is no module.
#[derive(Debug, thiserror::Error)]
pub enum ModuleFileError {
    /// It can't be read.
    #[error("{0}")]
    File(String),
    /// It holds something else.
    #[error("{} is no kernel module: {why}", path.display())]
    NoModule {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Reads files, in an order in which they can be loaded: those that others need
/// come first.
///
/// # Errors
/// One can't be read, or is no module.
pub fn read(files: &[PathBuf]) -> Result<Vec<BuiltModule>, ModuleFileError> {
    let mut left = files.iter().map(|path| one(path)).collect::<Result<Vec<_>, _>>()?;
    let mut sorted = Vec::new();
    while !left.is_empty() {
        let needs_none = |module: &BuiltModule| {
            !left
                .iter()
                .any(|other| other.name != module.name && module.needs.contains(&other.name))
        };
        // Modules that need each other can't be built, so one is always free.
        let next = left.iter().position(needs_none).unwrap_or_default();
        sorted.push(left.remove(next));
    }
    Ok(sorted)
}

fn one(path: &Path) -> Result<BuiltModule, ModuleFileError> {
    let bytes = plain_file::read(path, IMAGE_MAX as u64)
        .map_err(|error| ModuleFileError::File(error.to_string()))?;
    let info = ModInfo::parse(&bytes)
        .map_err(|why| ModuleFileError::NoModule { path: path.to_owned(), why })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = info.name().unwrap_or(&stem).to_owned();
    let needs = info.get("depends").unwrap_or_default();
    let needs = needs.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let build_id = build_id(&bytes);
    Ok(BuiltModule { name, path: path.to_owned(), bytes, build_id, needs })
}

fn build_id(bytes: &[u8]) -> Option<String> {
    let file = ElfFile64::<Endianness>::parse(bytes).ok()?;
    let id = file.build_id().ok()??;
    Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
}
