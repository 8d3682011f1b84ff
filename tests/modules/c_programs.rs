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

/// One test per program: `name: "what is loaded for it" "its parameters";`.
macro_rules! programs {
    ($($name:ident: $module:tt;)*) => {
        $(
            #[test]
            fn $name() {
                let test = concat!("c_programs::", stringify!($name));
                run(test, stringify!($name), $module);
            }
        )*

        #[test]
        fn every_c_program_is_run() {
            let run = [$(stringify!($name)),*];
            let folder = guest::repository().join("tests/c");
            for entry in std::fs::read_dir(folder).expect("the programs are there").flatten() {
                let file = entry.file_name().into_string().expect("a plain name");
                if let Some(name) = file.strip_suffix(".c") {
                    assert!(run.contains(&name), "{file} is not run by any test");
                }
            }
        }
    };
}

const STICK: &str = "device=/dev/ringside-usb";

programs! {
    memalloc_contract: (Some(("memalloc", "")));
    memalloc_bad_input: (Some(("memalloc", "")));
    memalloc_share: (Some(("memalloc", "")));
    memalloc_lifetime: (Some(("memalloc", "")));
    memalloc_races: (Some(("memalloc", "")));
    memalloc_handmade: (Some(("memalloc", "")));
    kmod_contract: (Some(("kmod", STICK)));
    kmod_bad_input: (Some(("kmod", STICK)));
    kmod_handmade: (Some(("kmod", STICK)));
}
