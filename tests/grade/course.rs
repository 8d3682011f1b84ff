// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our own modules by the course's descriptions, and the same verdict each time.

use serde_json::Value;

use super::submissions::{course, grade, ours, outcomes, wrong};
use super::surroundings::Surroundings;

fn all_points(spec: &str) {
    let at = Surroundings::new();
    let folder = ours(&at);
    let (said, graded) = grade(&at, &course(spec), &[&folder], &["-j", "1"]);
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    assert_eq!(graded[0]["points"], graded[0]["worth"]);
}

pub fn our_my_name_gets_all_points() {
    all_points("my_name");
}

pub fn our_producer_consumer_gets_all_points() {
    all_points("producer_consumer");
}

pub fn our_memalloc_gets_all_points() {
    all_points("memalloc");
}

pub fn our_kmod_gets_all_points() {
    all_points("kmod");
}

pub fn ten_runs_on_one_submission_give_one_verdict() {
    let at = Surroundings::new();
    let folder = wrong(&at, "panics_at_unload");
    // Without what may change: how long it took, and the kernel's own clock.
    let verdict = |graded: &Value| (outcomes(&graded[0]), graded[0]["points"].clone());
    let (_, first) = grade(&at, &course("my_name"), &[&folder], &[]);
    for _ in 1..10 {
        let (_, again) = grade(&at, &course("my_name"), &[&folder], &[]);
        assert_eq!(verdict(&again), verdict(&first));
    }
}
