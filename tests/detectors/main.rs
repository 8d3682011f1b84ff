// SPDX-License-Identifier: MIT OR Apache-2.0
//! What only the debug kernel can tell: that each of its detectors reports a
//! module that is broken on purpose, so that its silence in the other tests
//! means something; that kmemleak finds nothing in ours; and what the unit tests
//! inside the kernel say. On the lab kernel there is nothing to tell, and each
//! of these is shown as ignored, with the reason.
//!
//! Its harness is one that can ignore a test for a reason known at run time
//! only. Its name comes before those of the tests that rely on the detectors.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    reason = "a test says what it expected, exports nothing, and uses a part of what is shared"
)]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

#[path = "../modules/guest.rs"]
mod guest;
#[path = "../modules/kernel_log.rs"]
mod kernel_log;
#[path = "../modules/programs.rs"]
mod programs;
#[path = "../lab/surroundings.rs"]
mod surroundings;

mod kmemleak;
mod ktap;
mod kunit;
mod leaks;
mod reports;
mod test_command;

/// Each under the name by which it runs itself again inside a guest.
const TESTS: [(&str, fn()); 10] = [
    (reports::USE_AFTER_FREE, reports::kasan_reports_a_use_after_free),
    (reports::LOCK_ORDER, reports::lockdep_reports_two_locks_taken_in_both_orders),
    (reports::SLEEP_IN_ATOMIC, reports::a_sleep_in_atomic_context_is_reported),
    (reports::SHIFT, reports::ubsan_reports_a_shift_too_far),
    (reports::MAPPED_PAGE, reports::the_page_table_check_reports_a_page_freed_while_it_is_mapped),
    (leaks::NAME, leaks::kmemleak_reports_a_leak_and_none_of_ours),
    (kunit::NAME, kunit::every_suite_runs_and_no_case_fails),
    (test_command::DUMP, test_command::drgn_reads_a_modules_counter_from_a_dump),
    (test_command::PASSES, test_command::a_new_modules_own_tests_pass_in_both_languages),
    (
        test_command::ENDS,
        test_command::a_case_that_fails_reports_hangs_or_panics_is_told_and_the_others_run,
    ),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let debug = guest::debug_kernel();
    let trials = TESTS.into_iter().map(|(name, test)| {
        let trial = Trial::test(name, move || {
            test();
            Ok(())
        });
        if debug {
            trial
        } else {
            trial.with_kind("only with RINGSIDE_KERNEL=debug").with_ignored_flag(true)
        }
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
