// SPDX-License-Identifier: MIT OR Apache-2.0
//! However the dashboard ends, the terminal is as it was before.

use std::path::Path;

use nix::sys::signal::Signal;

use super::dashboard::{SMALL, dashboard, start};
use super::runtime::Runtime;
use super::session::Session;

/// Sends `signal` to a dashboard; it must end with 128 + its number.
fn ends_well_after(signal: Signal) {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    session.signal(signal);
    let status = session.wait();
    session.assert_restored();
    assert_eq!(status.exit_code(), 128 + signal as u32, "{status:?}");
}

#[test]
fn after_quit_the_terminal_is_restored_and_the_status_is_zero() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    session.keys("q");
    let status = session.wait();
    session.assert_restored();
    assert!(status.success(), "{status:?}");
}

#[test]
fn after_sigint_the_terminal_is_restored() {
    ends_well_after(Signal::SIGINT);
}

#[test]
fn after_sigterm_the_terminal_is_restored() {
    ends_well_after(Signal::SIGTERM);
}

#[test]
fn after_sighup_the_terminal_is_restored() {
    ends_well_after(Signal::SIGHUP);
}

#[test]
fn after_sigquit_the_terminal_is_restored() {
    ends_well_after(Signal::SIGQUIT);
}

#[test]
#[cfg(debug_assertions)]
fn after_a_panic_in_a_thread_the_terminal_is_restored_and_the_message_stands_on_it() {
    let runtime = Runtime::new();
    let mut session = start(&runtime, SMALL, &[("RINGSIDE_TEST_PANIC", "1")]);
    session.keys("2L");
    let status = session.wait();
    session.assert_restored();
    assert_eq!(status.exit_code(), 101, "{status:?}");
    let screen = session.screen();
    assert!(screen.contains("a panic that RINGSIDE_TEST_PANIC asks for"), "{screen}");
}

#[test]
fn ctrl_z_gives_the_shell_its_terminal_and_fg_brings_the_dashboard_back() {
    let runtime = Runtime::new();
    let environment = [("XDG_RUNTIME_DIR", runtime.folder()), ("PS1", "shell> ")];
    let arguments = ["--norc", "--noprofile", "-i"];
    let mut shell = Session::start_with(Path::new("/bin/bash"), &arguments, 24, 80, &environment);
    shell.wait_for("shell> ");
    shell.keys(&format!("{}\r", env!("CARGO_BIN_EXE_ringside")));
    shell.wait_for(" connected");
    shell.keys("\x1a");
    shell.wait_for("Stopped");
    assert!(!shell.cells().alternate_screen(), "the shell has its screen");
    shell.keys("echo $((6 * 7))\r");
    shell.wait_for("\n42");
    shell.keys("fg\r");
    shell.wait_for(" connected");
    // It hears keys, and draws all that it had drawn before.
    shell.keys("6");
    shell.wait_for("What the kernel says");
    shell.keys("q");
    shell.wait_until("the shell again", |screen| screen.trim_end().ends_with("ringside\nshell>"));
    shell.keys("echo status $?\r");
    shell.wait_for("status 0");
    assert!(!shell.cells().alternate_screen());
    assert!(!shell.cells().hide_cursor(), "the cursor is visible");
    assert_eq!(shell.count("\x1b[?1049h"), 2, "it took the screen twice");
    assert_eq!(shell.count("\x1b[?1049l"), 2, "and gave it back twice");
    shell.keys("exit\r");
    assert!(shell.wait().success());
}

/// The one child of a shell.
fn child_of(shell: nix::unistd::Pid) -> nix::unistd::Pid {
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
    let children = children.expect("the shell runs");
    let child = children.trim().parse().unwrap_or_else(|_| panic!("one child: {children:?}"));
    nix::unistd::Pid::from_raw(child)
}

#[test]
fn after_sigstop_fg_brings_back_a_dashboard_that_is_drawn_whole_and_hears_single_keys() {
    let runtime = Runtime::new();
    let environment = [("XDG_RUNTIME_DIR", runtime.folder()), ("PS1", "shell> ")];
    let arguments = ["--norc", "--noprofile", "-i"];
    let mut shell = Session::start_with(Path::new("/bin/bash"), &arguments, 24, 80, &environment);
    shell.wait_for("shell> ");
    shell.keys(&format!("{} --local\r", env!("CARGO_BIN_EXE_ringside")));
    shell.wait_for(" connected");
    let dashboard = child_of(shell.pid());
    for size in [(24, 80), (30, 100)] {
        nix::sys::signal::kill(dashboard, Signal::SIGSTOP).expect("it runs");
        shell.wait_for("Stopped");
        shell.resize(size.0, size.1);
        shell.keys("clear; echo $((6 * 7))\r");
        shell.wait_until("the shell's own screen", |screen| screen.starts_with("42\n"));
        shell.keys("fg\r");
        // All of it, in the terminal's new size, and nothing of the shell's.
        shell.wait_until("the whole dashboard", |screen| {
            screen.contains("Overview")
                && screen.contains(" connected")
                && screen.contains("Quit")
                && screen.lines().count() == usize::from(size.0)
                && !screen.contains("shell>")
                && !screen.contains("42\n")
        });
        // No Enter follows: the terminal is in raw mode.
        shell.keys("6");
        shell.wait_for("What the kernel says");
        shell.keys("1");
        shell.wait_for("Every module at a glance");
    }
    assert!(shell.cells().hide_cursor(), "no cursor on the dashboard");
    shell.keys("q");
    shell.wait_until("the shell again", |screen| screen.trim_end().ends_with("shell>"));
    assert!(!shell.cells().alternate_screen());
    assert!(!shell.cells().hide_cursor(), "the cursor is visible");
    shell.keys("echo status $?\r");
    shell.wait_for("status 0");
    shell.keys("exit\r");
    assert!(shell.wait().success());
}

#[test]
fn it_follows_the_terminals_size_and_says_when_there_is_too_little_room() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    session.resize(50, 180);
    session.wait_for("my_name");
    session.resize(10, 40);
    session.wait_until("a word about the size", |screen| {
        screen.contains("60") && screen.contains("16")
    });
    session.resize(24, 80);
    session.wait_for("my_name");
    session.keys("q");
    assert!(session.wait().success());
    session.assert_restored();
}

#[test]
fn a_dashboard_at_rest_writes_nothing_to_the_terminal() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    // Wait for the last of what the start brought: three seconds of silence.
    let mut quiet = 0;
    for _ in 0..400 {
        let before = session.bytes();
        std::thread::sleep(std::time::Duration::from_millis(500));
        quiet = if session.bytes() == before { quiet + 1 } else { 0 };
        if quiet == 6 {
            break;
        }
    }
    assert_eq!(quiet, 6, "three seconds without a byte never came:\n{}", session.screen());
    session.keys("q");
    assert!(session.wait().success());
}
