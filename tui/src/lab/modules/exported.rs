// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel's top Makefile exports to the Makefiles that build modules.
//!
//! For each build it asks the compiler about two dozen options again, which takes
//! longer than a small module takes to compile. The answers depend on the kernel and
//! the tools only, so they are kept, and a build begins where the top Makefile has
//! ended.

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::linux::{self, Kernel};
use super::super::program::{self, Program};
use super::super::progress::{Event, Progress, Stop};
use super::super::seen::Seen;
use super::stage::Stage;
use super::tools;

/// Beside the modules of one kernel.
const FILE: &str = "exported.json";
/// What the top Makefile is run on: a folder that builds nothing and writes down
/// what it was given.
const KBUILD: &str = "ringside := $(shell env -0 > exported)\n";
const KBUILD_RESULT: &str = "exported";
/// The makefile that goes on from there.
const MODULES: &str = include_str!("modules.mk");
/// What make tells the makes that it runs.
const MAKES_OWN: [&str; 6] =
    ["MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKE", "MAKE_TERMOUT", "MAKE_TERMERR"];
/// What the caller's environment must give the tools to be found.
const GIVEN: [&str; 4] = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"];

/// The variables, and what they depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exported {
    /// The make arguments and the folder of the kernel.
    kernel: Vec<String>,
    /// The kernel's own files and the tools.
    seen: Vec<Seen>,
    /// The folder of modules that they were exported for.
    folder: String,
    variables: BTreeMap<String, String>,
}

impl Exported {
    /// Those of `kernel`, kept in `place` between builds. `None`: they could not be
    /// had, which is no reason not to build.
    pub(super) fn of(kernel: &Kernel, place: &Path, progress: &dyn Progress) -> Option<Self> {
        let kept = cache::read_json::<Self>(&place.join(FILE));
        if let Some(kept) = kept.filter(|kept| kept.current(kernel)) {
            return Some(kept);
        }
        let asked = Self::ask(kernel, place, progress);
        let exported =
            asked.map_err(|error| tracing::warn!("exported variables: {error}")).ok()??;
        if let Err(error) = cache::write_json(&place.join(FILE), &exported) {
            tracing::warn!("exported variables: {error}");
        }
        Some(exported)
    }

    fn current(&self, kernel: &Kernel) -> bool {
        self.kernel == identity(kernel)
            && self.seen.iter().map(|seen| seen.path.clone()).eq(read(kernel))
            && self.seen.iter().all(Seen::unchanged)
    }

    fn ask(kernel: &Kernel, place: &Path, progress: &dyn Progress) -> BuildResult<Option<Self>> {
        std::fs::create_dir_all(place).map_err(BuildError::on("make", place))?;
        // Two builds may ask at once.
        let folder = tempfile::tempdir_in(place).map_err(BuildError::on("make", place))?;
        let folder = folder.path();
        cache::write(&folder.join("Kbuild"), KBUILD)?;
        let seen = read(kernel).iter().filter_map(|path| Seen::now(path)).collect();
        let mut command = linux::make(&kernel.source_dir, &kernel.build_dir);
        let given = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .chain(GIVEN.iter().filter_map(|name| Some(((*name).into(), std::env::var_os(name)?))))
            .collect::<Vec<_>>();
        // What else is in the caller's environment is nothing to keep.
        command.env_clear().envs(given.iter().cloned());
        command.args(tools::arguments(kernel)).arg(format!("M={}", folder.display()));
        command.arg("modules");
        Program::new(command, "asking for a kernel's flags").run(&mut Quietly(progress))?;
        let result = folder.join(KBUILD_RESULT);
        let bytes = std::fs::read(&result).map_err(BuildError::on("read", &result))?;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(None) };
        let variables: BTreeMap<String, String> = text
            .split('\0')
            .filter_map(|line| line.split_once('='))
            .filter(|(name, value)| {
                let given = given.iter().any(|(given, same)| given == name && same == value);
                !given && !MAKES_OWN.contains(name)
            })
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        // Without them nothing can be built in their place.
        if !["srctree", "KBUILD_CFLAGS", "KBUILD_EXTMOD"].iter().all(|x| variables.contains_key(*x))
        {
            return Ok(None);
        }
        let folder = folder.display().to_string();
        Ok(Some(Self { kernel: identity(kernel), seen, folder, variables }))
    }

    /// make for all modules of the staged folder, without its arguments.
    ///
    /// # Errors
    /// Its makefile can't be written.
    pub(super) fn make(&self, stage: &Stage, place: &Path, flags: &Flags) -> BuildResult<Command> {
        let makefile = place.join("modules.mk");
        // Not written where it is: another build may read it.
        if std::fs::read(&makefile).ok().as_deref() != Some(MODULES.as_bytes()) {
            cache::write(&makefile, MODULES)?;
        }
        let mut command = Command::new("make");
        linux::without_settings(&mut command);
        command.envs(self.environment(&stage.copy, flags));
        command.args(ALONE).arg(makefile);
        Ok(command)
    }

    /// The variables for a build of the folder `copy`.
    fn environment(&self, copy: &Path, flags: &Flags) -> impl Iterator<Item = (String, String)> {
        let copy = copy.display().to_string();
        self.variables.iter().map(move |(name, value)| {
            let value = value.replace(&self.folder, copy.trim_end_matches('/'));
            // The top Makefile puts the caller's flags behind its own.
            let more = match name.as_str() {
                "KBUILD_CFLAGS" => &*flags.c,
                "KBUILD_RUSTFLAGS" => &*flags.rust,
                _ => "",
            };
            (name.clone(), format!("{value} {more}").trim_end().to_owned())
        })
    }
}

/// What a make without the kernel's top Makefile is told before its makefile.
const ALONE: [&str; 4] = ["-r", "-R", "--no-print-directory", "-f"];

/// How modules are built where no folder is staged: in a guest, say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The text of the makefile.
    pub makefile: &'static str,
    /// What the kernel's top Makefile would export.
    pub environment: Vec<(String, String)>,
    /// What make is told, before and behind the path of the makefile.
    pub arguments: [Vec<String>; 2],
}

/// How the modules of `folder` are built for `kernel` without its top Makefile, which
/// asks the compiler about dozens of options first; what it said is kept in `place`.
/// `None`: that could not be had, so the top Makefile is to be run.
pub fn recipe(
    kernel: &Kernel,
    place: &Path,
    folder: &Path,
    progress: &dyn Progress,
) -> Option<Recipe> {
    let exported = Exported::of(kernel, place, progress)?;
    let [c, rust] = tools::DEBUG_INFO.map(str::to_owned);
    let mut arguments = tools::arguments(kernel);
    arguments.push(format!("M={}", folder.display()));
    Some(Recipe {
        makefile: MODULES,
        environment: exported.environment(folder, &Flags { c, rust }).collect(),
        arguments: [ALONE.map(str::to_owned).into(), arguments],
    })
}

/// The caller's flags for the compilers.
pub(super) struct Flags {
    pub(super) c: String,
    pub(super) rust: String,
}

fn identity(kernel: &Kernel) -> Vec<String> {
    let mut all = vec![kernel.release.clone(), kernel.hash.clone()];
    all.extend([&kernel.build_dir, &kernel.source_dir].map(|path| path.display().to_string()));
    all.extend(tools::arguments(kernel));
    all
}

/// The files that the answers come from.
fn read(kernel: &Kernel) -> Vec<PathBuf> {
    let mut all = vec![
        kernel.source_dir.join("Makefile"),
        kernel.source_dir.join("arch/x86/Makefile"),
        kernel.build_dir.join("include/config/auto.conf"),
    ];
    let arguments = tools::arguments(kernel);
    let tools = arguments.iter().filter_map(|argument| argument.split_once('='));
    all.extend(tools.filter_map(|(_, tool)| match Path::new(tool).is_absolute() {
        true => Some(tool.into()),
        false => program::find(tool),
    }));
    all.retain(|path| path.is_file());
    all
}

/// Nobody needs to see it, but it can be stopped.
struct Quietly<'a>(&'a dyn Progress);

impl Progress for Quietly<'_> {
    fn report(&mut self, _: Event) {}

    fn stop(&self) -> Stop {
        self.0.stop()
    }

    fn locks(&self) -> Vec<RawFd> {
        self.0.locks()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;

    use super::*;
    use crate::lab::flavour::Flavour;
    use crate::lab::modules::sources::Sources;

    /// A kernel of empty files in `folder`.
    fn kernel(folder: &Path) -> Kernel {
        let [build_dir, source_dir] = ["build", "source"].map(|name| folder.join(name));
        for file in
            ["source/Makefile", "source/arch/x86/Makefile", "build/include/config/auto.conf"]
        {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        Kernel {
            flavour: Flavour::Lab,
            image: "/nowhere".into(),
            vmlinux: "/nowhere".into(),
            release: "7.3.4-ringside-lab-0".into(),
            build_dir,
            source_dir,
            make_arguments: vec![format!("RUSTC={}", folder.join("rustc").display())],
            hash: "0".into(),
        }
    }

    fn exported(kernel: &Kernel) -> Exported {
        let variables = [
            ("KBUILD_EXTMOD", "/cache/.asked"),
            ("KBUILD_CFLAGS", "-O2 -fmacro-prefix-map=/cache/.asked/="),
            ("KBUILD_RUSTFLAGS", "-O"),
            ("ARCH", "x86_64"),
        ];
        Exported {
            kernel: identity(kernel),
            seen: read(kernel).iter().filter_map(|path| Seen::now(path)).collect(),
            folder: "/cache/.asked".into(),
            variables: variables.map(|(name, value)| (name.into(), value.into())).into(),
        }
    }

    #[test]
    fn what_was_exported_is_asked_again_for_another_kernel_or_tool() {
        let folder = tempfile::tempdir().unwrap();
        let rustc = folder.path().join("rustc");
        fs::write(&rustc, "1").unwrap();
        let mut kernel = kernel(folder.path());
        let kept = exported(&kernel);
        assert!(kept.current(&kernel));
        fs::write(kernel.build_dir.join("include/config/auto.conf"), "CONFIG_X=y").unwrap();
        assert!(!kept.current(&kernel));
        let kept = exported(&kernel);
        assert!(kept.current(&kernel));
        fs::write(&rustc, "another").unwrap();
        assert!(!kept.current(&kernel));
        let kept = exported(&kernel);
        fs::remove_file(&rustc).unwrap();
        assert!(!kept.current(&kernel));
        let kept = exported(&kernel);
        kernel.hash = "1".into();
        assert!(!kept.current(&kernel));
    }

    #[test]
    fn a_folder_gets_the_variables_with_its_own_place_and_the_callers_flags_last() {
        let folder = tempfile::tempdir().unwrap();
        let kernel = kernel(folder.path());
        let source = folder.path().join("mine");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("Kbuild"), "obj-m += x.o\n").unwrap();
        let output = folder.path().join("output");
        let stage = Sources::find(&source).unwrap().stage(&output).unwrap();
        let flags = Flags { c: "-g -fx".into(), rust: "-Cdebuginfo=2".into() };
        let made = exported(&kernel).make(&stage, folder.path(), &flags).unwrap();
        let value = |wanted: &str| {
            let mut all = made.get_envs();
            let (_, value) = all.find(|(name, _)| *name == OsStr::new(wanted)).unwrap();
            value.unwrap().to_str().unwrap().to_owned()
        };
        let copy = stage.copy.display().to_string();
        let copy = copy.trim_end_matches('/');
        assert_eq!(value("KBUILD_EXTMOD"), copy);
        assert_eq!(value("KBUILD_CFLAGS"), format!("-O2 -fmacro-prefix-map={copy}/= -g -fx"));
        assert_eq!(value("KBUILD_RUSTFLAGS"), "-O -Cdebuginfo=2");
        assert_eq!(value("ARCH"), "x86_64");
    }
}
