// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside new`: a module to begin with.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde::Serialize;

use super::output::say;
use super::{Failure, Outcome};
use crate::lab::new::{Language, NewError, make};
use crate::lab::paths::lossy;

/// Make a new module: a folder with one source file that builds and loads
///
///     ringside new pulse                   in Rust
///     ringside new pulse --c               in C
///     ringside load pulse/ interval_ms=100
///     ringside counters pulse --watch
///
/// The module has a parameter, counters, a control and a unit test, and comments
/// that explain each. The one in Rust stands on the kernel's own crate and on
/// version 1 of Ringside's support code, which `ringside build` brings along:
/// what version 1 has stays as it is, so the module goes on building.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct New {
    /// The folder to make; its last part is the module's name
    #[arg(value_name = "NAME", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
    /// In C, not in Rust
    #[arg(long)]
    c: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Made<'a> {
    module: &'a str,
    #[serde(serialize_with = "lossy")]
    folder: &'a Path,
    #[serde(serialize_with = "lossy")]
    source: &'a Path,
}

impl New {
    /// Makes it, and says what can be done with it.
    pub fn run(&self) -> Outcome {
        let language = if self.c { Language::C } else { Language::Rust };
        let made = make(&self.folder, language)?;
        let folder = made.folder.display().to_string();
        let quoted = shlex::try_quote(&folder).map_or(folder.clone(), |quoted| quoted.into_owned());
        let text = format!(
            "{} is the module {}; next:\n  \
             ringside load {quoted}/\n  \
             ringside counters {}",
            made.source.display(),
            made.name,
            made.name,
        );
        let value = Made { module: &made.name, folder: &made.folder, source: &made.source };
        say(self.json, &text, &value)?;
        Ok(0)
    }
}

impl From<NewError> for Failure {
    fn from(error: NewError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            NewError::Name { .. } => failure.with_status(super::error::USAGE),
            NewError::Exists { .. } => failure.with_help("choose another name, or remove it first"),
            NewError::Io { .. } => failure,
        }
    }
}
