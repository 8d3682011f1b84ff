// SPDX-License-Identifier: MIT OR Apache-2.0
//! A saved machine whose checksum is right and whose guest dies all the same soon
//! after it was resumed: it is given up, and a boot replaces it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringside::kernel::Request;
use ringside::kernel::api::{GuestState, LabStatus};
use ringside::kernel::call::{ask, ask_within};
use ringside::lab::flavour::Flavour;
use ringside::lab::options::{BootKernel, LabOptions};
use ringside::lab::progress::Event;
use ringside::lab::vm::console::Console;
use ringside::lab::vm::event::MachineEvents;
use ringside::lab::vm::start::{Abort, Connect, Hooks, Plan, reach_agent, start};
use ringside::lab::{linux, modules};

use super::surroundings::{Surroundings, image, states};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// So long without an answer, and a guest that was told to hang does.
const SILENT_FOR: Duration = Duration::from_secs(3);

/// What becomes of a guest.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// Its kernel panics.
    Panic,
    /// Its processors spin.
    Hang,
}

/// Puts a machine in the place of the saved one that is the same but for one
/// thing: its kernel ends so `after` having been resumed. One that hangs at once
/// hangs already when it is saved.
fn replace_by_one_that(end: End, surroundings: &Surroundings, after: Duration) {
    let state = states(surroundings).pop().expect("the guest was saved");
    let flavour = Flavour::from_environment().expect("RINGSIDE_KERNEL names a kernel");
    let kernel = linux::ensure(flavour, &mut |_: Event| {}).expect("the kernel is built");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/dies");
    let built = modules::build(&kernel, &source, &mut |_: Event| {}).expect("the module builds");
    let module = fs::read(built.first().expect("it is one")).expect("it can be read");
    let release = "under test".into();
    let kernel = BootKernel { flavour, release, image: image(), built: None };
    let options = LabOptions::new(kernel, "/".into(), surroundings.cache().to_owned());
    let stick = Arc::new(options.stick().expect("an empty stick"));
    let program = env!("CARGO_BIN_EXE_ringside").into();
    let plan = Plan { program, cold: true, ..options.plan(Some(stick)) };
    let connect: Connect = Arc::new(reach_agent);
    let hooks = Hooks {
        console: &Console::new(),
        events: &|| -> MachineEvents { Arc::new(|_| ()) },
        connect: &connect,
        steps: &|_| (),
        abort: &Abort::default(),
    };
    let guest = start(&plan, &hooks).expect("the guest boots");
    let parameters = format!("after_ms={} hang={}", after.as_millis(), u8::from(end == End::Hang));
    let load = Request::Load { name: "dies".into(), parameters };
    ask(&*guest.target, load, &module).expect("the module loads");
    if after.is_zero() {
        let now = Request::SetParameter {
            module: "dies".into(),
            parameter: "now".into(),
            value: "1".into(),
        };
        // It may be too late for the answer.
        let _ = ask_within(&*guest.target, now, SILENT_FOR, "it");
        let silent = || ask_within(&*guest.target, Request::Ping, SILENT_FOR, "it").is_err();
        let start = Instant::now();
        while !silent() {
            assert!(start.elapsed() < PATIENCE, "it does not hang");
        }
    }
    let draft = state.with_extension("test");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&draft)
        .expect("it can be made");
    guest.machine.save(&file, PATIENCE).expect("QEMU saves it");
    seal(&mut file);
    fs::rename(&draft, &state).expect("it can be renamed");
}

/// Gives the file the end that a saved machine has: mark, length, checksum.
fn seal(file: &mut File) {
    file.rewind().expect("it is a file");
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).expect("it can be read");
    file.seek(SeekFrom::End(0)).expect("it is a file");
    let mut end = b"RSSAVED2".to_vec();
    end.extend((bytes.len() as u64).to_le_bytes());
    end.extend(u64::from(crc32fast::hash(&bytes)).to_le_bytes());
    file.write_all(&end).expect("it can be written");
}

/// The status of lab 1, once it is as wanted.
fn wait_for(surroundings: &Surroundings, enough: impl Fn(&LabStatus) -> bool) -> LabStatus {
    let lab = surroundings.lab("1");
    let start = Instant::now();
    loop {
        let status = lab.status().expect("the lab answers");
        if enough(&status) {
            return status;
        }
        assert!(start.elapsed() < PATIENCE, "{status:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_lab_whose_saved_machine_dies_soon_after_resuming_boots_by_itself_and_saves_another() {
    let surroundings = Surroundings::with_empty_cache();
    surroundings.ok(&["exec", "--", "true"]);
    replace_by_one_that(End::Panic, &surroundings, Duration::from_millis(1500));
    // It may die before or after `up` has seen it running.
    let up = surroundings.up(&[]);
    let booted = wait_for(&surroundings, |status| {
        assert!(!matches!(status.guest, GuestState::Panicked { .. }), "{status:?}");
        status.guest == GuestState::Running && !status.resumed && status.stick_plugged
    });
    assert_eq!((booted.id, booted.pid, booted.generation), (up.id, up.pid, 2));
    surroundings.ok(&["exec", "--lab", "1", "--", "true"]);
    surroundings.ok(&["down"]);
    assert!(surroundings.up(&[]).resumed);
    surroundings.ok(&["exec", "--lab", "1", "--", "sleep", "3"]);
}

#[test]
fn a_saved_machine_that_dies_twice_soon_after_resuming_is_not_resumed_a_third_time() {
    let surroundings = Surroundings::with_empty_cache();
    surroundings.ok(&["exec", "--", "true"]);
    replace_by_one_that(End::Panic, &surroundings, Duration::from_millis(1500));
    // The program may be what killed it, so once is no proof.
    for _ in 0..2 {
        let said = surroundings.run(&["exec", "--", "sleep", "600"]);
        assert_eq!(said.status, 125, "{}", said.err);
        assert!(said.err.contains("dies as it was told to"), "{}", said.err);
    }
    surroundings.ok(&["exec", "--", "sleep", "3"]);
    surroundings.ok(&["exec", "--", "sleep", "3"]);
}

#[test]
fn a_saved_machine_that_never_answers_is_removed_and_booted_again() {
    let surroundings = Surroundings::with_empty_cache();
    surroundings.ok(&["exec", "--", "true"]);
    replace_by_one_that(End::Hang, &surroundings, Duration::ZERO);
    surroundings.ok(&["exec", "--", "true"]);
    assert!(surroundings.up(&[]).resumed, "the boot has left one that answers");
}

#[test]
fn a_lab_whose_saved_machine_hangs_soon_after_resuming_boots_by_itself_and_saves_another() {
    let surroundings = Surroundings::with_empty_cache();
    surroundings.ok(&["exec", "--", "true"]);
    replace_by_one_that(End::Hang, &surroundings, Duration::from_millis(1500));
    // It may hang before or after `up` has seen it running.
    let up = surroundings.up(&[]);
    let booted = wait_for(&surroundings, |status| {
        status.guest == GuestState::Running && !status.resumed && status.stick_plugged
    });
    assert_eq!((booted.id, booted.pid, booted.generation), (up.id, up.pid, 2));
    surroundings.ok(&["exec", "--lab", "1", "--", "true"]);
    surroundings.ok(&["down"]);
    assert!(surroundings.up(&[]).resumed);
    surroundings.ok(&["exec", "--lab", "1", "--", "sleep", "3"]);
}

#[test]
fn a_saved_machine_that_hangs_twice_soon_after_resuming_is_not_resumed_a_third_time() {
    let surroundings = Surroundings::with_empty_cache();
    surroundings.ok(&["exec", "--", "true"]);
    replace_by_one_that(End::Hang, &surroundings, Duration::from_millis(1500));
    // The program may be what hung it, so once is no proof.
    for _ in 0..2 {
        let said = surroundings.run(&["--timeout", "2", "exec", "--", "sleep", "600"]);
        assert_eq!(said.status, 125, "{}", said.err);
        assert!(said.err.contains("the guest has not answered for"), "{}", said.err);
    }
    surroundings.ok(&["exec", "--", "sleep", "3"]);
    surroundings.ok(&["exec", "--", "sleep", "3"]);
}

#[test]
fn a_guest_whose_qemu_somebody_stops_costs_no_saved_machine() {
    let surroundings = Surroundings::with_empty_cache();
    surroundings.ok(&["exec", "--", "true"]);
    let state = states(&surroundings).pop().expect("the guest was saved");
    let before = fs::metadata(&state).expect("it is there").created().expect("its file's birth");
    let status = surroundings.up(&[]);
    let qemu = nix::unistd::Pid::from_raw(status.qemu_pid.expect("it runs"));
    nix::sys::signal::kill(qemu, nix::sys::signal::Signal::SIGSTOP).expect("it is there");
    wait_for(&surroundings, |status| !status.troubles.is_empty());
    nix::sys::signal::kill(qemu, nix::sys::signal::Signal::SIGCONT).expect("it is there");
    let now = wait_for(&surroundings, |status| status.troubles.is_empty());
    assert_eq!((now.generation, now.qemu_pid), (status.generation, status.qemu_pid));
    let after = fs::metadata(&state).expect("it is there").created().expect("its file's birth");
    assert_eq!(before, after);
}

#[test]
fn a_kernel_that_its_user_crashes_costs_no_saved_machine() {
    let surroundings = Surroundings::with_empty_cache();
    surroundings.ok(&["exec", "--", "true"]);
    let state = states(&surroundings).pop().expect("the guest was saved");
    let before = fs::metadata(&state).expect("it is there").created().expect("its file's birth");
    for _ in 0..3 {
        let script = "echo c > /proc/sysrq-trigger; sleep 600";
        assert_eq!(surroundings.run(&["exec", "--", "sh", "-c", script]).status, 125);
    }
    let after = fs::metadata(&state).expect("it is there").created().expect("its file's birth");
    assert_eq!(before, after);
}
