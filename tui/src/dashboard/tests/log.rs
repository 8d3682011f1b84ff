// SPDX-License-Identifier: MIT OR Apache-2.0
//! The view of the kernel log: followed, frozen, searched, saved.

use super::harness::Harness;
use super::scripted_kernel::ScriptedKernel;
use crate::kernel::api::KmsgRecord;

fn guest() -> Harness {
    Harness::new(ScriptedKernel::guest())
}

#[test]
fn freezing_holds_the_picture_while_everything_is_still_recorded() {
    let mut dashboard = guest();
    dashboard.keys("6");
    dashboard.say(6, "before");
    dashboard.keys("<space>");
    dashboard.say(6, "meanwhile");
    assert!(dashboard.shows("before") && !dashboard.shows("meanwhile"));
    assert!(dashboard.shows("FROZEN") && dashboard.shows("1 log records since"));
    dashboard.keys("<space>");
    assert!(dashboard.shows("meanwhile"));
}

#[test]
fn a_search_marks_goes_to_and_counts_its_matches() {
    let mut dashboard = guest();
    dashboard.keys("6");
    for index in 0..100 {
        dashboard.say(6, &format!("line {index}"));
    }
    dashboard.keys("/line 4<enter>");
    assert!(dashboard.shows("11 found"));
    assert!(dashboard.shows("▶") && dashboard.shows("line 49"));
    dashboard.keys("N");
    assert!(dashboard.shows("line 48"));
    dashboard.keys("f");
    assert!(dashboard.shows("only matches") && !dashboard.shows("line 50"));
    dashboard.keys("<esc>");
    assert!(!dashboard.shows("found"));
}

#[test]
fn a_regular_expression_with_a_fault_says_so_while_it_is_typed() {
    let mut dashboard = guest();
    dashboard.keys("6/<ctrl-r>(");
    assert!(dashboard.shows("unclosed group"));
}

#[test]
fn the_log_is_saved_as_it_is_shown() {
    let mut dashboard = guest();
    dashboard.keys("6");
    dashboard.say(6, "one");
    dashboard.say(4, "two");
    dashboard.keys("vvvs<enter>");
    let (path, text) = &dashboard.saved[0];
    assert_eq!(path, "ringside-kernel.log");
    assert!(text.contains("two") && !text.contains("one"));
}

#[test]
fn copying_a_record_gives_the_whole_line() {
    let mut dashboard = guest();
    dashboard.keys("6");
    dashboard.say(6, "a line that is much longer than the screen is wide, so that it is cut there, but not when copied");
    dashboard.keys("ky");
    assert!(dashboard.copied[0].ends_with("but not when copied"));
}

#[test]
fn lost_records_show_as_a_gap_with_their_number() {
    let mut dashboard = guest();
    dashboard.keys("6");
    dashboard.records(vec![KmsgRecord {
        sequence: 500,
        lost_before: 1234,
        text: "after the gap".into(),
        ..KmsgRecord::default()
    }]);
    assert!(dashboard.shows("1,234 records lost here"));
}
