// SPDX-License-Identifier: MIT OR Apache-2.0
//! kmemleak, which is off unless the kernel is told otherwise when it boots: it
//! must report a module that forgets memory, and then nothing after ours were
//! used by every C program, those that make each allocation fail included.

use super::guest::{self, insmod, rmmod};
use super::kernel_log;
use super::kmemleak::{OPTIONS, leaks, mount_debugfs, tell};
use super::programs;
use super::reports::broken_modules;

pub const NAME: &str = "kmemleak_reports_a_leak_and_none_of_ours";

/// How often the leak is looked for. An address that is left on a stack makes an
/// object seem in use for a while, and after each such look it has to seem lost from
/// the first look on.
const ATTEMPTS: usize = 5;

pub fn kmemleak_reports_a_leak_and_none_of_ours() {
    for name in programs::names() {
        programs::path(name);
    }
    let modules = || vec![guest::built_modules(), broken_modules()];
    guest::run_with(NAME, &OPTIONS, modules, || {
        mount_debugfs();
        let from_the_boot = leaks();
        println!("of the boot, and left out from here on: {from_the_boot:?}");
        tell("clear");

        insmod("broken_leak", "").expect("it loads");
        rmmod("broken_leak").expect("it unloads");
        let reported =
            |report: &str| report.contains("unreferenced object") && report.contains("size 64");
        let mut reports = (0..ATTEMPTS).map(|_| leaks());
        let found = reports.find(|report| reported(report));
        assert!(found.is_some(), "kmemleak missed it:\n{}", kernel_log::lines().join("\n"));
        tell("clear");

        for name in programs::names() {
            // What is lost with each call is counted elsewhere, by many of them.
            let few: &[&str] = if name == "memalloc_leaks" { &["200"] } else { &[] };
            programs::run_with(name, few);
        }
        let report = leaks();
        assert!(report.is_empty(), "{report}");
        kernel_log::assert_clean();
    });
}
