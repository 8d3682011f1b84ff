// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of names that the kernel no longer has, held against its sources.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use ringside::lab::flavour::Flavour;
use ringside::lab::linux;
use ringside::lab::modules::{REPLACED_NAMES, Replaced, ReplacedNames};

fn headers(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        match path.is_dir() {
            // What programs see is another matter.
            true if path.ends_with("uapi") => {}
            true => headers(&path, found),
            false if path.extension().is_some_and(|end| end == "h") => found.push(path),
            false => {}
        }
    }
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The places where `word` stands in `text` as a whole word.
fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.match_indices(word).filter_map(move |(start, _)| {
        let (before, after) = (&text[..start], &text[start + word.len()..]);
        let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        whole.then_some((before, after))
    })
}

/// Does a header declare `name`: a function or macro that can be called, a
/// struct with a body?
fn declares(text: &str, name: &str) -> bool {
    let structure = [format!("struct {name} {{"), format!("struct {name}\n{{")];
    structure.iter().any(|sign| text.contains(sign.as_str()))
        || places(text, name).any(|(before, after)| {
            let line = before.rsplit('\n').next().unwrap_or_default();
            let comment = line.trim_start().starts_with(['*', '/']) || line.contains("//");
            let member = before.ends_with(['*', '>', '.']);
            let defined = line.trim_start().starts_with('#') && line.contains("define");
            !comment && !member && (defined || after.starts_with('('))
        })
}

/// The members of `struct name`, as the text between its braces.
fn members<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, body) = text.split_once(&format!("struct {name} {{\n"))?;
    Some(body.split_once("\n}").map_or(body, |(body, _)| body))
}

#[test]
fn every_row_of_the_table_of_replaced_names_agrees_with_the_kernels_sources() {
    let kernel = linux::built(Flavour::Lab).expect("the kernel is built");
    let tree = &kernel.source_dir;
    let mut paths = Vec::new();
    headers(&tree.join("include"), &mut paths);
    headers(&tree.join("arch/x86/include"), &mut paths);
    let texts: HashMap<PathBuf, String> = paths
        .into_iter()
        .map(|path| {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a header")).into_owned();
            (path, text)
        })
        .collect();
    let table: ReplacedNames = toml::from_str(REPLACED_NAMES).expect("a table");
    let mut wrong = Vec::new();
    for row in &table.name {
        if let Err(why) = check(row, tree, &texts) {
            wrong.push(format!("{}: {why}", row.old));
        }
    }
    for row in &table.rust {
        if let Err(why) = check_rust(row, tree) {
            wrong.push(format!("{}: {why}", row.old));
        }
    }
    for row in &table.option {
        let text = texts.get(&tree.join(&row.header)).map_or("", String::as_str);
        if !text.contains(&row.option) || !declares(text, &row.name) {
            wrong.push(format!("{}: {} has not both", row.name, row.header));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Does the source that a row names have its new word?
fn has_new(row: &Replaced, text: impl FnOnce(&str) -> Option<String>) -> Result<(), String> {
    let Some(header) = &row.header else { return Ok(()) };
    let text = text(header).ok_or(format!("there is no {header}"))?;
    let new = row.word.clone().unwrap_or_else(|| {
        row.new.chars().skip_while(|c| !is_word(*c)).take_while(|c| is_word(*c)).collect()
    });
    places(&text, &new).next().map(drop).ok_or(format!("{header} has no {new}"))
}

fn check_rust(row: &Replaced, tree: &Path) -> Result<(), String> {
    let read = |path: &str| fs::read_to_string(tree.join(path)).ok();
    has_new(row, |path| read(path))?;
    if row.changed {
        return Ok(());
    }
    if let Some(path) = row.old.strip_prefix("kernel::") {
        let path = path.replace("::", "/");
        let below = |end: &str| tree.join("rust/kernel").join(format!("{path}{end}")).exists();
        let root = read("rust/kernel/lib.rs").unwrap_or_default();
        // An item in a file: `kernel::types::ARef`.
        let item = path.rsplit_once('/').is_some_and(|(file, item)| {
            let text = read(&format!("rust/kernel/{file}.rs")).unwrap_or_default();
            ["struct", "trait", "enum", "mod"].iter().any(|word| {
                places(&text, item).any(|(before, _)| before.ends_with(&format!("pub {word} ")))
            })
        });
        let there = below(".rs") || below("/mod.rs") || root.contains(&format!("pub mod {path};"));
        return if there || item { Err("it is still there".into()) } else { Ok(()) };
    }
    if let (Some((_, method)), Some(header)) = (row.old.split_once("::"), &row.header) {
        let text = read(header).unwrap_or_default();
        let there = text.contains(&format!("fn {method}("));
        return if there { Err(format!("{header} still has it")) } else { Ok(()) };
    }
    Ok(())
}

fn check(row: &Replaced, tree: &Path, texts: &HashMap<PathBuf, String>) -> Result<(), String> {
    has_new(row, |header| texts.get(&tree.join(header)).cloned())?;
    let old = row.old.as_str();
    if row.changed {
        return Ok(());
    }
    if old.contains('/') {
        let there =
            ["include", "include/uapi", "arch/x86/include"].map(|top| tree.join(top).join(old));
        return match there.iter().find(|path| path.exists()) {
            Some(path) => Err(format!("{} is still there", path.display())),
            None => Ok(()),
        };
    }
    if let Some((structure, member)) = old.split_once('.') {
        let body = texts.values().find_map(|text| members(text, structure));
        let body = body.ok_or(format!("there is no struct {structure}"))?;
        let declared = |line: &str| {
            let code = line.split("/*").next().unwrap_or_default();
            places(code, member).any(|(before, after)| {
                let begins =
                    before.trim_end().is_empty() || before.contains(|c: char| c.is_alphabetic());
                begins && after.trim_start().starts_with([';', '[', ')', ',', ':'])
            })
        };
        return match body.lines().find(|line| declared(line)) {
            Some(line) => Err(format!("it is still there: {line}")),
            None => Ok(()),
        };
    }
    // Where the name alone is a common word, only a struct of that name is meant.
    let there = |text: &str| match old.strip_prefix("struct ") {
        Some(tag) => text.contains(&format!("\nstruct {tag} {{")),
        None => declares(text, old),
    };
    match texts.iter().find(|(_, text)| there(text)) {
        Some((path, _)) => Err(format!("{} still has it", path.display())),
        None => Ok(()),
    }
}
