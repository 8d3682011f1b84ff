// SPDX-License-Identifier: MIT OR Apache-2.0
//! A person's way through the dashboard, key by key, on a real guest.

use super::dashboard::dashboard;
use super::runtime::{Runtime, ringside};
use super::session::Session;

const ENTER: &str = "\r";
const ESCAPE: &str = "\x1b";
const DOWN: &str = "\x1b[B";
const RIGHT: &str = "\x1b[C";
/// Empties a field.
const CONTROL_U: &str = "\x15";

/// Loads the module of the view under `key` as its form proposes.
fn load(session: &mut Session, key: &str, title: &str, loaded: &str) {
    session.keys(key);
    session.wait_for(title);
    session.keys("L");
    session.wait_until("the form, with the module built", |screen| {
        screen.contains("[Enter go]") && !screen.contains("building")
    });
    session.keys(ENTER);
    session.wait_for(loaded);
}

/// Leaves.
fn quit(mut session: Session) {
    assert!(session.quit().success());
    session.assert_restored();
}

#[test]
fn it_loads_my_name_with_parameters_shows_the_greeting_and_unloads() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    session.keys("2");
    session.wait_for("a module with parameters");
    session.keys("L");
    session.wait_until("the form, with the module built", |screen| {
        screen.contains("[Enter go]") && !screen.contains("building")
    });
    session.keys(&format!("{DOWN}{CONTROL_U}Summer{ENTER}"));
    session.wait_for("Hello, I am Ringside, a student of CSE330 Summer 2025");
    session.keys("6");
    session.wait_for("CSE330 Summer 2025");
    session.keys("2");
    session.wait_for("● loaded");
    session.keys("c");
    session.wait_until("the call in the count", |screen| screen.contains("calls    1"));
    session.keys("U");
    session.wait_for("rmmod my_name");
    session.keys("y");
    session.wait_for("○ not loaded");
    quit(session);
}

#[test]
fn it_shows_the_ring_at_work_and_paused() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    load(&mut session, "3", "producer_consumer is not loaded", "Ring of 10 slots");
    session.wait_for("● running");
    session.keys("p");
    session.wait_for("PAUSED");
    session.keys("s");
    session.keys("p");
    session.wait_for("● running");
    quit(session);
}

#[test]
fn it_allocates_walks_five_levels_and_shows_what_killed_a_subject() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    load(&mut session, "4", "memalloc is not loaded", "pages 0/4096");
    session.keys("n");
    session.wait_for("alive");
    session.keys("a");
    session.wait_for("Allocate pages");
    session.keys(&format!("{DOWN}{DOWN}{RIGHT}"));
    session.wait_for("← read-only →");
    session.keys(ENTER);
    session.wait_for("pages 4/4096");
    session.wait_until("the page's frame at the end of the walk", |screen| {
        screen.contains("new PTE[") && screen.contains("physical 0x")
    });
    session.keys("w");
    session.wait_for("Write memory");
    session.keys(ENTER);
    session.wait_for("SIGSEGV, write to a read-only page");
    session.wait_for("pages 0/4096");
    quit(session);
}

/// Writes what the form of view 5 proposes, and sees it arrive.
fn write_hello(session: &mut Session) {
    session.keys("w");
    session.wait_for("Write to the device");
    session.keys(ENTER);
    session.wait_for("68 65 6c 6c 6f");
    // The form shows these bytes, too, before they are written.
    session.wait_for("wrote 5 bytes");
}

/// Runs a line of the shell in the dashboard's guest; what it writes.
fn shell(runtime: &Runtime, line: &str) -> String {
    ringside(runtime.folder(), &["--lab", "1", "exec", "--", "sh", "-c", line])
}

#[test]
fn what_it_writes_is_found_by_dd_and_what_dd_writes_is_shown() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    load(&mut session, "5", "kmod is not loaded", "read-write 1 GiB");
    write_hello(&mut session);
    session.keys("s");
    session.wait_for("synced: every write is on the device");
    let read = "dd if=/dev/ringside-usb bs=5 count=1 status=none";
    assert_eq!(shell(&runtime, read), "hello");
    let write = "printf RINGSIDE | dd of=/dev/ringside-usb bs=8 seek=4 conv=notrunc status=none";
    shell(&runtime, write);
    session.keys("i");
    session.wait_for("52 49 4e 47 53 49 44 45");
    quit(session);
}

#[test]
fn a_stick_that_was_pulled_out_and_put_back_serves_the_module_when_it_is_loaded_again() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    load(&mut session, "5", "kmod is not loaded", "read-write 1 GiB");
    write_hello(&mut session);
    session.keys("s");
    session.wait_for("synced: every write is on the device");
    session.keys("u");
    session.wait_for("[y yes, do it]");
    session.keys("y");
    session.wait_for("GONE");
    session.keys("p");
    session.wait_for("the stick is in; R reloads kmod");
    session.keys("R");
    session.wait_until("the same bytes on the device again", |screen| {
        screen.contains("read-write 1 GiB") && screen.contains("68 65 6c 6c 6f")
    });
    quit(session);
}

#[test]
fn the_counters_of_every_module_move_on_the_overview() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    for module in ["my_name", "producer_consumer", "memalloc", "kmod"] {
        ringside(runtime.folder(), &["load", module]);
    }
    let value = |screen: &str, counter: &str| {
        let (_, rest) = screen.split_once(counter)?;
        let word = rest.split_whitespace().next()?;
        word.replace(',', "").parse::<u64>().ok()
    };
    session.wait_until("a greeting", |screen| value(screen, "greetings") == Some(1));
    session.wait_until("items", |screen| value(screen, "produced") > Some(0));
    let first = value(&session.screen(), "produced");
    session.wait_until("more items", |screen| value(screen, "produced") > first);
    session.keys("4");
    session.wait_for("pages 0/4096");
    session.keys("n");
    session.wait_for("alive");
    session.keys("a");
    session.wait_for("Allocate pages");
    session.keys(ENTER);
    session.wait_for("pages 4/4096");
    session.keys("5");
    session.wait_for("read-write 1 GiB");
    write_hello(&mut session);
    session.keys("2");
    session.wait_for("a system call written in Rust");
    session.keys("c");
    session.wait_until("the call in the count", |screen| value(screen, "calls") == Some(1));
    session.keys("1");
    session.wait_until("the pages", |screen| value(screen, "pages mapped") == Some(4));
    session.wait_until("the bytes", |screen| value(screen, "bytes written") == Some(5));
    quit(session);
}

#[test]
fn it_lists_sorts_filters_and_unloads_modules_and_says_who_holds_a_busy_one() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    for module in ["my_name", "memalloc"] {
        ringside(runtime.folder(), &["load", module]);
    }
    session.keys("7");
    session.wait_for("2 modules, ours first");
    session.keys("s");
    session.wait_for("by name");
    let place = |screen: &str, name: &str| screen.find(&format!(" {name} "));
    session.wait_until("memalloc before my_name", |screen| {
        place(screen, "memalloc") < place(screen, "my_name")
    });
    session.keys("/my_");
    session.keys(ENTER);
    session.wait_until("one module that is listed", |screen| {
        place(screen, "my_name").is_some() && place(screen, "memalloc").is_none()
    });
    session.wait_for("intParameter      2025");
    session.keys("U");
    session.wait_for("rmmod my_name");
    session.keys("y");
    session.wait_for("my_name unloaded");
    session.keys(ESCAPE);
    session.wait_until("the filter to go", |screen| place(screen, "memalloc").is_some());
    // A subject that has pages holds the module.
    session.keys("4");
    session.wait_for("pages 0/4096");
    session.keys("n");
    session.wait_for("alive");
    session.keys("a");
    session.wait_for("Allocate pages");
    session.keys(ENTER);
    session.wait_for("pages 4/4096");
    session.keys("7");
    session.wait_for("Every module of this kernel");
    session.keys("U");
    session.wait_for("rmmod memalloc");
    session.keys("y");
    session.wait_for("EBUSY");
    session.wait_for("(subject): /dev/memalloc (mapped)");
    session.keys(ENTER);
    session.wait_until("the message to close", |screen| !screen.contains("EBUSY"));
    quit(session);
}

#[test]
fn it_survives_the_kernels_crash_says_why_and_boots_a_new_one() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    session.keys("!");
    session.wait_for("Crash the kernel?");
    session.keys("y");
    session.wait_for("Kernel panic - not syncing: sysrq triggered crash");
    session.keys("b");
    session.wait_for(" connected");
    session.wait_until("no panic on the screen", |screen| !screen.contains("panic"));
    session.keys("?");
    session.wait_for("Everywhere");
    session.keys(ESCAPE);
    // A terminal sends Escape and then a key just as it sends Alt and that key.
    session.wait_until("help to close", |screen| !screen.contains("Everywhere"));
    quit(session);
}

#[test]
fn a_lab_whose_process_was_killed_is_replaced_with_one_key() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    let status = ringside(runtime.folder(), &["vm", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    let pid = status["pid"].as_i64().expect("a lab has a process");
    let pid = nix::unistd::Pid::from_raw(pid.try_into().expect("an i32"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it runs");
    session.wait_for("B starts a new one");
    session.keys("B");
    session.wait_for(" connected");
    load(&mut session, "5", "kmod is not loaded", "read-write 1 GiB");
    quit(session);
}
