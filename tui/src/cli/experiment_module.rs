// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules that only experiments load, where they can be built.

use std::fs;
use std::path::PathBuf;

use crate::experiment::module_files;
use crate::lab::cache::place;

/// The folder of a module that comes with an experiment, where it can be built; `None`:
/// there is none of that name.
pub(super) fn module_folder(module: &str) -> Option<Result<PathBuf, String>> {
    let files = module_files(module)?;
    let write = || -> Result<PathBuf, String> {
        let folder = place().map_err(|error| error.to_string())?.join("experiments").join(module);
        let doing = |error| format!("write {}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(doing)?;
        for (file, text) in files {
            let path = folder.join(file);
            // What is written again is built again.
            if fs::read_to_string(&path).ok().as_deref() != Some(text) {
                fs::write(&path, text).map_err(doing)?;
            }
        }
        Ok(folder)
    };
    Some(write())
}
