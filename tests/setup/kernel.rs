// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel sources that don't fit, a build that fails, and what lies in the
//! cache afterwards.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{Place, RINGSIDE, failed, says};

#[test]
fn an_unknown_kernel_is_refused_with_those_there_are() {
    let place = Place::new();
    let text = failed(place.bare(&["build", "--kernel", "fast"]), 2);
    says(&text, &["invalid value 'fast'", "lab", "debug"]);
    let mut command = place.bare(&["doctor"]);
    command.env("RINGSIDE_KERNEL", "quick");
    says(&failed(command, 2), &["no kernel called \"quick\""]);
}

#[test]
fn sources_of_another_version_are_refused() {
    let place = Place::new();
    let tree = place.tree([6, 12, 1]);
    let text = failed(place.equipped(&["build", "--kernel-source", tree.to_str().unwrap()]), 1);
    says(&text, &["can't be used as the kernel's sources", "Linux 6.12.1", "7.3", "help: "]);
    assert_eq!(place.kernels(), 0);
}

#[test]
fn a_damaged_tarball_is_refused_and_leaves_no_sources() {
    let place = Place::new();
    let tree = place.tree([7, 3, 4]);
    fs::write(
        tree.join("noise"),
        (0..200_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect::<Vec<_>>(),
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
    let text = failed(place.equipped(&["build", "--kernel-source", tarball.to_str().unwrap()]), 1);
    says(&text, &["linux-7.3.4.tar.gz can't be used", "nexpected", "help: "]);
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
    says(&text, &["configuring the kernel failed", "fork.c:7:1: error: no semicolon"]);
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
    fs::write(sources.join("sources.list"), "deb http://127.0.0.1:9/debian stable main\n").unwrap();
    let mut command = place.equipped(&["build"]);
    command.env("RINGSIDE_APT_SOURCES", &sources);
    let text = failed(command, 1);
    says(&text, &["can't be fetched", "127.0.0.1:9", "help: check the network", "--kernel-source"]);
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
    says(&text, &["not enough room", "32 MiB are free", "help: ", "RINGSIDE_CACHE=DIR"]);
}

#[test]
fn a_kernel_that_is_half_made_is_not_taken_for_whole() {
    let place = Place::new();
    for name in ["build/lab/arch/x86/boot/bzImage", "build/lab/vmlinux", "build/lab/Module.symvers"]
    {
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
    let downloads = parts.iter().find(|part| part["name"] == "downloads").unwrap();
    assert!(downloads["bytes"].as_u64().unwrap() >= 100_000);
    let clean = |part: &str| place.bare(&["cache", "clean", part]).status().unwrap().success();
    assert!(clean("sources") && file.exists());
    assert!(clean("downloads") && !file.exists());
    assert!(!clean("everything"));
}
