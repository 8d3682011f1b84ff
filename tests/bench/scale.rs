// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much of everything there may be: guests one after another and at once, processors
//! of one, and modules, counters and log records in the dashboard. Prints figures and
//! judges nothing. Run it with `cargo bench --bench scale`; `RINGSIDE_GUESTS=20` starts
//! that many labs at once.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "a benchmark says what it expected, and exports nothing"
)]

mod figures;
mod labs;
#[path = "../terminal/runtime.rs"]
mod runtime;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use figures::{median, print};
use labs::Down;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ringside::dashboard::core::config::{ColorDepth, Config, ThemeName};
use ringside::dashboard::core::link::Connection;
use ringside::dashboard::core::loadable::Loadable;
use ringside::dashboard::paint::canvas::Hits;
use ringside::dashboard::paint::theme::Look;
use ringside::dashboard::shell::frame::draw;
use ringside::dashboard::shell::model::Model;
use ringside::kernel::api::{
    CounterValue, KmsgBatch, KmsgRecord, ModuleCounters, ModuleSummary, Sample,
};
use runtime::{Runtime, ringside};
use serde_json::Value;

const ONE_AFTER_ANOTHER: usize = 100;
const AT_ONCE: usize = 12;

fn main() {
    one_after_another();
    at_once();
    processors();
    dashboard();
}

fn one_after_another() {
    let runtime = Runtime::new();
    let exec = || {
        let start = Instant::now();
        ringside(runtime.folder(), &["exec", "--", "true"]);
        start.elapsed()
    };
    exec();
    let first = median((0..5).map(|_| exec()).collect()).as_secs_f64();
    let begun = Instant::now();
    let all: Vec<Duration> = (0..ONE_AFTER_ANOTHER).map(|_| exec()).collect();
    let each = begun.elapsed().as_secs_f64() / ONE_AFTER_ANOTHER as f64;
    let last = median(all[all.len() - 5..].to_vec()).as_secs_f64();
    print(&format!("{ONE_AFTER_ANOTHER} guests, each"), "s", each, "the first five", first);
    print("the last five of them", "s", last, "the first five", first);
}

fn at_once() {
    let wanted = std::env::var("RINGSIDE_GUESTS").ok().and_then(|count| count.parse().ok());
    let guests: usize = wanted.unwrap_or(AT_ONCE);
    let runtime = Runtime::new();
    let folder = runtime.folder();
    let _down = Down(folder);
    let begun = Instant::now();
    ringside(folder, &["up"]);
    let alone = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 1..guests {
            scope.spawn(|| ringside(folder, &["up"]));
        }
    });
    let all = begun.elapsed().as_secs_f64();
    print(&format!("{guests} labs at once, until all run"), "s", all, "one alone", alone);
    let labs: Value =
        serde_json::from_str(&ringside(folder, &["labs", "--json"])).expect("labs are JSON");
    let labs = labs.as_array().expect("a list");
    assert_eq!(labs.len(), guests, "all of them run");
    let processes: Vec<[u64; 2]> = labs
        .iter()
        .map(|lab| ["pid", "qemu_pid"].map(|name| lab["status"][name].as_u64().expect("a pid")))
        .collect();
    let mib = |pid: u64| own_memory(pid) / f64::from(1 << 20);
    let qemu = processes.iter().map(|[_, qemu]| mib(*qemu)).sum::<f64>() / guests as f64;
    let lab = processes.iter().map(|[lab, _]| mib(*lab)).sum::<f64>() / guests as f64;
    print("memory of a guest at rest", "MiB", qemu + lab, "the guest's memory", 512.0);
    let ticks = || -> u64 { processes.as_flattened().iter().map(|pid| ticks(*pid)).sum() };
    let before = ticks();
    thread::sleep(Duration::from_secs(10));
    // USER_HZ is 100 on x86-64.
    let percent = (ticks() - before) as f64 / 10.0 / guests as f64;
    print("processor time of a guest at rest", "% core", percent, "a processor", 100.0);
    let modules = |lab: &Value| {
        let begun = Instant::now();
        let id = lab["id"].as_str().expect("a name");
        ringside(folder, &["load", "--lab", id, "my_name"]);
        begun.elapsed()
    };
    let loads = median(labs.iter().map(modules).collect()).as_secs_f64();
    print("a module loaded beside the others", "s", loads, "a lab's start alone", alone);
}

/// A guest of two and one of eight processors.
fn processors() {
    let runtime = Runtime::new();
    let exec = |count: &str| {
        let arguments = ["exec", "--processors", count, "--", "true"];
        ringside(runtime.folder(), &arguments);
        let times = (0..5).map(|_| {
            let start = Instant::now();
            ringside(runtime.folder(), &arguments);
            start.elapsed()
        });
        median(times.collect()).as_secs_f64()
    };
    print("exec -- true with 8 processors", "s", exec("8"), "with 2", exec("2"));
}

/// Memory that goes with the process, its part of what it shares included, in bytes.
fn own_memory(pid: u64) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("Pss:")).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) * 1024.0
}

/// User and system time so far, in ticks.
fn ticks(pid: u64) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(") ").map(|(_, rest)| rest).unwrap_or_default();
    let field = |index| rest.split_whitespace().nth(index).and_then(|text| text.parse().ok());
    field(11).unwrap_or(0u64) + field(12).unwrap_or(0)
}

/// Frames and samples of a dashboard with a few modules and with a thousand, and what a
/// million log records cost.
fn dashboard() {
    let few = crowded(4, 10);
    let many = crowded(1000, 10);
    let usual = frame(&few);
    print("a frame of view 1 with 1,000 modules", "ms", frame(&many), "with 4", usual);
    let cost = |mut model: Model, modules| {
        let mut step = 60;
        timed(20, || {
            step += 1;
            assert!(model.counters.push(sample(modules, 10, step)), "it is newer");
        })
    };
    print("a sample of 10,000 counters", "ms", cost(many, 1000), "of 40", cost(few, 4));

    let mut model = crowded(4, 10);
    model.view = "log";
    let usual = frame(&model);
    let before = own_memory(u64::from(std::process::id()));
    let begun = Instant::now();
    for batch in 0..1000 {
        model.log.push(records(batch));
    }
    let each = begun.elapsed().as_secs_f64() * 1e3 / 1000.0;
    print("a thousand of 1,000,000 log records", "ms", each, "a tenth of a second", 100.0);
    print("a frame of the log with all of them", "ms", frame(&model), "with none", usual);
    let grown = (own_memory(u64::from(std::process::id())) - before) / f64::from(1 << 20);
    let kept = model.log.len();
    print(&format!("memory of the {kept} that are kept"), "MiB", grown, "target", 256.0);
}

fn crowded(modules: usize, counters: usize) -> Model {
    let mut model = Model::new(Config::default(), Default::default());
    model.size = (200, 60);
    model.link.connection = Connection::Up;
    model.link.kernel = Some(Default::default());
    let summary = |number| ModuleSummary {
        name: format!("module_{number}"),
        counters: true,
        ..ModuleSummary::default()
    };
    model.modules = Loadable::Ready((0..modules).map(summary).collect());
    for step in 0..60 {
        model.counters.push(sample(modules, counters, step));
    }
    model
}

fn sample(modules: usize, counters: usize, step: u64) -> Sample {
    let value = |number| CounterValue::new(format!("counter_{number}"), step * 7);
    let module = |number| ModuleCounters {
        module: format!("module_{number}"),
        instance: 1,
        counters: (0..counters).map(value).collect(),
        controls: Vec::new(),
    };
    Sample {
        at_ms: 1000 + step * 100,
        modules: (0..modules).map(module).collect(),
        tables: Vec::new(),
    }
}

fn records(batch: u64) -> KmsgBatch {
    let record = |number| KmsgRecord {
        sequence: batch * 1000 + number,
        text: format!("module_{}: item {number} of batch {batch} was consumed", number % 9),
        ..KmsgRecord::default()
    };
    KmsgBatch { records: (0..1000).map(record).collect() }
}

/// Milliseconds that a frame takes.
fn frame(model: &Model) -> f64 {
    let look = Look::new(ThemeName::Dark, ColorDepth::True, true);
    let mut hits = Hits::default();
    timed(50, || {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
        draw(&mut buffer, &mut hits, model, look);
        std::hint::black_box(&buffer);
    })
}

/// Milliseconds that one of so many takes.
fn timed(rounds: u32, mut what: impl FnMut()) -> f64 {
    let begun = Instant::now();
    for _ in 0..rounds {
        what();
    }
    begun.elapsed().as_secs_f64() * 1e3 / f64::from(rounds)
}
