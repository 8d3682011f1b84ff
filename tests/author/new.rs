// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside new`.

use std::fs;
use std::path::Path;

use super::made::{Made, wait_for};
use super::surroundings::Surroundings;

/// Builds, loads, looks, sets and unloads.
fn lives(options: &[&str]) {
    let made = Made::new("new_pulse", options);
    made.at.up(&[]);
    let refused = made.at.run(&["load", made.path(), "interval_ms=0"]);
    assert_eq!(refused.status, 1, "{}", refused.out);
    made.at.ok(&["load", made.path(), "interval_ms=5"]);
    wait_for("a beat", || made.value("beats").filter(|beats| *beats > 0));
    assert_eq!(made.value("paused"), Some(0));
    made.at.ok(&["set", "new_pulse", "paused", "1"]);
    wait_for("a beat that is not counted", || made.value("skipped").filter(|beats| *beats > 0));
    let before = made.value("beats");
    let skipped = made.value("skipped");
    wait_for("another", || made.value("skipped").filter(|now| Some(*now) > skipped));
    assert_eq!(made.value("beats"), before);
    made.at.ok(&["unload", "new_pulse"]);
    let log = made.at.ok(&["kmsg"]);
    for line in ["interval_ms=0 is not within 1 to 60000", "a beat every 5 ms", "unloaded"] {
        assert!(log.contains(&format!("new_pulse: {line}")), "{line}: {log}");
    }
    for sign in ["BUG", "WARNING", "Oops"] {
        assert!(!log.contains(sign), "{log}");
    }
}

#[test]
fn a_new_module_in_rust_builds_loads_counts_obeys_and_unloads() {
    lives(&[]);
}

#[test]
fn a_new_module_in_c_builds_loads_counts_obeys_and_unloads() {
    lives(&["--c"]);
}

#[test]
fn a_new_module_holds_no_code_of_ours_and_compiles_without_a_warning() {
    for options in [&[][..], &["--c"]] {
        let made = Made::new("new_quiet", options);
        assert_eq!(fs::read_dir(&made.folder).expect("its folder").count(), 2);
        let said = made.at.run(&["build", made.path()]);
        assert_eq!(said.status, 0, "{}", said.err);
        assert!(!said.err.contains("warning"), "{}", said.err);
    }
}

#[test]
fn a_module_written_against_version_1_of_the_support_code_still_builds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/author/published");
    let said = Surroundings::new().run(&["build", folder.to_str().expect("UTF-8")]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.out.ends_with("written_for_v1.ko\n"), "{}", said.out);
}

#[test]
fn a_name_that_the_kernel_cannot_take_makes_no_folder() {
    let at = Surroundings::new();
    for (name, why) in [
        ("usbcore", "the kernel has a part of that name"),
        ("printk", "the kernel has a part of that name"),
        ("my_name", "Ringside has a module of that name"),
        ("match", "it is a word of Rust's"),
        ("my-mod", "my_mod would do"),
    ] {
        let folder = at.path().join(name);
        let said = at.run(&["new", folder.to_str().expect("UTF-8")]);
        assert_eq!(said.status, 2, "{name}: {}", said.err);
        assert!(said.err.contains(why), "{name}: {}", said.err);
        assert!(!folder.exists());
    }
    let there = at.path().join("there");
    fs::create_dir(&there).expect("a folder");
    let said = at.run(&["new", there.to_str().expect("UTF-8")]);
    assert_eq!(said.status, 1, "{}", said.err);
    assert!(said.err.contains("exists already"), "{}", said.err);
}
