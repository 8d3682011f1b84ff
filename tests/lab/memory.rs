// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest whose memory is used up, by files or by a program: whoever does it
//! hears of it, and everybody else goes on.

use ringside::kernel::Request;
use ringside::kernel::api::{Item, SubjectEvent};
use ringside::kernel::call::Calls;

use super::surroundings::{Said, Surroundings};

/// Runs a shell script in the guest of the surroundings' lab.
fn script(surroundings: &Surroundings, text: &str) -> Said {
    surroundings.run(&["exec", "--lab", "1", "--", "sh", "-c", text])
}

/// The agent has lived through it, and the kernel has killed nobody.
fn assert_well(surroundings: &Surroundings) {
    let said = script(surroundings, "head -c 30M /dev/zero | tail -c 1 | od -An -tx1");
    assert_eq!((said.status, said.out.trim()), (0, "00"), "{}", said.err);
    let log = surroundings.ok(&["kmsg", "--lab", "1"]);
    for word in ["oom-kill", "Out of memory", "Kernel panic", "agent has ended"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

#[test]
fn files_can_not_take_all_memory_wherever_they_are_written() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    // The guest's own file systems are behind its first process.
    let places =
        "/fill /tmp/fill /dev/shm/fill /dev/fill /proc/1/root/fill /proc/1/root/run/fill /run/fill";
    let fill = format!(
        "for place in {places}; do head -c 2G /dev/zero > $place && echo $place took all; done"
    );
    let said = script(&surroundings, &fill);
    assert_eq!(said.out, "");
    let full: Vec<_> = said.err.lines().filter(|line| line.contains("No space left")).collect();
    assert_eq!(full.len(), 7, "{}", said.err);
    assert_well(&surroundings);
    // What is removed can be used again.
    let again = format!("rm -f {places}; head -c 100M /dev/zero > /dev/shm/again && echo fits");
    let said = script(&surroundings, &again);
    assert_eq!(said.out, "fits\n", "{}", said.err);
}

#[test]
fn empty_files_can_not_take_all_memory_either() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let many = "mkdir /many; cd /many; i=0; \
         while [ $i -lt 300000 ]; do i=$((i+1)); : > $i || exit 3; done";
    let said = script(&surroundings, many);
    assert_eq!(said.status, 2, "{}", said.err);
    assert!(said.err.contains("No space left"), "{}", said.err);
    assert_well(&surroundings);
}

#[test]
fn a_program_that_takes_all_memory_is_killed_and_not_the_agent() {
    let surroundings = Surroundings::new();
    let lab = surroundings.up(&[]);
    let client = surroundings.lab(&lab.id);
    let target = client.target();
    let subject = Calls::start(&*target, Request::Subject).expect("a subject");
    let Item::Subject(SubjectEvent::Started { pid }) = subject.next() else {
        panic!("no subject");
    };
    let scores = format!(
        "for p in $PPID {pid} self; do read score < /proc/$p/oom_score_adj; echo $score; done"
    );
    let before = script(&surroundings, &format!("echo $PPID; {scores}")).out;
    let lines: Vec<_> = before.lines().collect();
    assert_eq!(lines[1..], ["-1000", "0", "0"], "{before}");
    // It reads a line without an end.
    let said = script(&surroundings, "tail /dev/zero");
    assert_eq!(said.status, 128 + 9, "{}", said.err);
    let after = script(&surroundings, &format!("echo $PPID; {scores}")).out;
    assert_eq!(after.lines().next(), lines.first().copied(), "the agent is another one");
}
