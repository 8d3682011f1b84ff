// SPDX-License-Identifier: MIT OR Apache-2.0
//! The user's cache folder: where everything lies that the lab makes.
//!
//! ```text
//! downloads/        kernel archives as they were published
//! sources/<key>/    unpacked and patched kernel trees
//! build/<flavour>/  one incremental kernel build each
//! kernels/          a stamp for each kernel that is whole
//! modules/          what modules are built into, one folder for each source and kernel
//! tools/            programs that no package provides (bindgen)
//! ```
//!
//! A thing is made under a temporary name and renamed when it is whole, or has a
//! stamp that is written last: what was interrupted is never taken for done.

use std::path::PathBuf;

use super::build_error::{BuildError, BuildResult};

/// The cache folder: `RINGSIDE_CACHE`, else `$XDG_CACHE_HOME/ringside`, else
/// `~/.cache/ringside`. Not made here.
///
/// # Errors
/// None of the three variables is set to an absolute path.
pub fn root() -> BuildResult<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("RINGSIDE_CACHE")
        .or_else(|| Some(absolute("XDG_CACHE_HOME")?.join("ringside")))
        .or_else(|| Some(absolute("HOME")?.join(".cache/ringside")))
        .ok_or_else(|| BuildError::Io {
            doing: "find the cache folder".into(),
            source: std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "neither RINGSIDE_CACHE, XDG_CACHE_HOME nor HOME is set to an absolute path",
            ),
        })
}
