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
//! own/              a copy of the modules that travel with the program
//! ringside.log      what was met with and has no place on the screen
//! ```
//!
//! A thing is made under a temporary name and renamed when it is whole, or has a
//! stamp that is written last: what was interrupted is never taken for done.

mod space;
pub mod usage;
mod whole;

use std::path::{Path, PathBuf};

pub use self::space::amount;
pub(crate) use self::space::{free, room};
pub(crate) use self::whole::{read_json, temporary_folder, write, write_json};
use super::build_error::{BuildError, BuildResult};
use super::flavour::Flavour;

/// The cache folder: `RINGSIDE_CACHE`, else `$XDG_CACHE_HOME/ringside`, else
/// `~/.cache/ringside`. Not made here.
///
/// # Errors
/// None of the three variables is set to an absolute path.
pub fn root() -> BuildResult<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
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

/// Where kernel archives lie as they were published.
pub(crate) fn downloads(root: &Path) -> PathBuf {
    root.join("downloads")
}

/// Where kernel trees lie.
pub(crate) fn sources(root: &Path) -> PathBuf {
    root.join("sources")
}

/// The folder a kernel is built in.
pub(crate) fn build(root: &Path, flavour: Flavour) -> PathBuf {
    root.join("build").join(flavour.name())
}

/// Where the programs lie that no package provides.
pub(crate) fn tools(root: &Path) -> PathBuf {
    root.join("tools")
}

/// Where modules are built.
pub(crate) fn modules(root: &Path) -> PathBuf {
    root.join("modules")
}
