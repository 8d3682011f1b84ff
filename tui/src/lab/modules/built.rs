// SPDX-License-Identifier: MIT OR Apache-2.0
//! What comes of a build.

use std::path::PathBuf;

use serde::Serialize;

use crate::lab::paths::{all_lossy, lossy};

/// What became of one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Built {
    #[serde(serialize_with = "lossy")]
    pub folder: PathBuf,
    /// The .ko files that were made.
    #[serde(serialize_with = "all_lossy")]
    pub modules: Vec<PathBuf>,
    /// The modules that were not.
    pub failed: Vec<Failed>,
    /// What is worth knowing beside: a flag that was dropped, whose symbol is used.
    pub notes: Vec<String>,
}

/// A module that could not be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Its name.
    pub module: String,
    /// Why: the first line says it, the others show it.
    pub why: Vec<String>,
}

impl Failed {
    /// What helps with the first line, where something is known.
    pub fn hint(&self) -> Option<&str> {
        let about_it = self.why.iter().skip(1).take_while(|line| !line.contains("error: "));
        about_it.map(|line| line.trim()).find(|line| line.starts_with("hint: "))
    }
}
