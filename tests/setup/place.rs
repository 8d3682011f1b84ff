// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine of our making, and ringside on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use ringside::lab::setup::tools;
use tempfile::TempDir;

pub(crate) const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");

/// A machine of our making: a cache, and a PATH with what a test puts there.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program that the stripped PATH has after all.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let file = self.path("bin").join(name);
        fs::write(&file, format!("#!/bin/bash\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// ringside on a machine that has nothing.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(RINGSIDE);
        command.args(arguments).env("PATH", self.path("bin"));
        self.here(&mut command);
        command
    }

    /// ringside on this machine, which has everything, with an empty cache.
    pub(crate) fn equipped(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(RINGSIDE);
        self.equip(&mut command);
        command.args(arguments);
        command
    }

    pub(crate) fn equip(&self, command: &mut Command) {
        let (bindgen, _) = tools::bindgen().expect("the machine is set up");
        let mut path = vec![self.path("bin"), bindgen.parent().unwrap().to_owned()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
        command.env("PATH", std::env::join_paths(path).unwrap());
        self.here(command);
    }

    pub(crate) fn here(&self, command: &mut Command) {
        command
            .env("RINGSIDE_CACHE", self.path("cache"))
            .env_remove("RINGSIDE_YES")
            .env_remove("RINGSIDE_KERNEL")
            .stdin(Stdio::null());
    }

    /// A tree that says it is this version, and has no more to it.
    pub(crate) fn tree(&self, version: [u32; 3]) -> PathBuf {
        let folder = self.path("linux");
        fs::create_dir_all(&folder).unwrap();
        let [major, minor, patch] = version;
        let makefile = format!(
            "VERSION = {major}\nPATCHLEVEL = {minor}\nSUBLEVEL = {patch}\nEXTRAVERSION =\n"
        );
        fs::write(folder.join("Makefile"), makefile).unwrap();
        folder
    }

    /// The kernels that a later run would take for whole.
    pub(crate) fn kernels(&self) -> usize {
        fs::read_dir(self.path("cache/kernels")).map_or(0, Iterator::count)
    }
}

/// Its standard error, after it has failed with `status`.
pub(crate) fn failed(mut command: Command, status: i32) -> String {
    let output: Output = command.output().expect("ringside starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{text}");
    let errors = text.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "one message: {text}");
    text
}

#[track_caller]
pub(crate) fn says(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "no {words:?} in: {text}");
    }
}

#[track_caller]
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
