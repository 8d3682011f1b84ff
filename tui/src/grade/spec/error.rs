// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is wrong with a description, and where.

use std::ops::Range;
use std::path::Path;

/// What is wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The file can't be read.
    #[error("{0}")]
    File(String),
    /// Something in it makes no sense.
    #[error("{path}:{line}:{column}: {message}\n  {shown}")]
    Place {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What was meant.
        message: String,
        /// The line itself.
        shown: String,
    },
}

impl SpecError {
    /// At a place of `text`; without one at its end.
    pub(crate) fn place(
        path: &Path,
        text: &str,
        span: Option<Range<usize>>,
        message: String,
    ) -> Self {
        let at = span.map_or(text.len(), |span| span.start.min(text.len()));
        let before = text.get(..at).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        Self::Place {
            path: path.display().to_string(),
            line: before.matches('\n').count() + 1,
            column: before.get(start..).unwrap_or_default().chars().count() + 1,
            message: message.trim().replace('\n', "; "),
            shown: line.trim().to_owned(),
        }
    }
}
