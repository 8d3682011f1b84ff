// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files of Ringside's own modules, and of a folder's, built for the kernel
//! that they are for.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::kernel::Target;
use crate::kernel::api::{Item, LabRequest, Request};
use crate::kernel::call::ask;
use crate::lab::build_error::BuildError;
use crate::lab::flavour::Flavour;
use crate::lab::linux::Kernel;
use crate::lab::progress::Progress;
use crate::lab::{linux, modules};

/// The .ko file of our module `name` for the kernel of `target`, built first if
/// its sources, or the kernel, have changed. `progress` hears what the compiler
/// says; whoever does not show it gets its last words with the error, by
/// `words` (see [`BuildError::without_last_words`]).
///
/// # Errors
/// There is no such module, it does not compile, or `target` is no lab, so that
/// nobody here knows its kernel.
pub fn file(
    name: &str,
    target: &dyn Target,
    progress: &mut dyn Progress,
    words: fn(BuildError) -> BuildError,
) -> Result<PathBuf, Failure> {
    known(name)?;
    let kernel = kernel(&format!("module {name}"), target, progress, words)?;
    let files = modules::build(&kernel, &modules::ours()?, progress).map_err(words)?;
    one_of(files, name)
}

/// The file of the module `name` among those that were built.
///
/// # Errors
/// It is not there.
pub fn one_of(files: Vec<PathBuf>, name: &str) -> Result<PathBuf, Failure> {
    files
        .into_iter()
        .find(|file| file.file_stem().is_some_and(|stem| stem == name))
        .ok_or_else(|| Failure::new(format!("the build made no {name}.ko")))
}

/// All of ours for the kernel of this flavour.
///
/// # Errors
/// They do not compile.
pub fn all(
    flavour: Flavour,
    progress: &mut dyn Progress,
    words: fn(BuildError) -> BuildError,
) -> Result<Vec<PathBuf>, Failure> {
    let kernel = linux::ensure(flavour, progress).map_err(words)?;
    Ok(modules::build(&kernel, &modules::ours()?, progress).map_err(words)?)
}

/// Makes sure that Ringside has such a module.
fn known(name: &str) -> Result<(), Failure> {
    if ringside_uapi::module(name).is_none() {
        let known: Vec<_> = ringside_uapi::MODULES.iter().map(|module| module.name).collect();
        return Err(Failure::new(format!("Ringside has no module {name}")).with_help(format!(
            "it has {}; load any other by the path of its folder or file: ringside load ./{name}.ko",
            known.join(", ")
        )));
    }
    Ok(())
}

/// The .ko files that a folder with a Kbuild file makes for the kernel of `target`.
///
/// # Errors
/// As [`file`], or the folder names no module.
pub fn folder(
    folder: &Path,
    target: &dyn Target,
    progress: &mut dyn Progress,
    words: fn(BuildError) -> BuildError,
) -> Result<Vec<PathBuf>, Failure> {
    let kernel = kernel(&folder.display().to_string(), target, progress, words)?;
    Ok(modules::build(&kernel, folder, progress).map_err(words)?)
}

/// The kernel of `target`, which `what` is to be built for.
fn kernel(
    what: &str,
    target: &dyn Target,
    progress: &mut dyn Progress,
    words: fn(BuildError) -> BuildError,
) -> Result<Kernel, Failure> {
    let Some(flavour) = flavour(target) else {
        return Err(Failure::new(format!(
            "{what} can't be built for this kernel, which is not a lab's"
        ))
        .with_help("build it there with `make`, and load it by the path of its .ko file"));
    };
    Ok(linux::ensure(flavour, progress).map_err(words)?)
}

/// The flavour of the kernel, if `target` is a lab.
fn flavour(target: &dyn Target) -> Option<Flavour> {
    let items = ask(target, Request::Lab(LabRequest::Status), &[]).ok()?;
    items.into_iter().find_map(|item| match item {
        Item::Lab(status) => status.flavour.parse().ok(),
        _ => None,
    })
}
