// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a description.

use std::path::Path;

use super::check::check;
use super::error::SpecError;
use super::model::Spec;
use crate::plain_file;

/// A larger file is no description.
const FILE_MAX: u64 = 1 << 20;

impl Spec {
    /// Reads the file.
    ///
    /// # Errors
    /// It can't be read or makes no sense: with line and column.
    pub fn read(path: &Path) -> Result<Self, SpecError> {
        let bytes =
            plain_file::read(path, FILE_MAX).map_err(|error| SpecError::File(error.to_string()))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| SpecError::File(format!("{}: it is not UTF-8", path.display())))?;
        let mut spec = Self::parse(&text, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        spec.folder = folder.unwrap_or(Path::new(".")).to_owned();
        Ok(spec)
    }

    /// Reads the text of the file `path`.
    ///
    /// # Errors
    /// It makes no sense: with line and column.
    pub fn parse(text: &str, path: &Path) -> Result<Self, SpecError> {
        let spec: Self = toml::from_str(text).map_err(|error| {
            SpecError::place(path, text, error.span(), error.message().to_owned())
        })?;
        check(&spec)
            .map_err(|(span, message)| SpecError::place(path, text, Some(span), message))?;
        Ok(spec)
    }
}
