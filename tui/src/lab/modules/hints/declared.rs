// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which header declares a function that a source uses and no header that it
//! includes has: others brought it along once.

use std::fs;
use std::path::{Path, PathBuf};

/// Where headers for all of the kernel lie, the usual ones first.
const FOLDERS: [&str; 4] =
    ["include/linux", "include/asm-generic", "arch/x86/include/asm", "include/net"];

/// What a source is to include for the function or macro `name`: `linux/io.h`.
pub(super) fn header(tree: &Path, name: &str) -> Option<String> {
    with(tree, |text| declares(text, name))
}

/// What a source is to include for `struct tag`.
pub(super) fn structure(tree: &Path, tag: &str) -> Option<String> {
    let begins = [format!("struct {tag} {{"), format!("struct {tag}\n{{")];
    with(tree, |text| {
        begins.iter().any(|begin| {
            text.match_indices(begin.as_str()).any(|(at, _)| {
                // One inside of another struct is indented.
                at == 0 || text[..at].ends_with('\n')
            })
        })
    })
}

/// The first header whose text has what is looked for.
fn with(tree: &Path, has: impl Fn(&str) -> bool) -> Option<String> {
    FOLDERS.iter().find_map(|folder| {
        let mut headers = Vec::new();
        collect(&tree.join(folder), &mut headers);
        // The one nearest to the top is the one that is meant for everybody.
        headers.sort_by_key(|path| (path.components().count(), path.clone()));
        let found = headers
            .iter()
            .find(|path| fs::read(path).is_ok_and(|text| has(&String::from_utf8_lossy(&text))))?;
        Some(as_included(tree, found))
    })
}

fn collect(folder: &Path, headers: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, headers);
        } else if path.extension().is_some_and(|end| end == "h") {
            headers.push(path);
        }
    }
}

/// What stands between `<` and `>`; what is for one machine has one for all.
fn as_included(tree: &Path, header: &Path) -> String {
    let name = header.file_name().unwrap_or_default().to_string_lossy();
    let below = header.strip_prefix(tree.join("include")).unwrap_or(header);
    let of_a_machine = below.starts_with("asm-generic") || header.starts_with(tree.join("arch"));
    match of_a_machine {
        true if tree.join("include/linux").join(&*name).is_file() => format!("linux/{name}"),
        true => format!("asm/{name}"),
        false => below.display().to_string(),
    }
}

/// Does a header's text declare `name`, which a call in an inline function, being
/// indented, does not?
fn declares(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let (before, after) = (&text[line..at], &text[at + name.len()..]);
        let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if before.ends_with(word) || !after.starts_with(|letter: char| !word(letter)) {
            return false;
        }
        let macro_named = before.strip_prefix('#').is_some_and(|rest| rest.trim() == "define");
        let type_before = before.chars().all(|letter| word(letter) || " *".contains(letter));
        let indented = before.starts_with([' ', '\t']);
        macro_named || after.starts_with('(') && type_before && !indented
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_told_from_a_call_and_a_comment() {
        for text in [
            "static inline phys_addr_t it(void *x)\n",
            "extern void *it(int);\n",
            "static __always_inline int\nit(int x)\n",
            "#define it(x) that(x)\n",
            "# define it that\n",
        ] {
            assert!(declares(text, "it"), "{text}");
        }
        for text in ["\treturn it(x);\n", " * it() does\n", "int it_too(int);\n", "#ifdef it\n"] {
            assert!(!declares(text, "it"), "{text}");
        }
    }

    #[test]
    fn what_is_for_one_machine_is_included_by_the_header_for_all() {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("include/linux/io.h", "#include <asm/io.h>\n"),
            ("include/linux/sched/signal.h", "#define for_all(x) y\n"),
            ("include/asm-generic/io.h", "static inline int to_bus(int x)\n"),
            ("arch/x86/include/asm/msr.h", "int read_it(int);\n"),
        ] {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let ask = |name| header(tree.path(), name);
        assert_eq!(ask("to_bus").as_deref(), Some("linux/io.h"));
        assert_eq!(ask("for_all").as_deref(), Some("linux/sched/signal.h"));
        assert_eq!(ask("read_it").as_deref(), Some("asm/msr.h"));
        assert_eq!(ask("nothing"), None);
    }
}
