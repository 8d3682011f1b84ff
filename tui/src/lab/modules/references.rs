// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the sources of a folder reach outside of it by `../`: headers, objects
//! of other folders, makefiles, Rust modules.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Larger files are no sources.
const SOURCE_MAX: u64 = 4 << 20;

/// The paths with a `..` that the source at `path` names and that exist: taken
/// relative to the file itself, and to `folder`, where make works.
pub(super) fn outside(path: &Path, folder: &Path) -> Vec<PathBuf> {
    let small = fs::metadata(path).is_ok_and(|data| data.len() <= SOURCE_MAX);
    let Some(text) = small.then(|| fs::read(path).ok()).flatten() else { return Vec::new() };
    let text = String::from_utf8_lossy(&text);
    let beside = path.parent().unwrap_or(folder);
    let mut found = Vec::new();
    for reference in named(&text) {
        for base in [beside, folder] {
            let target = normal(&base.join(&reference));
            // The top of the file system is nobody's neighbour.
            if target.exists() && target.components().count() > 2 && !found.contains(&target) {
                found.push(target);
            }
        }
    }
    found
}

/// The relative paths beginning with `..` in a text, in whatever they stand:
/// `"../x.h"`, `$(src)/../include`, `-I../inc`, `../other/x.o`.
fn named(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (start, _) in text.match_indices("..") {
        let before = text[..start].chars().next_back();
        let begins = before
            .is_none_or(|character| character.is_whitespace() || "\"'<=/I(".contains(character));
        if !begins {
            continue;
        }
        // `a/../..`: the part before was taken with the first.
        if text[..start].ends_with("../") {
            continue;
        }
        let end = text[start..]
            .find(|character: char| !(character.is_alphanumeric() || "._-/+".contains(character)))
            .map_or(text.len(), |length| start + length);
        let reference = text[start..end].trim_end_matches('/');
        let is_path = reference == ".." || reference.starts_with("../");
        if is_path && !found.iter().any(|known| known == reference) {
            found.push(reference.to_owned());
        }
    }
    // An object stands for its source.
    for object in found.clone() {
        if let Some(stem) = object.strip_suffix(".o")
            && let Some((folder, _)) = stem.rsplit_once('/')
        {
            found.push(folder.to_owned());
        }
    }
    found
}

/// A path without `.` and `..`, without asking the file system: links are
/// followed by whoever reads.
fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_in_c_rust_and_makefiles() {
        assert_eq!(named("#include \"../common.h\"\n"), ["../common.h"]);
        assert_eq!(named("#[path = \"../../uapi/src\"]"), ["../../uapi/src"]);
        assert_eq!(named("ccflags-y := -I$(src)/../include -I../inc"), ["../include", "../inc"]);
        assert_eq!(named("obj-m += ../other/x.o"), ["../other/x.o", "../other"]);
        assert_eq!(named("include $(PWD)/../../rules.mk"), ["../../rules.mk"]);
    }

    #[test]
    fn ellipses_and_ranges_are_no_paths() {
        assert_eq!(named("for x in 0..10 { } // wait... \"...\" f(a, ...)"), [""; 0]);
        assert_eq!(named("case 'a' ... 'z':"), [""; 0]);
    }
}
