// SPDX-License-Identifier: MIT OR Apache-2.0
//! Is it a folder of modules, and where are they built?

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::kbuild;
use crate::lab::build_error::{BuildError, BuildResult};
use crate::lab::cache;
use crate::lab::linux::Kernel;

/// How many folders below one, or sources in one, are named.
const NAMED_MAX: usize = 4;
/// How deep below a folder others are looked for, and how many of each are looked at: it
/// may be anybody's home.
const DEPTH_MAX: usize = 2;
const FOLDERS_MAX: usize = 64;

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
            "its Kbuild file or Makefile names no module (`obj-m += …`){}{}",
            sources_of_modules(folder),
            folders_below(folder)
        ),
    }
}

/// Words about the sources in `folder` that look like modules.
fn sources_of_modules(folder: &Path) -> String {
    let is_module = |path: &PathBuf| {
        let sign = match path.extension().and_then(|end| end.to_str()) {
            Some("c") => "MODULE_LICENSE",
            Some("rs") => "module!",
            _ => return false,
        };
        // A FIFO would be waited for.
        path.is_file()
            && fs::read(path).is_ok_and(|text| String::from_utf8_lossy(&text).contains(sign))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.map(|entry| entry.path()).filter(is_module);
    let mut names: Vec<PathBuf> = found.filter_map(|path| Some(path.file_name()?.into())).collect();
    names.sort();
    let Some(first) = names.first() else { return String::new() };
    let more = if names.len() > NAMED_MAX { " …" } else { "" };
    let objects = names.iter().take(NAMED_MAX).map(|name| name.with_extension("o"));
    let objects: Vec<_> = objects.map(|object| object.display().to_string()).collect();
    format!(
        "; {} looks like one, so a line for it would be `obj-m += {}{more}`",
        first.display(),
        objects.join(" ")
    )
}

/// Words about the source of the object `stem`, where it lies deeper in `folder` than its
/// makefile says.
pub(super) fn source_below(folder: &Path, stem: &str) -> String {
    let Some(source) = find_source(folder, stem, 0) else { return String::new() };
    let place = source.parent().unwrap_or(folder);
    if names_modules(place) {
        return format!("; it lies in a folder of modules: ringside build {}", place.display());
    }
    let below = source.strip_prefix(folder).unwrap_or(&source);
    let object = below.with_extension("o");
    format!("; {} is there: `{stem}-y := {}` names it", below.display(), object.display())
}

fn find_source(folder: &Path, stem: &str, depth: usize) -> Option<PathBuf> {
    let here = ["c", "rs", "S"].map(|end| folder.join(format!("{stem}.{end}")));
    if let Some(source) = here.into_iter().find(|path| path.is_file()) {
        return Some(source);
    }
    if depth > DEPTH_MAX {
        return None;
    }
    folders_in(folder).find_map(|path| find_source(&path, stem, depth + 1))
}

/// Words about the folders below `folder` whose makefiles name modules.
fn folders_below(folder: &Path) -> String {
    let mut found = Vec::new();
    find_folders(folder, 0, &mut found);
    found.sort();
    if found.is_empty() {
        return String::new();
    }
    let named: Vec<_> =
        found.iter().take(NAMED_MAX).map(|path| path.display().to_string()).collect();
    let more = if found.len() > NAMED_MAX { " …" } else { "" };
    format!("; folders below it do: ringside build {}{more}", named.join(" "))
}

/// Adds the folders below `folder` whose makefiles name modules; what lies in such a
/// folder is its own matter.
fn find_folders(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for path in folders_in(folder) {
        if names_modules(&path) {
            found.push(path);
        } else if depth < DEPTH_MAX {
            find_folders(&path, depth + 1, found);
        }
    }
}

fn folders_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).take(FOLDERS_MAX)
}

fn names_modules(folder: &Path) -> bool {
    let text = kbuild::file(folder).and_then(|file| fs::read_to_string(file).ok());
    text.is_some_and(|text| text.contains("obj-m"))
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
    fn a_folder_of_folders_says_which_of_them_have_modules_and_which_sources_look_like_one() {
        let top = tempfile::tempdir().unwrap();
        let deep = top.path().join("ch5/timer");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(top.path().join("include")).unwrap();
        fs::write(deep.join("Makefile"), "obj-m += timer.o\n").unwrap();
        let words = folders_below(top.path());
        assert_eq!(words, format!("; folders below it do: ringside build {}", deep.display()));
        fs::write(top.path().join("b.c"), "MODULE_LICENSE(\"GPL\");").unwrap();
        fs::write(top.path().join("a.c"), "MODULE_LICENSE(\"GPL\");").unwrap();
        fs::write(top.path().join("test.c"), "int main(void) { return 0; }").unwrap();
        assert!(names_no_module(top.path()).to_string().contains("`obj-m += a.o b.o`"));
        assert_eq!(folders_below(&deep), "");
    }

    #[test]
    fn a_source_that_lies_deeper_than_its_line_says_is_found() {
        let top = tempfile::tempdir().unwrap();
        let deep = top.path().join("src");
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(source_below(top.path(), "timer"), "");
        fs::write(deep.join("timer.c"), "").unwrap();
        let words = source_below(top.path(), "timer");
        assert_eq!(words, "; src/timer.c is there: `timer-y := src/timer.o` names it");
        fs::write(deep.join("Makefile"), "obj-m += timer.o\n").unwrap();
        let words = source_below(top.path(), "timer");
        assert!(words.ends_with(&format!("ringside build {}", deep.display())), "{words}");
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
