// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptions on the command line, and what is said about wrong ones.

use std::fs;

use super::submissions::course;
use super::surroundings::Surroundings;

pub fn each_description_of_the_course_is_right() {
    let at = Surroundings::new();
    for name in ["my_name", "producer_consumer", "memalloc", "kmod"] {
        let path = course(name);
        let said = at.ok(&["grade", "--check", path.to_str().expect("UTF-8")]);
        assert!(said.contains(" tests, ") && said.contains(" points"), "{said}");
    }
}

pub fn a_mistake_is_told_with_its_line_and_column() {
    let at = Surroundings::new();
    let path = at.path().join("spec.toml");
    fs::write(
        &path,
        "title = \"x\"\n[[test]]\nname = \"a\"\ntitle = \"A\"\npoints = 1\ndo = [{ lode = {} }]\n",
    )
    .expect("a file");
    let said = at.run(&["grade", "--check", path.to_str().expect("UTF-8")]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("spec.toml:6:") && said.err.contains("`load`"), "{}", said.err);
}

pub fn what_there_is_not_can_not_be_judged() {
    let at = Surroundings::new();
    let spec = course("my_name");
    let said = at.run(&["grade", spec.to_str().expect("UTF-8"), "/nowhere/alice.zip"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("/nowhere/alice.zip"), "{}", said.err);
}
