// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside test`, which runs on the debug kernel only.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::guest::wait_for;
use super::surroundings::Surroundings;

pub const PASSES: &str = "a_new_modules_own_tests_pass_in_both_languages";
pub const ENDS: &str = "a_case_that_fails_reports_hangs_or_panics_is_told_and_the_others_run";

pub const DUMP: &str = "drgn_reads_a_modules_counter_from_a_dump";

/// drgn comes from PyPI.
pub fn drgn_reads_a_modules_counter_from_a_dump() {
    let at = Surroundings::new();
    let path = |name: &str| at.path().join(name).to_str().expect("UTF-8").to_owned();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map(|output| {
            let text = [&output.stdout[..], &output.stderr].concat();
            (output.status.success(), String::from_utf8_lossy(&text).into_owned())
        })
    };
    let installed = run("python3", &["-m", "venv", &path("venv")]).is_ok_and(|(good, _)| good)
        && run(&path("venv/bin/pip"), &["-q", "install", "drgn"]).is_ok_and(|(good, _)| good);
    assert!(installed, "drgn can't be installed from PyPI");
    at.ok(&["new", &path("dumped"), "--c"]);
    let module = at.ok(&["build", &path("dumped")]);
    at.up(&[]);
    at.ok(&["load", &path("dumped"), "interval_ms=10"]);
    let beats = |line: &str| line.contains("beats") && !line.ends_with(" 0");
    wait_for("a beat", || at.ok(&["counters", "dumped"]).lines().any(beats));
    let script = format!(
        "prog.load_debug_info([{:?}])\nprint('beats', prog['beats'].counter.value_() > 0)\n",
        module.trim()
    );
    fs::write(path("script.py"), script).expect("it can be written");
    for (name, options) in [("core", &[][..]), ("small", &["--compress"])] {
        let core = path(name);
        let said = at.ok(&[&["dump", &core, "--json"][..], options].concat());
        let said: Value = serde_json::from_str(&said).expect("JSON");
        let vmlinux = said["vmlinux"].as_str().expect("a path");
        let arguments = ["-q", "-c", &core, "-s", vmlinux, &path("script.py")];
        let (_, text) = run(&path("venv/bin/drgn"), &arguments).expect("drgn starts");
        assert!(text.contains("beats True"), "{name}: {text}");
    }
}

pub fn a_new_modules_own_tests_pass_in_both_languages() {
    for (name, options) in [("tested_rust", &[][..]), ("tested_c", &["--c"])] {
        let at = Surroundings::new();
        let folder = at.path().join(name);
        let folder = folder.to_str().expect("UTF-8");
        at.ok(&[&["new", folder][..], options].concat());
        let said = at.run(&["test", folder]);
        assert_eq!(said.status, 0, "{}{}", said.out, said.err);
        for case in ["an_interval_within_the_limits_is_taken", "any_other_interval_is_refused"] {
            let line = format!("passed  {name}.{case} ");
            assert!(said.out.contains(&line), "{}", said.out);
        }
        assert!(said.out.contains("\n2 passed, 0 failed, 0 skipped in "), "{}", said.out);
        let one = at.ok(&["test", folder, "--only", &format!("{name}.any_*"), "--json"]);
        let verdict: Value = serde_json::from_str(&one).expect("JSON");
        assert_eq!(verdict["passed"], 1, "{one}");
        let none = at.run(&["test", folder, "--only", "nothing.at_all"]);
        assert_eq!(none.status, 1);
        assert!(none.err.contains("has no case that nothing.at_all names"), "{}", none.err);
    }
}

pub fn a_case_that_fails_reports_hangs_or_panics_is_told_and_the_others_run() {
    let at = Surroundings::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/author/failing");
    let junit = at.path().join("results.xml");
    let junit_path = junit.to_str().expect("UTF-8");
    let said = at.run(&["test", folder, "--timeout", "20", "--json", "--junit", junit_path]);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    let verdict: Value = serde_json::from_str(&said.out).expect("JSON");
    let text = |case: &Value, field: &str| case[field].as_str().unwrap_or_default().to_owned();
    let cases = verdict["cases"].as_array().expect("cases");
    let ends: Vec<_> =
        cases.iter().map(|case| (text(case, "name"), text(case, "outcome"))).collect();
    let ends: Vec<_> = ends.iter().map(|(name, end)| (name.as_str(), end.as_str())).collect();
    assert_eq!(
        ends,
        [
            ("passes", "passed"),
            ("expects_too_much", "failed"),
            ("is_skipped", "skipped"),
            ("uses_freed_memory", "failed"),
            ("hangs", "failed"),
            ("panics", "failed"),
            ("passes_in_the_end", "passed"),
        ],
        "{}",
        said.out
    );
    let lines = |case: usize| cases[case]["lines"].to_string();
    assert!(lines(1).contains("failing: about to be wrong"), "{}", lines(1));
    assert!(lines(1).contains("Expected 2 == 3"), "{}", lines(1));
    assert!(!lines(0).contains("about to be wrong"), "{}", lines(0));
    assert_eq!(text(&cases[2], "why"), "no such device");
    assert!(lines(3).contains("KASAN: slab-use-after-free"), "{}", lines(3));
    assert_eq!(text(&cases[4], "why"), "it did not end within 20 s");
    assert!(text(&cases[5], "why").contains("a test's own"), "{}", cases[5]);
    let document = fs::read_to_string(&junit).expect("the document");
    let head = r#"<testsuite name="failing" tests="7" failures="4" skipped="1""#;
    assert!(document.contains(head), "{document}");
}
