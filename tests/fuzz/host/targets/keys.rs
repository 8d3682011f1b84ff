// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys, clicks, sizes, samples and records in any order: the dashboard is drawn after
//! each, and can be left after all.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ringside::dashboard::core::config::{ColorDepth, Config, ThemeName};
use ringside::dashboard::core::{CallTag, Effect, Event, Hit, Key, KeyCode};
use ringside::dashboard::paint::{Hits, Look};
use ringside::dashboard::shell::frame::draw;
use ringside::dashboard::shell::model::Model;
use ringside::dashboard::shell::update::update;
use ringside::kernel::api::{
    CounterValue, KernelInfo, KmsgBatch, KmsgRecord, ModuleCounters, ModuleSummary, Sample,
};
use ringside::kernel::{Item, Request, TargetError};

/// Events of a sequence.
const LONGEST: usize = 80;

const KEYS: [KeyCode; 12] = [
    KeyCode::Enter,
    KeyCode::Esc,
    KeyCode::Tab,
    KeyCode::BackTab,
    KeyCode::Up,
    KeyCode::Down,
    KeyCode::Left,
    KeyCode::Right,
    KeyCode::PageUp,
    KeyCode::PageDown,
    KeyCode::Backspace,
    KeyCode::Home,
];

const SIZES: [(u16, u16); 8] =
    [(80, 24), (200, 60), (1, 1), (0, 0), (20, 5), (39, 11), (300, 2), (7, 90)];

struct Dashboard {
    model: Model,
    kmsg: Option<CallTag>,
    watch: Option<CallTag>,
    size: (u16, u16),
    now_ms: u64,
    quit: bool,
}

impl Dashboard {
    fn new() -> Self {
        let model = Model::new(Config::default(), BTreeMap::new());
        let mut this =
            Self { model, kmsg: None, watch: None, size: (80, 24), now_ms: 100, quit: false };
        this.send(Event::Resize { width: 80, height: 24 });
        this.send(Event::Tick { now_ms: 100 });
        this
    }

    fn send(&mut self, event: Event) {
        for effect in update(&mut self.model, event) {
            let (tag, request) = match effect {
                Effect::Start { tag, request, .. } => (tag, request),
                Effect::Quit => {
                    self.quit = true;
                    continue;
                }
                _ => continue,
            };
            let answer = match request {
                Request::Kernel => Item::Kernel(KernelInfo {
                    release: "7.3.4".into(),
                    guest: true,
                    root: true,
                    page_table_levels: 5,
                    ..KernelInfo::default()
                }),
                Request::Modules => Item::Modules(
                    ["memalloc", "kmod", "producer_consumer", "my_name", "other"]
                        .map(|name| ModuleSummary {
                            name: name.into(),
                            state: "Live".into(),
                            ..ModuleSummary::default()
                        })
                        .into(),
                ),
                Request::Kmsg { .. } => {
                    self.kmsg = Some(tag);
                    continue;
                }
                Request::Watch { .. } => {
                    self.watch = Some(tag);
                    continue;
                }
                _ => {
                    let why = TargetError::Unsupported("nobody is there".into());
                    self.send(Event::Item(tag, Item::Done(Err(why))));
                    continue;
                }
            };
            self.send(Event::Item(tag, answer));
            self.send(Event::Item(tag, Item::Done(Ok(()))));
        }
    }

    fn press(&mut self, code: KeyCode) {
        self.send(Event::Key(Key::plain(code)));
    }

    fn draw(&self) {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        let look = Look::new(ThemeName::Dark, ColorDepth::True, true);
        draw(&mut buffer, &mut Hits::default(), &self.model, look);
    }

    /// Two bytes say what happens, and to what.
    fn event(&mut self, what: u8, which: u8) {
        match what % 32 {
            0..16 => {
                let letter = char::from(b' ' + which % 95);
                self.press(KeyCode::Char(letter));
            }
            16..22 => self.press(KEYS[usize::from(which) % KEYS.len()]),
            22 => {
                let hit = match which % 2 {
                    0 => Hit::Layer(usize::from(which)),
                    _ => Hit::Row { pane: which % 6, index: usize::from(which) << 5 },
                };
                self.send(Event::Click(hit));
            }
            23 => self.send(Event::Wheel { up: which % 2 == 0 }),
            24 => {
                self.size = SIZES[usize::from(which) % SIZES.len()];
                let (width, height) = self.size;
                self.send(Event::Resize { width, height });
            }
            25 => {
                self.now_ms += u64::from(which) * 20;
                self.send(Event::Tick { now_ms: self.now_ms });
            }
            26 => self.send(Event::Paste("x\u{202e}\r\n".repeat(usize::from(which)))),
            27 => self.record(which),
            28 => self.sample(which),
            29 if self.model.has_work() => self.send(Event::Work),
            _ => {
                let key = Key { code: KeyCode::Char('u'), ctrl: which % 2 == 0, alt: which % 3 == 0 };
                self.send(Event::Key(key));
            }
        }
    }

    fn record(&mut self, which: u8) {
        let Some(tag) = self.kmsg else { return };
        let texts = ["BUG: x", "RIP: 0010:f+0x1/0x2 [kmod]", "Call Trace:", "memalloc: 1 page"];
        let record = KmsgRecord {
            sequence: u64::from(which),
            at_us: u64::from(which) << (which % 60),
            level: which % 8,
            text: texts[usize::from(which) % texts.len()].into(),
            ..KmsgRecord::default()
        };
        self.send(Event::Item(tag, Item::Kmsg(KmsgBatch { records: vec![record] })));
    }

    fn sample(&mut self, which: u8) {
        let Some(tag) = self.watch else { return };
        let value = i64::from(which) << (which % 60);
        let counters = [("occupancy", value), ("pages_mapped", -value)];
        let counters = counters.map(|(name, value)| CounterValue::new(name, value)).to_vec();
        let module = ["memalloc", "producer_consumer"][usize::from(which) % 2].to_owned();
        let modules =
            vec![ModuleCounters { instance: 1, module, counters, controls: Vec::new() }];
        let at_ms = self.now_ms + u64::from(which);
        self.send(Event::Item(tag, Item::Sample(Sample { at_ms, modules, tables: Vec::new() })));
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut dashboard = Dashboard::new();
    for pair in bytes.chunks_exact(2).take(LONGEST) {
        dashboard.event(pair[0], pair[1]);
        dashboard.draw();
        if dashboard.quit {
            return;
        }
    }
    // Out of whatever is open, which may be several things.
    (0..6).for_each(|_| dashboard.press(KeyCode::Esc));
    (0..2).for_each(|_| dashboard.press(KeyCode::Char('q')));
    assert!(dashboard.quit, "it can't be left");
});
