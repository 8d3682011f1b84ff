// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules together: any order, under load.

use std::time::Duration;

use super::guest::{self, insmod, rmmod};

const MODULES: [(&str, &str); 4] = [
    ("my_name", ""),
    ("producer_consumer", "prod=4 cons=4 size=16"),
    ("memalloc", ""),
    ("kmod", "device=/dev/ringside-usb"),
];

#[test]
fn the_modules_load_and_unload_in_any_order() {
    guest::run("any_order::the_modules_load_and_unload_in_any_order", || {
        for first in 0..MODULES.len() {
            for step in [1, 3] {
                let order: Vec<_> = (0..4).map(|i| MODULES[(first + i * step) % 4]).collect();
                for (name, parameters) in &order {
                    insmod(name, parameters).unwrap_or_else(|errno| panic!("{name}: {errno}"));
                }
                std::thread::sleep(Duration::from_millis(5));
                for (name, _) in
                    order.iter().rev().skip(first).chain(order.iter().rev().take(first))
                {
                    rmmod(name).unwrap_or_else(|errno| panic!("{name}: {errno}"));
                }
            }
        }
    });
}

#[test]
fn counters_can_be_read_while_modules_come_and_go() {
    guest::run("any_order::counters_can_be_read_while_modules_come_and_go", || {
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reads = 0_u64;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    for counter in ringside_uapi::producer_consumer::MODULE.counters {
                        let path =
                            format!("/sys/module/producer_consumer/counters/{}", counter.name);
                        reads += u64::from(std::fs::read(path).is_ok());
                    }
                    for table in ["threads", "slots"] {
                        let path = format!("/sys/module/producer_consumer/counters/{table}");
                        reads += u64::from(std::fs::read(path).is_ok());
                    }
                }
                reads
            });
            for _ in 0..20 {
                insmod("producer_consumer", "prod=3 cons=3 size=8").expect("it loads");
                std::thread::sleep(Duration::from_millis(5));
                // A read that is under way may hold the module for a moment.
                while rmmod("producer_consumer").is_err() {
                    std::thread::yield_now();
                }
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(reader.join().expect("the reader does not panic") > 0);
        });
    });
}
