// SPDX-License-Identifier: MIT OR Apache-2.0
//! Is it a folder of modules, and where are they built?

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::kbuild;
use crate::lab::build_error::{BuildError, BuildResult};
use crate::lab::cache;
use crate::lab::linux::Kernel;

/// How many folders below one are named.
const NAMED_MAX: usize = 4;

/// Refuses what is no folder, or has no file that Kbuild reads; `source` is the
/// canonical path of `folder`.
///
/// # Errors
/// It is one of these.
pub(super) fn check(folder: &Path, source: &Path) -> BuildResult<()> {
    let wrong = |why: &str| BuildError::Folder { folder: folder.to_owned(), why: why.into() };
    if !source.is_dir() {
        return Err(wrong("it is no folder"));
    }
    if kbuild::file(source).is_some() {
        return Ok(());
    }
    let other = ["makefile", "GNUmakefile"].into_iter().find(|name| source.join(name).exists());
    Err(wrong(&match other {
        Some(name) => format!(
            "Kbuild does not read its {name}, only a file that is called Kbuild or Makefile"
        ),
        None => format!(
            "it has no Kbuild file and no Makefile (a line like `obj-m += my_module.o`){}",
            folders_below(source)
        ),
    }))
}

/// What is wrong with a folder whose makefile names no module.
pub(super) fn names_no_module(folder: &Path) -> BuildError {
    BuildError::Folder {
        folder: folder.to_owned(),
        why: format!(
            "its Kbuild file or Makefile names no module (`obj-m += …`){}",
            folders_below(folder)
        ),
    }
}

/// Words about the folders just below `folder` whose makefiles name modules.
fn folders_below(folder: &Path) -> String {
    let names_modules = |path: &PathBuf| {
        let text = kbuild::file(path).and_then(|file| fs::read_to_string(file).ok());
        text.is_some_and(|text| text.contains("obj-m"))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(names_modules).collect();
    found.sort();
    if found.is_empty() {
        return String::new();
    }
    let named: Vec<_> =
        found.iter().take(NAMED_MAX).map(|path| path.display().to_string()).collect();
    let more = if found.len() > NAMED_MAX { " …" } else { "" };
    format!("; folders below it do: ringside build {}{more}", named.join(" "))
}

/// Where a folder's modules are built for a kernel: a place of its own for
/// each, so that two kernels or two folders never mix. make must be able to
/// work below it, whatever the folder's name is.
pub(super) fn output(root: &Path, kernel: &Kernel, source: &Path) -> PathBuf {
    let digest = Sha256::digest(source.as_os_str().as_encoded_bytes());
    let identity = crate::text::bytes::hex(&digest[..4]);
    let name: String =
        source
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' }
            })
            .collect();
    cache::modules(root).join(&kernel.release).join(format!("{name}-{identity}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::flavour::Flavour;

    fn kernel() -> Kernel {
        Kernel {
            flavour: Flavour::Lab,
            image: "/nowhere".into(),
            vmlinux: "/nowhere".into(),
            release: "7.3.4-ringside-lab-0".into(),
            build_dir: "/nowhere".into(),
            source_dir: "/nowhere".into(),
            make_arguments: Vec::new(),
            hash: "0".into(),
        }
    }

    #[test]
    fn a_folder_that_is_none_or_has_no_kbuild_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| {
            super::super::build(&kernel(), path, &mut |_| {}).unwrap_err().to_string()
        };
        assert!(refused(folder.path()).contains("it has no Kbuild file"));
        assert!(refused(&folder.path().join("x")).contains("No such file"));
    }

    #[test]
    fn two_folders_or_two_kernels_never_share_an_output() {
        let root = Path::new("/c");
        let mut other = kernel();
        other.release = "7.3.4-ringside-lab-1".into();
        let one = output(root, &kernel(), Path::new("/a/modules"));
        assert_ne!(one, output(root, &kernel(), Path::new("/b/modules")));
        assert_ne!(one, output(root, &other, Path::new("/a/modules")));
        assert_eq!(one, output(root, &kernel(), Path::new("/a/modules")));
        let tame = output(root, &kernel(), Path::new("/a/my mod: x"));
        assert!(!tame.to_string_lossy().contains([' ', ':']));
    }
}
