// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside dump`: what is in the file. That drgn reads a counter from it is
//! tried on the debug kernel, where there is debug information.

use std::fs::{self, File};
use std::io::Read;

use serde_json::Value;

use super::made::{Made, wait_for};

#[test]
fn a_dump_of_a_guest_that_runs_or_is_dead_has_the_kernels_own_note() {
    let made = Made::new("dumped", &["--c"]);
    let at = &made.at;
    at.up(&[]);
    at.ok(&["load", made.path(), "interval_ms=10"]);
    let file = |name: &str| at.path().join(name);
    let name = |name: &str| file(name).to_str().expect("UTF-8").to_owned();
    let status: Value = serde_json::from_str(&at.ok(&["vm", "status", "--json"])).expect("JSON");
    let release = format!("OSRELEASE={}\n", status["kernel"].as_str().expect("a release"));
    let holds_note = |name: &str| {
        let mut bytes = Vec::new();
        File::open(file(name)).and_then(|mut it| it.read_to_end(&mut bytes)).expect("it is there");
        let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        has(&release) && has("SYMBOL(swapper_pg_dir)=") && has("NUMBER(pgtable_l5_enabled)=")
    };
    let said = at.ok(&["dump", &name("alive")]);
    assert!(said.contains("drgn -c") && said.contains("vmlinux"), "{said}");
    assert!(holds_note("alive"));
    // It has gone on.
    let before = made.value("beats").expect("it is loaded");
    wait_for("another beat", || made.value("beats").filter(|beats| *beats > before));
    let again = at.run(&["dump", &name("alive")]);
    assert_eq!(again.status, 1);
    assert!(again.err.contains("(EEXIST)"), "{}", again.err);
    at.ok(&["dump", &name("small"), "--compress"]);
    assert!(holds_note("small"));
    let size = |name: &str| fs::metadata(file(name)).expect("it is there").len();
    assert!(size("small") * 2 < size("alive"), "{} of {}", size("small"), size("alive"));
    at.ok(&["vm", "crash"]);
    wait_for("its death", || at.run(&["labs"]).out.contains("panicked").then_some(()));
    at.ok(&["dump", &name("dead")]);
    assert!(holds_note("dead"));
    let full = at.run(&["dump", "/dev/full"]);
    assert_eq!(full.status, 1, "{}", full.err);
}
