// SPDX-License-Identifier: MIT OR Apache-2.0
//! The unit tests inside the kernel: those of my_syscall run when it boots,
//! those of the modules when they are loaded.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::guest::{self, insmod, rmmod};
use super::kernel_log;
use super::ktap::{self, Outcome};

pub const NAME: &str = "every_kunit_suite_runs_and_no_case_fails";

const OPTIONS: [&str; 2] = ["--append", "kunit.enable=1 kunit.autorun=1"];

pub fn every_suite_runs_and_no_case_fails() {
    let modules = || vec![guest::built_modules()];
    guest::run_with(NAME, &OPTIONS, modules, || {
        insmod("my_name", "").expect("my_name loads");
        insmod("producer_consumer", "").expect("producer_consumer loads");
        insmod("memalloc", "").expect("memalloc loads");
        insmod("kmod", "device=/dev/ringside-usb").expect("kmod loads");
        let lines = kernel_log::lines();
        let suites = ktap::suites(&lines);
        println!("{suites:#?}");
        for (name, suite) in &suites {
            assert_eq!(suite.ended, Some(Outcome::Passed), "{name}");
            for (case, outcome) in &suite.cases {
                assert_ne!(*outcome, Outcome::Failed, "{name}: {case}");
            }
        }
        // Whatever a line belongs to.
        let failed = lines.iter().find(|line| line.contains("not ok "));
        assert_eq!(failed, None);
        let sources = suites_in(&guest::repository().join("modules"));
        assert!(sources.contains_key("my_syscall"), "{sources:?}");
        for (name, cases) in sources {
            let suite = suites.get(&name);
            let suite = suite.unwrap_or_else(|| panic!("the suite {name} did not run"));
            let passed = |case: &&(String, Outcome)| case.1 == Outcome::Passed;
            let passed = suite.cases.iter().filter(passed).count();
            assert!(cases > 0 && passed == cases, "{name}: {passed} of {cases}");
        }
        for module in ["kmod", "memalloc", "producer_consumer", "my_name"] {
            rmmod(module).unwrap_or_else(|errno| panic!("{module}: {errno}"));
        }
        kernel_log::assert_clean();
    });
}

/// The suites that the sources have, and how many cases each: so none is
/// forgotten here that is written there.
fn suites_in(folder: &Path) -> BTreeMap<String, usize> {
    let mut suites = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            suites.append(&mut suites_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("sources are text");
            // A file has one suite at most, at its end.
            if let Some((_, tests)) = text.split_once("#[kunit_tests(") {
                let name = tests.split(')').next().unwrap_or_default();
                suites.insert(name.to_owned(), tests.matches("#[test]").count());
            }
        }
    }
    suites
}
