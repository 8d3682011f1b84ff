// SPDX-License-Identifier: MIT OR Apache-2.0
//! A header that a source includes and that is not there.

use std::fs;
use std::path::Path;

use strsim::jaro_winkler;

/// Headers of the C library: programs have them, the kernel has not.
const OF_PROGRAMS: [&str; 17] = [
    "assert.h",
    "ctype.h",
    "errno.h",
    "fcntl.h",
    "inttypes.h",
    "limits.h",
    "math.h",
    "pthread.h",
    "signal.h",
    "stdint.h",
    "stdio.h",
    "stdlib.h",
    "string.h",
    "sys/types.h",
    "sys/stat.h",
    "time.h",
    "unistd.h",
];
/// Names that are less alike are two names (1: the same); a common beginning counts most.
const ALIKE: f64 = 0.93;

/// The header that a fatal error is about, in gcc's words or in clang's.
pub(super) fn file(message: &str) -> Option<&str> {
    let file = message
        .strip_suffix(": No such file or directory")
        .or_else(|| message.strip_suffix(" file not found"))?;
    Some(file.trim_matches('\''))
}

/// What helps with it.
pub(super) fn hint(tree: &Path, header: &str) -> Option<String> {
    if OF_PROGRAMS.contains(&header) {
        return Some(format!(
            "hint: {header} is for programs; a module has the kernel's own headers, such as \
             linux/printk.h, linux/string.h and linux/slab.h"
        ));
    }
    let path = Path::new(header);
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Some(format!(
            "hint: {header} lies neither beside the source nor where the Makefile says; a folder \
             of headers is named with ccflags-y += -I$(src)/FOLDER"
        ));
    };
    let name = path.file_name()?.to_str()?;
    let nearest = ["include", "arch/x86/include"]
        .iter()
        .flat_map(|top| fs::read_dir(tree.join(top).join(folder)).into_iter().flatten().flatten())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .map(|other| (jaro_winkler(&other, name), other))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let nearest = folder.join(nearest?.1);
    Some(format!("hint: Linux has no {header}, but a {}", nearest.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_not_there_is_told_by_what_it_is() {
        let tree = tempfile::tempdir().unwrap();
        let folder = tree.path().join("include/linux");
        fs::create_dir_all(&folder).unwrap();
        for name in ["kprobes.h", "fprobe.h", "kobject.h"] {
            fs::write(folder.join(name), "").unwrap();
        }
        let hint = |name: &str| hint(tree.path(), name);
        assert!(hint("linux/kprobe.h").unwrap().ends_with("but a linux/kprobes.h"));
        assert_eq!(hint("linux/nothing_like_it.h"), None);
        assert!(hint("stdio.h").unwrap().contains("is for programs"));
        assert!(hint("mine.h").unwrap().contains("ccflags-y += -I$(src)"));
        assert_eq!(file("linux/x.h: No such file or directory"), Some("linux/x.h"));
        assert_eq!(file("'linux/x.h' file not found"), Some("linux/x.h"));
        assert_eq!(file("no rule to make target"), None);
    }
}
