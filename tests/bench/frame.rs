// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long one frame takes to draw: views 3, 4 and 5 at their busiest, on a
//! screen of 200×60. The aim is 1 ms of CPU time; build with `cargo bench`.

use std::mem::offset_of;
use std::sync::Arc;

use nix::time::{ClockId, clock_gettime};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ringside::dashboard::core::config::{ColorDepth, Config, ThemeName};
use ringside::dashboard::core::effect::Effect;
use ringside::dashboard::core::event::Event;
use ringside::dashboard::core::keys::Key;
use ringside::dashboard::core::link::Connection;
use ringside::dashboard::core::loadable::Loadable;
use ringside::dashboard::paint::canvas::Hits;
use ringside::dashboard::paint::theme::Look;
use ringside::dashboard::shell::frame::draw;
use ringside::dashboard::shell::model::Model;
use ringside::dashboard::shell::update::update;
use ringside::dashboard::views::memory::Memory;
use ringside::kernel::Item;
use ringside::kernel::api::{
    BlockAction, BlockDeviceInfo, BlockOutcome, Mapping, ModuleSummary, Request, Sample,
    SubjectAction, SubjectEvent, SubjectOutcome, Walk,
};
use ringside_uapi::producer_consumer::Snapshot;

const SCREEN: (u16, u16) = (200, 60);
const FRAMES: u32 = 500;
const ROUNDS: usize = 5;

fn model(view: &'static str, module: &str) -> Model {
    let mut model = Model::new(Config::default(), Default::default());
    model.size = SCREEN;
    model.link.connection = Connection::Up;
    model.link.kernel = Some(Default::default());
    model.modules = Loadable::Ready(vec![ModuleSummary {
        name: module.into(),
        counters: true,
        ..ModuleSummary::default()
    }]);
    model.view = view;
    model
}

/// 100 × 100 threads and a ring of 10,000 slots, a minute of samples.
fn ring() -> Model {
    const MODULE: &str = "producer_consumer";
    let mut model = model("producer-consumer", MODULE);
    for step in 0..600u64 {
        let (produced, consumed) = (step * 1000 + 7000, step * 1000);
        let last = step == 599;
        let mut table = head(produced, consumed);
        let mut slots = Vec::new();
        for kind in (0..2u8).take(if last { 2 } else { 0 }) {
            for index in 1..=100u32 {
                table.extend([kind, (index % 5) as u8, 0, 0]);
                table.extend(index.to_le_bytes());
                table.extend([step, step].map(u64::to_le_bytes).concat());
            }
        }
        for slot in (0..10_000u64).take(if last { 10_000 } else { 0 }) {
            let item = if slot % 10 < 7 { slot + 1 } else { 0 };
            slots.extend(item.to_le_bytes());
            slots.extend(((slot % 100) as u32 + 1).to_le_bytes());
            slots.extend([0; 4]);
        }
        table.extend(slots);
        model.counters.push(Sample::of_module(
            1000 + step * 100,
            MODULE,
            &[
                ("capacity", 10_000),
                ("consumed", consumed),
                ("occupancy", 7000 + step % 50),
                ("produced", produced),
            ],
            &[("consumer_delay", 0), ("paused", 0), ("producer_delay", 0)],
            vec![("snapshot", table)],
        ));
    }
    model
}

/// The numbers of a snapshot of that ring.
fn head(produced: u64, consumed: u64) -> Vec<u8> {
    let mut bytes = vec![0; size_of::<Snapshot>()];
    let mut put = |at: usize, number: &[u8]| bytes[at..at + number.len()].copy_from_slice(number);
    put(offset_of!(Snapshot, capacity), &10_000_u64.to_le_bytes());
    put(offset_of!(Snapshot, occupancy), &(produced - consumed).to_le_bytes());
    put(offset_of!(Snapshot, produced), &produced.to_le_bytes());
    put(offset_of!(Snapshot, consumed), &consumed.to_le_bytes());
    put(offset_of!(Snapshot, producers), &100_u32.to_le_bytes());
    put(offset_of!(Snapshot, consumers), &100_u32.to_le_bytes());
    put(offset_of!(Snapshot, slots), &10_000_u32.to_le_bytes());
    bytes
}

/// A subject with all 4096 pages, half of them walked.
fn memory() -> Model {
    let mut model = model("memory", "memalloc");
    press(&mut model, "n");
    press(&mut model, "\t");
    let subjects = model.views.get_mut::<Memory>().map(|view| &mut view.subjects);
    for subject in subjects.into_iter().flatten() {
        for page in 0..2048 {
            let vaddr = (1 << 46) + page * 4096;
            let entry = [0x1067, 0x2067, 0x3067, 0x4067, 0x8000_0000_1234_5067];
            subject.walks.insert(vaddr, Walk { vaddr, levels: 5, depth: 5, entry });
        }
    }
    model
}

/// A gigabyte of which a screenful of all byte values is known.
fn block() -> Model {
    let mut model = model("block", "kmod");
    for step in 0..600 {
        let counters = [("bytes_read", step * 4096), ("bytes_written", step * 512)];
        let sample = Sample::of_module(1000 + step * 100, "kmod", &counters, &[], Vec::new());
        model.counters.push(sample);
    }
    press(&mut model, "5");
    model
}

fn press(model: &mut Model, keys: &str) {
    for character in keys.chars() {
        let name = match character {
            '\t' => "tab".to_owned(),
            other => other.to_string(),
        };
        if let Some(key) = Key::parse(&name) {
            let effects = update(model, Event::Key(key));
            answer(model, effects);
        }
    }
}

/// Answers what the views ask.
fn answer(model: &mut Model, effects: Vec<Effect>) {
    for effect in effects {
        let Effect::Start { tag, request, input } = effect else {
            continue;
        };
        assert_eq!(input, Arc::default());
        let item = match request {
            Request::Subject => Item::Subject(SubjectEvent::Started { pid: 312 }),
            Request::SubjectDo { action, .. } => Item::SubjectDid(match action {
                SubjectAction::Maps => SubjectOutcome::Maps(vec![Mapping {
                    start: 1 << 46,
                    end: (1 << 46) + (4096 << 12),
                    permissions: "rw-s".into(),
                    name: "/dev/memalloc".into(),
                }]),
                SubjectAction::Walk { vaddr } => SubjectOutcome::Walk(Walk {
                    vaddr,
                    levels: 5,
                    depth: 5,
                    entry: [0x1067, 0x2067, 0x3067, 0x4067, 0x8000_0000_1234_5067],
                }),
                _ => SubjectOutcome::Done,
            }),
            Request::Block(BlockAction::Info) => Item::Block(BlockOutcome::Info(BlockDeviceInfo {
                size: 1 << 30,
                logical_block_size: 512,
                ..BlockDeviceInfo::default()
            })),
            Request::Block(BlockAction::ReadAt { size, .. }) => {
                let bytes = (0..size).map(|byte| byte as u8).collect();
                Item::Block(BlockOutcome::Bytes(bytes))
            }
            _ => continue,
        };
        let done = !matches!(item, Item::Subject(_));
        let effects = update(model, Event::Item(tag, item));
        answer(model, effects);
        if done {
            let effects = update(model, Event::Item(tag, Item::Done(Ok(()))));
            answer(model, effects);
        }
    }
}

/// Milliseconds of CPU time that this thread has used.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.map_or(f64::NAN, |time| time.tv_sec() as f64 * 1e3 + time.tv_nsec() as f64 / 1e6)
}

/// The median over the rounds of the mean over the frames.
fn measure(name: &str, model: &Model) {
    let area = Rect::new(0, 0, SCREEN.0, SCREEN.1);
    let look = Look::new(ThemeName::Dark, ColorDepth::True, true);
    let mut hits = Hits::default();
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = cpu_ms();
            for _ in 0..FRAMES {
                let mut buffer = Buffer::empty(area);
                draw(&mut buffer, &mut hits, model, look);
                std::hint::black_box(&buffer);
            }
            (cpu_ms() - start) / f64::from(FRAMES)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let (width, height) = SCREEN;
    println!("{name:<42} {width}×{height}: {:.3} ms of CPU a frame", rounds[ROUNDS / 2]);
}

fn main() {
    measure("producer-consumer, 100×100, 10,000 slots", &ring());
    measure("memory, 4096 pages", &memory());
    measure("block, 1 GiB", &block());
}
