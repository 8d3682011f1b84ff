// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside demo`: the main job without a terminal.

use std::fs::File;
use std::process::Stdio;

use serde_json::Value;

use super::surroundings::{Said, Surroundings};

const MODULES: [&str; 5] = ["my_name", "my_syscall", "producer_consumer", "memalloc", "kmod"];

#[test]
fn the_demo_drives_every_module_in_lines_that_a_person_can_follow() {
    let surroundings = Surroundings::new();
    let text = surroundings.ok(&["demo"]);
    for module in MODULES {
        assert!(text.contains(&format!("\n{module}: ")), "{module} in\n{text}");
    }
    assert_eq!(text.matches("\n  worked\n").count(), MODULES.len(), "{text}");
    for line in [
        // What was done, what the kernel logged, and what was counted.
        "  $ ringside load my_name charParameter=Demo intParameter=2026\n",
        "my_name: Hello, I am Ringside, a student of CSE330 Demo 2026\n",
        "    counters: greetings 1\n",
        "my_name: Goodbye",
        "my_syscall: hello from ring 0",
        "  $ ringside set producer_consumer paused 1\n",
        "  $ ringside set producer_consumer step 3\n",
        "'walk 0x400000000000'\n",
        "SIGSEGV, write to a read-only page at 0x400000000000",
        "    21 bytes written\n",
        "dd if=/dev/ringside-usb",
        "    hello from the kernel\n",
        "    hello from dd\n",
        "\nAll of it worked; the lab ends.\n",
    ] {
        assert!(text.contains(line), "{line:?} in\n{text}");
    }
    // Every module that was loaded was unloaded.
    assert_eq!(text.matches("$ ringside load ").count(), 4, "{text}");
    assert_eq!(text.matches("$ ringside unload ").count(), 4, "{text}");
    assert!(surroundings.left().is_empty(), "{:?}", surroundings.left());
}

#[test]
fn the_demo_in_json_is_an_object_for_each_step() {
    let surroundings = Surroundings::new();
    let text = surroundings.ok(&["demo", "--json"]);
    let steps: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let of = |kind: &'static str| steps.iter().filter(move |step| step["step"] == kind);
    assert_eq!(of("lab").count(), 1);
    let worked: Vec<_> = of("worked").map(|step| (&step["module"], &step["worked"])).collect();
    assert_eq!(worked.len(), MODULES.len());
    assert!(worked.iter().all(|(_, worked)| **worked == Value::Bool(true)), "{worked:?}");
    assert!(of("counters").all(|step| step["counters"].is_object()) && of("log").count() > 5);
    assert_eq!(of("end").next().map(|step| &step["worked"]), Some(&Value::Bool(true)));
}

#[test]
fn a_demo_in_which_something_does_not_work_goes_on_and_fails() {
    let surroundings = Surroundings::new();
    // Sources that do not compile: no module can be had.
    let broken = surroundings.path().join("modules");
    std::fs::create_dir(&broken).expect("it can be made");
    std::fs::write(broken.join("Kbuild"), "obj-m += my_name.o\n").expect("it can be written");
    std::fs::write(broken.join("my_name.c"), "nonsense\n").expect("it can be written");
    let output = surroundings.command(&["demo"]).env("RINGSIDE_MODULES", &broken).output();
    let said = Said::from(output.expect("ringside starts"));
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("  FAILED: "), "{}", said.out);
    // The system call needs no module.
    assert_eq!(said.out.matches("\n  worked\n").count(), 1, "{}", said.out);
    let failed = "my_name, producer_consumer, memalloc, kmod";
    assert!(said.err.contains(&format!("the demo failed with {failed}")), "{}", said.err);
    assert!(said.err.contains("help: "), "{}", said.err);
}

#[test]
fn a_demo_that_nobody_can_read_ends_at_once() {
    let surroundings = Surroundings::new();
    let full = File::options().write(true).open("/dev/full").expect("it is there");
    let output = surroundings.command(&["demo"]).stdout(full).stderr(Stdio::piped()).output();
    let said = Said::from(output.expect("ringside starts"));
    assert_eq!(said.status, 1, "{}", said.err);
    assert!(said.err.contains("write to standard output"), "{}", said.err);
}

#[test]
fn a_dashboard_without_a_terminal_names_the_demo() {
    let surroundings = Surroundings::new();
    let said = surroundings.run(&[]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("needs a terminal"), "{}", said.err);
    assert!(said.err.contains("`ringside demo`"), "{}", said.err);
    let said = surroundings.run(&["demo", "--lab", "1"]);
    assert_eq!(said.status, 2, "{}", said.err);
}
