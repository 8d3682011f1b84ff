// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of names that the kernel no longer has, as it stands in
//! `assets/kernel/replaced.toml`.

use serde::Deserialize;

/// The table of names.
pub const TABLE: &str = include_str!("../../../../../assets/kernel/replaced.toml");

/// The whole table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Names of C that are gone.
    pub name: Vec<Replaced>,
    /// Names of Rust that are gone.
    pub rust: Vec<Replaced>,
    /// Names that are there with an option only.
    pub option: Vec<Optional>,
}

/// A name that the kernel no longer has, or no longer in this shape.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// What is gone: a function, macro, type (`timeval`; `struct gpio` where the name
    /// alone is a common word), member (`task_struct.state`) or header
    /// (`asm/semaphore.h`); in Rust a path (`kernel::chrdev`), a type, a method
    /// (`Box::try_new`), a macro or a feature.
    pub old: String,
    /// What to write instead, as code.
    pub new: String,
    /// The version that no longer has it: `6.15`; `never` for what stood in trees
    /// beside Linux only.
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
    /// It is still there and takes or returns something else now: only a complaint
    /// about arguments or types concerns it.
    #[serde(default)]
    pub changed: bool,
    /// The type that is expected of a callback now.
    #[serde(default, rename = "type")]
    pub expected: Option<String>,
}

/// What is there only in a kernel with another option.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optional {
    /// A struct, function or macro.
    pub name: String,
    /// The option: `CONFIG_FUNCTION_TRACER`.
    pub option: String,
    /// The header that has both.
    pub header: String,
}

impl Replaced {
    /// `hint: del_timer_sync is gone since Linux 6.15: use timer_delete_sync`.
    pub(super) fn sentence(&self) -> String {
        let Self { old, new, since, note, changed, .. } = self;
        let what = match (since.as_str(), changed) {
            ("never", _) => "was never part of Linux".to_owned(),
            (since, true) => format!("changed in Linux {since}"),
            (since, false) => format!("is gone since Linux {since}"),
        };
        let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        format!("hint: {old} {what}: use {new}{note}")
    }
}

impl Optional {
    /// `hint: ftrace_ops is there with CONFIG_FUNCTION_TRACER=y only: ringside kernel set …`.
    pub(super) fn sentence(&self) -> String {
        let Self { name, option, .. } = self;
        format!("hint: {name} is there with {option}=y only: ringside kernel set {option}=y")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_read_and_stands_once() {
        let table: Table = toml::from_str(TABLE).unwrap();
        assert!(table.name.len() >= 40, "{}", table.name.len());
        for rows in [&table.name, &table.rust] {
            let mut names: Vec<_> = rows.iter().map(|row| &row.old).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), rows.len());
        }
    }
}
