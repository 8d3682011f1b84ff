// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files of Ringside's own modules, built for the kernel that they are for.

use std::path::PathBuf;

use super::Failure;
use crate::kernel::Target;
use crate::kernel::api::{Item, LabRequest, Request};
use crate::kernel::call::ask;
use crate::lab::build_error::BuildError;
use crate::lab::flavour::Flavour;
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
    if ringside_uapi::module(name).is_none() {
        let known: Vec<_> = ringside_uapi::MODULES.iter().map(|module| module.name).collect();
        return Err(Failure::new(format!("Ringside has no module {name}")).with_help(format!(
            "it has {}; load any other by the path of its file: ringside load ./{name}.ko",
            known.join(", ")
        )));
    }
    let Some(flavour) = flavour(target) else {
        return Err(Failure::new(format!(
            "module {name} can't be built for this kernel, which is not a lab's"
        ))
        .with_help(
            "build it there with `make -C modules KDIR=…`, and load it by the path of its .ko file",
        ));
    };
    let kernel = linux::ensure(flavour, progress).map_err(words)?;
    let files = modules::build(&kernel, &modules::ours()?, progress).map_err(words)?;
    files
        .into_iter()
        .find(|file| file.file_stem().is_some_and(|stem| stem == name))
        .ok_or_else(|| Failure::new(format!("the build made no {name}.ko")))
}

/// The flavour of the kernel, if `target` is a lab.
fn flavour(target: &dyn Target) -> Option<Flavour> {
    let items = ask(target, Request::Lab(LabRequest::Status), &[]).ok()?;
    items.into_iter().find_map(|item| match item {
        Item::Lab(status) => status.flavour.parse().ok(),
        _ => None,
    })
}
