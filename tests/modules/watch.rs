// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters and tables as a watch reads them, with modules that come and go.

use std::ffi::CString;
use std::time::{Duration, Instant};

use nix::kmod::init_module;
use ringside::kernel::api::{Item, Request, Sample, TableRange};
use ringside::kernel::call::Calls;
use ringside::kernel::local::Local;
use ringside_uapi::producer_consumer as pc;

use super::guest::{self, insmod, rmmod};

const NAME: &str = "producer_consumer";

/// Starts to watch everything, with the whole table of threads.
fn watch() -> Calls {
    let size = 64 * size_of::<pc::ThreadRecord>() as u32;
    let threads = TableRange { module: NAME.into(), table: "threads".into(), offset: 0, size };
    let request = Request::Watch { interval_ms: 100, modules: Vec::new(), tables: vec![threads] };
    Calls::start(&Local::new(), request).expect("a watch starts")
}

/// The first of the next samples for which this holds.
fn sample_in_which(watch: &Calls, what: &str, holds: impl Fn(&Sample) -> bool) -> Sample {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        match watch.next() {
            Item::Sample(sample) if holds(&sample) => return sample,
            Item::Sample(_) => {}
            item => panic!("{what}: {item:?} ended the watch"),
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
    }
}

fn capacity(sample: &Sample) -> Option<i64> {
    let module = sample.modules.iter().find(|module| module.module == NAME)?;
    module.counters.iter().find(|counter| counter.name == "capacity")?.number()
}

#[test]
fn a_module_that_went_and_came_back_between_two_looks_is_read_again() {
    guest::run("watch::a_module_that_went_and_came_back_between_two_looks_is_read_again", || {
        // From memory, so that coming back takes no longer than it must.
        let image = std::fs::read(guest::module_file(NAME)).expect("the module was built");
        let load = |size: i64| {
            let parameters = CString::new(format!("prod={size} cons=1 size={size}"));
            init_module(&image, &parameters.expect("no NUL")).expect("it loads");
        };
        load(1);
        let watch = watch();
        let mut before = 0;
        for round in 1..=20 {
            let threads = round as usize * size_of::<pc::ThreadRecord>();
            let sample = sample_in_which(&watch, &format!("size {round} and its threads"), |now| {
                let table = now.tables.first().map(|table| table.bytes.len());
                capacity(now) == Some(round) && table == Some(threads + 24)
            });
            let instance = sample.modules.iter().find(|module| module.module == NAME);
            let instance = instance.expect("it was just seen").instance;
            assert_ne!(instance, before, "a module loaded again is another");
            before = instance;
            rmmod(NAME).expect("open files do not keep it");
            load(round + 1);
        }
        watch.control().cancel();
        rmmod(NAME).expect("it unloads");
    });
}

#[test]
fn the_counters_of_one_sample_never_contradict_each_other() {
    guest::run("watch::the_counters_of_one_sample_never_contradict_each_other", || {
        insmod(NAME, "prod=3 cons=3 size=10").expect("it loads");
        let watch = watch();
        for _ in 0..200 {
            let sample = sample_in_which(&watch, "the module", |now| capacity(now).is_some());
            let module = sample.modules.iter().find(|module| module.module == NAME);
            let values = &module.expect("it was just seen").counters;
            let value = |name: &str| {
                let value = values.iter().find(|counter| counter.name == name);
                value.and_then(|value| value.number()).expect("the contract has it")
            };
            let occupancy = value("occupancy");
            assert_eq!(value("produced") - value("consumed"), occupancy, "{values:?}");
            assert!(value("empty") <= 10 - occupancy && value("full") <= occupancy, "{values:?}");
            let names = values.iter().map(|counter| &counter.name);
            assert!(names.is_sorted(), "{values:?}");
            assert_eq!(values.len(), pc::MODULE.counters.len());
        }
        watch.control().cancel();
        rmmod(NAME).expect("it unloads");
    });
}
