// SPDX-License-Identifier: MIT OR Apache-2.0
//! How guests and labs end, and that nothing outlives them.

use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ringside::kernel::api::{GuestState, Item, LabRequest, SubjectAction, SubjectEvent};
use ringside::kernel::call::ask;
use ringside::kernel::{Calls, Request, TargetError};
use ringside::lab::flavour::Flavour;
use ringside::lab::options::{BootKernel, LabOptions};
use ringside::lab::{cache, client};

use super::surroundings::{
    Surroundings, children, expect_gone, image, kill, lab_request, lives, wait_for,
};

/// Else its death would be taken for the guest's, and hold up all that is heard of it.
#[test]
fn a_process_that_ends_is_told_from_a_guest_that_is_gone() {
    let surroundings = Surroundings::new();
    let id = surroundings.up(&[]).id;
    let lab = surroundings.lab(&id);
    let target = lab.target();
    let subject = Calls::start(&*target, Request::Subject).expect("it starts");
    let Item::Subject(SubjectEvent::Started { pid }) = subject.next() else {
        panic!("it says that it has started first");
    };
    let action = SubjectAction::Read { vaddr: 0x10, size: 1 };
    let read = ask(&*target, Request::SubjectDo { pid, action }, &[]);
    let Err(TargetError::Ended(why)) = read else {
        panic!("the read ended with {read:?}");
    };
    assert!(why.contains("has died of SIGSEGV") && !why.contains("reboot"), "{why}");
}

#[test]
fn a_panic_is_told_with_its_reason_and_a_reboot_gets_over_it() {
    let surroundings = Surroundings::new();
    let id = surroundings.up(&[]).id;
    let lab = surroundings.lab(&id);
    // A call that is open when the kernel dies.
    let mut log = surroundings
        .command(&["kmsg", "-f"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    std::thread::sleep(Duration::from_millis(300));
    let crash = ask(&*lab.target(), Request::Crash, &[]);
    let Err(TargetError::Gone(why)) = crash else {
        panic!("the crash ended with {crash:?}");
    };
    assert!(why.contains("Kernel panic - not syncing: sysrq triggered crash"), "{why}");
    let mut told = String::new();
    log.stderr.take().expect("piped").read_to_string(&mut told).expect("it ends");
    assert!(!log.wait().expect("it ends").success());
    assert!(told.contains("sysrq triggered crash"), "{told}");

    let status = lab.status().expect("the lab lives on");
    let GuestState::Panicked { reason } = &status.guest else {
        panic!("{status:?}");
    };
    assert!(reason.starts_with("Kernel panic"), "{reason}");
    let console = lab_request(&lab, LabRequest::Console { follow: false }).expect("it is kept");
    let text: Vec<u8> = console
        .into_iter()
        .flat_map(|item| match item {
            Item::Console(bytes) => bytes,
            _ => Vec::new(),
        })
        .collect();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("sysrq: Trigger a crash"), "{text}");

    lab_request(&lab, LabRequest::Reboot { cold: false }).expect("it reboots");
    assert_eq!(lab.status().expect("it answers").guest, GuestState::Running);
    ask(&*lab.target(), Request::Modules, &[]).expect("the new guest answers");
}

#[test]
fn a_killed_qemu_is_told_apart_from_a_panic_and_from_a_power_off() {
    let surroundings = Surroundings::new();
    let status = surroundings.up(&[]);
    let lab = surroundings.lab(&status.id);
    kill(status.qemu_pid.expect("it runs"));
    let killed = wait_for(&lab, "killed", |guest| *guest != GuestState::Running);
    let GuestState::Killed { how } = &killed.guest else {
        panic!("{killed:?}");
    };
    assert!(how.contains("signal 9 (SIGKILL)"), "{how}");
    lab_request(&lab, LabRequest::Reboot { cold: false }).expect("it reboots");
    // The kernel's own power-off, asked for inside.
    let script = "echo o > /proc/sysrq-trigger; sleep 60";
    let gone = surroundings.run(&["exec", "--lab", "1", "--", "sh", "-c", script]);
    assert_eq!(gone.status, 125, "{}", gone.err);
    assert!(gone.err.contains("powered off"), "{}", gone.err);
    assert_eq!(lab.status().expect("it answers").guest, GuestState::Off);
}

#[test]
fn a_killed_lab_process_takes_qemu_along_and_its_socket_is_cleaned_up() {
    let surroundings = Surroundings::new();
    let status = surroundings.up(&[]);
    let qemu = status.qemu_pid.expect("it runs");
    assert!(lives(qemu));
    kill(status.pid);
    expect_gone(qemu, "QEMU");
    let refused = surroundings.run(&["modules"]);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("no lab is running"), "{}", refused.err);
    assert!(refused.err.contains("ringside up"), "{}", refused.err);
    assert!(surroundings.left().is_empty(), "{:?}", surroundings.left());
}

#[test]
fn a_killed_exec_takes_qemu_along() {
    let surroundings = Surroundings::new();
    let mut exec = surroundings
        .command(&["exec", "--", "sh", "-c", "echo up; sleep 60"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let mut up = [0; 3];
    exec.stdout.take().expect("piped").read_exact(&mut up).expect("it says so");
    let qemu = children(exec.id());
    assert_eq!(qemu.len(), 1, "{qemu:?}");
    exec.kill().expect("it is our child");
    exec.wait().expect("it is our child");
    expect_gone(qemu[0], "QEMU");
}

#[test]
fn an_exec_whose_kernel_dies_says_so_and_ends() {
    let surroundings = Surroundings::new();
    // A program that outlived its kernel would end by itself, with 0.
    let script = "echo c > /proc/sysrq-trigger; sleep 600";
    let said = surroundings.run(&["exec", "--", "sh", "-c", script]);
    assert_eq!(said.status, 125, "{}", said.err);
    assert!(said.err.contains("sysrq triggered crash"), "{}", said.err);
}

#[test]
fn a_stale_socket_is_no_lab() {
    let surroundings = Surroundings::new();
    // Makes the folder with the right mode.
    surroundings.ok(&["labs"]);
    let folder = surroundings.labs_folder().join("1");
    std::fs::create_dir(&folder).expect("it can be made");
    drop(UnixListener::bind(folder.join("socket")).expect("it can be made"));
    let said = surroundings.run(&["kmsg"]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("no lab is running"), "{}", said.err);
    assert!(surroundings.left().is_empty());
    std::fs::create_dir(&folder).expect("it can be made");
    drop(UnixListener::bind(folder.join("socket")).expect("it can be made"));
    assert_eq!(surroundings.up(&[]).id, "1");
}

#[test]
fn a_folder_that_others_can_enter_is_not_used_for_sockets() {
    use std::os::unix::fs::PermissionsExt;
    let surroundings = Surroundings::new();
    let folder = surroundings.labs_folder();
    std::fs::create_dir(&folder).expect("it can be made");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).expect("it is ours");
    let said = surroundings.run(&["labs"]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("0700"), "{}", said.err);
}

#[test]
fn a_lab_process_told_to_end_leaves_nothing() {
    let surroundings = Surroundings::new();
    let status = surroundings.up(&[]);
    let pid = nix::unistd::Pid::from_raw(status.pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it is there");
    expect_gone(status.pid, "the lab process");
    expect_gone(status.qemu_pid.expect("it ran"), "QEMU");
    assert!(surroundings.left().is_empty(), "{:?}", surroundings.left());
}

/// Not a test by itself: what the next one runs as another process.
#[test]
fn owner() {
    if std::env::var_os("RINGSIDE_TEST_OWNER").is_none() {
        return;
    }
    let kernel = BootKernel {
        flavour: Flavour::from_environment().expect("a kernel's name"),
        release: "under test".into(),
        image: image(),
        built: None,
    };
    let options = LabOptions::new(kernel, "/".into(), cache::root().expect("a cache"));
    let program = Path::new(env!("CARGO_BIN_EXE_ringside"));
    let lab = client::start(&options, Some(program)).expect("it starts");
    lab.wait_ready().expect("it runs");
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_lab_ends_with_its_owner_even_if_that_is_killed() {
    let surroundings = Surroundings::new();
    let mut owner = Command::new(std::env::current_exe().expect("it has a path"))
        .args(["--exact", "ends::owner"])
        .env("RINGSIDE_TEST_OWNER", "1")
        .env("XDG_RUNTIME_DIR", surroundings.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let start = Instant::now();
    while surroundings.left().is_empty() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let lab = surroundings.lab("1");
    let status = wait_for(&lab, "running", |guest| *guest == GuestState::Running);
    owner.kill().expect("it is our child");
    owner.wait().expect("it is our child");
    expect_gone(status.pid, "the lab process");
    expect_gone(status.qemu_pid.expect("it ran"), "QEMU");
    assert!(surroundings.left().is_empty(), "{:?}", surroundings.left());
}

#[test]
fn an_up_that_is_killed_while_the_guest_boots_leaves_no_lab() {
    let surroundings = Surroundings::new();
    let mut up = surroundings.command(&["up", "--cold"]).spawn().expect("ringside starts");
    let status = surroundings.lab("1").status().expect("the lab answers");
    up.kill().expect("it is our child");
    up.wait().expect("it is our child");
    expect_gone(status.pid, "the lab process");
    assert!(surroundings.left().is_empty(), "{:?}", surroundings.left());
}
