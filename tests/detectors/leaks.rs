// SPDX-License-Identifier: MIT OR Apache-2.0
//! kmemleak, which is off unless the kernel is told otherwise when it boots: it
//! must report a module that forgets memory, and then nothing after ours were
//! used by every C program, those that make each allocation fail included.

use std::fs;
use std::time::Duration;

use nix::mount::{MsFlags, mount};

use super::guest::{self, insmod, rmmod};
use super::kernel_log;
use super::programs;
use super::reports::broken_modules;

pub const NAME: &str = "kmemleak_reports_a_leak_and_none_of_ours";

/// `slab_debug`, too: without it each processor has a list of free objects ready
/// that still names those it gave away, which to kmemleak is as good as a pointer.
const OPTIONS: [&str; 2] = ["--append", "kmemleak=on slab_debug=F"];
const DEBUGFS: &str = "/sys/kernel/debug";
const KMEMLEAK: &str = "/sys/kernel/debug/kmemleak";
/// In how many looks in a row an object must seem lost to be reported, after a
/// first one that remembers what it holds.
const LOOKS: &str = "/sys/module/kmemleak/parameters/min_unref_scans";
/// How often the leak is looked for. An address that is left on a stack makes an
/// object seem in use for a while, and after each such look it has to seem lost from
/// the first look on.
const ATTEMPTS: usize = 5;
/// What is younger than five seconds is not reported.
const OLD: Duration = Duration::from_secs(6);

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

/// What has nothing pointing to it by now: the report is empty if there is none.
fn leaks() -> String {
    std::thread::sleep(OLD);
    let looks: u32 = guest::text(LOOKS).parse().expect("a number");
    for _ in 0..=looks {
        tell("scan");
    }
    fs::read_to_string(KMEMLEAK).expect("the report can be read")
}

fn tell(command: &str) {
    fs::write(KMEMLEAK, command).unwrap_or_else(|error| panic!("kmemleak {command}: {error}"));
}

fn mount_debugfs() {
    let none = None::<&str>;
    if !fs::exists(KMEMLEAK).unwrap_or(false) {
        mount(none, DEBUGFS, Some("debugfs"), MsFlags::empty(), none).expect("debugfs is there");
    }
}
