// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files of Ringside's own modules, and of a folder's, built for the kernel
//! that they are for.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::kernel::Target;
use crate::kernel::api::{Item, LabRequest, Request};
use crate::kernel::call::ask;
use crate::kernel::modinfo::is_module_file;
use crate::lab::build_error::BuildError;
use crate::lab::flavour::Flavour;
use crate::lab::linux::Kernel;
use crate::lab::progress::Progress;
use crate::lab::{linux, modules};

/// Makes of a failed build's error what is still to be told.
pub type Words = fn(BuildError) -> BuildError;

/// The .ko file of our module `name` for the kernel of `target`, built first if
/// its sources, or the kernel, have changed. `progress` gets what the compiler
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
    words: Words,
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
    words: Words,
) -> Result<Vec<PathBuf>, Failure> {
    let kernel = linux::ensure(flavour, progress).map_err(words)?;
    Ok(modules::build(&kernel, &modules::ours()?, progress).map_err(words)?)
}

/// Makes sure that Ringside has such a module.
fn known(name: &str) -> Result<(), Failure> {
    match ringside_uapi::module(name) {
        Some(_) => Ok(()),
        None => Err(unknown(name)),
    }
}

/// The error for what is neither ours nor anything that was built.
pub(super) fn unknown(name: &str) -> Failure {
    let ours: Vec<_> = ringside_uapi::MODULES.iter().map(|module| module.name).collect();
    let what = match is_module_file(name) {
        true => format!("there is no file {name} here, and no module of that name was built"),
        false => format!("Ringside has no module {name}, and none of that name was built here"),
    };
    Failure::new(what).with_help(format!(
        "Ringside has {}; load any other by the path of its folder or .ko file: ringside load ./{}",
        ours.join(", "),
        name.trim_end_matches(".ko")
    ))
}

/// The .ko files that a folder with a Kbuild file makes for the kernel of `target`.
///
/// # Errors
/// As [`file`], or the folder names no module.
pub fn folder(
    folder: &Path,
    target: &dyn Target,
    progress: &mut dyn Progress,
    words: Words,
) -> Result<Vec<PathBuf>, Failure> {
    let kernel = kernel(&folder.display().to_string(), target, progress, words)?;
    Ok(modules::build(&kernel, folder, progress).map_err(words)?)
}

/// The kernel of `target`, which `what` is to be built for.
///
/// # Errors
/// `target` is no lab, so that nobody here knows its kernel.
pub fn kernel(
    what: &str,
    target: &dyn Target,
    progress: &mut dyn Progress,
    words: Words,
) -> Result<Kernel, Failure> {
    kernel_of_lab(target, progress, words)?.ok_or_else(|| {
        Failure::new(format!("{what} can't be built for this kernel, which is not a lab's"))
            .with_help("build it there with `make`, and load it by the path of its .ko file")
    })
}

/// The kernel of `target`, if that is a lab's.
pub(super) fn kernel_of_lab(
    target: &dyn Target,
    progress: &mut dyn Progress,
    words: Words,
) -> Result<Option<Kernel>, Failure> {
    let Some(flavour) = flavour(target) else { return Ok(None) };
    Ok(Some(linux::ensure(flavour, progress).map_err(words)?))
}

/// The flavour of the kernel, if `target` is a lab.
fn flavour(target: &dyn Target) -> Option<Flavour> {
    let items = ask(target, Request::Lab(LabRequest::Status), &[]).ok()?;
    items.into_iter().find_map(|item| match item {
        Item::Lab(status) => status.flavour.parse().ok(),
        _ => None,
    })
}
