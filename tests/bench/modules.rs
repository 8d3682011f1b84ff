// SPDX-License-Identifier: MIT OR Apache-2.0
//! How fast the modules are, in a guest, each beside the nearest thing that
//! does without them. The C programs in this folder measure and print; this
//! builds them and the modules, and starts them there. Run it with
//! `cargo bench --bench modules`.
#![allow(clippy::expect_used, reason = "a benchmark says what it expected, and ends")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");

fn main() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ours = built(&repository.join("modules"));
    let in_c = built(&repository.join("tests/bench/pc_c"));
    let lab = Lab::start();

    println!("memalloc: pages per second, beside mmap and munmap");
    lab.ringside(&["load".into(), find(&ours, "memalloc")]);
    lab.bench("memalloc_bench", &[]);
    println!("kmod: bytes per second, beside pread and pwrite");
    lab.ringside(&["load".into(), find(&ours, "kmod")]);
    lab.bench("kmod_bench", &[]);
    println!("producer_consumer: items per second, beside the same in C");
    let files = [find(&ours, "producer_consumer"), find(&in_c, "pc_c")];
    lab.bench("pc_bench", &files);
}

/// A lab for the benchmarks alone; it ends when it is dropped.
struct Lab {
    runtime: tempfile::TempDir,
}

impl Lab {
    fn start() -> Self {
        let lab =
            Self { runtime: tempfile::tempdir().expect("the temporary folder can be written") };
        lab.ringside(&["up".into()]);
        lab
    }

    fn command(&self, arguments: &[PathBuf]) -> Command {
        let mut command = Command::new(RINGSIDE);
        command.args(arguments).env("XDG_RUNTIME_DIR", self.runtime.path());
        command
    }

    fn ringside(&self, arguments: &[PathBuf]) {
        let status =
            self.command(arguments).stdout(Stdio::null()).status().expect("ringside starts");
        assert!(status.success(), "{arguments:?} ended with {status}");
    }

    /// Compiles a program of this folder and runs it in the guest.
    fn bench(&self, program: &str, arguments: &[PathBuf]) {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(program);
        let compiled = Command::new("cc")
            .args(["-std=gnu11", "-O2", "-Wall", "-pthread", "-I"])
            .arg(repository.join("uapi/include"))
            .arg("-o")
            .arg(&binary)
            .arg(repository.join(format!("tests/bench/{program}.c")))
            .status()
            .expect("cc is installed");
        assert!(compiled.success(), "{program}.c does not compile");
        let exec = ["exec", "--lab", "1", "--"].map(PathBuf::from);
        let status = self.command(&exec).arg(&binary).args(arguments).status();
        let status = status.expect("ringside starts");
        assert!(status.success(), "{program} ended with {status}");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Nothing is left to do if it is gone already.
        drop(self.command(&["down".into()]).status());
    }
}

/// Builds the modules of a folder for the lab's kernel; their files.
fn built(folder: &Path) -> Vec<PathBuf> {
    let output = Command::new(RINGSIDE)
        .arg("build")
        .arg(folder)
        .stderr(Stdio::inherit())
        .output()
        .expect("ringside starts");
    assert!(output.status.success(), "{} does not build", folder.display());
    let files = String::from_utf8_lossy(&output.stdout).into_owned();
    files.lines().map(PathBuf::from).collect()
}

fn find(files: &[PathBuf], name: &str) -> PathBuf {
    let found = files.iter().find(|file| file.file_stem().is_some_and(|stem| stem == name));
    found.expect("the module was built").clone()
}
