// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building modules against a kernel of the cache, out of copies of their folders.
//!
//! ```text
//! stage (copy the sources) ► kbuild (which modules?) ► compile (make) ► exports (what is undefined) ► stamp
//! ```

mod built;
mod compile;
mod earlier;
mod editor;
mod exported;
mod exports;
mod folder;
mod hints;
pub mod installed;
mod kbuild;
mod kept;
mod limits;
mod own;
pub mod packed;
mod references;
mod resolve;
mod sources;
mod stage;
mod stamp;
mod tools;
mod work;

use std::path::{Path, PathBuf};

pub use self::built::{Built, Failed};
pub use self::earlier::{Earlier, files, loaded, newest};
pub use self::editor::write as write_for_editors;
pub use self::exported::{Recipe, recipe};
pub use self::hints::{Replaced, TABLE as REPLACED_NAMES, Table as ReplacedNames};
pub use self::own::ours;
use super::build_error::{BuildError, BuildResult};
use super::cache;
use super::linux::{self, Kernel};
use super::lock::{Lock, Mode};
use super::progress::Progress;
use hints::Hints;
use resolve::resolve;
pub(crate) use sources::is_source;
use stage::Stage;
pub(crate) use tools::DEBUG_INFO;
use work::Work;

/// Builds the modules of `folder`, which has a Kbuild file, for `kernel`. Only
/// what changed is built again; nothing is written to `folder`. Returns the .ko
/// files.
///
/// # Errors
/// `folder` can't be built, one of its modules does not compile, or the caller
/// asked to stop.
pub fn build(
    kernel: &Kernel,
    folder: &Path,
    progress: &mut dyn Progress,
) -> BuildResult<Vec<PathBuf>> {
    let mut built = build_all(kernel, &[folder.to_owned()], progress)?;
    let built = built.pop().unwrap_or_default();
    if built.failed.is_empty() {
        return Ok(built.modules);
    }
    Err(BuildError::Modules {
        folder: folder.to_owned(),
        failed: built.failed.into_iter().map(|failed| (failed.module, failed.why)).collect(),
    })
}

/// Builds several folders, which see each other's symbols. A module that can't
/// be built takes no other with it.
///
/// # Errors
/// A folder can't be built at all, or the caller asked to stop.
pub fn build_all(
    kernel: &Kernel,
    folders: &[PathBuf],
    progress: &mut dyn Progress,
) -> BuildResult<Vec<Built>> {
    let root = cache::root()?;
    let mut works: Vec<Work> = Vec::new();
    for folder in folders {
        let work = Work::new(&root, kernel, folder)?;
        if !works.iter().any(|other| other.folder == work.folder) {
            works.push(work);
        }
    }
    if works.iter().all(|work| work.done.is_some()) {
        return works.into_iter().map(|work| work.finish(kernel, progress)).collect();
    }
    let rust = works.iter().any(|work| work.sources.have("rs"));
    let kernel = &linux::ensure_sound(kernel, rust, progress)?;
    let reading = linux::lock(&root, kernel.flavour, Mode::Shared, progress)?;
    let progress: &mut dyn Progress = &mut reading.over(progress);
    // In the order of their paths, so that two builds never wait for each other.
    let mut paths: Vec<_> = works.iter().map(|work| (&work.output, &work.folder)).collect();
    paths.sort();
    let mut locks = Vec::new();
    for (output, folder) in paths {
        let what = format!("building {}", folder.display());
        locks.push(Lock::take(&output.with_extension("lock"), Mode::Exclusive, &what, progress)?);
    }
    let progress: &mut dyn Progress = &mut Lock::all_over(&locks, progress);
    let hints = Hints::new(&kernel.source_dir);
    for work in &mut works {
        work.build(kernel, &hints, progress)?;
    }
    resolve(&root, kernel, &mut works, &hints, progress)?;
    let built: BuildResult<Vec<Built>> =
        works.into_iter().map(|work| work.finish(kernel, progress)).collect();
    for module in built.iter().flatten().flat_map(|built| &built.modules) {
        if let Err(error) = kept::keep(&root, &kernel.release, module) {
            tracing::warn!("keep a copy of {}: {error}", module.display());
        }
    }
    // Guests that run find there what was built meanwhile; a build is none the
    // worse without.
    let (build, source) = (&kernel.build_dir, &kernel.source_dir);
    if let Err(error) = installed::refresh(&root, &kernel.release, build, source) {
        tracing::warn!("/lib/modules: {error}");
    }
    built
}

/// The stage of a folder that was built.
fn staged(kernel: &Kernel, folder: &Path) -> BuildResult<Stage> {
    let root = cache::root()?;
    let work = Work::new(&root, kernel, folder)?;
    work.sources.stage(&work.output)
}
