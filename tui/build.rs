// SPDX-License-Identifier: MIT OR Apache-2.0
//! Gathers the files that the program carries with it, as tables of their
//! paths and texts. A macro could not see a file that is new.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let repository = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("..");
    let mut code = String::new();
    for (name, doc, folder, kinds) in [
        (
            "KERNEL_PATCHES",
            "Patches to the kernel, in the order they apply: name and text.",
            "assets/kernel",
            &["patch"][..],
        ),
        (
            "MODULES",
            "Our modules' sources: path below modules/ and text.",
            "modules",
            &["rs", "c", "h", "Kbuild", "Makefile"][..],
        ),
        (
            "UAPI",
            "The contract that they share with user space: path below uapi/src/ and text.",
            "uapi/src",
            &["rs"][..],
        ),
        (
            "EXPERIMENTS",
            "The experiments, in the order in which they teach: name of the file and text.",
            "assets/experiments",
            &["toml"][..],
        ),
        (
            "EXPERIMENT_MODULES",
            "The modules that only experiments load: path below their folder and text.",
            "assets/experiments/modules",
            &["c", "Kbuild"][..],
        ),
    ] {
        let folder = repository.join(folder);
        let mut files = Vec::new();
        gather(&folder, kinds, &mut files)?;
        files.sort();
        writeln!(code, "/// {doc}\npub(crate) static {name}: &[(&str, &str)] = &[")?;
        for file in files {
            let path = file.strip_prefix(&folder)?;
            writeln!(code, "    ({path:?}, include_str!({:?})),", file.canonicalize()?)?;
        }
        writeln!(code, "];")?;
    }
    fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("embedded.rs"), code)?;
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

/// All files below `folder` whose extension, or name, is one of `kinds`.
fn gather(folder: &Path, kinds: &[&str], files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let kind = path.extension().or(path.file_name()).and_then(|kind| kind.to_str());
        if hidden || path.is_symlink() {
            // What Kbuild leaves in a source folder is none of ours.
        } else if path.is_dir() {
            gather(&path, kinds, files)?;
        } else if kind.is_some_and(|kind| kinds.contains(&kind)) && !generated(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Kbuild's own: `my_name.mod.c`, and the table that support/layout.c makes.
fn generated(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".mod.c") || name.ends_with("_generated.rs")
}
