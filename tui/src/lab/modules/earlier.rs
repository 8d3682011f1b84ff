// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was built before: by folder, by a module's name, by its build id.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::cache;
use super::super::linux::Kernel;
use super::kept;
use super::sources::Sources;
use super::stamp::Stamp;
use crate::kernel::modinfo::module_name;

/// All builds for the kernel `release` whose folders are still there: one that is
/// gone can't be built again.
pub(super) fn stamps(root: &Path, release: &str) -> Vec<Stamp> {
    let mut stamps = all(root, release);
    stamps.retain(|stamp| stamp.folder.is_dir());
    stamps
}

fn all(root: &Path, release: &str) -> Vec<Stamp> {
    let folder = cache::modules(root).join(release);
    let builds = fs::read_dir(folder).into_iter().flatten().flatten();
    builds.filter_map(|build| Stamp::read(&build.path())).collect()
}

/// Where the modules of a build are said to export what.
pub(super) fn symbol_file(stamp: &Stamp) -> PathBuf {
    stamp
        .modules()
        .flat_map(Path::ancestors)
        .map(|folder| folder.join("Module.symvers"))
        .find(|file| file.is_file())
        .unwrap_or_default()
}

/// A module that was built before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its .ko file.
    pub file: PathBuf,
    /// The folder of its sources.
    pub folder: PathBuf,
    /// When it was built.
    pub at: SystemTime,
    /// Do the sources say something else now?
    pub changed: bool,
}

/// The newest build of a module for `kernel`. Dashes and underscores of its name
/// are one.
pub fn newest(kernel: &Kernel, module: &str) -> Option<Earlier> {
    let module = module_name(module);
    let time = |file: &Path| fs::metadata(file).and_then(|data| data.modified()).ok();
    let stamps = stamps(&cache::root().ok()?, &kernel.release);
    let (at, file, stamp) = stamps
        .iter()
        .flat_map(|stamp| stamp.modules().map(move |file| (file, stamp)))
        .filter(|(file, _)| module_name(&file.to_string_lossy()) == module)
        .filter_map(|(file, stamp)| Some((time(file)?, file, stamp)))
        .max_by_key(|(at, ..)| *at)?;
    let sources = Sources::find(&stamp.folder).map(|sources| sources.seen());
    Some(Earlier {
        file: file.to_owned(),
        folder: stamp.folder.clone(),
        at,
        changed: !sources.is_ok_and(|sources| stamp.current(kernel, &sources)),
    })
}

/// The newest build of every module that was built for `kernel`, by its name.
pub fn files(kernel: &Kernel) -> BTreeMap<String, PathBuf> {
    let mut found: BTreeMap<String, (SystemTime, PathBuf)> = BTreeMap::new();
    let Ok(root) = cache::root() else { return BTreeMap::new() };
    for file in stamps(&root, &kernel.release).iter().flat_map(Stamp::modules) {
        let Ok(at) = fs::metadata(file).and_then(|data| data.modified()) else { continue };
        let name = module_name(&file.to_string_lossy());
        if found.get(&name).is_none_or(|(before, _)| *before < at) {
            found.insert(name, (at, file.to_owned()));
        }
    }
    found.into_iter().map(|(name, (_, file))| (name, file)).collect()
}

/// The .ko file of the build of a module that the kernel `release` has loaded, by
/// the build id that the kernel says. Where that is not known any more, the only
/// build of that name.
///
/// # Errors
/// Why it is not here.
pub fn loaded(release: &str, module: &str, build_id: Option<&str>) -> Result<PathBuf, String> {
    let module = module_name(module);
    let root = cache::root().map_err(|error| error.to_string())?;
    if let Some(copy) = build_id.and_then(|id| kept::find(&root, release, id)) {
        return Ok(copy);
    }
    let files: Vec<PathBuf> = all(&root, release)
        .iter()
        .flat_map(Stamp::modules)
        .filter(|file| module_name(&file.to_string_lossy()) == module)
        .map(Path::to_owned)
        .collect();
    let found = match (build_id, files.as_slice()) {
        (_, []) => return Err(format!("module {module} was not built here")),
        (Some(id), files) => {
            let has_id = |image: Vec<u8>| kept::build_id(&image).is_some_and(|found| found == id);
            files.iter().find(|file| fs::read(file).is_ok_and(has_id))
        }
        (None, [only]) => Some(only),
        (None, several) => {
            let count = several.len();
            return Err(format!(
                "{count} builds of module {module} are here, and which one was loaded is not known"
            ));
        }
    };
    found.cloned().ok_or_else(|| {
        format!("module {module} was built again since it was loaded, or loaded from elsewhere")
    })
}
