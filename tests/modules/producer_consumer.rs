// SPDX-License-Identifier: MIT OR Apache-2.0
//! producer_consumer: threads, semaphores, pause, step, tables, limits.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
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
        // However slow the guest is: whoever waits for a delay waits for most of a minute.
        assert!(start.elapsed() < Duration::from_secs(50), "it waited for the delays to pass");
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
            for parameters in [
                "prod=-1",
                "cons=-5",
                "size=-1",
                "prod=2147483648",
                "cons=99999999999",
                "size=2147483647",
                "producer_delay=60000001",
                "consumer_delay=-1",
            ] {
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
                for wrong in [too_much.as_str(), "-1", "fast", "\n", " ", "1 2"] {
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
fn a_write_of_nothing_changes_no_control() {
    guest::run("producer_consumer::a_write_of_nothing_changes_no_control", || {
        insmod(NAME, "prod=1 cons=1 size=2 producer_delay=7").expect("it loads");
        set(NAME, "paused", "1").expect("it pauses");
        let before = kernel_log::lines().len();
        for (control, value) in [("producer_delay", "7"), ("paused", "1"), ("step", "0")] {
            let path = format!("/sys/module/{NAME}/controls/{control}");
            let mut file = File::options().write(true).open(&path).expect("root may write it");
            assert_eq!(file.write(b"").expect("nothing is refused"), 0, "{control}");
            assert_eq!(guest::text(&path), value, "{control} is as it was");
        }
        let said = kernel_log::lines().split_off(before);
        assert!(!said.iter().any(|line| line.contains("refused")), "{said:?}");
        rmmod(NAME).expect("it unloads");
    });
}

/// A shell that writes a control.
fn writer(control: &str, value: &str) -> Child {
    let line = format!("echo {value} > /sys/module/{NAME}/controls/{control}");
    Command::new("sh").args(["-c", &line]).spawn().expect("a shell starts")
}

/// Sends a signal, and waits until the process has ended.
fn ends_at(signal: Signal, mut child: Child) {
    let pid = Pid::from_raw(child.id().try_into().expect("a process number"));
    kill(pid, signal).expect("it is there until it is waited for");
    wait_for("a process that was sent a signal to end", || {
        child.try_wait().expect("it is ours").is_some()
    });
}

#[test]
fn a_write_behind_a_long_step_can_be_killed_and_so_can_the_step() {
    guest::run(
        "producer_consumer::a_write_behind_a_long_step_can_be_killed_and_so_can_the_step",
        || {
            insmod(NAME, "prod=2 cons=2 size=10").expect("it loads");
            set(NAME, "paused", "1").expect("it pauses");
            let moved = || value("produced") + value("consumed");
            for signal in [Signal::SIGKILL, Signal::SIGINT] {
                let before = moved();
                let step = writer("step", "1000000");
                wait_for("the step to be under way", || moved() > before + 10);
                let behind = [writer("paused", "0"), writer("step", "1"), writer("paused", "1")];
                // Delays are for the threads alone and wait for nobody.
                set(NAME, "producer_delay", "5").expect("it is set at once");
                let before = moved();
                wait_for("the step to go on", || moved() > before + 10);
                for waiting in behind {
                    ends_at(signal, waiting);
                }
                ends_at(signal, step);
                assert_eq!(guest::text("/sys/module/producer_consumer/controls/paused"), "1");
                pause_and_balance();
            }
            let step = writer("step", "1000000");
            let behind = writer("paused", "0");
            rmmod(NAME).expect("nobody's write keeps it");
            for mut child in [step, behind] {
                wait_for("the writers to end", || child.try_wait().expect("it is ours").is_some());
            }
        },
    );
}

#[test]
fn a_pause_whose_writer_is_killed_completes_by_itself() {
    guest::run("producer_consumer::a_pause_whose_writer_is_killed_completes_by_itself", || {
        insmod(NAME, "prod=100 cons=100 size=7").expect("it loads");
        for round in 0..30 {
            let pause = writer("paused", "1");
            std::thread::sleep(Duration::from_micros(300 * round));
            ends_at(Signal::SIGKILL, pause);
            if round % 2 == 0 {
                set(NAME, "paused", "0").expect("it goes on, when the pause is complete");
            }
            pause_and_balance();
            set(NAME, "paused", "0").expect("it goes on");
        }
        rmmod(NAME).expect("it unloads");
    });
}

#[test]
fn the_threads_take_what_the_rest_leaves() {
    guest::run("producer_consumer::the_threads_take_what_the_rest_leaves", || {
        insmod(NAME, "prod=3 cons=3 size=10").expect("it loads");
        let mut seen = 0;
        for entry in std::fs::read_dir("/proc").expect("/proc can be read").flatten() {
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            if !name.starts_with("Producer-") && !name.starts_with("Consumer-") {
                continue;
            }
            let pid = entry.file_name().to_string_lossy().parse().expect("a process number");
            // SAFETY: It only asks for a number.
            let policy = unsafe { nix::libc::sched_getscheduler(pid) };
            assert_eq!(policy, nix::libc::SCHED_IDLE, "{name}");
            seen += 1;
        }
        assert_eq!(seen, 6);
        rmmod(NAME).expect("it unloads");
    });
}

#[test]
fn fifteen_hundred_threads_and_two_million_slots_are_no_limit() {
    guest::run(
        "producer_consumer::fifteen_hundred_threads_and_two_million_slots_are_no_limit",
        || {
            // At full speed so many threads, emulated and with every check of the debug
            // kernel, leave no time between two ticks.
            let parameters = "prod=1500 cons=0 size=2000000 producer_delay=1000000";
            insmod(NAME, parameters).expect("so many fit");
            assert_eq!(threads("Producer-").len(), 1500);
            assert_eq!(value("capacity"), 2_000_000);
            let size = |name: &str| {
                let path = format!("/sys/module/{NAME}/counters/{name}");
                std::fs::metadata(path).expect("the table is there").len()
            };
            assert_eq!((size("threads"), size("slots")), (1500 * 24, 2_000_000 * 16));
            let records = table("threads", 24);
            assert_eq!((records.len(), u32_at(&records[1499], 4)), (1500, 1500));
            wait_for("items to be produced", || value("produced") > 1000);
            rmmod(NAME).expect("it unloads");
            assert_eq!(threads("Producer-"), Vec::<String>::new());
        },
    );
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason_and_nothing_is_killed_for_it() {
    guest::run(
        "producer_consumer::what_does_not_fit_is_refused_with_the_reason_and_nothing_is_killed_for_it",
        || {
            let refused = |parameters: &str, reasons: &[Errno], words: &str| {
                let before = kernel_log::lines().len();
                let errno = insmod(NAME, parameters).expect_err(parameters);
                assert!(reasons.contains(&errno), "{parameters}: {errno}");
                let said = kernel_log::lines().split_off(before).join("\n");
                assert!(said.contains(words), "{parameters}: {said}");
                assert!(!said.contains("Out of memory"), "{parameters}: {said}");
                let left = threads("Producer-").len() + threads("Consumer-").len();
                assert_eq!(left, 0, "{parameters}");
            };
            let memory = [Errno::ENOMEM];
            refused("size=2000000000", &memory, "2000000000 slots and 2 threads refused (ENOMEM)");
            refused("size=100000000", &memory, "KiB of memory are to be had");
            refused("prod=2000000000", &memory, "refused (ENOMEM)");
            // Which of the two ends first depends on the machine.
            let either = [Errno::ENOMEM, Errno::EAGAIN];
            refused("prod=40000 cons=40000", &either, "cannot start thread ");
            insmod(NAME, "prod=1 cons=1 size=10").expect("what fits loads afterwards");
            wait_for("items to be consumed", || value("consumed") > 10);
            rmmod(NAME).expect("it unloads");
        },
    );
}

#[test]
fn it_starts_at_full_speed_or_with_the_delays_it_is_given() {
    guest::run("producer_consumer::it_starts_at_full_speed_or_with_the_delays_it_is_given", || {
        let delay = |name: &str| guest::text(&format!("/sys/module/{NAME}/controls/{name}"));
        insmod(NAME, "").expect("it loads");
        assert_eq!((delay("producer_delay"), delay("consumer_delay")), ("0".into(), "0".into()));
        wait_for("items to be consumed", || value("consumed") > 1000);
        rmmod(NAME).expect("it unloads");
        insmod(NAME, "producer_delay=60000000 consumer_delay=300000").expect("it loads");
        assert_eq!(delay("producer_delay"), "60000000");
        assert_eq!(delay("consumer_delay"), "300000");
        wait_for("the first item to be consumed", || value("consumed") == 1);
        assert_eq!(value("produced"), 1, "the producer sleeps for a minute");
        rmmod(NAME).expect("it unloads");
    });
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
