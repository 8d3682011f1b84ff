// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the Kbuild files of a folder build, asked of make itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::linux::Kernel;
use super::super::program::Program;
use super::super::progress::Progress;
use super::limits::FILE_MAX;
use super::stage::Stage;
use crate::kernel::modinfo::module_name;

/// The makefile that prints a folder's modules.
const LIST: &str = include_str!("list.mk");
/// What its lines begin with.
const MARK: &str = "ringside: ";
/// How deep folders of modules may lie in each other.
const DEPTH_MAX: usize = 16;

/// A module that a folder builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Module {
    /// Its object without the ending, relative to the stage: `sub/my-mod`.
    pub(super) object: String,
    /// The objects it is linked from, if it is a composite.
    pub(super) parts: Vec<String>,
}

impl Module {
    /// The name that the kernel knows it by.
    pub(super) fn name(&self) -> String {
        module_name(&self.object)
    }
}

/// A program that works in `folder`, whose `PWD` says so: make does not set it,
/// and Makefiles use it.
pub(super) fn tool(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder).env("PWD", folder).env("LC_ALL", "C");
    for name in ["MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "M", "O", "V"] {
        command.env_remove(name);
    }
    command
}

/// What Makefiles call the kernel's build folder. Where they insist on being told, or
/// look into it, the answer is the kernel that is built for.
const BUILD_FOLDER: [&str; 12] = [
    "BASEINCLUDE",
    "KDIR",
    "KERNELDIR",
    "KERNEL_DIR",
    "KERNEL_HEADERS",
    "KERNEL_PATH",
    "KERNEL_SOURCE",
    "KERNEL_SRC",
    "KERN_DIR",
    "KSRC",
    "LINUX_DIR",
    "LINUX_SRC",
];

/// Tells the Makefiles that `command` reads where the kernel was built, by all names
/// that they have for it.
pub(super) fn name_kernel(command: &mut Command, kernel: &Kernel) {
    command.envs(BUILD_FOLDER.map(|name| (name, &kernel.build_dir)));
}

/// The file that Kbuild reads in `folder`.
pub(super) fn file(folder: &Path) -> Option<PathBuf> {
    ["Kbuild", "Makefile"].map(|name| folder.join(name)).into_iter().find(|path| path.is_file())
}

/// All modules that the staged folder and those below it build.
///
/// # Errors
/// make can't read a Kbuild file, two modules bear one name, or the caller
/// wants to stop.
pub(super) fn modules(
    kernel: &Kernel,
    stage: &Stage,
    output: &Path,
    progress: &mut dyn Progress,
) -> BuildResult<Vec<Module>> {
    let list = output.join("list.mk");
    cache::write(&list, LIST)?;
    let mut modules: Vec<Module> = Vec::new();
    let mut folders = vec![(String::new(), 0)];
    while let Some((below, depth)) = folders.pop() {
        let Some(file) = file(&stage.copy.join(&below)) else { continue };
        for line in ask(kernel, stage, &list, &file, &below, progress)? {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("module"), Some(name)) => modules.push(Module {
                    object: format!("{below}{name}"),
                    parts: words.map(|part| format!("{below}{part}")).collect(),
                }),
                (Some("folder"), Some(name)) if depth < DEPTH_MAX => {
                    folders.push((format!("{below}{}/", name.trim_end_matches('/')), depth + 1));
                }
                _ => {}
            }
        }
    }
    modules.sort_by(|a, b| a.object.cmp(&b.object));
    modules.dedup();
    for (index, module) in modules.iter().enumerate() {
        if let Some(other) = modules[..index].iter().find(|other| other.name() == module.name()) {
            return Err(BuildError::Folder {
                folder: stage.folder.clone(),
                why: format!(
                    "two of its modules have the name {}: {}.o and {}.o; the kernel tells \
                     modules apart by name only",
                    module.name(),
                    other.object,
                    module.object
                ),
            });
        }
    }
    Ok(modules)
}

/// What make prints for one folder.
fn ask(
    kernel: &Kernel,
    stage: &Stage,
    list: &Path,
    file: &Path,
    below: &str,
    progress: &mut dyn Progress,
) -> BuildResult<Vec<String>> {
    let folder = stage.copy.join(below.trim_end_matches('/'));
    let mut command = tool("make", &folder);
    name_kernel(&mut command, kernel);
    command.args(["-s", "-r", "-R", "--no-print-directory", "-f"]).arg(list);
    for (name, value) in [
        ("objtree", &kernel.build_dir),
        ("srctree", &kernel.source_dir),
        ("kbuild_file", &file.to_owned()),
        ("src", &folder),
        ("obj", &folder),
        ("M", &stage.copy),
        ("KBUILD_EXTMOD", &stage.copy),
    ] {
        command.arg(format!("{name}={}", value.display()));
    }
    command.arg(format!("KERNELRELEASE={}", kernel.release)).arg("ringside-nothing");
    let mut lines = Vec::new();
    let result =
        Program::new(command, format!("reading {}", stage.in_users_words(&file.to_string_lossy())))
            .file_max(FILE_MAX)
            .listen(|line, _| {
                // The Makefile may print, too.
                lines.extend(line.strip_prefix(MARK).map(str::to_owned));
                true
            })
            .run(progress);
    match result {
        Ok(()) => Ok(lines),
        Err(BuildError::Command { last, .. }) => {
            let telling = last.iter().find(|line| line.contains("***")).or(last.last());
            let why = telling.map(|line| stage.in_users_words(line)).unwrap_or_default();
            Err(BuildError::Folder {
                folder: stage.folder.clone(),
                why: format!("make can't read its Kbuild file: {why}"),
            })
        }
        Err(error) => Err(error),
    }
}
