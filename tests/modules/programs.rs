// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C programs in `tests/c/`: compiled on the host, run in the guest. One
//! set includes the generated header, the other restates the contract by hand,
//! as a program that was written for the original modules does.

use std::path::PathBuf;
use std::process::Command;

use super::guest::{self, insmod, rmmod};

const STICK: &str = "/dev/ringside-usb";
const ON_STICK: &str = "device=/dev/ringside-usb";

/// What a program finds when it starts.
#[derive(Clone, Copy)]
enum Given {
    /// Nothing: it needs no module.
    Nothing,
    /// This module, loaded with these parameters; it unloads it itself.
    Loaded(&'static str, &'static str),
    /// This module, loaded with these parameters, and nothing of it is left in
    /// use when the program has ended.
    Borrowed(&'static str, &'static str),
    /// The path of this module's file as its argument, and one more argument.
    File(&'static str, Option<&'static str>),
    /// The path of this module's file, and whether the kernel is a slow one: its
    /// threads need more time under the sanitizers.
    Paced(&'static str),
}

/// All of them. The last takes the stick away.
const PROGRAMS: &[(&str, Given)] = &[
    ("memalloc_contract", Given::Borrowed("memalloc", "")),
    ("memalloc_bad_input", Given::Borrowed("memalloc", "")),
    ("memalloc_share", Given::Borrowed("memalloc", "")),
    ("memalloc_lifetime", Given::Borrowed("memalloc", "")),
    ("memalloc_races", Given::Borrowed("memalloc", "")),
    ("memalloc_faults", Given::Borrowed("memalloc", "")),
    ("memalloc_memory", Given::Borrowed("memalloc", "")),
    ("memalloc_frames", Given::Borrowed("memalloc", "")),
    ("memalloc_leaks", Given::Borrowed("memalloc", "")),
    ("memalloc_handmade", Given::Borrowed("memalloc", "")),
    ("kmod_contract", Given::Borrowed("kmod", ON_STICK)),
    ("kmod_bad_input", Given::Borrowed("kmod", ON_STICK)),
    ("kmod_modes", Given::Borrowed("kmod", ON_STICK)),
    ("kmod_signals", Given::Borrowed("kmod", ON_STICK)),
    ("kmod_handmade", Given::Borrowed("kmod", ON_STICK)),
    ("kmod_load", Given::File("kmod", Some(STICK))),
    ("my_name", Given::File("my_name", None)),
    ("my_syscall", Given::Nothing),
    ("syscall_handmade", Given::Nothing),
    ("producer_consumer", Given::Paced("producer_consumer")),
    ("kmod_gone", Given::Loaded("kmod", ON_STICK)),
];

/// The names of all of them, in an order in which they can follow each other.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROGRAMS.iter().map(|(name, _)| *name)
}

/// Compiles `tests/c/<name>.c` and returns the program; inside a guest it is there already.
pub fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("c");
    let program = folder.join(name);
    if guest::is_inside() {
        return program;
    }
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let root = guest::repository();
    // Written under a name of its own and then renamed: tests run side by side.
    let fresh = folder.join(format!("{name}.{:?}", std::thread::current().id()));
    let output = Command::new("cc")
        .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-I"])
        .arg(root.join("uapi/include"))
        .arg("-o")
        .arg(&fresh)
        .arg(root.join(format!("tests/c/{name}.c")))
        .output()
        .expect("cc is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(&fresh, &program).expect("the program can be renamed");
    program
}

/// Runs the program, inside a guest: it must end with 0 and have checked something.
pub fn run(name: &str) {
    run_with(name, &[]);
}

/// The same with `more` arguments.
pub fn run_with(name: &str, more: &[&str]) {
    let (_, given) = PROGRAMS
        .iter()
        .copied()
        .find(|(program, _)| *program == name)
        .unwrap_or_else(|| panic!("what {name} is given is not known"));
    let mut command = Command::new(path(name));
    match given {
        Given::Nothing => {}
        Given::Loaded(module, parameters) | Given::Borrowed(module, parameters) => {
            insmod(module, parameters).expect("it loads");
        }
        Given::File(module, argument) => {
            command.arg(guest::module_file(module)).args(argument);
        }
        Given::Paced(module) => {
            let slow = guest::debug_kernel().then_some("slow");
            command.arg(guest::module_file(module)).args(slow);
        }
    }
    let output = guest::output_within(command.args(more), guest::PROGRAM_ENDS_WITHIN);
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{said}\n{complained}", output.status);
    assert!(said.lines().any(|line| line.starts_with("ok")), "{name} checked nothing: {said}");
    if let Given::Borrowed(module, _) = given {
        rmmod(module).expect("nothing of the program keeps it");
    }
}
