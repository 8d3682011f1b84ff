// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders that do harm: each comes to a clear end, and nothing of it is trusted
//! afterwards.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ringside::lab::cache;

use super::brought::{Brought, build, error, names};
use super::full_disk::on_small_disk;
use super::surroundings::{Surroundings, lives};

/// How long anything may take here.
const PATIENCE: Duration = Duration::from_secs(240);

/// The status of a child that got a Ctrl-C.
fn interrupted(mut child: Child) -> i32 {
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("it is there");
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            // As a shell tells it.
            return status.code().or(status.signal().map(|signal| 128 + signal)).expect("either");
        }
        if start.elapsed() > PATIENCE {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_makefile_that_runs_for_ever_is_ended_by_ctrl_c_with_all_that_it_started() {
    let brought = Brought::new("touched-by-make");
    let mark = brought.folder.with_file_name("started");
    for endless in [
        "x := $(shell echo $$PPID > MARK; sleep 1000)\n",
        "plain-y := made.o\n\
                    $(obj)/made.o: never\nnever:\n\techo $$$$ > MARK; exec sleep 1000\n\
                    .PHONY: never\n",
    ] {
        drop(fs::remove_file(&mark));
        let text = endless.replace("MARK", mark.to_str().expect("UTF-8"));
        let text = format!("obj-m += plain.o\n{text}");
        fs::write(brought.folder.join("Makefile"), text).expect("a Makefile");
        let surroundings = Surroundings::new();
        let child = surroundings
            .command(&["build", brought.folder.to_str().expect("UTF-8")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ringside starts");
        let start = Instant::now();
        let pid: i32 = loop {
            let text = fs::read_to_string(&mark).unwrap_or_default();
            match text.trim().parse() {
                Ok(pid) if text.ends_with('\n') => break pid,
                _ => assert!(start.elapsed() < PATIENCE, "make does not come that far"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(interrupted(child), 130);
        let start = Instant::now();
        while lives(pid) {
            assert!(start.elapsed() < PATIENCE, "process {pid} lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn what_a_build_left_that_was_cut_short_is_not_trusted() {
    let brought = Brought::new("touched-by-make");
    let (_, modules) = build(&[&brought.folder]);
    let tree = modules[0].parent().expect("a folder");
    // As after a power cut: half an object, newer than its source.
    let output = tree.parent().expect("a folder");
    fs::write(tree.join("plain.o"), "half an object").expect("a write");
    fs::remove_file(output.join("built.json")).expect("there is a note of the build");
    fs::write(output.join("unfinished"), "").expect("a write");
    let (output, modules) = build(&[&brought.folder]);
    assert_eq!(names(&modules), ["plain.ko"], "{}", error(&output));
}

#[test]
fn a_makefile_that_prints_a_megabyte_is_no_matter() {
    let brought = Brought::new("touched-by-make");
    let text = "obj-m += plain.o\nx := $(shell seq 150000 >&2)\n";
    fs::write(brought.folder.join("Makefile"), text).expect("a Makefile");
    let (output, modules) = build(&[&brought.folder]);
    assert_eq!(names(&modules), ["plain.ko"], "{}", error(&output));
    assert!(output.stderr.len() < 100_000, "{} bytes", output.stderr.len());
}

#[test]
fn a_makefile_that_writes_a_file_without_end_is_ended() {
    let brought = Brought::new("touched-by-make");
    let text = "obj-m += plain.o\n$(obj)/plain.o: never\nnever:\n\tyes > $(obj)/endless\n\
                .PHONY: never\n";
    fs::write(brought.folder.join("Makefile"), text).expect("a Makefile");
    let (output, modules) = build(&[&brought.folder]);
    assert_eq!((output.status.code(), modules.len()), (Some(1), 0), "{}", error(&output));
    let said = error(&output);
    assert!(said.contains("wrote a file of more than 128 MiB, so it was ended"), "{said}");
    // A recipe that only fails is named.
    let text = "obj-m += plain.o\n$(obj)/plain.o: never\nnever:\n\tfalse\n.PHONY: never\n";
    fs::write(brought.folder.join("Makefile"), text).expect("a Makefile");
    let (output, _) = build(&[&brought.folder]);
    assert!(error(&output).contains(": never] Error 1"), "{}", error(&output));
}

#[test]
fn a_makefile_that_fills_the_disk_is_ended_before_it_is_full_and_gives_it_back() {
    let brought = Brought::new("touched-by-make");
    let text = "obj-m += plain.o\nx := $(shell i=0; while head -c 1M /dev/zero > f$$i; do \
                i=$$((i+1)); done)\n";
    fs::write(brought.folder.join("Makefile"), text).expect("a Makefile");
    let surroundings = Surroundings::new();
    let modules = cache::root().expect("there is a cache").join("modules");
    fs::create_dir_all(&modules).expect("a folder");
    let folder = brought.folder.to_str().expect("UTF-8");
    let said = on_small_disk(&surroundings, &modules, 192, "", &["build", folder]);
    assert_eq!(said.status, 1, "{}", said.out);
    assert!(said.err.contains("its build left less than 128 MiB free"), "{}", said.err);
}

#[test]
fn a_module_that_panics_at_load_is_told_with_its_words_and_a_reboot_gets_over_it() {
    let brought = Brought::new("panics-at-load");
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let said = surroundings.run(&["load", brought.folder.to_str().expect("UTF-8")]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("the lesson is over"), "{}", said.err);
    surroundings.ok(&["vm", "reboot"]);
    surroundings.ok(&["load", "my_name"]);
}

#[test]
fn a_module_that_hangs_at_load_gives_the_prompt_back_at_ctrl_c() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/hang");
    let mut child = surroundings
        .command(&["load", source])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let mut stderr = child.stderr.take().expect("piped");
    let start = Instant::now();
    loop {
        // It stands there as long as its init runs.
        let modules = surroundings.run(&["modules"]);
        if modules.out.contains("Loading") {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "waited for the module: {}", modules.out);
    }
    assert_eq!(interrupted(child), 130);
    let mut told = String::new();
    stderr.read_to_string(&mut told).expect("it ends");
    // The lab goes on, on the processor that is left, and after a reboot on all.
    surroundings.ok(&["modules"]);
    surroundings.ok(&["vm", "reboot"]);
    surroundings.ok(&["load", "my_name"]);
}
