// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the lab needs of this machine: each thing, why, whether it is there,
//! and what puts it there. Looks only; changes nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use super::super::cache;
use super::super::flavour::Flavour;
use super::super::linux::available_memory;
use super::super::paths::lossy;
use super::super::program::{answer, find};
use super::needs::Needs;
use super::packages::{self, Thing};
use super::system::System;
use super::{system, tools};
use crate::text::amount::amount;

/// Free memory that a build or a guest should find, in bytes.
const MEMORY: u64 = 1 << 30;
/// The oldest make that Linux 7.3 accepts.
const MAKE: tools::Version = tools::Version(4, 0, 0);
/// The oldest QEMU that Ringside was tried with.
const QEMU: tools::Version = tools::Version(7, 2, 0);

/// One thing that is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is, for people.
    pub name: &'static str,
    /// What it is needed for.
    pub purpose: &'static str,
    /// Is it there?
    pub present: bool,
    /// What is there and where, or what is wrong.
    pub found: String,
    /// What puts it right; empty when nothing is wrong.
    pub remedy: String,
    /// What setup installs for it.
    #[serde(skip)]
    pub(crate) thing: Option<Thing>,
}

/// Where kernels and modules come from that need no building: those that the
/// cache holds, one line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Everything that was looked at.
    pub checks: Vec<Check>,
    /// The distribution's own name.
    pub system: String,
    /// The cache folder.
    #[serde(serialize_with = "lossy")]
    pub cache: PathBuf,
}

impl Report {
    pub fn missing(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.present)
    }
}

/// Collects the checks.
struct Checks<'a> {
    list: Vec<Check>,
    system: &'a System,
}

impl Checks<'_> {
    fn add(
        &mut self,
        name: &'static str,
        purpose: &'static str,
        thing: Option<Thing>,
        found: Result<String, String>,
    ) {
        let remedy = match (&found, thing) {
            (Err(_), Some(thing)) => packages::remedy(thing, self.system),
            _ => String::new(),
        };
        self.list.push(Check {
            name,
            purpose,
            present: found.is_ok(),
            found: found.unwrap_or_else(|why| why),
            remedy,
            thing,
        });
    }

    /// A program that only has to be there.
    fn program(&mut self, name: &'static str, purpose: &'static str, thing: Thing) {
        let found = find(name).map(|path| path.display().to_string());
        self.add(name, purpose, Some(thing), found.ok_or_else(|| format!("there is no {name}")));
    }
}

fn version_of(name: &str, argument: &str, oldest: tools::Version) -> Result<String, String> {
    let path = find(name).ok_or_else(|| format!("there is no {name}"))?;
    let text = answer(Command::new(&path).arg(argument)).unwrap_or_default();
    match tools::Version::find_in(&text) {
        Some(version) if version >= oldest => Ok(format!("{version}, {}", path.display())),
        Some(version) => Err(format!("{} is {version}, and {oldest} is needed", path.display())),
        None => Err(format!("{} does not run", path.display())),
    }
}

fn with_version(found: tools::Found) -> Result<String, String> {
    found.map(|(path, version)| format!("{version}, {}", path.display()))
}

/// Looks at everything in `needs`.
pub fn report(needs: Needs) -> Report {
    let system = System::here();
    let mut checks = Checks { list: Vec::new(), system: &system };
    let machine = system::machine();
    let fits = machine == "x86_64 Linux";
    checks.add(
        "machine",
        "the kernel and its guest are x86-64",
        None,
        if fits {
            Ok(machine)
        } else {
            Err(format!("this is {machine}; Ringside can't work here"))
        },
    );
    if needs.vm {
        let found = version_of("qemu-system-x86_64", "--version", QEMU);
        checks.add("QEMU", "runs the guest", Some(Thing::Qemu), found);
    }
    if let Some(flavour) = needs.build {
        compilers(&mut checks, flavour);
        generators(&mut checks);
    }
    if needs.gdb {
        checks.program("gdb", "debugs the guest", Thing::Gdb);
    }
    let cache = cache::place();
    if needs.build.is_some() || needs.vm {
        room(&mut checks, needs, cache.as_deref().ok());
    }
    Report { checks: checks.list, system: system.name, cache: cache.unwrap_or_default() }
}

fn compilers(checks: &mut Checks<'_>, flavour: Flavour) {
    let gcc = with_version(tools::gcc());
    let linker = find("ld").map(|path| path.display().to_string());
    let purpose = match flavour {
        Flavour::Lab => "compiles the kernel",
        Flavour::Debug => "compiles what the build itself runs",
    };
    checks.add("gcc", purpose, Some(Thing::Compiler), gcc);
    checks.add("ld", "links it", Some(Thing::Compiler), linker.ok_or("there is no ld".into()));
    let headers = Path::new("/usr/include/stdio.h").exists();
    checks.add(
        "C library headers",
        "what the build itself runs is compiled against them",
        Some(Thing::LibcHeaders),
        if headers {
            Ok("/usr/include".into())
        } else {
            Err("there is no /usr/include/stdio.h".into())
        },
    );
    if flavour.clang() {
        let llvm = tools::llvm().map(|(path, version, _)| format!("{version}, {}", path.display()));
        checks.add(
            "clang, lld, llvm",
            "compile and link the debug kernel",
            Some(Thing::Clang),
            llvm,
        );
    }
    let rustc = with_version(tools::rustc());
    let purpose = "compiles the kernel's Rust and its own library for it";
    checks.add("rustc with sources", purpose, Some(Thing::Rustc), rustc);
    let bindgen = with_version(tools::bindgen());
    checks.add("bindgen", "tells Rust of the kernel's C", Some(Thing::Bindgen), bindgen);
    let libclang = tools::libclang().map(|path| path.display().to_string());
    checks.add("libclang", "reads C for bindgen", Some(Thing::Libclang), libclang);
}

fn generators(checks: &mut Checks<'_>) {
    let make = version_of("make", "--version", MAKE);
    checks.add("make", "runs the build", Some(Thing::Make), make);
    checks.program("flex", "makes parsers of the build", Thing::Flex);
    checks.program("bison", "makes parsers of the build", Thing::Bison);
    checks.program("bc", "calculates time constants", Thing::Bc);
    let libelf = ["/usr/include/libelf.h", "/usr/include/gelf.h"]
        .iter()
        .all(|path| Path::new(path).exists());
    checks.add(
        "libelf headers",
        "objtool checks the kernel's code with libelf",
        Some(Thing::Libelf),
        if libelf {
            Ok("/usr/include/libelf.h".into())
        } else {
            Err("there is no /usr/include/libelf.h".into())
        },
    );
    checks.program("tar", "unpacks the kernel's sources", Thing::Tar);
    checks.program("xz", "unpacks the kernel's sources", Thing::Xz);
    checks.program("patch", "adds our system call to the kernel", Thing::Patch);
    checks.program("curl", "fetches the kernel's sources", Thing::Curl);
    // insmod and its like, which may lie in a folder that only root looks into.
    checks.program("kmod", "loads modules in a guest's shell", Thing::Kmod);
}

/// Disk and memory.
fn room(checks: &mut Checks<'_>, needs: Needs, root: Option<&Path>) {
    let (present, needed) = match (root, needs.build) {
        (Some(root), Some(flavour)) => {
            (Some(root), super::super::linux::room_needed(root, flavour))
        }
        // Saved guests and the stick.
        (root, _) => (root, 400_000_000),
    };
    let found = match present {
        None => Err("there is no folder for a cache: set HOME or RINGSIDE_CACHE".into()),
        Some(root) => match cache::free(root) {
            Ok(free) if free >= needed => {
                Ok(format!("{} free in {}", amount(free), root.display()))
            }
            Ok(free) => Err(format!(
                "{} free in {}, and {} are needed",
                amount(free),
                root.display(),
                amount(needed)
            )),
            Err(error) => Err(error.to_string()),
        },
    };
    checks.add("disk space", "sources, builds and saved guests", Some(Thing::Disk), found);
    let memory = available_memory();
    let found = format!("{} available", amount(memory));
    let found = if memory >= MEMORY {
        Ok(found)
    } else {
        Err(format!("{found}, and {} are needed", amount(MEMORY)))
    };
    checks.add("memory", "compilers and the guest", Some(Thing::Memory), found);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_kernel_needs_clang_and_the_lab_kernel_does_not() {
        let names = |flavour| -> Vec<_> {
            report(Needs::all(flavour)).checks.iter().map(|check| check.name).collect()
        };
        assert!(names(Flavour::Debug).contains(&"clang, lld, llvm"));
        assert!(!names(Flavour::Lab).contains(&"clang, lld, llvm"));
        assert!(
            names(Flavour::Lab).contains(&"QEMU") && names(Flavour::Lab).contains(&"disk space")
        );
    }

    #[test]
    fn gdb_is_only_needed_by_who_debugs() {
        let has = |needs| report(needs).checks.iter().any(|check| check.name == "gdb");
        assert!(has(Needs::debugger()) && !has(Needs::all(Flavour::Debug)));
    }

    #[test]
    fn everything_that_is_missing_has_a_remedy() {
        for check in report(Needs::all(Flavour::Debug)).checks {
            assert_eq!(
                check.present || check.name == "machine",
                check.remedy.is_empty(),
                "{check:?}"
            );
        }
    }

    #[test]
    fn an_old_program_is_told_from_a_missing_one() {
        let old = version_of("bash", "--version", tools::Version(999, 0, 0)).unwrap_err();
        assert!(old.contains("and 999.0.0 is needed"), "{old}");
        assert_eq!(version_of("no-such", "-v", MAKE).unwrap_err(), "there is no no-such");
    }
}
