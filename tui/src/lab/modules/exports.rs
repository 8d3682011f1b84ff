// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who in the kernel's sources exports a symbol, and which option builds it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::build_error::BuildResult;
use super::super::cache;
use super::super::linux::Kernel;
use super::super::progress::Progress;

/// What is built on other machines, or for no kernel.
const ELSEWHERE: [&str; 4] = ["Documentation", "tools", "scripts", "samples"];
/// How far an option may lie above the file that it builds.
const STEPS_MAX: usize = 12;

/// Every symbol that some source exports, with the source's path below the tree.
pub(super) struct Exports {
    tree: PathBuf,
    sources: BTreeMap<String, String>,
}

impl Exports {
    /// Read from the cache; the first time the sources are searched, which takes
    /// some seconds.
    ///
    /// # Errors
    /// What was found can't be written.
    pub(super) fn of(kernel: &Kernel, progress: &mut dyn Progress) -> BuildResult<Self> {
        let tree = kernel.source_dir.clone();
        let name = tree.file_name().unwrap_or_default().to_string_lossy();
        let file = tree.with_file_name(format!("{name}.exports"));
        let known: Option<BTreeMap<String, String>> = cache::read_json(&file);
        let sources = match known {
            Some(sources) => sources,
            None => {
                progress.step("Search the kernel's sources for who exports what");
                let sources = search(&tree);
                cache::write_json(&file, &sources)?;
                sources
            }
        };
        Ok(Self { tree, sources })
    }

    /// The source that exports `symbol`, and the options that it takes to build it.
    pub(super) fn find(&self, symbol: &str) -> Option<(&str, Vec<String>)> {
        let source = self.sources.get(symbol)?;
        Some((source, options(&self.tree, Path::new(source))))
    }
}

/// Looks through all sources, with one thread for each top folder.
fn search(tree: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(tree) else { return BTreeMap::new() };
    let folders: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !ELSEWHERE.iter().any(|name| path.ends_with(name)))
        .collect();
    let mut all = BTreeMap::new();
    std::thread::scope(|scope| {
        let searches: Vec<_> = folders
            .iter()
            .map(|folder| {
                scope.spawn(move || {
                    let mut found = Vec::new();
                    walk(tree, folder, &mut found);
                    found
                })
            })
            .collect();
        for found in searches.into_iter().filter_map(|search| search.join().ok()) {
            all.extend(found);
        }
    });
    all
}

fn walk(tree: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            let arch = path.parent().is_some_and(|parent| parent == tree.join("arch"));
            if !arch || path.ends_with("x86") {
                walk(tree, &path, found);
            }
        } else if path.extension().is_some_and(|end| end == "c" || end == "S") {
            let Ok(text) = fs::read(&path) else { continue };
            let below = path.strip_prefix(tree).unwrap_or(&path).to_string_lossy().into_owned();
            let text = String::from_utf8_lossy(&text);
            found.extend(exported(&text).map(|symbol| (symbol.to_owned(), below.clone())));
        }
    }
}

/// The symbols that a source exports: `EXPORT_SYMBOL(x)`, `EXPORT_SYMBOL_GPL(x)`,
/// `EXPORT_SYMBOL_NS_GPL(x, "NAMESPACE")`.
fn exported(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("EXPORT_SYMBOL").filter_map(|(start, _)| {
        let (kind, rest) = text[start..].split_once('(')?;
        let plain = kind.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
        let symbol = rest.split([',', ')']).next()?.trim();
        let name = symbol.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        (plain && name && !symbol.is_empty()).then_some(symbol)
    })
}

/// The options that must be on for `source` to be built, by the makefiles from
/// its folder up.
fn options(tree: &Path, source: &Path) -> Vec<String> {
    let mut options = Vec::new();
    let mut folder = source.parent().unwrap_or(Path::new("")).to_owned();
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let mut wanted = format!("{stem}.o");
    for _ in 0..STEPS_MAX {
        let file = ["Kbuild", "Makefile"].map(|name| tree.join(&folder).join(name));
        let text = file.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        match builds(&text, &wanted) {
            Some((Goal::Composite(name), option)) => {
                options.extend(option);
                wanted = format!("{name}.o");
                continue;
            }
            Some((Goal::Folder, option)) => options.extend(option),
            None => {}
        }
        let Some(name) = folder.file_name() else { break };
        wanted = format!("{}/", name.to_string_lossy());
        if !folder.pop() {
            break;
        }
    }
    options.sort();
    options.dedup();
    options
}

/// What an entry of a makefile's list becomes part of.
enum Goal {
    /// Of the object of this name.
    Composite(String),
    /// Of all that its folder builds.
    Folder,
}

/// The line of a makefile that builds `wanted` (`x.o` or `folder/`), and the
/// option it depends on.
fn builds(makefile: &str, wanted: &str) -> Option<(Goal, Option<String>)> {
    let joined = makefile.replace("\\\n", " ");
    for line in joined.lines() {
        let Some((left, right)) = line.split_once('=') else { continue };
        if !right.split_whitespace().any(|word| word == wanted) {
            continue;
        }
        let left = left.trim_end_matches(['+', ':', ' ', '\t']).trim();
        let option = left
            .split_once("$(CONFIG_")
            .and_then(|(_, rest)| rest.split_once(')'))
            .map(|(name, _)| format!("CONFIG_{name}"));
        let stem = left.rsplit_once('-').map_or(left, |(stem, _)| stem);
        let goal = match stem {
            "obj" | "lib" | "subdir" => Goal::Folder,
            _ if wanted.ends_with('/') => Goal::Folder,
            name if name.is_empty() || name.contains(['$', ' ']) => Goal::Folder,
            name if format!("{name}.o") == wanted => continue,
            name => Goal::Composite(name.to_owned()),
        };
        return Some((goal, option));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_of_every_kind_are_found() {
        let text = "EXPORT_SYMBOL(a);\nEXPORT_SYMBOL_GPL( b );\nEXPORT_SYMBOL_NS_GPL(c, \"N\");\n\
                    #define EXPORT_SYMBOL_X\nEXPORT_SYMBOL_FOR_MODULES(d, \"kvm\");";
        assert_eq!(exported(text).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    }

    #[test]
    fn the_option_is_found_through_composites_and_folders() {
        let tree = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("drivers/Makefile", "obj-$(CONFIG_BUS)\t+= bus/\nobj-y += knob/\n");
        write(
            "drivers/bus/Makefile",
            "obj-$(CONFIG_BUS_CORE) += core.o\ncore-y := a.o \\\n\tb.o\n",
        );
        write("drivers/knob/Makefile", "obj-$(CONFIG_KNOB)\t\t+= knob.o\n");
        let of = |source: &str| options(tree.path(), Path::new(source));
        assert_eq!(of("drivers/knob/knob.c"), ["CONFIG_KNOB"]);
        assert_eq!(of("drivers/bus/b.c"), ["CONFIG_BUS", "CONFIG_BUS_CORE"]);
    }
}
