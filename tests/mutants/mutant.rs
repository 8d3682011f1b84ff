// SPDX-License-Identifier: MIT OR Apache-2.0
//! One fault on purpose, and who catches it.

use std::path::{Path, PathBuf};

use super::{has_extension, repository};

/// A patch, which begins with a sentence, an empty line, and
/// `Caught by: SUITE: TEST, TEST`. A name that ends with `::` is every test in there.
#[derive(Clone)]
pub struct Mutant {
    pub name: String,
    pub patch: PathBuf,
    /// What goes wrong, in a sentence.
    pub fault: String,
    pub suite: Suite,
    pub tests: Vec<String>,
    /// It is one of the modules that has the fault, and nothing else.
    pub of_modules: bool,
}

/// A set of tests as cargo has it.
#[derive(Clone)]
pub enum Suite {
    /// The unit tests, which lie in the sources.
    Lib,
    /// A folder in `tests`.
    Tests(String),
}

impl Suite {
    /// As the patch names it.
    pub fn name(&self) -> &str {
        match self {
            Self::Lib => "lib",
            Self::Tests(name) => name,
        }
    }

    /// How cargo is told to run it.
    pub fn arguments(&self) -> Vec<&str> {
        match self {
            Self::Lib => vec!["--lib"],
            Self::Tests(name) => vec!["--test", name],
        }
    }

    /// Is there such a test? Looks for a function of that name, or where all in a
    /// module are meant, for its file.
    pub fn has(&self, test: &str) -> bool {
        let root = repository();
        let folder = match self {
            Self::Lib => root.join("tui/src"),
            Self::Tests(name) => root.join("tests").join(name),
        };
        let parts: Vec<&str> = test.split("::").collect();
        match parts.as_slice() {
            // Made by a macro, one for each program.
            ["c_programs", program] => root.join(format!("tests/c/{program}.c")).is_file(),
            [modules @ .., ""] => {
                let modules: PathBuf = modules.iter().filter(|part| **part != "tests").collect();
                folder.join(&modules).is_dir()
                    || folder.join(modules.with_extension("rs")).is_file()
            }
            [.., name] => sources(&folder).iter().any(|text| text.contains(&format!("fn {name}("))),
            [] => false,
        }
    }
}

/// The texts of all Rust files in a folder.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if has_extension(&path, "rs") {
            texts.push(std::fs::read_to_string(&path).expect("sources are text"));
        }
    }
    texts
}

/// All of them, by name.
pub fn all() -> Vec<Mutant> {
    let folder = repository().join("tests/mutants/patches");
    let mut mutants: Vec<Mutant> = std::fs::read_dir(folder)
        .expect("the patches are there")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| has_extension(path, "patch"))
        .map(|path| read(&path))
        .collect();
    mutants.sort_by(|one, other| one.name.cmp(&other.name));
    mutants
}

fn read(path: &Path) -> Mutant {
    let text = std::fs::read_to_string(path).expect("a patch is text");
    let mut faulty = text.lines().filter_map(|line| line.strip_prefix("+++ b/"));
    let of_modules = faulty.all(|file| file.starts_with("modules/"));
    let mut lines = text.lines();
    let fault = lines.next().unwrap_or_default().to_owned();
    let caught = lines.find_map(|line| line.strip_prefix("Caught by: "));
    let (suite, tests) = caught
        .and_then(|caught| caught.split_once(": "))
        .unwrap_or_else(|| panic!("{} does not say what catches it", path.display()));
    Mutant {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        patch: path.to_owned(),
        fault,
        suite: match suite {
            "lib" => Suite::Lib,
            name => Suite::Tests(name.to_owned()),
        },
        tests: tests.split(", ").map(str::to_owned).collect(),
        of_modules,
    }
}
