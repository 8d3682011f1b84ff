// SPDX-License-Identifier: MIT OR Apache-2.0
//! How fast the modules are, in a guest, each beside the nearest thing that
//! does without them. The C programs in this folder measure and print; this
//! builds them and the modules, and starts them there. Run it with
//! `cargo bench --bench modules`.
#![allow(clippy::expect_used, reason = "a benchmark says what it expected, and ends")]

#[path = "../figures/record.rs"]
#[allow(dead_code, unreachable_pub, reason = "a part of what is shared is used")]
mod record;

use std::io::{BufRead, BufReader};
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
    for line in lab.bench("memalloc_bench", &[]) {
        if let [pages, _, _, ratio] = words(&line)[..]
            && let Ok(ratio) = ratio.parse()
        {
            keep(&format!("memalloc: {pages} pages at once"), ratio, ("mmap", 1.0));
        }
    }
    println!("kmod: bytes per second, beside pread and pwrite");
    lab.ringside(&["load".into(), find(&ours, "kmod")]);
    for line in lab.bench("kmod_bench", &[]) {
        if let [what, bytes, _, _, ratio] = words(&line)[..]
            && let Ok(ratio) = ratio.parse()
        {
            let beside = if bytes == "4096" { ("target", 0.95) } else { ("the node", 1.0) };
            keep(&format!("kmod: {what} of {bytes} bytes, beside the node"), ratio, beside);
        }
    }
    println!("producer_consumer: items per second, beside the same in C");
    let files = [find(&ours, "producer_consumer"), find(&in_c, "pc_c")];
    for line in lab.bench("pc_bench", &files) {
        if let Some((parameters, _)) = line.split_once(" Rust ")
            && let Some(Ok(ratio)) = words(&line).last().map(|ratio| ratio.parse())
        {
            let name = format!("producer_consumer: {}, beside C", parameters.trim());
            keep(&name, ratio, ("target", 1.0));
        }
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Keeps how many times as fast something is; the program in the guest has printed it.
fn keep(name: &str, ratio: f64, beside: (&str, f64)) {
    record::record_speed("modules", name, "times", ratio, beside);
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

    /// Compiles a program of this folder and runs it in the guest; its lines, which are
    /// printed as they come.
    fn bench(&self, program: &str, arguments: &[PathBuf]) -> Vec<String> {
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
        let mut command = self.command(&exec);
        command.arg(&binary).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("ringside starts");
        let out = BufReader::new(child.stdout.take().expect("it was piped"));
        let lines = out.lines().map_while(Result::ok).inspect(|line| println!("{line}"));
        let lines = lines.collect();
        let status = child.wait().expect("it is our child");
        assert!(status.success(), "{program} ended with {status}");
        lines
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
