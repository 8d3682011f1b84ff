// SPDX-License-Identifier: MIT OR Apache-2.0
//! Setting up and building when something is wrong: each fault gives one clear
//! message with a remedy and a status that is not 0, and leaves nothing that a
//! later run would trust. Drives the real program; nothing here installs
//! packages or compiles a kernel.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use ringside::lab::setup::tools;
use tempfile::TempDir;

const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");

/// A machine of our making: a cache, and a PATH with what a test puts there.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program that the stripped PATH has after all.
    fn program(&self, name: &str, script: &str) {
        let file = self.path("bin").join(name);
        fs::write(&file, format!("#!/bin/bash\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// ringside on a machine that has nothing.
    fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(RINGSIDE);
        command.args(arguments).env("PATH", self.path("bin"));
        self.here(&mut command);
        command
    }

    /// ringside on this machine, which has everything, with an empty cache.
    fn equipped(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(RINGSIDE);
        self.equip(&mut command);
        command.args(arguments);
        command
    }

    fn equip(&self, command: &mut Command) {
        let (bindgen, _) = tools::bindgen().expect("the machine is set up");
        let mut path = vec![self.path("bin"), bindgen.parent().unwrap().to_owned()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
        command.env("PATH", std::env::join_paths(path).unwrap());
        self.here(command);
    }

    fn here(&self, command: &mut Command) {
        command
            .env("RINGSIDE_CACHE", self.path("cache"))
            .env_remove("RINGSIDE_YES")
            .env_remove("RINGSIDE_KERNEL")
            .stdin(Stdio::null());
    }

    /// A tree that says it is this version, and has no more to it.
    fn tree(&self, version: [u32; 3]) -> PathBuf {
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
    fn kernels(&self) -> usize {
        fs::read_dir(self.path("cache/kernels")).map_or(0, Iterator::count)
    }
}

/// Its standard error, after it has failed with `status`.
fn failed(mut command: Command, status: i32) -> String {
    let output: Output = command.output().expect("ringside starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{text}");
    let errors = text.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "one message: {text}");
    text
}

#[track_caller]
fn says(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "no {words:?} in: {text}");
    }
}

#[test]
fn another_machine_is_refused_plainly() {
    let place = Place::new();
    let mut command = Command::new("setarch");
    command.args(["i686", RINGSIDE, "setup"]);
    place.here(&mut command);
    says(
        &failed(command, 1),
        &["x86-64 Linux only, and this is i686 Linux"],
    );
    assert!(!place.path("cache").exists());
}

#[test]
fn without_a_terminal_setup_prints_what_it_would_run_and_runs_nothing() {
    let place = Place::new();
    place.program("apt-get", ": > \"$RINGSIDE_CACHE.ran\"");
    let text = failed(place.bare(&["setup"]), 1);
    says(
        &text,
        &["no terminal to ask on", "help: ", "--yes", "RINGSIDE_YES=1"],
    );
    says(
        &text,
        &[
            "apt-get install -y --no-install-recommends",
            "flex",
            "qemu-system-x86",
        ],
    );
    assert!(!place.path("cache.ran").exists());
}

#[test]
fn a_package_that_can_not_be_installed_is_told_in_apts_own_words() {
    let place = Place::new();
    place.program(
        "apt-get",
        "echo \"E: Unable to locate package ${!#}\" >&2; exit 100",
    );
    let text = failed(place.bare(&["setup", "--yes"]), 1);
    says(
        &text,
        &[
            "apt-get update` failed (exit status: 100)",
            "E: Unable to locate package",
        ],
    );
}

#[test]
fn what_is_still_missing_after_installing_is_named() {
    let place = Place::new();
    place.program("apt-get", "true");
    place.program("cargo", "true");
    let mut command = place.bare(&["setup", "--no-build"]);
    command.env("RINGSIDE_YES", "1");
    let text = failed(command, 1);
    says(
        &text,
        &["is missing", "flex (there is no flex)", "ringside doctor"],
    );
}

#[test]
fn doctor_lists_everything_with_a_remedy_and_changes_nothing() {
    let place = Place::new();
    let output = place.bare(&["doctor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    says(
        &text,
        &[
            "MISSING flex",
            "remedy: apt-get install",
            "MISSING QEMU",
            "things are missing",
        ],
    );
    let output = place.bare(&["doctor", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["healthy"], false);
    let checks = json["checks"].as_array().unwrap();
    for check in checks.iter().filter(|check| check["present"] == false) {
        assert_ne!(check["remedy"], "", "{check}");
    }
    assert!(!place.path("cache").exists());
}

#[test]
fn who_is_not_root_and_has_no_sudo_is_told_what_root_must_run() {
    if !Uid::effective().is_root() {
        eprintln!("only root can become somebody else");
        return;
    }
    let place = Place::new();
    // The build folder may be closed to others.
    let program = place.path("ringside");
    fs::copy(RINGSIDE, &program).unwrap();
    let mut command = Command::new(program);
    command
        .args(["setup", "--yes"])
        .env("PATH", place.path("bin"))
        .uid(65534)
        .gid(65534);
    place.here(&mut command);
    let text = failed(command, 1);
    says(
        &text,
        &[
            "only root can install packages",
            "help: have root run these commands",
        ],
    );
    says(&text, &["apt-get install -y"]);
}

#[test]
fn an_unknown_kernel_is_refused_with_those_there_are() {
    let place = Place::new();
    let text = failed(place.bare(&["build", "--kernel", "fast"]), 2);
    says(&text, &["no kernel called \"fast\"", "`lab`", "`debug`"]);
    let mut command = place.bare(&["doctor"]);
    command.env("RINGSIDE_KERNEL", "quick");
    says(&failed(command, 2), &["no kernel called \"quick\""]);
}

#[test]
fn sources_of_another_version_are_refused() {
    let place = Place::new();
    let tree = place.tree([6, 12, 1]);
    let text = failed(
        place.equipped(&["build", "--kernel-source", tree.to_str().unwrap()]),
        1,
    );
    says(
        &text,
        &[
            "can't be used as the kernel's sources",
            "Linux 6.12.1",
            "7.3",
            "help: ",
        ],
    );
    assert_eq!(place.kernels(), 0);
}

#[test]
fn a_damaged_tarball_is_refused_and_leaves_no_sources() {
    let place = Place::new();
    let tree = place.tree([7, 3, 4]);
    fs::write(
        tree.join("noise"),
        (0..200_000_u32)
            .flat_map(|n| n.wrapping_mul(n).to_le_bytes())
            .collect::<Vec<_>>(),
    )
    .unwrap();
    let tarball = place.path("linux-7.3.4.tar.gz");
    let tar = Command::new("tar")
        .arg("-C")
        .arg(place.folder.path())
        .arg("-czf")
        .arg(&tarball)
        .arg("linux")
        .status();
    assert!(tar.unwrap().success());
    let whole = fs::read(&tarball).unwrap();
    fs::write(&tarball, &whole[..whole.len() / 2]).unwrap();
    let text = failed(
        place.equipped(&["build", "--kernel-source", tarball.to_str().unwrap()]),
        1,
    );
    says(
        &text,
        &["linux-7.3.4.tar.gz can't be used", "nexpected", "help: "],
    );
    let left: Vec<_> = fs::read_dir(place.path("cache/sources"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(left, ["lock"]);
}

#[test]
fn a_failed_build_shows_the_last_words_and_where_the_log_is() {
    let place = Place::new();
    let tree = place.tree([7, 3, 4]);
    fs::create_dir(tree.join("kernel")).unwrap();
    let makefile = tree.join("Makefile");
    let mut makefile = fs::OpenOptions::new().append(true).open(makefile).unwrap();
    let rule = "allnoconfig:\n\t@echo fork.c:7:1: error: no semicolon >&2; exit 2\n";
    makefile.write_all(rule.as_bytes()).unwrap();
    // There is nothing in this tree that our patches could apply to.
    place.program("patch", "true");
    let command = place.equipped(&["build", "--kernel-source", tree.to_str().unwrap()]);
    let text = failed(command, 1);
    says(
        &text,
        &[
            "configuring the kernel failed",
            "fork.c:7:1: error: no semicolon",
        ],
    );
    says(&text, &["help: the whole log is", "lab.log"]);
    assert_eq!(place.kernels(), 0);
}

#[test]
fn a_patch_that_does_not_apply_is_named() {
    let place = Place::new();
    let tree = place.tree([7, 3, 99]);
    let command = place.equipped(&["build", "--kernel-source", tree.to_str().unwrap()]);
    let text = failed(command, 1);
    says(&text, &["applying my_syscall.patch to", "failed"]);
    assert_eq!(place.kernels(), 0);
}

/// Whether this machine gets its kernel sources from a Debian archive.
fn debian() -> bool {
    fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.lines().any(|line| line == "ID=debian"))
}

#[test]
fn without_a_network_the_archive_is_named_and_nothing_is_left() {
    if !debian() {
        eprintln!("only on Debian: elsewhere the site is one for all");
        return;
    }
    let place = Place::new();
    let sources = place.path("apt");
    fs::create_dir(&sources).unwrap();
    // Nothing listens on the discard port of this machine.
    fs::write(
        sources.join("sources.list"),
        "deb http://127.0.0.1:9/debian stable main\n",
    )
    .unwrap();
    let mut command = place.equipped(&["build"]);
    command.env("RINGSIDE_APT_SOURCES", &sources);
    let text = failed(command, 1);
    says(
        &text,
        &[
            "can't be fetched",
            "127.0.0.1:9",
            "help: check the network",
            "--kernel-source",
        ],
    );
    assert_eq!(place.kernels(), 0);
    assert!(!place.path("cache/sources/chosen.json").exists());
}

#[test]
fn a_full_disk_is_noticed_before_anything_is_fetched() {
    let place = Place::new();
    fs::create_dir(place.path("cache")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "bash", "-c"]);
    command.arg("mount -t tmpfs -o size=32m tmpfs \"$RINGSIDE_CACHE\" && exec \"$0\" \"$@\"");
    command.args([RINGSIDE, "build"]);
    place.equip(&mut command);
    let text = failed(command, 1);
    says(
        &text,
        &[
            "not enough room",
            "32 MiB are free",
            "help: ",
            "RINGSIDE_CACHE=DIR",
        ],
    );
}

/// A setup that hangs in an apt that ignores Ctrl-C; the pid of that apt.
fn hanging_setup(place: &Place) -> (Child, Pid) {
    place.program(
        "apt-get",
        "trap '' INT TERM; echo $$ > \"$RINGSIDE_CACHE.pid\"; while :; do /bin/sleep 0.1; done",
    );
    let mut command = place.bare(&["setup", "--yes"]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let file = place.path("cache.pid");
    wait_for("apt-get runs", || {
        fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n'))
    });
    let apt = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    (child, Pid::from_raw(apt))
}

#[track_caller]
fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_second_interruption_ends_setup_at_once_with_all_it_started() {
    let place = Place::new();
    let (mut child, apt) = hanging_setup(&place);
    let pid = Pid::from_raw(child.id() as i32);
    kill(pid, Signal::SIGINT).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(
        child.try_wait().unwrap().is_none(),
        "the first asks, and waits"
    );
    let second = Instant::now();
    kill(pid, Signal::SIGINT).unwrap();
    let status = child.wait().unwrap();
    assert!(
        second.elapsed() < Duration::from_secs(3),
        "{:?}",
        second.elapsed()
    );
    assert_eq!(status.code(), Some(130));
    let mut text = String::new();
    child.stderr.unwrap().read_to_string(&mut text).unwrap();
    says(&text, &["Ctrl-C again ends at once", "error: stopped: "]);
    wait_for("apt-get is gone", || kill(apt, None).is_err());
}

#[test]
fn what_setup_started_does_not_outlive_it_even_when_it_is_killed() {
    let place = Place::new();
    place.program(
        "apt-get",
        "echo $$ > \"$RINGSIDE_CACHE.pid\"; exec /bin/sleep 60",
    );
    let mut child = place
        .bare(&["setup", "--yes"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let file = place.path("cache.pid");
    wait_for("apt-get runs", || {
        fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n'))
    });
    let apt = Pid::from_raw(fs::read_to_string(&file).unwrap().trim().parse().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("apt-get is gone", || kill(apt, None).is_err());
}

/// Answers setup's question on a terminal; what it printed, and its status.
fn answer(place: &Place, keys: &str) -> (String, u32) {
    let terminal = native_pty_system()
        .openpty(PtySize {
            rows: 50,
            cols: 200,
            ..PtySize::default()
        })
        .unwrap();
    let mut command = CommandBuilder::new(RINGSIDE);
    command.args(["setup"]);
    command.env("PATH", place.path("bin"));
    command.env("RINGSIDE_CACHE", place.path("cache"));
    command.env_remove("RINGSIDE_YES");
    let mut child = terminal.slave.spawn_command(command).unwrap();
    drop(terminal.slave);
    let mut reader = terminal.master.try_clone_reader().unwrap();
    let mut writer = terminal.master.take_writer().unwrap();
    let (mut text, mut buffer, mut answered) = (String::new(), [0; 4096], false);
    while let Ok(size @ 1..) = reader.read(&mut buffer) {
        text.push_str(&String::from_utf8_lossy(&buffer[..size]));
        if !answered && text.contains("[Y/n]") {
            writer.write_all(keys.as_bytes()).unwrap();
            answered = true;
        }
    }
    assert!(answered, "it asks: {text}");
    (text, child.wait().unwrap().exit_code())
}

#[test]
fn on_a_terminal_setup_says_why_and_what_and_asks_once() {
    let place = Place::new();
    place.program("apt-get", ": > \"$RINGSIDE_CACHE.ran\"; exit 1");
    let (text, status) = answer(&place, "n\n");
    assert_eq!(status, 1);
    says(
        &text,
        &[
            "flex makes parsers of the build: there is no flex",
            "Ringside would run:",
        ],
    );
    says(&text, &["you said no", "apt-get install -y"]);
    assert_eq!(text.matches("[Y/n]").count(), 1);
    assert!(!place.path("cache.ran").exists());
    // Ctrl-C, as the terminal hears it.
    let (text, status) = answer(&place, "\u{3}");
    assert_eq!(status, 130);
    says(&text, &["stopped: nothing was installed"]);
    assert!(!place.path("cache.ran").exists());
    let (text, status) = answer(&place, "y\n");
    assert_eq!(status, 1);
    says(&text, &["failed (exit status: 1)"]);
    assert!(place.path("cache.ran").exists());
}

#[test]
fn a_kernel_that_is_half_made_is_not_taken_for_whole() {
    let place = Place::new();
    for name in [
        "build/lab/arch/x86/boot/bzImage",
        "build/lab/vmlinux",
        "build/lab/Module.symvers",
    ] {
        let file: PathBuf = place.path("cache").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "half").unwrap();
    }
    let output = place.bare(&["doctor", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["kernels"].as_array().map(Vec::len), Some(0));
}

#[test]
fn the_cache_is_shown_and_cleaned_part_by_part() {
    let place = Place::new();
    let file: &Path = &place.path("cache/downloads/linux.deb");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, vec![1; 100_000]).unwrap();
    let output = place.bare(&["cache", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let parts = json["parts"].as_array().unwrap();
    let downloads = parts
        .iter()
        .find(|part| part["name"] == "downloads")
        .unwrap();
    assert!(downloads["bytes"].as_u64().unwrap() >= 100_000);
    let clean = |part: &str| {
        place
            .bare(&["cache", "clean", part])
            .status()
            .unwrap()
            .success()
    };
    assert!(clean("sources") && file.exists());
    assert!(clean("downloads") && !file.exists());
    assert!(!clean("everything"));
}
