// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading an experiment.

use std::path::Path;
use std::sync::Arc;

use super::check::check;
use super::spec::Experiment;
use crate::grade::spec::SpecError;
use crate::plain_file;

/// A larger file is no experiment.
const FILE_MAX: u64 = 1 << 20;

/// An experiment that was read.
#[derive(Clone, Debug)]
pub struct Script {
    /// What its progress is kept by: its name, or the full path of its file.
    pub id: String,
    /// The text that it was read from.
    pub text: Arc<str>,
    /// What it says.
    pub experiment: Arc<Experiment>,
}

impl Script {
    /// Reads the file.
    ///
    /// # Errors
    /// It can't be read or makes no sense: with line and column.
    pub fn read(path: &Path) -> Result<Self, SpecError> {
        let bytes =
            plain_file::read(path, FILE_MAX).map_err(|error| SpecError::File(error.to_string()))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| SpecError::File(format!("{}: it is not UTF-8", path.display())))?;
        let full = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Self::parse(&full.to_string_lossy(), &text, path)
    }

    /// Reads the text of the file `path`.
    ///
    /// # Errors
    /// It makes no sense: with line and column.
    pub fn parse(id: &str, text: &str, path: &Path) -> Result<Self, SpecError> {
        let experiment: Experiment = toml::from_str(text).map_err(|error| {
            SpecError::place(path, text, error.span(), error.message().to_owned())
        })?;
        check(&experiment)
            .map_err(|(span, message)| SpecError::place(path, text, Some(span), message))?;
        Ok(Self { id: id.to_owned(), text: text.into(), experiment: Arc::new(experiment) })
    }
}
