// SPDX-License-Identifier: MIT OR Apache-2.0
//! On the debug kernel: each detector must report a module that is broken on
//! purpose (`tests/broken/`), so that its silence elsewhere means something.

use std::process::{Command, Stdio};

use super::guest::{self, wait_for};
use super::kernel_log;

/// Loads `tests/broken/<module>` and expects a report that holds `words`.
#[allow(
    clippy::zombie_processes,
    reason = "what hangs in a broken module can't be waited for; it goes with its guest"
)]
fn must_report(test: &str, module: &str, words: &str) {
    if !guest::debug_kernel() {
        eprintln!("only on the debug kernel: RINGSIDE_KERNEL=debug cargo test");
        return;
    }
    let modules = || guest::built(&guest::repository().join("tests/broken"));
    guest::run_with(test, modules, || {
        // In a process of its own, which may not survive the report.
        let loader = Command::new("insmod")
            .arg(guest::module_file(module))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        loader.expect("insmod is there");
        wait_for(&format!("{words:?} in the log"), || kernel_log::has(words));
    });
}

#[test]
fn kasan_reports_a_use_after_free() {
    must_report(
        "detectors::kasan_reports_a_use_after_free",
        "broken_use_after_free",
        "KASAN:",
    );
}

#[test]
fn lockdep_reports_two_locks_taken_in_both_orders() {
    let test = "detectors::lockdep_reports_two_locks_taken_in_both_orders";
    must_report(
        test,
        "broken_lock_order",
        "possible circular locking dependency",
    );
}

#[test]
fn a_sleep_in_atomic_context_is_reported() {
    let test = "detectors::a_sleep_in_atomic_context_is_reported";
    must_report(
        test,
        "broken_sleep_in_atomic",
        "sleeping function called from invalid context",
    );
}

#[test]
fn ubsan_reports_a_shift_too_far() {
    must_report(
        "detectors::ubsan_reports_a_shift_too_far",
        "broken_shift",
        "UBSAN:",
    );
}

#[test]
fn the_page_table_check_reports_a_page_freed_while_it_is_mapped() {
    let test = "detectors::the_page_table_check_reports_a_page_freed_while_it_is_mapped";
    must_report(test, "broken_mapped_page", "page_table_check");
}
