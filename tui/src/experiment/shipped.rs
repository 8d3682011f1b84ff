// SPDX-License-Identifier: MIT OR Apache-2.0
//! The experiments that come with the program, in the order in which they teach.

use std::path::Path;

use super::read::Script;
use crate::embedded::{EXPERIMENT_MODULES, EXPERIMENTS};
use crate::grade::spec::SpecError;

/// Their names, in the order in which they teach: the files' own, without the number
/// in front of them.
pub fn names() -> impl Iterator<Item = &'static str> {
    EXPERIMENTS.iter().map(|(file, _)| name(file))
}

/// `1-fill-the-ring.toml` is `fill-the-ring`.
fn name(file: &'static str) -> &'static str {
    let name = file.strip_suffix(".toml").unwrap_or(file);
    name.split_once('-').map_or(name, |(_, name)| name)
}

/// One of them; `None`: there is none of that name.
///
/// # Errors
/// It makes no sense.
pub fn shipped(wanted: &str) -> Option<Result<Script, SpecError>> {
    let (file, text) = EXPERIMENTS.iter().find(|(file, _)| name(file) == wanted)?;
    Some(Script::parse(wanted, text, Path::new(file)))
}

/// The sources of a module that comes with an experiment: names and texts; `None`:
/// there is none of that name.
pub fn module_files(module: &str) -> Option<Vec<(&'static str, &'static str)>> {
    let files = EXPERIMENT_MODULES.iter().filter_map(|(path, text)| {
        let (folder, file) = path.split_once('/')?;
        (folder == module).then_some((file, *text))
    });
    let files: Vec<_> = files.collect();
    (!files.is_empty()).then_some(files)
}
