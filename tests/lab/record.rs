// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recordings without a dashboard.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ringside::kernel::Item;
use ringside::tape::{Entry, Tape};

use super::surroundings::{Said, Surroundings};

fn file(surroundings: &Surroundings) -> PathBuf {
    surroundings.path().join("run.ringside")
}

/// Every entry of a recording.
fn entries(path: &Path) -> Vec<Entry<'static>> {
    let tape = Tape::open(path).expect("it is a recording");
    let read = |segment| tape.entries(segment).expect("it is sound").0;
    (0..tape.segments()).flat_map(read).collect()
}

/// What a recording says of a program's output.
fn output(path: &Path) -> String {
    let pieces = entries(path).into_iter().filter_map(|entry| match entry {
        Entry::Item { item, .. } => match item.into_owned() {
            Item::Output { bytes, .. } => Some(bytes),
            _ => None,
        },
        _ => None,
    });
    String::from_utf8_lossy(&pieces.collect::<Vec<_>>().concat()).into_owned()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(120), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A recording that runs, once it has samples of the ring.
fn recording(surroundings: &Surroundings, path: &Path) -> Child {
    let mut command = surroundings.command(&["record", path.to_str().expect("UTF-8")]);
    let child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    wait_until("samples in the file", || {
        let sound = Tape::open(path).is_ok();
        sound && entries(path).iter().any(is_sample)
    });
    child
}

fn is_sample(entry: &Entry<'_>) -> bool {
    matches!(entry, Entry::Item { item, .. } if matches!(&**item, Item::Sample(_)))
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).expect("a process id");
    kill(Pid::from_raw(pid), signal).expect("it runs");
}

#[test]
fn a_program_is_recorded_with_its_output_input_and_what_the_kernel_did_but_no_environment() {
    let surroundings = Surroundings::new();
    surroundings.up(&["--no-auto-marks"]);
    surroundings.ok(&["load", "producer_consumer", "prod=1", "cons=1", "size=4"]);
    let path = file(&surroundings);
    let name = path.to_str().expect("UTF-8");
    let script = "read word; echo \"got $word\"; echo wrong >&2; sleep 2; echo last; exit 7";
    let mut command = surroundings.command(&["record", name, "--", "sh", "-c", script]);
    command.env("A_SECRET", "hunter2").stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(b"Summer\n").expect("it reads");
    let said = Said::from(child.wait_with_output().expect("it ends"));
    assert_eq!(said.status, 7, "{}{}", said.out, said.err);
    assert_eq!(said.out, "got Summer\nlast\n");
    assert!(said.err.contains("wrong") && said.err.contains("ringside replay"), "{}", said.err);

    assert!(Tape::open(&path).expect("a recording").ended());
    let all = entries(&path);
    assert!(all.iter().any(is_sample), "the counters are in it");
    let inputs =
        |entry: &Entry<'_>| matches!(entry, Entry::Input { bytes, .. } if bytes == b"Summer\n");
    assert!(all.iter().any(inputs));
    assert!(!format!("{all:?}").contains("A_SECRET"), "nobody's environment is handed on");
    for word in ["got Summer", "wrong", "last"] {
        assert!(output(&path).contains(word), "{word}");
    }
    let text = surroundings.ok(&["replay", name, "--text"]);
    for line in ["$ sh -c ", "| got Summer", "exit status 7", "producer_consumer: "] {
        assert!(text.contains(line), "{line} in {text}");
    }
    // It is played like any other, with the last words of the program below.
    let picture = surroundings.path().join("end.svg");
    let length = Tape::open(&path).expect("a recording").length_ms();
    let from = (length / 1000).to_string();
    surroundings.ok(&["replay", name, "--svg", picture.to_str().expect("UTF-8"), "--from", &from]);
    assert!(fs::read_to_string(&picture).expect("a picture").contains("producer_consumer"));
    // Nothing is overwritten.
    let again = surroundings.run(&["record", name, "--", "true"]);
    assert_eq!(again.status, 125, "{}", again.err);
    assert!(again.err.contains("exists already"), "{}", again.err);
}

#[test]
fn without_a_program_it_records_until_it_is_told_to_end_and_a_kill_leaves_what_was_written() {
    let surroundings = Surroundings::new();
    surroundings.up(&["--no-auto-marks"]);
    surroundings.ok(&["load", "producer_consumer", "prod=1", "cons=1", "size=4"]);
    for (number, ends) in [Signal::SIGINT, Signal::SIGTERM].into_iter().enumerate() {
        let path = surroundings.path().join(format!("{number}.ringside"));
        let child = recording(&surroundings, &path);
        signal(&child, ends);
        let said = Said::from(child.wait_with_output().expect("it ends"));
        assert_eq!(said.status, 0, "{}", said.err);
        assert!(Tape::open(&path).expect("a recording").ended(), "{ends}");
    }
    let path = file(&surroundings);
    let mut child = recording(&surroundings, &path);
    signal(&child, Signal::SIGKILL);
    child.wait().expect("it ends");
    let tape = Tape::open(&path).expect("a recording");
    assert!(tape.damage().is_none() && !tape.ended(), "{:?}", tape.damage());
    // And the lab goes on as if nobody had watched.
    assert!(surroundings.ok(&["modules"]).contains("producer_consumer"));

    let path = surroundings.path().join("gone.ringside");
    let child = recording(&surroundings, &path);
    surroundings.ok(&["down"]);
    let said = Said::from(child.wait_with_output().expect("it ends"));
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.err.contains("nothing more comes"), "{}", said.err);
    assert!(Tape::open(&path).expect("a recording").ended());
}

#[test]
fn a_program_that_writes_more_than_can_be_recorded_is_held_up_and_nothing_is_lost() {
    let surroundings = Surroundings::new();
    surroundings.up(&["--no-auto-marks"]);
    let path = file(&surroundings);
    let name = path.to_str().expect("UTF-8");
    // Random, so that it can't be packed.
    let script = "head -c 8000000 /dev/urandom | tee /dev/stderr | cksum";
    let mut command = surroundings.command(&["record", name, "--", "sh", "-c", script]);
    command.stderr(Stdio::null());
    let said = Said::from(command.output().expect("it starts"));
    assert_eq!(said.status, 0, "{}", said.out);
    let pieces = entries(&path).into_iter().filter_map(|entry| match entry {
        Entry::Item { item, .. } => match item.into_owned() {
            Item::Output { bytes, .. } => Some(bytes.len()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(pieces.sum::<usize>(), 8_000_000 + said.out.len());
}
