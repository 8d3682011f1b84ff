// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C programs in `tests/c/`: compiled on the host, run in the guest. One
//! set includes the generated header, the other restates the contract by hand,
//! as a program that was written for the original modules does.

use std::path::PathBuf;
use std::process::Command;

use super::guest::{self, insmod, rmmod};

/// Compiles `tests/c/<name>.c` and returns the program; inside a guest it is there already.
pub fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("c");
    let program = folder.join(name);
    if std::env::var_os("RINGSIDE_TEST_IN_GUEST").is_some() {
        return program;
    }
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let root = guest::repository();
    // Written under a name of its own and then renamed: tests run side by side.
    let fresh = folder.join(format!("{name}.{:?}", std::thread::current().id()));
    let output = Command::new("cc")
        .args([
            "-std=gnu11",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pthread",
            "-I",
        ])
        .arg(root.join("uapi/include"))
        .arg("-o")
        .arg(&fresh)
        .arg(root.join(format!("tests/c/{name}.c")))
        .output()
        .expect("cc is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::rename(&fresh, &program).expect("the program can be renamed");
    program
}

/// Loads `module`, runs the program, unloads again: it must end with 0 and
/// leave nothing that keeps the module in use.
fn run(test: &str, program: &str, module: Option<(&str, &str)>) {
    let program = path(program);
    guest::run(test, || {
        if let Some((name, parameters)) = module {
            insmod(name, parameters).expect("it loads");
        }
        let output = Command::new(&program).output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{}\n{said}\n{complained}",
            output.status
        );
        assert!(
            said.lines().any(|line| line.starts_with("ok")),
            "it checked nothing: {said}"
        );
        if let Some((name, _)) = module {
            rmmod(name).expect("nothing of the program keeps it");
        }
    });
}

#[test]
fn memalloc_with_the_generated_header() {
    run(
        "c_programs::memalloc_with_the_generated_header",
        "memalloc_header",
        Some(("memalloc", "")),
    );
}

#[test]
fn memalloc_as_an_old_course_program_states_it() {
    run(
        "c_programs::memalloc_as_an_old_course_program_states_it",
        "memalloc_handmade",
        Some(("memalloc", "")),
    );
}

#[test]
fn kmod_with_the_generated_header() {
    let module = ("kmod", "device=/dev/ringside-usb");
    run(
        "c_programs::kmod_with_the_generated_header",
        "kmod_header",
        Some(module),
    );
}

#[test]
fn kmod_as_an_old_course_program_states_it() {
    let module = ("kmod", "device=/dev/ringside-usb");
    run(
        "c_programs::kmod_as_an_old_course_program_states_it",
        "kmod_handmade",
        Some(module),
    );
}

#[test]
fn the_system_call_as_an_old_course_program_states_it() {
    run(
        "c_programs::the_system_call_as_an_old_course_program_states_it",
        "syscall_handmade",
        None,
    );
}
