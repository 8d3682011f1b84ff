// SPDX-License-Identifier: MIT OR Apache-2.0
//! A new module: a folder with one source file and a Kbuild file, which builds,
//! loads and shows something at once.

mod language;
mod name;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};

pub use language::Language;
pub use name::{NAME_MAX, NameError};

use super::flavour::Flavour;
use super::linux;
use crate::kernel::error::io_text;
use crate::kernel::modinfo::module_name;

const RUST: &str = include_str!("module.rs.in");
const C: &str = include_str!("module.c.in");

/// A module that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewModule {
    pub name: String,
    pub folder: PathBuf,
    /// Its one source file.
    pub source: PathBuf,
}

/// Why a module was not made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The kernel can't take the name.
    #[error("a module can't be called {name:?}: {why}")]
    Name { name: String, why: NameError },
    /// There is something of that name already.
    #[error("{} exists already, and is left as it is", folder.display())]
    Exists { folder: PathBuf },
    /// The folder or a file can't be made.
    #[error("make {}: {}", path.display(), io_text(source))]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Makes `folder` with a module in it that has the folder's name.
///
/// # Errors
/// The kernel can't take the name, the folder exists, or it can't be written;
/// then nothing of it is left.
pub fn make(folder: &Path, language: Language) -> Result<NewModule, NewError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name::check(&name, language, &built_in())
        .map_err(|why| NewError::Name { name: name.clone(), why })?;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| NewError::Io { path, source }
    };
    fs::create_dir(folder).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => NewError::Exists { folder: folder.to_owned() },
        _ => io(folder)(error),
    })?;
    let source = folder.join(format!("{name}.{}", language.ending()));
    for (path, text) in [
        (source.clone(), source_text(&name, language, &author())),
        (folder.join("Kbuild"), kbuild(&name, language)),
    ] {
        if let Err(error) = fs::write(&path, text) {
            // It is ours: it was made a moment ago.
            drop(fs::remove_dir_all(folder));
            return Err(io(&path)(error));
        }
    }
    Ok(NewModule { name, folder: folder.to_owned(), source })
}

/// The names of what is built into the kernels that there are: a module of such
/// a name is refused when it is loaded.
fn built_in() -> Vec<String> {
    let mut names = Vec::new();
    for kernel in [Flavour::Lab, Flavour::Debug].into_iter().filter_map(linux::built) {
        let read = |file: &str| fs::read(kernel.build_dir.join(file)).unwrap_or_default();
        let list = String::from_utf8_lossy(&read("modules.builtin")).into_owned();
        names.extend(list.lines().map(module_name));
        for field in read("modules.builtin.modinfo").split(|byte| *byte == 0) {
            let field = String::from_utf8_lossy(field);
            names.extend(field.split_once('.').map(|(name, _)| name.to_owned()));
        }
    }
    names.sort();
    names.dedup();
    names
}

fn source_text(name: &str, language: Language, author: &str) -> String {
    let template = match language {
        Language::Rust => RUST,
        Language::C => C,
    };
    template
        .replace("@NAME@", name)
        .replace("@TYPE@", &format!("{}Module", camel(name)))
        .replace("@AUTHOR@", author)
}

fn kbuild(name: &str, language: Language) -> String {
    let ending = language.ending();
    format!(
        "# SPDX-License-Identifier: GPL-2.0\n\
         # What Kbuild makes of this folder: the module {name}.ko, from {name}.{ending}.\n\
         obj-m := {name}.o\n"
    )
}

/// `my_name` as a type's name: `MyName`.
fn camel(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
    };
    name.split('_').map(capital).collect::<Vec<String>>().concat()
}

/// Whose module it is: the name of whoever runs this.
fn author() -> String {
    let user = User::from_uid(Uid::current()).ok().flatten();
    let names = user.map(|user| {
        let full = user.gecos.to_string_lossy().split(',').next().unwrap_or_default().to_owned();
        [full, user.name]
    });
    let plain = |name: &String| {
        !name.is_empty()
            && name.chars().all(|letter| letter.is_alphanumeric() || " .-_'".contains(letter))
    };
    names.into_iter().flatten().find(plain).unwrap_or_else(|| "Nobody".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_leaves_no_placeholder() {
        for language in [Language::Rust, Language::C] {
            let text = source_text("my_pulse", language, "A. Author");
            assert!(text.contains("my_pulse") && text.contains("A. Author"));
            assert!(!text.contains('@'), "{text}");
        }
        assert!(source_text("my_pulse", Language::Rust, "").contains("struct MyPulseModule {"));
    }

    #[test]
    fn what_exists_is_left_as_it_is() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("mine");
        fs::write(&folder, "kept").unwrap();
        let error = make(&folder, Language::C).unwrap_err();
        assert!(matches!(error, NewError::Exists { .. }), "{error}");
        assert_eq!(fs::read_to_string(&folder).unwrap(), "kept");
        let error = make(&top.path().join("none/mine"), Language::C).unwrap_err();
        assert!(error.to_string().ends_with("(ENOENT)"), "{error}");
    }
}
