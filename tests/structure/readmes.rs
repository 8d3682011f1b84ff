// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the texts for whoever carries on name: files, folders and names in the
//! code. Each must be there, or the text leads nowhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    tokens::{self, Token},
    top,
};

/// Files and folders of the sources, below the top.
fn sources() -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![top()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            if name == "target" || name == ".git" {
                continue;
            }
            found.push(path.strip_prefix(top()).unwrap().to_owned());
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            }
        }
    }
    found
}

/// Everything that has a name in the sources.
fn names() -> BTreeSet<String> {
    fn add(tokens: Vec<Token>, names: &mut BTreeSet<String>) {
        for token in tokens {
            match token {
                Token::Name(name) => drop(names.insert(name)),
                Token::Group(_, group) => add(group, names),
                _ => {}
            }
        }
    }
    let mut names = BTreeSet::new();
    for file in sources().iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        add(tokens::read(&fs::read_to_string(top().join(file)).unwrap()), &mut names);
    }
    names
}

/// What stands between backticks, line by line, and the first word of each line of a
/// block, which is a file's name in a list of files.
fn quoted(text: &str) -> Vec<String> {
    let mut in_block = false;
    let mut quoted = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            quoted.extend(line.split_whitespace().next().map(str::to_owned));
        } else {
            quoted.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    quoted
}

/// A path of ours, not one of the guest's or with a gap to fill in.
fn is_path(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    (word.ends_with(".rs") || word.ends_with('/') || word.contains('/'))
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(plain)
}

/// `View::on_reply`, `Views::all`, `core::shared::Shared`.
fn is_name(word: &str) -> bool {
    word.contains("::") && word.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c))
}

fn missing(readme: &str) -> Vec<String> {
    let (files, names) = (sources(), names());
    let text = fs::read_to_string(top().join(readme)).unwrap();
    let words = quoted(&text);
    let checked = words.iter().filter(|word| is_path(word) || is_name(word)).count();
    assert!(checked > 10, "{readme} names {checked} files only");
    let there = |path: &str| files.iter().any(|file| file.ends_with(Path::new(path)));
    let known = |name: &str| name.split("::").all(|part| names.contains(part));
    words
        .into_iter()
        .filter(|word| (is_path(word) && !there(word)) || (is_name(word) && !known(word)))
        .collect()
}

#[test]
fn what_the_map_of_the_program_names_is_there() {
    assert_eq!(missing("tui/README.md"), [""; 0]);
}

#[test]
fn what_the_map_of_the_kernel_side_names_is_there() {
    assert_eq!(missing("modules/README.md"), [""; 0]);
}
