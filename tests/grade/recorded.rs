// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--recordings`: what happened in each test's guest, to be opened by `replay`.

use std::fs;

use super::submissions::{course, grade, wrong};
use super::surroundings::Surroundings;

pub fn each_test_is_recorded_and_replay_opens_its_recording() {
    let at = Surroundings::new();
    let folder = wrong(&at, "says_something_else");
    let recordings = at.path().join("recordings");
    let more = ["-j", "1", "--recordings", recordings.to_str().expect("UTF-8")];
    let (said, graded) = grade(&at, &course("my_name"), &[&folder], &more);
    let verdicts = graded[0]["verdicts"].as_array().expect("verdicts");
    let mut replayed = 0;
    for verdict in verdicts {
        let test = verdict["test"].as_str().expect("text");
        let file = recordings.join(format!("says_something_else/{test}.ringside"));
        // What needs a test that failed has had no guest.
        if verdict["outcome"] == "skipped" {
            assert!(!file.exists(), "{test}");
            continue;
        }
        assert_eq!(verdict["recording"].as_str(), file.to_str(), "{}", said.err);
        let text = at.ok(&["replay", file.to_str().expect("UTF-8"), "--text"]);
        let said = text.contains("Hi, this is a student in Fall 1999");
        assert_eq!(said, test == "parameters", "{test}: {text}");
        replayed += 1;
    }
    assert!(replayed > 1, "{verdicts:?}");
    // The names of the files are those of the tests, and there are no others.
    let files = fs::read_dir(recordings.join("says_something_else")).expect("a folder").count();
    assert_eq!(files, replayed);
}
