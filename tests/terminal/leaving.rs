// SPDX-License-Identifier: MIT OR Apache-2.0
//! Leaving the dashboard that started its lab: what becomes of the lab.

use super::dashboard::dashboard;
use super::runtime::{Runtime, ringside};

#[test]
fn where_a_module_is_loaded_q_asks_and_the_lab_can_be_kept_running() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    ringside(runtime.folder(), &["load", "my_name", "intParameter=1999"]);
    session.wait_for("● loaded");
    session.keys("q");
    session.wait_for("Loaded there: my_name.");
    session.keys("\x1b");
    session.wait_until("the question to close", |screen| !screen.contains("Loaded there"));
    session.keys("q");
    session.wait_for("Loaded there: my_name.");
    session.keys("k");
    assert!(session.wait().success());
    session.assert_restored();
    session.wait_for("lab 1 goes on");
    assert!(ringside(runtime.folder(), &["modules"]).contains("my_name"));

    // The next dashboard comes back to it, and has no say over its end.
    let mut session = dashboard(&runtime);
    session.wait_for("● loaded");
    session.keys("q");
    assert!(session.wait().success());
    assert!(ringside(runtime.folder(), &["modules"]).contains("my_name"));
    ringside(runtime.folder(), &["down"]);
}

#[test]
fn answered_with_q_the_lab_ends_with_its_dashboard() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    ringside(runtime.folder(), &["load", "my_name"]);
    session.wait_for("● loaded");
    session.keys("q");
    session.wait_for("Loaded there: my_name.");
    session.keys("q");
    assert!(session.wait().success());
    session.assert_restored();
    let labs = ringside(runtime.folder(), &["labs"]);
    assert!(!labs.contains("7.3"), "{labs}");
}
