// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop in the dashboard: from no folder to a module that is mended, halted by
//! gdb, crashed and brought back, without leaving the screen.

use std::path::Path;

use super::made::{Made, wait_for};
use super::session::Session;
use super::surroundings::{Said, Surroundings};

const ENTER: &str = "\r";
const TAB: &str = "\t";
const RIGHT: &str = "\x1b[C";

/// A dashboard over these surroundings.
fn start(at: &Surroundings, arguments: &[&str]) -> Session {
    let folder = at.path().to_str().expect("UTF-8");
    let places = ["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"];
    let environment = places.map(|name| (name, folder));
    let binary = Path::new(env!("CARGO_BIN_EXE_ringside"));
    let session = Session::start_with(binary, arguments, 44, 110, &environment);
    session.wait_for(" connected");
    session
}

/// The value of a counter on the screen.
fn shown(screen: &str, counter: &str) -> Option<u64> {
    let line = screen.lines().find(|line| line.contains(&format!(" {counter} ")))?;
    let mut words = line.split_whitespace().skip_while(|word| *word != counter);
    words.nth(1)?.replace(',', "").parse().ok()
}

/// Waits until a counter moves.
fn moves(session: &Session, counter: &str) {
    session.wait_until("the counter", |screen| shown(screen, counter).is_some());
    let before = shown(&session.screen(), counter).unwrap_or(0);
    session.wait_until("the counter to move", |screen| {
        shown(screen, counter).is_some_and(|now| now > before)
    });
}

#[test]
fn a_module_is_made_mended_halted_crashed_and_brought_back_without_leaving_the_screen() {
    let at = Surroundings::new();
    let folder = at.path().join("benched");
    let made = Made { at, name: "benched".into(), folder };
    let mut session = start(&made.at, &[]);
    session.keys("8");
    session.wait_for("No folder is open");

    // Make it.
    session.keys("a");
    session.wait_for("Make a new module");
    let run = "cat /sys/module/benched/counters/skipped";
    let typed = [made.path(), TAB, RIGHT, TAB, "interval_ms=50", TAB, run, ENTER];
    session.keys(&typed.concat());
    session.wait_for("build 1 of benched");
    session.wait_for("a beat every 50 ms");
    session.wait_for(&format!("# {run}"));
    moves(&session, "beats");

    // Break it: the build that is loaded stays.
    let (right, wrong) = ("return milliseconds >= 1", "retrun milliseconds >= 1");
    made.edit(right, wrong);
    session.wait_for("not built");
    session.wait_for("build 1 of benched");
    let source = std::fs::read_to_string(made.source()).expect("its source");
    let line = source.lines().position(|line| line.contains(wrong)).expect("it is there") + 1;
    session.wait_for(&format!("benched.c:{line}"));
    session.wait_for("^ ");
    session.wait_for(wrong);
    session.keys("n");
    session.keys("N");
    let before = made.value("beats").expect("it is loaded");
    wait_for("the old one to go on", || made.value("beats").filter(|beats| *beats > before));

    // Mend it, and go on.
    made.edit(wrong, right);
    session.wait_until("the messages to go", |screen| !screen.contains("not built"));
    made.edit("a beat every", "a blow every");
    session.wait_for("build 2 of benched");
    session.wait_for("a blow every 50 ms");
    moves(&session, "beats");

    // Halt it.
    let steps = ["break beat", "continue", "stepi", "bt 1"];
    let mut arguments = vec!["gdb", "--", "--batch"];
    arguments.extend(steps.iter().flat_map(|step| ["-ex", *step]));
    let gdb = made.at.command(&arguments).output().expect("ringside starts");
    let said = Said::from(gdb);
    assert!(said.out.contains("hit Breakpoint 1, beat"), "{}{}", said.out, said.err);
    // One instruction on, it stands where it stood.
    assert!(said.out.contains("#0  "), "{}{}", said.out, said.err);
    moves(&session, "beats");

    // Crash it: the line, the registers, the way back.
    let (said, crash) = ("\tpr_info(\"a blow", "\t*(volatile int *)8 = 1; pr_info(\"a blow");
    made.edit(said, crash);
    session.wait_for("crashed");
    let source = std::fs::read_to_string(made.source()).expect("its source");
    let line = source.lines().position(|line| line.contains(crash)).expect("it is there") + 1;
    session.wait_for(&format!("benched.c:{line} "));
    session.wait_for("RAX: ");
    session.wait_for("(volatile int *)8 = 1;");
    session.keys("r");
    session.wait_for("build 3 of benched");
    session.wait_for("a blow every 50 ms");
    moves(&session, "beats");
    made.edit(crash, said);
    session.wait_until("the mended source to be what is loaded", |screen| {
        screen.contains("● loaded") && !screen.contains("crashed")
    });
    assert!(session.quit().success());
    session.assert_restored();
}

#[test]
fn a_folder_named_on_the_command_line_is_open_from_the_start() {
    let made = Made::new("opened", &["--c"]);
    let mut session = opened(&made);
    assert!(session.quit().success());
}

#[test]
#[ignore = "needs the debug kernel, which no other of these does: --ignored runs it"]
fn a_folders_unit_tests_run_by_a_key() {
    let made = Made::new("opened", &["--c"]);
    // The debug kernel boots once, and is resumed from then on.
    made.at.ok(&["test", made.path()]);
    let mut session = opened(&made);
    session.keys("u");
    session.wait_until("its tests", |screen| {
        screen.contains("0 failed, 0 skipped in ") && screen.contains("passed  opened.")
    });
    assert!(session.quit().success());
}

/// A dashboard that was started with the folder, once its module is loaded.
fn opened(made: &Made) -> Session {
    let arguments = ["--workbench", made.path(), "--parameter", "interval_ms=20"];
    let session = start(&made.at, &arguments);
    session.wait_for("build 1 of opened");
    session.wait_for("a beat every 20 ms");
    session
}
