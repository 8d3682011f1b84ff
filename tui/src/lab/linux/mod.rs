// SPDX-License-Identifier: MIT OR Apache-2.0
//! Linux 7.3 with Rust and the lab's own additions: fetched, verified, patched,
//! configured, built, and kept in the cache.

mod compile;
pub mod config;
mod cut_short;
mod debian;
mod download;
pub mod kconfig;
mod kernel;
mod kernel_org;
pub mod option_check;
pub mod own_options;
mod parts;
mod source;
mod stamp;
pub mod tree;
pub mod version;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::build_error::{BuildError, BuildResult};
use super::cache;
use super::flavour::Flavour;
use super::lock::{Lock, Mode};
use super::progress::{Event, Progress, Stop};
use super::seen::Seen;
use super::setup::tools::{self, Tools};
use compile::Compile;

pub use kernel::Kernel;

pub(crate) use compile::{available_memory, jobs, make, object, telling, without_settings};

/// The kernel of this flavour, built first if need be. When it is built
/// already this touches neither the network nor a compiler.
///
/// # Errors
/// Something is missing, can't be fetched or does not compile, or the caller
/// asked to stop.
pub fn ensure(flavour: Flavour, progress: &mut dyn Progress) -> BuildResult<Kernel> {
    let root = cache::root()?;
    match stamp::read(&root, flavour) {
        Some(kernel) => Ok(kernel),
        None => build(&root, flavour, None, progress),
    }
}

/// The same from a tree or tarball of the user's, which later calls of
/// [`ensure`] then keep to.
///
/// # Errors
/// As [`ensure`]; or the sources are of another version.
pub fn ensure_from(
    flavour: Flavour,
    source: &Path,
    progress: &mut dyn Progress,
) -> BuildResult<Kernel> {
    build(&cache::root()?, flavour, Some(source), progress)
}

/// Fetches and unpacks the sources, if there are none, until `stop` is set. Whatever goes
/// wrong comes up again, and is told, when a kernel is built.
pub(crate) fn fetch_sources(stop: &AtomicBool) {
    /// What nobody sees and somebody else may stop.
    struct Unseen<'a>(&'a AtomicBool);
    impl Progress for Unseen<'_> {
        fn report(&mut self, _: Event) {}
        fn stop(&self) -> Stop {
            if self.0.load(Ordering::Relaxed) { Stop::AtOnce } else { Stop::No }
        }
    }
    let fetched = cache::root().and_then(|root| source::ensure(&root, None, &mut Unseen(stop)));
    if let Err(error) = fetched {
        tracing::info!("the sources are not there yet: {error}");
    }
}

/// The kernel of this flavour if it is built already: reads one small file.
pub fn built(flavour: Flavour) -> Option<Kernel> {
    stamp::read(&cache::place().ok()?, flavour)
}

/// Is the kernel's file with all symbols damaged? It is built again then by
/// whatever next needs the kernel.
pub(crate) fn lost_symbols(kernel: &Kernel) -> bool {
    cache::place().is_ok_and(|root| stamp::damaged(&root, kernel.flavour, &kernel.vmlinux))
}

/// The kernel itself where everything that modules are built with, `rust` ones too, is
/// as it was made; built again, else.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn ensure_sound(
    kernel: &Kernel,
    rust: bool,
    progress: &mut dyn Progress,
) -> BuildResult<Kernel> {
    let root = cache::root()?;
    // Only what is in the cache is known.
    match kernel.build_dir == cache::build(&root, kernel.flavour)
        && stamp::modules_damaged(&root, kernel.flavour, rust)
    {
        true => ensure(kernel.flavour, progress),
        false => Ok(kernel.clone()),
    }
}

/// The lock of a build folder: who builds the kernel has it for itself, who
/// builds modules against it shares it.
pub(crate) fn lock(
    root: &Path,
    flavour: Flavour,
    mode: Mode,
    progress: &mut dyn Progress,
) -> BuildResult<Lock> {
    let what = format!("building the {flavour} kernel or modules for it");
    Lock::take(&cache::build(root, flavour).with_extension("lock"), mode, &what, progress)
}

fn build(
    root: &Path,
    flavour: Flavour,
    given: Option<&Path>,
    progress: &mut dyn Progress,
) -> BuildResult<Kernel> {
    // Kbuild's makefiles can't work with such a path.
    if root.to_str().is_none_or(|path| path.contains([' ', ':'])) {
        return Err(BuildError::Folder {
            folder: root.to_owned(),
            why:
                "the kernel's makefiles can't work below a path with spaces, colons or bytes that \
                  are not UTF-8; \
                  set RINGSIDE_CACHE to another folder"
                    .into(),
        });
    }
    tools::tools(flavour).map_err(BuildError::Missing)?;
    let lock = lock(root, flavour, Mode::Exclusive, progress)?;
    let progress: &mut dyn Progress = &mut lock.over(progress);
    // Another process may have built it while this one waited.
    if let (None, Some(kernel)) = (given, stamp::read(root, flavour)) {
        return Ok(kernel);
    }
    if let Some(damaged) = stamp::mend(root, flavour)? {
        progress.note(format!("{} was damaged; all is built again", damaged.display()));
    }
    // One of them may have been damaged, and be gone now.
    let tools = tools::tools(flavour).map_err(BuildError::Missing)?;
    let tree = source::ensure_sound(root, given, progress)?;
    if let Some(kernel) = stamp::read(root, flavour) {
        return Ok(kernel);
    }
    let version = tree.state().map(|state| state.version).unwrap_or_default();
    let hash = hash(flavour, &tree.key, &tools);
    let build_dir = cache::build(root, flavour);
    cache::room(root, room(flavour, &build_dir))?;
    stamp::remove(root, flavour);
    if let Some(told) = cut_short::mend(&build_dir)? {
        progress.note(told.to_owned());
    }
    let compile = Compile {
        flavour,
        tree: &tree,
        build_dir: &build_dir,
        tools: &tools,
        log: &build_dir.with_extension("log"),
        local_version: &format!("-ringside-{flavour}-{hash}"),
    };
    cut_short::during(&build_dir, || {
        compile.configure(progress)?;
        compile.compile(&format!("Compile Linux {version} ({flavour})"), progress)
    })?;
    let kernel = Kernel {
        flavour,
        image: build_dir.join("arch/x86/boot/bzImage"),
        vmlinux: build_dir.join("vmlinux"),
        release: compile::release(&build_dir)?,
        source_dir: tree.folder.clone(),
        make_arguments: tools.make_arguments(),
        hash,
        build_dir,
    };
    stamp::write(root, &kernel, &tree.key, &tools.files())?;
    progress.report(Event::Done);
    stamp::read(root, flavour).ok_or_else(|| BuildError::Folder {
        folder: kernel.build_dir,
        why: "the build made no bzImage, vmlinux or Module.symvers".into(),
    })
}

/// Identifies everything that a kernel is made from, in eight digits: it ends
/// up in every module's version, so that one of another kernel is refused.
fn hash(flavour: Flavour, source: &str, tools: &Tools) -> String {
    let mut hash = Sha256::new();
    hash.update(stamp::inputs(flavour));
    hash.update(source);
    for file in tools.files() {
        let seen = Seen::now(&file);
        hash.update(serde_json::to_string(&seen).unwrap_or_default());
    }
    crate::text::bytes::hex(&hash.finalize()[..4])
}

/// What a kernel of this flavour still needs of the disk, its sources
/// included, in bytes.
pub(crate) fn room_needed(root: &Path, flavour: Flavour) -> u64 {
    if stamp::read(root, flavour).is_some() {
        return 0;
    }
    let sources = if source::chosen(root).is_some() { 0 } else { source::ROOM };
    sources + room(flavour, &cache::build(root, flavour))
}

/// What a build still needs of the disk, in bytes.
fn room(flavour: Flavour, build_dir: &Path) -> u64 {
    let all = match flavour {
        Flavour::Lab => 600_000_000,
        Flavour::Debug => 2_000_000_000,
    };
    // One that was begun has taken most of it already.
    if build_dir.join("ringside.begun").exists() { all / 4 } else { all }
}
