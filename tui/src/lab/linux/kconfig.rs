// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's Kconfig files, read for one question: what does an option
//! depend on?

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// What stands in the Kconfig files about each option.
#[derive(Debug, Default)]
pub struct Kconfig {
    /// Of each option, without `CONFIG_`.
    options: HashMap<String, Entry>,
}

/// What stands about one option, all its definitions together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// What it is called in the configuration's menus; none if nobody can set it.
    pub prompt: Option<String>,
    /// The expressions that it depends on: its own, and those of the menus and
    /// `if`s around it.
    pub depends: Vec<String>,
}

impl Kconfig {
    /// Reads the files of an x86 kernel's sources.
    pub fn read(tree: &Path) -> Self {
        let mut this = Self::default();
        this.file(tree, "Kconfig", &[], 0);
        this
    }

    /// What stands about an option.
    pub fn option(&self, name: &str) -> Option<&Entry> {
        self.options.get(name)
    }

    /// Options whose names contain `part`.
    pub fn like(&self, part: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.options.keys().map(String::as_str).filter(|name| name.contains(part)).collect();
        names.sort_by_key(|name| (name.len(), *name));
        names
    }

    fn file(&mut self, tree: &Path, name: &str, around: &[String], depth: usize) {
        if depth > 24 {
            return;
        }
        let Ok(text) = fs::read_to_string(tree.join(name)) else { return };
        let text = text.replace("\\\n", " ");
        // The conditions of the blocks that are open, one each.
        let mut blocks: Vec<Option<String>> = Vec::new();
        let mut current: Option<String> = None;
        let mut in_block_head = false;
        let mut help = None;
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            let word = line.trim();
            if let Some(least) = help {
                // Help ends where something stands further left.
                if word.is_empty() || indent > least {
                    continue;
                }
                help = None;
            }
            let (key, rest) = word.split_once([' ', '\t']).unwrap_or((word, ""));
            let rest = rest.trim();
            match key {
                "config" | "menuconfig" => {
                    let entry = self.options.entry(rest.to_owned()).or_default();
                    entry.depends.extend(around.iter().cloned());
                    entry.depends.extend(blocks.iter().flatten().cloned());
                    current = Some(rest.to_owned());
                    in_block_head = false;
                }
                "if" => {
                    blocks.push(Some(rest.to_owned()));
                    current = None;
                }
                "menu" | "choice" => {
                    blocks.push(None);
                    current = None;
                    in_block_head = true;
                }
                "endif" | "endmenu" | "endchoice" => {
                    blocks.pop();
                    current = None;
                }
                "source" => {
                    let file = rest.trim_matches('"').replace("$(SRCARCH)", "x86");
                    let mut outer = around.to_vec();
                    outer.extend(blocks.iter().flatten().cloned());
                    self.file(tree, &file, &outer, depth + 1);
                    current = None;
                }
                "help" | "---help---" => help = Some(indent),
                "depends" => {
                    let expression = rest.trim_start_matches("on").trim().to_owned();
                    match &current {
                        Some(name) => {
                            self.options.entry(name.clone()).or_default().depends.push(expression);
                        }
                        None if in_block_head => {
                            if let Some(block) = blocks.last_mut() {
                                *block = Some(expression);
                            }
                        }
                        None => {}
                    }
                }
                "bool" | "tristate" | "int" | "hex" | "string" | "prompt" => {
                    if let (Some(name), Some(text)) = (&current, rest.split('"').nth(1)) {
                        let entry = self.options.entry(name.clone()).or_default();
                        entry.prompt.get_or_insert_with(|| text.to_owned());
                    }
                }
                _ => {}
            }
        }
    }
}

impl Entry {
    /// The options named in what it depends on, in their order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for expression in &self.depends {
            for word in expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
                let option = word.chars().any(|letter| letter.is_ascii_uppercase());
                if option && !names.contains(&word) {
                    names.push(word);
                }
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_come_from_the_option_and_from_what_stands_around_it() {
        let tree = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(tree.path().join(name), text).unwrap();
        write(
            "Kconfig",
            "menu \"Buses\"\n\tdepends on HAS_IOMEM\nif BUS\nsource \"Kconfig.bus\"\nendif\nendmenu\n\
             config ALONE\n\tbool \"Alone\"\n\thelp\n\t  depends on NOTHING\n\n\t  config FAKE\n\
             config HIDDEN\n\tbool\n",
        );
        write(
            "Kconfig.bus",
            "config KNOB\n\ttristate \"A knob\" if EXPERT\n\tdepends on (OF || ACPI) && \\\n\t\t!SLUB_TINY\n",
        );
        let kconfig = Kconfig::read(tree.path());
        let knob = kconfig.option("KNOB").unwrap();
        assert_eq!(knob.prompt.as_deref(), Some("A knob"));
        assert_eq!(knob.names(), ["HAS_IOMEM", "BUS", "OF", "ACPI", "SLUB_TINY"]);
        assert_eq!(kconfig.option("ALONE").unwrap().names(), [""; 0]);
        assert_eq!(kconfig.option("HIDDEN").unwrap().prompt, None);
        assert_eq!(kconfig.option("FAKE"), None);
        assert_eq!(kconfig.like("KN"), ["KNOB"]);
    }
}
