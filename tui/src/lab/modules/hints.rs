// SPDX-License-Identifier: MIT OR Apache-2.0
//! What became of names that books, courses and tutorials use and that the
//! kernel no longer has: said beside the compiler's error about them.

use std::collections::HashMap;

use serde::Deserialize;

/// The table of names.
pub const TABLE: &str = include_str!("../../../../assets/kernel/replaced.toml");

/// The whole table.
#[derive(Clone, Debug, Deserialize)]
pub struct Table {
    /// Names that are gone.
    pub name: Vec<Replaced>,
}

/// A name that the kernel no longer has, or no longer in this shape.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// What is gone: a function, macro, type (`struct timeval`), member
    /// (`task_struct.state`) or header (`asm/semaphore.h`).
    pub old: String,
    /// What to write instead, as code.
    pub new: String,
    /// The version that no longer has it: `6.15`.
    pub since: String,
    /// Where the new name stands in the kernel's sources, if it has one.
    #[serde(default)]
    pub header: Option<String>,
    /// The word of `new` to look for there; the first one, if not given.
    #[serde(default)]
    pub word: Option<String>,
    /// Why it is not enough to put the new name in the place of the old one.
    #[serde(default)]
    pub note: Option<String>,
    /// It is still there and takes other arguments now: only a complaint about
    /// arguments concerns it.
    #[serde(default)]
    pub changed: bool,
}

/// The table, ready to be asked.
pub(super) struct Hints {
    rows: HashMap<String, Replaced>,
}

impl Hints {
    /// The table that travels with the program.
    pub(super) fn new() -> Self {
        let table: Result<Table, _> = toml::from_str(TABLE);
        let rows = table.map(|table| table.name).unwrap_or_default();
        Self { rows: rows.into_iter().map(|row| (row.old.clone(), row)).collect() }
    }

    /// What replaced the name that a compiler's error is about.
    pub(super) fn about(&self, line: &str) -> Option<String> {
        // gcc quotes as the terminal's language does.
        let line = line.replace(['‘', '’'], "'");
        let message = line.split_once("error: ")?.1;
        let quoted: Vec<&str> = message.split('\'').skip(1).step_by(2).collect();
        let about_arguments = ["arguments", "incompatible", "assignment of read-only"]
            .iter()
            .any(|sign| message.contains(sign));
        let strip =
            |word: &str| word.trim_start_matches("const ").trim_start_matches("struct ").to_owned();
        let mut names: Vec<String> = Vec::new();
        // A member, with its struct: in gcc's order, then in clang's.
        if let [first, second, ..] = quoted[..] {
            names.push(format!("{}.{second}", strip(first)));
            names.push(format!("{}.{first}", strip(second)));
        }
        names.extend(message.split(": ").next().map(|header| header.trim_matches('\'').to_owned()));
        for text in &quoted {
            names.push((*text).to_owned());
            names.push(strip(text));
        }
        names
            .iter()
            .find_map(|name| self.rows.get(name))
            .filter(|row| !row.changed || about_arguments)
            .map(Replaced::sentence)
    }

    /// What is known of a symbol that nothing exports.
    pub(super) fn name(&self, name: &str) -> Option<String> {
        self.rows.get(name).map(Replaced::sentence)
    }
}

impl Replaced {
    /// `hint: del_timer_sync is gone since Linux 6.15: use timer_delete_sync`.
    fn sentence(&self) -> String {
        let Self { old, new, since, note, changed, .. } = self;
        let what = if *changed { "changed in" } else { "is gone since" };
        let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        format!("hint: {old} {what} Linux {since}: use {new}{note}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_read_and_stands_once() {
        let table: Table = toml::from_str(TABLE).unwrap();
        assert!(table.name.len() >= 40, "{}", table.name.len());
        let mut names: Vec<_> = table.name.iter().map(|row| &row.old).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), table.name.len());
    }

    #[test]
    fn the_errors_of_both_compilers_find_their_row() {
        let hints = Hints::new();
        for (line, new) in [
            (
                "old.c:9:2: error: implicit declaration of function 'del_timer_sync'; did you mean 'x'?",
                "timer_delete_sync",
            ),
            (
                "old.c:9:2: error: call to undeclared function 'del_timer_sync'; ISO C99",
                "timer_delete_sync",
            ),
            ("old.c:9:2: error: ‘no_llseek’ undeclared here (not in a function)", "noop_llseek"),
            ("old.c:9:2: error: use of undeclared identifier 'no_llseek'", "noop_llseek"),
            (
                "old.c:3:10: fatal error: asm/semaphore.h: No such file or directory",
                "linux/semaphore.h",
            ),
            ("old.c:3:10: fatal error: 'asm/semaphore.h' file not found", "linux/semaphore.h"),
            (
                "old.c:9:9: error: 'struct task_struct' has no member named 'state'; did you mean 'stack'?",
                "READ_ONCE",
            ),
            ("old.c:9:9: error: no member named 'state' in 'struct task_struct'", "READ_ONCE"),
            (
                "old.c:9:9: error: too many arguments to function 'class_create'",
                "class_create(name)",
            ),
        ] {
            let hint = hints.about(line).unwrap_or_default();
            assert!(hint.contains(new), "{line}: {hint}");
        }
        assert_eq!(hints.about("x.c:1:1: error: implicit declaration of function 'mine'"), None);
        assert_eq!(hints.about("x.c:1:1: error: 'class_create' undeclared"), None);
        assert_eq!(hints.about("x.c:1:1: warning: 'del_timer_sync'"), None);
    }
}
