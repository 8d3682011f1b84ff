// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the host's kernel may do to any program: reads and writes that end early or are
//! interrupted, disks that fail, clocks that jump. `faults/shim.c` does it to Ringside's
//! own processes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::random::Random;
use super::surroundings::{Said, Surroundings};

/// The library that makes the faults, compiled into the test's own folder.
fn shim(surroundings: &Surroundings) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lab/faults/shim.c");
    let library = surroundings.path().join("shim.so");
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    let output = command.output().expect("cc starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

/// A command whose processes meet these faults.
fn with_faults(surroundings: &Surroundings, shim: &Path, faults: &str, line: &[&str]) -> Command {
    let mut command = surroundings.command(line);
    command.env("LD_PRELOAD", shim).env("RINGSIDE_FAULTS", faults);
    command
}

fn run(surroundings: &Surroundings, shim: &Path, faults: &str, line: &[&str]) -> Said {
    with_faults(surroundings, shim, faults, line).output().expect("ringside starts").into()
}

#[test]
fn reads_and_writes_that_end_early_or_are_interrupted_change_nothing() {
    let mut random = Random::new();
    println!("RINGSIDE_SEED={}", random.seed());
    let surroundings = Surroundings::new();
    let shim = shim(&surroundings);
    let faults = |random: &mut Random| format!("interrupted:{}", random.below(1 << 20));
    let ok = |faults: &str, line: &[&str]| {
        let said = run(&surroundings, &shim, faults, line);
        assert_eq!(said.status, 0, "{faults} {line:?}: {}{}", said.out, said.err);
        said.out
    };
    // The lab's own process meets them as long as it lives, the others each its own.
    ok(&faults(&mut random), &["up"]);
    let sent: Vec<u8> = (0..3 << 20).map(|at: u32| (at / 7) as u8).collect();
    let faults_here = format!("{}+", faults(&mut random));
    let mut command =
        with_faults(&surroundings, &shim, &faults_here, &["exec", "--lab", "1", "--", "cat"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let mut input = child.stdin.take().expect("it was piped");
    let bytes = sent.clone();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().expect("it is our child");
    writer.join().expect("it does not panic").expect("ringside reads all of it");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == sent, "{faults_here}: other bytes came back");
    ok(&faults(&mut random), &["load", "my_name", "intParameter=1999"]);
    assert!(ok(&faults(&mut random), &["counters", "my_name"]).contains("greetings"));
    assert!(ok(&faults(&mut random), &["kmsg"]).contains("1999"));
    ok(&faults(&mut random), &["mark", "one"]);
    ok(&faults(&mut random), &["unload", "my_name"]);
    ok(&faults(&mut random), &["rewind", "one"]);
    assert!(ok(&faults(&mut random), &["modules"]).contains("my_name"));
    let file = surroundings.path().join("run.ringside");
    let file = file.to_str().expect("UTF-8");
    let recorder = format!("{}+", faults(&mut random));
    let out = ok(&recorder, &["record", file, "--lab", "1", "--", "echo", "recorded"]);
    assert!(out.contains("recorded"), "{out}");
    assert!(ok(&faults(&mut random), &["replay", "--text", file]).contains("recorded"));
    ok(&faults(&mut random), &["down", "1"]);
    assert_eq!(surroundings.left(), [""; 0]);
}

/// At whatever write the disk begins to fail, the run works or says why not, and what it
/// left half made is not trusted.
#[test]
fn a_disk_that_fails_at_whatever_write_is_told_and_nothing_half_made_is_trusted() {
    for (error, name) in [("eio", "EIO"), ("enospc", "ENOSPC")] {
        for nth in [1, 2, 3, 5, 8, 13, 40, 200] {
            let surroundings = Surroundings::with_empty_cache();
            let shim = shim(&surroundings);
            let faults = format!("{error}:{nth}+");
            let line = ["exec", "--", "echo", "ran"];
            let said = run(&surroundings, &shim, &faults, &line);
            match said.status {
                0 => assert_eq!(said.out, "ran\n", "{faults}: {}", said.err),
                125 => assert!(said.err.contains(name), "{faults}: {}", said.err),
                other => panic!("{faults}: status {other}: {}{}", said.out, said.err),
            }
            let again = surroundings.run(&["exec", "--", "echo", "ran again"]);
            assert_eq!((again.out.as_str(), again.status), ("ran again\n", 0), "{}", again.err);
            assert_eq!(surroundings.left(), [""; 0], "{faults}");
        }
    }
}

/// The program goes on to its end, and what was written before can be played.
#[test]
fn a_recording_that_can_not_be_written_any_more_says_so_and_keeps_its_beginning() {
    let surroundings = Surroundings::new();
    let shim = shim(&surroundings);
    surroundings.up(&[]);
    for (error, name) in [("eio", "EIO"), ("enospc", "ENOSPC")] {
        for nth in [1, 2, 4] {
            let faults = format!("{error}:{nth}+");
            let file = surroundings.path().join(format!("{error}-{nth}.ringside"));
            let path = file.to_str().expect("UTF-8");
            let script = "echo first; for i in 1 2 3 4 5 6 7 8; do sleep 0.5; echo $i; done";
            let line = ["record", path, "--lab", "1", "--", "sh", "-c", script];
            let said = run(&surroundings, &shim, &faults, &line);
            assert_eq!(said.status, 125, "{faults}: {}{}", said.out, said.err);
            assert!(said.err.contains(name), "{faults}: {}", said.err);
            // One that could not even be begun is not there, and its program did not run.
            if !said.out.is_empty() {
                assert!(said.out.ends_with("7\n8\n"), "{faults}: {}", said.out);
                // How much of it was written by then depends on how fast the machine is.
                surroundings.ok(&["replay", "--text", path]);
            } else {
                assert!(!file.exists(), "{faults}");
            }
        }
    }
}

/// What can't be written whole is not there, and so not in the way of the next try.
#[test]
fn a_picture_of_a_recording_is_written_whole_or_not_at_all() {
    let surroundings = Surroundings::new();
    let shim = shim(&surroundings);
    let file = surroundings.path().join("run.ringside");
    let file = file.to_str().expect("UTF-8");
    surroundings.ok(&["record", file, "--", "true"]);
    for option in ["--svg", "--cast"] {
        let picture = surroundings.path().join("picture");
        let path = picture.to_str().expect("UTF-8");
        let line = ["replay", file, option, path];
        let said = run(&surroundings, &shim, "enospc:1", &line);
        assert_eq!(said.status, 1, "{option}: {}", said.err);
        assert!(said.err.contains("ENOSPC") && !picture.exists(), "{option}: {}", said.err);
        surroundings.ok(&line);
        std::fs::remove_file(picture).expect("it is there now");
    }
}

#[test]
fn a_wall_clock_that_jumps_by_days_disturbs_nobody() {
    let surroundings = Surroundings::new();
    let shim = shim(&surroundings);
    let ok = |line: &[&str]| {
        let said = run(&surroundings, &shim, "clock:7", line);
        assert_eq!(said.status, 0, "{line:?}: {}{}", said.out, said.err);
        said.out
    };
    ok(&["up"]);
    ok(&["load", "my_name"]);
    ok(&["mark", "one"]);
    ok(&["unload", "my_name"]);
    ok(&["rewind", "one"]);
    assert!(ok(&["modules"]).contains("my_name"));
    assert!(ok(&["labs"]).contains("running"));
    assert!(ok(&["kmsg"]).contains("my_name"));
    let file = surroundings.path().join("run.ringside");
    let file = file.to_str().expect("UTF-8");
    let said = run(
        &surroundings,
        &shim,
        "clock:9+",
        &["record", file, "--lab", "1", "--", "sh", "-c", "echo one; sleep 2; echo two"],
    );
    assert_eq!((said.out.as_str(), said.status), ("one\ntwo\n", 0), "{}", said.err);
    let text = ok(&["replay", "--text", file]);
    let (one, two) = (text.find("one"), text.find("two"));
    assert!(one.is_some() && one < two, "{text}");
    ok(&["down", "1"]);
    assert_eq!(surroundings.left(), [""; 0]);
}
