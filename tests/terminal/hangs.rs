// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest that hangs: the dashboard says so, and is held by nothing.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::dashboard::dashboard;
use super::runtime::{Runtime, ringside};
use super::session::Session;

/// The QEMU of the only lab there.
fn qemu(runtime: &Runtime) -> Pid {
    // A lab on a busy machine may not report within the second that `labs` grants.
    for _ in 0..60 {
        let labs = ringside(runtime.folder(), &["labs", "--json"]);
        let labs: Value = serde_json::from_str(&labs).expect("JSON");
        if let Some(pid) = labs[0]["status"]["qemu_pid"].as_i64() {
            return Pid::from_raw(pid.try_into().expect("a process's number"));
        }
    }
    panic!("the lab does not report its QEMU");
}

fn start(runtime: &Runtime) -> (Session, Pid) {
    let session = dashboard(runtime);
    let qemu = qemu(runtime);
    kill(qemu, Signal::SIGSTOP).expect("it runs");
    (session, qemu)
}

#[test]
fn a_guest_that_hangs_is_told_in_the_header_and_one_key_boots_another() {
    let runtime = Runtime::new();
    let (mut session, qemu) = start(&runtime);
    session.wait_for("hangs ");
    session.wait_for("the guest has not answered for ");
    session.wait_for("B boots a new one");
    session.keys("B");
    session.wait_for(" connected");
    session.wait_for("guest 2 runs");
    assert!(kill(qemu, None).is_err(), "the old QEMU lives on");
    session.keys("q");
    assert!(session.wait().success());
}

#[test]
fn a_dashboard_whose_guest_hangs_ends_with_q_and_takes_its_lab_along() {
    let runtime = Runtime::new();
    let (mut session, qemu) = start(&runtime);
    session.keys("q");
    assert!(session.wait().success());
    session.assert_restored();
    let start = std::time::Instant::now();
    while kill(qemu, None).is_ok() {
        assert!(start.elapsed().as_secs() < 120, "QEMU lives on");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_dashboard_whose_guest_hangs_ends_at_a_signal() {
    let runtime = Runtime::new();
    let (mut session, _) = start(&runtime);
    session.wait_for("hangs ");
    session.signal(Signal::SIGTERM);
    assert_eq!(session.wait().exit_code(), 143);
    session.assert_restored();
}
