// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stage: a copy of a folder's sources in the cache, where Kbuild works.
//!
//! Kbuild leaves files beside the sources and takes what an earlier `make` left
//! there for its own, so it never sees the folder itself. The stage holds the
//! sources and nothing else, below a path without spaces or colons; what they
//! reach by `../` is staged beside them. A file is written again only when its
//! content changed, so make's own idea of what is new stays right, also after
//! an older version of a source was put back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use serde::{Deserialize, Serialize};

use super::super::paths::exact;
use super::super::seen::Seen;
use super::sources::Sources;

/// The folder of the stage that holds the sources; the objects, too.
const TREE: &str = "tree";
/// The list of what was staged, to remove what is no longer there.
const MANIFEST: &str = "staged.json";
/// Larger files are linked and not copied: no source is.
const COPY_MAX: u64 = 4 << 20;

/// What was staged the last time.
#[derive(Default, Serialize, Deserialize)]
struct Manifest {
    /// What the tree is a copy of.
    #[serde(with = "exact")]
    top: PathBuf,
    /// The files below it.
    files: BTreeSet<PathBuf>,
}

/// A staged folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// The folder whose modules are built, canonical.
    pub(crate) folder: PathBuf,
    /// Its copy: what make gets as `M=`.
    pub(crate) copy: PathBuf,
    /// The top of the copied tree, above `copy` where sources reach out of the folder.
    tree: PathBuf,
    /// What `tree` is a copy of.
    top: PathBuf,
    /// Every source as it was when it was staged, in the order of the paths.
    pub(crate) sources: Vec<Seen>,
}

impl Sources {
    /// Copies the sources into the stage below `output`.
    ///
    /// # Errors
    /// Something can't be read or written.
    pub(crate) fn stage(&self, output: &Path) -> BuildResult<Stage> {
        let sources = self.seen();
        let top = self.top();
        let tree = output.join(TREE);
        let manifest = output.join(MANIFEST);
        let before: Manifest = cache::read_json(&manifest).unwrap_or_default();
        if before.top != top && tree.exists() {
            // Everything lies elsewhere now: objects of the old place don't fit.
            fs::remove_dir_all(&tree).map_err(BuildError::on("remove", &tree))?;
        }
        let mut staged = BTreeSet::new();
        for (path, real) in &self.files {
            let Ok(below) = path.strip_prefix(&top) else { continue };
            let below = plain(below);
            copy(real, &tree.join(&below))?;
            staged.insert(below);
        }
        for gone in before.files.difference(&staged) {
            remove_with_objects(&tree.join(gone))?;
        }
        cache::write_json(&manifest, &Manifest { top: top.clone(), files: staged })?;
        let below = self.folder.strip_prefix(&top).unwrap_or(Path::new(""));
        let copy = tree.join(plain(below));
        fs::create_dir_all(&copy).map_err(BuildError::on("make", &copy))?;
        Ok(Stage { folder: self.folder.clone(), copy, tree, top, sources })
    }
}

impl Stage {
    /// Removes what was staged below `output`, and all that was made of it.
    ///
    /// # Errors
    /// It can't be removed.
    pub(crate) fn clear(output: &Path) -> BuildResult<()> {
        remove(&output.join(TREE))
    }

    /// The top of all that is staged.
    pub(crate) fn tree(&self) -> &Path {
        &self.tree
    }

    /// A line of a compiler's output with the paths that the user knows.
    pub(crate) fn in_users_words(&self, line: &str) -> String {
        let tree = self.tree.to_string_lossy();
        if !line.contains(&*tree) {
            return line.to_owned();
        }
        let top = self.top.to_string_lossy();
        let folder = self.folder.strip_prefix(&self.top).unwrap_or(Path::new(""));
        let copied = format!("{tree}/{}", plain(folder).display());
        line.replace(copied.trim_end_matches('/'), &self.folder.to_string_lossy())
            .replace(&*tree, &top)
    }

    /// The options that have the compilers write the user's paths into debug
    /// information and messages: C's, then Rust's.
    pub(crate) fn path_options(&self) -> [String; 2] {
        let (from, to) = (self.copy.display().to_string(), self.folder.display().to_string());
        if to.contains([' ', '\'', '"', '$', '#', '\\', ',']) {
            return [String::new(), String::new()];
        }
        // gcc keeps folders apart from files in its debug information.
        let folders = format!("-fdebug-prefix-map={}={}", self.tree.display(), self.top.display());
        [
            format!("-ffile-prefix-map={from}/={to}/ {folders}"),
            format!("--remap-path-prefix={from}={to}"),
        ]
    }
}

/// A path that make can work with.
fn plain(path: &Path) -> PathBuf {
    let tame = |part: Component<'_>| -> String {
        let text = part.as_os_str().to_string_lossy();
        text.chars()
            .map(|character| match character {
                ' ' | ':' | '\'' | '"' | '$' | '#' | '\\' | '\t' | '\n' | '%' | ';' | ',' | '='
                | '&' | '(' | ')' | '*' | '?' | '[' | ']' | '|' | '<' | '>' | '~' | '`' => '_',
                other => other,
            })
            .collect()
    };
    path.components().map(tame).collect()
}

/// Puts a source in its place, unless the same is there.
fn copy(from: &Path, to: &Path) -> BuildResult<()> {
    let size = fs::metadata(from).map_err(BuildError::on("open", from))?.len();
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(BuildError::on("make", parent))?;
    }
    if size > COPY_MAX {
        if fs::read_link(to).is_ok_and(|target| target == from) {
            return Ok(());
        }
        remove(to)?;
        return std::os::unix::fs::symlink(from, to).map_err(BuildError::on("make", to));
    }
    let content = fs::read(from).map_err(BuildError::on("read", from))?;
    let is_link = fs::symlink_metadata(to).is_ok_and(|data| data.is_symlink());
    if !is_link && fs::read(to).is_ok_and(|there| there == content) {
        return Ok(());
    }
    remove(to)?;
    fs::write(to, content).map_err(BuildError::on("write", to))?;
    // A script that a Makefile runs must be one here, too.
    let mode = fs::metadata(from).map_err(BuildError::on("open", from))?.permissions();
    fs::set_permissions(to, mode).map_err(BuildError::on("write", to))
}

fn remove(path: &Path) -> BuildResult<()> {
    match fs::symlink_metadata(path) {
        Ok(data) if data.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
    .map_err(BuildError::on("remove", path))
}

/// Removes a source that is gone, and what was made of it: make would take the
/// object for one that needs no source.
fn remove_with_objects(path: &Path) -> BuildResult<()> {
    remove(path)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    for end in ["o", "ko", "mod", "mod.c", "mod.o"] {
        let object = path.with_file_name(format!("{stem}.{end}"));
        remove(&object)?;
        remove(&path.with_file_name(format!(".{stem}.{end}.cmd")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files, and a place for its stage.
    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().canonicalize().unwrap();
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let output = root.join("output");
        (top, root, output)
    }

    fn stage(folder: &Path, output: &Path) -> Stage {
        Sources::find(folder).unwrap().stage(output).unwrap()
    }

    #[test]
    fn what_an_earlier_make_left_is_not_staged() {
        let (_top, root, output) = folder(&[
            ("m/hello.c", "int x;"),
            ("m/Makefile", "obj-m += hello.o"),
            ("m/hello.o", "not an object"),
            ("m/hello.mod.c", ""),
            ("m/modules.order", "hello.o"),
            ("m/.hello.o.cmd", ""),
            ("m/.git/config", ""),
        ]);
        let stage = stage(&root.join("m"), &output);
        let entries = fs::read_dir(&stage.copy).unwrap();
        let names: BTreeSet<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["Makefile", "hello.c"].map(Into::into).into());
    }

    #[test]
    fn a_header_above_the_folder_keeps_its_place_beside_it() {
        let (_top, root, output) = folder(&[
            ("a b/mod/hello.c", "#include \"../common.h\""),
            (
                "a b/mod/Kbuild",
                "obj-m += hello.o\nobj-m += ../other/x.o\nccflags-y := -I$(src)/../inc",
            ),
            ("a b/common.h", "#include \"deeper.h\""),
            ("a b/deeper.h", ""),
            ("a b/notes.txt", ""),
            ("a b/other/x.c", ""),
            ("a b/inc/below/y.h", ""),
            ("a b/unrelated/z.c", ""),
        ]);
        let stage = stage(&root.join("a b/mod"), &output);
        let there = |name: &str| stage.copy.join(name).exists();
        assert!(there("hello.c") && there("../common.h") && there("../deeper.h"));
        assert!(there("../other/x.c") && there("../inc/below/y.h"));
        assert!(!there("../notes.txt") && !there("../unrelated"));
        assert!(!stage.copy.to_string_lossy().contains([' ', ':']));
    }

    #[test]
    fn only_a_changed_file_is_written_again_and_a_removed_one_takes_its_objects_along() {
        let (_top, root, output) = folder(&[("m/a.c", "1"), ("m/b.c", "1"), ("m/Kbuild", "")]);
        let first = stage(&root.join("m"), &output);
        let time = |name: &str| fs::metadata(first.copy.join(name)).unwrap().modified().unwrap();
        let before = (time("a.c"), time("b.c"));
        fs::write(first.copy.join("b.o"), "").unwrap();
        // An older version put back, with its old time.
        fs::write(root.join("m/a.c"), "2").unwrap();
        let past = std::time::SystemTime::UNIX_EPOCH;
        fs::File::options()
            .write(true)
            .open(root.join("m/a.c"))
            .unwrap()
            .set_modified(past)
            .unwrap();
        let second = stage(&root.join("m"), &output);
        assert!(time("a.c") > before.0 && time("b.c") == before.1);
        fs::remove_file(root.join("m/b.c")).unwrap();
        let third = stage(&root.join("m"), &output);
        assert!(!third.copy.join("b.c").exists() && !third.copy.join("b.o").exists());
        assert_ne!(second.sources, third.sources);
    }

    #[test]
    fn links_are_followed_once_and_what_they_lead_to_is_copied() {
        let (_top, root, output) = folder(&[("m/Kbuild", ""), ("shared/lib.c", "int lib;")]);
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, root.join(at)).unwrap();
        link("../shared/lib.c", "m/lib.c");
        link(".", "m/self");
        link("nowhere", "m/dangling.h");
        let stage = stage(&root.join("m"), &output);
        assert_eq!(fs::read_to_string(stage.copy.join("lib.c")).unwrap(), "int lib;");
        assert!(!stage.copy.join("self/self").exists());
    }

    #[test]
    fn messages_name_the_users_files() {
        let (_top, root, output) =
            folder(&[("p/m/a.c", "#include \"../c.h\""), ("p/m/Kbuild", ""), ("p/c.h", "")]);
        let stage = stage(&root.join("p/m"), &output);
        let line = format!("{}/a.c:3:1: error: no", stage.copy.display());
        assert_eq!(
            stage.in_users_words(&line),
            format!("{}/p/m/a.c:3:1: error: no", root.display())
        );
    }
}
