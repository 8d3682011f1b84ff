// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside gdb`, with the gdb that the tests' set-up has installed.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use super::made::{Made, wait_for};
use super::surroundings::{Said, kill};

/// gdb with these arguments, and nothing to read.
fn gdb(made: &Made, arguments: &[&str]) -> Child {
    let mut command = made.at.command(&["gdb", "--"]);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("ringside starts")
}

/// gdb's order to stay where it is as long as a file exists, and the file: it goes
/// with the test, and whatever waits for it then ends.
fn stay(made: &Made) -> (String, PathBuf) {
    let sign = made.at.path().join("stay");
    fs::write(&sign, "").expect("it can be written");
    (format!("shell while [ -e '{}' ]; do sleep 0.1; done", sign.display()), sign)
}

/// What `ringside labs` says, once it holds `text`.
fn labs(made: &Made, text: &str) -> String {
    wait_for(text, || Some(made.at.run(&["labs"]).out).filter(|said| said.contains(text)))
}

#[test]
fn a_breakpoint_in_a_module_that_is_loaded_later_halts_it_with_its_values() {
    let made = Made::new("debugged", &["--c"]);
    made.at.ok(&["build", made.path()]);
    made.at.up(&[]);
    let attached = made.at.path().join("about to go on");
    let touch = format!("shell touch '{}'", attached.display());
    let (stay, stays) = stay(&made);
    let steps = ["break debugged_mod_init", &touch, "continue", "p interval_ms", "bt 2", &stay];
    let mut arguments = vec!["--batch"];
    arguments.extend(steps.iter().flat_map(|step| ["-ex", *step]));
    let debugger = gdb(&made, &arguments);
    let mut load = made.at.command(&["load", made.path(), "interval_ms=77"]);
    load.stdout(Stdio::piped()).stderr(Stdio::piped());
    wait_for("gdb to wait for the module", || attached.exists().then_some(()));
    let load = load.spawn().expect("ringside starts");
    labs(&made, "halted by gdb at 0x");
    fs::remove_file(stays).expect("it is there");
    let said = Said::from(debugger.wait_with_output().expect("gdb ends"));
    assert!(said.out.contains("hit Breakpoint 1, debugged_mod_init () at"), "{}", said.out);
    assert!(said.out.contains("$1 = 77"), "{}{}", said.out, said.err);
    assert!(said.out.contains("do_one_initcall"), "{}", said.out);
    let loaded = Said::from(load.wait_with_output().expect("it ends"));
    assert_eq!(loaded.status, 0, "{}", loaded.err);
    wait_for("the guest to go on", || made.value("beats").filter(|beats| *beats > 0));
}

#[test]
fn a_gdb_that_is_killed_leaves_the_guest_running_and_another_may_come() {
    let made = Made::new("let_go", &["--c"]);
    made.at.up(&[]);
    made.at.ok(&["load", made.path(), "interval_ms=10"]);
    let (stay, _) = stay(&made);
    for _ in 0..2 {
        let steps = ["--batch", "-ex", "break beat", "-ex", "continue", "-ex", &stay];
        let mut debugger = gdb(&made, &steps);
        labs(&made, "halted by gdb at 0x");
        let children = format!("/proc/{0}/task/{0}/children", debugger.id());
        let children = fs::read_to_string(children).expect("its children");
        let child = children.split_whitespace().next().expect("gdb runs");
        kill(child.parse().expect("a number"));
        debugger.wait().expect("it is our child");
        labs(&made, "running");
        let before = made.value("beats").expect("it is loaded");
        wait_for("another beat", || made.value("beats").filter(|beats| *beats > before + 5));
    }
}

#[test]
fn gdb_has_rusts_own_printers_for_its_types() {
    let made = Made::new("readable", &[]);
    made.at.up(&[]);
    made.at.ok(&["load", made.path(), "interval_ms=100"]);
    let debugger = gdb(&made, &["--batch", "-ex", "info pretty-printer global rust"]);
    let said = Said::from(debugger.wait_with_output().expect("gdb ends"));
    assert!(said.out.contains("StdSlice"), "{}{}", said.out, said.err);
}

#[test]
fn gdb_shows_the_counters_of_a_rust_module_as_numbers() {
    let made = Made::new("printed", &[]);
    made.at.up(&[]);
    made.at.ok(&["load", made.path(), "interval_ms=100"]);
    let text = fs::read_to_string(made.source()).expect("it was made");
    let line = text.lines().position(|line| line.contains("this.beat();")).expect("the line") + 1;
    let stop = format!("break printed.rs:{line}");
    let print = "print (*this.inner.pointer).data";
    let debugger = gdb(&made, &["--batch", "-ex", &stop, "-ex", "continue", "-ex", print]);
    let said = Said::from(debugger.wait_with_output().expect("gdb ends"));
    assert!(said.out.contains("$1 = printed::Pulse {"), "{}{}", said.out, said.err);
    let (_, beats) = said.out.rsplit_once(", beats: ").expect("a counter");
    let (beats, rest) = beats.split_once(", skipped: 0, paused: 0}").expect("the others");
    assert!(beats.parse::<u64>().is_ok(), "{beats} {rest}");
}
