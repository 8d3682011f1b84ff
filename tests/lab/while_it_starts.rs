// SPDX-License-Identifier: MIT OR Apache-2.0
//! Commands for a guest that is only starting: they wait for it, and no longer
//! than whoever gave them.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ringside::kernel::api::{GuestState, LabRequest};

use super::surroundings::{Said, Surroundings, children, lab_request};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A lab that boots, and whose guest was not there a moment ago.
fn starting(surroundings: &Surroundings) -> Child {
    let mut up = surroundings.command(&["up", "--cold"]);
    let up = up.stdout(Stdio::null()).spawn().expect("ringside starts");
    let status = surroundings.lab("1").status().expect("the lab answers");
    assert_eq!(status.guest, GuestState::Starting);
    up
}

/// The QEMU of a guest that is only starting.
fn qemu(surroundings: &Surroundings) -> Pid {
    let lab = surroundings.lab("1").status().expect("the lab answers").pid;
    let start = Instant::now();
    loop {
        // Between fork and exec it is not QEMU yet, and has the name of the thread that
        // starts it, "qemu": stopped there, it would stay for ever.
        let is_qemu = |pid: &&i32| {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            name.starts_with("qemu-system")
        };
        if let Some(pid) = children(lab as u32).iter().find(is_qemu) {
            return Pid::from_raw(*pid);
        }
        assert!(start.elapsed() < PATIENCE, "the lab starts no QEMU");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn end(mut child: Child) -> Said {
    let start = Instant::now();
    while child.try_wait().expect("it is our child").is_none() {
        if start.elapsed() > PATIENCE {
            child.kill().expect("it is our child");
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Said::from(child.wait_with_output().expect("it is our child"))
}

#[test]
fn commands_wait_for_a_guest_that_is_starting() {
    let surroundings = Surroundings::new();
    let mut up = starting(&surroundings);
    let mut cat = surroundings
        .command(&["exec", "--lab", "1", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let mut input = cat.stdin.take().expect("piped");
    // Beside the rest, since all that it writes comes back.
    let writer = std::thread::spawn(move || input.write_all(&vec![b'x'; 2 << 20]));
    assert_eq!(surroundings.ok(&["modules", "--json"]).trim(), "[]");
    let said = Said::from(cat.wait_with_output().expect("it is our child"));
    writer.join().expect("it ends").expect("it takes input");
    assert_eq!((said.status, said.out.len()), (0, 2 << 20));
    assert!(up.wait().expect("it is our child").success());
}

#[test]
fn commands_wait_for_the_guest_of_a_reboot() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    for _ in 0..3 {
        let lab = surroundings.lab("1");
        let before = lab.status().expect("the lab answers").generation;
        let mut reboot = surroundings.command(&["vm", "reboot", "--cold"]);
        let reboot = reboot.stdout(Stdio::null()).spawn().expect("ringside starts");
        let start = Instant::now();
        while lab.status().expect("the lab answers").generation == before {
            assert!(start.elapsed() < PATIENCE, "it does not reboot");
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(surroundings.ok(&["exec", "--lab", "1", "--", "echo", "here"]), "here\n");
        assert_eq!(end(reboot).status, 0);
    }
}

#[test]
fn a_command_that_waits_for_a_guest_ends_at_each_signal_and_in_time() {
    let surroundings = Surroundings::new();
    let up = starting(&surroundings);
    // So that it goes on starting.
    let qemu = qemu(&surroundings);
    kill(qemu, Signal::SIGSTOP).expect("it is there");
    let program = ["exec", "--lab", "1", "--", "true"];
    for (arguments, signal, status) in [
        (&["modules"][..], Signal::SIGINT, 130),
        (&["modules"], Signal::SIGTERM, 143),
        (&program, Signal::SIGINT, 130),
        (&program, Signal::SIGTERM, 143),
    ] {
        let mut command = surroundings.command(arguments);
        let child = command.stderr(Stdio::piped()).spawn().expect("ringside starts");
        // Whether it waits already or is only starting makes no difference.
        std::thread::sleep(Duration::from_millis(300));
        kill(Pid::from_raw(child.id() as i32), signal).expect("it waits");
        let code = {
            use std::os::unix::process::ExitStatusExt;
            let output = child.wait_with_output().expect("it is our child");
            output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0))
        };
        assert_eq!(code, status, "{arguments:?} {signal}");
    }
    let mut command = surroundings.command(&["modules"]);
    let mut waits = command.stderr(Stdio::piped()).spawn().expect("ringside starts");
    let mut words = BufReader::new(waits.stderr.take().expect("piped"));
    let mut told = String::new();
    // It says so once it has waited for a second.
    while !told.contains("still starting") {
        assert!(words.read_line(&mut told).expect("UTF-8") > 0, "{told}");
    }
    lab_request(&surroundings.lab("1"), LabRequest::PowerOff).expect("it is given up");
    words.read_to_string(&mut told).expect("UTF-8");
    assert_eq!(end(waits).status, 1, "{told}");
    assert!(told.contains("powered off"), "{told}");
    end(up);
}
