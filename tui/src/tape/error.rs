// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a recording can't be written or read.

use std::io;
use std::path::PathBuf;

use crate::kernel::error::io_text;

/// Why a recording can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// There is a file of that name.
    #[error("{} exists already and is not overwritten; choose another name", .0.display())]
    Exists(PathBuf),
    /// It could not be begun: there is no such file.
    #[error("begin the recording {}: {}", .path.display(), io_text(source))]
    Begin {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be written any more.
    #[error("write the recording {}: {}; what was written before is valid", .path.display(), io_text(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More came than could be written.
    #[error(
        "the recording {} ends here: its disk took less than there was to write; what was written \
         before is valid",
        .0.display()
    )]
    Slow(PathBuf),
    /// The file can't be read at all.
    #[error("{0}")]
    File(String),
    /// It is something else.
    #[error("this is no recording: it does not begin with RINGSIDE")]
    Other,
    /// It is of a version that this program does not know.
    #[error(
        "this recording has version {0} of the format, and this program reads version {known}; \
         a newer ringside reads it",
        known = super::segment::VERSION
    )]
    Version(u16),
    /// It is damaged at this place.
    #[error("damaged at byte {at}: {why}")]
    Damaged {
        /// Bytes from the beginning of the file.
        at: usize,
        /// What is wrong.
        why: String,
    },
}
