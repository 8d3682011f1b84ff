// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which file needs which: a name leads to the file that defines it, through all
//! that hand it on.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::sources::Sources;

/// How often a name may be handed on; more is a name that leads to itself.
const STEPS: usize = 16;

/// For each file those that it needs, with one of the names that say so.
pub(crate) type Arrows = BTreeMap<PathBuf, BTreeMap<PathBuf, String>>;

/// Where a path leads.
enum End {
    Module(usize),
    Item(usize),
}

impl Sources {
    /// All arrows between files; paths are relative to `top`.
    pub(crate) fn arrows(&self, top: &Path) -> Arrows {
        let mut arrows = Arrows::new();
        for (index, module) in self.modules.iter().enumerate() {
            let from = relative(&module.file, top);
            let mut add = |to: usize, path: &[String]| {
                let to = relative(&self.modules[to].file, top);
                if to != from {
                    let needed = arrows.entry(from.clone()).or_default();
                    needed.entry(to).or_insert_with(|| path.join("::"));
                }
            };
            for reference in &module.references {
                let needed =
                    reference.handed_on.as_ref().is_none_or(|name| module.mentioned.contains(name));
                if let (true, Some(End::Item(to))) =
                    (needed, self.follow(index, &reference.path, 0))
                {
                    add(to, &reference.path);
                }
            }
        }
        arrows
    }

    /// From a module along a path.
    fn follow(&self, from: usize, path: &[String], steps: usize) -> Option<End> {
        let (first, rest) = path.split_first()?;
        let module = &self.modules[from];
        if steps > STEPS {
            return None;
        }
        match first.as_str() {
            "crate" => self.walk(module.root, rest, steps),
            "self" => self.walk(from, rest, steps),
            "super" => self.walk(module.parent?, rest, steps),
            name => {
                if let Some(child) = module.children.get(name) {
                    return self.walk(*child, rest, steps);
                }
                if let Some(import) = module.imports.get(name).filter(|import| *import != path) {
                    let whole: Vec<String> = import.iter().chain(rest).cloned().collect();
                    return self.follow(from, &whole, steps + 1);
                }
                self.walk(*self.crates.get(name)?, rest, steps)
            }
        }
    }

    /// The same inside a module.
    fn walk(&self, within: usize, path: &[String], steps: usize) -> Option<End> {
        let module = &self.modules[within];
        let Some((name, rest)) = path.split_first() else { return Some(End::Module(within)) };
        if steps > STEPS {
            return None;
        }
        if name == "super" {
            return self.walk(module.parent?, rest, steps);
        }
        if let Some(child) = module.children.get(name) {
            return self.walk(*child, rest, steps);
        }
        if !module.defined.contains(name) {
            if let Some(import) = module.imports.get(name) {
                let whole: Vec<String> = import.iter().chain(rest).cloned().collect();
                return self.follow(within, &whole, steps + 1);
            }
            for glob in &module.globs {
                if let Some(End::Module(other)) = self.follow(within, glob, steps + 1)
                    && self.modules[other].defined.contains(name)
                {
                    return Some(End::Item(other));
                }
            }
        }
        Some(End::Item(within))
    }
}

fn relative(file: &Path, top: &Path) -> PathBuf {
    file.strip_prefix(top).unwrap_or(file).to_owned()
}

/// The groups of files that need each other.
pub(crate) fn circles(arrows: &Arrows) -> BTreeSet<BTreeSet<PathBuf>> {
    let reach: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> =
        arrows.keys().map(|file| (file, reachable(arrows, file))).collect();
    let leads = |from: &PathBuf, to: &PathBuf| reach.get(from).is_some_and(|r| r.contains(to));
    arrows
        .keys()
        .filter(|file| leads(file, file))
        .map(|file| {
            reach[file].iter().filter(|other| leads(other, file)).map(|f| (*f).clone()).collect()
        })
        .collect()
}

fn reachable<'a>(arrows: &'a Arrows, from: &PathBuf) -> BTreeSet<&'a PathBuf> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        for next in arrows.get(file).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}
