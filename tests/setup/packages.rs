// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is missing on this machine: named, with a remedy, and installed only
//! with consent.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::unistd::Uid;

use crate::place::{Place, RINGSIDE, failed, says};

#[test]
fn another_machine_is_refused_plainly() {
    let place = Place::new();
    let mut command = Command::new("setarch");
    command.args(["i686", RINGSIDE, "setup"]);
    place.here(&mut command);
    says(&failed(command, 1), &["x86-64 Linux only, and this is i686 Linux"]);
    assert!(!place.path("cache").exists());
}

#[test]
fn without_a_terminal_setup_prints_what_it_would_run_and_runs_nothing() {
    let place = Place::new();
    place.program("apt-get", ": > \"$RINGSIDE_CACHE.ran\"");
    let text = failed(place.bare(&["setup"]), 1);
    says(&text, &["no terminal to ask on", "help: ", "--yes", "RINGSIDE_YES=1"]);
    says(&text, &["apt-get install -y --no-install-recommends", "flex", "qemu-system-x86"]);
    assert!(!place.path("cache.ran").exists());
}

#[test]
fn a_package_that_can_not_be_installed_is_told_in_apts_own_words() {
    let place = Place::new();
    place.program("apt-get", "echo \"E: Unable to locate package ${!#}\" >&2; exit 100");
    let text = failed(place.bare(&["setup", "--yes"]), 1);
    says(&text, &["apt-get update` failed (exit status: 100)", "E: Unable to locate package"]);
}

#[test]
fn what_is_still_missing_after_installing_is_named() {
    let place = Place::new();
    place.program("apt-get", "true");
    place.program("cargo", "true");
    let mut command = place.bare(&["setup", "--no-build"]);
    command.env("RINGSIDE_YES", "1");
    let text = failed(command, 1);
    says(&text, &["is missing", "flex (there is no flex)", "ringside doctor"]);
}

#[test]
fn doctor_lists_everything_with_a_remedy_and_changes_nothing() {
    let place = Place::new();
    let output = place.bare(&["doctor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    says(&text, &["MISSING flex", "remedy: apt-get install", "MISSING QEMU", "things are missing"]);
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
    command.args(["setup", "--yes"]).env("PATH", place.path("bin")).uid(65534).gid(65534);
    place.here(&mut command);
    let text = failed(command, 1);
    says(&text, &["only root can install packages", "help: have root run these commands"]);
    says(&text, &["apt-get install -y"]);
}
