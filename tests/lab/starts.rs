// SPDX-License-Identifier: MIT OR Apache-2.0
//! Booting, resuming, and falling back from one to the other.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use ringside::kernel::api::{GuestState, LabRequest};

use super::surroundings::{Surroundings, lab_request, states};

#[test]
fn the_first_start_boots_and_the_next_ones_resume() {
    let surroundings = Surroundings::with_empty_cache();
    let first = surroundings.up(&[]);
    assert!(!first.resumed && first.stick_plugged, "{first:?}");
    surroundings.ok(&["down", &first.id]);
    assert_eq!(states(&surroundings).len(), 1);
    // Another working directory is no reason to boot.
    let second: ringside::kernel::api::LabStatus = {
        let mut command = surroundings.command(&["up", "--json"]);
        let output = command.current_dir("/usr").output().expect("ringside starts");
        let said = super::surroundings::Said::from(output);
        assert_eq!(said.status, 0, "{}", said.err);
        serde_json::from_str(&said.out).expect("a status in JSON")
    };
    assert!(second.resumed && second.stick_plugged, "{second:?}");
    assert!(second.started_in_ms < first.started_in_ms);
    let here = surroundings.ok(&["exec", "--lab", &second.id, "--dir", "/usr", "--", "pwd"]);
    assert_eq!(here, "/usr\n");
    surroundings.ok(&["down", &second.id]);
    let cold = surroundings.up(&["--cold"]);
    assert!(!cold.resumed && cold.stick_plugged, "{cold:?}");
}

#[test]
fn a_resumed_guest_knows_the_time_and_has_its_own_randomness() {
    let surroundings = Surroundings::new();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let script = "date +%s; od -An -N16 -tx1 /dev/urandom";
        let out = surroundings.ok(&["exec", "--", "sh", "-c", script]);
        let (time, random) = out.split_once('\n').expect("two lines");
        let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = unix.expect("after 1970").as_secs();
        let guest: u64 = time.parse().expect("seconds");
        assert!(now.abs_diff(guest) < 30, "the guest's clock is at {guest}, ours at {now}");
        seen.push(random.to_owned());
    }
    assert_ne!(seen[0], seen[1], "two guests have the same random numbers");
}

#[test]
fn a_damaged_saved_machine_is_replaced_by_a_boot() {
    let surroundings = Surroundings::with_empty_cache();
    surroundings.ok(&["exec", "--", "true"]);
    let state = states(&surroundings).pop().expect("the guest was saved");
    // Cut short: not even tried. Garbled: QEMU refuses it.
    let whole = fs::read(&state).expect("it can be read");
    fs::write(&state, &whole[..whole.len() / 2]).expect("it can be written");
    surroundings.ok(&["exec", "--", "true"]);
    let again = fs::metadata(&state).expect("it was saved again").len();
    assert!(again > whole.len() as u64 * 3 / 4, "{again} bytes");
    let mut file = fs::File::options().read(true).write(true).open(&state).expect("it opens");
    file.seek(SeekFrom::Start(4096)).expect("it is longer");
    file.write_all(&vec![0xa5; 1 << 20]).expect("it can be written");
    drop(file);
    let status = surroundings.up(&[]);
    assert!(!status.resumed, "{status:?}");
    surroundings.ok(&["down", &status.id]);
    assert!(surroundings.up(&[]).resumed);
}

#[test]
fn two_labs_run_at_once_and_know_nothing_of_each_other() {
    let surroundings = Surroundings::new();
    let (one, two) = (surroundings.up(&[]), surroundings.up(&[]));
    assert_eq!((one.id.as_str(), two.id.as_str()), ("1", "2"));
    assert_ne!(one.qemu_pid, two.qemu_pid);
    surroundings.ok(&["exec", "--lab", "1", "--", "touch", "/tmp/only-here"]);
    let there = surroundings.run(&["exec", "--lab", "2", "--", "test", "-e", "/tmp/only-here"]);
    assert_eq!(there.status, 1, "{}", there.err);
    let unnamed = surroundings.run(&["modules"]);
    assert_eq!(unnamed.status, 1);
    assert!(unnamed.err.contains("--lab ID"), "{}", unnamed.err);
    assert!(surroundings.ok(&["labs"]).contains("running"));
    surroundings.ok(&["down", "--all"]);
    assert!(surroundings.left().is_empty(), "{:?}", surroundings.left());
}

#[test]
fn a_reboot_keeps_clients_and_gives_a_fresh_guest() {
    let surroundings = Surroundings::new();
    let first = surroundings.up(&[]);
    let lab = surroundings.lab(&first.id);
    surroundings.ok(&["exec", "--lab", "1", "--", "touch", "/tmp/old"]);
    lab_request(&lab, LabRequest::Reboot { cold: false }).expect("it reboots");
    let second = lab.status().expect("the same client goes on");
    assert_eq!((second.generation, &second.guest), (2, &GuestState::Running));
    assert!(second.stick_plugged && second.qemu_pid != first.qemu_pid, "{second:?}");
    let old = surroundings.run(&["exec", "--lab", "1", "--", "test", "-e", "/tmp/old"]);
    assert_eq!(old.status, 1, "{}", old.err);
    lab_request(&lab, LabRequest::PowerOff).expect("it powers off");
    assert_eq!(lab.status().expect("the lab stays").guest, GuestState::Off);
    let refused = surroundings.run(&["modules"]);
    assert!(refused.err.contains("powered off"), "{}", refused.err);
}

#[test]
fn the_dry_run_prints_a_command_that_boots() {
    let surroundings = Surroundings::with_empty_cache();
    let text = surroundings.ok(&["up", "--dry-run", "--accel", "tcg"]);
    let mut boots = false;
    for line in text.lines() {
        let words = shlex::split(line).expect("a shell could read it");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(std::process::Stdio::null());
        if !words[0].starts_with("qemu") {
            assert!(command.status().expect("it runs").success(), "{line}");
            continue;
        }
        let mut qemu = command
            .stdout(std::process::Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("QEMU starts");
        let mut output = qemu.stdout.take().expect("it was piped");
        let (mut console, mut buffer) = (String::new(), [0; 4096]);
        let start = Instant::now();
        while !boots && start.elapsed() < Duration::from_secs(60) {
            let size = output.read(&mut buffer).expect("it can be read");
            assert_ne!(size, 0, "QEMU ended: {console}");
            console.push_str(&String::from_utf8_lossy(&buffer[..size]));
            boots = console.contains("Run /init as init process");
        }
        qemu.kill().expect("it is our child");
        qemu.wait().expect("it is our child");
    }
    assert!(boots, "no init in:\n{text}");
}

#[test]
fn a_guest_has_as_many_processors_as_were_asked_for() {
    let surroundings = Surroundings::new();
    let nproc = ["exec", "--processors", "5", "--", "nproc"];
    // Booted, and resumed.
    for _ in 0..2 {
        let said = surroundings.run(&nproc);
        assert_eq!((said.status, said.out.trim()), (0, "5"), "{}", said.err);
    }
    let refused = surroundings.run(&["exec", "--processors", "9", "--", "nproc"]);
    assert_eq!(refused.status, 2, "{}", refused.err);
    assert!(refused.err.contains("1..=8"), "{}", refused.err);
}
