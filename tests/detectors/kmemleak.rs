// SPDX-License-Identifier: MIT OR Apache-2.0
//! kmemleak, in a guest that was started with it.

use std::fs;
use std::time::Duration;

use nix::mount::{MsFlags, mount};

use super::guest;

/// `slab_debug`, too: without it each processor has a list of free objects ready
/// that still names those it gave away, which to kmemleak is as good as a pointer.
pub const OPTIONS: [&str; 2] = ["--append", "kmemleak=on slab_debug=F"];
const DEBUGFS: &str = "/sys/kernel/debug";
const KMEMLEAK: &str = "/sys/kernel/debug/kmemleak";
/// In how many looks in a row an object must seem lost to be reported, after a
/// first one that remembers what it holds.
const LOOKS: &str = "/sys/module/kmemleak/parameters/min_unref_scans";
/// What is younger than five seconds is not reported.
const OLD: Duration = Duration::from_secs(6);

/// What has nothing pointing to it by now: the report is empty if there is none.
pub fn leaks() -> String {
    std::thread::sleep(OLD);
    let looks: u32 = guest::text(LOOKS).parse().expect("a number");
    for _ in 0..=looks {
        tell("scan");
    }
    fs::read_to_string(KMEMLEAK).expect("the report can be read")
}

/// Has it do something.
pub fn tell(command: &str) {
    fs::write(KMEMLEAK, command).unwrap_or_else(|error| panic!("kmemleak {command}: {error}"));
}

/// Where kmemleak and fault injection are told what to do.
pub fn mount_debugfs() {
    let none = None::<&str>;
    if !fs::exists(KMEMLEAK).unwrap_or(false) {
        mount(none, DEBUGFS, Some("debugfs"), MsFlags::empty(), none).expect("debugfs is there");
    }
}
