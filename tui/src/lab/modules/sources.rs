// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sources of a folder of modules: what is in it, and what it reaches outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::references;
use crate::lab::build_error::{BuildError, BuildResult};
use crate::lab::seen::Seen;

/// More files than a folder of modules has: someone named a wrong folder.
const FILES_MAX: usize = 20_000;

/// The sources of a folder, before anything is copied.
pub(crate) struct Sources {
    pub(super) folder: PathBuf,
    /// Real path by the path that sources know it by.
    pub(super) files: BTreeMap<PathBuf, PathBuf>,
}

impl Sources {
    /// Looks through `folder` (canonical) and what its sources reach by `../`.
    ///
    /// # Errors
    /// It can't be read, or is no folder of modules by its size.
    pub(crate) fn find(folder: &Path) -> BuildResult<Self> {
        let mut found = Self { folder: folder.to_owned(), files: BTreeMap::new() };
        found.walk(folder, &mut Vec::new())?;
        let mut looked = BTreeSet::new();
        loop {
            let new: Vec<_> =
                found.files.keys().filter(|path| !looked.contains(*path)).cloned().collect();
            if new.is_empty() {
                return Ok(found);
            }
            for path in new {
                for reference in references::outside(&path, folder) {
                    found.reach(&reference)?;
                }
                looked.insert(path);
            }
        }
    }

    /// Takes in what a source reaches outside of the folder.
    fn reach(&mut self, path: &Path) -> BuildResult<()> {
        if path.starts_with(&self.folder) {
            return Ok(());
        }
        // Of a folder above only the files: all that lies beside may be a home.
        let above = self.folder.starts_with(path);
        if path.is_dir() && !above {
            return self.walk(path, &mut Vec::new());
        }
        // A header's own headers lie beside it.
        let parent = if above { Some(path) } else { path.parent() };
        let Some(parent) = parent.filter(|parent| parent.is_dir()) else { return Ok(()) };
        for path in entries(parent)? {
            if path.is_file() && is_source(&path) && has_source_name(&path) {
                self.add(path)?;
            }
        }
        if path.is_file() { self.add(path.to_owned()) } else { Ok(()) }
    }

    fn walk(&mut self, folder: &Path, above: &mut Vec<PathBuf>) -> BuildResult<()> {
        // A link to a folder above would never end.
        let real = folder.canonicalize().map_err(BuildError::on("open", folder))?;
        if above.contains(&real) {
            return Ok(());
        }
        above.push(real);
        for path in entries(folder)? {
            if !is_source(&path) {
                continue;
            }
            if path.is_dir() {
                self.walk(&path, above)?;
            } else if path.is_file() {
                self.add(path)?;
            }
        }
        above.pop();
        Ok(())
    }

    fn add(&mut self, path: PathBuf) -> BuildResult<()> {
        let real = path.canonicalize().map_err(BuildError::on("open", &path))?;
        self.files.insert(path, real);
        if self.files.len() > FILES_MAX {
            return Err(BuildError::Folder {
                folder: self.folder.clone(),
                why: format!(
                    "it holds more than {FILES_MAX} files, so it is no folder of a module: \
                     name the one with the Kbuild file"
                ),
            });
        }
        Ok(())
    }

    /// Every source as it is now.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.files.keys().filter_map(|path| Seen::now(path)).collect()
    }

    /// Does one of them have this ending?
    pub(crate) fn have(&self, ending: &str) -> bool {
        self.files.keys().any(|path| path.extension().is_some_and(|end| end == ending))
    }

    /// The folder that holds all sources.
    pub(super) fn top(&self) -> PathBuf {
        let mut top = self.folder.clone();
        while !self.files.keys().all(|path| path.starts_with(&top)) && top.pop() {}
        top
    }
}

/// The entries of a folder, by name.
fn entries(folder: &Path) -> BuildResult<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(BuildError::on("read", folder))? {
        paths.push(entry.map_err(BuildError::on("read", folder))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Does this belong to the sources, and not to what a build, an editor or a
/// version control system left?
pub(crate) fn is_source(path: &Path) -> bool {
    const LEFT: [&str; 15] = [
        "o", "ko", "mod", "cmd", "order", "a", "s", "i", "ll", "su", "dwo", "gcno", "symtypes",
        "swp", "d",
    ];
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let left = LEFT.contains(&&*extension)
        || name.ends_with(".mod.c")
        || name.ends_with('~')
        || name.starts_with('#')
        || name.starts_with(".#")
        || name.starts_with(".tmp")
        || name == "Module.symvers";
    let foreign =
        name.starts_with('.') || ["target", "node_modules", "__pycache__"].contains(&&*name);
    !(left || foreign && path.is_dir())
}

/// Is it a file that other sources include, by its name?
fn has_source_name(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["c", "h", "rs", "S", "inc", "mk", "lds", "include"].contains(&&*extension)
        || ["Makefile", "Kbuild", "Kconfig"].contains(&&*name)
}
