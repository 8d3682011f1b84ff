// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which names a module can have.

use super::language::Language;

/// The longest name of a module in bytes: `MODULE_NAME_LEN` of the kernel, less
/// the NUL.
pub const NAME_MAX: usize = 55;

/// Why a name can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name is empty")]
    Empty,
    /// It holds something else than letters, digits and `_`, or begins with a digit.
    #[error(
        "a name is of small letters a to z, digits and _, and begins with no digit{}",
        hint(suggestion)
    )]
    Letters {
        /// The nearest name that can be had, if there is one.
        suggestion: Option<String>,
    },
    /// It is longer than [`NAME_MAX`].
    #[error("it has {0} characters, and the kernel takes {NAME_MAX}")]
    Long(usize),
    /// A word of Rust, or a crate of the kernel.
    #[error("it is a word of Rust's, or a crate of the kernel's; C could have it (--c)")]
    Rust,
    /// The kernel has it built in.
    #[error("the kernel has a part of that name, and would refuse a second one")]
    BuiltIn,
    /// One of Ringside's own.
    #[error("Ringside has a module of that name, which `ringside load` would take for it")]
    Ours,
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|name| format!("; {name} would do")).unwrap_or_default()
}

/// What can't name a crate in the kernel: keywords, and the crates there are.
const RUST: [&str; 67] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "bindings",
    "box",
    "break",
    "build_error",
    "compiler_builtins",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "ffi",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "kernel",
    "let",
    "loop",
    "macro",
    "macros",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "pin_init",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "ringside",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "support",
    "syn",
    "test",
    "tests",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "uapi",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "yield",
];

/// Checks a name against the kernel's rules and the names `taken` in it.
pub(super) fn check(name: &str, language: Language, taken: &[String]) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if !is_plain(name) {
        let changed: String = name.to_lowercase().replace(['-', ' ', '.'], "_");
        return Err(NameError::Letters { suggestion: Some(changed).filter(|name| is_plain(name)) });
    }
    if name.len() > NAME_MAX {
        return Err(NameError::Long(name.len()));
    }
    if language == Language::Rust && RUST.contains(&name) {
        return Err(NameError::Rust);
    }
    if ringside_uapi::module(name).is_some() {
        return Err(NameError::Ours);
    }
    if taken.iter().any(|taken| taken == name) {
        return Err(NameError::BuiltIn);
    }
    Ok(())
}

fn is_plain(name: &str) -> bool {
    name.chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_kernel_or_its_crates_have_are_refused_with_the_reason() {
        let taken = ["usbcore".to_owned()];
        let refused = |name: &str| check(name, Language::Rust, &taken).unwrap_err();
        assert_eq!(refused(""), NameError::Empty);
        assert_eq!(refused("loop"), NameError::Rust);
        assert_eq!(refused("usbcore"), NameError::BuiltIn);
        assert_eq!(refused("my_name"), NameError::Ours);
        assert_eq!(refused(&"x".repeat(56)), NameError::Long(56));
        assert!(refused("My-Mod").to_string().ends_with("; my_mod would do"));
        for name in ["1st", "_hidden", "größe", "a/b", ".", ".."] {
            assert_eq!(refused(name), NameError::Letters { suggestion: None }, "{name}");
        }
        assert_eq!(check(&"x".repeat(55), Language::Rust, &taken), Ok(()));
        assert_eq!(check("loop", Language::C, &[]), Ok(()));
    }
}
