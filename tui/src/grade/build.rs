// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building a submission in a guest that sees the host's programs, the kernel's
//! build and the submission, and nothing else. What it makes comes out as bytes,
//! and is kept by what it was made from.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::guest::{Clock, Pace, Ran, program, start};
use super::spec::{Origin, Spec};
use super::submission::digest;
use crate::kernel::api::{IMAGE_MAX, ProgramEnd};
use crate::kernel::{Target, TargetError};
use crate::lab::cache;
use crate::lab::error::{LabError, LabResult};
use crate::lab::flavour::Flavour;
use crate::lab::linux::Kernel;
use crate::lab::modules::{DEBUG_INFO, recipe};
use crate::lab::options::{BootKernel, LabOptions};
use crate::lab::progress::{self, Progress, Stop};
use crate::lab::vm::share::HostFiles;
use crate::text::bytes::hex;

/// The kernels that tests name, and the lab kernel, on which everything is built.
pub type Kernels = BTreeMap<Flavour, Kernel>;

/// Memory of the guest that builds, in MiB: files that it writes lie in it, too.
const MEMORY_MIB: u32 = 2048;
/// What a build prints and is kept, in bytes.
const PRINTED_MAX: usize = 4 << 20;
/// More modules than a submission has.
const MODULES_MAX: usize = 64;
/// Lines that show why something was not built.
const LINES_MAX: usize = 24;
/// Of a build that is whole.
const STAMP: &str = "built.json";
/// The folders of what is built: as handed in, and what lies beside the description.
pub(super) const SUBMISSION: &str = "submission";
const SPEC: &str = "spec";

/// What was made of a submission for one kernel.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Built {
    /// Where it lies.
    #[serde(skip)]
    pub folder: PathBuf,
    /// What it was made from.
    #[serde(skip)]
    pub key: String,
    /// The modules that were made, by their names.
    pub modules: Vec<String>,
    /// Why something was not; empty where all was.
    pub why: String,
    /// The compiler's own words.
    pub lines: Vec<String>,
}

impl Built {
    /// A module's file.
    pub(super) fn image(&self, module: &str) -> Option<Vec<u8>> {
        let name = self.modules.iter().find(|name| same(name, module))?;
        fs::read(self.folder.join(format!("{name}.ko"))).ok()
    }
}

/// The kernel takes `-` in a module's name for `_`.
fn same(one: &str, other: &str) -> bool {
    one.replace('-', "_") == other.replace('-', "_")
}

/// Builds what lies unpacked in `unpacked`, unless that was done before.
///
/// # Errors
/// No guest can be had, or nobody wants it any more. That it does not compile is
/// no error.
pub(super) fn build(
    spec: &Spec,
    kernels: &Kernels,
    flavour: Flavour,
    unpacked: &Path,
    stop: &(dyn Fn() -> bool + Sync),
) -> LabResult<Built> {
    let root = cache::root().map_err(|error| LabError::Guest(error.to_string()))?;
    let kernel = kernels.get(&flavour).ok_or_else(|| no_kernel(flavour))?;
    let key = key(spec, kernel, unpacked)?;
    let place = root.join("graded/builds").join(&key);
    if let Some(built) = cache::read_json::<Built>(&place.join(STAMP)) {
        return Ok(Built { folder: place, key, ..built });
    }
    let folders = place.parent().unwrap_or(&root);
    fs::create_dir_all(folders).map_err(LabError::io(format!("make {}", folders.display())))?;
    // What is made lies under its name only once it is whole.
    let draft = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(folders)
        .map_err(LabError::io(format!("make a folder in {}", folders.display())))?;
    let site = Site { spec, kernels, kernel, unpacked, draft: draft.path(), stop };
    let (built, ended) = site.build()?;
    if !ended {
        // Whose fault that was is not sure enough to be kept.
        return Ok(Built { key, ..built });
    }
    cache::write_json(&draft.path().join(STAMP), &built)
        .map_err(|error| LabError::Guest(error.to_string()))?;
    match fs::rename(draft.path(), &place) {
        // The same was built beside us.
        Err(_) if place.join(STAMP).is_file() => {}
        renamed => renamed.map_err(LabError::io(format!("make {}", place.display())))?,
    }
    Ok(Built { folder: place, key, ..built })
}

fn no_kernel(flavour: Flavour) -> LabError {
    LabError::Guest(format!("there is no {flavour} kernel"))
}

/// Tells one build from another: the kernel, what is built, and how.
fn key(spec: &Spec, kernel: &Kernel, unpacked: &Path) -> LabResult<String> {
    let mut hash = Sha256::new();
    let build = serde_json::to_string(&spec.build)
        .map_err(|error| LabError::Guest(format!("write the description as JSON: {error}")))?;
    for part in [env!("CARGO_PKG_VERSION"), "2", &kernel.release, &build] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    for program in spec.build.programs.iter().filter(|program| program.from == Origin::Spec) {
        hash.update(source(spec, program.source.get_ref())?);
    }
    digest(unpacked, &mut hash).map_err(LabError::io(format!("read {}", unpacked.display())))?;
    Ok(hex(&hash.finalize()[..16]))
}

/// A file beside the description.
fn source(spec: &Spec, name: &str) -> LabResult<Vec<u8>> {
    let path = spec.folder.join(name);
    fs::read(&path).map_err(LabError::io(format!("read {}", path.display())))
}

/// A guest in which a submission is built.
struct Site<'a> {
    spec: &'a Spec,
    kernels: &'a Kernels,
    kernel: &'a Kernel,
    unpacked: &'a Path,
    draft: &'a Path,
    stop: &'a (dyn Fn() -> bool + Sync),
}

impl Site<'_> {
    /// What was built, and whether it came to its end.
    fn build(&self) -> LabResult<(Built, bool)> {
        let folder = match self.module_folder() {
            Ok(folder) => folder,
            Err(why) => return Ok((Built { why, ..Built::default() }, true)),
        };
        let work = self.work()?;
        let lab = self.kernels.get(&Flavour::Lab).ok_or_else(|| no_kernel(Flavour::Lab))?;
        // The quick kernel compiles for the other one, too.
        let boots =
            BootKernel { built: BootKernel::from(self.kernel).built, ..BootKernel::from(lab) };
        let root = cache::root().map_err(|error| LabError::Guest(error.to_string()))?;
        let options = LabOptions {
            host_files: HostFiles::System,
            memory_mib: Some(MEMORY_MIB),
            ..LabOptions::new(boots, work.path().to_owned(), root)
        };
        let mut guest = start(&options, self.stop)?;
        guest.may_die();
        let target = guest.target();
        let pace = Pace::new(guest.guest().machine.pid());
        let clock = Clock::new(&pace, self.spec.build.time_limit, self.stop);
        let made = self.in_guest(&target, work.path(), &folder, clock);
        // It has nothing that is to be kept.
        guest.kill();
        match made {
            Ok(built) => Ok((built, true)),
            Err(error @ TargetError::Cancelled) => Err(error.into()),
            Err(TargetError::Silent(_)) => {
                let seconds = self.spec.build.time_limit;
                let why = format!("its build had not ended after {seconds} s");
                Ok((Built { why, ..Built::default() }, false))
            }
            Err(error) => {
                let why = format!("its build ended the guest: {error}");
                Ok((Built { why, ..Built::default() }, false))
            }
        }
    }

    /// A folder with the submission and what lies beside the description.
    fn work(&self) -> LabResult<tempfile::TempDir> {
        let work = tempfile::Builder::new()
            .prefix(super::FOLDER)
            .tempdir()
            .map_err(LabError::io("make a folder"))?;
        copy(self.unpacked, &work.path().join(SUBMISSION))?;
        for program in &self.spec.build.programs {
            if program.from == Origin::Spec {
                let path = work.path().join(SPEC).join(program.source.get_ref());
                let doing = format!("write {}", path.display());
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).map_err(LabError::io(doing.clone()))?;
                }
                let text = source(self.spec, program.source.get_ref())?;
                fs::write(&path, text).map_err(LabError::io(doing))?;
            }
        }
        Ok(work)
    }

    /// The folder with the modules, below the submission's.
    fn module_folder(&self) -> Result<PathBuf, String> {
        if let Some(named) = &self.spec.build.folder {
            let folder = self.unpacked.join(named);
            return match makefile(&folder) {
                true => Ok(named.into()),
                false => Err(format!("it has no folder {named} with a Kbuild file or Makefile")),
            };
        }
        let mut level = vec![PathBuf::new()];
        while !level.is_empty() {
            level.sort();
            if let Some(found) = level.iter().find(|below| makefile(&self.unpacked.join(below))) {
                return Ok(found.clone());
            }
            let below = |folder: &PathBuf| {
                let entries =
                    fs::read_dir(self.unpacked.join(folder)).into_iter().flatten().flatten();
                let folders = entries.filter(|entry| entry.path().is_dir());
                folders.map(|entry| folder.join(entry.file_name())).collect::<Vec<_>>()
            };
            level = level.iter().flat_map(below).collect();
        }
        Err("it has no Kbuild file and no Makefile with a line like `obj-m += my_module.o`".into())
    }

    fn in_guest(
        &self,
        target: &Arc<dyn Target>,
        work: &Path,
        folder: &Path,
        clock: Clock<'_>,
    ) -> Result<Built, TargetError> {
        let copied = work.join(SUBMISSION);
        let folder = copied.join(folder);
        let with = |command: &[String], more: &Environment, most| {
            let directory = folder.as_os_str().as_bytes();
            program(target, command, (directory, more), Vec::new(), most, clock)
        };
        let run = |command: &[String], most| with(command, &Environment::new(), most);
        let mut built = Built::default();
        let (make, environment) = self.make(work, &folder)?;
        let ran = with(&make, &environment, PRINTED_MAX)?;
        let shown = |ran: &Ran| complaints(ran, &copied, &work.join(SPEC));
        if ran.end != ProgramEnd::Exited(0) {
            built.lines = shown(&ran);
            built.why = sentence("it does not compile", &built.lines);
        }
        let find = words(&["find", ".", "-name", "*.ko", "-type", "f"]);
        let found = run(&find, PRINTED_MAX)?;
        for path in String::from_utf8_lossy(&found.out).lines().take(MODULES_MAX) {
            let name = Path::new(path).file_stem().unwrap_or_default().to_string_lossy();
            let plain = |one: char| one.is_ascii_alphanumeric() || "-_".contains(one);
            if name.is_empty() || !name.chars().all(plain) {
                continue;
            }
            let file = run(&["cat".into(), path.to_owned()], IMAGE_MAX + 1)?;
            if file.cut || file.out.len() > IMAGE_MAX {
                built.why = format!("{name}.ko is too large for a module");
                continue;
            }
            self.keep(&format!("{name}.ko"), &file.out)?;
            built.modules.push(name.into_owned());
        }
        for one in &self.spec.build.programs {
            let from = match one.from {
                Origin::Spec => work.join(SPEC),
                Origin::Submission => folder.clone(),
            };
            let (name, path) = (one.name.get_ref(), from.join(one.source.get_ref()));
            let mut cc = words(&["cc", "-O1", "-g", "-pthread", "-o"]);
            cc.extend([format!("/tmp/{name}"), path.display().to_string()]);
            let ran = run(&cc, PRINTED_MAX)?;
            if ran.end != ProgramEnd::Exited(0) {
                let lines = shown(&ran);
                if built.why.is_empty() {
                    let what = format!("{} does not compile", one.source.get_ref());
                    built.why = sentence(&what, &lines);
                }
                built.lines.extend(lines);
                continue;
            }
            let file = run(&["cat".into(), format!("/tmp/{name}")], IMAGE_MAX)?;
            self.keep(name, &file.out)?;
            let path = self.draft.join(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
                .map_err(|error| TargetError::io(&error, format!("write {}", path.display())))?;
        }
        built.lines.truncate(LINES_MAX);
        if built.modules.is_empty() && built.why.is_empty() {
            built.why = "its build made no module".into();
        }
        Ok(built)
    }

    /// How the modules of a folder in the guest are made.
    fn make(&self, work: &Path, folder: &Path) -> Result<(Vec<String>, Environment), TargetError> {
        let mut make: Vec<String> = words(&["make", "-k", "-j2"]);
        let root = cache::root().map_err(|error| TargetError::Invalid(error.to_string()))?;
        let place = root.join("graded/exported").join(&self.kernel.release);
        let Some(recipe) = recipe(self.kernel, &place, folder, &Until(self.stop)) else {
            make.extend(["-C".into(), self.kernel.build_dir.display().to_string()]);
            make.push(format!("M={}", folder.display()));
            make.extend(self.kernel.make_arguments.iter().cloned());
            // Verdicts name the line that a report of the kernel is about.
            let [c, rust] = DEBUG_INFO;
            make.extend([format!("KCFLAGS={c}"), format!("KRUSTFLAGS={rust}")]);
            make.push("modules".into());
            return Ok((make, Environment::new()));
        };
        // An emulated guest takes a minute to ask the compiler what is known here.
        let makefile = work.join("modules.mk");
        let written = fs::write(&makefile, recipe.makefile);
        written
            .map_err(|error| TargetError::io(&error, format!("write {}", makefile.display())))?;
        let [before, behind] = recipe.arguments;
        make.extend(before);
        make.push(makefile.display().to_string());
        make.extend(behind);
        make.push("modules".into());
        Ok((make, recipe.environment))
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), TargetError> {
        let path = self.draft.join(name);
        fs::write(&path, bytes)
            .map_err(|error| TargetError::io(&error, format!("write {}", path.display())))
    }
}

/// More variables for a program.
type Environment = Vec<(String, String)>;

/// Asking for flags ends when nobody wants them any more.
struct Until<'a>(&'a (dyn Fn() -> bool + Sync));

impl Progress for Until<'_> {
    fn report(&mut self, _: progress::Event) {}

    fn stop(&self) -> Stop {
        if (self.0)() { Stop::AtOnce } else { Stop::No }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What fails, and the compiler's first word on it.
fn sentence(what: &str, lines: &[String]) -> String {
    let first = lines.iter().find(|line| line.contains("error"));
    // What make stops at is named so; what then follows from it is not.
    let stop = || lines.iter().find(|line| line.contains("*** "));
    match first.or_else(stop).or(lines.last()) {
        Some(line) => format!("{what}: {}", line.trim()),
        None => what.to_owned(),
    }
}

/// From the first error on, by the paths that whoever handed it in knows.
fn complaints(ran: &Ran, submission: &Path, spec: &Path) -> Vec<String> {
    let text =
        format!("{}{}", String::from_utf8_lossy(&ran.err), String::from_utf8_lossy(&ran.out));
    let plain = |line: &str| {
        let line = line.replace(&format!("{}/", submission.display()), "");
        line.replace(&format!("{}/", spec.display()), "")
    };
    let lines: Vec<String> = text.lines().map(plain).collect();
    let is_error = |line: &String| line.contains("error:") || line.starts_with("error");
    let first = lines.iter().position(is_error).unwrap_or(lines.len().saturating_sub(LINES_MAX));
    lines.into_iter().skip(first).take(LINES_MAX).collect()
}

/// Is there something for Kbuild?
fn makefile(folder: &Path) -> bool {
    ["Kbuild", "Makefile", "makefile"].iter().any(|name| {
        let text = fs::read(folder.join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        text.contains("obj-m") || *name == "Kbuild" && !text.is_empty()
    })
}

fn copy(from: &Path, to: &Path) -> LabResult<()> {
    let doing = || format!("copy {} to {}", from.display(), to.display());
    fs::create_dir_all(to).map_err(LabError::io(doing()))?;
    for entry in fs::read_dir(from).map_err(LabError::io(doing()))?.flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to)?;
        } else {
            fs::copy(&path, &to).map_err(LabError::io(doing()))?;
        }
    }
    Ok(())
}
