// SPDX-License-Identifier: MIT OR Apache-2.0
//! Winding the guest back from the keyboard, before and after a crash.

use super::dashboard::dashboard;
use super::runtime::{Runtime, ringside};

#[test]
fn a_marked_guest_comes_back_with_its_module_after_an_unload_and_after_a_crash() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    let command = |arguments: &[&str]| ringside(runtime.folder(), arguments);
    command(&["load", "my_name", "intParameter=1999"]);
    session.wait_for("● loaded");
    session.keys("M");
    session.wait_for("Z comes back here");
    let named = command(&["marks"]);
    assert!(named.contains("when asked"), "{named}");

    command(&["unload", "my_name"]);
    session.wait_until("my_name to go", |screen| !screen.contains("● loaded"));
    session.keys("T");
    session.wait_for("before unload my_name");
    // The newest is the one before the unload; ours is below it.
    session.keys("\x1b[B\r");
    session.wait_for("Rewind to mark");
    session.keys("y");
    session.wait_for("● loaded");

    session.keys("!");
    session.wait_for("Crash the kernel?");
    session.keys("y");
    session.wait_for("r rewinds to");
    session.keys("r");
    session.wait_for("rewound by");
    session.wait_for("● loaded");
    assert!(command(&["modules"]).contains("my_name"));
    assert!(session.quit().success());
    session.assert_restored();
}

#[test]
fn a_subject_that_died_lives_again_after_a_rewind_with_its_pages() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    ringside(runtime.folder(), &["load", "memalloc"]);
    session.keys("4");
    session.wait_for("n starts one");
    session.keys("n");
    session.wait_for("alive");
    session.keys("a");
    session.wait_for("Allocate pages");
    session.keys("\r");
    session.wait_for("wwww");
    session.keys("M");
    session.wait_for("Z comes back here");
    session.keys("r");
    session.wait_for("Read memory");
    session.keys("\x150x10\r");
    session.wait_for("dead SIGSEGV");
    session.keys("Z");
    session.wait_for("Rewind to");
    session.keys("y");
    session.wait_for("rewound by");
    session.wait_for("alive");
    session.wait_for("wwww");
    session.wait_for("pages 4/");
    session.keys("r");
    session.wait_for("Read memory");
    session.keys("\r");
    session.wait_for("bytes at 0x400000000000");
    assert!(session.quit().success());
}
