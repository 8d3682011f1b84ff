// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ten rounds of everything leave as much free memory as the first left.

use std::time::Duration;

use super::guest::{self, insmod, rmmod, text};

/// A line of `/proc/meminfo` in KiB.
fn meminfo(name: &str) -> i64 {
    let text = text("/proc/meminfo");
    let line = text.lines().find(|line| line.starts_with(name)).expect("meminfo has the line");
    let number = line.split_whitespace().nth(1).expect("it has a number");
    number.parse().expect("it is a number")
}

/// Gives back what the allocator's caches hold ready, and what KASAN keeps of
/// them: freed memory whose use it would notice, up to a 32nd of all.
fn shrink_caches() {
    let Ok(caches) = std::fs::read_dir("/sys/kernel/slab") else {
        return;
    };
    for cache in caches.flatten() {
        // A cache may be gone, or be one that can't be shrunk.
        drop(std::fs::write(cache.path().join("shrink"), "1"));
    }
}

fn round(program: Option<&std::path::Path>) {
    insmod("my_name", "").expect("my_name loads");
    insmod("producer_consumer", "prod=20 cons=20 size=100").expect("producer_consumer loads");
    insmod("memalloc", "").expect("memalloc loads");
    insmod("kmod", "device=/dev/ringside-usb").expect("kmod loads");
    if let Some(program) = program {
        let status = std::process::Command::new(program).output().expect("the program starts");
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
    }
    std::thread::sleep(Duration::from_millis(20));
    for name in ["kmod", "memalloc", "producer_consumer", "my_name"] {
        rmmod(name).unwrap_or_else(|errno| panic!("{name}: {errno}"));
    }
}

#[test]
fn free_pages_slab_and_page_tables_show_no_slope_over_ten_rounds() {
    let program = super::programs::path("memalloc_handmade");
    guest::run("soak::free_pages_slab_and_page_tables_show_no_slope_over_ten_rounds", || {
        let measure = || {
            std::fs::write("/proc/sys/vm/drop_caches", "3").expect("root drops caches");
            // Frees by RCU and work queues take a moment to be done.
            std::thread::sleep(Duration::from_millis(100));
            shrink_caches();
            (meminfo("MemFree"), meminfo("SUnreclaim"), meminfo("PageTables"))
        };
        for _ in 0..2 {
            round(Some(&program));
        }
        let mut seen = vec![measure()];
        for _ in 0..2 {
            for _ in 0..5 {
                round(Some(&program));
            }
            seen.push(measure());
        }
        println!("{seen:?} (KiB free, unreclaimable slab, page tables)");
        // The kernel keeps megabytes back for each processor now and then:
        // such a step falls into one half of the rounds, a slope into both.
        let lost = |of: fn(&(i64, i64, i64)) -> i64| {
            let steps = seen.windows(2).map(|pair| of(&pair[1]) - of(&pair[0]));
            steps.min().expect("two halves")
        };
        assert!(lost(|seen| -seen.0) < 512, "free memory shrinks: {seen:?}");
        assert!(lost(|seen| seen.1) < 512, "slab grows: {seen:?}");
        // Kernel stacks of threads that have ended take new addresses for a
        // while, and with them some tables of the kernel's own; a table lost with
        // each of the program's requests would be several hundred KiB.
        assert!(lost(|seen| seen.2) < 128, "page tables grow: {seen:?}");
    });
}
