// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each detector that reports by itself must report a module that is broken on
//! purpose (`tests/broken/`).

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::guest::{self, wait_for};
use super::kernel_log;

pub const USE_AFTER_FREE: &str = "kasan_reports_a_use_after_free";
pub const LOCK_ORDER: &str = "lockdep_reports_two_locks_taken_in_both_orders";
pub const SLEEP_IN_ATOMIC: &str = "a_sleep_in_atomic_context_is_reported";
pub const SHIFT: &str = "ubsan_reports_a_shift_too_far";
pub const MAPPED_PAGE: &str = "the_page_table_check_reports_a_page_freed_while_it_is_mapped";

pub fn kasan_reports_a_use_after_free() {
    must_report(USE_AFTER_FREE, "broken_use_after_free", "KASAN:");
}

pub fn lockdep_reports_two_locks_taken_in_both_orders() {
    let words = "possible circular locking dependency";
    must_report(LOCK_ORDER, "broken_lock_order", words);
}

pub fn a_sleep_in_atomic_context_is_reported() {
    let words = "sleeping function called from invalid context";
    must_report(SLEEP_IN_ATOMIC, "broken_sleep_in_atomic", words);
}

pub fn ubsan_reports_a_shift_too_far() {
    must_report(SHIFT, "broken_shift", "UBSAN:");
}

pub fn the_page_table_check_reports_a_page_freed_while_it_is_mapped() {
    must_report(MAPPED_PAGE, "broken_mapped_page", "page_table_check");
}

/// The folder of the broken modules, built for the kernel under test.
pub fn broken_modules() -> PathBuf {
    guest::built(&guest::repository().join("tests/broken"))
}

/// Loads `tests/broken/<module>` and expects a report that holds `words`, in a
/// log that held none before.
#[allow(
    clippy::zombie_processes,
    reason = "what hangs in a broken module can't be waited for; it goes with its guest"
)]
fn must_report(test: &str, module: &str, words: &str) {
    let modules = || vec![broken_modules()];
    guest::run_with(test, &[], modules, || {
        // A detector reports once, or not at all after another has.
        kernel_log::assert_clean();
        // In a process of its own, which may not survive the report.
        let loader = Command::new("insmod")
            .arg(guest::module_file(module))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        loader.expect("insmod is there");
        wait_for(&format!("{words:?} in the log"), || kernel_log::has(words));
        let said = kernel_log::reports(&[]);
        assert!(said.iter().any(|line| line.contains(words)), "{said:?}");
    });
}
