// SPDX-License-Identifier: MIT OR Apache-2.0
//! memalloc against a model: several threads, each with requests of its own and a
//! second process that it shares pages with, do all that can be done to memory.
//! The model knows each byte and each mapping; whenever all pause, the module's
//! counters must be what the models add up to.

mod partner;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use self::partner::Device;
use self::worker::{Sum, Worker};
use super::guest::{counter, insmod, rmmod, wait_for};
use super::plan::{Random, stress};

const WORKERS: usize = 4;
/// What each does before all pause.
const STEPS: usize = 60;

fn assert_counters(sum: &Sum) {
    let count = |name| counter("memalloc", name) as usize;
    // A process that was killed may still be on its way out.
    wait_for("the pages of a killed process are given back", || {
        count("pages_mapped") == sum.pages && count("requests") == sum.requests
    });
    assert_eq!(count("shared_pages"), sum.shared);
    assert_eq!(count("allocations"), sum.allocations);
    assert_eq!(count("frees"), sum.frees);
    assert_eq!(count("refused_exists"), sum.exists);
}

#[test]
fn every_byte_mapping_and_counter_is_what_the_model_says() {
    stress("memalloc::every_byte_mapping_and_counter_is_what_the_model_says", |random, end| {
        insmod("memalloc", "").expect("it loads");
        let over = AtomicBool::new(false);
        let barrier = Barrier::new(WORKERS + 1);
        let sum = Mutex::new(Sum::default());
        let mut rounds = 0;
        std::thread::scope(|scope| {
            for number in 0..WORKERS {
                let (random, over, barrier, sum) = (random.branch(), &over, &barrier, &sum);
                scope.spawn(move || {
                    let mut worker = Worker::new(number, random);
                    while !over.load(Ordering::Relaxed) {
                        (0..STEPS).for_each(|_| worker.step());
                        worker.verify();
                        sum.lock().expect("no panic").add(&worker.sum());
                        barrier.wait();
                        barrier.wait();
                    }
                    worker.end();
                });
            }
            while !over.load(Ordering::Relaxed) {
                barrier.wait();
                assert_counters(&std::mem::take(&mut *sum.lock().expect("no panic")));
                rounds += 1;
                over.store(Instant::now() >= end, Ordering::Relaxed);
                barrier.wait();
            }
        });
        println!("figure: stress-memalloc {}", rounds * WORKERS * STEPS);
        wait_for("nothing is left", || counter("memalloc", "pages_mapped") == 0);
        assert_eq!(counter("memalloc", "requests"), 0);
        wait_for("nobody holds it", || rmmod("memalloc").is_ok());
    });
}

/// Threads that map and give back at the very same addresses: each address has
/// one request at most, and every success is one that was possible.
#[test]
fn of_those_who_want_one_address_one_gets_it() {
    stress("memalloc::of_those_who_want_one_address_one_gets_it", |random, end| {
        insmod("memalloc", "").expect("it loads");
        let device = Device::open();
        let addresses = [0x5000_0000_0000_usize, 0x5000_0000_2000, 0x5000_4000_0000];
        let live: [AtomicI64; 3] = Default::default();
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                let (mut random, live, device) = (random.branch(), &live, &device);
                scope.spawn(move || race(&mut random, device, &addresses, live, end));
            }
        });
        let mut left = 0;
        for (address, live) in addresses.iter().zip(&live) {
            let live = live.load(Ordering::SeqCst);
            assert!((0..=1).contains(&live), "{live} requests at {address:#x}");
            let freed = device.free(*address);
            assert_eq!(freed.is_ok(), live == 1, "{freed:?} at {address:#x}");
            left += live;
        }
        let allocations = counter("memalloc", "allocations");
        println!("figure: stress-race {allocations} {left} left at the end");
        assert_eq!(counter("memalloc", "requests"), 0);
        assert_eq!(counter("memalloc", "pages_mapped"), 0);
        drop(device);
        wait_for("nobody holds it", || rmmod("memalloc").is_ok());
    });
}

fn race(
    random: &mut Random,
    device: &Device,
    addresses: &[usize; 3],
    live: &[AtomicI64; 3],
    end: Instant,
) {
    while Instant::now() < end {
        let which = random.below(addresses.len());
        let pages = 1 + random.below(2) as i32;
        if random.once_in(2) {
            match device.allocate(addresses[which], pages, true) {
                Ok(()) => drop(live[which].fetch_add(1, Ordering::SeqCst)),
                Err(errno) => assert_eq!(errno, Errno::EEXIST),
            }
        } else {
            match device.free(addresses[which]) {
                Ok(()) => drop(live[which].fetch_sub(1, Ordering::SeqCst)),
                Err(errno) => assert_eq!(errno, Errno::EINVAL),
            }
        }
        if random.once_in(100) {
            std::thread::sleep(Duration::from_micros(random.below(300) as u64));
        }
    }
}
