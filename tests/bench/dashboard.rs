// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the dashboard costs without a kernel: drawing a frame, taking in the
//! log, searching it, remembering counters. Prints figures and judges nothing.
//! Run it with `cargo bench --bench dashboard`.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "a benchmark says what it expected, and exports nothing"
)]

mod figures;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use figures::{median, print};
use nix::time::{ClockId, clock_gettime};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ringside::dashboard::core::config::{ColorDepth, Config, ThemeName};
use ringside::dashboard::core::effect::{CallTag, Effect};
use ringside::dashboard::core::event::Event;
use ringside::dashboard::core::keys::Key;
use ringside::dashboard::paint::canvas::Hits;
use ringside::dashboard::paint::theme::Look;
use ringside::dashboard::replay::{Player, convert};
use ringside::dashboard::shell::frame::draw;
use ringside::dashboard::shell::model::Model;
use ringside::dashboard::shell::update::update;
use ringside::kernel::api::{
    CounterValue, KernelInfo, KmsgBatch, KmsgRecord, ModuleCounters, ModuleSummary, Sample,
    TableBytes,
};
use ringside::kernel::{Item, Request, TargetError};
use ringside::tape::{Recorder, Tape};

const RECORDS: u64 = 200_000;

/// A model and the tags of the streams that it asked for.
struct Dashboard {
    model: Model,
    kmsg: Option<CallTag>,
    watch: Option<CallTag>,
    /// Records what happens, if anything does.
    recorder: Option<Recorder>,
}

impl Dashboard {
    fn new() -> Self {
        Self::recorded(None)
    }

    fn recorded(path: Option<&Path>) -> Self {
        let model = Model::new(Config::default(), BTreeMap::new());
        let start = convert::start(&model, None);
        let recorder = path.map(|path| Recorder::create(path, &start).expect("a new file"));
        let mut dashboard = Self { model, kmsg: None, watch: None, recorder };
        dashboard.send(Event::Resize { width: 200, height: 60 });
        dashboard.send(Event::Tick { now_ms: 100 });
        dashboard
    }

    fn send(&mut self, event: Event) {
        if let (Some(recorder), Some(entry)) = (&mut self.recorder, convert::entry(&event)) {
            recorder.write(&entry);
        }
        for effect in update(&mut self.model, event) {
            if let (Some(recorder), Some(entry)) = (&mut self.recorder, convert::asked(&effect)) {
                recorder.write(&entry);
            }
            let Effect::Start { tag, request, .. } = effect else {
                continue;
            };
            let answer = match request {
                Request::Kernel => Item::Kernel(KernelInfo {
                    release: "7.3.4-ringside-lab".into(),
                    memory_kib: (500_000, 400_000),
                    guest: true,
                    root: true,
                    page_table_levels: 5,
                    ..KernelInfo::default()
                }),
                Request::Modules => {
                    let names = (0..60).map(|index| format!("module_{index}"));
                    let ours = ringside_uapi::MODULES.iter().map(|module| module.name.to_owned());
                    let summary = |name| ModuleSummary {
                        name,
                        state: "Live".into(),
                        ..ModuleSummary::default()
                    };
                    Item::Modules(ours.chain(names).map(summary).collect())
                }
                Request::Kmsg { .. } => {
                    self.kmsg = Some(tag);
                    continue;
                }
                Request::Watch { .. } => {
                    self.watch = Some(tag);
                    continue;
                }
                _ => Item::Done(Err(TargetError::Unsupported("not in a benchmark".into()))),
            };
            let done = matches!(answer, Item::Done(_));
            self.send(Event::Item(tag, answer));
            if !done {
                self.send(Event::Item(tag, Item::Done(Ok(()))));
            }
        }
    }

    fn keys(&mut self, keys: &str) {
        for key in Key::parse_many(keys).expect("keys that can be read") {
            self.send(Event::Key(key));
        }
    }

    fn log(&mut self, from: u64, count: u64) {
        let records = (from..from + count).map(record).collect();
        let tag = self.kmsg.expect("the log is followed");
        self.send(Event::Item(tag, Item::Kmsg(KmsgBatch { records })));
    }

    fn sample(&mut self, step: u64, counters: usize) {
        let value = |index: usize| {
            let value = step * (index as u64 + 1) % 100_000;
            CounterValue::new(format!("counter_{index}"), value)
        };
        let mut modules: Vec<ModuleCounters> = ringside_uapi::MODULES
            .iter()
            .map(|module| ModuleCounters {
                instance: 1,
                module: module.name.into(),
                counters: module
                    .counters
                    .iter()
                    .enumerate()
                    .map(|(index, counter)| {
                        CounterValue::new(counter.name, step * (index as u64 + 1))
                    })
                    .collect(),
                controls: Vec::new(),
            })
            .collect();
        if counters > 0 {
            modules = vec![ModuleCounters {
                instance: 1,
                module: "many".into(),
                counters: (0..counters).map(value).collect(),
                controls: Vec::new(),
            }];
        }
        let tag = self.watch.expect("the counters are watched");
        let sample = Sample { at_ms: step * 100, modules, tables: Vec::new() };
        self.send(Event::Item(tag, Item::Sample(sample)));
    }

    /// A sample of a ring of 64 slots with 16 threads, with its picture.
    fn ring(&mut self, step: u64) {
        let values =
            [("occupancy", step * 7 % 64), ("produced", step * 97), ("consumed", step * 96)];
        let counters = values.map(|(name, value)| CounterValue::new(name, value)).to_vec();
        let module = "producer_consumer".to_owned();
        let mut bytes = vec![0_u8; 64 * 16 + 16 * 32];
        for slot in 0..64 {
            let item = (step * 97).saturating_sub((64 - slot) % 64);
            let at = slot as usize * 16;
            bytes[at..at + 8].copy_from_slice(&item.to_le_bytes());
        }
        for thread in 0..16 {
            let at = 1024 + thread * 32;
            let items = step * 6 + thread as u64 * step % 5;
            bytes[at] = (step % 5) as u8;
            bytes[at + 8..at + 16].copy_from_slice(&items.to_le_bytes());
            bytes[at + 16..at + 24].copy_from_slice(&(items / 3).to_le_bytes());
        }
        let table = TableBytes::from_start(&module, "snapshot", bytes);
        let sample = Sample {
            at_ms: step * 100,
            modules: vec![ModuleCounters { instance: 1, module, counters, controls: Vec::new() }],
            tables: vec![table],
        };
        let tag = self.watch.expect("the counters are watched");
        self.send(Event::Item(tag, Item::Sample(sample)));
    }

    fn draw(&self, buffer: &mut Buffer) {
        let look = Look::new(ThemeName::Dark, ColorDepth::True, true);
        buffer.reset();
        draw(buffer, &mut Hits::default(), &self.model, look);
    }
}

fn record(sequence: u64) -> KmsgRecord {
    KmsgRecord {
        sequence,
        at_us: sequence * 20,
        level: if sequence % 1000 == 7 { 4 } else { 6 },
        text: format!(
            "producer_consumer: Producer-{} puts item {sequence} into slot {}",
            sequence % 100,
            sequence % 1000
        ),
        ..KmsgRecord::default()
    }
}

fn main() {
    // First, while nothing that was freed can be used again.
    series();
    frames();
    ingest();
    recordings();
    search("text, the match is the oldest record", "slot 3 ", "Producer-3 puts item 3 ");
}

/// CPU time of this thread.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock").into()
}

/// Views at their busiest; those with pictures are measured by `--bench frame`.
const BUSIEST: [(&str, &str, &str); 5] = [
    ("overview", "", "overview, every module's counters move"),
    ("name", "", "name and syscall, in a busy log"),
    ("log", "/item 7<enter>", "log, a match in every second line"),
    ("log", "<esc><esc>f<tab>", "log, a record with all its fields"),
    ("modules", "z", "modules, the charts of one"),
];

fn frames() {
    let mut dashboard = Dashboard::new();
    dashboard.log(0, 50_000);
    for step in 1..3000 {
        dashboard.sample(step, 0);
    }
    let area = Rect::new(0, 0, 200, 60);
    let mut shown = Buffer::empty(area);
    let mut next = Buffer::empty(area);
    let mut step = 3000;
    let mut sequence = 50_000;
    for (id, keys, what) in BUSIEST {
        dashboard.model.show(id);
        dashboard.keys(keys);
        while dashboard.model.has_work() {
            dashboard.send(Event::Work);
        }
        let mut times = Vec::new();
        for _ in 0..101 {
            step += 1;
            dashboard.sample(step, 0);
            dashboard.log(sequence, 100);
            sequence += 100;
            while dashboard.model.has_work() {
                dashboard.send(Event::Work);
            }
            let start = cpu();
            dashboard.draw(&mut next);
            black_box(shown.diff(&next).len());
            times.push(cpu() - start);
            std::mem::swap(&mut shown, &mut next);
        }
        let name = format!("frame at 200x60, CPU: {what}");
        let figure = median(times).as_secs_f64() * 1e3;
        print(&name, "ms", figure, "target", 1.0);
    }
}

fn ingest() {
    let mut dashboard = Dashboard::new();
    dashboard.model.show("log");
    dashboard.keys("/item 77<enter>f");
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    let (mut from, mut slowest) = (0, Duration::ZERO);
    let start = Instant::now();
    // 50 lines a batch; a frame every 33 ms at 50,000 lines a second is one every 1650 lines.
    for batch in 0..20_000u64 {
        let turn = Instant::now();
        dashboard.log(from, 50);
        from += 50;
        if dashboard.model.has_work() {
            dashboard.send(Event::Work);
        }
        if batch % 33 == 0 {
            dashboard.draw(&mut buffer);
        }
        slowest = slowest.max(turn.elapsed());
    }
    let rate = from as f64 / start.elapsed().as_secs_f64();
    print("log lines taken in, filtered, searched and drawn", "k/s", rate / 1e3, "target", 50.0);
    print("slowest turn of the loop meanwhile", "ms", slowest.as_secs_f64() * 1e3, "target", 50.0);
    let totals = dashboard.model.log.totals();
    println!("  {totals:?}, {} kept", dashboard.model.log.len());
}

fn search(name: &str, first: &str, wanted: &str) {
    let mut dashboard = Dashboard::new();
    for from in (0..RECORDS).step_by(1000) {
        dashboard.log(from, 1000);
    }
    dashboard.model.show("log");
    let mut times = Vec::new();
    let mut slowest = Duration::ZERO;
    for _ in 0..11 {
        dashboard.keys("<esc><esc>G/");
        // All but the last character is typed and searched for before.
        dashboard.keys(first);
        dashboard.keys("<ctrl-u>");
        dashboard.keys(&wanted[..wanted.len() - 1]);
        while dashboard.model.has_work() {
            dashboard.send(Event::Work);
        }
        let start = Instant::now();
        dashboard.keys(&wanted[wanted.len() - 1..]);
        while dashboard.model.log.match_count() == 0 {
            let turn = Instant::now();
            dashboard.send(Event::Work);
            slowest = slowest.max(turn.elapsed());
        }
        times.push(start.elapsed());
        dashboard.keys("<enter>");
    }
    let figure = median(times).as_secs_f64() * 1e3;
    let name = format!("search in 200,000: {name}");
    print(&name, "ms", figure, "target", 50.0);
    print("slowest slice of the search", "ms", slowest.as_secs_f64() * 1e3, "target", 50.0);
}

/// Ten samples a second of a busy ring and twenty lines of its log.
fn busy(dashboard: &mut Dashboard, minutes: u64) {
    for step in 1..=minutes * 600 {
        dashboard.send(Event::Tick { now_ms: step * 100 });
        dashboard.ring(step);
        dashboard.log(step * 2, 2);
        while dashboard.model.has_work() {
            dashboard.send(Event::Work);
        }
    }
}

fn recordings() {
    let folder = tempfile::tempdir().expect("a folder for recordings");
    let ten = folder.path().join("ten.ringside");
    let measured = |path: Option<&Path>| {
        let mut dashboard = Dashboard::recorded(path);
        let start = cpu();
        busy(&mut dashboard, 10);
        let time = cpu() - start;
        (time, dashboard.recorder.take().map(|recorder| recorder.finish().expect("it is written")))
    };
    let (without, _) = measured(None);
    let (with, recorded) = measured(Some(&ten));
    let each = |time: Duration| time.as_secs_f64() * 1e3 / 6000.0;
    print(
        "a sample and its log, recorded, CPU of the loop",
        "ms",
        each(with),
        "not",
        each(without),
    );
    let bytes = recorded.map_or(0, |recorded| recorded.bytes);
    print("ten minutes of a busy ring, recorded", "MB", bytes as f64 / 1e6, "target", 2.0);

    let hour = folder.path().join("hour.ringside");
    let mut dashboard = Dashboard::recorded(Some(&hour));
    busy(&mut dashboard, 60);
    drop(dashboard);
    let tape = Tape::open(&hour).expect("it is a recording");
    let length = tape.length_ms();
    let mut player = Player::new(tape, (200, 60), Model::default().shared.keymap);
    let start = Instant::now();
    while player.work(Duration::from_millis(10)) {}
    let once = start.elapsed().as_secs_f64();
    println!("  {once:.1} s to look an hour through, once, beside the picture");
    let mut slowest = Duration::ZERO;
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    let look = Look::new(ThemeName::Dark, ColorDepth::True, true);
    for jump in 0..60_u64 {
        let start = Instant::now();
        player.go(jump * 37 % 60 * length / 60 + 500);
        player.draw(&mut buffer, &mut Hits::default(), look);
        slowest = slowest.max(start.elapsed());
    }
    let slowest = slowest.as_secs_f64() * 1e3;
    print("jump anywhere in an hour's recording, the slowest", "ms", slowest, "target", 100.0);
}

/// Memory that is this process's own, in MB.
fn resident() -> f64 {
    // Other files of /proc count in batches.
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("smaps_rollup");
    let line = text.lines().find(|line| line.starts_with("Rss:"));
    let words = line.and_then(|line| line.split_whitespace().nth(1));
    words.and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0) * 1.024 / 1e3
}

fn series() {
    let before = resident();
    let mut dashboard = Dashboard::new();
    let steps = 8 * 3600 * 10;
    let start = Instant::now();
    for step in 1..=steps {
        dashboard.sample(step, 40);
    }
    let each = start.elapsed().as_secs_f64() * 1e6 / steps as f64;
    print("40 counters at 10 Hz for 8 hours, memory", "MB", resident() - before, "target", 64.0);
    let kept = (0..40).all(|index| {
        let name = format!("counter_{index}");
        dashboard.model.counters.value("many", &name).is_some()
    });
    assert!(kept, "all 40 counters are kept");
    println!("  {each:.1} µs for a sample of 40 counters");
}
