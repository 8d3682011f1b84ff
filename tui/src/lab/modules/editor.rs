// SPDX-License-Identifier: MIT OR Apache-2.0
//! What editors read to know how a folder's sources are compiled:
//! `compile_commands.json` for clangd, `rust-project.json` for rust-analyzer.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::linux::Kernel;
use super::super::paths::lossy;
use super::super::program::{self, Program};
use super::super::progress::Progress;
use super::compile;
use super::stage::Stage;

/// One source and how it is compiled, as clangd wants it
/// (<https://clang.llvm.org/docs/JSONCompilationDatabase.html>).
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Command {
    #[serde(serialize_with = "lossy")]
    directory: PathBuf,
    #[serde(serialize_with = "lossy")]
    file: PathBuf,
    command: String,
}

/// Writes both files into `folder`, whose modules were built for `kernel`;
/// rust-project.json only where there is Rust. Returns what was written.
///
/// # Errors
/// A file can't be written, or the kernel's script for rust-analyzer fails.
pub fn write(
    kernel: &Kernel,
    folder: &Path,
    progress: &mut dyn Progress,
) -> BuildResult<Vec<PathBuf>> {
    let stage = super::staged(kernel, folder)?;
    let mut written = Vec::new();
    let commands = commands(&stage);
    if !commands.is_empty() {
        let path = stage.folder.join("compile_commands.json");
        cache::write_json(&path, &commands)?;
        written.push(path);
    }
    let rust =
        stage.sources.iter().any(|seen| seen.path.extension().is_some_and(|end| end == "rs"));
    if rust {
        if program::find("python3").is_none() {
            return Err(BuildError::Missing(vec![
                "python3, which the kernel's script for rust-analyzer needs".into(),
            ]));
        }
        let mut make = compile::command(kernel, &stage)?;
        make.arg("rust-analyzer");
        Program::new(make, "describing the Rust sources for rust-analyzer").run(progress)?;
        let made = stage.copy.join("rust-project.json");
        let text = fs::read_to_string(&made).map_err(BuildError::on("read", &made))?;
        let path = stage.folder.join("rust-project.json");
        cache::write(&path, &in_the_folder(&stage, &text))?;
        written.push(path);
    }
    Ok(written)
}

/// The stage's paths are nobody's; those of the folder are edited.
fn in_the_folder(stage: &Stage, text: &str) -> String {
    text.replace(&*stage.copy.to_string_lossy(), &stage.folder.to_string_lossy())
}

/// Every C source of the folder that was compiled.
fn commands(stage: &Stage) -> Vec<Command> {
    let mut found = Vec::new();
    let mut folders = vec![stage.copy.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path())
        {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(".o.cmd") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                found.extend(command(stage, &text));
            }
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    found
}

/// How a C source was compiled, by the note that Kbuild left about its object.
fn command(stage: &Stage, note: &str) -> Option<Command> {
    let line = note.lines().find_map(|line| line.strip_prefix("savedcmd_"))?;
    let (_, command) = line.split_once(" := ")?;
    // Behind a semicolon objtool and others go on.
    let command = command.split(" ; ").next()?.trim();
    let source = command.split_whitespace().last()?;
    if !source.ends_with(".c") || source.ends_with(".mod.c") {
        return None;
    }
    let below = Path::new(source).strip_prefix(&stage.copy).unwrap_or(Path::new(source));
    let file = stage.folder.join(below);
    (file.starts_with(&stage.folder) && file.is_file()).then(|| Command {
        directory: stage.folder.clone(),
        file,
        command: in_the_folder(stage, command),
    })
}
