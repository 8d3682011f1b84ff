// SPDX-License-Identifier: MIT OR Apache-2.0
//! The errors of rustc about names that Linux's own crates no longer have.

use std::collections::HashMap;

use super::table::Replaced;
use super::words::words;

/// Errors that name nothing: the line of the source below them does.
const IN_SOURCE: [&str; 2] = ["generic argument", "expected string literal"];
/// The values of `module!` were byte strings before it was part of Linux.
const PLAIN_STRINGS: &str =
    "hint: the values of module! are plain strings: name: \"…\", not b\"…\"";

/// The rows of the table about Rust.
pub(super) struct RustHints {
    rows: HashMap<String, String>,
}

impl RustHints {
    pub(super) fn new(rows: &[Replaced]) -> Self {
        Self { rows: rows.iter().map(|row| (row.old.clone(), row.sentence())).collect() }
    }

    /// What became of the names in an error of rustc's, which is quoted in `'`
    /// where it was quoted at all, or in backticks.
    pub(super) fn about(&self, line: &str) -> Option<String> {
        let message = message(line)?;
        let quoted = quoted(message);
        let mut keys: Vec<String> = Vec::new();
        // `init` of trait `kernel::Module::init`, method `try_new` of struct `Box<T, A>`,
        // module `chrdev` of `kernel`.
        if let [first, second, ..] = quoted[..] {
            keys.push(format!("{second}::{first}"));
        }
        keys.extend(quoted.iter().flat_map(|name| with_paths_above(name)));
        let mut found: Vec<&str> = Vec::new();
        for hint in keys.iter().filter_map(|key| self.rows.get(key)) {
            let hint = if found.is_empty() { hint } else { hint.trim_start_matches("hint: ") };
            if !found.iter().any(|other| other.ends_with(hint)) {
                found.push(hint);
            }
        }
        (!found.is_empty()).then(|| found.join("; "))
    }

    /// The same, where only the line of the source below the error has the name.
    pub(super) fn in_source(&self, error: &str, source: &str) -> Option<String> {
        let message = message(error)?;
        if !IN_SOURCE.iter().any(|sign| message.contains(sign)) {
            return None;
        }
        if message.contains("string literal") {
            return source.contains("b\"").then(|| PLAIN_STRINGS.to_owned());
        }
        words(source).iter().find_map(|word| self.rows.get(*word)).cloned()
    }
}

/// What follows on `error: ` or `error[E0432]: ` at the beginning of a line, where
/// only rustc has it.
fn message(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("error")?;
    match rest.strip_prefix('[') {
        Some(code) => code.split_once("]: ").map(|(_, message)| message),
        None => rest.strip_prefix(": "),
    }
}

/// The quoted names of a message without their generic arguments.
fn quoted(message: &str) -> Vec<&str> {
    let names = message.split(['`', '\'']).skip(1).step_by(2);
    names.map(|name| name.split('<').next().unwrap_or(name)).collect()
}

/// `a::b::c`, `a::b`, `a`.
fn with_paths_above(name: &str) -> impl Iterator<Item = String> {
    std::iter::successors(Some(name), |path| path.rsplit_once("::").map(|(above, _)| above))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::table::{TABLE, Table};
    use super::*;

    #[test]
    fn names_of_rust_are_found_in_what_rustc_says_of_them() {
        let table: Table = toml::from_str(TABLE).unwrap();
        let hints = RustHints::new(&table.rust);
        for (line, new) in [
            ("error[E0432]: unresolved import `kernel::linked_list`", "kernel::list"),
            ("error[E0432]: unresolved import `kernel::file::Operations`", "kernel::fs"),
            ("error[E0433]: cannot find module or crate `chrdev` in `kernel`", "miscdevice"),
            ("error: unknown key 'author'. Valid keys are: ['type', 'name', 'authors']", "authors"),
            (
                "error[E0725]: the feature `allocator_api` is not in the list of allowed features",
                "GFP_KERNEL",
            ),
            (
                "error[E0050]: method `init` has 2 parameters but the declaration in trait \
                 `kernel::Module::init` has 1",
                "fn init(module: &'static ThisModule)",
            ),
            (
                "error[E0599]: no function or associated item named `try_new` found for struct \
                 `Box<T, A>` in the current scope",
                "KBox::new(value, GFP_KERNEL)",
            ),
        ] {
            let hint = hints.about(line).unwrap_or_default();
            assert!(hint.contains(new), "{line}: {hint}");
        }
        let both = hints.about("error[E0432]: unresolved imports `kernel::chrdev`, `kernel::file`");
        let both = both.unwrap();
        assert!(both.contains("kernel::chrdev was") && both.contains("; kernel::file "), "{both}");
        assert_eq!(both.matches("hint: ").count(), 1, "{both}");
        assert_eq!(hints.about("error[E0432]: unresolved import `kernel::mine`"), None);
        assert_eq!(hints.about("a.c:1:1: error: 'author' undeclared"), None);
        let error = "error[E0107]: struct takes 2 generic arguments but 1 was supplied";
        let hint = hints.in_source(error, "    _devs: Pin<Box<Mine>>,").unwrap();
        assert!(hint.contains("KBox"), "{hint}");
        let hint = hints.in_source("error: expected string literal", "    name: b\"mine\",");
        assert_eq!(hint.as_deref(), Some(PLAIN_STRINGS));
    }
}
