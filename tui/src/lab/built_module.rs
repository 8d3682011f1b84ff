// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files of modules, as a kernel is given them.

use std::path::{Path, PathBuf};

use object::read::elf::ElfFile64;
use object::{Endianness, Object};

use super::modules::packed;
use crate::kernel::api::IMAGE_MAX;
use crate::kernel::modinfo::{ModInfo, module_name};
use crate::plain_file::{self, FileError};
use crate::text::bytes;

/// A module's file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuiltModule {
    /// The name that the kernel knows it by.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// What the kernel is given.
    pub bytes: Vec<u8>,
    /// What it says of itself.
    pub info: ModInfo,
    /// Tells it from another build, if it has such a note.
    pub build_id: Option<String>,
    /// The modules that it needs.
    pub needs: Vec<String>,
}

/// Why a file is no module.
#[derive(Debug, thiserror::Error)]
pub enum ModuleFileError {
    /// It can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It holds something else.
    #[error("{} is no kernel module: {why}", path.display())]
    NoModule {
        /// The file.
        path: PathBuf,
        why: String,
    },
}

/// Reads files, in an order in which they can be loaded.
///
/// # Errors
/// One can't be read, or is no module.
pub fn read(files: &[PathBuf]) -> Result<Vec<BuiltModule>, ModuleFileError> {
    files.iter().map(|path| read_one(path)).collect::<Result<_, _>>().map(in_order)
}

/// Reads a file, packed or not.
///
/// # Errors
/// It can't be read, or is no module.
pub fn read_one(path: &Path) -> Result<BuiltModule, ModuleFileError> {
    let wrong = |why| ModuleFileError::NoModule { path: path.to_owned(), why };
    let bytes = plain_file::read(path, IMAGE_MAX as u64)?;
    let bytes = packed::unpacked(bytes, IMAGE_MAX).map_err(wrong)?;
    let info = ModInfo::parse(&bytes).map_err(wrong)?;
    let name = module_name(info.name().unwrap_or(&path.to_string_lossy()));
    let needs = info.get("depends").unwrap_or_default();
    let needs = needs.split(',').filter(|name| !name.is_empty()).map(module_name).collect();
    let build_id = build_id(&bytes);
    Ok(BuiltModule { name, path: path.to_owned(), bytes, info, build_id, needs })
}

/// Those that others need come first.
pub fn in_order(mut left: Vec<BuiltModule>) -> Vec<BuiltModule> {
    let mut sorted = Vec::new();
    while !left.is_empty() {
        let free = |module: &BuiltModule| {
            let others = || left.iter().filter(|other| other.name != module.name);
            !module.needs.iter().any(|needed| others().any(|other| other.name == *needed))
        };
        // Modules that need each other can't be built, so one is always free.
        let next = left.iter().position(free).unwrap_or_default();
        sorted.push(left.remove(next));
    }
    sorted
}

fn build_id(bytes: &[u8]) -> Option<String> {
    let file = ElfFile64::<Endianness>::parse(bytes).ok()?;
    file.build_id().ok()?.map(bytes::hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_another_needs_is_loaded_before_it() {
        let module = |name: &str, needs: &[&str]| BuiltModule {
            name: name.into(),
            needs: needs.iter().map(|name| (*name).to_owned()).collect(),
            ..BuiltModule::default()
        };
        let sorted = in_order(vec![
            module("top", &["middle", "elsewhere"]),
            module("middle", &["base"]),
            module("base", &[]),
        ]);
        let names: Vec<_> = sorted.iter().map(|module| module.name.as_str()).collect();
        assert_eq!(names, ["base", "middle", "top"]);
    }
}
