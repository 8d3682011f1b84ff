// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the source files say of each other: modules, what each defines, imports
//! and names by path. It reads tokens, so that comments and strings don't count
//! and what stands inside a macro call does. Code that only tests compile is left
//! out: a test may look at anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::tokens::{self, Token};

/// Words that a name follows which is defined by it.
const DEFINE: &[&str] = &["fn", "struct", "enum", "trait", "type", "const", "static", "union"];

/// A `use`, or a name with a path in the code.
pub(crate) struct Reference {
    pub(crate) path: Vec<String>,
    /// Named to be handed on; it counts only where the file needs it as well.
    pub(crate) handed_on: Option<String>,
}

#[derive(Default)]
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) root: usize,
    pub(crate) parent: Option<usize>,
    pub(crate) children: BTreeMap<String, usize>,
    pub(crate) defined: BTreeSet<String>,
    /// By the name that it has here.
    pub(crate) imports: BTreeMap<String, Vec<String>>,
    pub(crate) globs: Vec<Vec<String>>,
    pub(crate) references: Vec<Reference>,
    /// All names in the code outside `use`.
    pub(crate) mentioned: BTreeSet<String>,
}

/// All modules of some crates.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) modules: Vec<Module>,
    /// The crates' names and roots.
    pub(crate) crates: BTreeMap<String, usize>,
}

impl Sources {
    /// Reads a crate, from its root file on.
    pub(crate) fn read(&mut self, name: &str, root: &Path) {
        let index = self.modules.len();
        let folder = root.parent().unwrap().to_owned();
        self.crates.insert(name.to_owned(), index);
        self.file(root, &folder, None);
    }

    fn file(&mut self, file: &Path, folder: &Path, parent: Option<usize>) -> usize {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let index = self.add(file, parent);
        self.code(index, folder, &tokens::read(&text), true);
        index
    }

    fn add(&mut self, file: &Path, parent: Option<usize>) -> usize {
        let index = self.modules.len();
        let root = parent.map_or(index, |parent| self.modules[parent].root);
        let file = file.canonicalize().unwrap();
        self.modules.push(Module { file, root, parent, ..Module::default() });
        index
    }

    fn code(&mut self, module: usize, folder: &Path, tokens: &[Token], top: bool) {
        let (mut at, mut handed_on, mut place) = (0, false, None);
        while at < tokens.len() {
            let next = match &tokens[at..] {
                [Token::Sign('#'), Token::Group('[', attribute), ..] => {
                    if only_for_tests(attribute) {
                        at = end_of_item(tokens, at + 2);
                    } else {
                        place = path_in(attribute).or(place);
                        at += 2;
                    }
                    continue;
                }
                [Token::Name(public), rest @ ..] if public == "pub" => {
                    handed_on = true;
                    at += 1 + usize::from(matches!(rest.first(), Some(Token::Group('(', _))));
                    continue;
                }
                [Token::Name(keyword), ..] if keyword == "use" => {
                    let end = end_of_statement(tokens, at);
                    self.import(module, &mut Vec::new(), &tokens[at + 1..end], handed_on);
                    end + 1
                }
                [Token::Name(keyword), Token::Name(name), rest, ..] if keyword == "mod" => {
                    self.child(module, folder, name, rest, place.take());
                    at + 3
                }
                [Token::Name(keyword), Token::Name(name), ..]
                    if top && DEFINE.contains(&keyword.as_str()) =>
                {
                    self.modules[module].defined.insert(name.clone());
                    at + 1
                }
                [Token::Name(keyword), _, Token::Name(name), ..] if keyword == "macro_rules" => {
                    self.modules[module].defined.insert(name.clone());
                    at + 3
                }
                [Token::Name(_), ..] => {
                    let (path, end) = path_at(tokens, at);
                    self.modules[module].mentioned.insert(path[0].clone());
                    if path.len() > 1 {
                        self.modules[module].references.push(Reference { path, handed_on: None });
                    }
                    end
                }
                [Token::Group(_, group), ..] => {
                    self.code(module, folder, group, false);
                    at + 1
                }
                _ => at + 1,
            };
            (at, handed_on, place) = (next, false, None);
        }
    }

    fn child(
        &mut self,
        module: usize,
        folder: &Path,
        name: &str,
        rest: &Token,
        place: Option<String>,
    ) {
        let within = folder.join(name);
        let child = if let Token::Group(_, group) = rest {
            let file = self.modules[module].file.clone();
            let child = self.add(&file, Some(module));
            let within = place.map_or(within, |place| folder.join(place));
            self.code(child, &within, group, true);
            child
        } else if let Some(place) = place {
            let file = folder.join(place);
            let within = file.parent().unwrap().to_owned();
            self.file(&file, &within, Some(module))
        } else {
            let flat = within.with_extension("rs");
            let file = if flat.exists() { flat } else { within.join("mod.rs") };
            self.file(&file, &within, Some(module))
        };
        self.modules[module].children.insert(name.to_owned(), child);
    }

    /// One tree of a `use`, below `stem`.
    fn import(&mut self, module: usize, stem: &mut Vec<String>, tree: &[Token], handed_on: bool) {
        let (depth, mut alias) = (stem.len(), None);
        let mut tokens = tree.iter();
        while let Some(token) = tokens.next() {
            match token {
                Token::Name(name) if name == "as" => alias = tokens.next(),
                Token::Name(name) => stem.push(name.clone()),
                Token::Sign('*') => {
                    self.modules[module].globs.push(stem.clone());
                    stem.truncate(depth);
                    return;
                }
                Token::Group(_, branches) => {
                    for branch in branches.split(|token| token.is(',')) {
                        self.import(module, stem, branch, handed_on);
                    }
                    stem.truncate(depth);
                    return;
                }
                _ => {}
            }
        }
        if stem.len() > depth {
            let mut path = stem.clone();
            if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let name = match alias {
                Some(Token::Name(alias)) => alias.clone(),
                _ => path.last().unwrap().clone(),
            };
            let module = &mut self.modules[module];
            module.imports.insert(name.clone(), path.clone());
            module.references.push(Reference { path, handed_on: handed_on.then_some(name) });
        }
        stem.truncate(depth);
    }
}

/// The path that begins at a name, and where it ends.
fn path_at(tokens: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    while let Token::Name(name) = &tokens[at] {
        path.push(name.clone());
        at += 1;
        match &tokens[at..] {
            [Token::Sign(':'), Token::Sign(':'), Token::Name(_), ..] => at += 2,
            _ => break,
        }
    }
    (path, at)
}

fn only_for_tests(attribute: &[Token]) -> bool {
    let [Token::Name(cfg), Token::Group(_, condition)] = attribute else { return false };
    let says = |word: &str| {
        condition.iter().any(|token| matches!(token, Token::Name(name) if name == word))
    };
    cfg == "cfg" && says("test") && !says("not")
}

/// What `#[path = "…"]` says.
fn path_in(attribute: &[Token]) -> Option<String> {
    match attribute {
        [Token::Name(name), _, Token::Text(path)] if name == "path" => Some(path.clone()),
        _ => None,
    }
}

fn end_of_statement(tokens: &[Token], at: usize) -> usize {
    tokens[at..].iter().position(|token| token.is(';')).map_or(tokens.len(), |found| at + found)
}

fn end_of_item(tokens: &[Token], at: usize) -> usize {
    let ends = |token: &Token| token.is(';') || matches!(token, Token::Group('{', _));
    tokens[at..].iter().position(ends).map_or(tokens.len(), |found| at + found + 1)
}
