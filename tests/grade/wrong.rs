// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules that are wrong on purpose lose the points that they should, for the
//! right reason, and no others.

use super::submissions::{course, grade, outcomes, reason, wrong};
use super::surroundings::Surroundings;

/// Judges the module `name`, which loses points in these tests only: what is left
/// of them, and what the reason says.
fn loses(name: &str, spec: &str, expected: &[(&str, f64, &str)]) {
    let at = Surroundings::new();
    let folder = wrong(&at, name);
    let (said, graded) = grade(&at, &course(spec), &[&folder], &["-j", "1"]);
    assert_eq!(said.status, 1, "{}", said.err);
    let lost: Vec<_> = outcomes(&graded[0])
        .into_iter()
        .filter(|(_, outcome, _)| outcome != "passed")
        .map(|(test, _, points)| (test, points))
        .collect();
    let wanted: Vec<_> =
        expected.iter().map(|(test, points, _)| ((*test).to_owned(), *points)).collect();
    assert_eq!(lost, wanted, "{}", said.out);
    for (test, _, words) in expected {
        let why = reason(&graded[0], test);
        assert!(why.contains(words), "{test}: {words:?} is not in {why}");
    }
}

pub fn a_wrong_log_line_costs_what_the_line_is_worth() {
    loses(
        "says_something_else",
        "my_name",
        &[
            ("defaults", 0.0, "Hi, this is a student in Spring 2025"),
            ("parameters", 0.0, "Hi, this is a student in Fall 1999"),
        ],
    );
}

pub fn a_panic_at_unload_costs_the_test_that_unloads_and_no_other() {
    loses("panics_at_unload", "my_name", &[("goodbye", 0.0, "my_name: no way out")]);
}

pub fn a_sleep_under_a_lock_costs_each_test_that_sees_it() {
    loses(
        "sleeps_under_a_lock",
        "my_name",
        &[
            ("load", 0.0, "the kernel reported: BUG: "),
            ("defaults", 0.0, "needs the test load"),
            ("parameters", 0.0, "needs the test load"),
            ("no_number", 0.0, "needs the test load"),
            ("goodbye", 0.0, "needs the test load"),
        ],
    );
}

pub fn a_load_that_never_ends_is_ended() {
    loses(
        "loops_for_ever",
        "my_name",
        &[
            ("load", 0.0, "it had not ended when the limit of 60 s was over"),
            ("defaults", 0.0, "needs the test load"),
            ("parameters", 0.0, "needs the test load"),
            ("no_number", 0.0, "needs the test load"),
            ("goodbye", 0.0, "needs the test load"),
        ],
    );
}

pub fn threads_that_are_not_stopped_cost_each_test_that_unloads() {
    loses(
        "forgets_kthread_stop",
        "producer_consumer",
        &[
            ("unload", 0.0, ""),
            ("clean", 0.0, ""),
            ("full", 1.0, "the kernel thread Producer-1"),
            ("empty", 1.0, "the kernel thread Consumer-1"),
            ("no_room", 0.0, "the kernel thread Consumer-1"),
            ("again", 0.0, ""),
        ],
    );
}

pub fn a_page_table_that_is_left_over_costs_each_test_in_which_a_process_ends() {
    loses(
        "leaks_a_page_table",
        "memalloc",
        &[
            ("read_only", 0.0, "non-zero pgtables_bytes"),
            ("mapped", 2.0, "non-zero pgtables_bytes"),
            ("free", 0.0, "ENOTTY"),
            ("share", 0.0, "ENOTTY"),
            ("end", 0.0, "non-zero pgtables_bytes"),
        ],
    );
}

pub fn an_offset_that_is_ignored_costs_the_calls_that_have_one() {
    loses(
        "ignores_the_offset",
        "kmod",
        &[
            ("offset", 0.0, "/dev/ringside-usb at offset 4096"),
            ("others", 1.0, "is not what was expected"),
        ],
    );
}
