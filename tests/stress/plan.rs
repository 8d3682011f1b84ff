// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long a test goes on, and what chance decides.

use std::time::{Duration, Instant};

pub use super::random::Random;
use super::{guest, kernel_log};

/// How many tests share the minutes that are asked for.
const TESTS: u32 = 5;
/// How long each takes when nothing is asked for.
const SHORT: Duration = Duration::from_secs(6);
/// How much memory may seem lost: what the kernel keeps back for each processor,
/// and what KASAN keeps of what was freed.
const SLACK_KIB: i64 = 12 << 10;

/// Runs `body` in a guest of its own until its time is over, from a seed; then
/// the log has no report and memory is back.
pub fn stress(name: &str, body: impl FnOnce(&mut Random, Instant)) {
    stress_but_for(name, &[], body);
}

/// The same, but for the warnings of these functions of the kernel.
pub fn stress_but_for(name: &str, known: &[&str], body: impl FnOnce(&mut Random, Instant)) {
    let modules = || vec![guest::built_modules()];
    guest::run_with(name, &[], modules, || {
        end_at_a_panic();
        let mut random = Random::new();
        println!("RINGSIDE_SEED={}", random.seed());
        let before = free_memory();
        body(&mut random, Instant::now() + duration());
        let lost = before - free_memory();
        assert!(lost < SLACK_KIB, "{lost} KiB of memory are gone");
        kernel_log::assert_clean_but_for(known);
    });
}

/// Of any thread: the others may wait for it.
fn end_at_a_panic() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        say(panic);
        std::process::exit(101);
    }));
}

fn duration() -> Duration {
    match std::env::var("RINGSIDE_STRESS") {
        Ok(minutes) => {
            let minutes: u32 = minutes.parse().expect("RINGSIDE_STRESS is a number of minutes");
            Duration::from_secs(60) * minutes / TESTS
        }
        Err(_) => SHORT,
    }
}

/// KiB that are free when nobody keeps any ready for later.
fn free_memory() -> i64 {
    std::fs::write("/proc/sys/vm/drop_caches", "3").expect("root drops caches");
    std::thread::sleep(Duration::from_millis(200));
    for cache in std::fs::read_dir("/sys/kernel/slab").into_iter().flatten().flatten() {
        // A cache may be gone, or be one that can't be shrunk.
        drop(std::fs::write(cache.path().join("shrink"), "1"));
    }
    let text = guest::text("/proc/meminfo");
    let line = text.lines().find(|line| line.starts_with("MemFree:")).expect("it has the line");
    let number = line.split_whitespace().nth(1).expect("it has a number");
    number.parse().expect("it is a number")
}
