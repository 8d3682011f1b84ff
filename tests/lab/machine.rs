// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside vm`: what the dashboard's keys do to the machine, line by line.

use serde_json::Value;

use super::surroundings::Surroundings;

/// What `ringside vm status --json` says.
fn status(surroundings: &Surroundings) -> Value {
    let text = surroundings.ok(&["vm", "status", "--json"]);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_machine_is_unplugged_crashed_rebooted_and_turned_off_from_the_command_line() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let first = status(&surroundings);
    assert_eq!(first["guest"], "Running");
    assert_eq!(first["stick_plugged"], true);

    surroundings.ok(&["vm", "unplug"]);
    assert_eq!(status(&surroundings)["stick_plugged"], false);
    let twice = surroundings.run(&["vm", "unplug"]);
    assert_eq!(twice.status, 1, "{}", twice.err);
    surroundings.ok(&["vm", "plug"]);
    assert_eq!(status(&surroundings)["stick_plugged"], true);

    surroundings.ok(&["vm", "crash"]);
    let reason = &status(&surroundings)["guest"]["Panicked"]["reason"];
    let reason = reason.as_str().unwrap_or_default();
    assert!(reason.contains("sysrq triggered crash"), "{reason:?}");
    let console = surroundings.ok(&["vm", "console"]);
    assert!(console.contains("sysrq triggered crash"), "{console}");
    let gone = surroundings.run(&["modules"]);
    assert_eq!(gone.status, 1);
    assert!(gone.err.contains("panic"), "{}", gone.err);

    surroundings.ok(&["vm", "reboot"]);
    let second = status(&surroundings);
    assert_eq!(second["guest"], "Running");
    assert_eq!(
        second["generation"].as_u64(),
        first["generation"].as_u64().map(|number| number + 1)
    );
    surroundings.ok(&["modules"]);

    surroundings.ok(&["vm", "power-off"]);
    assert_eq!(status(&surroundings)["guest"], "Off");
    surroundings.ok(&["vm", "reboot"]);
    assert_eq!(status(&surroundings)["guest"], "Running");
}
