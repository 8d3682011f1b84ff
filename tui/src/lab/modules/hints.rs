// SPDX-License-Identifier: MIT OR Apache-2.0
//! What became of names that books, courses and tutorials use and that the
//! kernel no longer has: said beside the compiler's error about them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::declared;

/// The table of names.
pub const TABLE: &str = include_str!("../../../../assets/kernel/replaced.toml");

/// The whole table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Names that are gone.
    pub name: Vec<Replaced>,
    /// Names that are there with an option only.
    pub option: Vec<Optional>,
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

/// The table, ready to be asked.
pub(super) struct Hints {
    rows: HashMap<String, Hint>,
    /// The kernel's sources.
    tree: PathBuf,
}

/// What the kernel says of the mode of a file or parameter that everybody may write.
const WRITABLE_BY_ALL: &str = "& 2 is true";

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
        for Optional { name, option, .. } in table.option {
            let sentence = format!(
                "hint: {name} is there with {option}=y only: ringside kernel set {option}=y"
            );
            rows.insert(name, Hint { sentence, changed: false });
        }
        Self { rows, tree: tree.to_owned() }
    }

    /// What replaced the name that a compiler's error is about.
    pub(super) fn about(&self, line: &str) -> Option<String> {
        // gcc quotes as the terminal's language does, macros otherwise, and clang once more.
        let line = line.replace(['‘', '’', '"'], "'");
        let message = line.split_once("error: ")?.1;
        let quoted: Vec<&str> = message.split('\'').skip(1).step_by(2).collect();
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
            names.push(tight(text));
        }
        if message.contains(WRITABLE_BY_ALL) {
            return Some(
                "hint: what everybody may write is refused since Linux 3.16: 0664 or 0644 in place \
                 of 0666"
                    .into(),
            );
        }
        let about_arguments = is_about_arguments(message);
        match names.iter().find_map(|name| self.rows.get(name)) {
            Some(hint) => Some(hint)
                .filter(|hint| !hint.changed || about_arguments)
                .map(|h| h.sentence.clone()),
            None => self.undeclared(message, quoted.first()?),
        }
    }

    /// The header that is missing, where a function is not declared.
    fn undeclared(&self, message: &str, name: &str) -> Option<String> {
        const SIGNS: [&str; 3] =
            ["implicit declaration of function", "call to undeclared function", "' undeclared"];
        let word = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !word || !SIGNS.iter().any(|sign| message.contains(sign)) {
            return None;
        }
        let header = declared::header(&self.tree, name)?;
        Some(format!("hint: {name} is declared in {header}: #include <{header}>"))
    }

    /// The same, where the error names nothing and the line of the source below it
    /// does: `invalid use of void expression`, `storage size of 'tv' isn't known`.
    pub(super) fn in_source(&self, error: &str, source: &str) -> Option<String> {
        const SIGNS: [&str; 6] = [
            "void expression",
            "void value",
            "'void'",
            "incomplete type",
            "storage size",
            "arguments",
        ];
        let message = error.split_once("error: ")?.1;
        if !SIGNS.iter().any(|sign| message.contains(sign)) {
            return None;
        }
        source
            .split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
            .find_map(|word| self.rows.get(word))
            .map(|hint| hint.sentence.clone())
    }

    /// What is known of a symbol that nothing exports.
    pub(super) fn name(&self, name: &str) -> Option<String> {
        self.rows.get(name).map(|hint| hint.sentence.clone())
    }
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
        let hints = Hints::new(Path::new("/nowhere"));
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
            (
                "a.c:1:1: error: assignment to ‘char * (*)(const struct device *, umode_t *)’ \
                 {aka ‘x’} from incompatible pointer type ‘char * (*)(struct device *, umode_t *)’",
                "char *devnode(const struct device *dev",
            ),
            (
                "a.c:1:1: error: incompatible function pointer types initializing \
                 'void (*)(struct platform_device *)' with an expression of type \
                 'int (struct platform_device *)'",
                "void remove(struct platform_device *pdev)",
            ),
            (
                "a.c:1:1: error: macro \"access_ok\" passed 3 arguments, but takes just 2",
                "access_ok",
            ),
            (
                "/k/compiler.h:200:67: error: static assertion failed: \"(0666) & 2 is true\"",
                "0664",
            ),
            (
                "a.c:1:1: error: ‘struct ftrace_ops’ has no member named ‘func’",
                "ringside kernel set CONFIG_FUNCTION_TRACER=y",
            ),
        ] {
            let hint = hints.about(line).unwrap_or_default();
            assert!(hint.contains(new), "{line}: {hint}");
        }
        for (error, source, new) in [
            ("invalid use of void expression", " if (!debugfs_create_u32(a, 0, b, &c))", "nothing"),
            ("storage size of ‘tv’ isn’t known", "  struct timeval tv;", "timespec64"),
            ("variable has incomplete type 'struct timeval'", "struct timeval tv;", "timespec64"),
        ] {
            let error = format!("a.c:1:1: error: {error}");
            let hint = hints.in_source(&error, source).unwrap_or_default();
            assert!(hint.contains(new), "{error}: {hint}");
        }
        assert_eq!(hints.in_source("a.c:1:1: error: expected ';'", "struct timeval tv"), None);
        assert_eq!(hints.about("x.c:1:1: error: implicit declaration of function 'mine'"), None);
        assert_eq!(hints.about("x.c:1:1: error: 'class_create' undeclared"), None);
        assert_eq!(hints.about("x.c:1:1: warning: 'del_timer_sync'"), None);
    }
}
