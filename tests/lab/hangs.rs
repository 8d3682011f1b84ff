// SPDX-License-Identifier: MIT OR Apache-2.0
//! Guests, QEMUs and lab processes that hang: they are noticed and told of, and
//! nobody who waits for one is held.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ringside::kernel::TargetError;
use ringside::kernel::api::{GuestState, LabRequest, LabStatus, Trouble};
use ringside::lab::client::LabClient;
use ringside::lab::flavour::Flavour;
use ringside::lab::progress::Event;
use ringside::lab::{linux, modules};

use super::surroundings::{Surroundings, children, expect_gone, expect_taken, lab_request, lives};

/// How long anything may take here; a hang is one that goes on for longer.
const PATIENCE: Duration = Duration::from_secs(240);

fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("it is there");
}

/// A QEMU, or a lab process, that is stopped until this is dropped.
struct Stopped(i32);

impl Stopped {
    fn new(pid: i32) -> Self {
        send(pid, Signal::SIGSTOP);
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may be gone by now, which is what some tests want.
        let _ = kill(Pid::from_raw(self.0), Signal::SIGCONT);
    }
}

/// The module whose init never returns, for the kernel under test.
fn hang() -> PathBuf {
    let flavour = Flavour::from_environment().expect("RINGSIDE_KERNEL names a kernel");
    let kernel = linux::ensure(flavour, &mut |_: Event| {}).expect("the kernel is built");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/hang");
    let files = modules::build(&kernel, &source, &mut |_: Event| {}).expect("the module builds");
    files.first().expect("it is one").clone()
}

/// Has every processor of the lab's guest spin with interrupts off.
fn hang_guest(surroundings: &Surroundings) {
    let module = hang();
    let module = module.to_str().expect("UTF-8");
    let mut load = surroundings.command(&["load", module, "all=1"]);
    let mut load = load.stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
    wait_for_status(surroundings, "a guest that hangs", |status| !status.troubles.is_empty());
    load.kill().expect("it is our child");
    load.wait().expect("it is our child");
}

/// The status of lab 1, once it is as wanted.
fn wait_for_status(
    surroundings: &Surroundings,
    what: &str,
    enough: impl Fn(&LabStatus) -> bool,
) -> LabStatus {
    let lab = surroundings.lab("1");
    let start = Instant::now();
    loop {
        let status = lab.status().expect("the lab answers");
        if enough(&status) {
            return status;
        }
        assert!(start.elapsed() < PATIENCE, "waited for {what}: {status:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits for the end of a child that nothing may keep from ending.
fn end(child: &mut Child) -> i32 {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status.code().expect("it exited");
        }
        if start.elapsed() > PATIENCE {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `exec` of a program that says when it is up; and its QEMU where it has one.
struct Exec {
    child: Child,
    qemu: Option<i32>,
}

fn exec(surroundings: &Surroundings, options: &[&str]) -> Exec {
    let mut arguments = vec!["exec"];
    arguments.extend(options);
    arguments.extend(["--", "sh", "-c", "echo up; sleep 600"]);
    let mut child = surroundings
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let mut up = [0; 3];
    child.stdout.take().expect("piped").read_exact(&mut up).expect("it says so");
    let qemu = children(child.id()).first().copied();
    Exec { child, qemu }
}

#[test]
fn an_exec_whose_qemu_is_stopped_ends_at_each_signal_and_takes_qemu_along() {
    let surroundings = Surroundings::new();
    let ends: [(&[Signal], i32); 4] = [
        (&[Signal::SIGINT, Signal::SIGINT], 130),
        (&[Signal::SIGTERM], 143),
        (&[Signal::SIGHUP], 129),
        (&[Signal::SIGQUIT], 131),
    ];
    for (signals, status) in ends {
        let mut exec = exec(&surroundings, &[]);
        let qemu = exec.qemu.expect("it has one");
        let _stopped = Stopped::new(qemu);
        for (number, signal) in signals.iter().enumerate() {
            if number > 0 {
                expect_taken(exec.child.id(), signals[number - 1]);
                assert!(exec.child.try_wait().expect("it is our child").is_none());
            }
            send(exec.child.id() as i32, *signal);
        }
        assert_eq!(end(&mut exec.child), status, "{signals:?}");
        expect_gone(qemu, "QEMU");
    }
}

#[test]
fn an_exec_in_a_lab_that_hangs_ends_at_a_signal_and_leaves_the_lab() {
    let surroundings = Surroundings::new();
    let status = surroundings.up(&[]);
    let mut exec = exec(&surroundings, &["--lab", "1"]);
    let stopped = Stopped::new(status.qemu_pid.expect("it runs"));
    send(exec.child.id() as i32, Signal::SIGTERM);
    assert_eq!(end(&mut exec.child), 143);
    drop(stopped);
    surroundings.ok(&["modules"]);
}

#[test]
fn an_exec_whose_program_hangs_every_processor_says_so_and_ends_at_the_second_ctrl_c() {
    let surroundings = Surroundings::new();
    let module = hang();
    let load = format!("exec insmod {} all=1", module.display());
    let mut child = surroundings
        .command(&["exec", "--timeout", "0", "--", "sh", "-c", &load])
        .stderr(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let mut said = BufReader::new(child.stderr.take().expect("piped")).lines();
    let line = said.next().expect("it says something").expect("UTF-8");
    assert!(line.starts_with("note: the guest has not answered for "), "{line}");
    assert!(line.ends_with("; a second Ctrl-C ends it"), "{line}");
    send(child.id() as i32, Signal::SIGINT);
    expect_taken(child.id(), Signal::SIGINT);
    assert!(child.try_wait().expect("it is our child").is_none());
    send(child.id() as i32, Signal::SIGINT);
    assert_eq!(end(&mut child), 130);
}

#[test]
fn a_guest_that_hangs_is_told_by_every_command_until_a_reboot_gets_over_it() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    hang_guest(&surroundings);

    let labs = surroundings.ok(&["labs"]);
    assert!(labs.contains("1    hangs"), "{labs}");
    assert!(labs.contains("\n     the guest has not answered for "), "{labs}");
    let status: serde_json::Value =
        serde_json::from_str(&surroundings.ok(&["vm", "status", "--json"])).expect("JSON");
    assert_eq!(status["guest"], "Running");
    assert!(status["troubles"][0]["Silent"]["for_ms"].as_u64().expect("a number") >= 5000);

    for command in
        [&["info"][..], &["modules"], &["kmsg", "-f"], &["exec", "--lab", "1", "--", "true"]]
    {
        let said = surroundings.run(&[&["--timeout", "7"], command].concat());
        assert_eq!(said.status, if command[0] == "exec" { 125 } else { 1 }, "{command:?}");
        assert!(said.err.contains("note: the guest has not answered for "), "{}", said.err);
        assert!(said.err.contains("`ringside vm reboot"), "{}", said.err);
        assert!(said.err.contains("Ctrl-C stops waiting"), "{}", said.err);
        assert!(said.err.contains("error: the guest has not answered for "), "{}", said.err);
    }
    surroundings.ok(&["vm", "reboot"]);
    surroundings.ok(&["modules"]);
    let labs = surroundings.ok(&["labs"]);
    assert!(labs.contains("1    running"), "{labs}");
}

#[test]
fn a_qemu_that_is_stopped_is_told_as_that_and_its_guest_answers_again() {
    let surroundings = Surroundings::new();
    let qemu = surroundings.up(&[]).qemu_pid.expect("it runs");
    let stopped = Stopped::new(qemu);
    let status =
        wait_for_status(&surroundings, "a guest that hangs", |now| !now.troubles.is_empty());
    let [Trouble::Silent { cause: Some(cause), .. }] = &status.troubles[..] else {
        panic!("{status:?}");
    };
    assert_eq!(*cause, format!("QEMU is stopped: `kill -CONT {qemu}` lets it go on"));
    // One that waits meanwhile is told, and gets its answer in the end.
    let mut waiting = surroundings
        .command(&["--timeout", "0", "modules"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("ringside starts");
    let mut said = BufReader::new(waiting.stderr.take().expect("piped")).lines();
    let line = said.next().expect("it says something").expect("UTF-8");
    assert!(line.contains("kill -CONT"), "{line}");
    drop(stopped);
    assert_eq!(end(&mut waiting), 0);
    wait_for_status(&surroundings, "a guest that answers", |now| now.troubles.is_empty());
}

#[test]
fn a_processor_that_is_stuck_is_told_in_the_kernels_own_words() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let module = hang();
    let load =
        format!("echo 2 > /proc/sys/kernel/watchdog_thresh && exec insmod {}", module.display());
    let mut child = surroundings
        .command(&["exec", "--lab", "1", "--", "sh", "-c", &load])
        .stderr(Stdio::null())
        .spawn()
        .expect("ringside starts");
    let status =
        wait_for_status(&surroundings, "a stuck processor", |now| !now.troubles.is_empty());
    let words = match &status.troubles[0] {
        Trouble::Stuck { words } | Trouble::Silent { cause: Some(words), .. } => words,
        other => panic!("{other:?}"),
    };
    assert!(words.contains("BUG: soft lockup - CPU#"), "{words}");
    assert!(words.contains("insmod"), "{words}");
    let labs = surroundings.ok(&["labs"]);
    assert!(labs.contains("1    hangs") && labs.contains("soft lockup"), "{labs}");
    send(child.id() as i32, Signal::SIGTERM);
    assert_eq!(end(&mut child), 143);
}

#[test]
fn a_reboot_overtakes_an_unplug_that_waits_for_a_guest_that_hangs() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    hang_guest(&surroundings);
    let lab = surroundings.lab("1");
    let (first, second) = std::thread::scope(|scope| {
        let order = |request| {
            let lab: &LabClient = &lab;
            scope.spawn(move || lab_request(lab, request))
        };
        let unplug = order(LabRequest::Unplug);
        let stick = |plugged| {
            let what = "the stick's removal";
            wait_for_status(&surroundings, what, move |now| now.stick_plugged == plugged);
        };
        // It is under way, once a mark that the lab makes by itself has been given up, and
        // a second one waits behind it.
        std::thread::sleep(Duration::from_secs(5));
        let plug = order(LabRequest::Plug);
        std::thread::sleep(Duration::from_millis(200));
        lab_request(&lab, LabRequest::Reboot { cold: false }).expect("it overtakes them");
        stick(false);
        (unplug.join().expect("it is told"), plug.join().expect("it is told"))
    });
    let overtaken = TargetError::Invalid("a new guest was started instead".into());
    assert_eq!(first.expect_err("it was overtaken"), overtaken);
    assert_eq!(second.expect_err("it was overtaken"), overtaken);
    surroundings.ok(&["modules"]);
    surroundings.ok(&["vm", "plug"]);
}

#[test]
fn an_unplug_of_a_guest_that_hangs_comes_to_an_end_by_itself() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    hang_guest(&surroundings);
    let mut unplug = surroundings.command(&["--timeout", "0", "vm", "unplug"]);
    let mut unplug = unplug.stderr(Stdio::piped()).spawn().expect("ringside starts");
    assert_eq!(end(&mut unplug), 1);
    let mut said = String::new();
    unplug.stderr.take().expect("piped").read_to_string(&mut said).expect("it is text");
    assert!(said.contains("did not answer within 15 s"), "{said}");
    // The other orders go on to work.
    surroundings.ok(&["vm", "power-off"]);
    surroundings.ok(&["vm", "reboot"]);
    surroundings.ok(&["modules"]);
}

#[test]
fn a_reboot_overtakes_a_start_and_the_saved_machine_survives_it() {
    let surroundings = Surroundings::new();
    let first = surroundings.up(&[]);
    let lab = surroundings.lab("1");
    std::thread::scope(|scope| {
        let boot = scope.spawn(|| lab_request(&lab, LabRequest::Reboot { cold: true }));
        wait_for_status(&surroundings, "the start", |now| now.guest == GuestState::Starting);
        lab_request(&lab, LabRequest::Reboot { cold: false }).expect("it overtakes the other");
        boot.join().expect("it is told").expect_err("it was overtaken");
    });
    let status = lab.status().expect("it answers");
    assert_eq!((status.guest, status.generation), (GuestState::Running, first.generation + 2));
    assert!(status.resumed, "the second start resumes");
}

#[test]
fn a_lab_process_that_is_stopped_is_named_with_its_number_and_down_ends_it() {
    let surroundings = Surroundings::new();
    let (one, two) = (surroundings.up(&[]), surroundings.up(&[]));
    let three = surroundings.up(&[]);
    let _stopped = [one.pid, two.pid].map(Stopped::new);
    let labs = surroundings.ok(&["labs"]);
    for lab in [&one, &two] {
        let said = format!(
            "{:<4} lab {} does not answer (pid {}, which is stopped",
            lab.id, lab.id, lab.pid
        );
        assert!(labs.contains(&said), "{said:?} in {labs}");
    }
    assert!(labs.contains("3    running"), "{labs}");
    // What needs the lab says the same.
    let said = surroundings.run(&["--lab", &one.id, "modules"]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains(&format!("(pid {}", one.pid)), "{}", said.err);
    surroundings.ok(&["down", "--all"]);
    for lab in [one, two, three] {
        expect_gone(lab.pid, "the lab process");
        expect_gone(lab.qemu_pid.expect("it ran"), "QEMU");
    }
    assert!(surroundings.left().is_empty(), "{:?}", surroundings.left());
}

#[test]
fn an_up_whose_lab_process_is_stopped_comes_to_an_end_by_itself() {
    let surroundings = Surroundings::new();
    let mut up = surroundings
        .command(&["up", "--cold"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let lab = surroundings.lab("1").status().expect("the lab answers").pid;
    let stopped = Stopped::new(lab);
    assert_eq!(end(&mut up), 1);
    let mut said = String::new();
    up.stderr.take().expect("piped").read_to_string(&mut said).expect("it is text");
    // Before `up` was connected, or while it waited.
    let either = ["lab 1 does not answer", "lab 1 did not answer"];
    assert!(either.iter().any(|words| said.contains(words)), "{said}");
    drop(stopped);
    expect_gone(lab, "the lab process");
}

#[test]
fn a_demo_whose_guest_hangs_comes_to_an_end_by_itself() {
    let surroundings = Surroundings::new();
    let mut demo = surroundings
        .command(&["demo", "--timeout", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("ringside starts");
    let mut lines = BufReader::new(demo.stdout.take().expect("piped")).lines();
    lines.next().expect("it says that its lab runs").expect("it is text");
    // Its other child builds the modules.
    let name = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let mut children = children(demo.id()).into_iter();
    let qemu = children.find(|pid| name(pid).starts_with("qemu-system")).expect("it has a QEMU");
    let _stopped = Stopped::new(qemu);
    // Nothing that it says is to fill the pipe.
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    assert_eq!(end(&mut demo), 1);
    let said = rest.join().expect("it ends").join("\n");
    assert!(said.contains("has not answered"), "{said}");
    expect_gone(qemu, "QEMU");
}

#[test]
fn a_lab_process_that_ignores_every_polite_word_is_killed() {
    let surroundings = Surroundings::new();
    let lab = surroundings.up(&[]);
    // A debugger has it, and no signal but one gets through.
    // SAFETY: PTRACE_ATTACH takes a number and no memory.
    let traced = unsafe { nix::libc::ptrace(nix::libc::PTRACE_ATTACH, lab.pid, 0, 0) };
    nix::errno::Errno::result(traced).expect("it can be traced");
    let down = std::thread::spawn({
        let mut down = surroundings.command(&["down"]);
        move || down.output().expect("ringside starts")
    });
    let start = Instant::now();
    while lives(lab.pid) && start.elapsed() < PATIENCE {
        // What was sent to it comes to us, and goes no further.
        let flags = Some(nix::sys::wait::WaitPidFlag::WNOHANG);
        let _ = nix::sys::wait::waitpid(Pid::from_raw(lab.pid), flags);
        std::thread::sleep(Duration::from_millis(10));
    }
    let said = down.join().expect("it ends");
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(text, "lab 1 is down; it did not answer and was killed\n");
    expect_gone(lab.qemu_pid.expect("it ran"), "QEMU");
}

#[test]
fn a_guest_that_sees_no_stick_starts_and_says_so() {
    let surroundings = Surroundings::new();
    // The driver is told to leave QEMU's stick alone.
    let append = "usb-storage.quirks=46f4:0001:i";
    let mut up = surroundings.command(&["up", "--json", "--append", append]);
    let output = up.output().expect("ringside starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("warning: the guest has no USB stick: wait for the USB stick"), "{said}");
    let status: LabStatus = serde_json::from_slice(&output.stdout).expect("a status in JSON");
    assert!(!status.stick_plugged && status.stick_trouble.is_some(), "{status:?}");
    surroundings.ok(&["modules"]);
    assert!(surroundings.ok(&["labs"]).contains("the USB stick: wait for the USB stick to come"));
}
