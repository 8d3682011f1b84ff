// SPDX-License-Identifier: MIT OR Apache-2.0
//! What helps with a compiler's error, said beside it: what became of a name that
//! books, courses and tutorials use and that the kernel no longer has, which header
//! declares one that it has, which option a kernel needs for it.

mod declared;
mod missing;
mod rust;
mod table;
mod words;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use self::rust::RustHints;
pub use self::table::{Replaced, TABLE, Table};
use self::words::{is_word, words};

/// The table, ready to be asked.
pub(super) struct Hints {
    rows: HashMap<String, Hint>,
    rust: RustHints,
    /// The kernel's sources.
    tree: PathBuf,
}

/// What the kernel says of the mode of a file or parameter that everybody may write.
const WRITABLE_BY_ALL: &str = "& 2 is true";
/// What compilers say of a name that nothing declares.
const UNDECLARED: [&str; 4] = [
    "implicit declaration of function",
    "call to undeclared function",
    "use of undeclared identifier",
    "' undeclared",
];
/// What they say of a struct that is only known by its name.
const UNDEFINED: [&str; 5] = [
    "incomplete type",
    "incomplete element type",
    "undefined type",
    "incomplete definition of type",
    "storage size",
];
/// What they say of a name that stands in a header, and in the source for something else.
const TAKEN: [&str; 4] = [
    "static declaration of",
    "conflicting types for",
    "redeclared as different kind of symbol",
    "redefinition",
];
/// Errors that name nothing: the line of the source below them does.
const IN_SOURCE: [&str; 6] = [
    "void expression",
    "void value",
    "'void'",
    "incompatible type 'void'",
    "expected declaration specifiers",
    "arguments",
];

/// What is said about a name.
struct Hint {
    sentence: String,
    /// Only a complaint about arguments or a type concerns it.
    changed: bool,
}

impl Hints {
    /// The table that travels with the program, for a kernel with these sources.
    pub(super) fn new(tree: &Path) -> Self {
        let table: Table = toml::from_str(TABLE).unwrap_or_default();
        let mut rows = HashMap::new();
        for row in table.name {
            let hint = || Hint { sentence: row.sentence(), changed: row.changed };
            if let Some(expected) = &row.expected {
                rows.insert(tight(expected), hint());
            }
            rows.insert(row.old.clone(), hint());
        }
        for option in table.option {
            let hint = Hint { sentence: option.sentence(), changed: false };
            rows.insert(option.name, hint);
        }
        Self { rows, rust: RustHints::new(&table.rust), tree: tree.to_owned() }
    }

    /// What helps with the error that a compiler's line is.
    pub(super) fn about(&self, line: &str) -> Option<String> {
        // gcc quotes as the terminal's language does, macros otherwise, and clang once more.
        let line = line.replace(['‘', '’', '"'], "'");
        if let Some(hint) = self.rust.about(&line) {
            return Some(hint);
        }
        let message = line.split_once("error: ")?.1;
        if message.contains(WRITABLE_BY_ALL) {
            return Some(
                "hint: what everybody may write is refused since Linux 3.16: 0664 or 0644 in place \
                 of 0666"
                    .into(),
            );
        }
        let quoted: Vec<&str> = message.split('\'').skip(1).step_by(2).collect();
        match names(message, &quoted).iter().find_map(|name| self.rows.get(name)) {
            Some(hint) => Some(hint)
                .filter(|hint| !hint.changed || is_about_arguments(message))
                .map(|h| h.sentence.clone()),
            None => self.by_headers(message, quoted.first().copied()),
        }
    }

    /// What the kernel's headers say about what an error names.
    fn by_headers(&self, message: &str, name: Option<&str>) -> Option<String> {
        if let Some(header) = missing::file(message) {
            return missing::hint(&self.tree, header);
        }
        let name = name?;
        let says = |signs: &[&str]| signs.iter().any(|sign| message.contains(sign));
        if let Some(tag) = name.strip_prefix("struct ") {
            return match (says(&UNDEFINED), says(&TAKEN)) {
                (true, _) => self.undefined(tag),
                (_, true) => Some(taken(name, &declared::structure(&self.tree, tag)?)),
                _ => None,
            };
        }
        if !is_word(name) {
            return None;
        }
        if says(&UNDECLARED) {
            let header = declared::header(&self.tree, name)?;
            return Some(format!("hint: {name} is declared in {header}: #include <{header}>"));
        }
        if says(&TAKEN) {
            return Some(taken(name, &declared::header(&self.tree, name)?));
        }
        None
    }

    fn undefined(&self, tag: &str) -> Option<String> {
        let header = declared::structure(&self.tree, tag)?;
        Some(format!("hint: struct {tag} is defined in {header}: #include <{header}>"))
    }

    /// The same, where the error names nothing that is known and the line of the source
    /// below it does: `invalid use of void expression`, `storage size of 'tv' isn't known`.
    pub(super) fn in_source(&self, error: &str, source: &str) -> Option<String> {
        if let Some(hint) = self.rust.in_source(error, source) {
            return Some(hint);
        }
        let message = error.split_once("error: ")?.1.replace(['‘', '’'], "'");
        let says = |signs: &[&str]| signs.iter().any(|sign| message.contains(sign));
        let undefined = says(&UNDEFINED);
        if !undefined && !says(&IN_SOURCE) {
            return None;
        }
        let words = words(source);
        if let Some(hint) = words.iter().find_map(|word| self.rows.get(*word)) {
            return Some(hint.sentence.clone());
        }
        let tag = words.iter().skip_while(|word| **word != "struct").nth(1)?;
        if !undefined {
            return None;
        }
        match self.rows.get(&format!("struct {tag}")) {
            Some(hint) => Some(hint.sentence.clone()),
            None => self.undefined(tag),
        }
    }

    /// What is known of a symbol that nothing exports.
    pub(super) fn name(&self, name: &str) -> Option<String> {
        self.rows.get(name).map(|hint| hint.sentence.clone())
    }
}

/// What to do about a name that the kernel has for itself.
fn taken(name: &str, header: &str) -> String {
    format!("hint: Linux has a {name} of its own, in {header}: give yours another name")
}

/// The keys under which an error's names may stand in the table.
fn names(message: &str, quoted: &[&str]) -> Vec<String> {
    let strip =
        |word: &str| word.trim_start_matches("const ").trim_start_matches("struct ").to_owned();
    let mut names: Vec<String> = Vec::new();
    // A member, with its struct: in gcc's order, then in clang's.
    if let [first, second, ..] = quoted {
        names.push(format!("{}.{second}", strip(first)));
        names.push(format!("{}.{first}", strip(second)));
    }
    names.extend(message.split(": ").next().map(|header| header.trim_matches('\'').to_owned()));
    for text in quoted {
        names.push((*text).to_owned());
        names.push(strip(text));
        names.push(tight(text));
    }
    names
}

/// Is an error about what a function or callback takes?
fn is_about_arguments(message: &str) -> bool {
    [
        "arguments",
        "incompatible",
        "assignment of read-only",
        "assigning to read-only",
        "const-qualified",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

/// A type without blanks: each compiler puts its own.
fn tight(kind: &str) -> String {
    kind.split_whitespace().collect()
}

#[cfg(test)]
mod tests;
