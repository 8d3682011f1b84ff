// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside grade` as a teacher has it: the real binary, submissions built in
//! guests, each test in a guest of its own. What was built once is kept in the cache
//! by what it was made from, so only the first run takes its time.
//!
//! ```text
//! cargo test --test grade                        # some, on the lab kernel
//! RINGSIDE_KERNEL=debug cargo test --test grade  # all, as teachers judge
//! RINGSIDE_GRADE=all cargo test --test grade     # all that the lab kernel can tell
//! ```
//!
//! Its harness is one that can ignore a test for a reason known at run time only.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    reason = "a test says what it expected, exports nothing, and uses a part of what is shared"
)]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

#[path = "../lab/surroundings.rs"]
mod surroundings;

mod course;
mod hostile;
mod interrupted;
mod page;
mod recorded;
mod spec;
mod submissions;
mod wrong;

/// When a test runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Building for it takes minutes.
    All,
    /// Only the debug kernel sees the fault, or the commands are about that kernel.
    Debug,
}

/// A test under its name.
macro_rules! tests {
    ($($when:ident $module:ident::$test:ident)*) => {
        [$((When::$when, concat!(stringify!($module), "::", stringify!($test)), $module::$test as fn())),*]
    };
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tests = tests! {
        Always spec::each_description_of_the_course_is_right
        Always spec::a_mistake_is_told_with_its_line_and_column
        Always spec::what_there_is_not_can_not_be_judged
        Always wrong::a_wrong_log_line_costs_what_the_line_is_worth
        Always wrong::a_panic_at_unload_costs_the_test_that_unloads_and_no_other
        All wrong::a_load_that_never_ends_is_ended
        All wrong::threads_that_are_not_stopped_cost_each_test_that_unloads
        All wrong::a_page_table_that_is_left_over_costs_each_test_in_which_a_process_ends
        All wrong::an_offset_that_is_ignored_costs_the_calls_that_have_one
        All hostile::what_a_module_or_program_does_costs_its_own_test_and_says_why
        All hostile::what_a_build_does_stays_in_its_guest_and_says_why
        All hostile::a_name_that_is_no_text_is_no_obstacle_and_moves_no_cursor
        Always interrupted::an_interrupt_ends_it_at_once_and_resume_goes_on
        Always recorded::each_test_is_recorded_and_replay_opens_its_recording
        All course::our_my_name_gets_all_points
        All course::our_producer_consumer_gets_all_points
        All course::our_memalloc_gets_all_points
        All course::our_kmod_gets_all_points
        All course::ten_runs_on_one_submission_give_one_verdict
        Debug wrong::a_sleep_under_a_lock_costs_each_test_that_sees_it
        Debug page::five_commands_lead_from_nothing_to_a_graded_folder
    };
    let all = std::env::var_os("RINGSIDE_GRADE").is_some();
    let debug = kernel() == "debug";
    let trials = tests.into_iter().map(|(when, name, test)| {
        let trial = Trial::test(name, move || {
            test();
            Ok(())
        });
        let (runs, only) = match when {
            When::Always => (true, ""),
            When::All => (all || debug, "only with RINGSIDE_GRADE=all"),
            When::Debug => (debug, "only with RINGSIDE_KERNEL=debug"),
        };
        if runs { trial } else { trial.with_kind(only).with_ignored_flag(true) }
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// The kernel that submissions are judged on.
fn kernel() -> &'static str {
    match std::env::var("RINGSIDE_KERNEL").as_deref() {
        Ok("debug") => "debug",
        _ => "lab",
    }
}
