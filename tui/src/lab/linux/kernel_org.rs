// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's sources as kernel.org publishes them, for every system that is
//! not a Debian: the newest 7.3 tarball and the SHA-256 from the list beside it.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::build_error::{BuildError, BuildResult};
use super::super::progress::Progress;
use super::download::{self, Remote};
use super::version::SERIES;

/// Where the releases lie.
const RELEASES: &str = "https://cdn.kernel.org/pub/linux/kernel/v7.x";

/// Fetches the newest release of the series into `downloads` and returns its file.
///
/// # Errors
/// The site can't be reached or has no such release, what arrives is damaged,
/// or the caller wants to stop.
pub(crate) fn fetch(downloads: &Path, progress: &mut dyn Progress) -> BuildResult<PathBuf> {
    progress.step("Look up the newest release of Linux 7.3");
    let list = downloads.join("sha256sums.asc");
    drop(fs::remove_file(&list));
    download::plain(&format!("{RELEASES}/sha256sums.asc"), &list, progress)?;
    let text = fs::read_to_string(&list).map_err(BuildError::on("read", &list))?;
    let (sha256, name) = newest(&text).ok_or_else(|| BuildError::Fetch {
        why: format!("{RELEASES} lists no release of {SERIES}"),
        last: Vec::new(),
    })?;
    progress.step(format!("Fetch {name}"));
    let file = downloads.join(&name);
    let remote = Remote { url: format!("{RELEASES}/{name}"), size: None, sha256, proxy: None };
    download::fetch(&remote, &file, progress)?;
    Ok(file)
}

/// Hash and name of the newest tarball of the series in a list of sums.
fn newest(list: &str) -> Option<(String, String)> {
    let stem = format!("linux-{SERIES}");
    list.lines()
        .filter_map(|line| {
            let (hash, name) = line.split_once("  ")?;
            let patch = name.strip_prefix(&stem)?.strip_suffix(".tar.xz")?;
            // linux-7.3.tar.xz is the first, linux-7.3.10.tar.xz the eleventh.
            let number: u32 = match patch.strip_prefix('.') {
                Some(number) => number.parse().ok()?,
                None if patch.is_empty() => 0,
                None => return None,
            };
            let whole = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            whole.then(|| (number, hash.to_owned(), name.to_owned()))
        })
        .max()
        .map(|(_, hash, name)| (hash, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_release_of_the_series_is_chosen() {
        let list = ["7.3", "7.3.9", "7.3.10", "7.30", "7.2.44", "7.3-rc1"]
            .iter()
            .enumerate()
            .map(|(index, version)| format!("{index:064x}  linux-{version}.tar.xz\n"))
            .collect::<String>();
        let (hash, name) =
            newest(&format!("-----BEGIN PGP SIGNED MESSAGE-----\n\n{list}")).unwrap();
        assert_eq!((hash, name.as_str()), (format!("{:064x}", 2), "linux-7.3.10.tar.xz"));
        assert_eq!(newest("0123  linux-7.3.1.tar.xz\n"), None);
    }
}
