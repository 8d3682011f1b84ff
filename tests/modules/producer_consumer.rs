// SPDX-License-Identifier: MIT OR Apache-2.0
//! producer_consumer: threads, semaphores, pause, step, tables, limits.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use ringside_uapi::producer_consumer as pc;

use super::guest::{self, counter, insmod, rmmod, set, thread_names, wait_for};
use super::kernel_log;

const NAME: &str = "producer_consumer";

fn threads(prefix: &str) -> Vec<String> {
    let mut names = thread_names();
    names.retain(|name| name.starts_with(prefix));
    names.sort();
    names
}

fn value(name: &str) -> u64 {
    counter(NAME, name)
}

fn table(name: &str, record: usize) -> Vec<Vec<u8>> {
    let file =
        File::open(format!("/sys/module/{NAME}/counters/{name}")).expect("the table is there");
    let mut bytes = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        match file.read_at(&mut bytes[size..], size as u64).expect("the table can be read") {
            0 => break,
            more => size += more,
        }
    }
    bytes.truncate(size);
    assert_eq!(size % record, 0, "{name} ends with half a record");
    bytes.chunks(record).map(<[u8]>::to_vec).collect()
}

fn u64_at(record: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(record[offset..offset + 8].try_into().expect("eight bytes"))
}

fn u32_at(record: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(record[offset..offset + 4].try_into().expect("four bytes"))
}

/// Parks every thread and checks that the books balance to the last item.
fn pause_and_balance() {
    set(NAME, "paused", "1").expect("pausing works");
    let (produced, consumed, occupancy) =
        (value("produced"), value("consumed"), value("occupancy"));
    assert_eq!(produced - consumed, occupancy, "{produced} produced, {consumed} consumed");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(
        (value("produced"), value("consumed")),
        (produced, consumed),
        "nothing moves while paused"
    );
    let filled = table("slots", 16).iter().filter(|slot| u64_at(slot, 0) != 0).count() as u64;
    assert_eq!(filled, occupancy, "as many slots are full as the counter says");
    assert_eq!(
        (value("empty"), value("full")),
        (value("capacity") - occupancy, occupancy),
        "the semaphores say what the ring holds"
    );
    let records = table("threads", 24);
    let of = |kind| records.iter().filter(move |record| record[0] == kind);
    assert_eq!(of(pc::KIND_PRODUCER).map(|record| u64_at(record, 8)).sum::<u64>(), produced);
    assert_eq!(of(pc::KIND_CONSUMER).map(|record| u64_at(record, 8)).sum::<u64>(), consumed);
}

#[test]
fn a_process_list_shows_exactly_the_threads_asked_for_and_none_afterwards() {
    guest::run(
        "producer_consumer::a_process_list_shows_exactly_the_threads_asked_for_and_none_afterwards",
        || {
            insmod(NAME, "prod=5 cons=3 size=10").expect("the original's example loads");
            wait_for("the threads to name themselves", || threads("Consumer-").len() == 3);
            assert_eq!(
                threads("Producer-"),
                ["Producer-1", "Producer-2", "Producer-3", "Producer-4", "Producer-5"]
            );
            assert_eq!(threads("Consumer-"), ["Consumer-1", "Consumer-2", "Consumer-3"]);
            wait_for("items to be consumed", || value("consumed") > 100);
            rmmod(NAME).expect("it unloads under load");
            assert_eq!(threads("Producer-"), Vec::<String>::new());
            assert_eq!(threads("Consumer-"), Vec::<String>::new());
        },
    );
}

#[test]
fn paused_means_that_produced_less_consumed_is_occupancy_exactly() {
    guest::run(
        "producer_consumer::paused_means_that_produced_less_consumed_is_occupancy_exactly",
        || {
            for parameters in
                ["prod=1 cons=1 size=1", "prod=5 cons=3 size=10", "prod=40 cons=60 size=100"]
            {
                insmod(NAME, parameters).expect("it loads");
                for _ in 0..5 {
                    std::thread::sleep(Duration::from_millis(20));
                    pause_and_balance();
                    set(NAME, "paused", "0").expect("it goes on");
                }
                let before = value("consumed");
                wait_for("items to move again", || value("consumed") > before);
                rmmod(NAME).expect("it unloads");
            }
        },
    );
}

#[test]
fn it_pauses_and_unloads_while_threads_sleep_long_delays() {
    guest::run("producer_consumer::it_pauses_and_unloads_while_threads_sleep_long_delays", || {
        insmod(NAME, "prod=3 cons=3 size=4").expect("it loads");
        set(NAME, "producer_delay", "60000000").expect("a minute is allowed");
        set(NAME, "consumer_delay", "60000000").expect("a minute is allowed");
        std::thread::sleep(Duration::from_millis(200));
        let start = Instant::now();
        pause_and_balance();
        rmmod(NAME).expect("it unloads");
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "it did not wait for the delays to pass"
        );
    });
}

#[test]
fn a_step_lets_through_just_as_many_items_as_it_says() {
    guest::run("producer_consumer::a_step_lets_through_just_as_many_items_as_it_says", || {
        insmod(NAME, "prod=2 cons=2 size=10").expect("it loads");
        set(NAME, "paused", "1").expect("it pauses");
        let before = value("produced") + value("consumed");
        set(NAME, "step", "1").expect("it steps");
        wait_for("one item to move", || value("produced") + value("consumed") == before + 1);
        set(NAME, "step", "5").expect("it steps");
        wait_for("five more to move", || value("produced") + value("consumed") == before + 6);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(value("produced") + value("consumed"), before + 6);
        rmmod(NAME).expect("it unloads while paused");
    });
}

#[test]
fn a_ring_of_no_slots_produces_nothing_and_one_sided_rings_fill_or_stay_empty() {
    guest::run(
        "producer_consumer::a_ring_of_no_slots_produces_nothing_and_one_sided_rings_fill_or_stay_empty",
        || {
            insmod(NAME, "prod=2 cons=2 size=0").expect("size=0 is legal");
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!((value("produced"), value("consumed")), (0, 0));
            rmmod(NAME).expect("it unloads");
            insmod(NAME, "prod=3 cons=0 size=7").expect("cons=0 is legal");
            wait_for("the ring to fill", || value("occupancy") == 7);
            assert_eq!(value("produced"), 7);
            wait_for("every producer to wait for an empty slot", || value("producer_waits") >= 3);
            let makers: Vec<u32> = table("slots", 16).iter().map(|slot| u32_at(slot, 8)).collect();
            assert!(makers.iter().all(|maker| (1..=3).contains(maker)), "{makers:?}");
            rmmod(NAME).expect("it unloads with a full ring");
            insmod(NAME, "prod=0 cons=4 size=7").expect("prod=0 is legal");
            wait_for("the consumers to wait", || value("consumer_waits") >= 4);
            assert_eq!(value("consumed"), 0);
            rmmod(NAME).expect("it unloads with waiting consumers");
        },
    );
}

#[test]
fn parameters_out_of_range_are_refused_with_a_reason_in_the_log() {
    guest::run(
        "producer_consumer::parameters_out_of_range_are_refused_with_a_reason_in_the_log",
        || {
            for parameters in
                ["prod=-1", "cons=-5", "size=-1", "prod=1001", "cons=100000", "size=1000001"]
            {
                let before = kernel_log::lines().len();
                assert_eq!(insmod(NAME, parameters), Err(Errno::EINVAL), "{parameters}");
                let said = kernel_log::lines().split_off(before).join("\n");
                let value = parameters.split_once('=').expect("it has a value").1;
                assert!(said.contains(NAME) && said.contains(value), "{parameters}: {said:?}");
            }
            assert_eq!(insmod(NAME, "prod=many"), Err(Errno::EINVAL));
            assert!(!std::path::Path::new("/sys/module/producer_consumer").exists());
        },
    );
}

#[test]
fn a_hundred_threads_are_gone_at_once_and_a_thousand_work() {
    guest::run("producer_consumer::a_hundred_threads_are_gone_at_once_and_a_thousand_work", || {
        insmod(NAME, "prod=50 cons=50 size=20").expect("it loads");
        wait_for("all threads to run", || {
            threads("Producer-").len() + threads("Consumer-").len() == 100
        });
        let start = Instant::now();
        rmmod(NAME).expect("it unloads");
        println!("unloading 100 threads took {:?}", start.elapsed());
        assert_eq!(threads("Producer-").len() + threads("Consumer-").len(), 0);
        insmod(NAME, "prod=500 cons=500 size=1000").expect("a thousand threads work");
        wait_for("items to be consumed", || value("consumed") > 1000);
        pause_and_balance();
        rmmod(NAME).expect("it unloads");
        insmod(NAME, "prod=1 cons=1 size=1000000").expect("a million slots work");
        wait_for("items to be consumed", || value("consumed") > 100);
        rmmod(NAME).expect("it unloads");
        assert_eq!(threads("Producer-").len() + threads("Consumer-").len(), 0);
    });
}

#[test]
fn controls_refuse_what_is_out_of_range_and_what_is_no_number() {
    guest::run(
        "producer_consumer::controls_refuse_what_is_out_of_range_and_what_is_no_number",
        || {
            insmod(NAME, "prod=1 cons=1 size=2").expect("it loads");
            for control in pc::MODULE.controls {
                let too_much = (control.max + 1).to_string();
                for wrong in [too_much.as_str(), "-1", "fast", "", "1 2"] {
                    if wrong.is_empty() {
                        continue;
                    }
                    let error = set(NAME, control.name, wrong).expect_err("it is refused");
                    assert_eq!(
                        error.raw_os_error(),
                        Some(nix::libc::EINVAL),
                        "{} = {wrong:?}",
                        control.name
                    );
                }
            }
            rmmod(NAME).expect("it unloads");
        },
    );
}

#[test]
fn items_are_told_at_a_bounded_rate_however_many_there_are() {
    guest::run(
        "producer_consumer::items_are_told_at_a_bounded_rate_however_many_there_are",
        || {
            let before = kernel_log::lines().len();
            let start = Instant::now();
            insmod(NAME, "prod=4 cons=4 size=100").expect("it loads");
            std::thread::sleep(Duration::from_secs(3));
            let items = value("produced") + value("consumed");
            rmmod(NAME).expect("it unloads");
            let seconds = start.elapsed().as_secs() + 1;
            let lines = kernel_log::lines().split_off(before);
            let told = lines.iter().filter(|line| line.contains(" item ")).count() as u64;
            // Five lines a second of each kind; one for each thread where several ask at once.
            assert!((1..=seconds * 5 * 8).contains(&told), "{told} lines in {seconds} s");
            assert!(items > 10 * told, "{items} items, {told} lines");
        },
    );
}

#[test]
fn anyone_may_read_the_counters_and_only_root_the_controls() {
    guest::run(
        "producer_consumer::anyone_may_read_the_counters_and_only_root_the_controls",
        || {
            insmod(NAME, "prod=1 cons=1 size=2").expect("it loads");
            let output = guest::as_nobody("producer_consumer::as_nobody");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            rmmod(NAME).expect("it unloads");
        },
    );
}

#[test]
#[ignore = "the part of another test that runs as the user nobody"]
fn as_nobody() {
    for name in pc::MODULE.counters.iter().map(|counter| counter.name) {
        value(name);
    }
    assert_eq!(table("threads", 24).len(), 2);
    assert_eq!(table("slots", 16).len(), 2);
    let error = set(NAME, "paused", "1").expect_err("not for nobody");
    assert_eq!(error.raw_os_error(), Some(nix::libc::EACCES));
    assert_eq!(rmmod(NAME), Err(Errno::EPERM));
}
